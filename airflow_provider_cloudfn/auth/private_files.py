"""Files that only one user can reach: what the processes of that user on one machine share."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["opened_to_lock", "require_private_folder"]


def require_private_folder(folder: Path) -> None:
    """
    Make a folder, and make sure that it is this user's alone.

    :raises OSError: when it is not, or can't be made.
    """
    with suppress(FileExistsError):
        folder.mkdir(mode=0o700, parents=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o077:
        raise PermissionError(1, "the folder of the token store is not this user's alone", str(folder))


def opened_to_lock(path: Path) -> int:
    """
    Return the descriptor of a file that can be locked, read and written, and is made if it is not there.

    :param path: The file, in a folder that is this user's alone.
    :raises OSError: when that can't be done.
    """
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, 0o600)
