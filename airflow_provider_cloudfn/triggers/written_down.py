"""What is written down of a variable, for the triggerer and for the next try: as JSON, and as it was."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from airflow_provider_cloudfn import cel
from airflow_provider_cloudfn.json_encoding import restored, to_json_value

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["named_by", "read_back", "written_down"]

#: What bytes are written under.
_BYTES: Final = "$cloudfn.bytes"


def named_by(sources: Iterable[str], name: str, value: Any) -> Any:
    """
    Return of a variable's value what expressions name of it: no more of an answer is written down than is needed.

    :param name: The variable.
    """
    paths = {
        reference.path[1:]
        for source in sources
        for reference in cel.check(source, variables={name}).references
        if reference.path[0] == name
    }
    return _of(value, paths) if paths else None


def written_down(value: Any) -> Any:
    """Return a value as JSON has it."""
    return None if value is None else to_json_value(value, bytes_as=_tagged)


def read_back(written: Any) -> Any:
    """Return the value of which :func:`written_down` is the JSON, with its numbers and its bytes."""
    return _untagged(restored(written))


def _of(value: Any, paths: set[tuple[str, ...]]) -> Any:
    if () in paths or not isinstance(value, Mapping):
        return value
    below: dict[str, set[tuple[str, ...]]] = {}
    for path in paths:
        below.setdefault(path[0], set()).add(path[1:])
    return {key: _of(value[key], rest) for key, rest in below.items() if key in value}


def _tagged(content: bytes) -> dict[str, str]:
    return {_BYTES: base64.b64encode(content).decode("ascii")}


def _untagged(value: Any) -> Any:
    if isinstance(value, list):
        return [_untagged(item) for item in value]
    if not isinstance(value, dict):
        return value
    text = value.get(_BYTES) if len(value) == 1 else None
    if isinstance(text, str):
        try:
            return base64.b64decode(text, validate=True)
        except binascii.Error:
            return value
    return {key: _untagged(item) for key, item in value.items()}
