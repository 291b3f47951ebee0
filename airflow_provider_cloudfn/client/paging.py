"""A read that goes on, page after page: what is asked for next, and where it ends."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Final

from msgspec.structs import replace

from airflow_provider_cloudfn.auth.redacted import Redacted
from airflow_provider_cloudfn.client.body import Json
from airflow_provider_cloudfn.client.links import linked
from airflow_provider_cloudfn.client.retry import IDEMPOTENCY_HEADERS
from airflow_provider_cloudfn.client.short_pages import stated_more
from airflow_provider_cloudfn.client.url import without_parameters
from airflow_provider_cloudfn.exceptions import (
    CloudFunctionError,
    ConfigurationError,
    ResponseError,
    in_words,
    require_truth,
)

if TYPE_CHECKING:
    from airflow_provider_cloudfn.client.pages import Pages
    from airflow_provider_cloudfn.client.request import Request
    from airflow_provider_cloudfn.client.response import Response

__all__ = ["MAY_BE_MISSPELT", "Evaluate", "Page", "PageChange", "read_pages"]

#: Evaluates one of the expressions of :class:`Pages`: its name, and what it reads besides.
Evaluate = Callable[[str, Mapping[str, Any]], Any]

#: What is said of a read whose first page lacks what leads on.
MAY_BE_MISSPELT: Final = (
    "pages.next: the first page has no such field, and so is taken for the last one. Where that is right, say that it need not "
    "be there, as response.body[?'next'].orValue(null) does; where it is not, correct the name"
)
#: A service would take the second page's request for the first one's, sent again.
_ONE_KEY: Final = (
    "each page is a request of its own, and one key would stand for all of them: leave the key out, as pages are a read, which "
    "may be sent again"
)
#: So many pages in a row that are the same to the byte come from a service that does not know the parameter.
_SAME_PAGES = 3


class PageChange(Redacted, frozen=True, kw_only=True):
    """
    What of a page's request is other than of the first one's, as a wire format.

    :param number: The page's number, counted from 1.
    :param taken: How many items the pages before it had.
    :param uri: The link to it, which has the whole query in it.
    :param query: Parameters of the query.
    :param headers: Headers.
    :param body: The whole JSON body, or the member at `member`.
    :param member: The path of that member.
    """

    _hidden: ClassVar = frozenset({"uri", "query", "headers", "body"})

    number: int = 1
    taken: int = 0
    uri: str | None = None
    query: Mapping[str, Any] | None = None
    headers: Mapping[str, Any] | None = None
    body: Any = None
    member: str | None = None


class Page(Redacted, frozen=True):
    """
    A page.

    :param number: Its number, counted from 1.
    :param items: Its items.
    :param response: The answer that they came in.
    :param following: Where it goes on; None for the last one.
    :param short_of: The `limit` that it is shorter than, where it is the last one for that.
    :param doubt: What is to be said of that, where its answer says that there are more items.
    """

    _hidden: ClassVar = frozenset({"items"})

    number: int
    items: list[Any]
    response: Response
    following: PageChange | None
    short_of: int | None = None
    doubt: str | None = None


async def read_pages(
    ask: Callable[[Request], Awaitable[Response]],
    first: Request,
    pages: Pages,
    evaluate: Evaluate,
    *,
    resolve: Callable[[Request, str], str],
    begin: PageChange | None = None,
) -> AsyncGenerator[Page]:
    """
    Read page after page.

    :param ask: Sends a request; raises for what is no success.
    :param first: The request as it is written.
    :param pages: How to go on.
    :param evaluate: Evaluates an expression of `pages`.
    :param resolve: Returns the ``uri`` for a link in the answer to a request.
    :param begin: The page to begin with; None for the first.
    :raises ConfigurationError: for a parameter of `first` that `pages` sends, and an idempotency key in its headers, before
        anything is sent; for a link that is none, or leaves the connection's service.
    :raises ResponseError: for a page without items, and for one that comes again.
    :raises CloudFunctionError: as `ask` and `evaluate` do, with the number of the page behind the first one.
    """

    def evaluate_here(name: str, variables: Mapping[str, Any]) -> Any:
        with _AtPage(variables["page"]):
            return evaluate(name, variables)

    for name, value in (first.headers or {}).items():
        if value is not None and name.lower() in IDEMPOTENCY_HEADERS:
            raise ConfigurationError(f'headers["{name}"]: {_ONE_KEY}')
    own = dict(first.query or {}) if pages.counted else {}
    if (found := pages.overridden((name for name, value in own.items() if value is not None), first.uri)) is not None:
        raise ConfigurationError(": ".join(found))
    change: PageChange | None = begin or PageChange(query=pages.counted or None)
    seen: set[bytes] = set()
    bodies: list[bytes] = []
    while change is not None:
        number = change.number
        with _AtPage(number):
            request = changed(first, change)
        _refuse_repeated(request, seen, number)
        with _AtPage(number):
            response = await ask(request)
        variables = {"response": response.as_variable(), "page": number}
        items = _items(evaluate_here("items", variables), number)
        if pages.way in ("page", "offset") and items:
            bodies = _refuse_same(bodies, response.content, pages, number)
        variables["items"] = items
        following = _following(pages, change, request, response, items, evaluate_here, variables, resolve)
        short_of = pages.limit if items and following is None and _is_short(pages, items) else None
        doubt = None if short_of is None else _doubt(response, number, len(items), change.taken, short_of)
        if pages.max_items is not None and change.taken + len(items) >= pages.max_items:
            items, following = items[: pages.max_items - change.taken], None
        if pages.max_pages is not None and number >= pages.max_pages:
            following = None
        yield Page(number, items, response, following, short_of, doubt)
        change = following


def changed(first: Request, change: PageChange) -> Request:
    """
    Return the request for a page.

    :param first: The request as it is written.
    :param change: What of it is other.
    """
    request = first
    if change.uri is not None:
        request = replace(request, uri=change.uri, query=None)
    if change.query is not None:
        # What a URI was written with is where a read begins, too.
        uri = request.uri if change.uri is not None else without_parameters(request.uri, change.query)
        request = replace(request, uri=uri, query={**dict(request.query or {}), **change.query})
    if change.headers is not None:
        others = {name.lower() for name in change.headers}
        kept = {name: value for name, value in (request.headers or {}).items() if name.lower() not in others}
        request = replace(request, headers={**kept, **change.headers})
    if change.member is not None:
        request = replace(request, body=Json(_with_member(request, change.member, change.body), "body"))
    elif change.body is not None:
        request = replace(request, body=Json(change.body, "body"))
    return request


def _following(
    pages: Pages,
    change: PageChange,
    request: Request,
    response: Response,
    items: list[Any],
    evaluate: Evaluate,
    variables: Mapping[str, Any],
    resolve: Callable[[Request, str], str],
) -> PageChange | None:
    """Return the next page's change; None where there is none."""
    number, taken = change.number + 1, change.taken + len(items)
    # A cursor or a link can lead over a page of which a filter has left nothing.
    if not items and pages.way in ("page", "offset"):
        return None
    here = _prefix(change.number)
    if pages.total is not None:
        # Where it is known how many there are, a short page is one of a service that gives fewer at a time than it was asked for.
        if taken >= _count(evaluate("total", variables), f"{here}pages.total"):
            return None
    elif _is_short(pages, items):
        return None
    if pages.stop_when is not None and require_truth(evaluate("stop_when", variables), field=f"{here}pages.stop_when"):
        return None
    if pages.way in ("page", "offset"):
        value = pages.first + (number - 1 if pages.way == "page" else taken)
        return PageChange(number=number, taken=taken, query={**(change.query or {}), pages.query or "": value})
    if pages.way == "custom":
        found = evaluate("next", variables)
        with _AtPage(change.number):
            return _custom(found, number, taken)
    if pages.way == "cursor":
        return _cursor(pages, change, evaluate("next", variables), number, taken)
    link = evaluate("next", variables) if pages.way == "link" else linked(response.headers.get("link"), "next")
    if link is None or (isinstance(link, str) and not link.strip()):
        return None
    if not isinstance(link, str):
        raise ResponseError(f"pages.next: page {change.number} names no link but {in_words(link)}")
    with _AtPage(change.number):
        # A link replaces the query, but not what else was given for all pages.
        return PageChange(number=number, taken=taken, uri=resolve(request, link.strip()))


