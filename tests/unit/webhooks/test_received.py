from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_cloudfn.webhooks.received import ReceivedRequest
from airflow_provider_cloudfn.webhooks.refused import REASONS, Reason, RefusedError

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"


def request(body: bytes = b"", content_type: str | None = JSON, **other: Any) -> ReceivedRequest:
    headers = () if content_type is None else (("content-type", content_type),)
    return ReceivedRequest(method="POST", headers=(*headers, *other.pop("headers", ())), body=body, **other)


@pytest.mark.parametrize(
    ("content_type", "body", "meaning"),
    [
        (JSON, b'{"a": [1, null]}', {"a": [1, None]}),
        ("application/vnd.api+json; charset=utf-8", b"[]", []),
        (JSON, b"", None),
        # What the parameter would make of it is another object.
        (JSON + "; charset=utf-7", b'["+ACI-,+ACI-"]', ["+ACI-,+ACI-"]),
        ("text/json; charset=shift_jis", '"Á\\", \\""'.encode(), 'Á", "'),
        ("application/vnd.api+json; charset=utf-16", b'["a"]', ["a"]),
        (FORM, b"a=1&b=%C3%BC+x&a=2&c=", {"a": ["1", "2"], "b": "ü x", "c": ""}),
        (FORM + "; charset=UTF-8", b"a=1", {"a": "1"}),
        ("text/plain", "grüß".encode(), "grüß"),
        ("text/plain; charset=latin-1", "grüß".encode("latin-1"), "grüß"),
        (None, b'{"a":1}', {"a": 1}),
        (None, b"", None),
        ("application/octet-stream", b"\x00\x01", b"\x00\x01"),
    ],
)
def test_a_body_is_read_by_its_content_type(content_type: str | None, body: bytes, meaning: Any) -> None:
    assert request(body, content_type).read_body() == meaning


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        (JSON, b"{"),
        (JSON, "grüß".encode("latin-1")),
        (JSON, b"[" * 200_000),
        (JSON, b"NaN"),
        (JSON, b"[" + b"0," * 2_000_001 + b"0]"),
        (FORM, b"a=%FF"),
        (FORM, b"\xff"),
        (FORM, b"&".join(b"a=1" for _ in range(1_001))),
        ("text/plain", b"\xff"),
        ("text/plain; charset=no-such-thing", b"a"),
        ("text/plain; charset=base64", b"YQ=="),
    ],
)
def test_a_body_that_is_not_what_it_says_it_is_is_refused(content_type: str, body: bytes) -> None:
    with pytest.raises(RefusedError) as refused:
        request(body, content_type).read_body()

    assert (refused.value.status, refused.value.reason) == (400, "bad_body")
    assert refused.value.__cause__ is None


def test_two_content_types_are_refused() -> None:
    with pytest.raises(RefusedError, match="header_twice"):
        request(b"{}", headers=(("content-type", FORM),)).read_body()


def test_expressions_see_the_request_without_credentials() -> None:
    headers = (
        ("x-event", "a"),
        ("x-event", "b"),
        ("authorization", "Bearer s"),
        ("cookie", "s"),
        ("x-gitlab-token", "s"),
    )
    received = request(b"", path="/orders", query="a=1&a=2&b=", headers=headers)

    assert received.as_variable({"x": 1}, {"x-gitlab-token"}) == {
        "headers": {"content-type": JSON, "x-event": "a, b"},
        "body": {"x": 1},
        "path": "/orders",
        "query": {"a": ["1", "2"], "b": ""},
    }


def test_a_query_that_is_none_is_refused() -> None:
    with pytest.raises(RefusedError) as refused:
        request(query="a=%FF").as_variable(None)

    assert (refused.value.status, refused.value.reason) == (400, "bad_query")


def test_what_a_request_holds_is_not_shown() -> None:
    shown = repr(request(b"of-the-body", query="of=the-query", headers=(("x", "of-a-header"),)))

    assert "of-" not in shown
    assert "of=" not in shown


def test_every_reason_says_what_it_means() -> None:
    assert set(REASONS) == set(Reason.__args__)  # type: ignore[attr-defined]
    assert all(text.endswith(".") for text in REASONS.values())
