"""``airflow cloudfn deliveries``: what is kept of deliveries, and how it is replayed; and how it is swept."""

from __future__ import annotations

import datetime as dt
import json
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from airflow.utils.session import create_session
from kit.command_line import Ended, ended
from sqlalchemy import text

from airflow_provider_cloudfn.cli.demo.airflow_api import until
from airflow_provider_cloudfn.deliveries.ledger import Wanted, _query, find_deliveries
from airflow_provider_cloudfn.deliveries.outcome import DeliveryOutcome
from airflow_provider_cloudfn.deliveries.sweep import STEP, sweep
from airflow_provider_cloudfn.deliveries.tables import Delivery

if TYPE_CHECKING:
    from collections.abc import Callable

WAITING = 'waiting = DAG("waiting", schedule=CompletionEvent("order.paid"))'
ORDER: dict[str, Any] = {"id": "evt_1", "type": "order.paid", "data": {"orderId": "1001"}}


@pytest.fixture
def command(airflow_database: None, capsys: pytest.CaptureFixture[str]) -> Callable[..., Ended]:
    """Return a function that runs ``airflow cloudfn deliveries …`` and tells how it ended."""
    return partial(ended, capsys, "deliveries")


@pytest.fixture
def three(send: Any, dags: Any) -> list[int]:
    """Send an event that is accepted, one that nobody waits for, and one with a wrong signature; return their numbers."""
    dags(WAITING)
    send(ORDER)
    send({**ORDER, "id": "evt_2", "type": "order.lost"})
    type(send)(send.client, secret="another one")(ORDER)
    found = until(
        lambda: rows if len(rows := find_deliveries(Wanted())) == 3 else None, 20, "not all are noted", pause=0.02
    )
    by_status = {row.status: row.id for row in found}
    return [by_status[status] for status in (202, 422, 401)]


@pytest.mark.parametrize(
    ("arguments", "statuses"),
    [
        ([], {202, 422, 401}),
        (["--source", "shop"], {202, 422, 401}),
        (["--source", "other"], set()),
        (["--type", "order.lost"], {422}),
        (["--outcome", "refused"], {422, 401}),
        (["--since", "2026-01-01"], {202, 422, 401}),
        (["--since", "2999-01-01T00:00:00Z"], set()),
    ],
)
def test_deliveries_are_listed_by_what_is_asked_for(
    arguments: list[str], statuses: set[int], three: list[int], command: Any
) -> None:
    listed = json.loads(command("list", "--json", *arguments).out)["deliveries"]

    assert {delivery["status"] for delivery in listed} == statuses


@pytest.mark.parametrize(
    ("wanted", "index"),
    [
        (Wanted(source="shop"), "idx_cloudfn_delivery_source"),
        (Wanted(event_type="order.paid"), "idx_cloudfn_delivery_event_type"),
        (Wanted(outcome=DeliveryOutcome.REFUSED), "idx_cloudfn_delivery_outcome"),
        (Wanted(source="shop", before=1_000), "idx_cloudfn_delivery_source"),
    ],
)
def test_the_few_of_a_kind_are_not_looked_for_among_all(wanted: Wanted, index: str) -> None:
    with create_session() as session:
        query = _query(wanted).compile(session.get_bind(), compile_kwargs={"literal_binds": True})
        plan = [row[-1] for row in session.execute(text(f"EXPLAIN QUERY PLAN {query}"))]

    assert any(f"USING INDEX {index}" in step for step in plan)
    assert not any("B-TREE" in step for step in plan), "it is in order already"


def test_a_long_list_goes_on_where_it_ended(three: list[int], command: Any) -> None:
    numbers = sorted(three, reverse=True)

    first = command("list", "--limit", 2)
    rest = command("list", "--before", numbers[1])

    assert f"--before {numbers[1]}" in first.out
    assert [str(number) in first.out.split() for number in numbers] == [True, True, False]
    assert str(numbers[2]) in rest.out.split()


def test_one_is_shown_with_what_it_carries(three: list[int], command: Any) -> None:
    shown = json.loads(command("show", three[0], "--json").out)

    assert (shown["outcome"], shown["event_id"]) == ("accepted", "evt_1")
    assert shown["record"]["result"] == ORDER["data"]


def test_what_a_sender_writes_does_nothing_to_a_terminal(send: Any, dags: Any, command: Any) -> None:
    dags(WAITING)
    written = {"data": "\x1b[2J \x9b31m \u202egpj", "subject": "\u202e2J"}
    send({**ORDER, **written})
    (kept,) = find_deliveries(Wanted())

    shown, listed = command("show", kept.id).out, command("list").out

    assert not {"\x1b", "\x9b", "\u202e"} & {*shown, *listed}
    assert json.loads(command("show", kept.id, "--json").out)["record"]["result"] == written["data"]


