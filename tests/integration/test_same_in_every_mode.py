"""One call, a mapped one, many calls, a job, a wait, a sensor: what an author says of a call holds in each of them."""

from __future__ import annotations

import base64
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
from kit.dag_runs import call
from kit.server import Answer, LoopbackServer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from kit.dag_runs import DagResult
    from kit.server import Received

WAITED = "CompletionEvent('bytes.awaited')"


def mapped(**parameters: str) -> str:
    given = ", ".join(f"{name}={value}" for name, value in parameters.items())
    return f"CloudFunctionOperator.partial(task_id='call', {given}).expand(inputs=[1])"


def decorated(**parameters: str) -> str:
    given = ", ".join(f"{name}={value}" for name, value in parameters.items())
    return f"@task.cloudfn({given})\ndef call():\n    return 1\ncall()"


def job(deferrable: str, **parameters: str) -> str:
    poll = "Poll(done_when='response.status == 200', uri='\"/state\"', result='\"/result\"', every=0.01)"
    return call(**parameters, poll=poll, deferrable=deferrable)


def ended_job(deferrable: str, **parameters: str) -> str:
    """Return a job whose last poll has its result."""
    poll = "Poll(done_when='response.status == 200', uri='\"/result\"', every=0.01, tolerate=0)"
    return call(**parameters, poll=poll, deferrable=deferrable)


def waiting(deferrable: str, **parameters: str) -> str:
    outside = f"EmptyOperator(task_id='outside', inlets=[{WAITED}])\n"
    return outside + call(**parameters, wait_for=f"WaitFor({WAITED}, timeout=20)", deferrable=deferrable)


def sensor(deferrable: str, **parameters: str) -> str:
    return call("CloudFunctionSensor", **parameters, poke_interval="0.1", timeout="5", deferrable=deferrable)


def published(**parameters: str) -> str:
    return call("EventPublishOperator", **parameters, event_type="'order.paid'")


#: How a step is written that makes a call.
MODES: dict[str, Callable[..., str]] = {
    "plain": call,
    "mapped": mapped,
    "decorated": decorated,
    "for each": lambda **given: call(**given, for_each="[1]"),
    "job": lambda **given: job("False", **given),
    "deferred job": lambda **given: job("True", **given),
    "ended job": lambda **given: ended_job("False", **given),
    "deferred ended job": lambda **given: ended_job("True", **given),
    "waiting": lambda **given: waiting("False", **given),
    "deferred waiting": lambda **given: waiting("True", **given),
    "published": published,
    "sensor": lambda **given: sensor("False", **given),
    "deferred sensor": lambda **given: sensor("True", **given),
}
SENSORS = ("sensor", "deferred sensor")
JOBS = ("job", "deferred job", "ended job", "deferred ended job")


def happen() -> None:
    """Let the event have happened that a step waits for, as an API server lets it."""
    from airflow.assets.manager import asset_manager
    from airflow.models.asset import AssetModel
    from airflow.utils.session import create_session
    from sqlalchemy import select

    with create_session() as session:
        asset = session.scalar(select(AssetModel).where(AssetModel.name == "bytes.awaited"))
        if asset is not None:
            asset_manager.register_asset_change(asset=asset, extra={"shipped": True}, session=session)


@pytest.fixture
def outcome(
    run: Any, serve: Callable[..., LoopbackServer], connection: Callable[..., None]
) -> Callable[..., DagResult]:
    """Return a function that runs a step against a service that answers so; a job's start and states are answered 200."""

    def run_step(
        mode: str, answer: Answer | Callable[[], Answer], parameters: Mapping[str, str], **more: Any
    ) -> DagResult:
        def reply(request: Received) -> Answer:
            if mode == "waiting":
                happen()
            elif mode == "deferred waiting":
                # When the step has its answer, and finds nothing yet.
                threading.Timer(0.5, happen).start()
            is_before = mode in JOBS and not request.target.startswith("/result")
            if is_before:
                return Answer.of(200, {"id": "7"})
            return answer() if callable(answer) else answer

        connection("service", conn_type="cloudfn", host=serve(reply=reply).url)
        given = {"cloudfn_conn_id": "'service'", "uri": "'\"/call\"'", **parameters}
        result: DagResult = run(MODES[mode](**given), **more)
        return result

    return run_step


def in_modes(*without: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("mode", [mode for mode in MODES if mode not in without])


def left(result: DagResult, mode: str, key: str) -> Any:
    return result.xcom("call", key, map_index=0 if mode == "mapped" else -1)


def returned(result: DagResult, mode: str) -> Any:
    value = left(result, mode, "return_value")
    return value[0] if mode == "for each" and value is not None else value


def error_of(result: DagResult, mode: str) -> Any:
    """Return the class of the error with which a step has failed, as its call record has it; None for a success."""
    return (left(result, mode, "cloudfn_call").get("error") or {}).get("type")


@in_modes(*SENSORS)
def test_success_when_judges_what_a_step_returns(outcome: Any, mode: str, capfd: pytest.CaptureFixture[str]) -> None:
    result = outcome(mode, Answer.of(200, {"ok": False}), {"success_when": "'response.body.ok'"})

    assert result.states["call"] == ["failed"]
    assert "success_when is false for the answer 200" in "".join(capfd.readouterr())


@in_modes()
def test_an_answer_is_text_whatever_it_says_it_is(outcome: Any, mode: str) -> None:
    result = outcome(mode, Answer(200, b"{1}\n{2}"), {"returns": "'response.text'"})

    assert returned(result, mode) == "{1}\n{2}"


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


@in_modes()
@pytest.mark.parametrize(("returns", "expected"), READS_BYTES.values(), ids=READS_BYTES)
def test_bytes_are_described_and_can_be_read(outcome: Any, mode: str, returns: str, expected: Any) -> None:
    answer = Answer(200, base64.b64decode("iVBO"), {"Content-Type": "image/png"})

    result = outcome(mode, answer, {"returns": f"'{returns}'"})

    assert returned(result, mode) == expected


#: What is emitted of an answer ``{"id": 7}``, and of what its step returns.
EMITS: dict[str, dict[str, str]] = {
    "one event": {"completion_event": "CompletionEvent('order.paid')", "event_payload": "'response.body.id'"},
    "several": {"completion_events": "{'order.paid': Emit('response.body.id', when='response.body.id == 7')}"},
}


@in_modes("for each")
@pytest.mark.parametrize("emits", EMITS.values(), ids=EMITS)
def test_an_event_carries_what_is_read_of_the_answer(outcome: Any, mode: str, emits: dict[str, str]) -> None:
    result = outcome(mode, Answer.of(200, {"id": 7}), emits)

    assert [(name, extra["result"]) for name, extra, _ in result.asset_events()] == [("order.paid", 7)]


@in_modes()
def test_a_field_that_is_not_there_is_an_error_of_the_expression(outcome: Any, mode: str) -> None:
    result = outcome(mode, Answer.of(200, {"id": 7}), {"returns": "'response.body.nothing'"})

    assert error_of(result, mode) == "ExpressionError"


@in_modes()
def test_a_request_takes_no_longer_than_its_author_says(outcome: Any, mode: str) -> None:
    patience = {"tolerate": "0"} if mode in SENSORS else {}
    result = outcome(mode, slow, {"request_timeout": "0.5", **patience})

    # A POST may have been carried out.
    assert error_of(result, mode) == ("TaskOutcomeUnknownError" if mode == "published" else "RequestTimeoutError")
