"""How a page becomes HTML: the templates, how they write values, and what every answer says to the browser."""

from __future__ import annotations

import datetime as dt
import json
from contextlib import suppress
from functools import cache
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, urlencode

from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from airflow_provider_cloudfn.records.visible import visible

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fastapi import Request

__all__ = ["HEADERS", "airflow_path", "page", "pretty"]

#: Stands for a value that there is none of.
_NOTHING: Final = "\N{EN DASH}"

#: What the browser may do with a page: load what comes from here, run no script that stands in the page, and show it in no
#: frame but Airflow's.
HEADERS: Final[Mapping[str, str]] = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; "
        "base-uri 'none'; frame-ancestors 'self'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}


def page(request: Request, template: str, *, status_code: int = 200, **values: Any) -> HTMLResponse:
    """
    Return a page.

    :param request: What asks for it.
    :param template: The template's name.
    :param status_code: The answer's status.
    :param values: What the template names.
    """
    root = request.scope.get("root_path", "")
    text = _templates().get_template(template).render(root=root, airflow=airflow_path(request), **values)
    # Half a character can't be written, and what a page shows may come from anybody: it must not take all else along.
    return HTMLResponse(text.encode(errors="backslashreplace"), status_code=status_code)


def airflow_path(request: Request) -> str:
    """
    Return the path below which Airflow's own UI is, without a slash at its end.

    :param request: A request for one of these pages.
    """
    return str(request.scope.get("root_path", "")).removesuffix("/cloudfn")


def pretty(value: Any) -> str:
    """
    Return a value as JSON that people can read; a text as it is.

    :param value: The value.
    """
    return value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False, default=str)


@cache
def _templates() -> Environment:
    templates = Environment(
        loader=PackageLoader("airflow_provider_cloudfn.plugin.pages"),
        autoescape=True,
        finalize=_seen,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.filters.update(
        ago=_ago,
        bound=_bound,
        bytes=_bytes,
        duration=_duration,
        kept=_kept,
        moment=_moment,
        percent=_percent,
        pretty=pretty,
        query=_query,
        segment=_segment,
    )
    return templates


def _seen(value: Any) -> Any:
    return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _kept(text: object) -> Markup:
    """Write the value of a field of a form, which comes back as it is."""
    return escape(text)


def _segment(text: object) -> str:
    """Write a text as a segment of a path, in which a slash is none of its own."""
    return quote(str(text), safe="")


def _query(values: Mapping[str, Any]) -> str:
    return urlencode({name: value for name, value in values.items() if value not in (None, "", False)})


def _duration(seconds: float | None) -> str:
    if seconds is None:
        return _NOTHING
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms" if seconds >= 0.01 else f"{seconds * 1000:.1f} ms"
    if seconds < 120:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 120 else f"{minutes // 60} h {minutes % 60} min"


def _bound(seconds: float) -> str:
    """Write the bound of a bucket, which is a round number."""
    return f"{seconds * 1000:g} ms" if seconds < 1 else f"{seconds:g} s"


def _bytes(count: int) -> str:
    if count < 1024:
        return f"{count} B"
    return f"{count / 1024:.1f} KiB" if count < 1024 * 1024 else f"{count / 1024 / 1024:.1f} MiB"


def _percent(share: float | None) -> str:
    if share is None:
        return _NOTHING
    # What is not all is never shown as all.
    return f"{min(share * 100, 99.9) if share < 1 else 100:.1f}".removesuffix(".0") + " %"


def _moment(when: dt.datetime | None) -> str:
    if when is None:
        return _NOTHING
    with suppress(OverflowError):  # At either end of time.
        when = when.astimezone(dt.UTC)
    return when.strftime("%Y-%m-%d %H:%M:%S %Z")


def _ago(when: dt.datetime | None) -> str:
    if when is None:
        return _NOTHING
    seconds = max(0.0, (dt.datetime.now(tz=dt.UTC) - when).total_seconds())
    for size, name in ((86400.0, "d"), (3600.0, "h"), (60.0, "min")):
        if seconds >= size:
            return f"{int(seconds // size)} {name} ago"
    return "just now" if seconds < 5 else f"{int(seconds)} s ago"
