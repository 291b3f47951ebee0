"""Processes that share a token: when it is revoked, when one of them is killed while it fetches one, when the disk is bad."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_cloudfn.auth.client_authentication import OAuth2Client
from airflow_provider_cloudfn.auth.oauth2 import OAuth2ClientCredentials
from airflow_provider_cloudfn.auth.token_store import MemoryTokenStore
from airflow_provider_cloudfn.client.client import Client
from airflow_provider_cloudfn.client.request import Request, Sending
from airflow_provider_cloudfn.client.url import BaseUrl

if TYPE_CHECKING:
    from pathlib import Path

CODE = """
import pathlib, sys
from airflow_provider_cloudfn.auth.client_authentication import OAuth2Client
from airflow_provider_cloudfn.auth.oauth2 import OAuth2ClientCredentials
from airflow_provider_cloudfn.auth.token_file import FileTokenStore
from airflow_provider_cloudfn.client import token_locks
from airflow_provider_cloudfn.client.client import Client
from airflow_provider_cloudfn.client.request import Request
from airflow_provider_cloudfn.client.url import BaseUrl
url, folder, patience = sys.argv[1:]
token_locks._LONGEST = float(patience)
store = FileTokenStore(pathlib.Path(folder))
auth = OAuth2ClientCredentials(OAuth2Client(token_url=url + '/token', client_id='ann', client_secret='s3cret-value'), store=store)
assert Client(base_url=BaseUrl.parse(url), auth=auth).request_sync(Request('GET', '/v1')).content == b'ok'
"""


class Service:
    """A service that takes the newest token only, unless it takes all, with a token endpoint that may hang."""

    def __init__(self, *, hangs: int = 0, takes_all: bool = False) -> None:
        self.takes_all = takes_all
        self.issued = 0
        self.refused = 0
        self.hangs = hangs
        self.newest = ""
        self.hanging = asyncio.Event()

    async def __call__(self, wire: Any) -> None:
        while True:
            request = await wire.request()
            if request.startswith(b"POST /token"):
                if self.hangs:
                    self.hangs -= 1
                    self.hanging.set()
                    await wire.wait_for_the_end()
                    return
                self.issued += 1
                self.newest = f"token-{self.issued}"
                fields = {"access_token": self.newest, "expires_in": 3600}
                await wire.answer(json.dumps(fields).encode(), "Content-Type: application/json")
            elif (b"Bearer token-" if self.takes_all else f"Bearer {self.newest}\r\n".encode()) in request:
                await wire.answer(b"ok")
            else:
                self.refused += 1
                await wire.answer(b"no", status="401 Unauthorized")


async def start(server: Any, folder: Path, patience: float = 30.0) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(sys.executable, "-c", CODE, server.url, str(folder), str(patience))


async def run_some(server: Any, folder: Path, count: int = 4, patience: float = 30.0) -> list[int | None]:
    started = [await start(server, folder, patience) for _ in range(count)]
    return [await process.wait() for process in started]


def test_a_revoked_token_is_replaced_once_for_all(server_of: Any, tmp_path: Path) -> None:
    async def both() -> tuple[Any, Service]:
        service = Service()
        async with server_of(service) as server:
            before = await run_some(server, tmp_path / "tokens", 1)
            service.newest = "revoked"
            return before + await run_some(server, tmp_path / "tokens"), service

    results, service = asyncio.run(both())
    assert results == [0] * 5
    assert service.issued == 2
    assert service.refused >= 1


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_a_process_that_is_killed_while_it_fetches_a_token_holds_nobody_up(
    server_of: Any, tmp_path: Path, how: signal.Signals
) -> None:
    async def both() -> tuple[Any, Service]:
        service = Service(hangs=1)
        async with server_of(service) as server:
            first = await start(server, tmp_path / "tokens")
            await service.hanging.wait()
            first.send_signal(how)
            return [await first.wait(), *await asyncio.wait_for(run_some(server, tmp_path / "tokens"), 20)], service

    (first, *others), service = asyncio.run(both())
    assert first == -how
    assert others == [0] * 4
    assert service.issued == 1


def test_a_process_that_stands_still_while_it_fetches_a_token_is_passed_by(server_of: Any, tmp_path: Path) -> None:
    folder = tmp_path / "tokens"

    async def both() -> tuple[Any, int, int]:
        service = Service(hangs=1, takes_all=True)
        async with server_of(service) as server:
            first = await start(server, folder)
            try:
                await service.hanging.wait()
                first.send_signal(signal.SIGSTOP)
                others = await run_some(server, folder, patience=0.5)
                issued = service.issued
                # The lock is still held, and there is a token all the same: nobody waits for the one or asks for another.
                others += await asyncio.wait_for(run_some(server, folder, 2), 20)
                return others, issued, service.issued
            finally:
                first.kill()
                await first.wait()

    others, first_issued, issued = asyncio.run(both())
    assert others == [0] * 6
    assert 1 <= first_issued <= 4
    assert issued == first_issued


@pytest.mark.parametrize("fault", ["file", "nowhere", "open-to-others"])
def test_without_a_place_to_share_each_has_its_own(server_of: Any, tmp_path: Path, fault: str) -> None:
    folder = tmp_path / "tokens"
    if fault == "file":
        folder.write_text("no folder")
    elif fault == "nowhere":
        folder = tmp_path / ("n" * 300)
    else:
        folder.mkdir()
        folder.chmod(0o777)

    async def both() -> tuple[Any, int]:
        service = Service()
        async with server_of(service) as server:
            one_by_one = [await run_some(server, folder, 1), await run_some(server, folder, 1)]
            return one_by_one, service.issued

    assert asyncio.run(both()) == ([[0], [0]], 2)


def test_a_call_keeps_time_for_a_token_of_its_own(server_of: Any) -> None:
    async def both() -> tuple[Any, int]:
        service = Service()
        async with server_of(service) as server:
            auth = OAuth2ClientCredentials(
                OAuth2Client(token_url=f"{server.url}/token", client_id="ann", client_secret="s3cret"),
                store=MemoryTokenStore(),
            )
            hangs = auth._store.lock(auth.key)
            assert hangs.try_acquire()
            response = await Client(base_url=BaseUrl.parse(server.url), auth=auth).request(
                Request("GET", "/v1"), Sending(timeout=2)
            )
            return response.content, service.issued

    assert asyncio.run(both()) == (b"ok", 1)
