from __future__ import annotations

import pytest
import time_machine

from airflow_provider_cloudfn.auth.message import HttpResponse
from airflow_provider_cloudfn.client.redaction import Redaction
from airflow_provider_cloudfn.client.response import Response, read_response
from airflow_provider_cloudfn.client.retry import RetryPolicy
from airflow_provider_cloudfn.client.status import retry_after_seconds, status_error
from airflow_provider_cloudfn.exceptions import (
    AuthenticationError,
    AuthorizationError,
    CloudFunctionError,
    RequestTimeoutError,
    ResponseError,
)


def answer_of(status: int, content: bytes = b"", url: str = "https://h/v1", **headers: str) -> Response:
    pairs = tuple((name.replace("_", "-"), value) for name, value in headers.items())
    return read_response(HttpResponse(status, pairs, content), url)


def error_of(
    status: int, content: bytes = b"", url: str = "https://h/v1", base_path: str = "", **headers: str
) -> CloudFunctionError:
    return status_error("POST", answer_of(status, content, url, **headers), Redaction(["s3cret"]), base_path)


@pytest.mark.parametrize(
    ("status", "kind", "retryable"),
    [
        (400, ResponseError, False),
        (401, AuthenticationError, False),
        (403, AuthorizationError, False),
        (404, ResponseError, False),
        (407, AuthenticationError, False),
        (408, RequestTimeoutError, True),
        (409, ResponseError, False),
        (425, ResponseError, True),
        (429, ResponseError, True),
        (500, ResponseError, True),
        (501, ResponseError, False),
        (502, ResponseError, True),
        (503, ResponseError, True),
        (504, ResponseError, True),
        (304, ResponseError, False),
        (302, ResponseError, False),
    ],
)
def test_a_status_is_an_error_of_its_kind(status: int, kind: type[CloudFunctionError], retryable: bool) -> None:
    error = error_of(status)

    assert type(error) is kind
    assert (error.status, error.retryable) == (status, retryable)


AWS = {"content_type": "application/x-amz-json-1.0"}


@pytest.mark.parametrize(
    ("status", "content", "headers", "throttled"),
    [
        (400, b'{"__type": "com.amazonaws.dynamodb.v20120810#ThrottlingException"}', AWS, True),
        (400, b'{"__type": "ProvisionedThroughputExceededException", "message": "x"}', AWS, True),
        (400, b"{}", {"x_amzn_errortype": "ThrottlingException:http://internal.amazon.com/coral/"}, True),
        (400, b'{"__type": "ThrottlingException"}', {"x_amzn_errortype": "ValidationException"}, False),
        (400, b'{"__type": "com.amazon.coral#ValidationException"}', AWS, False),
        (400, b'{"__type": 7}', AWS, False),
        (400, b"[]", AWS, False),
        (400, b"ThrottlingException", {}, False),
        (403, b'{"__type": "ThrottlingException"}', AWS, False),
    ],
)
def test_who_has_asked_aws_too_often_is_tried_again(
    status: int, content: bytes, headers: dict[str, str], throttled: bool
) -> None:
    error = error_of(status, content, **headers)

    assert (error.status, error.retryable) == (status, throttled)
    assert ("the service wants fewer requests" in str(error)) is throttled
    assert RetryPolicy().wants(answer_of(status, content, **headers), idempotent=False) is throttled


def test_an_error_says_what_a_person_needs() -> None:
    error = error_of(404, b'{"error": "no order\n 7 of s3cret"}', content_type="application/json", x_request_id="r-1")

    assert str(error) == (
        "POST https://h/v1 answered 404 (request id r-1): check the uri, and that what it names is there; "
        'it says: {"error": "no order 7 of ***"}'
    )
    assert error.request_id == "r-1"


@pytest.mark.parametrize(
    ("path", "base_path", "is_twice"),
    [
        ("/v1/v1/orders", "/v1", True),
        ("/v1/v1", "/v1", True),
        ("/api/v2/api/v2/orders?a=1", "/api/v2", True),
        ("/v1/v12/orders", "/v1", False),
        ("/v1/orders", "/v1", False),
        ("/v1/v1/orders", "", False),
    ],
)
def test_a_base_path_that_stands_there_twice_is_named(path: str, base_path: str, is_twice: bool) -> None:
    error = error_of(404, url=f"https://h{path}", base_path=base_path)

    assert (f"the path {base_path} stands in the base URL already" in str(error)) is is_twice


@pytest.mark.parametrize(
    "meta", ['charset="iso-8859-1"', 'http-equiv="Content-Type" content="text/html; charset=iso-8859-1"']
)
def test_an_excerpt_of_a_page_is_read_as_the_page_says(meta: str) -> None:
    page = f"<head><meta {meta}></head>Zugriff f\u00fcr Sie verweigert".encode("latin-1")

    assert "Zugriff f\u00fcr Sie" in str(error_of(403, page, content_type="text/html"))


