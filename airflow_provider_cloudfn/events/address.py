"""The URI by which a completion event is known, to Airflow and to us, wherever it comes from."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import quote

__all__ = ["event_uri", "is_completion_event"]

# Airflow leaves URIs of an `x-` scheme as they are; for any other it normalises them (case of the host, slashes, query) and,
# to do so, looks for handlers in all installed providers, in every process that parses the Dag.
_ADDRESS: Final = "x-cloudfn://completion-event/"


def event_uri(name: str) -> str:
    """
    Return the URI of a completion event.

    :param name: Its name. It is one path segment with every reserved character encoded: two names never become one URI.
    """
    return _ADDRESS + quote(name, safe="")


def is_completion_event(asset: Any) -> bool:
    """
    Tell whether an asset is a completion event.

    :param asset: An asset, or what Airflow tells of one.
    """
    return str(getattr(asset, "uri", None)).startswith(_ADDRESS)
