"""Signatures that others made: of the services' documentation, and of the libraries with which they sign."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from airflow_provider_cloudfn.webhooks.received import ReceivedRequest
from airflow_provider_cloudfn.webhooks.schemes.emporix_commerce import EmporixCommerce
from airflow_provider_cloudfn.webhooks.schemes.emporix_oe import EmporixEngine
from airflow_provider_cloudfn.webhooks.schemes.github import GitHub
from airflow_provider_cloudfn.webhooks.schemes.slack import Slack
from airflow_provider_cloudfn.webhooks.schemes.standard_webhooks import StandardWebhooks
from airflow_provider_cloudfn.webhooks.schemes.stripe import Stripe


def at(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def request(body: str, headers: dict[str, str]) -> ReceivedRequest:
    return ReceivedRequest(method="POST", headers=tuple(headers.items()), body=body.encode())


@pytest.mark.parametrize("header", ["x-emporix-hmac", "x-hmac-signature"])
@pytest.mark.parametrize(
    ("secret", "body", "signature"),
    [
        ("secret", "data", "GywWt1vSqHDBFBU8zaW8/KYzFLxyL6Fg1pDeEzzLuds="),
        ("test-secret", '{"orderId":"EON1075"}', "aBlS7L9NzAwdI+nEGsO07Njb1lSBYggtQXymh/QH644="),
        ("test-secret", "{}", "L1kEC2O3IAWYREI52iyaTzq8XENCWbIxJtclFNq4zQk="),
        ("test-secret", "", "pBvG2B1kE1dq4JlJleCtiaQW7Jc4lRXDYE9HciEi7us="),
        ("test-secret", '{"name":"Müller","emoji":"☕"}', "+r6HxRLmli7Vj3SB4YSKR2RDaXSyZfMZHfca1T8otjk="),
    ],
)
def test_emporix_orchestration_engine(header: str, secret: str, body: str, signature: str) -> None:
    scheme = EmporixEngine(secrets=(secret,))

    assert scheme.verify(request(body, {header: signature}), at(0)) == body.encode()


def test_emporix_commerce() -> None:
    body = '{"type":"product.updated","payload":{"id":"p1","b":1.0,"a":[{"z":1,"y":2}]}}'
    headers = {
        "emporix-event-signature": "2lS5SHfVxoaanUXCnfWRlYhroWfezy4l+PhX5x8o73w=",
        "emporix-event-publish-time": "2026-01-31T12:00:00.000Z",
    }

    proved = EmporixCommerce(secrets=("password123",)).verify(
        request(body, headers), datetime(2026, 1, 31, 12, tzinfo=UTC)
    )

    assert proved == b'{"payload":{"a":[{"y":2,"z":1}],"b":1,"id":"p1"},"type":"product.updated"}'


def test_standard_webhooks() -> None:
    """The example of its specification."""
    headers = {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }
    scheme = StandardWebhooks(secrets=("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",))

    assert scheme.verify(request('{"test": 2432232314}', headers), at(1614265330))


@pytest.mark.parametrize(
    ("body", "signature"),
    [
        ("Hello, World!", "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"),  # its documentation
        (  # @octokit/webhooks-methods 6.0.0
            '{"action":"opened","number":42,"title":"Müller ☕"}',
            "76054652f8b1cc10e510d4516fb442f6f33ac1c85da6b5059561bb18545e73d5",
        ),
    ],
)
def test_github(body: str, signature: str) -> None:
    scheme = GitHub(secrets=("It's a Secret to Everybody",))

    assert scheme.verify(request(body, {"x-hub-signature-256": f"sha256={signature}"}), at(0)) == body.encode()


def test_stripe() -> None:
    """Made with Stripe's own library, 23.1.0."""
    body = '{"id":"evt_1PXYZ","type":"charge.succeeded","data":{"object":{"amount":4200}}}'
    signature = "t=1750000000,v1=267388906cefa0715a1d49dd72dbc0d88eef4c28032ee3da6d1a14b7bb49615e"

    assert Stripe(secrets=("whsec_test_secret",)).verify(request(body, {"stripe-signature": signature}), at(1750000000))


@pytest.mark.parametrize(
    "header",
    [
        "t=1750000000,v1=00,v1=267388906cefa0715a1d49dd72dbc0d88eef4c28032ee3da6d1a14b7bb49615e",
        "t=1750000000,v0=1,v1=267388906cefa0715a1d49dd72dbc0d88eef4c28032ee3da6d1a14b7bb49615e",
        "t=1750000000, v1=267388906cefa0715a1d49dd72dbc0d88eef4c28032ee3da6d1a14b7bb49615e, v0=1",
    ],
)
def test_stripe_signs_with_each_secret_that_holds_there(header: str) -> None:
    body = '{"id":"evt_1PXYZ","type":"charge.succeeded","data":{"object":{"amount":4200}}}'

    assert Stripe(secrets=("whsec_test_secret",)).verify(request(body, {"stripe-signature": header}), at(1750000000))


def test_slack() -> None:
    """The example of its documentation, a slash command."""
    body = (
        "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar"
        "&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com"
        "%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121."
        "803a0bc887a14d10d2c447fce8b6703c"
    )
    headers = {
        "x-slack-signature": "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503",
        "x-slack-request-timestamp": "1531420618",
    }

    assert Slack(secrets=("8f742231b10e8888abcd99yyyzzz85a5",)).verify(request(body, headers), at(1531420618))
