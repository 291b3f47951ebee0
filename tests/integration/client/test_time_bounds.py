"""How long a call may take, whatever it waits for."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
import time
from typing import Any

import pytest

from airflow_provider_cloudfn.auth.client_authentication import OAuth2Client
from airflow_provider_cloudfn.auth.oauth2 import OAuth2ClientCredentials
from airflow_provider_cloudfn.auth.token_store import MemoryTokenStore
from airflow_provider_cloudfn.client.client import Client, run
from airflow_provider_cloudfn.client.request import Request, Sending
from airflow_provider_cloudfn.client.retry import RetryPolicy
from airflow_provider_cloudfn.client.settings import Timeouts
from airflow_provider_cloudfn.client.url import BaseUrl
from airflow_provider_cloudfn.exceptions import ConfigurationError, RequestTimeoutError

SECRET = "s3cret-value"


async def silence(wire: Any) -> None:
    await wire.request()
    await wire.wait_for_the_end()


class AfterAWhile:
    """Answers once the test says so."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self.may_answer = asyncio.Event()

    async def __call__(self, wire: Any) -> None:
        await wire.request()
        self.asked.set()
        await self.may_answer.wait()
        await wire.answer(b"ok")


def test_a_call_that_may_take_longer_may_be_silent_for_longer(server_of: Any, client_of: Any) -> None:
    async def both() -> Any:
        script = AfterAWhile()
        async with server_of(script) as server:
            client = client_of(server, timeouts=Timeouts(total=0.05))
            call = asyncio.ensure_future(client.request(Request("GET", "/v1"), Sending(timeout=20)))
            await script.asked.wait()
            done, _ = await asyncio.wait([call], timeout=0.3)
            assert not done
            script.may_answer.set()
            return await call

    assert asyncio.run(both()).content == b"ok"


def test_a_service_is_not_silent_while_it_is_sent_a_long_body(talk: Any) -> None:
    async def script(wire: Any) -> None:
        # What it has no room for is not sent yet.
        await asyncio.sleep(0.6)
        await wire.request()
        await wire.answer(b"ok")

    exchange = talk(script, "POST", call={"data": b"x" * 20_000_000})

    assert exchange.outcome.status == 200


def test_without_a_bound_for_silence_the_whole_call_has_one(talk: Any) -> None:
    error = talk(silence, timeouts=Timeouts(total=0.2)).outcome

    assert type(error) is RequestTimeoutError
    assert "took longer than 0.2 seconds in all; the service may have taken the request" in str(error)
    assert not error.never_sent


def test_a_call_that_ends_before_there_is_a_connection_was_never_sent() -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full, contextlib.ExitStack() as waiting:
        for _ in range(4):  # No more of them are taken on: what comes now waits for the connection.
            one = waiting.enter_context(socket.socket())
            one.setblocking(False)
            one.connect_ex(full.getsockname())
        client = Client(
            base_url=BaseUrl.parse(f"http://127.0.0.1:{full.getsockname()[1]}"), timeouts=Timeouts(total=0.5)
        )

        with pytest.raises(RequestTimeoutError, match="the request itself was never sent") as caught:
            client.request_sync(Request("POST", "/v1"))

    assert caught.value.never_sent


def test_attempts_and_waits_together_take_no_longer_than_the_call_may(talk: Any, answers: Any) -> None:
    begun = time.monotonic()
    policy = RetryPolicy(attempts=100, total=30, first_wait=0.2, longest_wait=0.2)

    exchange = talk(answers(*["503 X"] * 100), timeouts=Timeouts(total=0.5), retry=policy)

    assert time.monotonic() - begun < 2
    assert exchange.outcome.status == 503
    assert 1 < len(exchange.received) < 100


def test_the_bound_of_the_retries_is_kept_though_the_call_may_take_longer(talk: Any, answers: Any) -> None:
    begun = time.monotonic()
    policy = RetryPolicy(attempts=100, total=0.3, first_wait=0.1, longest_wait=0.1)

    exchange = talk(answers(*["503 X"] * 100), timeouts=Timeouts(total=30), retry=policy)

    assert time.monotonic() - begun < 3
    assert exchange.outcome.status == 503


