"""Certificates that are not to be trusted, and one that is."""

from __future__ import annotations

import datetime as dt
import ssl
from typing import TYPE_CHECKING, Any

import pytest
import trustme

from airflow_provider_cloudfn.client.request import Request
from airflow_provider_cloudfn.client.response import Response
from airflow_provider_cloudfn.client.url import BaseUrl
from airflow_provider_cloudfn.exceptions import CommunicationError

if TYPE_CHECKING:
    from collections.abc import Callable

AUTHORITY = trustme.CA()


async def answer(wire: Any) -> None:
    await wire.request()
    await wire.answer(b"ok")


def showing(certificate: trustme.LeafCert, *, clients_of: trustme.CA | None = None) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    if clients_of is not None:
        context.verify_mode = ssl.CERT_REQUIRED
        clients_of.configure_trust(context)
    return context


def trusting(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


@pytest.mark.parametrize(
    ("certificate", "trusted", "message"),
    [
        (lambda: trustme.CA().issue_cert("127.0.0.1"), None, "self-signed|unable to get local issuer"),
        (lambda: AUTHORITY.issue_cert("other.example.com"), AUTHORITY, "not valid for '127.0.0.1'|mismatch"),
        (
            lambda: AUTHORITY.issue_cert("127.0.0.1", not_after=dt.datetime(2020, 1, 1, tzinfo=dt.UTC)),
            AUTHORITY,
            "expired",
        ),
    ],
    ids=["unknown-authority", "other-host", "expired"],
)
def test_a_certificate_that_is_not_to_be_trusted_ends_the_call(
    talk: Any, certificate: Callable[[], trustme.LeafCert], trusted: trustme.CA | None, message: str
) -> None:
    exchange = talk(answer, server_tls=showing(certificate()), tls=trusting(trusted) if trusted else None)

    with pytest.raises(CommunicationError, match=message) as raised:
        raise exchange.outcome
    assert "ca_bundle" in str(raised.value)
    assert not raised.value.retryable
    assert exchange.received == []


def test_an_authority_of_ones_own_can_be_trusted(talk: Any) -> None:
    exchange = talk(answer, server_tls=showing(AUTHORITY.issue_cert("127.0.0.1")), tls=trusting(AUTHORITY))

    assert isinstance(exchange.outcome, Response)


def test_a_client_certificate_is_shown(talk: Any) -> None:
    tls = trusting(AUTHORITY)
    AUTHORITY.issue_cert("client@example.com").configure_cert(tls)

    exchange = talk(answer, server_tls=showing(AUTHORITY.issue_cert("127.0.0.1"), clients_of=AUTHORITY), tls=tls)

    assert isinstance(exchange.outcome, Response)


def test_a_server_that_wants_a_client_certificate_gets_a_clear_error(talk: Any) -> None:
    exchange = talk(
        answer,
        server_tls=showing(AUTHORITY.issue_cert("127.0.0.1"), clients_of=AUTHORITY),
        tls=trusting(AUTHORITY),
    )

    assert isinstance(exchange.outcome, CommunicationError)


def test_a_server_without_tls_where_tls_is_meant_is_a_communication_error(talk: Any) -> None:
    async def no_tls(wire: Any) -> None:
        await wire.send(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")

    async def script(wire: Any) -> None:
        await no_tls(wire)

    import asyncio

    from airflow_provider_cloudfn.client.client import Client

    async def call() -> None:
        async def serve(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
            writer.close()

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        async with server:
            await Client(base_url=BaseUrl.parse(f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}")).request(
                Request("GET", "/v1")
            )

    with pytest.raises(CommunicationError):
        asyncio.run(call())
