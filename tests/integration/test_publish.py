"""Events that are sent to a receiver: as CloudEvents in three forms, once, signed, one by one and in a batch."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from cloudevents.core.bindings.http import HTTPMessage, from_http_event
from kit.dag_runs import call, dag_file
from kit.server import Answer

from airflow_provider_cloudfn import EventPublishOperator
from airflow_provider_cloudfn.events.cloudevent import from_cloudevent
from airflow_provider_cloudfn.events.record import CompletionRecord
from airflow_provider_cloudfn.operators.function_call import FunctionCall

if TYPE_CHECKING:
    from collections.abc import Callable

    from kit.server import LoopbackServer, Received

RECORD = {
    "metadata": {
        "specversion": "1.0",
        "id": "5bb6e0b5-0c31-5e0d-8f7c-0c3a1f1f4f0e",
        "type": "Größe.bestellt",
        "source": "airflow/charge_orders",
        "subject": "a run/charge",
        "occurredAt": "2026-01-31T12:00:03.25Z",
        "function": "charge",
        "dag_id": "charge_orders",
        "run_id": "a run",
        "task_id": "charge",
        "map_index": -1,
    },
    "result": {"orderId": "1001", "price": 10.5, "name": "Müller"},
}


#: Of an event that a webhook brought, about nothing in particular.
CAME_IN = {
    "metadata": {
        **RECORD["metadata"],  # type: ignore[dict-item]  # a literal
        "source": "https://shop.example.com",
        "subject": "",
        "function": "shop",
        **dict.fromkeys(("dag_id", "run_id", "task_id")),
        "sender_id": "evt-7",
        "extensions": {"dataschema": "https://shop.example.com/order.json", "instanceid": "a", "attempt": "2"},
    },
    "result": {"orderId": "1001"},
}


@pytest.fixture
def receiver(sandbox: Any, connected: Callable[..., LoopbackServer]) -> LoopbackServer:
    server = connected("receiver", password="whsec_c2VjcmV0", extra={"auth_type": "standard_webhooks"})
    server.answers = [Answer.of(202, {"accepted": True})]
    return server


def publish(**parameters: str) -> str:
    given = {"cloudfn_conn_id": "'receiver'", "uri": "'\"/hook\"'", **parameters}
    return call("EventPublishOperator", **given)


def read(received: Received) -> CompletionRecord:
    """Return what the library of CloudEvents reads in a request, as a record."""
    return from_cloudevent(from_http_event(HTTPMessage(received.headers, received.body)))


@pytest.mark.parametrize("record", [RECORD, CAME_IN], ids=["of a step", "came in"])
@pytest.mark.parametrize("mode", ["binary", "structured"])
def test_a_record_arrives_without_loss(run: Any, receiver: LoopbackServer, mode: str, record: Any) -> None:
    assert run(publish(event=repr(record), mode=repr(mode))).states == {"call": ["success"]}

    (received,) = receiver.received
    assert (received.method, received.target) == ("POST", "/hook")
    assert read(received) == CompletionRecord.from_dict(record)


def test_what_came_in_says_nothing_of_attributes_that_are_the_events_own(
    run: Any, receiver: LoopbackServer, capfd: Any
) -> None:
    forged = {"metadata": {**CAME_IN["metadata"], "extensions": {"id": "other"}}, "result": 1}

    assert run(publish(event=repr(forged))).states == {"call": ["failed"]}
    assert receiver.received == []
    assert "extensions['id']: a name has" in "".join(capfd.readouterr())


def test_records_go_in_one_batch(run: Any, receiver: LoopbackServer) -> None:
    run(publish(event="'conf.records'", mode="'batched'"), run_conf={"records": [RECORD, RECORD]})

    (received,) = receiver.received
    assert received.headers["content-type"] == "application/cloudevents-batch+json"
    sent = json.loads(received.body)
    assert [one["id"] for one in sent] == [RECORD["metadata"]["id"]] * 2  # type: ignore[index]  # a literal
    assert sent[0]["data"] == RECORD["result"]
    assert sent[0]["time"] == "2026-01-31T12:00:03.25Z"


def test_records_without_an_id_have_one_each_in_a_batch(run: Any, receiver: LoopbackServer) -> None:
    plain = {"metadata": {**RECORD["metadata"], "id": None}, "result": 1}  # type: ignore[dict-item]  # a literal

    run(publish(event="'conf.records'", mode="'batched'"), run_conf={"records": [plain, plain, RECORD]})

    ids = [one["id"] for one in json.loads(receiver.received[0].body)]
    assert len(set(ids)) == 3
    assert ids[2] == RECORD["metadata"]["id"]  # type: ignore[index]  # a literal


def test_any_payload_is_an_event(run: Any, receiver: LoopbackServer) -> None:
    run(
        publish(
            event_type="'order.paid'",
            payload="'{\"id\": params.id}'",
            subject="'{{ params.id }}'",
            time="cel('timestamp(\"2026-01-31T12:00:00Z\")')",
            extensions="{'tenant': 'acme', 'page': cel('params.page')}",
        )
    )

    (received,) = receiver.received
    headers = received.headers
    assert {name: headers[f"ce-{name}"] for name in ("type", "subject", "source", "time", "tenant", "page")} == {
        "type": "order.paid",
        "subject": "1001",
        "source": "airflow/d",
        "time": "2026-01-31T12:00:00Z",
        "tenant": "acme",
        "page": "5",
    }
    assert json.loads(received.body) == {"id": "1001"}


def test_its_id_is_the_idempotency_key_and_the_same_on_every_try(run: Any, receiver: LoopbackServer) -> None:
    receiver.answers = [Answer.of(503, {}), Answer.of(202, {})]
    tries = {"retries": "2", "retry_delay": "datetime.timedelta(0)", "retry_attempts": "1"}

    run(publish(event_type="'order.paid'", headers="{'X-Key': 'run.idempotency_key'}", **tries))

    first, second = receiver.received
    assert first.headers["ce-id"] == second.headers["ce-id"] == first.headers["x-key"]


@pytest.mark.parametrize("mode", ["binary", "structured"])
def test_a_receiver_that_checks_the_signature_takes_it(run: Any, receiver: LoopbackServer, mode: str) -> None:
    import base64
    import hmac

    run(publish(event_type="'order.paid'", event_id="'my-id'", mode=repr(mode)))

    (received,) = receiver.received
    headers = received.headers
    assert headers["webhook-id"] == "my-id"
    content = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + received.body
    expected = base64.b64encode(hmac.new(b"secret", content, "sha256").digest()).decode()
    assert headers["webhook-signature"] == f"v1,{expected}"


EACH = "for_each=['a', 'b'], event_type='order.paid', payload='1', uri='\"/\"'"
#: Many events, and whether they are refused for the id that they have in common.
MANY_EVENTS = {
    "one text": (f"{EACH}, event_id='paid-{{{{ run_id }}}}'", True),
    "one value": (f"{EACH}, event_id=cel('params.id')", True),
    "each its own": (f"{EACH}, event_id=cel('item')", False),
    "each its key": (f"{EACH}, event_id=cel('\"paid-\" + run.idempotency_key')", False),
    "of sources": (f"{EACH}, event_id='paid', source=cel('\"/shops/\" + item')", False),
    "to receivers": (EACH.replace("'\"/\"'", "'\"/\" + item'") + ", event_id='paid'", False),
    "none": (EACH, False),
}


@pytest.mark.parametrize(("parameters", "is_refused"), MANY_EVENTS.values(), ids=MANY_EVENTS)
def test_many_events_of_one_id_are_refused_at_parse_time(
    import_errors: Callable[[str], str], parameters: str, is_refused: bool
) -> None:
    """A receiver would take the first of them."""
    found = import_errors(dag_file(f"EventPublishOperator(task_id='send', cloudfn_conn_id='receiver', {parameters})"))

    assert ("event_id: is the same for all items" in found) is is_refused, found


@pytest.mark.parametrize(
    ("written", "is_refused"),
    [
        ("'paid-{{ ds }}'", True),
        ("cel('run.id')", True),
        ("'paid-{{ ti.map_index }}'", False),
        ("cel('inputs')", False),
        ("'paid', source=cel('inputs')", False),
        ("'paid', query={'to': 'inputs'}", False),
    ],
)
def test_instances_that_send_events_of_one_id_are_refused_at_parse_time(
    import_errors: Callable[[str], str], written: str, is_refused: bool
) -> None:
    step = (
        "EventPublishOperator.partial(task_id='send', cloudfn_conn_id='receiver', uri='\"/\"', event_type='order.paid', "
        f"event_id={written}).expand(inputs=['a', 'b'])"
    )

    found = import_errors(dag_file(step))

    assert ("event_id: is the same for all instances of a mapped step" in found) is is_refused, found


def test_each_item_is_an_event_with_its_own_id(run: Any, receiver: LoopbackServer) -> None:
    run(publish(event_type="'order.paid'", payload="'item'", subject="cel('item')", for_each="['a', 'b']"))

    sent = {one.headers["ce-subject"]: (one.headers["ce-id"], json.loads(one.body)) for one in receiver.received}
    assert {subject: body for subject, (_, body) in sent.items()} == {"a": "a", "b": "b"}
    assert sent["a"][0] != sent["b"][0]


@pytest.mark.parametrize(
    "change",
    [{"payload": "item.id"}, {"event_type": "order.sent"}, {"mode": "structured"}, {"files": {"a": "file:///a"}}, {}],
)
def test_a_later_try_is_told_that_the_events_are_defined_otherwise(change: dict[str, Any]) -> None:
    given = {"task_id": "call", "uri": '"/hook"', "event_type": "order.paid", "payload": "item", "for_each": ["a"]}

    before, after = (
        FunctionCall(EventPublishOperator(**one), SimpleNamespace()).definition  # type: ignore[arg-type]  # no hook is asked
        for one in (given, {**given, **change})
    )

    assert (before == after) is (change == {})


def test_each_of_many_records_goes_by_itself(run: Any, receiver: LoopbackServer) -> None:
    run(publish(event="'item'", for_each="'conf.records'"), run_conf={"records": [RECORD]})

    assert [read(one) for one in receiver.received] == [CompletionRecord.from_dict(RECORD)]


def test_a_mapped_step_publishes_what_another_returns(run: Any, receiver: LoopbackServer) -> None:
    run(
        'EventPublishOperator.partial(task_id="call", cloudfn_conn_id="receiver", uri=\'"/hook"\', event_type="text")'
        ".expand(payload=texts())",
        before="@task\ndef texts():\n    return ['1 + 1', '{{ params.id }}']\n",
    )

    assert sorted(json.loads(one.body) for one in receiver.received) == ["1 + 1", "{{ params.id }}"]


def test_a_receiver_that_gives_no_answer_is_not_asked_twice(run: Any, receiver: LoopbackServer) -> None:
    receiver.answers = [Answer.of(504, {})]

    result = run(publish(event_type="'order.paid'", retries="2", retry_delay="datetime.timedelta(0)"))

    assert result.states == {"call": ["failed"]}
    assert len(receiver.received) == 1


@pytest.mark.parametrize(
    ("parameters", "told"),
    [
        ({"event": "'events[0]'", "event_type": "'a'"}, "event and event_type: give one of them"),
        ({"event_type": "'a'", "body": "'1'"}, "mode and body: the event is the body"),
        ({"event_type": "'a'", "mode": "'json'"}, "mode: must be one of 'binary', 'structured', 'batched', not 'json'"),
        (
            {"event": "CompletionEvent('order.paid')"},
            "event: must be CEL that gives a completion record, such as 'events[0]', not CompletionEvent",
        ),
        ({"event": "7"}, "'events[0]', not int"),
        ({"event": "'event[0]'"}, "did you mean 'events'?"),
        ({}, "event and event_type: neither is given, and one of them is needed"),
        ({"payload": "'1'"}, "event and event_type: neither is given"),
    ],
)
def test_what_cannot_be_is_an_import_error(
    import_errors: Callable[[str], str], parameters: dict[str, str], told: str
) -> None:
    assert told in import_errors(dag_file(publish(**parameters)))


@pytest.mark.parametrize(
    ("mapped", "told"),
    [
        (".expand(payload=['1', '2'])", True),
        (".expand(payload=found())", True),
        (".expand_kwargs([{'event_type': 'a'}, {'payload': '1'}])", True),
        (".expand(event_type=['a', 'b'])", False),
        (".expand(event=found())", False),
        (".expand_kwargs([{'event_type': 'a'}, {'event': 'events[0]'}])", False),
        (".expand_kwargs(found())", False),
    ],
)
def test_a_mapped_step_without_an_event_is_an_import_error_where_that_is_known(
    import_errors: Callable[[str], str], mapped: str, told: bool
) -> None:
    step = f"EventPublishOperator.partial(task_id='call', cloudfn_conn_id='receiver', uri='\"/hook\"'){mapped}"

    errors = import_errors(dag_file(step, before="@task\ndef found():\n    return []\n"))

    assert ("event and event_type: neither is given" in errors) is told
    assert bool(errors) is told


def test_an_operator_of_ones_own_may_find_its_event_later(import_errors: Callable[[str], str]) -> None:
    own = "class Own(EventPublishOperator):\n    def pre_execute(self, context):\n        self.event_type = 'a'\n"

    assert import_errors(dag_file(publish().replace("EventPublishOperator", "Own"), before=own)) == ""


@pytest.mark.parametrize(
    ("parameters", "told"),
    [
        ({"event": "'null'"}, "event: must be a completion record, such as events[0], not null"),
        ({"event": "'params.id'"}, "event: must be a completion record, such as events[0], not text"),
        ({"event_type": "'a\\nb'"}, "event_type: holds a line break"),
        ({"event_type": "'a'", "extensions": "{'Tenant': 'x'}"}, "extensions['Tenant']: a name has lower-case letters"),
        ({"event_type": "'a'", "extensions": "{'id': 'x'}"}, "none of CloudEvents' own attributes"),
        ({"event_type": "'a'", "time": "'yesterday'"}, "time: must be a time as RFC 3339 has it"),
        ({"event_type": "'a'", "time": "'0001-01-01T00:00:00+14:00'"}, "time: must be a time as RFC 3339 has it"),
        ({"event_type": "'a'", "headers": "{'ce-type': '\"b\"'}"}, 'headers["ce-type"]: the event sets this header'),
    ],
)
def test_what_is_no_event_is_not_sent(
    run: Any, receiver: LoopbackServer, capfd: Any, parameters: dict[str, str], told: str
) -> None:
    assert run(publish(**parameters)).states == {"call": ["failed"]}
    assert receiver.received == []
    assert told in "".join(capfd.readouterr())


def test_bytes_are_sent_as_they_are(run: Any, receiver: LoopbackServer) -> None:
    run(publish(event_type="'a'", payload="'b\"\\\\x00\\\\xff\"'"))
    run(publish(event_type="'a'", payload="'b\"\\\\x00\\\\xff\"'", mode="'structured'"))

    raw, wrapped = receiver.received
    assert (raw.headers["content-type"], raw.body) == ("application/octet-stream", b"\x00\xff")
    assert json.loads(wrapped.body)["data_base64"] == "AP8="


#: A mapped step, and whether it is refused for the key that all its instances have in common.
MAPPED = {
    "one for all": ("CloudFunctionOperator", "uri='\"/\"', idempotency_key=cel('params.id')", True),
    "of the run": ("CloudFunctionOperator", "uri='\"/\"', idempotency_key=cel('run.id')", True),
    "each its own": ("CloudFunctionOperator", "uri='\"/\"', idempotency_key=cel('inputs')", False),
    "a header's name": ("CloudFunctionOperator", "uri='\"/\"', idempotency_key='X-Key'", False),
    "to places of their own": (
        "CloudFunctionOperator",
        "uri='\"/\" + inputs', idempotency_key=cel('params.id')",
        False,
    ),
    "one process": ("EmporixStartOperator", "event_type='order.paid', id_from='{{ run_id }}'", True),
    "a process each": ("EmporixStartOperator", "event_type='order.paid', id_from='{{ ti.map_index }}'", False),
}


@pytest.mark.parametrize(("operator", "given", "is_refused"), MAPPED.values(), ids=MAPPED)
def test_one_key_for_all_instances_is_refused_at_parse_time(
    import_errors: Callable[[str], str], operator: str, given: str, is_refused: bool
) -> None:
    """A service takes them for one request: the others would be green, and nothing was done for them."""
    over = "inputs" if operator == "CloudFunctionOperator" else "subject"
    found = import_errors(dag_file(f"{operator}.partial(task_id='call', {given}).expand({over}=['a', 'b'])"))

    assert ("is the same for all instances of a mapped step, and " in found) is is_refused, found
