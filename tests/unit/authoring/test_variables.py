"""What an expression can name in a running task, and where each value comes from."""

from __future__ import annotations

import datetime as dt
from functools import partial
from types import SimpleNamespace
from typing import Any, cast

import pytest
from airflow.sdk import DAG, Asset

from airflow_provider_cloudfn import CloudFunctionOperator, CompletionEvent, cel
from airflow_provider_cloudfn.authoring.variables import TaskVariables
from airflow_provider_cloudfn.authoring.vocabulary import RECORDS, VARIABLES
from airflow_provider_cloudfn.events.record import CompletionRecord, TaskInstanceKey
from airflow_provider_cloudfn.events.run_events import records_for
from airflow_provider_cloudfn.exceptions import ExpressionError

NOON = dt.datetime(2026, 1, 31, 12, tzinfo=dt.UTC)


def record(name: str, result: Any, run_id: str = "manual__1") -> dict[str, Any]:
    key = TaskInstanceKey("charge_orders", run_id, "charge")
    return dict(CompletionRecord.of(key, type=name, function="charge", result=result, occurred_at=NOON).to_dict())


def asset_event(
    name: str, extra: Any, minute: int = 0, *, partition: str | None = None, by_hand: bool = False, plain: bool = False
) -> Any:
    return SimpleNamespace(
        asset=SimpleNamespace(name=name, uri=f"s3://{name}" if plain else CompletionEvent(name).uri),
        extra=extra,
        timestamp=NOON + dt.timedelta(minutes=minute),
        partition_key=partition,
        source_dag_id=None if by_hand else "charge_orders",
        source_run_id=None if by_hand else "manual__1",
        source_task_id=None if by_hand else "charge",
        source_map_index=None if by_hand else -1,
    )


def evaluated(source: str, found: TaskVariables) -> Any:
    return cel.compile(source, variables=VARIABLES).evaluate(found)


class TaskInstance:
    """A running task instance, which notes what is pulled."""

    dag_id, run_id, task_id, map_index, try_number = "d", "asset_triggered__1", "call", -1, 2

    def __init__(self, left: dict[tuple[str, str], Any]) -> None:
        self._left = left
        self.pulled: list[tuple[str, str]] = []

    def xcom_pull(self, *, task_ids: str, key: str, map_indexes: Any) -> Any:
        self.pulled.append((task_ids, key))
        return self._left.get((task_ids, key))

    def get_task_states(self, *, dag_id: str, task_ids: list[str], run_ids: list[str]) -> dict[str, dict[str, str]]:
        return {run_id: dict.fromkeys(task_ids, "success") for run_id in run_ids}


def variables(
    *events: Any,
    conf: dict[str, Any] | None = None,
    left: dict[tuple[str, str], Any] | None = None,
    schedule: Any = None,
    run_id: str = "asset_triggered__1",
) -> tuple[TaskVariables, TaskInstance]:
    """Return what the last of three steps can name: the first declares `fetched`, the second nothing."""
    with DAG("d", schedule=schedule, params={"page": 5}) as dag:
        first = CloudFunctionOperator(task_id="fetch", uri='"/"', completion_event=CompletionEvent("fetched"))
        second = CloudFunctionOperator(task_id="score", uri='"/"')
        call = CloudFunctionOperator(task_id="call", uri='"/"')
        first >> second >> call
    instance = TaskInstance(left or {})
    instance.run_id = run_id
    dag_run = SimpleNamespace(
        run_id=run_id,
        conf=conf,
        consumed_asset_events=list(events),
        run_after=NOON,
        logical_date=None,
        data_interval_start=None,
        data_interval_end=None,
    )
    context = {"task": call, "ti": instance, "dag": dag, "dag_run": dag_run, "params": {"page": 5}}
    return TaskVariables(cast("Any", context)), instance


def test_an_event_is_that_of_the_asset_event_that_started_the_run() -> None:
    found, _ = variables(asset_event("paid", record("paid", {"id": 7})), asset_event("other", {}))

    assert found["context"]["paid"] == {"id": 7}


@pytest.mark.parametrize("extra", [{}, {"id": 7}, {"result": 1}, {"metadata": {}, "result": 1}])
def test_an_extra_that_is_no_record_is_itself_the_payload(extra: dict[str, Any]) -> None:
    found, _ = variables(asset_event("paid", extra))

    assert found["context"]["paid"] == extra
    assert found["events"] == [
        {
            "metadata": {
                "id": '["paid", "charge_orders", "manual__1", "charge", -1]',
                "type": "paid",
                "source": "airflow/charge_orders",
                "occurredAt": "2026-01-31T12:00:00Z",
                "dag_id": "charge_orders",
                "run_id": "manual__1",
                "task_id": "charge",
                "map_index": -1,
            },
            "result": extra,
        }
    ]


