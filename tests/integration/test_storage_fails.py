"""The storage of results that is full, or gone in the middle: the error says so, and the next try goes on with what was done."""

from __future__ import annotations

import asyncio
import json
import resource
import threading
from collections import Counter
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from airflow.sdk import DAG
from kit.forked import FileStore, prepared_call, returned_by
from kit.server import Answer, LoopbackServer, Received
from kit.state_store import StateStore

from airflow_provider_cloudfn import CloudFunctionOperator, ForEach, Pages
from airflow_provider_cloudfn.client.connector import FramingConnector
from airflow_provider_cloudfn.exceptions import CloudFunctionError, LimitError
from airflow_provider_cloudfn.operators import batch_memory, json_lines, pages, results

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

ITEMS = 20
#: Bytes of an item's result.
SIZE = 5_000
SAID = "what was done before is kept, and the next try goes on"


class Service:
    """Counts what it does; what is done when it gets a certain request is the test's."""

    def __init__(self) -> None:
        self.done: Counter[str] = Counter()
        self.came = threading.Condition()
        self.at: dict[int, Callable[[], Any]] = {}

    def wait_until_done(self, *, at_least: int) -> None:
        """Wait for a request that comes only where whoever waits holds nobody up."""
        with self.came:
            assert self.came.wait_for(lambda: self.done.total() >= at_least, timeout=10)

    def reply(self, request: Received) -> Answer:
        with self.came:
            self.done[request.target] += 1
            self.came.notify_all()
        self.at.pop(self.done.total(), lambda: None)()
        number = int(request.target.rpartition("/")[2])
        row = {"number": number, "text": "x" * SIZE}
        if request.method == "POST":
            return Answer.of(201, row)
        more = {"Link": f"</v1/pages/{number + 1}>; rel=next"} if number + 1 < ITEMS else {}
        return Answer.of(200, [row], more)


@pytest.fixture
def service(
    connection: Callable[..., None], monkeypatch: pytest.MonkeyPatch, outside_airflow: None
) -> Iterator[Service]:
    # Parts as a large batch has them.
    monkeypatch.setattr(results, "_BUFFER", 3 * SIZE)
    monkeypatch.setattr(batch_memory, "_EVERY", 0.0)
    monkeypatch.setattr(pages, "_EVERY", 0.0)
    made = Service()
    with LoopbackServer(reply=made.reply) as server:
        connection("service", conn_type="cloudfn", host=server.url)
        yield made


def batch(place: str) -> dict[str, Any]:
    return {
        "method": "POST",
        "uri": '"/v1/items/" + string(item)',
        "for_each": ForEach(list(range(ITEMS)), concurrency=1, results=place),
    }


def read(place: str) -> dict[str, Any]:
    return {"uri": '"/v1/pages/0"', "pages": Pages.link_header(results=place)}


def run_try(parameters: dict[str, Any], state: Path, *, largest: int | None = None) -> Any:
    """Return what a try returns, or what its error says; no file can grow beyond a size in it."""

    def one_try() -> Any:
        if largest is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (largest, largest))
        context = FileStore(state).context()
        try:
            return prepared_call(**parameters).execute(context)
        except CloudFunctionError as error:
            return f"{type(error).__name__}: {error}"

    return returned_by(one_try)


def numbers_in(file: Path) -> list[int]:
    return [json.loads(line)["number"] for line in file.read_text().splitlines()]


@pytest.mark.parametrize("shape", [batch, read])
def test_on_a_full_disk_nothing_is_done_twice_when_there_is_room_again(
    service: Service, tmp_path: Path, shape: Callable[[str], dict[str, Any]]
) -> None:
    out = tmp_path / "out.jsonl"
    parameters = shape(f"file://{out}")

    # There is room for each part, but not for all of them in one file.
    refused = run_try(parameters, tmp_path / "state.json", largest=8 * SIZE)

    assert SAID in refused
    assert "File too large" in refused or "OSError" in refused
    assert not out.exists()

    returned = run_try(parameters, tmp_path / "state.json")

    assert returned["count"] == ITEMS
    assert numbers_in(out) == list(range(ITEMS))
    again = ITEMS if shape is batch else ITEMS + 1
    assert service.done.total() == again
    assert [file for file in tmp_path.iterdir() if "parts" in file.name] == []


