"""Starting and stopping a sandbox."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading

import httpx
import pytest

from airflow_provider_cloudfn.exceptions import ConfigurationError
from airflow_provider_cloudfn.sandbox import Credentials, Sandbox


def test_it_answers_as_soon_as_it_is_started_and_not_after_it_is_stopped() -> None:
    with Sandbox.start() as sandbox:
        assert httpx.get(f"{sandbox.url}/_sandbox/health", trust_env=False).json() == {"status": "ok"}
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{sandbox.url}/_sandbox/health", trust_env=False)
    assert sandbox._thread not in threading.enumerate()


def test_it_stops_while_a_client_keeps_its_connection() -> None:
    with Sandbox.start() as sandbox, httpx.Client(trust_env=False) as client:
        client.get(f"{sandbox.url}/_sandbox/health")
        sandbox.stop()
        with pytest.raises(httpx.TransportError):
            client.get(f"{sandbox.url}/_sandbox/health")


def test_two_sandboxes_share_nothing() -> None:
    with Sandbox.start() as one, Sandbox.start() as other:
        httpx.post(f"{one.url}/open/v1/charges", json={"amount": 1}, trust_env=False)
        assert (len(one.charges), len(other.charges)) == (1, 0)
        assert set(one.credentials.secrets()).isdisjoint(other.credentials.secrets())


def test_a_taken_port_is_refused_with_the_remedy() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigurationError, match=rf"127\.0\.0\.1:{port} .*; choose another, or 0"):
            Sandbox.start(port)


@pytest.mark.parametrize("port", [-1, 70000])
def test_an_impossible_port_is_refused(port: int) -> None:
    with pytest.raises(ConfigurationError, match="can't listen"):
        Sandbox.start(port)


def test_credentials_can_be_given() -> None:
    with Sandbox.start(credentials=Credentials(api_key="a-key-of-mine")) as sandbox:
        assert sandbox.connections()["shop"]["password"] == "a-key-of-mine"


def test_the_life_of_a_token_can_be_given() -> None:
    with Sandbox.start(token_seconds=7) as sandbox:
        auth = (sandbox.credentials.client_id, sandbox.credentials.client_secret)
        form = {"grant_type": "client_credentials"}
        issued = httpx.post(f"{sandbox.url}/oauth2/token", data=form, auth=auth, trust_env=False).json()
        assert issued["expires_in"] == 7


def test_a_secret_too_short_to_be_masked_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="api_key: a secret of the sandbox has 8 characters or more"):
        Credentials(api_key="short")


def test_importing_the_package_loads_no_server() -> None:
    code = (
        "import sys; import airflow_provider_cloudfn.sandbox; "
        "print([name for name in ('starlette', 'uvicorn', 'asyncio') if name in sys.modules])"
    )
    printed = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    assert printed.strip() == "[]"


def test_a_fault_of_its_own_is_answered_and_recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("broken")

    with Sandbox.start() as sandbox:
        monkeypatch.setattr(sandbox._application.charges, "earlier", broken)
        headers = {"Idempotency-Key": "k"}
        answered = httpx.post(f"{sandbox.url}/open/v1/charges", json={}, headers=headers, trust_env=False)
        assert (answered.status_code, answered.json()["error"]["code"]) == (500, "internal_error")
        assert sandbox.requests[0].status == 500
