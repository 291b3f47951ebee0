"""Tells Airflow's secrets masker what must not be seen: in this process, and in the supervisor that writes the task's log."""

from __future__ import annotations

import asyncio
import os
import re
import sys
import threading
from functools import lru_cache
from typing import TYPE_CHECKING

from airflow_provider_cloudfn.auth.spellings import common_spellings, spellings
from airflow_provider_cloudfn.client.running import begun_beside

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["amask_secrets", "appearances", "mask_obtained_secret", "mask_secrets"]

_LONG = 400

#: Airflow 3.2.0 gives an answer to whichever thread reads first: of two that tell it something, one would wait for ever.
_one_at_a_time = threading.Lock()


def _begin_anew() -> None:
    """Let nobody wait in a forked process for a thread that only the other one has."""
    global _one_at_a_time
    _one_at_a_time = threading.Lock()


os.register_at_fork(after_in_child=_begin_anew)


def appearances(secret: str) -> tuple[str, ...]:
    """
    Return the texts by which the masker knows a secret: all its spellings, of a long one the common ones.

    Airflow's masker compiles all its texts anew for each that is added: for a key or a token that fills pages, all
    spellings would take it seconds.
    """
    return spellings(secret) if len(secret) <= _LONG else common_spellings(secret)


def mask_secrets(texts: Iterable[str]) -> None:
    """
    Register texts with the masker.

    :param texts: What must not be seen.
    """
    if values := [*dict.fromkeys(texts)]:
        _compile_at_once(values)
        _tell(values)


async def amask_secrets(texts: Iterable[str]) -> None:
    """
    Register texts with the masker, in an event loop.

    :param texts: What must not be seen.
    """
    from airflow.sdk import log

    if not (values := [*dict.fromkeys(texts)]):
        return
    _compile_at_once(values)
    if hasattr(log, "amask_secret"):
        await log.amask_secret(values)  # type: ignore[arg-type]  # JsonValue's list is invariant
    elif _is_its_own_supervisor():
        _mask_here(values)
    else:  # Airflow 3.2 tells the supervisor in no other way than by blocking, and an event loop might wait for itself.
        await asyncio.to_thread(_tell, values)


def mask_obtained_secret(secret: str) -> None:
    """Register a secret that was obtained during a call, such as an access token, whether or not an event loop runs."""
    texts = list(appearances(secret))
    if _would_wait_for_ever():
        _mask_here(texts)
        if not _is_its_own_supervisor():
            _tell_later(texts)
        return
    try:
        mask_secrets(texts)
    except BaseException as error:
        # In an event loop that is talking to the supervisor right now, a second message must wait its turn.
        if type(error).__name__ != "DeadlockImminentError":
            raise
        _tell_later(texts)


def _would_wait_for_ever() -> bool:
    """Return whether an event loop runs in an Airflow (3.2) that does not see that it talks to the supervisor already."""
    from airflow.sdk import log

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return not hasattr(log, "amask_secret")


def _is_its_own_supervisor() -> bool:
    """Return whether this is ``dag.test()``: nobody else writes the log then, and in 3.2 only one thread may ask for anything."""
    task_runner = sys.modules.get("airflow.sdk.execution_time.task_runner")
    return type(getattr(task_runner, "SUPERVISOR_COMMS", None)).__name__ == "InProcessSupervisorComms"


def _compile_at_once(texts: list[str]) -> None:
    """
    Give the masker of this process texts that it is about to be told.

    It compiles all it knows for each text that is new to it, which takes ten times as long. Where it works in another way
    than here, nothing is lost: it is told them all the same.
    """
    try:
        from airflow.sdk._shared.secrets_masker.secrets_masker import SECRETS_TO_SKIP_MASKING, _secrets_masker

        masker = _secrets_masker()
        wanted = _patterns(tuple(texts), masker.min_length_to_mask, frozenset(SECRETS_TO_SKIP_MASKING))
        new = wanted - masker.patterns
        if len(new) > 1:
            masker.patterns.update(new)
            masker.replacer = re.compile("|".join(masker.patterns))
    except (AttributeError, ImportError, TypeError):
        return


@lru_cache(maxsize=64)
def _patterns(texts: tuple[str, ...], shortest: int, skipped: frozenset[str]) -> frozenset[str]:
    """Return how the masker writes texts, without those that it passes over."""
    return frozenset(re.escape(text) for text in texts if len(text) >= shortest and text.lower() not in skipped)


def _mask_here(texts: list[str]) -> None:
    from airflow.sdk._shared.secrets_masker import mask_secret

    mask_secret(texts)  # type: ignore[arg-type]  # JsonValue's list is invariant


def _tell(texts: list[str]) -> None:
    from airflow.sdk.log import mask_secret

    with _one_at_a_time:
        mask_secret(texts)  # type: ignore[arg-type]  # JsonValue's list is invariant


def _tell_later(texts: Iterable[str]) -> None:
    begun_beside(amask_secrets(texts))