@pytest.mark.parametrize("shape", [batch, read])
def test_a_storage_that_is_gone_in_the_middle_loses_nothing(
    service: Service, tmp_path: Path, shape: Callable[[str], dict[str, Any]]
) -> None:
    folder, away = tmp_path / "bucket", tmp_path / "away"
    folder.mkdir()
    parameters = shape(f"file://{folder}/out.jsonl")

    def go() -> None:
        folder.rename(away)
        folder.write_text("no folder")

    service.at[10] = go
    refused = run_try(parameters, tmp_path / "state.json")

    assert SAID in refused
    assert service.done.total() < ITEMS
    folder.unlink()
    away.rename(folder)

    returned = run_try(parameters, tmp_path / "state.json")

    assert returned["count"] == ITEMS
    assert numbers_in(folder / "out.jsonl") == list(range(ITEMS))
    # What had no place when it went was the last one.
    assert max(service.done.values()) <= 2
    assert service.done.total() <= ITEMS + 2


@contextmanager
def third_part_fails(error: BaseException) -> Iterator[None]:
    """Let a storage fail at the third part that is put into it."""

    def put(parts: Any, number: int, content: bytes, real: Any = results._FolderParts._put) -> None:
        if number == 2:
            raise error
        real(parts, number, content)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(results._FolderParts, "_put", put)
        yield


class AwayError(Exception):
    """What a storage raises that has errors of its own, as Amazon's library has."""


@pytest.mark.parametrize("error", [AwayError("no endpoint"), ConnectionError("no route"), TimeoutError()])
def test_a_storage_with_errors_of_its_own_loses_nothing(service: Service, tmp_path: Path, error: Exception) -> None:
    parameters = batch(f"file://{tmp_path / 'out.jsonl'}")
    with third_part_fails(error):
        refused = run_try(parameters, tmp_path / "state.json")

    returned = run_try(parameters, tmp_path / "state.json")

    assert SAID in refused
    assert returned["count"] == ITEMS
    assert numbers_in(tmp_path / "out.jsonl") == list(range(ITEMS))
    assert set(service.done.values()) == {1}


@pytest.mark.parametrize("shape", [batch, read])
def test_a_storage_that_is_cancelled_in_an_event_loop_of_its_own_loses_nothing(
    service: Service, tmp_path: Path, shape: Callable[[str], dict[str, Any]]
) -> None:
    parameters = shape(f"file://{tmp_path / 'out.jsonl'}")
    context = FileStore(tmp_path / "state.json").context()
    with third_part_fails(asyncio.CancelledError()), pytest.raises(RuntimeError, match="CancelledError"):
        prepared_call(**parameters).execute(context)

    returned = run_try(parameters, tmp_path / "state.json")

    assert returned["count"] == ITEMS
    assert numbers_in(tmp_path / "out.jsonl") == list(range(ITEMS))
    assert shape is read or set(service.done.values()) == {1}


