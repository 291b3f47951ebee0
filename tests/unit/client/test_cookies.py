from __future__ import annotations

import pytest

from airflow_provider_cloudfn.auth.message import HttpRequest, HttpResponse
from airflow_provider_cloudfn.client.cookies import CallCookies, cookies_set


def redirect(*set_cookies: str) -> HttpResponse:
    return HttpResponse(302, tuple(("Set-Cookie", one) for one in set_cookies))


def sent(set_cookies: tuple[str, ...], url: str = "https://h/v1/a", own: tuple[str, ...] = ()) -> str | None:
    cookies = CallCookies()
    cookies.keep(HttpRequest("GET", "https://h/v1/a"), redirect(*set_cookies))
    return cookies.on(HttpRequest("GET", url, tuple(("Cookie", one) for one in own))).header("Cookie")


@pytest.mark.parametrize(
    ("set_cookies", "cookie"),
    [
        ((), None),
        (("seen=1; Path=/",), "seen=1"),
        (("a=1", "b=2"), "a=1; b=2"),
        (("a=1", "a=2"), "a=2"),
        (('a="1 2"; HttpOnly; SameSite=Lax',), 'a="1 2"'),
        (("a=b=c==",), "a=b=c=="),
        (("a=",), "a="),
        (("a=1; Secure",), "a=1"),
        (("a=1; Domain=h",), None),
        (("a=1; Domain=elsewhere.example",), None),
        (("a=1; Path=/v2",), None),
        (("a=1; Path=/v1",), "a=1"),
        (("a=1; Max-Age=60",), "a=1"),
        (("a=1", "a=; Max-Age=0"), None),
        (("a=1; Expires=Thu, 01 Jan 1970 00:00:00 GMT",), None),
        (("nonsense",), None),
        (("a=M\xfcller",), "a=M\xc3\xbcller"),
        (("a=M\udcfcller",), "a=M\xfcller"),
    ],
)
def test_a_redirect_takes_with_it_what_was_set(set_cookies: tuple[str, ...], cookie: str | None) -> None:
    assert sent(set_cookies) == cookie


def test_what_is_secure_goes_over_https_only() -> None:
    assert sent(("a=1; Secure",), "http://h/v1/a") is None


@pytest.mark.parametrize(
    ("own", "cookie"),
    [
        (("mine=x",), "mine=x; a=1"),
        (("a=x; mine=y",), "a=1; mine=y"),
        (("x=1", "y=2"), "x=1; y=2; a=1"),
    ],
)
def test_what_a_service_sets_stands_beside_what_the_request_has_itself(own: tuple[str, ...], cookie: str) -> None:
    assert sent(("a=1",), own=own) == cookie


def test_a_request_before_any_redirect_is_left_as_it_is() -> None:
    request = HttpRequest("GET", "https://h/", (("Cookie", "a=1; a=2"),))

    assert CallCookies().on(request) is request


@pytest.mark.parametrize(
    ("set_cookies", "found"),
    [
        ((), {}),
        (("SAP_SESSIONID=abc; path=/", "b=2"), {"SAP_SESSIONID": "abc", "b": "2"}),
        (("a=b=c; Expires=Thu, 01 Jan 1970 00:00:00 GMT",), {"a": "b=c"}),
        (("a=1", "a=2"), {"a": "2"}),
        (("", "=1", "nonsense"), {}),
    ],
)
def test_the_cookies_of_an_answer_are_names_and_values(set_cookies: tuple[str, ...], found: dict[str, str]) -> None:
    assert cookies_set(set_cookies) == found
