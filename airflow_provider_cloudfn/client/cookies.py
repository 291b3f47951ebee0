"""The cookies of one call: kept from redirect to redirect, and forgotten with the call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable
    from http.cookiejar import CookieJar
    from urllib.request import Request

    from airflow_provider_cloudfn.auth.message import HttpRequest, HttpResponse

__all__ = ["CallCookies", "cookies_set"]


class CallCookies:
    """
    A cookie jar for one call, which never leaves the connection's origin: redirects that do are not followed.

    Which cookie goes where, and for how long, is the standard library's to say (path, domain, ``Secure``, ``Max-Age``).
    """

    def __init__(self) -> None:
        self._jar: CookieJar | None = None

    def keep(self, request: HttpRequest, answer: HttpResponse) -> None:
        """Keep what an answer sets."""
        lines = [_as_latin_1(value) for name, value in answer.headers if name.lower() == "set-cookie"]
        if not lines:
            return
        if self._jar is None:
            from http.cookiejar import CookieJar

            self._jar = CookieJar()
        asked = _standing_for(request)
        # One by one: of those of one answer, the jar would take what ends a cookie before what sets it.
        for line in lines:
            response: Any = _Answer(line)
            self._jar.extract_cookies(response, asked)

    def on(self, request: HttpRequest) -> HttpRequest:
        """
        Return the request with the cookies that belong to it; of one that it has itself, what a service set counts.

        :param request: The request, without credentials.
        """
        if self._jar is None:
            return request
        asked = _standing_for(request)
        self._jar.add_cookie_header(asked)
        kept = _pairs((asked.get_header("Cookie") or "").split(";"))
        if not kept:
            return request
        own = [value for name, value in request.headers if name.lower() == "cookie"]
        pairs = {**_pairs(pair for line in own for pair in line.split(";")), **kept}
        return request.with_header("Cookie", "; ".join(f"{name}={value}" for name, value in pairs.items()))


def cookies_set(values: Iterable[str]) -> dict[str, str]:
    """
    Return the cookies that an answer sets, by name, with their values as they came.

    :param values: Its ``set-cookie`` headers.
    """
    return _pairs(value.partition(";")[0] for value in values)


def _pairs(texts: Iterable[str]) -> dict[str, str]:
    split = [text.strip().partition("=") for text in texts]
    return {name.strip(): value.strip() for name, is_pair, value in split if is_pair and name.strip()}


def _as_latin_1(text: str) -> str:
    """Return a header that was read as UTF-8 as the bytes that it was, each a character: so they go back as they came."""
    return text if text.isascii() else text.encode("utf-8", "surrogateescape").decode("latin-1")


def _standing_for(request: HttpRequest) -> Request:
    from urllib.request import Request

    return Request(request.url)  # noqa: S310 - it is asked about, and never opened


class _Answer:
    """What a cookie jar asks of an answer."""

    def __init__(self, line: str) -> None:
        self._line = line

    def info(self) -> _Answer:
        return self

    def get_all(self, name: str, default: list[str] | None = None) -> list[str] | None:
        return [self._line] if name.lower() == "set-cookie" else default
