"""The page on which a Dag catches up: who may, and what the scheduler has to do then."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from kit.dag_runs import IMPORTS, parse, write_to_database
from kit.scheduling import forget_events, happen, pause, scheduled

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.one_run_per_event

FROM_HERE = {"Sec-Fetch-Site": "same-origin"}
DAG = "missing_some"
PATH = f"/cloudfn/completion-events/{DAG}/catch-up"

SOURCE = f"""
missed = CompletionEvent("page.missed", one_run_per_event=True)
with DAG("missing_none", schedule=None):
    EmptyOperator(task_id="nothing")
with DAG("{DAG}", schedule=missed.each()):
    EmptyOperator(task_id="task")
"""


@pytest.fixture
def two_missed(dags_folder: Path, airflow_database: None) -> None:
    """Let two events have come while their Dag was paused."""
    forget_events()
    bag = parse(IMPORTS + SOURCE, dags_folder, "missing")
    assert bag.import_errors == {}
    write_to_database(bag)
    pause(DAG, paused=True)
    for number in range(2):
        happen("page.missed", {"number": number}, key=f"key-{number}")
    assert scheduled(DAG) == []
    pause(DAG, paused=False)


@pytest.mark.usefixtures("two_missed")
def test_a_dag_catches_up_from_the_page_of_its_event(visit: Callable[..., Any]) -> None:
    client = visit("editor", reads=(DAG, "missing_none"), triggers=(DAG,))

    assert f'href="{PATH}"' in client.get("/cloudfn/completion-events?event=page.missed").text
    looked = client.get(PATH).text
    assert f"2 events are without a run of {DAG}" in looked
    assert scheduled(DAG) == []
    done = client.post(f"{PATH}?days=7", headers=FROM_HERE).text

    assert "2 events are queued: the scheduler makes their runs" in done
    assert len(scheduled(DAG)) == 2
    assert audited() == ("editor", DAG, {"days": 7})
    assert f"No event waits for a run of {DAG}" in client.get(PATH).text


@pytest.mark.usefixtures("two_missed")
@pytest.mark.parametrize(
    ("rights", "headers"),
    [
        ({"triggers": ()}, FROM_HERE),
        ({"triggers": ("missing_none",)}, FROM_HERE),
        ({"triggers": (DAG,), "edits": False}, FROM_HERE),
        ({"triggers": (DAG,), "assets": False}, FROM_HERE),
        ({"triggers": (DAG,)}, {}),
        ({"triggers": (DAG,)}, {"Sec-Fetch-Site": "cross-site"}),
        ({"triggers": (DAG,)}, {"Origin": "https://evil.test"}),
    ],
    ids=str,
)
def test_nothing_is_caught_up_without_the_rights_or_by_another_site(
    visit: Callable[..., Any], rights: dict[str, Any], headers: dict[str, str]
) -> None:
    client = visit("looker", reads=(DAG,), **rights)

    assert client.post(PATH, headers=headers).status_code == 403
    assert scheduled(DAG) == []


@pytest.mark.usefixtures("two_missed")
@pytest.mark.parametrize("rights", [{}, {"triggers": (DAG,), "edits": False}], ids=str)
def test_who_may_only_read_is_not_offered_it(visit: Callable[..., Any], rights: dict[str, Any]) -> None:
    client = visit("looker", reads=(DAG, "missing_none"), **rights)

    assert "catch-up" not in client.get("/cloudfn/completion-events?event=page.missed").text
    assert client.get(PATH).status_code == 403


def test_a_dag_that_no_event_starts_is_said_to_be_so(two_missed: None, visit: Callable[..., Any]) -> None:
    client = visit("editor", reads=("missing_none",), triggers=("missing_none",))

    answer = client.get("/cloudfn/completion-events/missing_none/catch-up")

    assert answer.status_code == 409
    assert "is scheduled on no event" in answer.text


def audited() -> tuple[str | None, str | None, Any]:
    """Return who did it last, with which Dag, and what the audit log says besides."""
    from airflow.models.log import Log
    from airflow.utils.session import create_session
    from sqlalchemy import select

    with create_session() as session:
        row = session.scalars(select(Log).where(Log.event == "cloudfn_catch_up").order_by(Log.id.desc())).first()
        assert row is not None
        return row.owner, row.dag_id, json.loads(row.extra or "{}")
