"""How a read goes on from page to page, as its author says it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import unquote_plus

from msgspec import Struct

from airflow_provider_cloudfn.exceptions import ConfigurationError

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable

__all__ = ["Pages"]


class Pages(Struct, frozen=True, kw_only=True):
    """
    How a read goes on from page to page; made by the class methods, one for each way that services have.

    Expressions are CEL over ``response``, ``page`` (its number, from 1) and what every expression can name; `stop_when` and
    `next` of :meth:`custom` read ``items`` too, those of the page.

    Pages end where there is no next link or cursor, be it null or not there, at an empty page, and at `total`; where there is
    none, at a page shorter than `limit`.

    :param items: What the items of a page are, a list.
    :param total: How many items there are in all, where the service says so.
    :param stop_when: Whether this page is the last one.
    :param max_pages: How many pages are asked for at most.
    :param max_items: How many items are taken at most.
    :param timeout: Seconds, or a timedelta, for all pages; `request_timeout` is for each.
    :param results: Where the items go as JSON Lines, instead of into XCom: a path of an object storage; Jinja and ``cel(…)``
        work.
    :raises ConfigurationError: for numbers and places that make no sense.
    """

    way: Literal["link", "header", "cursor", "page", "offset", "custom"] | None = None
    next: Any = None
    query: str | None = None
    header: str | None = None
    body: str | None = None
    first: int = 1
    limit: int | None = None
    limit_query: str | None = None
    items: Any = "response.body"
    total: Any = None
    stop_when: Any = None
    max_pages: int | None = None
    max_items: int | None = None
    timeout: float | dt.timedelta | None = None
    results: Any = None

    def __post_init__(self) -> None:
        if self.way is None:
            raise ConfigurationError(
                "pages: say how the service goes on: Pages.next_link(…), .link_header(…), .cursor(…), .page_number(…), "
                ".offset(…) or .custom(…)"
            )
        for name, least in (("max_pages", 1), ("max_items", 1), ("limit", 1), ("first", 0)):
            number = getattr(self, name)
            if number is not None and (type(number) is not int or number < least):
                raise ConfigurationError(f"pages: {name} must be a whole number from {least}, not {number!r}")
        places = [place for place in (self.query, self.header, self.body) if place is not None]
        if self.way == "cursor" and len(places) != 1:
            raise ConfigurationError("pages: say where the cursor goes: one of query=, header=, body=")
        if "" in places:
            raise ConfigurationError("pages: query, header and body are names, such as query='cursor'")

    @property
    def counted(self) -> dict[str, int]:
        """The parameters that the query of the first page has from here, and of others after it."""
        counted = {self.query: self.first} if self.query and self.way in ("page", "offset") else {}
        if self.limit is not None and self.limit_query:
            counted[self.limit_query] = self.limit
        return counted

    def ends_without(self, name: str) -> bool:
        """
        Return whether a page is the last one that lacks what an expression reads: many services leave the link out there.

        :param name: The expression.
        """
        return name == "next" and self.way in ("link", "cursor")

    def overridden(self, query: Iterable[str], uri: str) -> tuple[str, str] | None:
        """
        Return where a request has a parameter of its own that nobody would get, and what to do; None where it has none.

        :param query: The parameters of its query.
        :param uri: Its path, which can have a query too.
        """
        names = {*query}
        of_uri = {unquote_plus(pair.partition("=")[0]) for pair in str(uri).partition("?")[2].split("&")}
        for name in self.counted:
            setting = "limit" if name == self.limit_query else "first"
            remedy = (
                f"pages= sends this parameter: leave it out, and give {setting}= of Pages where it is to be another"
            )
            if name in names:
                return f'query["{name}"]', remedy
            if name in of_uri:
                return "uri", f"has {name!r} in its query, and {remedy}"
        return None

    @classmethod
    def next_link(cls, next: Any, **common: Any) -> Pages:  # what services call it
        """
        Go on at the link that a page names: a path, or a whole URL below the connection's base URL.

        :param next: CEL that gives the link, or null: ``response.body.next``.
        :param common: What all ways have in common.
        """
        return cls(way="link", next=next, **common)

    @classmethod
    def link_header(cls, **common: Any) -> Pages:
        """
        Go on at the header ``Link`` with ``rel="next"`` (RFC 8288).

        :param common: What all ways have in common.
        """
        return cls(way="header", **common)

    @classmethod
    def cursor(
        cls, next: Any, *, query: str | None = None, header: str | None = None, body: str | None = None, **common: Any
    ) -> Pages:
        """
        Send the cursor that a page names with the next request.

        :param next: CEL that gives the cursor, or null: ``response.body.next_cursor``.
        :param query: The parameter of the query that takes it.
        :param header: The header that takes it.
        :param body: The member of the JSON body that takes it; ``page.after`` for one inside another.
        :param common: What all ways have in common.
        """
        return cls(way="cursor", next=next, query=query, header=header, body=body, **common)

    @classmethod
    def page_number(
        cls,
        *,
        query: str = "page",
        first: int = 1,
        limit: int | None = None,
        limit_query: str | None = None,
        **common: Any,
    ) -> Pages:
        """
        Count the pages.

        :param query: The parameter of the query that takes the number.
        :param first: The number of the first page.
        :param limit: How many items a whole page has: a shorter one is the last, unless there is a `total`.
        :param limit_query: The parameter that takes the limit; none is sent without it.
        :param common: What all ways have in common.
        """
        return cls(way="page", query=query, first=first, limit=limit, limit_query=limit_query, **common)

    @classmethod
    def offset(
        cls,
        *,
        query: str = "offset",
        first: int = 0,
        limit: int = 100,
        limit_query: str | None = "limit",
        **common: Any,
    ) -> Pages:
        """
        Count the items.

        :param query: The parameter of the query that takes the number of items to pass over.
        :param first: The offset of the first page.
        :param limit: How many items a whole page has: a shorter one is the last, unless there is a `total`.
        :param limit_query: The parameter that takes the limit; None sends none.
        :param common: What all ways have in common.
        """
        return cls(way="offset", query=query, first=first, limit=limit, limit_query=limit_query, **common)

    @classmethod
    def custom(cls, next: Any, **common: Any) -> Pages:
        """
        Say what of the next request is other.

        :param next: CEL over ``response``, ``page`` and ``items`` that gives ``{"uri": …, "query": {…}, "headers": {…},
            "body": …}``, each part only where it changes, or null at the end.
        :param common: What all ways have in common.
        """
        return cls(way="custom", next=next, **common)