@pytest.mark.parametrize(
    ("extra", "payload"), [({"id": 7}, {"id": 7}), (record("paid", {"id": 7}), {"id": 7}), ({}, {})]
)
def test_the_mark_of_airflow_s_api_is_no_part_of_the_payload(extra: dict[str, Any], payload: Any) -> None:
    found, _ = variables(asset_event("paid", {**extra, "from_rest_api": True}, by_hand=True))

    assert found["context"]["paid"] == payload
    assert evaluated("events[0].result", found) == payload
    assert evaluated("has(events[0].from_rest_api)", found) is False


def test_a_payload_s_own_member_of_that_name_is() -> None:
    found, _ = variables(asset_event("paid", {"from_rest_api": True}))

    assert found["context"]["paid"] == {"from_rest_api": True}


def test_more_than_one_is_an_error_that_gives_the_count_and_the_remedies() -> None:
    found, _ = variables(*(asset_event("paid", record("paid", number, f"manual__{number}")) for number in range(3)))

    with pytest.raises(ExpressionError) as raised:
        found["context"]["paid"]

    for part in ("3 are in reach", "one_run_per_event=True", ".each()", "events.filter(", ".read()"):
        assert part in str(raised.value)


def test_events_are_the_records_oldest_first() -> None:
    late, early = (
        asset_event("paid", record("paid", "late", run_id="manual__1"), 5),
        asset_event("paid", record("paid", "early", run_id="manual__2")),
    )
    found, _ = variables(late, early)

    assert [one["result"] for one in found["events"]] == ["early", "late"]


@pytest.mark.parametrize(
    ("event", "found_id"),
    [
        (asset_event("paid", record("paid", 1)), record("paid", 1)["metadata"]["id"]),
        (asset_event("paid", 1, partition="k1"), '["paid", "k1"]'),
        (asset_event("paid", 1, by_hand=True), '["paid", "2026-01-31T12:00:00Z"]'),
        (asset_event("paid", 1, plain=True), '["paid", "2026-01-31T12:00:00Z"]'),
    ],
)
def test_every_event_has_an_id_by_which_keys_can_be_made(event: Any, found_id: str) -> None:
    found, _ = variables(event)

    assert evaluated("events[0].metadata.id", found) == found_id


def test_so_has_the_one_that_a_run_by_hand_is_given() -> None:
    found, _ = variables(conf={"context": {"paid": {"n": 1}}}, run_id="manual__7")

    (given,) = records_for(found._context, "paid")
    assert given == {"metadata": {"id": '["paid", "manual__7"]', "type": "paid", "source": "conf"}, "result": {"n": 1}}


def test_that_of_a_step_of_this_run_comes_before_all_others() -> None:
    left = {("fetch", "completion_event"): record("fetched", "of this run")}
    older = asset_event("fetched", record("fetched", "an older one"))
    conf = {"context": {"fetched": "of the conf"}}

    assert variables(older, conf=conf, left=left)[0]["context"]["fetched"] == "of this run"
    assert variables(older, conf=conf)[0]["context"]["fetched"] is None


def test_a_run_by_hand_takes_it_from_its_conf() -> None:
    found, _ = variables(conf={"context": {"paid": {"id": 7}}})

    assert found["context"]["paid"] == {"id": 7}


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("paid", ['{"context": {"paid": {}}}']),
        ("pade", ["did you mean 'paid'?", '{"context": {"pade": {}}}']),
    ],
)
def test_one_that_is_not_there_is_an_error_with_the_conf_to_give(name: str, parts: list[str]) -> None:
    found, _ = variables(schedule=[CompletionEvent("paid"), Asset("other")])

    with pytest.raises(ExpressionError, match="no completion event") as raised:
        evaluated(f'context["{name}"].id', found)

    for part in parts:
        assert part in str(raised.value)


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ('context[?"paid"].orValue(null)', None),
        ('"paid" in context', False),
        ("has(context.`paid`)", False),
        ('context.?paid.?id.orValue("none")', "none"),
        ("context.map(name, name)", ["fetched", "shipped"]),
        ('context[?"shipped"].orValue(null)', {"id": 1}),
        ('"shipped" in context ? context["shipped"].id : 0', 1),
    ],
)
def test_an_expression_can_ask_which_of_several_events_started_the_run(source: str, value: Any) -> None:
    found, _ = variables(
        asset_event("shipped", {"id": 1}), schedule=CompletionEvent("paid") | CompletionEvent("shipped")
    )

    assert evaluated(source, found) == value


def test_one_of_several_that_did_not_start_the_run_is_an_error_that_says_how_to_ask() -> None:
    found, _ = variables(
        asset_event("shipped", {"id": 1}), schedule=CompletionEvent("paid") | CompletionEvent("shipped")
    )

    with pytest.raises(ExpressionError, match="no completion event") as raised:
        evaluated('context["paid"].id', found)

    assert 'write context[?"paid"].orValue(null)' in str(raised.value)
    assert "did you mean" not in str(raised.value)


def test_only_what_is_named_is_pulled_and_that_once() -> None:
    found, instance = variables(left={("score", "return_value"): 5})

    assert (found["params"], found["conf"], found["events"]) == ({"page": 5}, {}, [])
    assert instance.pulled == []
    assert found["steps"]["score"] == found["steps"]["score"] == 5
    assert instance.pulled == [("score", "return_value")]