def test_a_source_whose_requests_are_good_for_longer_than_they_are_known_is_told(
    source: Any, command: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW__CLOUDFN__DELIVERIES_KEPT", "1")
    source(scheme="slack", tolerance=100_000)
    source("not_told", scheme="slack")

    ended = command("list", "--json")

    assert ended.code == 0
    assert "a request of 'shop' is good for 100000 seconds" in ended.err
    assert "not_told" not in ended.err
    assert json.loads(ended.out) == {"deliveries": []}


def test_one_is_replayed_with_its_own_id(three: list[int], command: Any, asset_events: Any) -> None:
    ended = command("replay", three[0])

    assert ended.code == 0
    (first, again) = asset_events()
    assert first == again
    (kept,) = find_deliveries(Wanted(outcome=find_deliveries(Wanted(event_type="order.paid"))[0].outcome))
    assert f"asset event {kept.asset_event_id}" in ended.out


def test_one_that_was_refused_is_replayed_when_a_dag_waits_for_it_and_is_no_second_event_then(
    three: list[int], send: Any, dags: Any, command: Any, asset_events: Any
) -> None:
    refused = command("replay", three[1])
    dags('lost = DAG("lost", schedule=CompletionEvent("order.lost"))')

    assert (refused.code, command("replay", three[1]).code) == (2, 0)
    assert "a Dag must name it first" in refused.err
    assert [name for name, _, _ in asset_events()] == ["order.paid", "order.lost"]
    assert send({**ORDER, "id": "evt_2", "type": "order.lost"}).status_code == 200


def test_what_airflow_can_not_keep_is_not_replayed(
    send: Any, dags: Any, command: Any, asset_events: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    dags('paid = DAG("paid", schedule=CompletionEvent("order.paid"))')
    monkeypatch.setenv("AIRFLOW__CLOUDFN__EVENT_LIMIT", "100")
    assert send({**ORDER, "data": "x" * 200}).status_code == 413
    (refused,) = until(lambda: find_deliveries(Wanted()) or None, 20, "the refusal is not noted", pause=0.02)

    ended = command("replay", refused.id)

    assert ended.code == 2
    assert "carries more than [cloudfn] event_limit" in ended.err
    assert asset_events() == []


def test_one_that_came_again_meanwhile_is_not_replayed(
    three: list[int], send: Any, dags: Any, command: Any, asset_events: Any
) -> None:
    dags('lost = DAG("lost", schedule=CompletionEvent("order.lost"))')
    assert send({**ORDER, "id": "evt_2", "type": "order.lost"}).status_code == 202

    ended = command("replay", three[1])

    assert ended.code == 2
    assert "was accepted then" in ended.err
    assert len(asset_events()) == 2


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["replay", 99999], "there is no delivery 99999"),
        (["show", 99999], "there is no delivery 99999"),
        (["show", "x"], "is no delivery"),
        (["list", "--since", "yesterday"], "is no time"),
        (["list", "--limit", "0"], "is no count"),
    ],
)
def test_what_can_not_be_is_told(arguments: list[object], said: str, command: Any) -> None:
    ended = command(*arguments)

    assert ended.code == 2
    assert said in ended.err


def test_one_of_which_nothing_is_known_is_not_replayed(three: list[int], command: Any) -> None:
    ended = command("replay", three[2])

    assert ended.code == 2
    assert "only its sender can send it again" in ended.err


def test_what_was_kept_under_another_key_is_told_so(
    three: list[int], command: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from airflow.models.crypto import get_fernet
    from cryptography.fernet import Fernet

    monkeypatch.setenv("AIRFLOW__CORE__FERNET_KEY", Fernet.generate_key().decode())
    get_fernet.cache_clear()
    try:
        ended = command("show", three[0])
    finally:
        monkeypatch.undo()
        get_fernet.cache_clear()

    assert ended.code == 2
    assert "[core] fernet_key" in ended.err


def test_old_deliveries_are_swept_in_steps_and_young_ones_stay() -> None:
    from airflow.utils.session import create_session
    from sqlalchemy import insert

    now = dt.datetime(2026, 1, 31, tzinfo=dt.UTC)
    row = {"source": "shop", "outcome": "refused", "status": 401, "size": 0, "repeats": 0}
    ages = [dt.timedelta(days=8)] * (STEP + 1) + [dt.timedelta(days=7), dt.timedelta()]
    with create_session() as session:
        session.execute(insert(Delivery), [{**row, "received_at": now - age} for age in ages])

    assert [sweep(7, now) for _ in range(3)] == [STEP, 1, 0]
    assert len(find_deliveries(Wanted())) == 2


def test_deliveries_that_are_kept_for_ever_are_not_swept() -> None:
    assert sweep(0, dt.datetime(2999, 1, 1, tzinfo=dt.UTC)) == 0


def test_the_receiver_sweeps_by_itself(send: Any, dags: Any) -> None:
    from airflow.utils.session import create_session
    from sqlalchemy import insert

    dags(WAITING)
    old = dt.datetime.now(tz=dt.UTC) - dt.timedelta(days=8)
    row = {"source": "shop", "outcome": "refused", "status": 401, "size": 0, "repeats": 0, "received_at": old}
    with create_session() as session:
        session.execute(insert(Delivery).values(row))

    send(ORDER)

    until(lambda: True if len(find_deliveries(Wanted())) == 1 else None, 20, "the old one is there still", pause=0.02)
