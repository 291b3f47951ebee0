"""An answer that is whole stands, whatever comes behind it: that is dropped, and the connection with it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from airflow_provider_cloudfn.client.body import Raw
from airflow_provider_cloudfn.client.request import Request, Sending
from airflow_provider_cloudfn.client.retry import RetryPolicy
from airflow_provider_cloudfn.exceptions import CommunicationError

#: Method, what is sent, the status and the content that are the answer.
BEHIND = {
    "204 and a last chunk": (
        "DELETE",
        b"HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        204,
        b"",
    ),
    "204 and a body": ("DELETE", b"HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\n{}", 204, b""),
    "204 and a body of no length": ("DELETE", b"HTTP/1.1 204 No Content\r\n\r\n<html></html>", 204, b""),
    "304 and a body": ("GET", b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\nhello", 304, b""),
    "HEAD and a body": ("HEAD", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", 200, b""),
    "HEAD and chunks": ("HEAD", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", 200, b""),
    "too many bytes": ("GET", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok!!", 200, b"ok"),
    "a line too many": ("GET", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok\r\n\r\n\0", 200, b"ok"),
    "length 0 and a body": ("POST", b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n{}", 201, b""),
    "behind the last chunk": (
        "GET",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n{}",
        200,
        b"ok",
    ),
    "another answer": (
        "GET",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nbad",
        200,
        b"ok",
    ),
    "half of another answer": (
        "GET",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 30\r\n\r\nb",
        200,
        b"ok",
    ),
    "hints before it": (
        "DELETE",
        b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n{}",
        204,
        b"",
    ),
    "lines that end with LF": ("GET", b"HTTP/1.1 200 OK\nContent-Length: 2\n\nok!!", 200, b"ok"),
}

#: Heads that say twice how long the body is, with what is the answer.
TWICE = {
    "one length twice": b"Content-Length: 2\r\nX: y\r\ncontent-length:2\r\n\r\nok",
    "one length twice in a line": b"Content-Length: 2, 2\r\n\r\nok",
    "a length and chunks": b"Content-Length: 7\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    "chunks and a length": b"Transfer-Encoding: Chunked\r\nContent-Length: 2\r\n\r\n2\r\nok\r\n0\r\n\r\n",
}
BEHIND |= {name: ("POST", b"HTTP/1.1 201 Created\r\n" + sent, 201, b"ok") for name, sent in TWICE.items()}

EACH = pytest.mark.parametrize(("method", "sent", "status", "content"), BEHIND.values(), ids=list(BEHIND))


def script(sent: bytes, *, size: int | None = None) -> Any:
    """Answer each connection's first request with these bytes, in pieces of a size, and keep it open."""

    async def run(wire: Any) -> None:
        await wire.request()
        for begin in range(0, len(sent), size or len(sent)):
            await wire.send(sent[begin : begin + (size or len(sent))])
            await asyncio.sleep(0)
        await wire.wait_for_the_end()

    return run


@EACH
def test_the_answer_stands_and_nothing_is_sent_again(
    talk: Any, method: str, sent: bytes, status: int, content: bytes
) -> None:
    exchange = talk(script(sent), method, call={"check_status": False}, retry=RetryPolicy())

    assert (exchange.outcome.status, exchange.outcome.content) == (status, content)
    assert len(exchange.received) == 1


@pytest.mark.parametrize("size", [1, 2, 3, 7])
@EACH
def test_in_whatever_pieces_it_comes(
    talk: Any, method: str, sent: bytes, status: int, content: bytes, size: int
) -> None:
    exchange = talk(script(sent, size=size), method, call={"check_status": False})

    assert (exchange.outcome.status, exchange.outcome.content) == (status, content)


def test_the_connection_is_used_for_nothing_else(talk_twice: Any) -> None:
    exchange = talk_twice(script(BEHIND["another answer"][1]))

    assert [answer.content for answer in exchange.outcome] == [b"ok", b"ok"]
    assert exchange.connections == 2


@pytest.mark.parametrize(("name", "connections"), [("one length twice", 1), ("chunks and a length", 2)])
def test_a_connection_that_is_told_two_ends_is_not_used_again(talk_twice: Any, name: str, connections: int) -> None:
    async def run(wire: Any) -> None:
        while True:
            await wire.request()
            await wire.send(b"HTTP/1.1 200 OK\r\n" + TWICE[name])

    exchange = talk_twice(run)

    assert [answer.content for answer in exchange.outcome] == [b"ok", b"ok"]
    assert exchange.connections == connections


def test_a_connection_with_nothing_behind_the_answer_is_used_again(talk_twice: Any, answers: Any) -> None:
    assert talk_twice(answers()).connections == 1


def test_a_connection_that_has_not_got_the_whole_request_is_not_used_again(server_of: Any, client_of: Any) -> None:
    async def answer_at_once(wire: Any) -> None:
        await wire.reader.readuntil(b"\r\n\r\n")
        await wire.answer(status="413 Content Too Large")
        await asyncio.Event().wait()

    async def both() -> tuple[list[int], int]:
        request = Request("PUT", "/v1", body=Raw(b"x" * 50_000_000))
        sending = Sending(timeout=10, check_status=False)
        async with server_of(answer_at_once) as server, client_of(server).session() as client:
            statuses = [(await client.request(request, sending)).status for _ in range(2)]
            return statuses, server.exchange.connections

    assert asyncio.run(both()) == ([413, 413], 2)


@pytest.mark.parametrize(
    "sent",
    [
        b"!!",
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok!!",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nz\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: two\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nContent-Length: two, two\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2, 3\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok!",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX",
        b"HTTP/1.1 103 Early Hints\r\n\r\n!!",
    ],
)
def test_an_answer_that_is_not_whole_is_none(talk: Any, sent: bytes) -> None:
    async def run(wire: Any) -> None:
        await wire.request()
        await wire.send(sent)

    assert type(talk(run).outcome) is CommunicationError


#: Bodies in chunks whose last line break, or more, is missing when the server closes, and what is read of them: None for a
#: body that is not whole.
ENDS_OF_CHUNKS = {
    "the last chunk": (b"2\r\nok\r\n0\r\n", b"ok"),
    "half of the last line break": (b"2\r\nok\r\n0\r\n\r", b"ok"),
    "no byte at all": (b"0\r\n", b""),
    "the last chunk's own line break": (b"2\r\nok\r\n0", None),
    "half of that": (b"2\r\nok\r\n0\r", None),
    "the last chunk inside of a chunk": (b"9\r\nok\r\n0\r\n", None),
    "no last chunk": (b"2\r\nok\r\n", None),
    "a chunk's line break": (b"2\r\nok", None),
    "a number that ends with 0": (b"10\r\n", None),
    "two bytes of a chunk": (b"4\r\nok", None),
}


@pytest.mark.parametrize("size", [None, 1, 5])
@pytest.mark.parametrize(("sent", "content"), ENDS_OF_CHUNKS.values(), ids=list(ENDS_OF_CHUNKS))
def test_the_last_chunk_is_the_end_though_the_server_closes_behind_it(
    talk: Any, sent: bytes, content: bytes | None, size: int | None
) -> None:
    whole = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + sent

    async def run(wire: Any) -> None:
        await wire.request()
        for begin in range(0, len(whole), size or len(whole)):
            await wire.send(whole[begin : begin + (size or len(whole))])
            await asyncio.sleep(0)

    exchange = talk(run, "DELETE")

    if content is None:
        assert isinstance(exchange.outcome, CommunicationError)
    else:
        assert (exchange.outcome.status, exchange.outcome.content) == (200, content)
        assert len(exchange.received) == 1
