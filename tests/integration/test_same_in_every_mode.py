"""One call, a mapped one, many calls, a job, a wait, a sensor: what an author says of a call holds in each of them."""

from __future__ import annotations

import base64
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
from kit import dag_runs
from kit.server import Answer, LoopbackServer

from airflow_provider_cloudfn.triggers import event_wait

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from kit.dag_runs import DagResult
    from kit.server import Received


def call(mode: str, operator: str = "CloudFunctionOperator", **parameters: str) -> str:
    return dag_runs.call(operator, task_id=repr(mode), **parameters)


def written(parameters: Mapping[str, str]) -> str:
    return ", ".join(f"{name}={value}" for name, value in parameters.items())


def mapped(mode: str, **parameters: str) -> str:
    return f"CloudFunctionOperator.partial(task_id={mode!r}, {written(parameters)}).expand(inputs=[1])"


def decorated(mode: str, **parameters: str) -> str:
    return f"@task.cloudfn(task_id={mode!r}, {written(parameters)})\ndef function():\n    return 1\nfunction()"


def for_each(mode: str, **parameters: str) -> str:
    return call(mode, **parameters, for_each="[1]")


def job(mode: str, **parameters: str) -> str:
    """Return a job whose result stands elsewhere; or, where its name says so, in the last of its states."""
    where = "uri='\"/result\"', tolerate=0" if "ended" in mode else "uri='\"/state\"', result='\"/result\"'"
    poll = f"Poll(done_when='response.status == 200', every=0.01, {where})"
    return call(mode, **parameters, poll=poll, deferrable=str("deferred" in mode))


def waiting(mode: str, **parameters: str) -> str:
    event = f"CompletionEvent({event_of(mode)!r})"
    outside = f"EmptyOperator(task_id='outside_of_{mode}', inlets=[{event}])\n"
    wait = f"WaitFor({event}, timeout=20)"
    return outside + call(mode, **parameters, wait_for=wait, deferrable=str("deferred" in mode))


def sensor(mode: str, **parameters: str) -> str:
    given = {**parameters, "poke_interval": "0.1", "timeout": "5", "deferrable": str("deferred" in mode)}
    return call(mode, "CloudFunctionSensor", **given)


def published(mode: str, **parameters: str) -> str:
    return call(mode, "EventPublishOperator", **parameters, event_type="'order.told'")


#: How a step is written that makes a call.
MODES: dict[str, Callable[..., str]] = {
    "plain": call,
    "mapped": mapped,
    "decorated": decorated,
    "for_each": for_each,
    "job": job,
    "deferred_job": job,
    "ended_job": job,
    "deferred_ended_job": job,
    "waiting": waiting,
    "deferred_waiting": waiting,
    "published": published,
    "sensor": sensor,
    "deferred_sensor": sensor,
}
SENSORS = {"sensor", "deferred_sensor"}


def event_of(mode: str) -> str:
    """Return the name of the event that a step waits for."""
    return f"shipped.{mode}"


def happen(event: str) -> None:
    """Let an event have happened, as an API server lets it."""
    from airflow.assets.manager import asset_manager
    from airflow.models.asset import AssetModel
    from airflow.utils.session import create_session
    from sqlalchemy import select

    with create_session() as session:
        asset = session.scalar(select(AssetModel).where(AssetModel.name == event))
        assert asset is not None
        asset_manager.register_asset_change(asset=asset, extra={"shipped": True}, session=session)


class Outcomes:
    """What came of steps that say the same, one in each mode, in one run."""

    def __init__(self, result: DagResult, modes: list[str]) -> None:
        self._result = result
        self.modes = modes

    def all(self, value: Any) -> dict[str, Any]:
        """Return what there is when each mode has the same."""
        return dict.fromkeys(self.modes, value)

    def returned(self) -> dict[str, Any]:
        found = self._left("return_value")
        return {mode: value[0] if mode == "for_each" and value else value for mode, value in found.items()}

    def errors(self) -> dict[str, Any]:
        """Return the class of the error with which a step has failed, as its call record has it; None for a success."""
        return {mode: (record.get("error") or {}).get("type") for mode, record in self._left("cloudfn_call").items()}

    def messages(self) -> dict[str, str]:
        return {mode: record["error"]["message"] for mode, record in self._left("cloudfn_call").items()}

    def emitted(self, name: str) -> dict[str, Any]:
        """Return the payload of the event that a step has emitted."""
        events = [extra for emitted, extra, _ in self._result.asset_events() if emitted == name]
        return {extra["metadata"]["task_id"]: extra["result"] for extra in events}

    def _left(self, key: str) -> dict[str, Any]:
        return {mode: self._result.xcom(mode, key, map_index=0 if mode == "mapped" else -1) for mode in self.modes}


