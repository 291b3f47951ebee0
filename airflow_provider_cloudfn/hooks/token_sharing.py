"""Where access tokens are kept, as ``[cloudfn] token_store`` of Airflow's configuration says."""

from __future__ import annotations

import logging
import os
import re
import tempfile
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

from airflow_provider_cloudfn.configuration import options
from airflow_provider_cloudfn.exceptions import ConfigurationError

if TYPE_CHECKING:
    from airflow_provider_cloudfn.auth.token_store import TokenStore

__all__ = ["configured_store", "configured_token_store", "shared_folder"]

log = logging.getLogger(__name__)

StoreKind: TypeAlias = Literal["memory", "file", "redis", "class"]

_REDIS = ("redis://", "rediss://", "unix://")
_CLASS = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)+")


def configured_token_store() -> TokenStore | None:
    """
    Return where tokens are kept; None for this process alone. The configuration is read once in a process.

    ``file``, the default, shares them among the processes of the same user on the same machine, in a folder of the system's
    temporary one unless ``token_store_folder`` names another; ``memory`` shares them with nobody; the URL of a Redis shares
    them among machines; and the path of a class of one's own, which takes no arguments, is a store like
    :class:`~airflow_provider_cloudfn.auth.token_store.TokenStore`. Where there is no temporary folder, it is as with
    ``memory``.

    :raises ConfigurationError: for anything else.
    """
    # With impersonation a process can become another user's.
    return _token_store(os.geteuid())


def configured_store() -> tuple[StoreKind, str]:
    """
    Return where what processes share is kept.

    :returns: The kind, and for ``redis`` its URL, for ``class`` its path.
    :raises ConfigurationError: for anything else.
    """
    # With token_store_cmd or token_store_secret, as Airflow has them, a Redis' password need not stand in a file.
    said = options.text("token_store") or "file"
    if said.lower() == "memory":
        return "memory", ""
    if said.lower() == "file":
        return "file", ""
    if said.lower().startswith(_REDIS):
        return "redis", said
    if _CLASS.fullmatch(said):
        return "class", said
    # What stands there is not shown: it may be a URL with a password.
    raise ConfigurationError(
        "[cloudfn] token_store: is neither 'file' nor 'memory', nor the URL of a Redis (redis://, rediss:// or unix://), nor the "
        "path of a class, such as 'company.tokens.VaultTokenStore'"
    )


def shared_folder(user: int) -> Path | None:
    """
    Return the folder of the files that the processes of one user on this machine share; None where there can be none.

    :param user: The user's number.
    :raises ConfigurationError: for a folder whose place depends on where a process was started.
    """
    folder = options.text("token_store_folder")
    try:
        parent = Path(folder).expanduser() if folder else Path(tempfile.gettempdir())
    except RuntimeError:
        # ~user, of a user that is not here.
        parent = Path(folder)
    except OSError as error:
        # A machine without any temporary folder that can be written to.
        log.debug("Nothing is shared with other processes: %s", error.strerror)
        return None
    if not parent.is_absolute():
        raise ConfigurationError(
            f"[cloudfn] token_store_folder: {folder!r} is a place of each process's own; write such as '/var/lib/airflow'"
        )
    # One for each user: the tasks of one machine can be several users'.
    return parent / f"cloudfn-tokens-{user}"


@cache
def _token_store(user: int) -> TokenStore | None:
    kind, said = configured_store()
    if kind == "memory":
        return None
    if kind == "redis":
        from airflow_provider_cloudfn.auth.token_redis import RedisTokenStore

        return RedisTokenStore(said)
    if kind == "class":
        return _store_of_ones_own(said)
    folder = shared_folder(user)
    if folder is None:
        return None
    from airflow_provider_cloudfn.auth.token_file import FileTokenStore

    return FileTokenStore(folder)


def _store_of_ones_own(path: str) -> TokenStore:
    module, _, name = path.rpartition(".")
    try:
        store = getattr(import_module(module), name)()
    except Exception as error:
        raise ConfigurationError(
            f"[cloudfn] token_store: {path!r} can't be made: {type(error).__name__}: {error}"
        ) from error
    absent = [name for name in ("get", "put", "forget", "lock") if not callable(getattr(store, name, None))]
    if absent:
        raise ConfigurationError(
            f"[cloudfn] token_store: {path!r} is no token store: it has no {' and no '.join(absent)}"
        )
    found: TokenStore = store
    return found
