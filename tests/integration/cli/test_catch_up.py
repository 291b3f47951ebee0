"""Events that came while their Dag was paused, or was not there yet: each gets the run that it would have had."""

from __future__ import annotations

import textwrap
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from kit.dag_runs import IMPORTS, parse
from kit.scheduling import forget_events, happen, pause, scheduled

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.one_run_per_event


@pytest.fixture(autouse=True)
def _no_events() -> None:
    forget_events()


@pytest.fixture
def parsed(dags_folder: Path) -> Callable[[str], None]:
    """Return a function that lets Airflow know the Dags of a file."""
    from kit.dag_runs import write_to_database

    def know(source: str) -> None:
        bag = parse(IMPORTS + textwrap.dedent(source), dags_folder, "consumers")
        assert bag.import_errors == {}
        write_to_database(bag)

    return know


PRODUCER = """
done = CompletionEvent("caught.done", one_run_per_event=True)
merged = CompletionEvent("caught.merged")
with DAG("caught_producer", schedule=None):
    EmptyOperator(task_id="emit", outlets=[Asset("caught.other")])
"""
EACH = (
    PRODUCER
    + """
with DAG("caught_each", schedule=done.each()):
    EmptyOperator(task_id="task")
"""
)
MERGED = (
    PRODUCER
    + """
with DAG("caught_merged", schedule=[merged]):
    EmptyOperator(task_id="task")
"""
)


def payloads(dag_id: str) -> list[Any]:
    return [run.payloads for run in scheduled(dag_id)]


def test_every_event_of_a_paused_time_gets_a_run_with_its_own_payload(parsed: Any, cloudfn: Any) -> None:
    parsed(EACH)
    pause("caught_each", paused=True)
    for number in range(3):
        happen("caught.done", {"number": number}, key=f"key-{number}")
    assert scheduled("caught_each") == []
    pause("caught_each", paused=False)

    ended = cloudfn("events", "catch-up", "caught_each")

    assert ended.code == 0
    assert ended.out.startswith("3 events are queued")
    runs = scheduled("caught_each")
    assert [(run.partition_key, run.payloads) for run in runs] == [
        (f"key-{number}", ({"number": number},)) for number in range(3)
    ]


def test_a_run_that_was_caught_up_is_like_one_of_a_dag_that_was_never_paused(parsed: Any, cloudfn: Any) -> None:
    parsed(EACH)
    pause("caught_each", paused=False)
    happen("caught.done", {"number": 1}, key="same")
    (never_paused,) = scheduled("caught_each")
    pause("caught_each", paused=True)
    happen("caught.done", {"number": 1}, key="same")
    pause("caught_each", paused=False)

    cloudfn("events", "catch-up", "caught_each")

    assert scheduled("caught_each") == [never_paused, never_paused]


def test_events_of_before_the_dag_was_there_are_caught_up(parsed: Any, cloudfn: Any) -> None:
    parsed(EACH.replace("caught_each", "caught_elsewhere"))
    happen("caught.done", {"number": 1}, key="early")
    parsed(EACH)
    pause("caught_each", paused=False)

    cloudfn("events", "catch-up", "caught_each")

    assert payloads("caught_each") == [({"number": 1},)]


@pytest.mark.parametrize("reference", ["name='caught.done'", "uri='x-cloudfn://completion-event/caught.done'"])
def test_the_events_that_a_schedule_refers_to_are_caught_up(parsed: Any, cloudfn: Any, reference: str) -> None:
    parsed(f"""{PRODUCER}
from airflow.sdk import PartitionedAssetTimetable
with DAG("caught_declares", schedule=done.each()):
    EmptyOperator(task_id="task")
with DAG("caught_refers", schedule=PartitionedAssetTimetable(assets=Asset.ref({reference}))):
    EmptyOperator(task_id="task")
""")
    pause("caught_refers", paused=True)
    happen("caught.done", {"number": 1}, key="one")
    pause("caught_refers", paused=False)

    cloudfn("events", "catch-up", "caught_refers")

    assert payloads("caught_refers") == [({"number": 1},)]
    assert cloudfn("events", "catch-up", "caught_refers", "--json").document["queued"] == 0


