from __future__ import annotations

from typing import Any

import pytest
from kit.senders import NOW, OLD, SENDERS

from airflow_provider_cloudfn.client.rate_limit import Rate
from airflow_provider_cloudfn.webhooks.handshake import handshake
from airflow_provider_cloudfn.webhooks.received import ReceivedRequest
from airflow_provider_cloudfn.webhooks.refused import RefusedError
from airflow_provider_cloudfn.webhooks.source import EventSource


def source(scheme: str = "github", **settings: Any) -> EventSource:
    return EventSource(name="shop", scheme=SENDERS[scheme].scheme, **settings)


def options(**headers: str) -> ReceivedRequest:
    written = tuple((name.replace("_", "-"), value) for name, value in headers.items())
    return ReceivedRequest(method="OPTIONS", headers=written)


def test_cloudevents_asks_and_is_allowed() -> None:
    answer = handshake(source(), options(webhook_request_origin="eventemitter.example.com"), NOW)

    assert answer is not None
    assert (answer.status, answer.body) == (200, b"")
    assert dict(answer.headers) == {
        "allow": "POST, OPTIONS, HEAD",
        "webhook-allowed-origin": "eventemitter.example.com",
    }


@pytest.mark.parametrize("method", ["OPTIONS", "HEAD"])
def test_who_only_looks_whether_there_is_anybody_is_answered_and_allowed_nothing(method: str) -> None:
    answer = handshake(source(), ReceivedRequest(method=method), NOW)

    assert answer is not None
    assert (answer.status, answer.body) == (200, b"")
    assert dict(answer.headers) == {"allow": "POST, OPTIONS, HEAD"}


@pytest.mark.parametrize(
    ("rate", "allowed"), [(None, "*"), (Rate(50), "3000"), (Rate(1, 3600.0), "1"), (Rate(100, 60.0), "100")]
)
def test_the_allowed_rate_is_the_source_s_in_requests_a_minute(rate: Rate | None, allowed: str) -> None:
    request = options(webhook_request_origin="e.example.com", webhook_request_rate="120")

    answer = handshake(source(rate_limit=rate), request, NOW)

    assert dict(answer.headers)["webhook-allowed-rate"] == allowed  # type: ignore[union-attr]  # it is one


@pytest.mark.parametrize("origin", ["", "a b", "a\r\nx: y", "https://a.example.com", "-a", "a" * 300])
def test_an_origin_that_is_none_is_refused(origin: str) -> None:
    request = options(webhook_request_origin=origin)

    with pytest.raises(RefusedError) as refused:
        handshake(source(), request, NOW)

    assert (refused.value.status, refused.value.reason) == (400, "bad_handshake")


@pytest.mark.parametrize("name", ["validationToken", "validationtoken"])
def test_microsoft_s_token_is_sent_back_as_text(name: str) -> None:
    request = ReceivedRequest(method="POST", query=f"{name}=Validation%3a+%3Cb%3E+12%C3%BC")

    answer = handshake(source(), request, NOW)

    assert answer is not None
    assert answer.body == "Validation: <b> 12ü".encode()
    assert dict(answer.headers) == {"content-type": "text/plain; charset=utf-8", "x-content-type-options": "nosniff"}


@pytest.mark.parametrize(
    "query", ["validationToken=", "validationToken=1&validationToken=2", "validationToken=" + "a" * 2_001]
)
def test_a_token_that_is_none_is_refused(query: str) -> None:
    with pytest.raises(RefusedError, match="bad_handshake"):
        handshake(source(), ReceivedRequest(method="POST", query=query), NOW)


CHALLENGE = (
    b'{"token":"x","challenge":"3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P","type":"url_verification"}'
)


def test_slack_s_challenge_is_sent_back_once_it_is_signed() -> None:
    answer = handshake(source("slack"), SENDERS["slack"].request(CHALLENGE), NOW)

    assert answer is not None
    assert answer.body == b"3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P"
    with pytest.raises(RefusedError, match="signature_wrong"):
        handshake(source("slack"), SENDERS["slack"].request(CHALLENGE, secret=OLD), NOW)


@pytest.mark.parametrize(
    ("scheme", "body"),
    [
        ("slack", b'{"type":"event_callback"}'),
        ("slack", b'{"type":"event_callback","text":"url_verification"}'),
        ("github", CHALLENGE),
    ],
)
def test_any_other_request_is_a_delivery(scheme: str, body: bytes) -> None:
    assert handshake(source(scheme), SENDERS[scheme].request(body), NOW) is None
