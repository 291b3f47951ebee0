"""A sandbox that every test finds empty, and clients of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from airflow_provider_cloudfn.sandbox import Sandbox


@pytest.fixture
def sandbox(running_sandbox: Sandbox) -> Sandbox:
    running_sandbox.reset()
    return running_sandbox


@pytest.fixture(scope="session")
def client(running_sandbox: Sandbox) -> Iterator[httpx.Client]:
    """A client that shows no credentials."""
    with httpx.Client(base_url=running_sandbox.url, trust_env=False) as client:
        yield client


@pytest.fixture
def access_token(sandbox: Sandbox, client: httpx.Client) -> Callable[..., str]:
    """Return a function that gets an access token."""

    def get(**more: str) -> str:
        credentials = (sandbox.credentials.client_id, sandbox.credentials.client_secret)
        form = {"grant_type": "client_credentials", **more}
        return str(client.post("/oauth2/token", data=form, auth=credentials).raise_for_status().json()["access_token"])

    return get