def test_a_run_that_gets_no_events_can_t_be_caught_up(parsed: Any, cloudfn: Any) -> None:
    from airflow.models.asset import AssetDagRunQueue

    if hasattr(AssetDagRunQueue, "asset_event_id"):
        pytest.skip("Airflow 3.4 queues each event")
    parsed(f"""{PRODUCER}
with DAG("caught_declares", schedule=[merged]):
    EmptyOperator(task_id="task")
with DAG("caught_refers", schedule=[Asset.ref(name="caught.merged")]):
    EmptyOperator(task_id="task")
""")
    pause("caught_refers", paused=False)
    happen("caught.merged", {"number": 1})
    # What the error says of Airflow.
    assert payloads("caught_refers") == [()]

    ended = cloudfn("events", "catch-up", "caught_refers")

    assert ended.code == 2
    assert "'caught_refers' is scheduled on Asset.ref(…)" in ended.err


def test_to_catch_up_twice_makes_no_second_run(parsed: Any, cloudfn: Any) -> None:
    parsed(EACH)
    pause("caught_each", paused=True)
    happen("caught.done", {"number": 1}, key="once")
    pause("caught_each", paused=False)

    cloudfn("events", "catch-up", "caught_each")
    before_the_scheduler = cloudfn("events", "catch-up", "caught_each", "--json").document
    assert payloads("caught_each") == [({"number": 1},)]
    after = cloudfn("events", "catch-up", "caught_each", "--json").document

    assert (before_the_scheduler["queued"], after["queued"]) == (0, 0)
    assert payloads("caught_each") == [({"number": 1},)]