def test_parts_that_can_t_be_removed_do_not_undo_what_was_done(
    service: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unlink(path: Any, *, missing_ok: bool) -> None:
        raise AwayError("no endpoint")

    monkeypatch.setattr("airflow.sdk.ObjectStoragePath.unlink", unlink)

    returned = run_try(batch(f"file://{tmp_path / 'out.jsonl'}"), tmp_path / "state.json")

    assert returned["count"] == ITEMS


@pytest.mark.parametrize("shape", [batch, read])
def test_parts_that_can_t_be_read_for_a_time_are_put_together_by_the_next_try(
    service: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shape: Callable[[str], dict[str, Any]]
) -> None:
    parameters = shape(f"file://{tmp_path / 'out.jsonl'}")
    with monkeypatch.context() as patched:

        def chunks(parts: Any, number: int) -> Iterator[bytes]:
            raise parts._unreadable(number, ConnectionError("no route"))

        patched.setattr(results._FolderParts, "chunks", chunks)
        refused = run_try(parameters, tmp_path / "state.json")

    returned = run_try(parameters, tmp_path / "state.json")

    assert refused.startswith("CommunicationError: ")
    assert "what was done before is kept, and can't be read now" in refused
    assert "anew" not in refused
    assert returned["count"] == ITEMS
    assert set(service.done.values()) == {1} or shape is read


@pytest.mark.parametrize("shape", [batch, read])
def test_a_path_that_is_another_one_on_each_try_is_known_before_anything_is_sent(
    service: Service, tmp_path: Path, shape: Callable[[str], dict[str, Any]]
) -> None:
    service.at = {10: lambda: 1 / 0}
    run_try({**shape(f"file://{tmp_path}/first.jsonl"), "retry_attempts": 1}, tmp_path / "state.json")
    before = service.done.total()

    refused = run_try(shape(f"file://{tmp_path}/second.jsonl"), tmp_path / "state.json")

    assert ".results the same path on every try" in refused
    assert service.done.total() == before


@pytest.mark.parametrize("away_at", [[7], [12, 7]], ids=["once", "and once more, before what is left"])
def test_a_file_of_items_that_is_away_in_the_middle_is_read_again_by_the_next_try(
    service: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, away_at: list[int]
) -> None:
    source = tmp_path / "in.jsonl"
    source.write_text("".join(f"{number}\n" for number in range(ITEMS)))
    parameters = {
        **batch(f"file://{tmp_path}/out.jsonl"),
        "for_each": ForEach.lines(f"'file://{source}'", concurrency=1),
    }
    real = json_lines._value_of
    for number in away_at:

        def value_of(line: bytes, where: str, *, is_first: bool, away: int = number) -> Any:
            if int(line) == away:
                raise AwayError
            return real(line, where, is_first=is_first)

        with monkeypatch.context() as patched:
            patched.setattr(json_lines, "_value_of", value_of)
            refused = run_try(parameters, tmp_path / "state.json")

        assert refused.startswith("CommunicationError: ")
        assert "in.jsonl can't be read (AwayError); look at that storage" in refused

    returned = run_try(parameters, tmp_path / "state.json")

    assert [one["number"] for one in returned] == list(range(ITEMS))
    assert set(service.done.values()) == {1}


class SlowStore(StateStore):
    """A task's state that takes nothing before so many requests have come to the service."""

    def __init__(self, service: Service) -> None:
        super().__init__()
        self.service = service

    def set(self, key: str, value: Any, **options: Any) -> None:
        self.service.wait_until_done(at_least=3 if self.rows else 0)
        super().set(key, value, **options)


@pytest.mark.parametrize("slow", ["the storage", "the journal"])
def test_a_write_that_takes_its_time_holds_up_no_call(
    service: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, slow: str
) -> None:
    store: StateStore = StateStore()
    if slow == "the journal":
        store = SlowStore(service)
    else:

        def put(parts: Any, number: int, content: bytes, real: Any = results._FolderParts._put) -> None:
            service.wait_until_done(at_least=min(number + 3, 4))
            real(parts, number, content)

        monkeypatch.setattr(results._FolderParts, "_put", put)
    with DAG("d", schedule=None):
        task = CloudFunctionOperator(
            task_id="call",
            cloudfn_conn_id="service",
            do_xcom_push=False,
            method="POST",
            uri='"/v1/items/" + string(item)',
            for_each=ForEach(list(range(4)), concurrency=2, results=f"file://{tmp_path / 'out.jsonl'}"),
        )

    assert task.prepare_for_execution().execute(store.context())["count"] == 4
    assert set(service.done.values()) == {1}


def test_the_next_page_is_not_asked_for_any_more_when_the_connections_are_closed(
    service: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []
    real_read, real_close, may_answer = pages.read_pages, FramingConnector.close, threading.Event()

    def read_pages(ask: Any, *arguments: Any, **options: Any) -> Any:
        async def asked(request: Any) -> Any:
            try:
                return await ask(request)
            except asyncio.CancelledError:
                seen.append("request ended")
                raise

        return real_read(asked, *arguments, **options)

    def close(connector: FramingConnector, **options: Any) -> Any:
        seen.append("connections closed")
        return real_close(connector, **options)

    monkeypatch.setattr(pages, "read_pages", read_pages)
    monkeypatch.setattr(FramingConnector, "close", close)
    # One page is more than what goes into XCom, and the next one is on its way.
    monkeypatch.setenv("AIRFLOW__CLOUDFN__XCOM_LIMIT", str(SIZE))
    service.at[2] = lambda: may_answer.wait(10)
    with DAG("d", schedule=None):
        task = CloudFunctionOperator(
            task_id="call",
            cloudfn_conn_id="service",
            do_xcom_push=False,
            uri='"/v1/pages/0"',
            pages=Pages.link_header(),
        )

    with pytest.raises(LimitError):
        task.prepare_for_execution().execute(StateStore().context())
    may_answer.set()

    assert seen == ["request ended", "connections closed"]


def test_the_next_page_is_asked_for_while_one_is_put_away(
    service: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def put(parts: Any, number: int, content: bytes, real: Any = results._FolderParts._put) -> None:
        service.wait_until_done(at_least=min(number + 2, ITEMS))
        real(parts, number, content)

    monkeypatch.setattr(results._FolderParts, "_put", put)

    with DAG("d", schedule=None):
        task = CloudFunctionOperator(
            task_id="call", cloudfn_conn_id="service", do_xcom_push=False, **read(f"file://{tmp_path / 'out.jsonl'}")
        )

    task.prepare_for_execution().execute(StateStore().context())

    assert numbers_in(tmp_path / "out.jsonl") == list(range(ITEMS))
    assert set(service.done.values()) == {1}
