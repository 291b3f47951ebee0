"""One token for all who ask at the same time, in one process and in several."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_cloudfn.auth.client_authentication import OAuth2Client
from airflow_provider_cloudfn.auth.oauth2 import OAuth2ClientCredentials
from airflow_provider_cloudfn.auth.token_store import MemoryTokenStore
from airflow_provider_cloudfn.client.request import Request
from airflow_provider_cloudfn.client.retry import RetryPolicy
from airflow_provider_cloudfn.exceptions import (
    RequestTimeoutError,
)

if TYPE_CHECKING:
    from pathlib import Path

QUICK = RetryPolicy(attempts=3, first_wait=0.001, longest_wait=0.001)
SECRET = "s3cret-value"


class TokenService:
    """A service, and its token endpoint beside it."""

    def __init__(self, *, lifetime: int = 3600, refused: int = 0, down: int = 0) -> None:
        self.issued = 0
        self.refused = refused
        self.down = down
        self.lifetime = lifetime

    async def __call__(self, wire: Any) -> None:
        while True:
            request = await wire.request()
            if request.startswith(b"POST /token"):
                if self.down:
                    self.down -= 1
                    await wire.answer(b"down", status="503 Down")
                    continue
                self.issued += 1
                fields = {"access_token": f"token-{self.issued}", "expires_in": self.lifetime}
                await wire.answer(json.dumps(fields).encode(), "Content-Type: application/json")
            elif self.refused and b"token-1\r\n" in request:
                await wire.answer(b"", status="401 Unauthorized")
            else:
                await wire.answer(b"ok")


def credentials(server: Any, store: Any = None) -> OAuth2ClientCredentials:
    return OAuth2ClientCredentials(
        OAuth2Client(token_url=f"{server.url}/token", client_id="ann", client_secret=SECRET),
        store=MemoryTokenStore() if store is None else store,
    )


@pytest.mark.parametrize(("refused", "expected"), [(0, 1), (1, 2)], ids=["first", "after-401"])
def test_calls_at_the_same_time_ask_for_one_token(server_of: Any, client_of: Any, refused: int, expected: int) -> None:
    service = TokenService()

    async def run() -> list[Any]:
        async with server_of(service) as server:
            auth = credentials(server)
            async with client_of(server, auth=auth).session() as client:
                if refused:
                    await client.request(Request("GET", "/v1"))
                    service.refused = refused
                return await asyncio.gather(*(client.request(Request("GET", "/v1")) for _ in range(30)))

    assert [response.status for response in asyncio.run(run())] == [200] * 30
    assert service.issued == expected


def test_threads_with_event_loops_of_their_own_ask_for_one_token(server_of: Any, client_of: Any) -> None:
    service = TokenService()

    async def run() -> list[Any]:
        async with server_of(service) as server:
            client = client_of(server, auth=credentials(server))
            return await asyncio.gather(
                *(asyncio.to_thread(client.request_sync, Request("GET", "/v1")) for _ in range(8))
            )

    assert [response.status for response in asyncio.run(run())] == [200] * 8
    assert service.issued == 1


def test_processes_ask_for_one_token(server_of: Any, tmp_path: Path) -> None:
    service = TokenService()
    code = (
        "import pathlib, sys\n"
        "from airflow_provider_cloudfn.auth.client_authentication import OAuth2Client\n"
        "from airflow_provider_cloudfn.auth.oauth2 import OAuth2ClientCredentials\n"
        "from airflow_provider_cloudfn.auth.token_file import FileTokenStore\n"
        "from airflow_provider_cloudfn.client.client import Client\n"
        "from airflow_provider_cloudfn.client.request import Request\n"
        "from airflow_provider_cloudfn.client.url import BaseUrl\n"
        "url, folder = sys.argv[1:]\n"
        "auth = OAuth2ClientCredentials(OAuth2Client(token_url=url + '/token', client_id='ann', client_secret='s'), "
        "store=FileTokenStore(pathlib.Path(folder)))\n"
        "assert Client(base_url=BaseUrl.parse(url), auth=auth).request_sync(Request('GET', '/v1')).content == b'ok'\n"
    )

    async def run() -> list[int | None]:
        async with server_of(service) as server:
            started = [
                await asyncio.create_subprocess_exec(sys.executable, "-c", code, server.url, str(tmp_path / "tokens"))
                for _ in range(4)
            ]
            return [await process.wait() for process in started]

    assert asyncio.run(run()) == [0] * 4
    assert service.issued == 1


def test_a_token_endpoint_that_is_down_for_a_moment_is_asked_again_whatever_the_method(
    server_of: Any, client_of: Any
) -> None:
    service = TokenService(down=1)

    async def run() -> Any:
        async with server_of(service) as server:
            return await client_of(server, auth=credentials(server), retry=QUICK).request(Request("POST", "/v1"))

    assert asyncio.run(run()).status == 200


def test_a_new_token_is_told_before_it_is_used_and_redacted_after(server_of: Any, client_of: Any) -> None:
    told: list[str] = []

    async def script(wire: Any) -> None:
        while True:
            request = await wire.request()
            if request.startswith(b"POST /token"):
                await wire.answer(b'{"access_token": "t0ken-value"}', "Content-Type: application/json")
            else:
                assert "t0ken-value" in told
                await wire.answer(b"bad t0ken-value", status="403 Forbidden")

    async def run() -> None:
        async with server_of(script) as server:
            await client_of(server, auth=credentials(server), on_secret=told.append).request(Request("GET", "/v1"))

    with pytest.raises(Exception, match=r"it says: bad \*\*\*"):
        asyncio.run(run())


def test_a_token_endpoint_that_hangs_ends_within_the_call(server_of: Any, client_of: Any) -> None:
    async def script(wire: Any) -> None:
        await wire.request()
        await wire.wait_for_the_end()

    async def run() -> None:
        async with server_of(script) as server:
            await client_of(server, auth=credentials(server)).request(Request("GET", "/v1"))

    with pytest.raises(RequestTimeoutError, match="/token"):
        asyncio.run(run())


def test_a_token_request_that_breaks_is_sent_again_whatever_the_method(server_of: Any, client_of: Any) -> None:
    async def script(wire: Any) -> None:
        while True:
            request = await wire.request()
            if wire.connection == 0:
                wire.reset()
                return
            await wire.answer(b'{"access_token": "t"}', "Content-Type: application/json")
            assert request.startswith(b"POST")

    async def run() -> Any:
        async with server_of(script) as server:
            response = await client_of(server, auth=credentials(server), retry=QUICK).request(Request("POST", "/v1"))
            return response, [request.split(b" ")[1] for request in server.exchange.received]

    response, asked = asyncio.run(run())
    assert response.status == 200
    assert asked == [b"/token", b"/token", b"/v1"]
