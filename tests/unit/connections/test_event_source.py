from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from airflow.sdk import Connection

from airflow_provider_cloudfn.client.rate_limit import Rate
from airflow_provider_cloudfn.connections.event_source import event_source_of
from airflow_provider_cloudfn.exceptions import ConfigurationError
from airflow_provider_cloudfn.hooks.event_source import EventSourceHook
from airflow_provider_cloudfn.webhooks.schemes.basic import Basic
from airflow_provider_cloudfn.webhooks.schemes.bearer import Bearer
from airflow_provider_cloudfn.webhooks.schemes.github import GitHub
from airflow_provider_cloudfn.webhooks.schemes.hmac import SignedBody
from airflow_provider_cloudfn.webhooks.schemes.jwt import SignedToken

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_cloudfn.webhooks.source import EventSource

SECRET = "bmV3LXNlY3JldC1vZi10aGUtc2VuZGVy"
OLD = "b2xkLXNlY3JldC1vZi10aGUtc2VuZGVy"
JWT = {
    "scheme": "jwt",
    "jwt_issuer": "https://accounts.google.com",
    "jwt_audience": "https://airflow.example.com/cloudfn/events/shop",
    "jwt_jwks_url": "https://www.googleapis.com/oauth2/v3/certs",
    "jwt_claims": {"email": "sender@example.com", "email_verified": True},
}


def read(extra: dict[str, Any], **fields: Any) -> EventSource:
    given = {"password": SECRET, **fields}
    return event_source_of(
        Connection(conn_id="shop", conn_type="cloudfn_event_source", extra=json.dumps(extra), **given)
    )


def test_form_json_and_uri_mean_the_same(define: Callable[..., Connection]) -> None:
    extra = {
        "scheme": "github",
        "previous_secret": OLD,
        "event_types": "push, release.*",
        "unknown": "ignore",
        "filter": 'request.body.ref == "refs/heads/main"',
        "tolerance": 60,
        "max_body": 4096,
        "rate_limit": "50/s",
    }

    source = event_source_of(define("cloudfn_event_source", extra, password=SECRET))

    assert source.scheme == GitHub(secrets=(SECRET, OLD), tolerance=60.0)
    assert (source.name, source.event_types, source.unknown) == ("shop", ("push", "release.*"), "ignore")
    assert (source.max_body, source.rate_limit) == (4096, Rate(50))
    assert source.filter is not None
    assert source.filter.source == extra["filter"]
    assert (source.type, source.id, source.payload) == (None, None, None)


@pytest.mark.parametrize(
    ("extra", "fields", "scheme"),
    [
        ({"scheme": "basic"}, {"login": "webhooks"}, Basic(secrets=(SECRET,), user="webhooks")),
        ({"scheme": "bearer"}, {}, Bearer(secrets=(SECRET,))),
        (
            {"scheme": "bearer", "credential_header": "X-Gitlab-Token"},
            {},
            Bearer(secrets=(SECRET,), header="x-gitlab-token"),
        ),
        (
            {
                "scheme": "hmac",
                "hmac_header": "X-Signature",
                "hmac_encoding": "hex",
                "hmac_signed": "{timestamp}.{body}",
                "hmac_timestamp_header": "X-Time",
            },
            {},
            SignedBody(
                secrets=(SECRET,),
                header="x-signature",
                encoding="hex",
                signed="{timestamp}.{body}",
                timestamp_header="x-time",
            ),
        ),
        (
            JWT,
            {"password": None},
            SignedToken(
                issuer="https://accounts.google.com",
                audience="https://airflow.example.com/cloudfn/events/shop",
                key_set_url="https://www.googleapis.com/oauth2/v3/certs",
                claims={"email": "sender@example.com", "email_verified": True},
            ),
        ),
    ],
)
def test_the_schemes_with_settings_of_their_own(extra: dict[str, Any], fields: dict[str, Any], scheme: Any) -> None:
    assert read(extra, **fields).scheme == scheme


