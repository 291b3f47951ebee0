"""What a sender is answered, and what becomes of what he sent."""

from __future__ import annotations

import inspect
import json
from typing import TYPE_CHECKING, Any

import pytest
from kit.hostile_events import HOSTILE

from airflow_provider_cloudfn.cli.demo.airflow_api import until
from airflow_provider_cloudfn.client.rate_limit import Rate
from airflow_provider_cloudfn.deliveries.ledger import Wanted, find_deliveries
from airflow_provider_cloudfn.deliveries.outcome import DeliveryOutcome
from airflow_provider_cloudfn.events.claim_check import payload_of
from airflow_provider_cloudfn.plugin.receiver.admission import Held

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from airflow_provider_cloudfn.deliveries.ledger import KeptDelivery

WAITING = 'waiting = DAG("waiting", schedule=CompletionEvent("order.paid"))'
ORDER: dict[str, Any] = {
    "id": "evt_1",
    "type": "order.paid",
    "subject": "1001",
    "data": {"orderId": "1001", "total": 12.5},
}


def outcomes(answer: Any) -> list[str]:
    return [event["outcome"] for event in answer.json()["events"]]


@pytest.fixture
def kept() -> Callable[[int], list[KeptDelivery]]:
    """Return a function that waits until so many deliveries are written down, which is after the answer for some."""

    def wait(count: int) -> list[KeptDelivery]:
        def found() -> list[KeptDelivery] | None:
            rows = find_deliveries(Wanted(at_most=1000))
            return rows if len(rows) == count else None

        return until(found, 20, f"there are not {count} deliveries", pause=0.02)

    return wait


def test_an_event_is_accepted_and_is_the_asset_event_that_a_dag_waits_for(
    send: Any, dags: Any, asset_events: Any
) -> None:
    dags(WAITING)

    answer = send(ORDER)

    assert answer.status_code == 202
    ((name, extra, key),) = asset_events()
    assert (name, key, extra["result"]) == ("order.paid", None, ORDER["data"])
    metadata = extra["metadata"]
    assert answer.json() == {"events": [{"id": metadata["id"], "outcome": "accepted"}]}
    assert (metadata["type"], metadata["sender_id"], metadata["function"]) == ("order.paid", "evt_1", "shop")
    (kept,) = find_deliveries(Wanted())
    assert (kept.outcome, kept.status, kept.event_key, kept.event_id) == ("accepted", 202, metadata["id"], "evt_1")
    assert kept.record().to_dict() == extra


