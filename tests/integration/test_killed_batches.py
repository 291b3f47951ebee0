"""Batches and reads of pages that are killed in the middle: every row of a table, in processes of their own, ended by SIGKILL."""

from __future__ import annotations

import json
import os
import re
import signal
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from airflow.sdk import ObjectStoragePath
from kit.forked import FileStore, kill, prepared_call, returned_by
from kit.server import Answer, LoopbackServer, Received

from airflow_provider_cloudfn import Confirm, ForEach, Pages
from airflow_provider_cloudfn.exceptions import CloudFunctionError, OutcomeUnknownError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

ITEMS = [f"i{number:02d}" for number in range(40)]
PAGES = 6
UNKNOWN = "unknown"


class Service:
    """Does something for each POST, once for each key; kills who asks when it gets a certain request."""

    def __init__(self) -> None:
        self.effects: Counter[str] = Counter()
        self.kills_at: str | None = None
        #: At which item it lets whoever asks be told to end, as Airflow tells a task.
        self.ends_at: str | None = None
        self._keys: set[str] = set()

    def reply(self, request: Received) -> Answer:
        name = request.target.rpartition("/")[2]
        if request.method == "GET" and request.target.startswith("/v1/done"):
            item = request.target.rpartition("=")[2]
            return Answer.of(200, {"done": self.effects[item] > 0, "id": f"made-{item}"})
        key = request.headers.get("idempotency-key")
        if request.method == "POST" and (key is None or key not in self._keys):
            self.effects[name] += 1
            self._keys.add(key or "")
        if name == self.ends_at:
            self.ends_at = None
            os.kill(int(request.headers["x-process"]), signal.SIGTERM)
        if name == self.kills_at:
            self.kills_at = None
            kill(int(request.headers["x-process"]))
        if request.method == "GET":
            page = int(request.target.partition("page=")[2] or 1)
            self.effects[f"page {page}"] += 1
            more = {"Link": f"</v1/items?page={page + 1}>; rel=next"} if page < PAGES else {}
            return Answer.of(200, [page * 10, page * 10 + 1], more)
        return Answer.of(201, {"id": f"made-{name}"})


def run_try(parameters: dict[str, Any], file: Path, **instance: int) -> Any:
    """Return what a try ends with; None for one that was killed."""

    def one_try() -> Any:
        context = FileStore(file).context(**instance)
        context["ti"].xcom_push = lambda **_: None
        task = prepared_call(headers={"X-Process": f'"{os.getpid()}"'}, **parameters)
        signal.signal(signal.SIGTERM, lambda *_: task.on_kill())
        try:
            return task.execute(context)
        except OutcomeUnknownError as error:
            return f"{UNKNOWN}: {error}"
        except CloudFunctionError as error:
            return f"failed: {error}"

    return returned_by(one_try)


@pytest.fixture
def service(connection: Callable[..., None], outside_airflow: None) -> Iterator[Service]:
    made = Service()
    with LoopbackServer(reply=made.reply) as server:
        connection("service", conn_type="cloudfn", host=server.url)
        yield made


def batch(**more: Any) -> dict[str, Any]:
    return {
        "method": "POST",
        "uri": '"/v1/items/" + item',
        "returns": "response.body.id",
        "for_each": ForEach(ITEMS, concurrency=2, key="item"),
        **more,
    }


ASK = Confirm(uri='"/v1/done"', query={"id": "item"}, done_when="response.body.done", returns="response.body.id")


@pytest.mark.parametrize(
    ("more", "most"),
    [({"idempotency_key": True}, 1), ({"on_unknown": ASK}, 1), ({"on_unknown": "resend"}, 2)],
    ids=["a key", "Confirm", "resend"],
)
@pytest.mark.parametrize("kills_at", ["i00", "i17", "i39"])
def test_a_batch_that_is_killed_goes_on(
    service: Service, tmp_path: Path, more: dict[str, Any], most: int, kills_at: str
) -> None:
    service.kills_at = kills_at
    assert run_try(batch(**more), tmp_path / "state.json") is None

    returned = run_try(batch(**more), tmp_path / "state.json")

    assert returned == [f"made-{item}" for item in ITEMS]
    assert set(service.effects) == set(ITEMS)
    assert max(service.effects.values()) <= most


