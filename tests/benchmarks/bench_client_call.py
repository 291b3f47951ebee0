"""
The own processor time of one warm call over raw aiohttp: a POST with JSON, an API key and a query, whose answer is JSON.

Both call the same server, in a process of its own, over one kept connection each, in turns. Run it with ``make bench``, or
``python tests/benchmarks/bench_client_call.py``. It exits with 1 when the target is missed.
"""

from __future__ import annotations

import asyncio
import logging
import multiprocessing
import statistics
import sys
import time
from typing import TYPE_CHECKING, Any

import aiohttp

from airflow_provider_cloudfn.auth.api_key import ApiKeyAuth
from airflow_provider_cloudfn.auth.client_authentication import OAuth2Client
from airflow_provider_cloudfn.auth.oauth2 import OAuth2ClientCredentials
from airflow_provider_cloudfn.auth.token_store import AccessToken, MemoryTokenStore
from airflow_provider_cloudfn.client.body import Json
from airflow_provider_cloudfn.client.client import Client
from airflow_provider_cloudfn.client.request import Request
from airflow_provider_cloudfn.client.url import BaseUrl

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from multiprocessing.connection import Connection

ROUNDS = 60
CALLS = 50
TARGET_MS = 0.3

BODY = {"amount": 1999, "currency": "EUR", "customer": "c-1001", "lines": [{"sku": f"s-{n}", "n": n} for n in range(5)]}
ANSWER = b'{"id": "ch_1", "amount": 1999, "status": "captured"}'
REPLY = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(ANSWER) + ANSWER


class Answering(asyncio.Protocol):
    """Answers each request of a connection; the client sends the next one when it has read the answer."""

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        self._received = b""

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, end, body = self._received.partition(b"\r\n\r\n")
        if not end:
            return
        length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
        if len(body) >= length:
            self._received = b""
            self._transport.write(REPLY)


def serve(port_of: Connection) -> None:
    async def run() -> None:
        server = await asyncio.get_running_loop().create_server(Answering, "127.0.0.1", 0)
        port_of.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(run())


async def measured(call: Callable[[], Awaitable[object]]) -> float:
    """Return the seconds of this process for one call, over some in a row: what others do on this machine doesn't count."""
    begun = time.process_time()
    for _ in range(CALLS):
        await call()
    return (time.process_time() - begun) / CALLS


def clients(url: str) -> dict[str, Client]:
    token = OAuth2ClientCredentials(
        OAuth2Client(token_url=f"{url}/token", client_id="c", client_secret="s"), store=(store := MemoryTokenStore())
    )
    store.put(token.key, AccessToken("token", expires_at=time.time() + 3600))
    return {
        "API key": Client(base_url=BaseUrl.parse(url), auth=ApiKeyAuth("X-Api-Key", "key")),
        "OAuth 2.0, token at hand": Client(base_url=BaseUrl.parse(url), auth=token),
    }


async def compare(port: int) -> int:
    url = f"http://127.0.0.1:{port}"
    headers = {"X-Api-Key": "key", "Accept": "application/json"}
    raw: list[float] = []
    ours: dict[str, list[float]] = {}
    async with aiohttp.ClientSession(headers=headers) as session:

        async def raw_call() -> object:
            async with session.post(f"{url}/v1/charges", params={"environment": "production"}, json=BODY) as response:
                return await response.json()

        for name, closed_client in clients(url).items():
            async with closed_client.session() as client:

                async def our_call(client: Client = client) -> object:
                    return await client.request(
                        Request("POST", "/v1/charges", {"environment": "production"}, body=Json(BODY))
                    )

                for round_ in range(ROUNDS + 3):
                    pair = await measured(raw_call), await measured(our_call)
                    if round_ >= 3:
                        raw.append(pair[0])
                        ours.setdefault(name, []).append(pair[1] - pair[0])
    base = statistics.median(raw) * 1000
    print(f"{'one warm call':<28}{'ms':>8}{'own ms':>9}{'ratio':>7}   target: own time ≤ {TARGET_MS} ms")
    print(f"{'raw aiohttp':<28}{base:>8.3f}")
    missed = False
    for name, differences in ours.items():
        own = statistics.median(differences) * 1000
        missed = missed or own > TARGET_MS
        print(
            f"{name:<28}{base + own:>8.3f}{own:>9.3f}{(base + own) / base:>7.2f}   {'missed' if own > TARGET_MS else 'met'}"
        )
    return int(missed)


def main() -> int:
    logging.disable(logging.INFO)
    here, there = multiprocessing.Pipe()
    server = multiprocessing.get_context("spawn").Process(target=serve, args=(there,), daemon=True)
    server.start()
    try:
        return asyncio.run(compare(here.recv()))
    finally:
        server.terminate()
        server.join()


if __name__ == "__main__":
    sys.exit(main())