def _is_short(pages: Pages, items: list[Any]) -> bool:
    return pages.total is None and pages.limit is not None and len(items) < pages.limit and pages.way != "custom"


def _doubt(response: Response, number: int, count: int, taken: int, limit: int) -> str | None:
    if (said := stated_more(response, taken + count)) is None:
        return None
    return (
        f"pages: page {number} has {count} items, fewer than limit={limit}, and so is taken for the last one; but its answer "
        f"says that there are more ({said}). Where the service gives fewer at a time than it is asked for, the rest is not read: "
        "say total=, or a limit= that it gives"
    )


def _cursor(pages: Pages, change: PageChange, cursor: Any, number: int, taken: int) -> PageChange | None:
    # Some services end with false, or with an empty text.
    if cursor is None or cursor == "" or cursor is False:
        return None
    if pages.body is not None:
        if change.member is not None and change.body == cursor:
            raise _repeated(change.number, f"cursor {str(cursor)[:60]!r} came twice")
        return PageChange(number=number, taken=taken, body=cursor, member=pages.body)
    if isinstance(cursor, bool) or not isinstance(cursor, (str, int, float)):
        raise ResponseError(
            f"pages.next: page {change.number} gives no cursor but {in_words(cursor)}: a query and a header take text or "
            "a number; say with body= where it goes in a body"
        )
    place = {pages.query or pages.header or "": cursor}
    if pages.header is not None:
        return PageChange(number=number, taken=taken, headers=place, query=change.query)
    return PageChange(number=number, taken=taken, query={**(change.query or {}), **place})