@pytest.mark.parametrize(
    ("extra", "fields", "message"),
    [
        (
            {"scheme": "github"},
            {"password": None},
            "password (Secret): is missing, and the scheme 'github' needs the secret",
        ),
        ({"scheme": "github"}, {"password": f"{SECRET}\n"}, "password (Secret): begins or ends with white space"),
        (
            {"scheme": "github", "previous_secret": f" {OLD}"},
            {},
            "previous_secret (Previous secret): begins or ends with",
        ),
        (
            {"scheme": "gihtub"},
            {},
            "scheme (Scheme): got 'gihtub'; did you mean 'github'? choose one of standard_webhooks",
        ),
        ({}, {"password": "no base64!"}, "password (Secret): is no secret of Standard Webhooks, which is 'whsec_'"),
        ({"previous_secret": "whsec_"}, {}, "previous_secret (Previous secret): is no secret of Standard Webhooks"),
        ({"scheme": "basic"}, {}, "login (Basic: User name): is missing, and the scheme 'basic' needs the user's name"),
        ({"scheme": "basic"}, {"login": "a:b"}, "login (Basic: User name): has a colon"),
        ({"scheme": "github"}, {"login": "me"}, "login (Basic: User name): must be empty: the scheme is 'github'"),
        ({"scheme": "github"}, {"host": "github.com"}, "host: must be empty: events come in"),
        ({"scheme": "hmac"}, {}, "hmac_header (in the extra JSON): is missing, and the scheme 'hmac' needs it"),
        (
            {"scheme": "hmac", "hmac_header": "X-Signature", "hmac_timestamp_header": "X-Time"},
            {},
            "hmac_signed (in the extra JSON): leaves the timestamp out, so that anybody could change it",
        ),
        (
            {
                "scheme": "hmac",
                "hmac_header": "X-Signature",
                "hmac_format": "{timestamp}{signature}",
                "hmac_signed": "{timestamp}{body}",
            },
            {},
            "hmac_format (in the extra JSON): has nothing between timestamp and signature",
        ),
        (
            {"scheme": "bearer", "credential_header": "X: y"},
            {},
            "credential_header (Bearer: Header): is no name of a header",
        ),
        ({"scheme": "bearer"}, {"password": f"Bearer {SECRET}"}, "password (Secret): begins with 'Bearer', which is"),
        (
            {"scheme": "bearer", "previous_secret": f"token {OLD}"},
            {},
            "previous_secret (Previous secret): begins with 'token', which is sent before it anyway",
        ),
        (
            {"scheme": "bearer", "credential_header": "X-Gitlab-Token"},
            {"password": f"X-Gitlab-Token: {SECRET}"},
            "password (Secret): begins with 'X-Gitlab-Token:', which is sent before it anyway",
        ),
        (
            {"scheme": "basic"},
            {"login": "shop", "password": "Basic c2hvcDpodW50ZXIy"},
            "password (Secret): begins with 'Basic', which is sent before it anyway",
        ),
        ({"type": "request.body.type ="}, {}, "type (CEL: Type): "),
        ({"filter": "response.body.a"}, {}, "expressions read request.headers, .body, .path and .query"),
        *(
            (
                {"filter": f"{read}.a == 1"},
                {},
                "filter (CEL: Filter): reads request.header, which is not there; expressions",
            )
            for read in ("request.header", 'request["header"]', "request.?header")
        ),
        (
            {"event_types": " , "},
            {},
            "event_types (Event types): names no type; write such as order.*, or nothing for any",
        ),
        ({"max_body": 0}, {}, "max_body (in the extra JSON): got '0'; write a number from 1 to 16777216"),
        ({"tolerance": 0}, {}, "tolerance (in the extra JSON): got '0'; write a number from 1 to 604800"),
        ({"rate_limit": "many"}, {}, "rate_limit (in the extra JSON): 'many' is no rate; write such as '50/s'"),
        ({"unknown": "drop"}, {}, "unknown (Unknown types): got 'drop'; choose one of reject, ignore, register"),
        (JWT, {}, "password (Secret): must be empty: with the scheme 'jwt' the issuer's public keys prove who sends"),
        ({**JWT, "previous_secret": OLD}, {"password": None}, "previous_secret (Previous secret): must be empty"),
        (
            {**JWT, "jwt_issuer": None},
            {"password": None},
            "jwt_issuer (JWT: Issuer): is missing, and the scheme 'jwt' needs it",
        ),
        ({**JWT, "jwt_claims": None}, {"password": None}, "names no sender, and Google gives everybody a token"),
        ({**JWT, "jwt_claims": {"sub": ["a"]}}, {"password": None}, "jwt_claims (in the extra JSON): 'sub': write"),
        ({**JWT, "jwt_jwks_url": "http://keys.example.com"}, {"password": None}, "jwt_jwks_url (JWT: Keys URL): "),
    ],
)
def test_an_error_names_the_field_and_what_to_do(extra: dict[str, Any], fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError) as error:
        read(extra, **fields)

    assert message in str(error.value)
    assert SECRET not in str(error.value)
    assert OLD not in str(error.value)


def test_the_connection_test_says_what_is_configured(monkeypatch: pytest.MonkeyPatch) -> None:
    extra = {"scheme": "github", "event_types": "push", "previous_secret": OLD}
    definition = {"conn_type": "cloudfn_event_source", "password": SECRET, "extra": extra}
    monkeypatch.setenv("AIRFLOW_CONN_SHOP", json.dumps(definition))

    is_complete, said = EventSourceHook("shop").test_connection()

    assert is_complete
    # Airflow's UI tests it under another id.
    assert "shop" not in said
    assert "POST /cloudfn/events/<its id> takes events of push by the scheme 'github'" in said
    assert "the previous secret holds too" in said
    assert SECRET not in said


@pytest.mark.parametrize(
    ("extra", "told"),
    [({"unknown": "register"}, True), ({"unknown": "register", "event_types": "push"}, False), ({}, False)],
)
def test_the_connection_test_says_that_nothing_bounds_what_is_registered(
    extra: dict[str, str], told: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    definition = {"conn_type": "cloudfn_event_source", "password": SECRET, "extra": {"scheme": "github", **extra}}
    monkeypatch.setenv("AIRFLOW_CONN_SHOP", json.dumps(definition))

    assert ("Any type that comes is registered" in EventSourceHook("shop").test_connection()[1]) is told


@pytest.mark.parametrize(
    ("tolerance", "days", "told"),
    [(172_800, "1", True), (86_400, "1", False), (172_800, "0", False), (300, "7", False)],
)
def test_the_connection_test_says_that_deliveries_are_forgotten_while_requests_are_good(
    tolerance: int, days: str, told: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    extra = {"scheme": "standard_webhooks", "tolerance": tolerance}
    definition = {"conn_type": "cloudfn_event_source", "password": SECRET, "extra": extra}
    monkeypatch.setenv("AIRFLOW_CONN_SHOP", json.dumps(definition))
    monkeypatch.setenv("AIRFLOW__CLOUDFN__DELIVERIES_KEPT", days)

    is_complete, said = EventSourceHook("shop").test_connection()

    assert is_complete
    assert ("Keep deliveries for 2 days at least" in said) is told


def test_the_connection_test_says_what_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_SHOP", json.dumps({"conn_type": "cloudfn_event_source"}))

    is_complete, said = EventSourceHook("shop").test_connection()

    assert not is_complete
    assert said.startswith("The connection, password (Secret): is missing")
    assert not EventSourceHook("not_there").test_connection()[0]