def test_two_that_catch_up_at_once_make_one_run_each(parsed: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from airflow_provider_cloudfn.events.catch_up import catch_up

    monkeypatch.setattr("airflow_provider_cloudfn.events.catch_up._PAGE", 3)
    parsed(EACH)
    pause("caught_each", paused=True)
    for number in range(20):
        happen("caught.done", {"number": number}, key=f"key-{number}")
    pause("caught_each", paused=False)

    with ThreadPoolExecutor() as pool:
        found = list(pool.map(lambda _: catch_up("caught_each"), range(4)))

    assert sum(one.queued for one in found) == 20
    assert sorted(payload["number"] for (payload,) in payloads("caught_each")) == list(range(20))


def test_a_run_that_somebody_deleted_is_not_made_again(parsed: Any, cloudfn: Any) -> None:
    from airflow.models.dagrun import DagRun
    from airflow.utils.session import create_session
    from sqlalchemy import delete

    parsed(EACH)
    pause("caught_each", paused=False)
    happen("caught.done", {"number": 1}, key="gone")
    assert len(scheduled("caught_each")) == 1
    with create_session() as session:
        session.execute(delete(DagRun).where(DagRun.dag_id == "caught_each"))

    assert cloudfn("events", "catch-up", "caught_each", "--json").document["queued"] == 0


def test_a_rehearsal_counts_and_queues_nothing(parsed: Any, cloudfn: Any) -> None:
    parsed(EACH)
    pause("caught_each", paused=True)
    happen("caught.done", {"number": 1}, key="counted")

    ended = cloudfn("events", "catch-up", "caught_each", "--dry-run")

    assert ended.out.startswith("1 event is without a run of caught_each")
    assert "caught_each is paused" in ended.out
    assert scheduled("caught_each") == []


def test_more_events_than_fit_in_one_page_are_all_queued(
    parsed: Any, cloudfn: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("airflow_provider_cloudfn.events.catch_up._PAGE", 2)
    parsed(EACH)
    pause("caught_each", paused=True)
    for number in range(7):
        happen("caught.done", {"number": number}, key=f"key-{number}")
    pause("caught_each", paused=False)

    assert cloudfn("events", "catch-up", "caught_each", "--json").document["queued"] == 7
    assert payloads("caught_each") == [({"number": number},) for number in range(7)]


def test_merged_events_of_several_pages_are_all_told(
    parsed: Any, cloudfn: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("airflow_provider_cloudfn.events.catch_up._PAGE", 2)
    parsed(MERGED)
    pause("caught_merged", paused=True)
    for number in range(7):
        happen("caught.merged", {"number": number})
    pause("caught_merged", paused=False)

    found = [
        cloudfn("events", "catch-up", "caught_merged", "--json", *options).document
        for options in (["--dry-run"], [], [])
    ]

    assert [(one["queued"], one["refused"]) for one in found] == [(7, 0), (7, 0), (0, 0)]
    assert [payload["number"] for run in payloads("caught_merged") for payload in run] == list(range(7))


@pytest.mark.parametrize(("since", "queued"), [("2000-01-01", 1), ("2999-01-01T00:00:00Z", 0)])
def test_only_events_from_a_time_on_count(parsed: Any, cloudfn: Any, since: str, queued: int) -> None:
    parsed(EACH)
    pause("caught_each", paused=True)
    happen("caught.done", {"number": 1}, key="once")

    document = cloudfn("events", "catch-up", "caught_each", "--since", since, "--json").document

    assert document["queued"] == queued


def test_an_event_without_a_key_can_start_no_run_of_its_own_and_is_told(parsed: Any, cloudfn: Any) -> None:
    parsed(EACH)
    pause("caught_each", paused=True)
    happen("caught.done", {"number": 1})

    ended = cloudfn("events", "catch-up", "caught_each")

    assert "1 more have no partition key" in ended.out
    assert scheduled("caught_each") == []


def test_events_of_one_key_share_a_run_as_ever(parsed: Any, cloudfn: Any) -> None:
    parsed(EACH)
    pause("caught_each", paused=True)
    for number in range(2):
        happen("caught.done", {"number": number}, key="customer-7")
    pause("caught_each", paused=False)

    cloudfn("events", "catch-up", "caught_each")

    assert payloads("caught_each") == [({"number": 0}, {"number": 1})]


def test_merged_events_of_a_paused_time_get_the_runs_that_airflow_makes_of_them(parsed: Any, cloudfn: Any) -> None:
    from airflow.models.asset import AssetDagRunQueue

    parsed(MERGED)
    pause("caught_merged", paused=True)
    for number in range(3):
        happen("caught.merged", {"number": number})
    pause("caught_merged", paused=False)

    first = cloudfn("events", "catch-up", "caught_merged", "--json").document
    again = cloudfn("events", "catch-up", "caught_merged", "--json").document

    assert (first["queued"], again["queued"]) == (3, 0)
    runs = payloads("caught_merged")
    # One with all of them on Airflow 3.3, one each on 3.4.
    assert [payload["number"] for run in runs for payload in run] == [0, 1, 2]
    assert len(runs) == (3 if hasattr(AssetDagRunQueue, "asset_event_id") else 1)
    assert cloudfn("events", "catch-up", "caught_merged", "--json").document["queued"] == 0


def test_a_merged_event_that_would_wait_for_the_next_one_is_caught_up(parsed: Any, cloudfn: Any) -> None:
    parsed(MERGED)
    pause("caught_merged", paused=False)
    for number in range(3):
        happen("caught.merged", {"number": number})

    cloudfn("events", "catch-up", "caught_merged")

    assert [payload["number"] for run in payloads("caught_merged") for payload in run] == [0, 1, 2]
    assert cloudfn("events", "catch-up", "caught_merged", "--json").document["queued"] == 0


def test_merged_events_of_before_the_dag_was_there_are_told(parsed: Any, cloudfn: Any) -> None:
    from airflow.models.asset import AssetDagRunQueue

    if hasattr(AssetDagRunQueue, "asset_event_id"):
        pytest.skip("Airflow 3.4 queues each event, and reaches them all")
    parsed(MERGED.replace("caught_merged", "caught_elsewhere"))
    happen("caught.merged", {"number": 1})
    _forget_schedule("caught_merged")
    parsed(MERGED)

    ended = cloudfn("events", "catch-up", "caught_merged")

    assert "1 more are older than what the scheduler looks back to" in ended.out


def _forget_schedule(dag_id: str) -> None:
    from airflow.models.asset import DagScheduleAssetReference
    from airflow.utils.session import create_session
    from sqlalchemy import delete

    with create_session() as session:
        session.execute(delete(DagScheduleAssetReference).filter_by(dag_id=dag_id))


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("nowhere",), "Airflow has no Dag 'nowhere'"),
        (("caught_producer",), "Dag 'caught_producer' is scheduled on no event"),
        (("caught_each", "--since", "yesterday"), "--since: 'yesterday' is no time"),
    ],
)
def test_what_cannot_be_is_refused(parsed: Any, cloudfn: Any, arguments: tuple[str, ...], told: str) -> None:
    parsed(EACH)

    ended = cloudfn("events", "catch-up", *arguments)

    assert ended.code == 2
    assert told in ended.err