def _custom(value: Any, number: int, taken: int) -> PageChange | None:
    if value is None:
        return None
    if not isinstance(value, Mapping):
        raise ConfigurationError(f"pages.next: must give a map or null, not {in_words(value)}")
    if unknown := sorted(str(name) for name in value if name not in ("uri", "query", "headers", "body")):
        raise ConfigurationError(f"pages.next: {unknown[0]!r} is none of uri, query, headers, body")
    for name in ("query", "headers"):
        if value.get(name) is not None and not isinstance(value[name], Mapping):
            raise ConfigurationError(f"pages.next: {name} must be a map, not {in_words(value[name])}")
    if value.get("uri") is not None and not isinstance(value["uri"], str):
        raise ConfigurationError(f"pages.next: uri must be text, not {in_words(value['uri'])}")
    if all(part is None for part in value.values()):
        raise ConfigurationError("pages.next: changes nothing, so the same page would come again: give null at the end")
    return PageChange(
        number=number,
        taken=taken,
        uri=value.get("uri"),
        query=value.get("query"),
        headers=value.get("headers"),
        body=value.get("body"),
    )


def _with_member(request: Request, path: str, value: Any) -> Any:
    """Return the body with a member at a path like ``page.after``."""
    content = None if request.body is None else request.body.value
    if content is not None and not isinstance(content, Mapping):
        raise ConfigurationError(f"pages.body: {path!r} goes into a body that is a map, not {in_words(content)}")
    name, _, rest = path.partition(".")
    found = dict(content or {})
    if not rest:
        return {**found, name: value}
    inner = replace(request, body=Json(found.get(name) if isinstance(found.get(name), Mapping) else {}, "body"))
    return {**found, name: _with_member(inner, rest, value)}


def _items(value: Any, number: int) -> list[Any]:
    if isinstance(value, (list, tuple)):
        return list(value)
    remedy = 'such as items="response.body.data"'
    if value is None:
        remedy = 'and what stands for them where there are none: items="response.body.data == null ? [] : response.body.data"'
    raise ResponseError(
        f"pages.items: page {number} has no list of items but {in_words(value)}: say with items= where they are, {remedy}"
    )


def _count(value: Any, place: str) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    found = str(value) if isinstance(value, (int, float)) else in_words(value)
    raise ResponseError(
        f"{place}: must be a whole number from 0, not {found}; write int(…) around text, and take total= out where the service "
        "does not always know it"
    )


def _refuse_repeated(request: Request, seen: set[bytes], number: int) -> None:
    content = None if request.body is None else request.body.value
    said = repr((request.uri, request.query, request.headers, content))
    digest = hashlib.sha256(said.encode("utf-8", "surrogateescape")).digest()[:16]
    if digest in seen:
        raise _repeated(number, "its request is the same as that of an earlier page")
    seen.add(digest)


def _refuse_same(bodies: list[bytes], content: bytes, pages: Pages, number: int) -> list[bytes]:
    digest = hashlib.sha256(content).digest()
    bodies = [*bodies, digest] if not bodies or bodies[-1] == digest else [digest]
    if len(bodies) == _SAME_PAGES:
        raise _repeated(
            number, f"the last {_SAME_PAGES} are the same: does the service know the parameter {pages.query!r}?"
        )
    return bodies


class _AtPage:
    """Lets an error say at which page it was. Each page enters it five times, so it is none of contextlib's generators."""

    __slots__ = ("_number",)

    def __init__(self, number: int) -> None:
        self._number = number

    def __enter__(self) -> None:
        """Begin."""

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        if isinstance(error, CloudFunctionError):
            error.reworded(f"{_prefix(self._number)}{error.message}")


def _prefix(number: int) -> str:
    """Return what an error begins with that is about a page; the first one is what any call is."""
    return "" if number == 1 else f"page {number}: "


def _repeated(number: int, why: str) -> ResponseError:
    return ResponseError(f"pages: page {number} would come again: {why}; nothing ends such a read")