def test_what_a_try_left_that_was_killed_when_all_was_written_goes_with_the_next_one(
    service: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    results = tmp_path / "results" / "scores.jsonl"
    given = batch(idempotency_key=True, for_each=ForEach(ITEMS, results=f"file://{results}"))
    with monkeypatch.context() as dying:
        dying.setattr(ObjectStoragePath, "unlink", lambda *_, **__: kill(os.getpid()))
        assert run_try(given, tmp_path / "state.json") is None
    assert len(list(results.parent.iterdir())) == 2

    described = run_try(given, tmp_path / "state.json")

    assert (described["path"], described["count"]) == (f"file://{results}", len(ITEMS))
    assert list(results.parent.iterdir()) == [results]
    assert service.effects == Counter(ITEMS)


@pytest.mark.parametrize("kills_at", ["i00", "i17", "i39"])
def test_without_a_way_to_know_a_batch_stops_and_clear_sends_the_rest(
    service: Service, tmp_path: Path, kills_at: str
) -> None:
    service.kills_at = kills_at
    assert run_try(batch(), tmp_path / "state.json") is None
    before = Counter(service.effects)

    second = run_try(batch(), tmp_path / "state.json")

    assert second.startswith(UNKNOWN)
    assert kills_at in second
    assert service.effects == before

    cleared = run_try(batch(), tmp_path / "state.json", generation=4)

    assert cleared == [f"made-{item}" for item in ITEMS]


def test_a_batch_that_is_cleared_while_it_runs_tells_what_may_be_sent_twice_by_it(
    service: Service, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    service.kills_at = "i17"
    assert run_try(batch(), tmp_path / "state.json") is None

    assert run_try(batch(), tmp_path / "state.json", generation=4) == [f"made-{item}" for item in ITEMS]
    assert re.search(
        r"\d+ items from number \d+ on may have been sent before the task was cleared, and what came of them is not known: they "
        "are sent again, as a Clear says",
        "".join(capfd.readouterr()),
    )


def test_a_batch_that_is_cleared_while_it_runs_asks_the_service_what_was_done(service: Service, tmp_path: Path) -> None:
    service.kills_at = "i17"
    assert run_try(batch(on_unknown=ASK), tmp_path / "state.json") is None

    returned = run_try(batch(on_unknown=ASK), tmp_path / "state.json", generation=4)

    assert returned == [f"made-{item}" for item in ITEMS]
    assert service.effects == Counter(ITEMS)


@pytest.mark.parametrize("on_error", ["fail", "continue"])
@pytest.mark.parametrize("rate", [None, "20/s"])
@pytest.mark.parametrize("ends_at", ["i00", "i17"])
def test_a_batch_that_is_told_to_end_knows_what_it_has_done(
    service: Service, tmp_path: Path, ends_at: str, rate: str | None, on_error: str
) -> None:
    each = ForEach(ITEMS, concurrency=2, key="item", rate=rate, on_error=on_error)
    service.ends_at = ends_at

    first = run_try(batch(for_each=each), tmp_path / "state.json")

    assert first.startswith("failed: for_each: the task was ended from outside; ")
    assert sum(service.effects.values()) < len(ITEMS)
    assert run_try(batch(for_each=each), tmp_path / "state.json") == [f"made-{item}" for item in ITEMS]
    assert service.effects == Counter(ITEMS)


def test_a_batch_that_is_done_is_made_again_after_a_clear_with_fewer_retries(service: Service, tmp_path: Path) -> None:
    for instance in ({}, {"try_number": 2, "retries": 1, "clears": 1}):
        run_try(batch(), tmp_path / "state.json", **instance)

    assert service.effects == Counter([*ITEMS, *ITEMS])


ONE = {"method": "POST", "uri": '"/v1/items/i00"', "returns": "response.body.id"}


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        (ONE, batch(), "POST http"),
        (ONE, {"uri": '"/v1/items"', "pages": Pages.link_header()}, "POST http"),
        (batch(), ONE, "nobody knows what came of"),
    ],
    ids=["one, then many", "one, then pages", "many, then one"],
)
def test_what_a_try_has_sent_in_another_way_is_unknown_all_the_same(
    service: Service, tmp_path: Path, before: dict[str, Any], after: dict[str, Any], told: str
) -> None:
    service.kills_at = "i00"
    assert run_try(before, tmp_path / "state.json") is None
    sent = Counter(service.effects)

    found = run_try(after, tmp_path / "state.json", try_number=2)

    assert found.startswith(UNKNOWN)
    assert told in found
    assert service.effects == sent


def test_a_read_of_pages_that_is_killed_writes_no_item_twice(service: Service, tmp_path: Path) -> None:
    read = {
        "uri": '"/v1/items"',
        "pages": Pages.link_header(results=f"file://{tmp_path}/items.jsonl"),
    }
    service.kills_at = "items?page=4"
    assert run_try(read, tmp_path / "state.json") is None

    returned = run_try(read, tmp_path / "state.json")

    lines = [json.loads(line) for line in (tmp_path / "items.jsonl").read_text().splitlines()]
    assert lines == [page * 10 + item for page in range(1, PAGES + 1) for item in (0, 1)]
    assert returned["count"] == 2 * PAGES
