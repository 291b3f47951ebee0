"""Whether a step's completion event is emitted, under which partition key, and what it may carry."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from kit.dag_runs import call, dag_file
from kit.emitting_steps import EVERY_STEP, STEPS, written
from kit.server import Answer

if TYPE_CHECKING:
    from collections.abc import Callable

    from kit.server import LoopbackServer

EVENT = "CompletionEvent('thing.done')"
SINGLE = "CompletionEvent('thing.done', one_run_per_event=True)"


@pytest.fixture
def service(sandbox: Any, connected: Callable[..., LoopbackServer]) -> LoopbackServer:
    server = connected()
    server.answers = [Answer.of(200, {"state": "done", "customer": "c-7", "number": 7, "none": None})]
    return server


@pytest.fixture
def errors(import_errors: Callable[[str], str]) -> Callable[[str], str]:
    """Return a function that parses a Dag of these tasks and returns the import error."""
    return lambda tasks: import_errors(dag_file(tasks))


def thing(**more: str) -> str:
    return call(**{"cloudfn_conn_id": "'service'", "uri": "'\"/thing\"'", "completion_event": EVENT, **more})


# emit_when


@EVERY_STEP
@pytest.mark.usefixtures("service")
def test_a_step_whose_condition_is_false_succeeds_and_emits_nothing(
    run: Any, capfd: pytest.CaptureFixture[str], step: str
) -> None:
    result = run(written(step, completion_event=EVENT, emit_when="'run.try_number > 1'"))

    assert result.states == {"call": ["success"]}
    assert result.asset_events() == []
    assert result.xcom("call", "completion_event") is None
    assert "event thing.done is not emitted, because emit_when is false" in "".join(capfd.readouterr())


@EVERY_STEP
@pytest.mark.usefixtures("service")
def test_a_step_whose_condition_is_true_emits_its_event(run: Any, step: str) -> None:
    result = run(written(step, completion_event=EVENT, emit_when="'run.try_number == 1'"))

    assert [name for name, _, _ in result.asset_events()] == ["thing.done"]


@pytest.mark.parametrize(
    ("more", "emitted"),
    [
        ({"emit_when": "'response.body.number > 5'"}, True),
        ({"emit_when": "'response.body.number > 7'"}, False),
        ({"emit_when": "cel('response.status == 200')"}, True),
        ({"emit_when": "True"}, True),
        ({"emit_when": "False"}, False),
        ({"emit_when": "'summary.failed > 0'", "for_each": "[1, 2]"}, False),
        ({"emit_when": "'size(results) == 2'", "for_each": "[1, 2]"}, True),
        ({"emit_when": "'size(items) == 0'", "pages": "Pages.next_link('response.body.none', items='[1]')"}, False),
    ],
)
@pytest.mark.usefixtures("service")
def test_the_condition_reads_what_the_payload_can_read(run: Any, more: dict[str, str], emitted: bool) -> None:
    result = run(thing(**more))

    assert result.states == {"call": ["success"]}
    assert len(result.asset_events()) == emitted


@pytest.mark.usefixtures("service")
def test_of_an_event_that_is_not_emitted_nothing_else_is_evaluated(run: Any) -> None:
    result = run(thing(emit_when="'has(response.body.order)'", event_payload="'response.body.order.id'"))

    assert result.states == {"call": ["success"]}


@pytest.mark.usefixtures("service")
def test_other_outlets_stay(run: Any) -> None:
    result = run(thing(emit_when="False", outlets=f"[{EVENT}, Asset('table')]"))

    assert [name for name, _, _ in result.asset_events()] == ["table"]


@pytest.mark.usefixtures("service")
def test_of_a_mapped_step_each_instance_decides(run: Any) -> None:
    result = run(f"""
    CloudFunctionOperator.partial(
        task_id="call", cloudfn_conn_id="service", uri='"/thing"', completion_event={EVENT}, emit_when="inputs > 1",
        event_payload="inputs",
    ).expand(inputs=[1, 2, 3])
    """)

    assert sorted(record["result"] for _, record, _ in result.asset_events()) == [2, 3]


@pytest.mark.usefixtures("service")
def test_a_later_step_reads_null_and_no_older_event(run: Any) -> None:
    result = run(
        f"""
    {thing(emit_when="False")} >> CloudFunctionOperator(
        task_id="after", cloudfn_conn_id="service", method="POST", uri='"/after"', body={{"event": cel('context["thing.done"]')}},
    )
    """,
        run_conf={"context": {"thing.done": "an older one"}},
    )

    assert result.rendered("after")["body"] == {"event": None}


@pytest.mark.usefixtures("service")
def test_a_try_that_wants_the_event_emits_it_after_one_that_did_not(run: Any) -> None:
    result = run(f"""
    def broken_once(context, result=None):
        if context["ti"].try_number == 1:
            raise RuntimeError("broken after the call")

    {thing(emit_when="'run.try_number == 2'", post_execute="broken_once", retries="1", retry_delay="datetime.timedelta(0)")}
    """)

    assert result.states == {"call": ["success"]}
    assert [name for name, _, _ in result.asset_events()] == ["thing.done"]


@pytest.mark.usefixtures("service")
def test_a_condition_that_is_none_fails_the_step_and_names_it(run: Any, capfd: pytest.CaptureFixture[str]) -> None:
    assert run(thing(emit_when="'response.body.number'")).states == {"call": ["failed"]}

    assert "emit_when: must give true or false, not an integer" in "".join(capfd.readouterr())


@pytest.mark.parametrize(
    ("condition", "said"),
    [
        ("'respnse.status == 200'", "unknown name 'respnse'"),
        ("5", "must be an expression that is true or false, not an integer"),
    ],
)
def test_a_condition_that_cannot_work_is_an_import_error(errors: Any, condition: str, said: str) -> None:
    message = errors(thing(emit_when=condition))

    assert "call: emit_when: " in message
    assert said in message


# event_key


@pytest.mark.one_run_per_event
@EVERY_STEP
@pytest.mark.usefixtures("service")
def test_the_author_says_the_partition_key(run: Any, step: str) -> None:
    result = run(written(step, completion_event=SINGLE, event_key="'\"customer-\" + params.id'"))

    assert [(name, key) for name, _, key in result.asset_events()] == [("thing.done", "customer-1001")]


@pytest.mark.one_run_per_event
@pytest.mark.parametrize(
    ("key", "partition"),
    [
        ("'response.body.customer'", "c-7"),
        ("'response.body.number'", "7"),
        ("cel('response.body.number')", "7"),
        ("lit('everybody')", "everybody"),
        ("'params.id + \" \" + response.body.customer'", "1001 c-7"),
    ],
)
@pytest.mark.usefixtures("service")
def test_a_key_is_text_or_an_integer(run: Any, key: str, partition: str) -> None:
    result = run(thing(completion_event=SINGLE, event_key=key))

    assert [key for _, _, key in result.asset_events()] == [partition]


@pytest.mark.one_run_per_event
@pytest.mark.usefixtures("service")
def test_the_id_of_the_event_stays_its_own(run: Any) -> None:
    first = run(thing(completion_event=SINGLE, event_key="'response.body.customer'"))
    second = run(thing(completion_event=SINGLE, event_key="'response.body.customer'"))

    ids = {record["metadata"]["id"] for result in (first, second) for _, record, _ in result.asset_events()}
    assert len(ids) == 2


@pytest.mark.one_run_per_event
@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("'response.body.none'", "gives null, under which events of different things would start one run: name what"),
        ("'\"\"'", "gives empty text, under which"),
        ("'\" \"'", "gives empty text, under which"),
        ("'1.5'", "must give text or an integer, not a double"),
        ("'true'", "must give text or an integer, not true"),
        ("'[1]'", "must give text or an integer, not a list"),
        ("{'a': 1}", "must give text or an integer, not a map"),
        ('\'"0123456789".replace("0", "' + 250 * "0" + "\")'", "gives 259 characters, and 250 are the most"),
    ],
)
def test_a_key_that_names_nothing_fails_for_good_and_the_call_is_not_repeated(
    run: Any, service: LoopbackServer, capfd: pytest.CaptureFixture[str], key: str, said: str
) -> None:
    result = run(
        thing(completion_event=SINGLE, event_key=key, method="'POST'", retries="2", retry_delay="datetime.timedelta(0)")
    )

    assert result.states == {"call": ["failed"]}
    assert result.asset_events() == []
    assert result.xcom("call", "completion_event") is None
    assert [request.method for request in service.received] == ["POST"]
    assert f"event_key: {said}" in "".join(capfd.readouterr())


@pytest.mark.parametrize("event", [EVENT, "Asset('thing.done')", "None"])
@pytest.mark.parametrize("step", [STEPS["plain"], STEPS["mapped"], STEPS["sensor"], STEPS["emporix"]])
def test_a_key_of_an_event_that_has_none_is_an_import_error(errors: Any, event: str, step: str) -> None:
    message = errors(written(step, completion_event=event, event_key="'params.id'"))

    assert "- call: event_key: is the partition key of an event, and only one that is declared with" in message
    assert "one_run_per_event=True), and schedule=<the event>.each()" in message


@pytest.mark.one_run_per_event
def test_a_key_is_taken_where_the_event_stands_in_outlets_or_default_args(errors: Any) -> None:
    assert (
        errors(f"""
    KEY = "response.body.customer"
    CloudFunctionOperator(task_id="by_outlets", uri='"/v1"', outlets=[{SINGLE}], event_key=KEY)
    CloudFunctionOperator.partial(task_id="mapped", uri='"/v1"', outlets=[{SINGLE}], event_key=KEY).expand(inputs=[1])
    CloudFunctionOperator.partial(
        task_id="by_default_args", uri='"/v1"', default_args={{"completion_event": {SINGLE}, "event_key": KEY}}
    ).expand(inputs=[1])
    """)
        == ""
    )


# The schema of a payload

SCHEMA = "CompletionEvent('thing.done', schema={'type': 'object', 'properties': {'customer': {'type': 'integer'}}})"


@EVERY_STEP
@pytest.mark.usefixtures("service")
def test_a_payload_as_the_schema_says_is_emitted(run: Any, step: str) -> None:
    result = run(written(step, completion_event=SCHEMA, event_payload="{'customer': 7}"))

    assert [record["result"] for _, record, _ in result.asset_events()] == [{"customer": 7}]


@EVERY_STEP
@pytest.mark.usefixtures("service")
def test_a_payload_that_is_not_as_the_schema_says_fails_the_step_and_nothing_is_emitted(
    run: Any, capfd: pytest.CaptureFixture[str], step: str
) -> None:
    result = run(written(step, completion_event=SCHEMA, event_payload="{'customer': 's3cret'}"))

    assert result.states == {"call": ["failed"]}
    assert result.asset_events() == []
    assert result.xcom("call", "completion_event") is None
    said = (
        "event_payload: is not what the schema of 'thing.done' says, at payload.customer: must be integer, not string"
    )
    assert said in "".join(capfd.readouterr())


@pytest.mark.one_run_per_event  # Airflow 3.2 has no retry policy
def test_what_the_step_returns_is_checked_where_nothing_else_is_said_and_the_call_is_not_repeated(
    run: Any, service: LoopbackServer
) -> None:
    result = run(
        thing(completion_event=SCHEMA, method="'POST'", retries="2", retry_delay="datetime.timedelta(0)"),
    )

    assert result.states == {"call": ["failed"]}
    assert len(service.received) == 1


def test_what_is_no_schema_is_an_import_error(errors: Any) -> None:
    message = errors(thing(completion_event="CompletionEvent('thing.done', schema={'type': 'strng'})"))

    assert "CompletionEvent('thing.done'): schema is no JSON Schema: at schema.type: " in message


# Backfills


@EVERY_STEP
@pytest.mark.usefixtures("service")
def test_a_backfill_starts_no_dag_and_the_record_is_in_xcom(
    run_in_backfill: Any, capfd: pytest.CaptureFixture[str], step: str
) -> None:
    result = run_in_backfill(written(step, completion_event=EVENT, event_payload="7"))

    assert result.states == {"call": ["success"]}
    assert result.asset_events() == []
    assert result.xcom("call", "completion_event", 0 if "expand" in step else -1)["result"] == 7
    said = "".join(capfd.readouterr())
    assert "is in XCom and starts no Dag, because this is a run of a backfill ([cloudfn] events_in_backfills)" in said


@pytest.mark.usefixtures("service")
def test_a_later_step_of_a_backfill_reads_the_event(run_in_backfill: Any) -> None:
    result = run_in_backfill(f"""
    {thing(event_payload="7", outlets="[Asset('table')]")} >> CloudFunctionOperator(
        task_id="after", cloudfn_conn_id="service", method="POST", uri='"/after"', body={{"event": cel('context["thing.done"]')}},
    )
    """)

    assert result.rendered("after")["body"] == {"event": 7}
    assert [name for name, _, _ in result.asset_events()] == ["table"]


@pytest.mark.parametrize("choice", ["emit", " Emit "])
@pytest.mark.usefixtures("service")
def test_a_backfill_emits_where_it_is_told_to(
    run_in_backfill: Any, monkeypatch: pytest.MonkeyPatch, choice: str
) -> None:
    monkeypatch.setenv("AIRFLOW__CLOUDFN__EVENTS_IN_BACKFILLS", choice)

    result = run_in_backfill(thing())

    assert [name for name, _, _ in result.asset_events()] == ["thing.done"]


def test_an_option_that_is_none_is_told_before_the_call_and_in_a_backfill_only(
    run: Any, service: LoopbackServer, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], request: Any
) -> None:
    monkeypatch.setenv("AIRFLOW__CLOUDFN__EVENTS_IN_BACKFILLS", "yes")
    assert run(thing()).states == {"call": ["success"]}
    assert len(service.received) == 1

    assert request.getfixturevalue("run_in_backfill")(thing()).states == {"call": ["failed"]}

    assert len(service.received) == 1
    assert "[cloudfn] events_in_backfills: must be one of silent, emit, not 'yes'" in "".join(capfd.readouterr())
