"""Starting a process in the Emporix Orchestration Engine."""

from __future__ import annotations

from typing import Any

import pytest
from kit import state_store
from kit.dag_runs import call

pytestmark = pytest.mark.usefixtures("sandbox")


def start(**parameters: str) -> str:
    given = {"task_id": "'start'", "emporix_conn_id": "'emporix'", "event_type": "'order.paid'", **parameters}
    return call("EmporixStartOperator", **given)


def test_it_starts_a_process_with_all_that_is_given(run: Any, sandbox: Any) -> None:
    result = run(
        start(
            case_id="cel('params.id')",
            subject="'Größe {{ params.id }}'",
            payload="{'orderId': cel('params.id'), 'text': lit('run.id'), 'deep': [{'a': cel('1 + 1')}]}",
            source="'shop'",
        )
    )

    (process,) = sandbox.processes
    (event,) = process.events
    assert (event.type, event.source, event.case_id, event.subject) == ("order.paid", "shop", "1001", "Größe 1001")
    assert event.payload == {"orderId": "1001", "text": "run.id", "deep": [{"a": 2}]}
    assert event.instance_id is None
    returned = result.xcom("start")
    assert returned == {
        "id": event.id,
        "type": "order.paid",
        "source": "shop",
        "request_id": event.request_id,
        "status": returned["status"],
    }
    assert process.document["context"]["order.paid"] == event.payload


@pytest.mark.parametrize("payload", ["{'total': cel('0.0 / 0.0')}", "{'total': float('nan')}"])
def test_what_json_does_not_have_is_refused_with_its_place(
    run: Any, sandbox: Any, capfd: pytest.CaptureFixture[str], payload: str
) -> None:
    assert run(start(payload=payload)).states == {"start": ["failed"]}

    assert sandbox.requests == []
    assert "payload: total: NaN can't be written as JSON" in "".join(capfd.readouterr())


def test_nothing_given_sends_an_empty_map_and_the_dags_name(run: Any, sandbox: Any) -> None:
    run(start())

    (event,) = sandbox.processes[0].events
    assert event.payload == {}
    assert event.source == "airflow/d"


@pytest.mark.parametrize(
    ("written", "sent"),
    [
        ("""'{"b":1,  "a":"{{ x }}"}'""", b'{"b":1,  "a":"{{ x }}"}'),
        ("""cel("json.encode({'a': params.id})")""", b'{"a":"1001"}'),
        ("text()", b"[1, 2.50]"),
    ],
)
def test_a_json_string_is_sent_byte_for_byte(run: Any, sandbox: Any, written: str, sent: bytes) -> None:
    run(f"""
    @task
    def text():
        return "[1, 2.50]"

    {start(json_string=written)}
    """)

    (request,) = [one for one in sandbox.requests if one.method == "POST"]
    assert request.body == sent
    assert len(sandbox.processes) == 1


@pytest.mark.parametrize("written", [{"payload": "cel('null')"}, {"payload": "nothing()"}, {"json_string": "'null'"}])
def test_a_null_that_was_given_is_sent_as_null(run: Any, sandbox: Any, written: dict[str, str]) -> None:
    run(f"""
    @task
    def nothing():
        return None

    {start(**written)}
    """)

    (request,) = [one for one in sandbox.requests if one.method == "POST"]
    assert request.body == b"null"
    assert sandbox.processes[0].events[0].payload is None


@pytest.mark.parametrize("written", ["cel('null')", "nothing()"])
def test_a_json_string_that_turns_out_null_is_refused(
    run: Any, sandbox: Any, capfd: pytest.CaptureFixture[str], written: str
) -> None:
    result = run(f"""
    @task
    def nothing():
        return None

    {start(json_string=written)}
    """)

    assert result.states["start"] == ["failed"]
    assert sandbox.processes == []
    assert "json_string: is null where JSON text was meant" in "".join(capfd.readouterr())


def test_a_payload_from_another_step_is_data(run: Any, sandbox: Any) -> None:
    run(f"""
    @task
    def payload():
        return {{"a": "{{{{ run_id }}}}", "b": "run.id"}}

    {start(payload="payload()")}
    """)

    assert sandbox.processes[0].events[0].payload == {"a": "{{ run_id }}", "b": "run.id"}


def test_an_event_that_was_accepted_is_not_sent_by_the_next_try(run: Any, sandbox: Any) -> None:
    run(f"""
    import datetime
    {
        start(
            completion_event="CompletionEvent('started')",
            event_payload="'run.try_number == 2 ? 1 : 1/0'",
            retry_policy="None",
            retries="1",
            retry_delay="datetime.timedelta(0)",
        )
    }
    """)

    # Airflow 3.2 keeps nothing for the next try; the event's id is the same then.
    assert len(sandbox.processes) == (1 if state_store.is_there() else 2)
    assert len({process.events[0].id for process in sandbox.processes}) == 1


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"payload": "'{}'"}, "payload"),
        ({"payload": "{}", "json_string": "'{}'"}, "give one of them"),
        ({"json_string": "'{a: 1}'"}, "json_string"),
        ({"event_type": "''"}, "event_type"),
        ({"event_type": "'a\\nb'"}, "event_type"),
        ({"payload": "{'a': cel('nope')}"}, "payload.a: 1:1"),
        ({"emporix_conn_id": "'shop'"}, "cloudfn"),
    ],
)
def test_a_step_that_cannot_work_fails_and_says_why(
    run: Any,
    sandbox: Any,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    parameters: dict[str, str],
    message: str,
) -> None:
    from airflow import settings

    monkeypatch.setattr(settings, "dag_policy", lambda dag: None)

    result = run(start(**parameters))

    assert result.states == {"start": ["failed"]}
    assert sandbox.processes == []
    assert message in "".join(capfd.readouterr())


def test_the_log_says_that_accepted_is_not_started(run: Any, capfd: pytest.CaptureFixture[str]) -> None:
    result = run(start())

    shown = "".join(capfd.readouterr())
    assert "accepted" in shown
    assert f"request id {result.xcom('start')['request_id']}" in shown
