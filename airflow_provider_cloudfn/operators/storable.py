"""What Airflow can keep of a step: known before it is pushed, because a failure of that push would repeat the call."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from airflow.sdk import conf

from airflow_provider_cloudfn.exceptions import ConfigurationError, ExpressionError, LimitError
from airflow_provider_cloudfn.json_encoding import encode_json

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["require_event", "require_xcom"]

#: Bytes of JSON, where the configuration says nothing.
_XCOM_LIMIT: Final = 5 * 1024**2
_EVENT_LIMIT: Final = 64 * 1024
#: From here on the log says that a result is large.
_LARGE: Final = 1024**2

#: What can be in the text of a value that can't be kept: most have none of it, and needn't be looked through.
_SUSPECT: Final = re.compile(r"\\u0000|\d{19}")
_NUL: Final = (
    "text with the character U+0000, which Airflow's database can't keep: take it out with "
    r'.replace("\u0000", ""), or leave the text out with returns='
)
_SMALLEST: Final = -(2**63)
_LARGEST: Final = 2**64 - 1


def require_xcom(value: Any, log: Any) -> None:
    """
    Refuse what Airflow can't keep as a step's result.

    :param value: The result, as JSON has it.
    :param log: The task's log, where a large one is a warning.
    :raises ExpressionError: for an integer beyond 64 bits, or the character U+0000.
    :raises LimitError: for more bytes of JSON than ``[cloudfn] xcom_limit``.
    """
    text = encode_json(value)
    size, limit = len(text.encode()), _limit("xcom_limit", _XCOM_LIMIT)
    if limit and size > limit:
        raise LimitError(
            f"returns: the result has {size:,} bytes as JSON, and XCom takes {limit:,} at most ([cloudfn] xcom_limit): return "
            "less with returns=, or put the answer into a file with response_file="
        )
    if size > _LARGE:
        log.warning(
            "The result goes into XCom with %s bytes of JSON: return less with returns=, or put the answer into a file with "
            "response_file=",
            f"{size:,}",
        )
    _require_kept("returns", value, text)


def require_event(value: Any, *, by_default: bool) -> None:
    """
    Refuse what Airflow can't keep as what an event carries.

    :param value: The payload, as JSON has it.
    :param by_default: Whether it is what the step returns, because there is no ``event_payload``.
    :raises ExpressionError: for an integer beyond 64 bits, or the character U+0000.
    :raises LimitError: for more bytes of JSON than ``[cloudfn] event_limit``.
    """
    text = encode_json(value)
    size, limit = len(text.encode()), _limit("event_limit", _EVENT_LIMIT)
    if limit and size > limit:
        why = "; without it the event carries all that the step returns" if by_default else ""
        raise LimitError(
            f"event_payload: the event carries {size:,} bytes of JSON, and {limit:,} are the most ([cloudfn] event_limit): write "
            f"event_payload= so that it carries what its consumers need, such as an id{why}"
        )
    _require_kept("event_payload", value, text)


def _limit(name: str, default: int) -> int:
    limit = int(conf.getint("cloudfn", name, fallback=default))
    if limit < 0:
        raise ConfigurationError(f"[cloudfn] {name}: must be bytes, or 0 for no limit, not {limit}")
    return limit


def _require_kept(field: str, value: Any, text: str) -> None:
    if _SUSPECT.search(text) is None:
        return
    for path, problem in _problems(value, ""):
        raise ExpressionError(f"{path or 'the value'}: {problem}", field=field)


def _problems(value: Any, path: str) -> Iterator[tuple[str, str]]:
    """Yield what can't be kept: where it is, and what it is."""
    if isinstance(value, str):
        if "\0" in value:
            yield path, _NUL
    elif isinstance(value, int):
        if not _SMALLEST <= value <= _LARGEST:
            yield path, "an integer of more than 64 bits, which Airflow can't keep: return it as text, string(…)"
    elif isinstance(value, dict):
        for key, item in value.items():
            # A key is text, too.
            yield from _problems(key, f"a key of {path or 'the value'}")
            yield from _problems(item, f"{path}.{key}" if path else key)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _problems(item, f"{path}[{index}]")
