"""The service that a hook's connection leads to."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Any

import pytest
import trustme

if TYPE_CHECKING:
    from collections.abc import Callable

    from kit.server import LoopbackServer

    from airflow_provider_cloudfn.sandbox import Sandbox


@pytest.fixture
def service(serve: Callable[..., LoopbackServer]) -> LoopbackServer:
    return serve()


@pytest.fixture
def shop(service: LoopbackServer, connection: Callable[..., Any]) -> Callable[..., None]:
    """Return what makes the connection ``shop`` to the service: of its extras, and of its password where it has one."""
    return lambda extra, password=None: connection(
        "shop", conn_type="cloudfn", host=service.url, password=password, extra=extra
    )


@pytest.fixture
def sandbox(running_sandbox: Sandbox) -> Sandbox:
    return running_sandbox


@pytest.fixture
def asking_for_a_certificate(serve: Callable[..., LoopbackServer]) -> tuple[LoopbackServer, dict[str, Any]]:
    """Return a service of an authority of its own, which asks for a certificate, and the extras of a connection that has one."""
    authority = trustme.CA()
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(tls)
    authority.configure_trust(tls)
    tls.verify_mode = ssl.CERT_REQUIRED
    client = authority.issue_cert("client.example.com")
    return serve(tls), {
        "allow_http": False,
        "ca_bundle": authority.cert_pem.bytes().decode(),
        "client_cert": client.cert_chain_pems[0].bytes().decode(),
        "client_private_key": client.private_key_pem.bytes().decode(),
    }
