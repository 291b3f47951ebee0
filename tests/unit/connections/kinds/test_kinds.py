"""What holds for every kind of authentication: a new one is tested by a line in the table."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from airflow.sdk import Connection

from airflow_provider_cloudfn.auth.message import HttpRequest
from airflow_provider_cloudfn.connections.cloudfn import CloudFunctionConnection
from airflow_provider_cloudfn.connections.cloudfn_form import CLOUDFN_FORM
from airflow_provider_cloudfn.connections.kinds import KINDS
from airflow_provider_cloudfn.connections.kinds.oauth2 import OAuth2
from airflow_provider_cloudfn.connections.kinds.sigv4 import AwsSignature

if TYPE_CHECKING:
    from airflow_provider_cloudfn.connections.kinds.kind import Authentication

#: Base64 too, as a kind wants it.
SECRET = "hunter2+79402633"
TOKEN_URL = "https://id.example.com/token"

#: For each kind: what its connection says, whose header its first request sets, and by what a test proves it.
SAMPLES: dict[str, tuple[dict[str, Any], set[str], str]] = {
    "none": ({}, set(), "probe"),
    "api_key": ({"key_name": "X-Api-Key"}, {"x-api-key"}, "probe"),
    "oauth2": ({"client_id": "me", "oauth2_url": TOKEN_URL}, {"authorization"}, "obtain_token"),
    "basic": ({"username": "me"}, {"authorization"}, "probe"),
    "bearer": ({}, {"authorization"}, "probe"),
    "sigv4": (
        {"aws_service": "execute-api", "aws_region": "eu-west-1", "aws_key_id": "AKIA1"},
        {"authorization", "x-amz-date", "x-amz-security-token", "x-amz-content-sha256"},
        "aws_key_source",
    ),
    "hmac": ({"hmac_header": "X-Signature"}, {"x-signature"}, "probe"),
    "standard_webhooks": ({}, {"webhook-timestamp", "webhook-signature"}, "probe"),
}


class Services:
    """What a hook does for a kind: it notes what was asked for."""

    client_certificate = None

    def __init__(self, status: int = 200) -> None:
        self.asked: list[str] = []
        self._status = status

    def token_store(self) -> None:
        return None

    def probe(self) -> Any:
        self.asked.append("probe")
        return SimpleNamespace(status=self._status, url="https://api.example.com/")

    def obtain_token(self, scheme: Any) -> None:
        self.asked.append("obtain_token")

    def aws_key_source(self, *, region: str, keys: Any) -> Any:
        self.asked.append("aws_key_source")
        return SimpleNamespace(test=lambda: (True, "AWS knows the caller."))


def settings_of(kind: str) -> Authentication:
    extra = {"allow_http": False, "auth_type": kind, **SAMPLES[kind][0]}
    conn = Connection(
        conn_id="shop",
        conn_type="cloudfn",
        host="https://api.example.com",
        password=None if kind == "none" else SECRET,
        extra=json.dumps(extra),
    )
    return CloudFunctionConnection.from_connection(conn).authentication


EACH = pytest.mark.parametrize("kind", [kind.kind for kind in KINDS])


def test_the_form_offers_each_and_nothing_else() -> None:
    assert CLOUDFN_FORM.fields["auth_type"].choices == tuple(SAMPLES) == tuple(kind.kind for kind in KINDS)


@EACH
def test_no_secret_is_in_its_repr(kind: str) -> None:
    assert SECRET not in repr(settings_of(kind))


@pytest.mark.parametrize(
    ("settings", "secrets"),
    [
        (
            AwsSignature(
                service="s3", region="eu-west-1", key_id="AKIA1", secret_key="aws+key", session_token="aws+session"
            ),
            {"aws+key", "aws+session"},
        ),
        (
            OAuth2(
                token_url=f"{TOKEN_URL}?code=in+url",
                client_id="me",
                client_secret="pem+key",
                client_auth_method="private_key_jwt",
                key_passphrase="pass+phrase",
                request_secrets=("in+parameters",),
            ),
            {"pem+key", "pass+phrase", "in+parameters", "in url"},
        ),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_kind_with_several_secrets_knows_each(settings: Authentication, secrets: set[str]) -> None:
    assert {*settings.secrets()} >= secrets
    assert not [secret for secret in secrets if secret in repr(settings)]


@EACH
def test_what_must_not_be_seen_is_known_before_anything_is_sent(kind: str) -> None:
    assert (SECRET in settings_of(kind).secrets()) == (kind != "none")


@EACH
def test_nobody_else_sets_the_headers_that_it_sets(kind: str) -> None:
    assert settings_of(kind).scheme(Services()).reserved_headers == SAMPLES[kind][1]


@EACH
def test_a_request_of_it_carries_its_headers(kind: str) -> None:
    request = next(settings_of(kind).scheme(Services()).flow(HttpRequest("POST", "https://api.example.com/v1")))

    if kind == "oauth2":
        assert request.url == TOKEN_URL
    else:
        # The id is the message's own: it is taken from its author, where he gives one.
        assert {name.lower() for name, _ in request.headers} - {"webhook-id"} <= SAMPLES[kind][1]
        assert bool(request.headers) == (kind != "none")


@EACH
def test_it_is_proved_in_its_own_way(kind: str) -> None:
    services = Services()

    proved, told = settings_of(kind).test(services)

    assert proved
    assert told
    assert services.asked == [SAMPLES[kind][2]]


@pytest.mark.parametrize("status", [401, 403])
@pytest.mark.parametrize("kind", [kind for kind, sample in SAMPLES.items() if sample[2] == "probe"])
def test_a_refusal_is_a_failure_where_there_are_credentials(kind: str, status: int) -> None:
    proved, told = settings_of(kind).test(Services(status))

    assert proved == (kind == "none")
    assert f"answered {status}" in told


def test_the_fields_of_the_kinds_stand_in_the_form_in_their_order() -> None:
    of_kinds = [field for kind in KINDS for field in kind.fields]

    assert [field for field in CLOUDFN_FORM.extras if field in of_kinds] == of_kinds