def test_what_comes_again_is_a_duplicate_and_is_counted(send: Any, dags: Any, asset_events: Any) -> None:
    dags(WAITING)

    answers = [send(ORDER) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [202, 200, 200]
    assert [outcomes(answer) for answer in answers] == [["accepted"], ["duplicate"], ["duplicate"]]
    assert len({answer.json()["events"][0]["id"] for answer in answers}) == 1
    assert len(asset_events()) == 1
    assert [kept.repeats for kept in find_deliveries(Wanted())] == [2]


def test_the_same_id_of_two_sources_is_two_events(send: Any, source: Any, dags: Any, asset_events: Any) -> None:
    dags(WAITING)
    source("other")
    other = type(send)(send.client, "other")

    assert [send(ORDER).status_code, other(ORDER).status_code] == [202, 202]
    assert len({extra["metadata"]["id"] for _, extra, _ in asset_events()}) == 2


@pytest.mark.one_run_per_event
@pytest.mark.parametrize(
    "declared",
    [
        pytest.param(
            'waiting = DAG("waiting", schedule=CompletionEvent("order.paid", one_run_per_event=True).each())',
            id="consumer",
        ),
        pytest.param(
            'waiting = DAG("waiting", schedule=CompletionEvent("order.paid", one_run_per_event=True).each())\n'
            'other = DAG("other", schedule=CompletionEvent("order.paid") | Asset("a"))',
            id="a second declaration without the flag",
        ),
    ],
)
def test_an_event_with_a_run_for_each_has_its_id_as_partition_key(
    declared: str, send: Any, dags: Any, asset_events: Any
) -> None:
    from airflow.models.asset import AssetPartitionDagRun
    from airflow.utils.session import create_session
    from sqlalchemy import select

    dags(declared)

    send(ORDER)

    ((_, extra, key),) = asset_events()
    assert key == extra["metadata"]["id"]
    with create_session() as session:
        queued = select(AssetPartitionDagRun.target_dag_id).where(AssetPartitionDagRun.partition_key == key)
        assert session.scalars(queued).all() == ["waiting"]


@pytest.mark.one_run_per_event
def test_a_dag_that_is_no_longer_there_gives_no_event_a_run_of_its_own(send: Any, dags: Any, asset_events: Any) -> None:
    from airflow.models.dag import DagModel
    from airflow.utils.session import create_session
    from sqlalchemy import update

    dags('gone = DAG("gone", schedule=CompletionEvent("order.paid", one_run_per_event=True).each())')
    dags(WAITING)
    with create_session() as session:
        session.execute(update(DagModel).where(DagModel.dag_id == "gone").values(is_stale=True))

    send(ORDER)

    assert [key for _, _, key in asset_events()] == [None]


def test_a_batch_is_one_transaction(send: Any, dags: Any, asset_events: Any) -> None:
    dags(WAITING)
    send(ORDER)

    answer = send(ORDER, {**ORDER, "id": "evt_2"}, {**ORDER, "id": "evt_2"})

    assert answer.status_code == 202
    assert sorted(outcomes(answer)) == ["accepted", "duplicate", "duplicate"]
    assert len(asset_events()) == 2


def test_a_batch_with_an_event_that_is_refused_makes_none(send: Any, dags: Any, asset_events: Any, kept: Any) -> None:
    dags(WAITING)

    answer = send({**ORDER, "id": "evt_2"}, {**ORDER, "id": "evt_3", "type": "nobody.waits"})

    assert answer.status_code == 422
    assert asset_events() == []
    assert [(one.outcome, one.reason) for one in kept(2)] == [("refused", "unknown_type")] * 2


def test_a_wrong_signature_is_told_nothing_and_is_noted_without_what_came(send: Any, dags: Any, kept: Any) -> None:
    dags(WAITING)
    send.secret = "another one"

    answer = send(ORDER)

    assert (answer.status_code, answer.json()) == (401, {"detail": "Unauthorized"})
    (noted,) = kept(1)
    assert (noted.outcome, noted.status, noted.event_type, noted.record()) == ("refused", 401, None, None)


@pytest.mark.parametrize("name", ["nobody", "openapi.json", "SHOP", "shop "])
def test_what_the_configuration_does_not_name_is_not_there(name: str, send: Any, connection: Any) -> None:
    connection("nobody", conn_type="cloudfn_event_source", password="x")

    assert send.client.post(f"/{name}", content=b"{}").status_code == 404


def test_without_configuration_nothing_is_there(
    send: Any, monkeypatch: pytest.MonkeyPatch, dags: Any, asset_events: Any
) -> None:
    dags(WAITING)
    monkeypatch.delenv("AIRFLOW__CLOUDFN__EVENT_SOURCES")

    assert send(ORDER).status_code == 404
    assert asset_events() == []


@pytest.mark.parametrize(("unknown", "status", "made"), [("reject", 422, 0), ("ignore", 200, 0), ("register", 202, 1)])
def test_an_event_that_no_dag_names(
    unknown: str, status: int, made: int, send: Any, source: Any, asset_events: Any, kept: Any
) -> None:
    source(unknown=unknown)

    assert [send(ORDER).status_code, send({**ORDER, "id": "evt_2"}).status_code] == [status, status]
    assert len(asset_events()) == 2 * made
    assert all(one.event_type == "order.paid" and one.record() for one in kept(2))


def test_what_was_ignored_is_no_duplicate_when_a_dag_has_come_to_wait_for_it(
    send: Any, source: Any, dags: Any, asset_events: Any
) -> None:
    source(unknown="ignore")
    send(ORDER)
    dags(WAITING)

    assert send(ORDER).status_code == 202
    assert len(asset_events()) == 1


def test_a_payload_that_is_not_as_its_schema_says_is_refused(send: Any, dags: Any, asset_events: Any) -> None:
    dags('waiting = DAG("waiting", schedule=CompletionEvent("order.paid", schema={"required": ["customer"]}))')

    assert send(ORDER).status_code == 422
    assert asset_events() == []


def test_an_event_that_carries_too_much_is_refused(
    send: Any, dags: Any, asset_events: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    dags(WAITING)
    monkeypatch.setenv("AIRFLOW__CLOUDFN__EVENT_LIMIT", "100")

    assert send({**ORDER, "data": "x" * 99}).status_code == 413
    assert send({**ORDER, "data": "x" * 98}).status_code == 202
    assert len(asset_events()) == 1


def test_an_event_that_carries_too_much_lies_in_the_storage_where_there_is_one(
    send: Any, dags: Any, asset_events: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    dags(WAITING)
    monkeypatch.setenv("AIRFLOW__CLOUDFN__EVENT_LIMIT", "100")
    monkeypatch.setenv("AIRFLOW__CLOUDFN__EVENT_STORAGE", f"file://{tmp_path}")

    answers = [send({**ORDER, "data": "x" * 99}).status_code for _ in range(2)]

    assert answers == [202, 200]
    ((_, extra, _),) = asset_events()
    assert extra["result"] is None
    assert payload_of(extra) == "x" * 99


def test_a_sender_can_not_name_what_is_read_in_its_place(
    send: Any, dags: Any, asset_events: Any, tmp_path: Path
) -> None:
    dags(WAITING)

    send({**ORDER, "data": None, "dataref": f"file://{tmp_path}/secret"})

    ((_, extra, _),) = asset_events()
    assert payload_of(extra) is None


def test_a_body_that_is_too_long_is_refused_before_it_is_read(
    send: Any, source: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    source(max_body=1000)
    taken: list[int] = []
    monkeypatch.setattr(Held, "take", lambda _, size: taken.append(size))

    def body() -> Any:
        for _ in range(3):
            yield b"x" * 600

    declared = send.client.post("/shop", content=b"x" * 1001)
    assert (declared.status_code, taken) == (413, [])

    assert send.client.post("/shop", content=body()).status_code == 413
    assert sum(taken) <= 1000


def test_a_compressed_body_is_refused(send: Any) -> None:
    assert send(ORDER, **{"Content-Encoding": "gzip"}).status_code == 415


def test_too_many_are_told_when_to_come_again(send: Any, source: Any, dags: Any) -> None:
    dags(WAITING)
    source(rate_limit="2/h")

    answers = [send({**ORDER, "id": f"evt_{number}"}) for number in range(3)]

    assert [answer.status_code for answer in answers] == [202, 202, 429]
    assert 1700 < int(answers[2].headers["retry-after"]) <= 1800


def test_a_stranger_does_not_use_up_what_a_source_may_send(send: Any, source: Any, dags: Any) -> None:
    dags(WAITING)
    source(rate_limit="1/h")
    stranger = type(send)(send.client, secret="another one")

    assert [stranger(ORDER).status_code for _ in range(5)] == [401] * 5
    assert send(ORDER).status_code == 202


def test_what_an_expression_says_is_in_the_log_and_not_in_the_answer(
    send: Any, source: Any, dags: Any, caplog: pytest.LogCaptureFixture
) -> None:
    dags(WAITING)
    source(filter="request.body.nothing.there")

    answer = send(ORDER)

    assert (answer.status_code, answer.json()["detail"].startswith("Unprocessable")) == (422, True)
    assert "filter_failed" in caplog.text
    assert "nothing" in caplog.text


def test_what_the_filter_leaves_out_is_counted_and_told_so_and_nothing_of_it_is_kept(
    send: Any, source: Any, dags: Any, asset_events: Any
) -> None:
    dags(WAITING)
    source(filter='request.body.type == "order.lost"', unknown="ignore", event_types="order.*")

    answers = [send(ORDER), send({**ORDER, "type": "payment.made"})]

    assert [(answer.status_code, outcomes(answer)) for answer in answers] == [(200, ["ignored"])] * 2
    assert asset_events() == []
    assert [(one.reason, one.record()) for one in find_deliveries(Wanted())] == [("filter", None)] * 2


def test_a_storage_that_is_away_is_not_available_for_now_and_the_log_says_why(
    send: Any, dags: Any, asset_events: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    dags(WAITING)
    monkeypatch.setenv("AIRFLOW__CLOUDFN__EVENT_LIMIT", "100")
    monkeypatch.setenv("AIRFLOW__CLOUDFN__EVENT_STORAGE", "nosuch://bucket/events")

    answer = send({**ORDER, "data": "x" * 99})

    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert "[cloudfn] event_storage" in caplog.text
    assert "Traceback" not in caplog.text
    assert asset_events() == []


def test_the_attributes_of_an_event_are_bounded(send: Any, dags: Any, asset_events: Any) -> None:
    dags(WAITING)

    answers = [send({**ORDER, name: "x" * 1_001}) for name in ("id", "subject", "source", "extension")]

    assert [answer.status_code for answer in answers] == [400] * 4
    assert asset_events() == []


def test_a_handshake_is_answered_and_is_no_delivery(send: Any) -> None:
    asked = send.client.options("/shop", headers={"WebHook-Request-Origin": "eventemitter.example.com"})
    wrong = send.client.options("/shop", headers={"WebHook-Request-Origin": "a b"})

    assert (asked.status_code, asked.headers["webhook-allowed-origin"]) == (200, "eventemitter.example.com")
    assert wrong.status_code == 400


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS"])
@pytest.mark.parametrize(("path", "status"), [("/shop", 200), ("/shop/order.created", 200), ("/another", 404)])
def test_who_looks_whether_there_is_a_receiver_finds_it(send: Any, method: str, path: str, status: int) -> None:
    answer = send.client.request(method, path)

    assert answer.status_code == status
    assert "webhook-allowed-origin" not in answer.headers


def test_what_strangers_send_is_noted_a_limited_number_of_times(
    send: Any, dags: Any, kept: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from airflow_provider_cloudfn.plugin.receiver import receiver

    dags(WAITING)
    monkeypatch.setattr(receiver, "_NOTED", Rate(5, 86_400.0))
    stranger = type(send)(send.client, secret="another one")

    assert {stranger(ORDER).status_code for _ in range(20)} == {401}
    assert send(ORDER).status_code == 202
    assert [one.outcome for one in kept(6)].count("refused") == 5


def test_a_connection_that_is_wrong_is_not_available_and_the_log_says_why(
    send: Any, source: Any, caplog: pytest.LogCaptureFixture
) -> None:
    source(scheme="no such scheme")

    answer = send(ORDER)

    assert (answer.status_code, answer.json()) == (503, {"detail": "Service Unavailable"})
    assert int(answer.headers["retry-after"]) > 0
    assert "connection 'shop', scheme (Scheme): got a text of 14 characters; choose one of" in caplog.text


def test_a_database_that_is_away_is_not_available_for_now_and_nothing_is_lost(
    send: Any, dags: Any, asset_events: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sqlalchemy.exc import OperationalError

    from airflow_provider_cloudfn.deliveries import emission

    dags(WAITING)
    with monkeypatch.context() as away:

        def register(**_: Any) -> None:
            raise OperationalError("INSERT", {}, Exception("connection refused"))

        away.setattr(emission.asset_manager, "register_asset_change", register)
        answer = send(ORDER)

    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert find_deliveries(Wanted()) == []
    assert send(ORDER).status_code == 202
    assert len(asset_events()) == 1


def test_a_table_that_is_not_there_is_told_in_the_log(send: Any, dags: Any, caplog: pytest.LogCaptureFixture) -> None:
    from airflow.utils.session import create_session

    from airflow_provider_cloudfn.deliveries.db_manager import CloudFunctionDBManager

    dags(WAITING)
    with create_session() as session:
        manager = CloudFunctionDBManager(session)
        manager.downgrade("base")
        try:
            assert send(ORDER).status_code == 503
        finally:
            manager.upgradedb()

    assert "run `airflow db migrate`" in caplog.text
    assert "1001" not in caplog.text


def test_the_listeners_of_airflow_are_told_after_the_commit(
    send: Any, dags: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from airflow.assets.manager import AssetManager

    if "callback_sink" not in inspect.signature(AssetManager.register_asset_change).parameters:
        pytest.skip("Airflow 3.2 tells its listeners before the commit")
    told: list[int] = []
    monkeypatch.setattr(AssetManager, "notify_asset_changed", lambda **_: told.append(len(find_deliveries(Wanted()))))
    dags(WAITING)

    send(ORDER)

    assert told == [1]


def test_what_an_event_carries_is_not_readable_in_the_table(send: Any, dags: Any) -> None:
    dags(WAITING)

    send({**ORDER, "data": "a-value-of-the-payload"})

    (kept,) = find_deliveries(Wanted())
    assert kept.sealed is not None
    assert "a-value" not in kept.sealed
    assert "a-value" not in repr(kept)


@pytest.mark.parametrize("event", HOSTILE, ids=lambda event: repr(event)[:30])
@pytest.mark.parametrize("unknown", ["reject", "register"])
def test_strange_values_are_taken_or_refused_and_are_no_fault(
    event: dict[str, Any], unknown: str, send: Any, source: Any, dags: Any, kept: Any, asset_events: Any
) -> None:
    dags(WAITING)
    source(unknown=unknown)

    answers = [send({**ORDER, **event}).status_code for _ in range(2)]

    assert answers in ([202, 200], [400, 400], [422, 422])
    assert len(asset_events()) == (answers[0] == 202)


def test_the_api_is_described(client: Any) -> None:
    described = client.get("/openapi.json").json()

    answers = described["paths"]["/{source}"]["post"]["responses"]
    assert {"200", "202", "400", "401", "403", "404", "413", "415", "422", "429", "503"} <= answers.keys()
    assert json.dumps(described).count("http") < 3


def test_outcomes_are_words_of_the_table() -> None:
    assert {outcome.value for outcome in DeliveryOutcome} == {"accepted", "duplicate", "ignored", "refused"}
