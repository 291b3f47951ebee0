"""The signature of Standard Webhooks."""

from __future__ import annotations

import base64
import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_cloudfn.auth.message import HttpRequest
from airflow_provider_cloudfn.auth.standard_webhooks import StandardWebhooksAuth, signing_key
from airflow_provider_cloudfn.exceptions import ConfigurationError

SECRET = "whsec_plJ3nmyCDGBKInavdOK15jsl"
BODY = b'{"event_type":"ping","data":{"success":true}}'


def signed(*headers: tuple[str, str], body: bytes = BODY) -> HttpRequest:
    return next(StandardWebhooksAuth(SECRET).flow(HttpRequest("POST", "https://h/hook", headers, body)))


def test_it_is_that_of_the_published_example(monkeypatch: pytest.MonkeyPatch) -> None:
    """The example of the documentation of Svix, which the specification comes from."""
    monkeypatch.setattr("time.time", lambda: 1731705121.9)

    request = signed(("webhook-id", "msg_loFOjxBNrRLzqYUf"))

    assert request.header("webhook-timestamp") == "1731705121"
    assert request.header("webhook-signature") == "v1,rAvfW3dJ/X/qxhsaXPOyyCGmRKsaKWcsNccKXlIktD0="


@given(st.binary(max_size=200))
def test_a_receiver_that_computes_it_anew_finds_it(body: bytes) -> None:
    request = signed(body=body)

    parts = [request.header(f"webhook-{name}") or "" for name in ("id", "timestamp")]
    content = ".".join(parts).encode() + b"." + body
    expected = hmac.new(base64.b64decode(SECRET.removeprefix("whsec_")), content, hashlib.sha256).digest()
    assert request.header("webhook-signature") == "v1," + base64.b64encode(expected).decode()


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ((("webhook-id", "mine"), ("ce-id", "event")), "mine"),
        ((("ce-id", "event"),), "event"),
        ((), f"msg_{hashlib.sha256(BODY).hexdigest()[:32]}"),
    ],
)
def test_the_id_is_the_same_each_time_that_a_message_is_sent(
    headers: tuple[tuple[str, str], ...], expected: str
) -> None:
    assert signed(*headers).header("webhook-id") == signed(*headers).header("webhook-id") == expected


@pytest.mark.parametrize("secret", ["whsec_", "", "whsec_not base64", "whsec_ä", "abc"])
def test_what_is_no_secret_is_refused(secret: str) -> None:
    with pytest.raises(ConfigurationError, match="is no secret of Standard Webhooks"):
        signing_key(secret)
