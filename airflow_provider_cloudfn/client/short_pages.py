"""A page that is shorter than it was asked to be ends a read: what of its answer says that there are more items all the same."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from airflow_provider_cloudfn.client.links import linked

if TYPE_CHECKING:
    from airflow_provider_cloudfn.client.response import Response

__all__ = ["stated_more"]

#: How services call the number of all items, in lower case and without what stands between words.
_TOTALS: Final = frozenset(
    {"total", "totalcount", "totalitems", "totalelements", "totalresults", "totalrecords", "odatacount"}
)
_TOTAL_HEADERS: Final = ("x-total-count", "x-total", "total-count")
#: Where in an answer these can stand, besides its top.
_PLACES: Final = ("meta", "metadata", "_metadata", "pagination", "paging", "page", "page_info", "pageInfo")
#: As of ``items 0-99/1234``.
_RANGE: Final = re.compile(r"\s*[\w-]+\s+[\d-]+/(\d+)\s*")


def stated_more(response: Response, taken: int) -> str | None:
    """
    Return the part of an answer that says that there are more items than were read; None where none does.

    :param response: The answer that a short page came in.
    :param taken: How many items were read, those of the page included.
    """
    headers = response.headers
    if linked(headers.get("link"), "next") is not None:
        return "a header Link with rel=next"
    for name in _TOTAL_HEADERS:
        if (said := headers.get(name, "")).isdecimal() and int(said) > taken:
            return f"the header {name}: {said}"
    if (found := _RANGE.fullmatch(said := headers.get("content-range", ""))) is not None and int(found[1]) > taken:
        return f"the header content-range: {said}"
    body = response.body
    if not isinstance(body, Mapping):
        return None
    parts: list[tuple[str, Any]] = [
        ("response.body", body),
        *((f"response.body.{one}", body.get(one)) for one in _PLACES),
    ]
    for place, part in parts:
        for name, value in part.items() if isinstance(part, Mapping) else ():
            word = re.sub(r"[^a-z]", "", str(name).lower())
            if word == "hasmore" and value is True:
                return f"{place}.{name}: true"
            if word in _TOTALS and type(value) is int and value > taken:
                return f"{place}.{name}: {value}"
    return None