def test_the_nearest_of_the_params_is_named() -> None:
    found, _ = variables()

    with pytest.raises(ExpressionError, match=r"no such key: 'pagge' in params; did you mean 'page'\?"):
        cel.evaluate("params.pagge", found)


def test_what_a_step_did_not_leave_is_null() -> None:
    found, _ = variables()

    assert found["steps"]["fetch"] is None


def test_an_event_that_was_emitted_twice_is_one_event_and_its_newest_record_counts() -> None:
    found, _ = variables(
        asset_event("charge.created", record("charge.created", "new"), minute=2),
        asset_event("charge.created", record("charge.created", "old"), minute=1),
    )

    assert found["context"]["charge.created"] == "new"
    assert [one["result"] for one in found["events"]] == ["new"]
    assert [one["result"] for one in records_for(found._context, "charge.created")] == ["new"]


@pytest.mark.parametrize(
    "one",
    [
        partial(asset_event, "charge.created", 1),  # a task's own outlet
        partial(asset_event, "charge.created", 1, partition="1001"),
        partial(asset_event, "charge.created", 1, partition="1001", by_hand=True),
    ],
)
def test_an_event_without_a_record_is_known_by_its_partition_key_or_by_what_emitted_it(one: Any) -> None:
    found, _ = variables(one(), one(minute=1))

    assert len(found["events"]) == 1


@pytest.mark.parametrize(
    "one",
    [
        partial(asset_event, "charge.created", 1, by_hand=True),
        partial(asset_event, "table", 1, plain=True),
        partial(asset_event, "table", 1, plain=True, partition="2026-01-31"),
        partial(asset_event, "charge.created", {"metadata": {"type": "charge.created"}, "result": 1}),
    ],
)
def test_events_without_an_id_are_as_many_as_there_are(one: Any) -> None:
    found, _ = variables(one(), one(minute=1))

    assert len(found["events"]) == 2


def key_of(*events: Any, run_id: str = "asset_triggered__1") -> str:
    return str(variables(*events, run_id=run_id)[0]["run"]["idempotency_key"])


CHARGED, REFUNDED = (asset_event(name, record(name, {})) for name in ("charged", "refunded"))


@pytest.mark.parametrize("events", [(CHARGED,), (CHARGED, REFUNDED), (asset_event("charged", 1, partition="1001"),)])
def test_a_run_that_the_same_events_start_again_has_the_same_key(events: tuple[Any, ...]) -> None:
    again = [SimpleNamespace(**{**vars(event), "timestamp": NOON + dt.timedelta(hours=1)}) for event in events]

    assert key_of(*events) == key_of(*reversed(again), run_id="asset_triggered__2")
    assert key_of(*events) != key_of(run_id="asset_triggered__1")


def test_a_task_s_own_event_with_a_partition_key_is_the_same_whichever_run_emitted_it() -> None:
    """As down a chain: a Clear of its first Dag starts the second one again, in another run, which emits this once more."""
    first, again = (asset_event("noted", {}, partition="ch_1") for _ in range(2))
    again.source_run_id = "asset_triggered__7"

    assert key_of(first) == key_of(again, run_id="asset_triggered__2")


@pytest.mark.parametrize(
    "others",
    [(REFUNDED,), (CHARGED, REFUNDED), (asset_event("charged", record("charged", {}, run_id="manual__2")),)],
)
def test_a_run_that_other_events_start_has_another_key(others: tuple[Any, ...]) -> None:
    assert key_of(CHARGED) != key_of(*others)


@pytest.mark.parametrize(
    "events",
    [(), (asset_event("table", {}, plain=True),), (CHARGED, asset_event("table", {}, plain=True))],
    ids=["no event", "an ordinary asset's", "an ordinary asset's among others"],
)
def test_without_an_id_of_each_event_the_key_is_the_task_instances(events: tuple[Any, ...]) -> None:
    instance = TaskInstanceKey("d", "asset_triggered__1", "call")

    assert key_of(*events) == instance.stable_id("idempotency_key")


def test_the_run_is_described() -> None:
    run = dict(variables()[0]["run"])

    # An address is there only where a step waits for its callback.
    assert (*run, "callback_url") == RECORDS["run"]
    assert run.pop("idempotency_key") == TaskInstanceKey("d", "asset_triggered__1", "call").stable_id("idempotency_key")
    assert run == {
        "id": "asset_triggered__1",
        "dag_id": "d",
        "task_id": "call",
        "map_index": -1,
        "try_number": 2,
        "run_after": NOON,
        "logical_date": None,
        "data_interval_start": None,
        "data_interval_end": None,
    }


def test_nothing_else_can_be_named() -> None:
    found, _ = variables()

    assert sorted(found) == ["conf", "context", "events", "inputs", "params", "run", "steps"]
    assert sorted(found.with_response({"status": 200})) == sorted([*found, "response"])