def test_waiting_for_the_token_of_another_one_is_a_part_of_the_call_and_half_of_it_at_most(
    server_of: Any, client_of: Any
) -> None:
    store = MemoryTokenStore()

    async def both() -> Any:
        async with server_of(silence) as server:
            auth = OAuth2ClientCredentials(
                OAuth2Client(token_url=f"{server.url}/token", client_id="ann", client_secret=SECRET), store=store
            )
            held = store.lock(auth.key)
            assert held.try_acquire()
            try:
                await client_of(server, auth=auth, timeouts=Timeouts(total=0.2)).request(Request("GET", "/v1"))
            except RequestTimeoutError as error:
                return error, server.exchange.connections
            finally:
                held.release()

    error, connections = asyncio.run(both())
    assert "took longer than 0.2 seconds in all; the request itself was never sent" in str(error)
    assert error.never_sent
    assert connections == 1


def test_a_call_that_is_given_up_leaves_the_lock_to_others(server_of: Any, client_of: Any) -> None:
    asked = asyncio.Event()

    async def script(wire: Any) -> None:
        while True:
            request = await wire.request()
            if request.startswith(b"POST /token") and wire.connection == 0:
                asked.set()
                await wire.wait_for_the_end()
                return
            await wire.answer(b'{"access_token": "t"}', "Content-Type: application/json")

    async def both() -> Any:
        async with server_of(script) as server:
            auth = OAuth2ClientCredentials(
                OAuth2Client(token_url=f"{server.url}/token", client_id="ann", client_secret=SECRET),
                store=MemoryTokenStore(),
            )
            client = client_of(server, auth=auth, timeouts=Timeouts(total=20))
            first = asyncio.ensure_future(client.request(Request("GET", "/v1")))
            await asked.wait()
            others = [asyncio.ensure_future(client.request(Request("GET", "/v1"))) for _ in range(5)]
            first.cancel()
            answers = await asyncio.gather(first, *others, return_exceptions=True)
            tokens = sum(request.startswith(b"POST /token") for request in server.exchange.received)
            return answers, tokens

    (first, *others), tokens = asyncio.run(both())
    assert isinstance(first, asyncio.CancelledError)
    assert [answer.status for answer in others] == [200] * 5
    assert tokens == 2


def test_a_client_whose_session_is_open_serves_other_threads_too(server_of: Any, client_of: Any, answers: Any) -> None:
    async def both() -> Any:
        async with server_of(answers()) as server:
            client = client_of(server)
            async with client.session() as open_client:
                mine = await open_client.request(Request("GET", "/v1"))
                theirs = await asyncio.to_thread(client.request_sync, Request("GET", "/v1"))
                again = await open_client.request(Request("GET", "/v1"))
            return mine, theirs, again, server.exchange.connections

    *responses, connections = asyncio.run(both())
    assert [response.content for response in responses] == [b"ok"] * 3
    assert connections == 2


def test_a_call_that_blocks_is_refused_where_an_event_loop_runs(client_of: Any, server_of: Any, answers: Any) -> None:
    async def both() -> None:
        async with server_of(answers()) as server:
            with pytest.raises(RuntimeError, match="an event loop runs here already: use arequest"):
                client_of(server).request_sync(Request("GET", "/v1"))

    asyncio.run(both())


def test_a_call_works_in_a_thread_that_is_not_the_main_one() -> None:
    found: list[int] = []

    async def one() -> int:
        return 1

    thread = threading.Thread(target=lambda: found.append(run(one)))
    thread.start()
    thread.join()

    assert found == [1]


@pytest.mark.parametrize("wrong", [0, -1, float("inf"), float("nan"), True, "5", None])
@pytest.mark.parametrize("name", ["connect", "read", "total"])
def test_a_bound_is_seconds(name: str, wrong: Any) -> None:
    if name == "read" and wrong is None:
        assert Timeouts(read=None).read is None
        return
    with pytest.raises(ConfigurationError, match=f"the {name} timeout must be seconds above 0"):
        Timeouts(**{name: wrong})


def test_requests_at_once_do_not_wait_for_each_other(server_of: Any, client_of: Any) -> None:
    count, arrived = 150, 0

    async def both() -> list[Any]:
        all_are_here = asyncio.Event()

        async def script(wire: Any) -> None:
            nonlocal arrived
            await wire.request()
            arrived += 1
            if arrived == count:
                all_are_here.set()
            await all_are_here.wait()
            await wire.answer(b"ok")

        async with server_of(script) as server:
            timeouts = Timeouts(connect=5, total=20)
            async with client_of(server, timeouts=timeouts).session() as client:
                return await asyncio.gather(*(client.request(Request("POST", "/v1")) for _ in range(count)))

    assert [response.content for response in asyncio.run(both())] == [b"ok"] * count
