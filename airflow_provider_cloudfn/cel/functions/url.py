"""Ours: ``url.encode`` and ``url.decode`` for a part of a path or query, and ``url.query`` for a whole query."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote

from airflow_provider_cloudfn.cel.faults import Fault
from airflow_provider_cloudfn.cel.functions.conversions import text_of
from airflow_provider_cloudfn.cel.registry import function
from airflow_provider_cloudfn.cel.values import KIND

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_provider_cloudfn.cel.limits import Budget

__all__: list[str] = []


@function("url.encode", "dyn")
def encode(budget: Budget, value: Any) -> str:
    """
    Return the text of a scalar with everything percent-encoded that is neither letter, digit nor one of ``-._~``.

    It can then be one segment of a path, or a value of a query; bytes are encoded as they are.
    """
    data = bytes(value) if isinstance(value, (bytes, bytearray, memoryview)) else text_of(value)
    budget.text(3 * len(data))
    return quote(data, safe="")


@function("url.decode", "string")
def decode(budget: Budget, text: str) -> str:
    """Return the text that was percent-encoded; ``+`` stays, because only forms write a space so."""
    budget.text(len(text))
    budget.spend(text.count("%"))
    try:
        return unquote(text, errors="strict")
    except UnicodeDecodeError:
        raise Fault("url.decode() got bytes that are no text in UTF-8") from None


@function("url.query", "map")
def query(budget: Budget, parameters: Mapping[Any, Any]) -> str:
    """Return ``a=1&b=x%20y``; a list gives its key once for each element."""
    pieces, length = [], 0
    for key in parameters:
        value = parameters[key]
        if value is None:
            raise Fault('url.query() got null for a parameter; leave it out with {?"key": …}')
        for item in value if KIND[type(value)] == "list" else (value,):
            piece = f"{encode(budget, key)}={encode(budget, item)}"
            length += len(piece) + 1
            if length > budget.limits.string_length:
                budget.text(length)
            pieces.append(piece)
    budget.text(length)
    return "&".join(pieces)