@pytest.fixture
def outcomes(
    run: Any,
    serve: Callable[..., LoopbackServer],
    connection: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
) -> Callable[..., Outcomes]:
    """Return a function that runs steps, one in each mode, against a service that answers so; a job's start and states are answered 200."""

    # There is no API server to ask here: it is soon the worker's turn to look.
    monkeypatch.setattr(event_wait, "_SOONEST", 0.2)

    def run_steps(
        answer: Answer | Callable[[], Answer],
        parameters: Mapping[str, str],
        *,
        without: set[str] = frozenset(),
        sensors: Mapping[str, str] | None = None,
    ) -> Outcomes:
        def reply(request: Received) -> Answer:
            _, mode, path = request.target.split("/", 2)
            if mode == "waiting":
                happen(event_of(mode))
            elif mode == "deferred_waiting":
                # When the step has its answer, and finds nothing yet.
                threading.Timer(0.5, happen, [event_of(mode)]).start()
            if MODES[mode] is job and not path.startswith("result"):
                return Answer.of(200, {"id": "7"})
            return answer() if callable(answer) else answer

        server = serve(reply=reply)
        steps = []
        for mode in (modes := [mode for mode in MODES if mode not in without]):
            connection(mode, conn_type="cloudfn", host=f"{server.url}/{mode}")
            given = {"cloudfn_conn_id": repr(mode), "uri": "'\"/call\"'", **parameters}
            steps.append(MODES[mode](mode, **given, **((sensors or {}) if mode in SENSORS else {})))
        return Outcomes(run("\n".join(steps)), modes)

    return run_steps


def test_success_when_judges_what_a_step_returns(outcomes: Any) -> None:
    # A sensor judges with done_when.
    found = outcomes(Answer.of(200, {"ok": False}), {"success_when": "'response.body.ok'"}, without=SENSORS)

    told = {mode: "success_when is false for the answer 200" in said for mode, said in found.messages().items()}
    assert told == found.all(True)


def test_an_answer_is_text_whatever_it_says_it_is(outcomes: Any) -> None:
    found = outcomes(Answer(200, b"{1}\n{2}"), {"returns": "'response.text'"})

    assert found.returned() == found.all("{1}\n{2}")


def slow() -> Answer:
    time.sleep(2.0)
    return Answer.of(200)


#: What reads an answer that is no text, and what it is as a result.
BYTES = {"content_type": "image/png", "size": 3, "base64": "iVBO"}
READS_BYTES = {
    "bytes": ("response.bytes", BYTES),
    "body": ("response.body", BYTES),
    "size": ("size(response.bytes)", 3),
}


@pytest.mark.parametrize(("returns", "expected"), READS_BYTES.values(), ids=READS_BYTES)
def test_bytes_are_described_and_can_be_read(outcomes: Any, returns: str, expected: Any) -> None:
    answer = Answer(200, base64.b64decode("iVBO"), {"Content-Type": "image/png"})

    found = outcomes(answer, {"returns": f"'{returns}'"})

    assert found.returned() == found.all(expected)


#: What is emitted of an answer ``{"id": 7}``, and of what its step returns.
EMITS: dict[str, dict[str, str]] = {
    "one event": {"completion_event": "CompletionEvent('order.paid')", "event_payload": "'response.body.id'"},
    "several": {"completion_events": "{'order.paid': Emit('response.body.id', when='response.body.id == 7')}"},
}


@pytest.mark.parametrize("emits", EMITS.values(), ids=EMITS)
def test_an_event_carries_what_is_read_of_the_answer(outcomes: Any, emits: dict[str, str]) -> None:
    # There is no one answer of many calls.
    found = outcomes(Answer.of(200, {"id": 7}), emits, without={"for_each"})

    assert found.emitted("order.paid") == found.all(7)


def test_a_field_that_is_not_there_is_an_error_of_the_expression(outcomes: Any) -> None:
    found = outcomes(Answer.of(200, {"id": 7}), {"returns": "'response.body.nothing'"})

    assert found.errors() == found.all("ExpressionError")


def test_a_request_takes_no_longer_than_its_author_says(outcomes: Any) -> None:
    found = outcomes(slow, {"request_timeout": "0.5"}, sensors={"tolerate": "0"})

    # A POST may have been carried out.
    assert found.errors() == {**found.all("RequestTimeoutError"), "published": "TaskOutcomeUnknownError"}
