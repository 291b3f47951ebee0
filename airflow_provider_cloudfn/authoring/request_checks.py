"""What is wrong with a path, a query and headers, as far as that is known while the Dag is parsed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from airflow_provider_cloudfn import cel
from airflow_provider_cloudfn.authoring.jinja import jinja_at
from airflow_provider_cloudfn.authoring.parameter import EntryProblem
from airflow_provider_cloudfn.cel.literals import is_quoted
from airflow_provider_cloudfn.client.prepared import HeaderError, own_headers
from airflow_provider_cloudfn.client.retry import IDEMPOTENCY_HEADERS
from airflow_provider_cloudfn.exceptions import ExpressionError, in_words

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from airflow_provider_cloudfn.client.pages import Pages

__all__ = [
    "IDEMPOTENCY_KEY",
    "KEY_IS_SET",
    "ONE_KEY",
    "headers_problem",
    "key_problem_of_headers",
    "key_problem_of_pages",
    "overridden_problem",
    "query_problem",
    "uri_problem",
]

#: The draft of the IETF's httpapi working group, and what most services call it.
IDEMPOTENCY_KEY: Final = "Idempotency-Key"
#: A service would take the second page's request for the first one's, sent again.
ONE_KEY: Final = (
    "each page is a request of its own, and one key would stand for all of them: leave the key out, or write "
    "idempotency_key=False where it is a default argument, as pages are a read, which another try may send again"
)
KEY_IS_SET: Final = "idempotency_key sets this header: leave one of them out"


def uri_problem(value: Any) -> str | None:
    """Say what is wrong with what is to be a path, besides its expression."""
    if isinstance(value, (str, cel.Expression, cel.Literal)):
        return None
    return f"must be an expression that gives text, such as '\"/v1/orders\"', not {in_words(value)}"


def query_problem(value: Any) -> EntryProblem | None:
    """Say what is wrong with a query, besides its expressions."""
    for name, one in _pairs(value):
        kind = type(one).__name__
        if isinstance(one, (Mapping, set, frozenset)) or callable(one):
            message = f"must be text, a number or a list of these, not {kind}: write each value under a name of its own"
            return EntryProblem(name, message)
    return None


def headers_problem(value: Any) -> str | EntryProblem | None:
    """Say what is wrong with headers: their names, and those values that are known."""
    try:
        own_headers({name: _known(one) for name, one in _pairs(value)}, frozenset())
    except HeaderError as error:
        return error.problem if error.name is None else EntryProblem(error.name, error.problem)
    return None


def key_problem_of_headers(key: Any, headers: Any) -> tuple[str, str] | None:
    """Return where headers have that of the idempotency key, as far as names are known, and what to do; None where they don't."""
    if key is False or key is None:
        return None
    name = key if isinstance(key, str) else key.text if isinstance(key, cel.Literal) else IDEMPOTENCY_KEY
    found = _among(headers, {name.lower()})
    return None if found is None else (found, KEY_IS_SET)


def key_problem_of_pages(headers: Any) -> tuple[str, str] | None:
    """Return where the headers of many pages have an idempotency key, as far as names are known, and what to do."""
    found = _among(headers, IDEMPOTENCY_HEADERS)
    return None if found is None else (found, ONE_KEY)


def overridden_problem(pages: Pages, query: Any, uri: Any) -> tuple[str, str] | None:
    """Return where a request has what its pages set, as far as names are known, and what to do; None where it has nothing."""
    own = query if isinstance(query, Mapping) else {}
    names = [_known(name) if is_quoted(str(name)) else name for name, value in own.items() if value is not None]
    return pages.overridden(names, _known(uri))


def _among(headers: Any, names: Collection[str]) -> str | None:
    """Return the place of the first header that has a value and one of some names, which are in lower case."""
    for other, value in headers.items() if isinstance(headers, Mapping) else ():
        known = _known(other) if is_quoted(str(other)) else str(other)
        if value is not None and known.lower() in names:
            return f'headers["{known}"]'
    return None


def _pairs(value: Any) -> Iterator[tuple[str, Any]]:
    """Yield the entries whose names are known."""
    for name, one in value.items() if isinstance(value, Mapping) else ():
        if type(name) is str and name[:1] not in ("'", '"') and one is not None and jinja_at(name) is None:
            yield name, one


def _known(value: Any) -> str:
    """Return a text where it is known, and otherwise the one that anything can have."""
    if isinstance(value, cel.Literal):
        return value.text
    if isinstance(value, str) and is_quoted(value.strip()):
        try:
            return str(cel.evaluate(value, {}))
        except ExpressionError:
            return ""  # told with the expression's place
    return ""
