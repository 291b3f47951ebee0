"""The body of a request: how long it may be, and how long it may take."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from starlette.requests import Request

from airflow_provider_cloudfn.plugin.receiver.admission import Admission
from airflow_provider_cloudfn.plugin.receiver.body import read_body
from airflow_provider_cloudfn.webhooks.refused import RefusedError


def read(
    *parts: bytes | None, most: int = 10, seconds: float = 5.0, admission: Admission | None = None, **headers: str
) -> bytes:
    """Read a body that comes in parts; None is a sender who sends no more, and stays."""
    left = list(parts)

    async def receive() -> dict[str, Any]:
        if not left:
            raise AssertionError("nothing more is to be read")
        part = left.pop(0)
        if part is None:
            await asyncio.Event().wait()
        return {"type": "http.request", "body": part, "more_body": bool(left)}

    named = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    request = Request({"type": "http", "method": "POST", "headers": named}, receive)

    async def body() -> bytes:
        with (admission or Admission()).request() as held:
            return await read_body(request, most=most, held=held, seconds=seconds)

    return asyncio.run(body())


def refused(*parts: bytes | None, **given: Any) -> tuple[int, str]:
    with pytest.raises(RefusedError) as error:
        read(*parts, **given)
    return error.value.status, error.value.reason


def test_it_is_read_to_its_end() -> None:
    assert read(b"01234", b"", b"56789") == b"0123456789"


def test_one_that_says_that_it_is_too_long_is_not_read() -> None:
    assert refused(content_length="11") == (413, "too_large")


def test_one_that_turns_out_too_long_is_read_no_further() -> None:
    assert refused(b"0123456789", b"0", None) == (413, "too_large")


def test_one_that_says_it_is_shorter_than_it_is_is_refused_all_the_same() -> None:
    assert refused(b"0123456789", b"0", content_length="5") == (413, "too_large")


@pytest.mark.parametrize("encoding", ["gzip", "br", "identity, gzip"])
def test_one_that_is_compressed_is_not_read(encoding: str) -> None:
    assert refused(content_encoding=encoding) == (415, "content_encoding")


def test_a_sender_who_is_too_slow_is_sent_away() -> None:
    assert refused(b"0", None, seconds=0.01) == (408, "slow_sender")


def test_all_bodies_together_have_an_end() -> None:
    assert refused(b"01234", admission=Admission(size=4)) == (503, "busy")


def test_what_a_request_has_held_is_free_when_it_ends() -> None:
    admission = Admission(size=10)

    for _ in range(3):
        assert read(b"0123456789", admission=admission) == b"0123456789"
        assert refused(b"0123456789", b"0", admission=admission, most=100) == (503, "busy")


def test_so_many_requests_are_under_way_and_no_more() -> None:
    admission = Admission(requests=2)

    with admission.request(), admission.request():
        with pytest.raises(RefusedError) as error, admission.request():
            pass
        assert (error.value.status, error.value.retry_after) == (503, 1.0)
    with admission.request():
        pass


def with_a_slow_sender(admission: Admission) -> tuple[str, str]:
    """Return what becomes of a sender who sends no more, and of one who comes when there is no room but his."""

    async def stays() -> dict[str, Any]:
        begun.set()
        await asyncio.Event().wait()
        raise AssertionError

    async def sends() -> dict[str, Any]:
        return {"type": "http.request", "body": b"01234", "more_body": False}

    async def read_from(receive: Any) -> str:
        request = Request({"type": "http", "method": "POST", "headers": []}, receive)
        try:
            with admission.request() as held:
                return (await read_body(request, most=10, held=held, seconds=3600.0)).decode()
        except RefusedError as error:
            return f"{error.status} {error.reason}"

    async def both() -> tuple[str, str]:
        slow = asyncio.create_task(read_from(stays))
        await begun.wait()
        answer = await read_from(sends)
        if answer == "503 busy":
            slow.cancel()
            return "waits", answer
        return await asyncio.wait_for(slow, 5), answer

    begun = asyncio.Event()
    return asyncio.run(both())


def test_a_sender_who_is_slow_makes_room_where_there_is_none_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("airflow_provider_cloudfn.plugin.receiver.admission._SLOW", 0.0)
    admission = Admission(requests=1)

    assert with_a_slow_sender(admission) == ("408 slow_sender", "01234")
    with admission.request():
        pass


def test_a_sender_who_has_only_begun_keeps_his_place() -> None:
    assert with_a_slow_sender(Admission(requests=1)) == ("waits", "503 busy")
