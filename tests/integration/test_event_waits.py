"""What a triggerer is told of its waits: bounded, in few queries, and one row that can't be read is no fault of the others."""

from __future__ import annotations

import json
import math
import urllib.request
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import pytest
from kit.api_server import PluginServer

from airflow_provider_cloudfn.events.signature import triggerer_token
from airflow_provider_cloudfn.plugin import event_waits
from airflow_provider_cloudfn.triggers import event_reader

if TYPE_CHECKING:
    from collections.abc import Iterator

KEPT = pytest.mark.skipif(
    find_spec("airflow.sdk.bases.resumablejobmixin") is None, reason="Airflow 3.3 has a task state"
)

DAG = "test_event_waits"


@pytest.fixture
def url(airflow_database: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setenv("AIRFLOW__API__SECRET_KEY", "a secret of all of this Airflow")
    with PluginServer() as server:
        yield f"{server.url}/cloudfn/waits/"


def ask(url: str, *, events: Any = (), callbacks: Any = ()) -> Any:
    request = urllib.request.Request(url, json.dumps({"events": list(events), "callbacks": list(callbacks)}).encode())
    request.add_header("Authorization", f"Bearer {triggerer_token()}")
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)


def test_a_triggerer_asks_where_the_page_is(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Airflow hands what stands at the prefix itself, with nothing behind it, to the pages, whose prefix is shorter."""
    server = url.removesuffix("/cloudfn/waits/")
    monkeypatch.setenv("AIRFLOW__CORE__EXECUTION_API_SERVER_URL", f"{server}/execution/")
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", f"{server}/")

    assert [ask(address) for address in event_reader._addresses()] == [{"events": [], "callbacks": []}]


@pytest.fixture
def asset(airflow_database: None, request: pytest.FixtureRequest) -> dict[str, Any]:
    """Return the question for the events of an asset of the test's own."""
    from airflow.models.asset import AssetModel
    from airflow.utils.session import create_session

    name = request.node.name
    with create_session() as session:
        session.add(AssetModel(name=name, uri=f"x-test://{name}"))
    return {"name": name, "uri": f"x-test://{name}", "after": "2026-01-01T00:00:00+00:00"}


def happen(asset: dict[str, Any], *extras: Any) -> None:
    from airflow.models.asset import AssetEvent, AssetModel
    from airflow.utils.session import create_session
    from sqlalchemy import select

    with create_session() as session:
        number = session.scalar(select(AssetModel.id).filter_by(name=asset["name"]))
        session.add_all(AssetEvent(asset_id=number, extra=extra) for extra in extras)


def payloads(answer: Any) -> list[Any]:
    """Return what the events of each asset carry; None for one without its record."""
    return [[one["record"] and one["record"]["result"] for one in told["arrived"]] for told in answer["events"]]


def address(number: int, generation: int = 0) -> dict[str, Any]:
    return {**place(number), "generation": generation, "deadline": 2_000_000_000}


def place(number: int) -> dict[str, Any]:
    return {"dag_id": DAG, "run_id": "r", "task_id": "call", "map_index": number}


def call_back(rows: dict[int, str]) -> None:
    """Write down what was called back, for task instances by their map index, as text."""
    from airflow.models.dagrun import DagRun
    from airflow.models.task_state_store import TaskStateStoreModel
    from airflow.utils.session import create_session
    from sqlalchemy import delete

    from airflow_provider_cloudfn.journal.map_index import map_index_column
    from airflow_provider_cloudfn.plugin.callback_state import _KEY

    with create_session() as session:
        # With its rows.
        session.execute(delete(DagRun).filter_by(dag_id=DAG))
        run = DagRun(dag_id=DAG, run_id="r", run_type="manual")
        session.add(run)
        session.flush()
        for number, value in rows.items():
            own = place(number)
            own[map_index_column(TaskStateStoreModel)] = own.pop("map_index")
            session.add(TaskStateStoreModel(dag_run_id=run.id, key=_KEY, value=value, **own))


@KEPT
def test_all_callbacks_are_one_query(url: str) -> None:
    from sqlalchemy import event
    from sqlalchemy.engine import Engine

    call_back({3: '{"generation": 0}', 7: '{"generation": 1}'})
    asked: list[str] = []

    def count(_: Any, __: Any, statement: str, *___: Any) -> None:
        asked.append(statement)

    event.listen(Engine, "before_cursor_execute", count)
    try:
        told = ask(url, callbacks=[address(number) for number in range(100)])["callbacks"]
    finally:
        event.remove(Engine, "before_cursor_execute", count)

    assert [number for number, came in enumerate(told) if came] == [3]
    assert len(asked) == 1


@KEPT
def test_of_more_callbacks_than_one_query_asks_for_each_is_told(url: str) -> None:
    call_back(dict.fromkeys((0, 199, 200, 499), '{"generation": 0}'))

    told = ask(url, callbacks=[address(number) for number in range(500)])["callbacks"]

    assert [number for number, came in enumerate(told) if came] == [0, 199, 200, 499]


@KEPT
@pytest.mark.parametrize("row", ["{", '{"generation": NaN}', '{"generation": "x"}', "[" * 100_000])
def test_a_callback_that_can_t_be_read_is_its_own_worker_s_to_look_at(
    url: str, row: str, caplog: pytest.LogCaptureFixture
) -> None:
    call_back({1: row, 2: '{"generation": 0}'})

    assert ask(url, callbacks=[address(1), address(2), address(3)])["callbacks"] == [True, True, False]
    assert "What was called back for ['test_event_waits', 'r', 'call', 1] can't be read" in caplog.text


def test_an_event_with_a_number_that_json_does_not_have_is_told(url: str, asset: dict[str, Any]) -> None:
    happen(asset, {"total": math.inf}, {"total": 1})

    assert payloads(ask(url, events=[asset])) == [[{"total": math.inf}, {"total": 1}]]


def test_an_event_that_can_t_be_read_is_told_without_its_record(
    url: str, asset: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    from airflow.utils.session import create_session
    from sqlalchemy import text

    happen(asset, {"total": 1}, {"total": "unreadable"})
    with create_session() as session:
        session.execute(text("update asset_event set extra = '{' where extra like '%unreadable%'"))

    try:
        assert payloads(ask(url, events=[asset])) == [[{"total": 1}, None]]
        assert f"of {asset['name']} can't be read" in caplog.text
    finally:
        with create_session() as session:
            session.execute(text("delete from asset_event where extra = '{'"))


def test_an_event_that_is_too_large_is_told_without_its_record(
    url: str, asset: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_waits, "_LARGEST_EVENT", 1_000)
    happen(asset, {"text": "x" * 1_000}, {"text": "y"})

    assert payloads(ask(url, events=[asset])) == [[None, {"text": "y"}]]


def test_an_answer_has_room_for_so_much_and_says_that_there_is_more(
    url: str, asset: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_waits, "_ROOM", 1_000)
    happen(asset, *({"text": "x" * 400, "number": number} for number in range(3)))

    first = ask(url, events=[asset, asset])
    seen = [one["id"] for one in first["events"][0]["arrived"]]
    second = ask(url, events=[{**asset, "seen": seen}])

    assert [len(told) for told in payloads(first)] == [1, 0]
    assert [told["more"] for told in first["events"]] == [True, True]
    assert payloads(second)[0][0]["number"] == 1