@pytest.mark.parametrize("charset", ["utf-8", "latin-1", "no-such", "utf-16", "base64", "\x00"])
def test_an_excerpt_needs_no_right_charset(charset: str) -> None:
    assert "answered 500" in str(error_of(500, b"x\xff\xfey", content_type=f"text/plain; charset={charset}"))


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0.0),
        ("120", 120.0),
        (" 7 ", 7.0),
        ("Thu, 01 Jan 2026 00:00:30 GMT", 30.0),
        ("Thu, 01 Jan 2026 00:00:30", 30.0),
        ("Wed, 31 Dec 2025 23:00:00 GMT", 0.0),
        ("Thu, 01 Jan 2026 01:00:30 +0100", 30.0),
        ("", None),
        ("soon", None),
        ("-5", None),
        ("1.5", 1.5),
        ("٣", None),
        ("9" * 400, 1e9),
        ("Thu, 99 Jan 2026 00:00:30 GMT", None),
        ("Thu, 01 Jan 99999 00:00:30 GMT", None),
    ],
)
def test_how_long_to_wait_is_read_from_seconds_or_a_date(text: str, seconds: float | None) -> None:
    with time_machine.travel("2026-01-01T00:00:00Z", tick=False):
        assert retry_after_seconds(answer_of(200, retry_after=text)) == seconds


#: 2026-01-01T00:01:00Z, as GitHub writes it.
IN_A_MINUTE = "1767225660"


@pytest.mark.parametrize(
    ("status", "headers", "seconds"),
    [
        (403, {"x_ratelimit_remaining": "0", "x_ratelimit_reset": IN_A_MINUTE}, 60.0),
        (429, {"x_ratelimit_remaining": "0", "x_ratelimit_reset": IN_A_MINUTE}, 60.0),
        (429, {"x_ratelimit_remaining_tokens": "0", "x_ratelimit_reset_tokens": "6m0s"}, 360.0),
        (429, {"ratelimit": '"default";r=0;t=30'}, 30.0),
        (403, {"x_ratelimit_remaining": "0", "x_ratelimit_reset": IN_A_MINUTE, "retry_after": "5"}, 5.0),
        (429, {"x_ms_retry_after_ms": "800"}, 0.8),
        (503, {"retry_after_ms": "1500.5"}, 1.5005),
        (429, {"retry_after_ms": "800", "retry_after": "1"}, 1.0),
        (429, {"retry_after_ms": "soon"}, None),
        (429, {"retry_after": IN_A_MINUTE}, 60.0),
        (403, {"x_ratelimit_remaining": "4999", "x_ratelimit_reset": IN_A_MINUTE}, None),
        (404, {"x_ratelimit_remaining": "0", "x_ratelimit_reset": IN_A_MINUTE}, None),
        (500, {"x_ratelimit_remaining": "0", "x_ratelimit_reset": IN_A_MINUTE}, None),
        (200, {"x_ratelimit_remaining": "0", "x_ratelimit_reset": IN_A_MINUTE}, None),
    ],
)
@time_machine.travel("2026-01-01T00:00:00Z", tick=False)
def test_a_refusal_may_say_in_other_headers_when_the_limit_begins_anew(
    status: int, headers: dict[str, str], seconds: float | None
) -> None:
    assert retry_after_seconds(answer_of(status, **headers)) == seconds


def test_who_has_asked_too_often_is_not_sent_for_a_permission() -> None:
    error = error_of(403, x_ratelimit_remaining="0", x_ratelimit_reset="60")

    assert "answered 403: the service wants fewer requests" in str(error)
    assert (error.retryable, error.retry_after) == (True, 60.0)


@pytest.mark.parametrize(
    ("status", "after", "told"),
    [
        (429, "3600", "the service wants fewer requests; it asks to come back in 3,600 seconds; it says: {}"),
        (503, "1", "answered 503; it asks to come back in 1 second; it says: {}"),
        (503, "0", "answered 503; it says: {}"),
        (503, "soon", "answered 503; it says: {}"),
    ],
)
def test_an_error_says_when_the_service_wants_to_be_asked_again(status: int, after: str, told: str) -> None:
    assert str(error_of(status, b"{}", retry_after=after)).endswith(told)


def test_what_an_xml_document_says_of_itself_holds_for_an_error() -> None:
    error = error_of(400, b"<?xml version='1.0' encoding='iso-8859-1'?><e>gr\xfcn</e>", content_type="application/xml")

    assert str(error).endswith("<e>grün</e>")


@pytest.mark.parametrize(
    ("status", "headers", "said"),
    [
        (
            401,
            {"WWW_Authenticate": 'Bearer error="invalid_token", error_description="s3cret has expired"'},
            'the connection; WWW-Authenticate: Bearer error="invalid_token", error_description="*** has expired"',
        ),
        (403, {"WWW_Authenticate": 'Bearer error="insufficient_scope", scope="write"'}, 'scope="write"'),
        (
            401,
            {"WWW_Authenticate": 'Digest realm="a", nonce="x"'},
            "401: the service wants Digest, which no connection has",
        ),
        (
            401,
            {"WWW_Authenticate": "Negotiate, NTLM"},
            "401: the service wants Negotiate or NTLM, which no connection has",
        ),
        (401, {"WWW_Authenticate": 'NTLM, Basic realm="a"'}, "401: check the credentials of the connection; WWW-Auth"),
        (405, {"Allow": "GET, PUT"}, "405: check the method; Allow: GET, PUT"),
        (400, {"WWW_Authenticate": "Basic"}, "answered 400"),
    ],
)
def test_a_refusal_says_what_its_headers_say(status: int, headers: dict[str, str], said: str) -> None:
    message = str(error_of(status, **headers))

    assert said in message
    assert ("WWW-Authenticate" in message) is (status in (401, 403))
