from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from airflow.sdk import Connection

from airflow_provider_cloudfn.connections.emporix import EmporixConnection
from airflow_provider_cloudfn.exceptions import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable

SECRET = "hunter2-of-events"
CLIENT_SECRET = "hunter2-of-the-api"
SOURCE = "src_w34a44rft567"


def read(
    *, extra: Any = None, login: str | None = SOURCE, password: str | None = SECRET, **fields: Any
) -> EmporixConnection:
    return EmporixConnection.from_connection(
        Connection(
            conn_id="shop",
            conn_type="emporix_oe",
            login=login,
            password=password,
            extra=json.dumps(extra or {}),
            **fields,
        )
    )


@pytest.mark.parametrize(
    ("login", "extra"),
    [
        (SOURCE, {}),
        (SOURCE, {"environment": "stage", "client_id": "tnU7", "client_secret": CLIENT_SECRET}),
        (
            SOURCE,
            {
                "environment": "custom",
                "event_receiver_url": "http://127.0.0.1:8080/e/",
                "api_url": "http://127.0.0.1:8080/",
                "read_timeout": 5,
            },
        ),
        ("https://signals.emporix.io/e/src_w34a44rft567", {"environment": "production"}),
    ],
)
def test_form_json_and_uri_mean_the_same(define: Callable[..., Connection], login: str, extra: dict[str, Any]) -> None:
    conn = define("emporix_oe", extra, login=login, password=SECRET)

    settings = EmporixConnection.from_connection(conn)

    assert settings == read(extra=extra, login=login)
    assert settings.secret == SECRET


@pytest.mark.parametrize(
    ("login", "extra", "event_url", "api_url"),
    [
        (SOURCE, {}, "https://signals.emporix.io/e/src_w34a44rft567", "https://api.emporix.io"),
        (
            SOURCE,
            {"environment": "stage"},
            "https://signals.emporix.io/e/src_w34a44rft567",
            "https://api-stage.emporix.io",
        ),
        (
            "https://signals.emporix.io/e/src_x/ ",
            {},
            "https://signals.emporix.io/e/src_x",
            "https://api.emporix.io",
        ),
        (
            SOURCE,
            {"environment": "custom", "event_receiver_url": "http://localhost:9/e"},
            "http://localhost:9/e/src_w34a44rft567",
            None,
        ),
        (
            "src_x",
            {"environment": "custom", "event_receiver_url": "http://localhost:9/gateway/"},
            "http://localhost:9/gateway/src_x",
            None,
        ),
        ("https://gateway.example/emporix/e/x1", {}, "https://gateway.example/emporix/e/x1", "https://api.emporix.io"),
        ("https://hooks.example/src_x", {}, "https://hooks.example/src_x", "https://api.emporix.io"),
        (
            "http://localhost:9/e/src_x",
            {"environment": "custom", "api_url": "http://localhost:9"},
            "http://localhost:9/e/src_x",
            "http://localhost:9",
        ),
    ],
)
def test_where_events_and_api_calls_go(login: str, extra: dict[str, Any], event_url: str, api_url: str | None) -> None:
    settings = read(login=login, extra=extra)

    assert (settings.event_url, settings.api_url) == (event_url, api_url)


def test_the_api_token_comes_from_the_api() -> None:
    settings = read(extra={"environment": "stage", "client_id": "tnU7", "client_secret": CLIENT_SECRET})

    authentication = settings.api_authentication()

    assert authentication.token_url == "https://api-stage.emporix.io/oauth/token"
    assert (authentication.client_id, authentication.client_secret) == ("tnU7", CLIENT_SECRET)
    assert authentication.client_auth_method == "client_secret_post"


@pytest.mark.parametrize(
    ("extra", "missing"),
    [
        ({}, "client_id and client_secret"),
        (
            {
                "environment": "custom",
                "event_receiver_url": "http://localhost:9/e",
                "client_id": "a",
                "client_secret": CLIENT_SECRET,
            },
            "api_url",
        ),
    ],
)
def test_without_an_api_client_there_is_no_api_token(extra: dict[str, Any], missing: str) -> None:
    settings = read(extra=extra)

    with pytest.raises(ConfigurationError, match=f"connection 'shop': the Emporix API needs {missing}, which is empty"):
        settings.api_authentication()


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"login": None}, "login (Event Source ID): is missing; write the Event Source ID, such as 'src_w34a44rft567'"),
        ({"login": "src/../x"}, "login (Event Source ID): is no Event Source ID"),
        ({"login": "http://signals.emporix.io/e/src_x"}, "which would send credentials unencrypted"),
        ({"login": "https://signals.emporix.io"}, "doesn't end with the Event Source ID"),
        (
            {"login": "http://127.0.0.1:1/e/"},
            "login (Event Source ID): is a URL that doesn't end with the Event Source ID",
        ),
        ({"login": "https://signals.emporix.io/e/src_x/more"}, "doesn't end with the Event Source ID; copy it from"),
        ({"login": "https://signals.emporix.io/e/%20"}, "doesn't end with the Event Source ID"),
        (
            {"login": "abc", "extra": {"environment": "custom", "event_receiver_url": "https://x.example/e/abc"}},
            "event_receiver_url (Custom: Event receiver URL): ends with an Event Source ID, and login holds 'abc', which is",
        ),
        (
            {"extra": {"environment": "custom", "event_receiver_url": "https://x.example/e/src_other/"}},
            f"and login holds {SOURCE!r}, which is appended to it; write 'https://x.example/e'",
        ),
        ({"login": "https://signals.emporix.io/e/src_x?y=1"}, "may hold no query"),
        ({"password": ""}, "password (Secret): is missing, and events are signed with it"),
        ({"password": SECRET + "\n"}, "begins or ends with white space"),
        ({"host": "https://signals.emporix.io"}, "host: must be empty"),
        ({"extra": {"environment": "prod"}}, "got 'prod'; did you mean 'production'?"),
        ({"extra": {"environment": "custom"}}, "event_receiver_url (Custom: Event receiver URL): is missing"),
        ({"extra": {"api_url": "https://x.example"}}, "belongs to the environment 'custom', and that is 'production'"),
        ({"extra": {"client_id": "a"}}, "client_secret (Client secret): is missing"),
        ({"extra": {"client_secret": CLIENT_SECRET}}, "client_id (Client ID): is missing"),
        (
            {"extra": {"signature_header": "X-Sig: 1"}},
            "signature_header (in the extra JSON): is no name of a header",
        ),
        ({"extra": {"signature_header": "Content-Type"}}, "a header that HTTP itself sets"),
        ({"extra": {"signature_header": "ce-id"}}, "which holds an attribute of the event"),
        ({"extra": {"clientid": "a"}}, "did you mean 'client_id'?"),
        (
            {
                "login": "https://signals.emporix.io/e/src_x",
                "extra": {"environment": "custom", "event_receiver_url": "https://x.example"},
            },
            "event_receiver_url (Custom: Event receiver URL): is given, and login holds a full URL too",
        ),
    ],
)
def test_what_is_refused_and_how_that_is_said(fields: dict[str, Any], expected: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        read(**fields)

    assert str(raised.value).startswith("connection 'shop'")
    assert expected in str(raised.value)
    assert SECRET not in str(raised.value)
    assert CLIENT_SECRET not in str(raised.value)


def test_no_secret_is_in_the_repr_and_all_are_told() -> None:
    settings = read(extra={"client_id": "a", "client_secret": CLIENT_SECRET})

    assert set(settings.secrets()) == {SECRET, CLIENT_SECRET}
    assert not any(secret in repr(settings) for secret in settings.secrets())
