"""Events for an instance that runs already: to resume it, and to complete a step of it."""

from __future__ import annotations

import asyncio
import datetime as dt
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_cloudfn.exceptions import ConfigurationError, ResponseError
from airflow_provider_cloudfn.hooks.emporix import AcceptedEvent, EmporixHook

if TYPE_CHECKING:
    from airflow_provider_cloudfn.sandbox.server import Sandbox

STEP = {"instance_id": "i-1", "execution_id": "x-1", "scenario_id": "s-1"}
SYNC_AND_ASYNC = pytest.mark.parametrize("prefix", ["", "a"])


@pytest.fixture
def hook(service: Any, connection: Any) -> EmporixHook:
    connection("oe", conn_type="emporix_oe", login=f"{service.url}/e/src_w34a44rft567", password="test-secret")
    return EmporixHook("oe")


def send(hook: EmporixHook, prefix: str, method: str, *arguments: Any, **keywords: Any) -> AcceptedEvent:
    sent = getattr(hook, prefix + method)(*arguments, **keywords)
    accepted: AcceptedEvent = asyncio.run(sent) if prefix else sent
    return accepted


def attributes(got: Any) -> dict[str, str]:
    return {name: value for name, value in got.headers.items() if name.startswith("ce-")}


@SYNC_AND_ASYNC
def test_an_event_for_an_instance_names_it_and_is_signed(service: Any, hook: EmporixHook, prefix: str) -> None:
    service.answer(status=200, body=b'{"request_id": "req_1"}')

    accepted = send(
        hook,
        prefix,
        "resume",
        "order.shipped",
        instance_id="ver-tenant run",
        payload={"orderId": "EON1075"},
        case_id="c",
        subject="s",
        event_id="e-1",
    )

    (got,) = service.received
    assert attributes(got) == {
        "ce-specversion": "1.0",
        "ce-id": "e-1",
        "ce-type": "order.shipped",
        "ce-source": "airflow",
        "ce-instanceid": "ver-tenant%20run",
        "ce-caseid": "c",
        "ce-subject": "s",
    }
    assert (got.target, got.body) == ("/e/src_w34a44rft567", b'{"orderId":"EON1075"}')
    assert got.headers["x-emporix-hmac"] == "aBlS7L9NzAwdI+nEGsO07Njb1lSBYggtQXymh/QH644="
    assert accepted == AcceptedEvent("e-1", "order.shipped", "airflow", "req_1", 200)


@SYNC_AND_ASYNC
def test_a_completion_says_which_step_when_and_with_what_impact(service: Any, hook: EmporixHook, prefix: str) -> None:
    send(hook, prefix, "complete", "done", **STEP, impact="N", timestamp="2026-01-31T12:00:00+01:00", event_id="e-1")

    (got,) = service.received
    assert attributes(got) == {
        "ce-specversion": "1.0",
        "ce-id": "e-1",
        "ce-type": "done",
        "ce-source": "airflow",
        "ce-instanceid": "i-1",
        "ce-executionid": "x-1",
        "ce-scenarioid": "s-1",
        "ce-npsprojection": "N",
        "ce-time": "2026-01-31T12:00:00+01:00",
    }
    assert got.headers["x-emporix-hmac"] == "L1kEC2O3IAWYREI52iyaTzq8XENCWbIxJtclFNq4zQk="


def test_what_a_completion_is_not_given_is_not_sent(service: Any, hook: EmporixHook) -> None:
    hook.complete("done", **STEP, impact=None, timestamp="")

    assert {"ce-npsprojection", "ce-time", "ce-subject"} & set(attributes(service.received[0])) == set()


def test_a_datetime_is_sent_as_rfc_3339(service: Any, hook: EmporixHook) -> None:
    moment = dt.datetime(2026, 1, 31, 12, tzinfo=dt.timezone(dt.timedelta(hours=1)))

    hook.complete("done", **STEP, timestamp=moment)

    assert service.received[0].headers["ce-time"] == "2026-01-31T11:00:00Z"


