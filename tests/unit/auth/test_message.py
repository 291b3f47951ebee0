from __future__ import annotations

import pytest
from rich.pretty import pretty_repr

from airflow_provider_cloudfn.auth.message import HttpRequest, HttpResponse

SECRET = "s3cr3t-value"


def test_a_header_is_found_in_any_case() -> None:
    assert HttpRequest("GET", "https://h", (("X-Id", "1"),)).header("x-ID") == "1"


def test_a_header_takes_the_place_of_others_of_its_name() -> None:
    request = HttpRequest("GET", "https://h", (("X-Id", "1"), ("A", "b"), ("x-id", "2"))).with_header("X-ID", "3")

    assert request.headers == (("A", "b"), ("X-ID", "3"))


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://h/p", "https://h/p?key=a%26b%3D%2F"),
        ("https://h/p?x=%2F", "https://h/p?x=%2F&key=a%26b%3D%2F"),
        ("https://h", "https://h?key=a%26b%3D%2F"),
    ],
)
def test_a_parameter_is_added_to_the_query_and_nothing_else_changes(url: str, expected: str) -> None:
    assert HttpRequest("GET", url).with_query("key", "a&b=/").url == expected


def test_the_repr_of_a_request_shows_no_value() -> None:
    request = HttpRequest("POST", f"https://user:{SECRET}@h/p?key={SECRET}", (("X-Key", SECRET),), SECRET.encode())

    assert repr(request) == "<HttpRequest POST https://h/p headers: X-Key; 12 bytes>"
    assert pretty_repr(request) == "HttpRequest(method='POST')"


def test_the_repr_of_a_response_shows_no_value() -> None:
    response = HttpResponse(200, (("Set-Cookie", SECRET),), SECRET.encode())

    assert repr(response) == "<HttpResponse 200; 12 bytes>"
    assert pretty_repr(response) == "HttpResponse(status=200, ends_by_close=False)"
