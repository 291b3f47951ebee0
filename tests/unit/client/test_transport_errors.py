"""What aiohttp raises, in our words."""

from __future__ import annotations

import ssl
from types import SimpleNamespace
from typing import Any

import aiohttp
import pytest
from aiohttp.http_exceptions import BadHttpMessage, HttpProcessingError

from airflow_provider_cloudfn.client.transport_errors import transport_error

UNREACHABLE = aiohttp.ClientConnectorError(SimpleNamespace(host="h", port=443, ssl=True), OSError(-2, "no such name"))  # type: ignore[arg-type]


@pytest.fixture(autouse=True)
def _no_proxy_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    ("raised", "field"),
    [(aiohttp.ConnectionTimeoutError(), "connect_timeout"), (aiohttp.SocketTimeoutError(), "read_timeout")],
)
def test_a_timeout_names_the_field_that_set_it(raised: Exception, field: str) -> None:
    assert f"{field} of the connection" in str(transport_error(raised, "GET https://h"))


@pytest.mark.parametrize(
    "alert", ["TLSV13_ALERT_CERTIFICATE_REQUIRED", "TLSV1_ALERT_UNKNOWN_CA", "SSLV3_ALERT_HANDSHAKE_FAILURE"]
)
@pytest.mark.parametrize("is_made", [True, False])
def test_a_server_that_wants_a_certificate_is_told_from_one_that_broke_off(alert: str, is_made: bool) -> None:
    cause = ssl.SSLError(1, "x")
    cause.reason = alert
    raised: Exception = aiohttp.ClientOSError(1, "x")
    raised.__cause__ = cause

    error = transport_error(
        raised if is_made else aiohttp.ClientConnectorSSLError(UNREACHABLE._conn_key, cause), "POST https://h"
    )

    assert "wants a certificate of its clients" in str(error)
    assert f"({alert}); set client_cert of the connection" in str(error)
    assert (error.never_sent, error.retryable) == (True, False)


def test_any_other_end_of_tls_is_a_connection_that_broke() -> None:
    raised = ssl.SSLError(1, "x")
    raised.reason = "BAD_RECORD_TYPE"

    assert not transport_error(raised, "POST https://h").never_sent


def test_what_is_wrong_with_an_answer_is_said_and_nothing_that_came_is_quoted() -> None:
    raised = HttpProcessingError(message="x")
    raised.__cause__ = BadHttpMessage("Invalid header token:\n\n  b'X Y: s3cret'\n     ^")

    error = str(transport_error(raised, "GET https://h"))

    assert "no whole HTTP answer (HttpProcessingError: BadHttpMessage, Invalid header token)" in error
    assert "s3cret" not in error


@pytest.mark.parametrize("raised", [UNREACHABLE, aiohttp.ConnectionTimeoutError()])
@pytest.mark.parametrize("name", ["HTTPS_PROXY", "http_proxy"])
def test_a_proxy_of_the_environment_is_said_to_be_ignored(
    monkeypatch: pytest.MonkeyPatch, raised: Any, name: str
) -> None:
    monkeypatch.setenv(name, "http://user:s3cret@proxy:3128")

    error = str(transport_error(raised, "GET https://h"))

    assert f"{name} of the environment is ignored" in error
    assert "set proxy on the connection" in error
    assert "s3cret" not in error


def test_no_word_on_a_proxy_where_there_is_none_or_where_one_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "proxy" not in str(transport_error(UNREACHABLE, "GET https://h"))

    monkeypatch.setenv("HTTPS_PROXY", "http://proxy:3128")

    assert "HTTPS_PROXY" not in str(transport_error(UNREACHABLE, "GET https://h", is_direct=False))


@pytest.mark.parametrize("is_direct", [True, False])
def test_a_proxy_is_blamed_where_there_is_one(is_direct: bool) -> None:
    error = transport_error(UnicodeError("x"), "GET https://h", is_direct=is_direct, is_connected=False)

    assert (error.never_sent, error.retryable) == (True, True)
    assert ("proxy" in str(error)) is not is_direct
