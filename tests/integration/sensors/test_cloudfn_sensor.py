"""The sensor in the cloud function's words: the same outcome whether it pokes, reschedules or defers."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

import pytest
from kit.dag_runs import call

MODES = {"poke": {"mode": "'poke'"}, "reschedule": {"mode": "'reschedule'"}, "deferrable": {"deferrable": "True"}}
EVERY_MODE = pytest.mark.parametrize("mode", MODES.values(), ids=MODES)
STATE = {"done_when": "'response.body.state == inputs.wanted'", "inputs": "{'wanted': 'done'}"}


def sensor(**parameters: str) -> str:
    given = {"cloudfn_conn_id": "'service'", "uri": "'\"/things/1\"'", "poke_interval": "0.01", **parameters}
    return call("CloudFunctionSensor", **given)


@EVERY_MODE
def test_it_waits_for_the_answer_and_returns_it(run: Any, service: Any, mode: dict[str, str]) -> None:
    service.answer_in_turn((404, {}), (200, {"state": "busy"}), (503, {}), (200, {"state": "done", "n": 1}))

    result = run(sensor(**STATE, **mode, returns="'response.body.n + 1'"))

    assert result.states == {"call": ["success"]}
    assert result.xcom("call") == 2
    assert {request.headers["x-api-key"] for request in service.received} == {"s3cret-key"}


@EVERY_MODE
@pytest.mark.parametrize("status", [202, 204, 409])
def test_any_status_can_mean_not_yet(run: Any, service: Any, mode: dict[str, str], status: int) -> None:
    service.answer_in_turn((status, {}), (200, {"n": 1}))

    result = run(sensor(**mode, not_yet=f"[{status}]"))

    assert (result.states, result.xcom("call")) == ({"call": ["success"]}, {"n": 1})


@EVERY_MODE
def test_it_emits_its_event(run: Any, service: Any, mode: dict[str, str]) -> None:
    service.answer_in_turn((404, {}), (200, {"n": 1}))

    result = run(sensor(**mode, completion_event="CompletionEvent('thing.there')"))

    ((name, extra, _),) = result.asset_events()
    assert (name, extra["result"]) == ("thing.there", {"n": 1})


#: What ends it otherwise: its parameters, the answers, and what the error says.
ENDS: dict[str, tuple[dict[str, str], list[tuple[Any, ...]], str]] = {
    "failed_when": (
        {**STATE, "failed_when": "'response.body.state == \"failed\"'"},
        [(200, {"state": "busy"}), (200, {"state": "failed"})],
        "failed_when is true for the answer 200 of GET",
    ),
    "another status": (STATE, [(200, {"state": "busy"}), (403, {})], "answered 403"),
    "too many in a row": (
        {**STATE, "tolerate": "1", "timeout": "30"},
        [(200, {"state": "busy"}), (500, {})],
        "answered 500",
    ),
    "no bool": (
        {"done_when": "'response.body.state'"},
        [(200, {"state": "busy"})],
        "done_when: must give true or false, not text",
    ),
}


@EVERY_MODE
@pytest.mark.parametrize("kind", ENDS)
def test_what_is_wrong_fails_it(
    run: Any, service: Any, mode: dict[str, str], kind: str, capfd: pytest.CaptureFixture[str]
) -> None:
    if kind == "too many in a row" and "mode" in mode and find_spec("airflow.sdk.bases.resumablejobmixin") is None:
        pytest.skip("each question is another process's, and Airflow 3.3 has a task state")
    parameters, answers, message = ENDS[kind]
    service.answer_in_turn(*answers)

    result = run(sensor(**parameters, **mode))

    assert result.states == {"call": ["failed"]}
    assert message in "".join(capfd.readouterr())


def test_another_try_tolerates_as_much_as_the_first(run: Any, service: Any) -> None:
    service.answer_in_turn(*[(500, {})] * 3, (200, {"state": "done"}))
    retried = {"retries": "1", "retry_delay": "datetime.timedelta(0)"}

    result = run(sensor(**STATE, mode="'reschedule'", tolerate="1", **retried))

    assert result.states == {"call": ["success"]}
    assert len(service.received) == 4


@EVERY_MODE
@pytest.mark.parametrize(("soft_fail", "state"), [("False", "failed"), ("True", "skipped")])
def test_it_waits_no_longer_than_its_timeout(
    run: Any, service: Any, mode: dict[str, str], soft_fail: str, state: str
) -> None:
    service.answer(404)

    assert run(sensor(**mode, timeout="0.3", poke_interval="0.1", soft_fail=soft_fail)).states == {"call": [state]}


@EVERY_MODE
def test_it_waits_as_long_as_the_service_asks_it_to_and_no_longer_than_its_timeout(
    run: Any, service: Any, mode: dict[str, str]
) -> None:
    busy = (200, {"state": "busy"}, {"Retry-After": "86400"})
    service.answer_in_turn(busy, (200, {"state": "busy"}))

    assert run(sensor(**STATE, **mode, timeout="0.5")).states == {"call": ["failed"]}
    assert len(service.received) == 2  # What asks for a day is asked once more when the time is over.


@pytest.mark.parametrize(
    ("parameters", "at_most_every"),
    [({}, 0.1), ({"exponential_backoff": True}, 60), ({"exponential_backoff": True, "max_wait": 0.2}, 0.2)],
)
def test_it_backs_off_in_the_triggerer_too(parameters: dict[str, Any], at_most_every: float) -> None:
    from airflow_provider_cloudfn import CloudFunctionSensor

    made = CloudFunctionSensor(task_id="call", uri='"/x"', poke_interval=0.1, timeout=60, **parameters)

    assert made._trigger(60, 0.1).job.poll.at_most_every == at_most_every


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        (
            {"done_when": "'response.body.id == steps.fetch.id'"},
            "call: done_when: 1:21: 'steps' is not known here, where the triggerer evaluates it too, but inputs, response",
        ),
        ({"done_when": "'respnse.status == 200'"}, "did you mean 'response'"),
        ({"returns": "'response.bdy'"}, "did you mean response.body?"),
        ({"not_yet": "['4xx']"}, "not_yet: must be statuses, such as (404, 409), not ['4xx']"),
        ({"tolerate": "-1"}, "tolerate: must be a whole number from 0, not -1"),
        ({"request_timeout": "0"}, "request_timeout: must be seconds above 0"),
    ],
)
def test_an_expression_that_cannot_work_is_refused_when_the_dag_is_parsed(
    import_errors: Any, parameters: dict[str, str], message: str
) -> None:
    from kit.dag_runs import dag_file

    assert message in import_errors(dag_file(sensor(**parameters)))


def test_it_can_be_rehearsed() -> None:
    from airflow_provider_cloudfn import CloudFunctionSensor, testing

    step = CloudFunctionSensor(task_id="wait", uri='"/things/1"', done_when='response.body.state == "done"')

    result = testing.run(step, responses=[404, {"body": {"state": "busy"}}, {"body": {"state": "done"}}])

    assert result.returned == {"state": "done"}
    assert [request.path for request in result.requests] == ["/things/1"] * 3
