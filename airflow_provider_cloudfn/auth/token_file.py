"""Tokens that the processes of one user on one machine share, in sealed files: 100 tasks ask for one token."""

from __future__ import annotations

import fcntl
import logging
import os
import re
import secrets
import stat
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from airflow_provider_cloudfn.auth.private_files import opened_to_lock, require_private_folder
from airflow_provider_cloudfn.auth.shared_tokens import LARGEST_SEALED_TOKEN, SharedTokenStore, sealed_name

if TYPE_CHECKING:
    from pathlib import Path

    from airflow_provider_cloudfn.auth.token_lock import TokenLock
    from airflow_provider_cloudfn.auth.token_store import AccessToken, MemoryTokenStore

__all__ = ["FileTokenStore"]

log = logging.getLogger(__name__)

#: A file that nobody has written for so many seconds is swept away. The worst that can come of it is one more token request.
_ABANDONED = 7 * 24 * 3600.0
#: A process looks for such files when it keeps a token, at most once in so many seconds.
_SWEEP_EVERY = 3600.0
#: A token, its lock, a draft that a process left which died while it wrote, and a rate limit: nothing else in the folder is ours.
_OUR_FILE = re.compile(r"(?P<name>[0-9a-f]{32})\.(?:lock|rate|token(?:\.[0-9a-f]{16})?)")


class FileTokenStore(SharedTokenStore):
    """
    Keeps tokens in this process, and in sealed files for the others of the same user on the same machine.

    :param folder: Where the files are; made for this user alone (0700). One that others could write to is not used.
    :param memory: Where this process keeps them.
    """

    def __init__(self, folder: Path, memory: MemoryTokenStore | None = None) -> None:
        super().__init__(memory)
        self._folder = folder
        self._swept_at: float | None = None
        #: Whether it was said that nothing can be kept.
        self._is_told = False

    def lock(self, key: str) -> TokenLock:
        """Return the right to fetch a token, which one of all the processes has at a time."""
        return _FileLock(self._memory.lock(key), self, key)

    def open_lock(self, key: str) -> int | None:
        """Return the descriptor of the file that is locked; None where there can be none."""
        try:
            require_private_folder(self._folder)
            return opened_to_lock(self._path(key, ".lock"))
        except OSError:
            return None

    def _read(self, key: str) -> bytes | None:
        try:
            require_private_folder(self._folder)
            descriptor = os.open(self._path(key), os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
            with os.fdopen(descriptor, "rb") as file:
                if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                    return None
                return file.read(LARGEST_SEALED_TOKEN)
        except OSError:
            return None

    def _write(self, key: str, sealed: bytes, token: AccessToken) -> None:  # noqa: ARG002 - files are swept by their age
        try:
            self._replace(key, sealed)
            self._sweep()
        except OSError as error:
            log.log(
                logging.DEBUG if self._is_told else logging.WARNING,
                "[cloudfn] token_store: nothing can be kept in %s (%s); each process asks for tokens of its own, as with "
                "token_store = memory",
                self._folder,
                error.strerror or type(error).__name__,
            )
            self._is_told = True

    def _remove(self, key: str, sealed: bytes) -> None:  # noqa: ARG002 - no file system compares before it removes
        with suppress(OSError):
            self._path(key).unlink()

    def _replace(self, key: str, sealed: bytes) -> None:
        require_private_folder(self._folder)
        path = self._path(key)
        # Written beside it and moved there: nobody sees half a file, and a full disk leaves the former one.
        draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(sealed)
            draft.replace(path)
        except BaseException:
            draft.unlink(missing_ok=True)
            raise

    def _sweep(self) -> None:
        """Remove what nobody has written for long: tokens of credentials that are gone, and their locks."""
        now = time.time()
        if self._swept_at is not None and 0 <= now - self._swept_at < _SWEEP_EVERY:
            return
        self._swept_at = now
        ours: dict[str, list[Path]] = {}
        for path in self._folder.iterdir():
            if match := _OUR_FILE.fullmatch(path.name):
                ours.setdefault(match["name"], []).append(path)
        for name, files in ours.items():
            with suppress(OSError):
                if all(_is_abandoned(path, now) for path in files):
                    self._remove_abandoned(name, files, now)

    def _remove_abandoned(self, name: str, files: list[Path], now: float) -> None:
        # Who holds the lock may be about to write: then all of it stays; and while it is held here, nobody begins.
        lock = self._folder / f"{name}.lock"
        descriptor = opened_to_lock(lock)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.fstat(descriptor).st_nlink == 0:
                # Another one swept here first, and there may be a new lock by now.
                return
            for path in files:
                if path != lock and _is_abandoned(path, now):
                    path.unlink()
            lock.unlink()
        finally:
            os.close(descriptor)

    def _path(self, key: str, suffix: str = ".token") -> Path:
        return self._folder / (sealed_name(key) + suffix)


class _FileLock:
    """One at a time within this process, and one process at a time; the lock of a process that dies is free again."""

    def __init__(self, own: TokenLock, store: FileTokenStore, key: str) -> None:
        self._own = own
        self._store = store
        self._key = key
        self._descriptor: int | None = None

    def try_acquire(self) -> bool:
        if self._descriptor is not None:
            return True
        if not self._own.try_acquire():
            return False
        descriptor = self._store.open_lock(self._key)
        if descriptor is None:
            return True
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            self._own.release()
            return False
        except OSError:
            # A file system without locks: the one of this process must do.
            os.close(descriptor)
            return True
        if os.fstat(descriptor).st_nlink == 0:
            # Swept away since it was opened: another process may have the lock of a new one.
            os.close(descriptor)
            self._own.release()
            return False
        with suppress(OSError):
            os.utime(descriptor)
        self._descriptor = descriptor
        return True

    def release(self) -> None:
        if self._descriptor is not None:
            # Not by closing alone: a process that was forked meanwhile has the descriptor too, and would keep the lock.
            with suppress(OSError):
                fcntl.flock(self._descriptor, fcntl.LOCK_UN)
            os.close(self._descriptor)
            self._descriptor = None
        self._own.release()


def _is_abandoned(path: Path, now: float) -> bool:
    found = path.lstat()
    return stat.S_ISREG(found.st_mode) and found.st_mtime < now - _ABANDONED