@pytest.mark.parametrize(
    ("method", "given"), [("resume", {"instance_id": "i-1"}), ("complete", {**STEP, "impact": "P"})]
)
def test_what_was_prepared_is_what_is_sent(service: Any, hook: EmporixHook, method: str, given: dict[str, Any]) -> None:
    arguments = {**given, "payload": {"a": 1}, "event_id": "e-1"}

    prepared = getattr(hook, f"prepare_{method}")("done", **arguments)
    assert service.received == []
    send(hook, "", method, "done", **arguments)

    (got,) = service.received
    assert (prepared.method, prepared.url, prepared.body) == ("POST", service.url + got.target, got.body)
    for name, value in prepared.headers:
        assert got.headers[name.lower()] == value


@pytest.mark.parametrize(
    ("method", "wrong", "expected"),
    [
        ("resume", {"instance_id": ""}, "instance_id: is missing; write the id of the running instance"),
        ("resume", {"instance_id": None}, "instance_id: is missing"),
        ("resume", {"instance_id": 5}, "instance_id: must be text, not an integer"),
        ("resume", {"instance_id": "i\r\nce-id: 2"}, "instance_id: holds a line break"),
        ("complete", {"instance_id": ""}, "instance_id: is missing"),
        ("complete", {"execution_id": ""}, "execution_id: is missing; write the id of the execution that is done"),
        ("complete", {"scenario_id": ""}, "scenario_id: is missing; write the id of the scenario that the step is"),
        ("complete", {"event_type": ""}, "event_type: is missing"),
        ("complete", {"impact": "positive"}, "impact: must be one of 'P', 'N', 'D', not 'positive'"),
        ("complete", {"impact": "p"}, "impact: must be one of"),
        ("complete", {"timestamp": "yesterday"}, "timestamp: must be a time as RFC 3339 has it"),
        ("complete", {"timestamp": "2026-01-31T12:00:00"}, "timestamp: must be a time as RFC 3339 has it"),
        ("complete", {"timestamp": "2026-02-30T12:00:00Z"}, "timestamp: must be a time as RFC 3339 has it"),
        ("complete", {"payload": {}, "json_string": "{}"}, "payload and json_string: give one of them"),
    ],
)
@SYNC_AND_ASYNC
def test_what_can_not_be_such_an_event_is_refused_before_anything_is_sent(
    service: Any, hook: EmporixHook, prefix: str, method: str, wrong: dict[str, Any], expected: str
) -> None:
    given = {"event_type": "done", **(STEP if method == "complete" else {"instance_id": "i-1"}), **wrong}

    with pytest.raises(ConfigurationError) as raised:
        send(hook, prefix, method, **given)

    assert expected in str(raised.value)
    assert service.received == []


@pytest.mark.parametrize("method", ["resume", "complete"])
def test_in_an_event_loop_the_other_method_is_named(hook: EmporixHook, method: str) -> None:
    async def inside() -> None:
        send(hook, "", method, "done", **(STEP if method == "complete" else {"instance_id": "i-1"}))

    with pytest.raises(ConfigurationError, match=f"a{method}"):
        asyncio.run(inside())


@pytest.fixture
def engine(sandbox: Sandbox, connection: Any) -> EmporixHook:
    sandbox.reset()
    connection("engine", **sandbox.connections()["emporix"])
    return EmporixHook("engine")


@SYNC_AND_ASYNC
def test_the_sandbox_hands_both_kinds_to_the_instance(sandbox: Sandbox, engine: EmporixHook, prefix: str) -> None:
    engine.start("order.paid", payload={"n": 1})
    (process,) = sandbox.processes
    step = {**STEP, "instance_id": process.instance_id}

    send(engine, prefix, "resume", "order.shipped", instance_id=process.instance_id, payload={"n": 2})
    send(engine, prefix, "complete", "step.done", **step, impact="P", subject="Größe", payload={"n": 3})

    (process,) = sandbox.processes
    assert [process.context[key] for key in ("order.paid", "order.shipped", "step.done")] == [
        {"n": n} for n in (1, 2, 3)
    ]
    (completion,) = process.completions
    assert (completion.execution_id, completion.scenario_id, completion.impact) == ("x-1", "s-1", "P")
    assert completion.subject == "Größe"


def test_an_instance_that_is_not_there_is_an_error_where_the_engine_says_so(engine: EmporixHook) -> None:
    with pytest.raises(ResponseError, match="404"):
        engine.resume("order.shipped", instance_id="unknown")
