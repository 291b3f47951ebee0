from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_cloudfn.auth.api_key import ApiKeyAuth
from airflow_provider_cloudfn.auth.bearer import BearerAuth
from airflow_provider_cloudfn.auth.scheme import Auth, NoAuth
from airflow_provider_cloudfn.client.body import Json
from airflow_provider_cloudfn.client.prepared import PreparedRequest, prepare
from airflow_provider_cloudfn.client.request import Request
from airflow_provider_cloudfn.client.url import BaseUrl
from airflow_provider_cloudfn.exceptions import CloudFunctionError, ConfigurationError
from airflow_provider_cloudfn.hooks.request_options import body_of

BASE = BaseUrl.parse("https://h/v2")
ACCEPT = ("Accept", "application/json, */*;q=0.5")


def request(method: str = "POST", uri: str = "/a", *, auth: Auth | None = None, **parts: Any) -> PreparedRequest:
    given_body = body_of(parts.pop("json", None), parts.pop("data", None)) or parts.pop("body", None)
    return prepare(BASE, auth or NoAuth(), Request(method, uri, body=given_body, **parts))


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (None, ""),
        ({}, ""),
        ({"a": "1", "b": "x y&z=ü"}, "?a=1&b=x%20y%26z%3D%C3%BC"),
        ({"a": ["1", "2"], "b": "3"}, "?a=1&a=2&b=3"),
        ({"a": None, "b": [None, "1"]}, "?b=1"),
        ({"a": [], "b": ""}, "?b="),
        ({"n": 12, "t": True, "f": False, "d": Decimal("1.10")}, "?n=12&t=true&f=false&d=1.10"),
        ({"at": dt.datetime(2026, 1, 2, tzinfo=dt.UTC)}, "?at=2026-01-02T00%3A00%3A00Z"),
        ([("a", "1"), ("a", "2")], "?a=1&a=2"),
        ({"a[]": "1"}, "?a%5B%5D=1"),
    ],
)
def test_a_query_is_names_and_values(query: Any, expected: str) -> None:
    assert request(query=query).url == f"https://h/v2/a{expected}"


def test_a_query_is_added_to_that_of_the_uri() -> None:
    assert request(uri="/a?x=%2F", query={"y": "1"}).url == "https://h/v2/a?x=%2F&y=1"


@pytest.mark.parametrize(
    ("parts", "body", "content_type"),
    [
        ({}, b"", None),
        ({"json": {"a": 1, "ü": None}}, '{"a":1,"ü":null}'.encode(), "application/json"),
        ({"body": Json(None)}, b"null", "application/json"),
        ({"json": Decimal("1.10")}, b"1.10", "application/json"),
        ({"data": b"\x00\x01"}, b"\x00\x01", "application/octet-stream"),
        ({"data": bytearray(b"x")}, b"x", "application/octet-stream"),
        ({"data": "grüß"}, "grüß".encode(), "text/plain; charset=utf-8"),
        ({"data": {"a": "x y", "b": ["1", "2"]}}, b"a=x+y&b=1&b=2", "application/x-www-form-urlencoded"),
        ({"data": "<a/>", "headers": {"content-type": "application/xml"}}, b"<a/>", "application/xml"),
        ({"json": {}, "headers": {"Content-Type": "application/vnd.x+json"}}, b"{}", "application/vnd.x+json"),
        (
            {"data": "<?xml version='1.0' encoding='iso-8859-1'?><a>ä</a>", "headers": {"Content-Type": "text/xml"}},
            b"<?xml version='1.0' encoding='iso-8859-1'?><a>\xe4</a>",
            "text/xml",
        ),
        (
            {"data": '<?xml version="1.0" encoding="utf-16"?><a>ä</a>', "headers": {"Content-Type": "text/xml"}},
            '<?xml version="1.0" encoding="utf-16"?><a>ä</a>'.encode("utf-16"),
            "text/xml",
        ),
        (
            {
                "data": "<?xml version='1.0' encoding='iso-8859-1'?>ä",
                "headers": {"Content-Type": "a/b+xml; charset=utf-8"},
            },
            "<?xml version='1.0' encoding='iso-8859-1'?>ä".encode(),
            "a/b+xml; charset=utf-8",
        ),
    ],
)
def test_a_body_goes_as_what_it_is(parts: dict[str, Any], body: bytes, content_type: str | None) -> None:
    prepared = request(**parts)

    assert prepared.body == body
    assert prepared.as_http().header("content-type") == content_type


