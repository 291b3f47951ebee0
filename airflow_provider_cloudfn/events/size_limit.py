"""How much Airflow is to keep: of a payload in an event, and of what the configuration bounds as that."""

from __future__ import annotations

import os
from functools import lru_cache
from typing import Any, Final

from airflow_provider_cloudfn.configuration import options
from airflow_provider_cloudfn.json_encoding import encode_json

__all__ = ["event_limit", "is_too_large", "json_size", "size_limit"]

#: Bytes of JSON, where the configuration says nothing.
_EVENT_LIMIT: Final = 64 * 1024


def event_limit() -> int:
    """Return how many bytes of JSON an event may carry (``[cloudfn] event_limit``); 0 for no limit."""
    return size_limit("event_limit", _EVENT_LIMIT)


def is_too_large(payload: Any) -> bool:
    """
    Tell whether an event can't carry a payload: more bytes of JSON than ``[cloudfn] event_limit``.

    :param payload: The payload, as JSON has it.
    """
    limit = event_limit()
    return bool(limit) and json_size(payload) > limit


def json_size(value: Any) -> int:
    """
    Return how many bytes a value has as JSON.

    :param value: The value, as JSON has it.
    """
    return len(encode_json(value).encode())


def size_limit(option: str, default: int) -> int:
    """
    Return a limit that the section ``[cloudfn]`` of Airflow's configuration has, in bytes; 0 for no limit.

    :param option: The option's name.
    :param default: What it is where the configuration says nothing.
    :raises ConfigurationError: for what is no number from 0 on.
    """
    # Of the configuration a process reads once; what its environment says counts at once.
    return _size_limit(option, default, os.environ.get(f"AIRFLOW__CLOUDFN__{option.upper()}"))


@lru_cache(maxsize=16)
def _size_limit(option: str, default: int, said_by_environment: str | None) -> int:  # noqa: ARG001 - what it was read of
    return options.whole_number(option, default, wanted="must be a whole number of bytes, or 0 for no limit")
