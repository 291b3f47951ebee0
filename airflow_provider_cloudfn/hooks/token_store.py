"""Where access tokens are kept, as ``[cloudfn] token_store`` of Airflow's configuration says."""

from __future__ import annotations

import logging
import os
import tempfile
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from airflow.sdk import conf

from airflow_provider_cloudfn.exceptions import ConfigurationError

if TYPE_CHECKING:
    from airflow_provider_cloudfn.auth.token_store import TokenStore

__all__ = ["configured_token_store"]

log = logging.getLogger(__name__)


def configured_token_store() -> TokenStore | None:
    """
    Return where tokens are kept; None for this process alone. The configuration is read once in a process.

    ``file``, the default, shares them among the processes of the same user on the same machine, in a folder of the system's
    temporary one unless ``token_store_folder`` names another; ``memory`` shares them with nobody. Where there is no temporary
    folder, it is as with ``memory``.

    :raises ConfigurationError: for another word.
    """
    # With impersonation a process can become another user's.
    return _token_store(os.geteuid())


@cache
def _token_store(user: int) -> TokenStore | None:
    kind = conf.get("cloudfn", "token_store", fallback="file").strip().lower()
    if kind not in ("file", "memory"):
        raise ConfigurationError(f"[cloudfn] token_store: {kind!r} is neither 'file' nor 'memory'")
    if kind == "memory":
        return None
    from airflow_provider_cloudfn.auth.token_file import SharedTokenStore

    folder = conf.get("cloudfn", "token_store_folder", fallback="").strip()
    try:
        parent = Path(folder).expanduser() if folder else Path(tempfile.gettempdir())
    except OSError as error:
        # A machine without any temporary folder that can be written to.
        log.debug("Tokens are not shared with other processes: %s", error.strerror)
        return None
    # One for each user: the tasks of one machine can be several users'.
    return SharedTokenStore(parent / f"cloudfn-tokens-{user}")