def test_json_is_asked_for_unless_something_else_is() -> None:
    assert request().headers == (ACCEPT,)
    assert request(headers={"accept": "text/csv"}).headers == (("accept", "text/csv"),)


def test_header_values_are_text_and_null_leaves_one_out() -> None:
    assert request(headers={"X-N": 7, "X-B": True, "X-Z": None, "X-S": " a\t"}).headers == (
        ("X-N", "7"),
        ("X-B", "true"),
        ("X-S", "a"),
        ACCEPT,
    )


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({"method": "TRACE"}, "method: 'TRACE' is none of GET, POST"),
        ({"method": "get"}, "method: 'get' is none of"),
        ({"json": {}, "data": b""}, "json and data"),
        ({"json": float("nan")}, "NaN|nan"),
        ({"data": 7}, "data: must be bytes, text or a map"),
        ({"query": {"a": {"b": 1}}}, 'query\\["a"\\]: must be text or a number, not a map'),
        ({"query": {"a": [["b"]]}}, 'query\\["a"\\]: must be text'),
        ({"headers": {"X A": "1"}}, "no name of a header"),
        ({"headers": {"": "1"}}, "no name of a header"),
        ({"headers": {"X\r\nY": "1"}}, "no name of a header"),
        ({"headers": {"X-A": "1\r\nY: 2"}}, "line break"),
        ({"headers": {"X-A": "1\x00"}}, "control character"),
        ({"headers": {"X-A": "☕"}}, "Latin-1"),
        ({"query": {"a": "\ud83d"}}, "half of a surrogate pair"),
        ({"query": {"\ud83d": "a"}}, "half of a surrogate pair"),
        ({"headers": {"X-A": ["1"]}}, "must be text or a number, not a list"),
        ({"headers": {"X-A": "1", "x-a": "2"}}, "given twice"),
        *(
            ({"headers": {name: "x"}}, "can't be set")
            for name in ("Authorization", "host", "Content-Length", "Transfer-Encoding", "Connection", "Expect", "TE")
        ),
    ],
)
def test_what_cannot_be_sent_is_refused(parts: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        request(**parts)


@pytest.mark.parametrize(
    ("auth", "parts"),
    [
        (ApiKeyAuth("X-Api-Key", "k"), {"headers": {"x-API-key": "mine"}}),
        (ApiKeyAuth("key", "k", "query"), {"query": {"key": "mine"}}),
        (ApiKeyAuth("key", "k", "query"), {"uri": "/a?key=mine"}),
        (ApiKeyAuth("key", "k", "query"), {"uri": "/a?k%65y=mine"}),
        (ApiKeyAuth("key", "k", "query"), {"uri": "/a?x=1&key"}),
        (BearerAuth("t"), {"headers": {"authorization": "mine"}}),
    ],
)
def test_what_the_connection_sets_is_refused_and_never_dropped(auth: Auth, parts: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match="connection's authentication sets"):
        request(auth=auth, **parts)


def test_the_repr_shows_no_body() -> None:
    assert "s3cret" not in repr(request(data="s3cret"))


@given(st.dictionaries(st.text(), st.text()))
def test_headers_never_break_out_of_their_line(headers: dict[str, str]) -> None:
    try:
        prepared = request(headers=headers)
    except CloudFunctionError:
        return

    assert not any(mark in part for pair in prepared.headers for part in pair for mark in "\r\n\0")


@pytest.mark.parametrize("encoding", ["gzip", " GZIP ", "deflate", "br", "zstd"])
@pytest.mark.parametrize("body", [{"json": {"a": 1}}, {"data": "text"}, {"data": {"a": "1"}}])
@pytest.mark.parametrize("compress", [True, False])
def test_nothing_is_called_compressed_that_is_not(encoding: str, body: dict[str, Any], compress: bool) -> None:
    with pytest.raises(ConfigurationError, match="and the body is not: leave it out, and give compress=True"):
        request(headers={"content-encoding": encoding}, compress=compress, **body)


@pytest.mark.parametrize(
    "parts", [{"data": b"\x1f\x8b"}, {}, {"headers": {"Content-Encoding": "identity"}, "data": "text"}]
)
def test_bytes_may_be_compressed_by_whoever_gives_them(parts: dict[str, Any]) -> None:
    sent = request(**{"headers": {"Content-Encoding": "gzip"}, **parts})

    assert "Content-Encoding" in dict(sent.headers)
