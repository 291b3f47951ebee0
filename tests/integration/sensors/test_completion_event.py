"""A sensor that waits for an event in the middle of a Dag."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from kit import dag_runs

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.usefixtures("sandbox")

BEFORE = "from airflow_provider_cloudfn import CompletionEventSensor\n"
PRODUCER = """
produce = CloudFunctionOperator(task_id="produce", cloudfn_conn_id="shop", uri='"/v1/orders/1001"',
    completion_event=CompletionEvent("order.fetched"), event_payload='{"id": response.body.id, "total": response.body.total}')
"""


def waiting(**parameters: str) -> str:
    given = {"event": "CompletionEvent('order.fetched')", "poke_interval": "0.05", "timeout": "20", **parameters}
    sensor = dag_runs.call("CompletionEventSensor", **given)
    return f"{PRODUCER}\nproduce >> {sensor}"


@pytest.mark.parametrize(
    ("parameters", "returned"),
    [
        ({}, {"id": "1001", "total": 129.5}),
        ({"match": "'event.result.id == inputs'", "inputs": "'1001'"}, {"id": "1001", "total": 129.5}),
        ({"match": "'event.metadata.run_id == run.id'", "returns": "'event.result.total'"}, 129.5),
        ({"mode": "'reschedule'"}, {"id": "1001", "total": 129.5}),
    ],
)
def test_an_event_since_the_run_began_is_found_though_it_came_before(
    run: Any, parameters: dict[str, str], returned: Any
) -> None:
    assert run(waiting(**parameters), before=BEFORE).xcom("call") == returned


def test_more_than_xcom_takes_is_refused_before_it_is_pushed(
    run: Any, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AIRFLOW__CLOUDFN__XCOM_LIMIT", "1000")

    result = run(waiting(returns="'event.result.id + \"" + "x" * 1_000 + "\"'"), before=BEFORE)

    assert result.states["call"] == ["failed"]
    assert "returns: the result has 1,006 bytes as JSON" in "".join(capfd.readouterr())


def test_each_instance_of_a_mapped_sensor_waits_for_its_own(run: Any) -> None:
    sensor = (
        'CompletionEventSensor.partial(task_id="call", event=CompletionEvent("order.fetched"), poke_interval=0.05, timeout=20, '
        "match='event.result.id == inputs').expand(inputs=['1001', '1001'])"
    )
    result = run(f"{PRODUCER}\nproduce >> {sensor}", before=BEFORE)

    assert [result.xcom("call", map_index=index)["id"] for index in (0, 1)] == ["1001", "1001"]


@pytest.mark.parametrize(
    "parameters", [{"match": "'event.result.id == \"other\"'"}, {"event": "CompletionEvent('never.emitted')"}]
)
def test_it_waits_no_longer_than_its_timeout(run: Any, parameters: dict[str, str]) -> None:
    assert run(waiting(timeout="0.3", **parameters), before=BEFORE).states["call"] == ["failed"]


def test_an_expression_that_fails_is_never_taken_for_not_yet(run: Any, capfd: pytest.CaptureFixture[str]) -> None:
    result = run(waiting(match="'event.result.nope == 1'", timeout="20"), before=BEFORE)

    assert result.states["call"] == ["failed"]
    assert "match: 1:" in "".join(capfd.readouterr())


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"match": "'evnt.result == 1'"}, "match: 1:1: unknown name 'evnt'"),
        ({"event": "'order.fetched'"}, "event: must be a CompletionEvent or an Asset, not str"),
        ({"since": "-1"}, "since: must be seconds above 0"),
        ({"match": "'response.status == 200'"}, "match: 1:1: 'response'"),
    ],
)
def test_what_is_wrong_is_known_at_parse_time(
    import_errors: Callable[[str], str], parameters: dict[str, str], message: str
) -> None:
    assert message in import_errors(dag_runs.dag_file(waiting(**parameters), before=BEFORE))
