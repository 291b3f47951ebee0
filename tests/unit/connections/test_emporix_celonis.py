"""The environment ``celonis`` of a connection: the engine in the Celonis Platform."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from airflow.sdk import Connection

from airflow_provider_cloudfn.connections.emporix import EmporixConnection
from airflow_provider_cloudfn.exceptions import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable

CLIENT_SECRET = "hunter2-of-celonis"
TEAM = "https://acme.eu-1.celonis.cloud"
EXTRA = {"environment": "celonis", "api_url": TEAM, "client_id": "c-1", "client_secret": CLIENT_SECRET}


def read(*, login: str | None = "order_to_cash", password: str | None = None, **extra: Any) -> EmporixConnection:
    given = {name: value for name, value in {**EXTRA, **extra}.items() if value is not None}
    conn = Connection(conn_id="shop", conn_type="emporix_oe", login=login, password=password, extra=json.dumps(given))
    return EmporixConnection.from_connection(conn)


def test_form_json_and_uri_mean_the_same(define: Callable[..., Connection]) -> None:
    conn = define("emporix_oe", EXTRA, login="order_to_cash", password=None)

    assert EmporixConnection.from_connection(conn) == read()


@pytest.mark.parametrize("team", [TEAM, f"{TEAM}/", f" {TEAM} "])
def test_a_start_is_a_signal_and_what_names_an_instance_is_a_message(team: str) -> None:
    settings = read(api_url=team)

    assert settings.event_url == f"{TEAM}/oe/api/packages/order_to_cash/signals"
    assert settings.instance_url == f"{TEAM}/oe/api/packages/order_to_cash/messages"


def test_the_token_is_asked_for_with_the_scope_of_the_engine() -> None:
    authentication = read().api_authentication()

    assert authentication.token_url == f"{TEAM}/oauth2/token"
    assert (authentication.client_id, authentication.client_secret) == ("c-1", CLIENT_SECRET)
    assert authentication.scopes == ("orchestration-engine",)


def test_the_client_secret_is_hidden_in_each_of_its_forms() -> None:
    settings = read()

    assert CLIENT_SECRET not in repr(settings)
    assert {CLIENT_SECRET, *settings.api_authentication().secrets()} == set(settings.secrets())


@pytest.mark.parametrize(
    ("wrong", "expected"),
    [
        ({"login": None}, "login (Event Source ID): is no package key, which the environment 'celonis' needs"),
        ({"login": "a/b"}, "is no package key"),
        ({"login": "0b6c4b1e-4c55-4f0e-9f0a-6f1c1d2e3f4a"}, "write the key, not the UUID in an address"),
        ({"password": "secret"}, "events to the Celonis Platform are not signed: write the client's in client_secret"),
        ({"api_url": None}, "api_url (Custom, celonis: API URL): is missing"),
        ({"api_url": f"{TEAM}/package-manager"}, "api_url (Custom, celonis: API URL): may hold no path"),
        ({"api_url": f"{TEAM}?a=1"}, "may hold no query"),
        ({"api_url": "http://acme.celonis.cloud"}, "which would send credentials unencrypted"),
        (
            {"client_id": None, "client_secret": None},
            "client_id (Client ID): is missing, and the environment 'celonis'",
        ),
        ({"client_secret": None}, "client_secret (Client secret): is missing"),
        ({"client_secret": f"{CLIENT_SECRET} "}, "client_secret (Client secret)"),
        ({"signature_header": "X-Hmac-Signature"}, "signature_header (in the extra JSON): must be empty"),
        ({"event_receiver_url": "https://signals.emporix.io/e"}, "belongs to the environment 'custom'"),
    ],
)
def test_what_can_not_be_is_refused_with_the_field_and_the_remedy(wrong: dict[str, Any], expected: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        read(**wrong)

    assert expected in str(raised.value)
    assert CLIENT_SECRET not in str(raised.value)
