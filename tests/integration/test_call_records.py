"""What a step leaves about its calls in XCom: one record, in every mode, however it ends."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING, Any

import pytest
from kit import state_store
from kit.server import Answer

from airflow_provider_cloudfn.records.call_record import CALL_RECORD_KEY, MOST_BYTES, CallRecord, Excerpt, size_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from kit.server import LoopbackServer, Received

pytestmark = pytest.mark.usefixtures("sandbox")


def record_of(result: Any, task_id: str = "call", map_index: int = -1) -> CallRecord:
    return CallRecord.from_dict(result.xcom(task_id, CALL_RECORD_KEY, map_index))


def test_a_call_tells_what_was_sent_what_came_back_and_where_the_time_went(run: Any, sandbox: Any) -> None:
    result = run("""
    CloudFunctionOperator(
        task_id="call", cloudfn_conn_id="shop", method="POST", uri='"/v1/charges"', function_name="Charge",
        query={"environment": '"test"'}, headers={"X-Page": "params.page"}, body={"amount": 5, "customer": "c-1"},
        idempotency_key=True, completion_event=CompletionEvent("charged"),
    )
    """)

    record = record_of(result)
    (request,) = sandbox.requests
    assert (record.function, record.conn_id, record.conn_type) == ("Charge", "shop", "cloudfn")
    assert (record.kind, record.outcome, record.try_number) == ("call", "success", 1)
    assert record.exchange is not None
    sent, answered = record.exchange.sent, record.exchange.answered
    assert (sent.method, sent.url) == ("POST", f"{sandbox.url}/header/v1/charges?environment=test")
    assert dict(sent.headers)["X-Page"] == "5"
    assert dict(sent.headers)["X-Api-Key"] == "***"
    assert sent.body is not None
    assert json.loads(sent.body.text or "") == {"amount": 5, "customer": "c-1"}
    assert sent.body.size == len(request.body)
    assert answered is not None
    assert answered.status == 201
    assert answered.body is not None
    assert json.loads(answered.body.text or "") == result.xcom("call")
    assert record.idempotency_key == request.header("idempotency-key")
    assert (record.event, record.event_id) == ("charged", result.xcom("call", "completion_event")["metadata"]["id"])
    (attempt,) = record.attempts
    assert (attempt.number, attempt.status, attempt.bytes_out) == (1, 201, len(request.body))
    split = attempt.split
    assert 0 < split.first_byte <= attempt.seconds <= record.seconds
    assert split.connect > 0
    assert (record.totals.calls, record.totals.attempts, record.totals.retries) == (1, 1, 0)
    assert record.error is None
    assert record.many is None


#: What a step does: its source, its kind, how many calls it makes, and the path of the call that is shown.
MODES = {
    "plain": ("CloudFunctionOperator(task_id='call', cloudfn_conn_id='service', uri='\"/ok\"')", "call", 1, "/ok"),
    "pages": (
        """CloudFunctionOperator(task_id="call", cloudfn_conn_id="service", uri='"/pages/1"',
            pages=Pages.next_link("response.body.next", items="response.body.items"))""",
        "pages",
        3,
        "/pages/1",
    ),
    "batch": (
        """CloudFunctionOperator(task_id="call", cloudfn_conn_id="service", uri='"/items/" + item',
            for_each=ForEach(["a", "b", "c", "d"], concurrency=1))""",
        "batch",
        4,
        "/items/a",
    ),
    "job on a worker": (
        """CloudFunctionOperator(task_id="call", cloudfn_conn_id="service", method="POST", uri='"/jobs"',
            poll=Poll(uri='"/jobs/7"', done_when='response.body.state == "done"', every=0.01), deferrable=False)""",
        "job",
        4,
        "/jobs",
    ),
    "job in the triggerer": (
        """CloudFunctionOperator(task_id="call", cloudfn_conn_id="service", method="POST", uri='"/jobs"',
            poll=Poll(uri='"/jobs/7"', done_when='response.body.state == "done"', every=0.01), deferrable=True)""",
        "job",
        2,
        "/jobs",
    ),
    "sensor": (
        """CloudFunctionSensor(task_id="call", cloudfn_conn_id="service", uri='"/jobs/7"', poke_interval=0.01,
            done_when='response.body.state == "done"')""",
        "wait",
        3,
        "/jobs/7",
    ),
    "sensor in the triggerer": (
        """CloudFunctionSensor(task_id="call", cloudfn_conn_id="service", uri='"/jobs/7"', poke_interval=0.01,
            done_when='response.body.state == "done"', deferrable=True)""",
        "wait",
        2,
        "/jobs/7",
    ),
    "sensor that is rescheduled": (
        """CloudFunctionSensor(task_id="call", cloudfn_conn_id="service", uri='"/jobs/7"', poke_interval=0.01,
            done_when='response.body.state == "done"', mode="reschedule")""",
        "wait",
        1,
        "/jobs/7",
    ),
    "http sensor": (
        """CloudFunctionHttpSensor(task_id="call", http_conn_id="service", endpoint="/jobs/7", poke_interval=0.01,
            response_check=cel('response.body.state == "done"'))""",
        "wait",
        3,
        "/jobs/7",
    ),
    "http sensor in the triggerer": (
        """CloudFunctionHttpSensor(task_id="call", http_conn_id="service", endpoint="/jobs/7", poke_interval=0.01,
            response_check=cel('response.body.state == "done"'), deferrable=True)""",
        "wait",
        1,
        "/jobs/7",
    ),
    "decorated": (
        """
        @task.cloudfn(cloudfn_conn_id="service", method="POST", uri='"/ok"', body="inputs")
        def call():
            return {"a": 1}
        call()
        """,
        "call",
        1,
        "/ok",
    ),
}


class Service:
    """Answers in the ways that the paths name; a job is done when it was asked for three times."""

    def __init__(self) -> None:
        self.asked = 0

    def __call__(self, request: Received) -> Answer:
        path = request.target.partition("?")[0]
        if path.startswith("/pages/"):
            number = int(path.rpartition("/")[2])
            return Answer.of(200, {"items": [number], "next": f"/pages/{number + 1}" if number < 3 else None})
        if path == "/jobs/7":
            self.asked += 1
            return Answer.of(200, {"state": "done" if self.asked >= 3 else "running"})
        if path == "/jobs":
            return Answer.of(202, {"id": 7})
        return Answer.of(200, {"path": path})


@pytest.fixture
def service(serve: Callable[..., LoopbackServer], connection: Callable[..., None]) -> Callable[..., LoopbackServer]:
    """Return a function that connects ``service`` to a server which replies so."""

    def connect(reply: Callable[[Received], Answer], **fields: Any) -> LoopbackServer:
        server = serve(reply=reply)
        connection("service", conn_type="cloudfn", host=server.url, **fields)
        return server

    return connect


def test_it_has_all_headers_that_were_sent(run: Any, service: Any) -> None:
    server = service(Service())

    result = run(
        """CloudFunctionOperator(task_id="call", cloudfn_conn_id="service", method="POST", uri='"/ok"', body="{}")"""
    )

    exchange = record_of(result).exchange
    assert exchange is not None
    said = {name.lower(): value for name, value in exchange.sent.headers}
    of_the_connection = {"host", "content-length"}
    assert said == {n: v for n, v in server.received[0].headers.items() if n not in of_the_connection}


@pytest.mark.parametrize(("source", "kind", "calls", "path"), MODES.values(), ids=MODES)
def test_each_way_to_call_leaves_one_record(
    run: Any, service: Any, source: str, kind: str, calls: int, path: str
) -> None:
    service(Service())

    result = run(source, before="from airflow_provider_cloudfn import CloudFunctionHttpSensor\n")

    assert result.state == "success"
    record = record_of(result)
    assert (record.kind, record.outcome, record.function, record.conn_id) == (kind, "success", "call", "service")
    assert record.totals.calls == calls
    assert record.exchange is not None
    assert record.exchange.sent.url.endswith(path)
    assert size_of(record) <= MOST_BYTES


def test_a_mapped_step_leaves_one_of_each_instance(run: Any, service: Any) -> None:
    service(Service())

    result = run("""
    CloudFunctionOperator.partial(task_id="call", cloudfn_conn_id="service", uri='"/items/" + inputs').expand(inputs=["a", "b"])
    """)

    urls = [record_of(result, map_index=index).exchange for index in (0, 1)]
    assert [one.sent.url.rpartition("/")[2] for one in urls if one is not None] == ["a", "b"]


@pytest.mark.parametrize("operator", ["EmporixStartOperator", "EmporixResumeOperator", "EmporixCompleteOperator"])
def test_an_event_for_a_process_engine_is_a_call(run: Any, sandbox: Any, operator: str) -> None:
    instance = {"EmporixResumeOperator": 'instance_id="i-1"'}
    instance["EmporixCompleteOperator"] = 'instance_id="i-1", execution_id="e-1", scenario_id="s-1"'

    result = run(f"""
    {operator}(task_id="call", emporix_conn_id="emporix", event_type="order.paid", payload={{"id": 1}},
        {instance.get(operator, "")})
    """)

    record = record_of(result)
    assert (record.kind, record.conn_id, record.conn_type) == ("call", "emporix", "emporix_oe")
    assert record.journal == "sent"
    assert record.exchange is not None
    assert record.idempotency_key == dict(record.exchange.sent.headers)["ce-id"]
    assert "***" in dict(record.exchange.sent.headers).values()


def test_to_read_the_context_of_a_process_is_a_call(run: Any, sandbox: Any) -> None:
    result = run("""
    EmporixProcessContextOperator(task_id="call", emporix_conn_id="emporix", instance_id="nobody")
    """)

    record = record_of(result)
    assert (record.outcome, record.conn_id, record.conn_type) == ("failed", "emporix", "emporix_oe")
    assert record.exchange is not None
    assert record.exchange.sent.url.endswith("/oe/contexts/nobody")


def test_a_batch_tells_its_totals_and_not_each_call(run: Any, service: Any) -> None:
    def reply(request: Received) -> Answer:
        number = int(request.target.rpartition("/")[2])
        return Answer.of(500 if number == 7 else 404 if number % 10 == 3 else 200, {"number": number})

    service(reply)

    result = run("""
    CloudFunctionOperator(task_id="call", cloudfn_conn_id="service", uri='"/items/" + string(item)', retry_attempts=1,
        for_each=ForEach("inputs", on_error="continue"), inputs=list(range(300)))
    """)

    record = record_of(result)
    many = record.many
    assert many is not None
    assert (many.items, many.ok, many.failed, many.earlier) == (300, 269, 31, 0)
    assert record.totals.calls == 300
    assert sum(bucket.count for bucket in many.durations) == 300
    assert len(many.slowest) == 5
    assert [one.seconds for one in many.slowest] == sorted((one.seconds for one in many.slowest), reverse=True)
    assert (len(many.failures), many.failures_left_out) == (10, 21)
    assert many.failures[0].status == 404
    assert [(one.status, one.count) for one in many.by_status] == [(404, 30), (500, 1)]
    assert record.exchange is not None
    assert record.exchange.answered is not None
    assert record.exchange.answered.status in (404, 500)
    assert size_of(record) <= MOST_BYTES


def test_a_step_that_fails_tells_why_and_each_attempt_with_the_wait_behind_it(run: Any, service: Any) -> None:
    def reply(request: Received) -> Answer:
        return Answer.of(503, {"error": "down"}, {"X-Request-Id": "r-9"})

    service(reply)

    result = run("""
    CloudFunctionOperator(task_id="call", cloudfn_conn_id="service", uri='"/down"', retry_attempts=3)
    """)

    record = record_of(result)
    assert (result.state, record.outcome) == ("failed", "failed")
    assert record.error is not None
    assert (record.error.type, record.error.status, record.error.request_id) == ("ResponseError", 503, "r-9")
    assert record.error.retryable
    assert [one.status for one in record.attempts] == [503, 503, 503]
    assert [one.next_in is not None for one in record.attempts] == [True, True, False]
    assert (record.totals.calls, record.totals.attempts, record.totals.retries) == (1, 3, 2)


def test_a_step_that_takes_longer_than_its_time_limit_tells_what_it_was_doing(run: Any, service: Any) -> None:
    ended = threading.Event()

    def reply(request: Received) -> Answer:
        ended.wait(10)
        return Answer()

    service(reply)

    result = run("""
    CloudFunctionOperator(task_id="call", cloudfn_conn_id="service", uri='"/slow"', retry_attempts=1,
        execution_timeout=datetime.timedelta(seconds=0.5))
    """)
    ended.set()

    record = record_of(result)
    assert record.error is not None
    assert (record.outcome, record.error.type) == ("failed", "AirflowTaskTimeout")
    assert record.exchange is not None
    assert record.exchange.sent.url.endswith("/slow")
    assert record.attempts[0].split.first_byte > 0.2


@pytest.mark.parametrize(
    ("answer", "shown"),
    [
        (Answer(200, b"<html>busy</html>", {"Content-Type": "application/json"}), "<html>busy</html>"),
        (Answer(302, b"elsewhere", {"Location": "https://elsewhere.test/"}), "elsewhere"),
    ],
    ids=["no JSON", "another host"],
)
def test_an_answer_that_can_t_be_used_is_shown_all_the_same(run: Any, service: Any, answer: Answer, shown: str) -> None:
    service(lambda request: answer)

    result = run("CloudFunctionOperator(task_id='call', cloudfn_conn_id='service', uri='\"/x\"', retry_attempts=1)")

    record = record_of(result)
    assert record.outcome == "failed"
    assert record.exchange is not None
    assert record.exchange.answered is not None
    assert record.exchange.answered.body == Excerpt(text=shown, size=len(shown))
    assert (record.attempts[0].bytes_in, record.totals.bytes_in) == (len(shown), len(shown))


def test_a_sensor_that_gives_up_softly_tells_that_it_was_skipped(run: Any, service: Any) -> None:
    service(lambda request: Answer.of(200, {"state": "running"}))

    result = run("""
    CloudFunctionSensor(task_id="call", cloudfn_conn_id="service", uri='"/jobs/7"', poke_interval=0.01, timeout=1,
        done_when='response.body.state == "done"', soft_fail=True)
    """)

    record = record_of(result)
    assert (result.states["call"], record.outcome) == (["skipped"], "skipped")
    assert record.totals.calls > 1
    assert record.many is not None
    assert sum(bucket.count for bucket in record.many.durations) == record.totals.calls


def test_where_nothing_answers_the_record_says_how_far_it_got(run: Any, connection: Any) -> None:
    connection("service", conn_type="cloudfn", host="http://127.0.0.1:1")

    result = run("""
    CloudFunctionOperator(task_id="call", cloudfn_conn_id="service", method="POST", uri='"/x"', retry_attempts=1)
    """)

    record = record_of(result)
    assert record.error is not None
    assert record.error.type == "CommunicationError"
    assert record.exchange is not None
    assert record.exchange.answered is None
    assert record.attempts[0].error_type == "CommunicationError"
    # It was never sent, so there is nothing that the journal knows.
    assert record.journal is None


UNRENDERED = {
    "an expression": """CloudFunctionOperator(task_id="call", cloudfn_conn_id="service", uri='"/x/" + params.nothing')""",
    "a template": """CloudFunctionOperator(task_id="call", cloudfn_conn_id="service", uri='"/x"', inputs="{{ 1 / 0 }}")""",
    "an instance": """CloudFunctionOperator.partial(
            task_id="call", cloudfn_conn_id="service", uri='"/x/" + inputs.nothing',
        ).expand(inputs=[{"a": 1}])""",
    "a function": """
        @task.cloudfn(cloudfn_conn_id="service", uri='"/x/" + inputs.nothing')
        def call():
            return {}
        call()
        """,
    "a sensor": """CloudFunctionSensor(task_id="call", cloudfn_conn_id="service", uri='"/" + params.nothing', done_when="true")""",
    "an http sensor": """CloudFunctionHttpSensor(task_id="call", http_conn_id="service", endpoint="{{ 1 / 0 }}")""",
    "a process": """EmporixStartOperator(task_id="call", emporix_conn_id="service", event_type="t", subject="s", case_id=cel("params.nothing"))""",
    "a connection": """CloudFunctionOperator(task_id="call", cloudfn_conn_id="nowhere", uri='"/x"')""",
}


@pytest.mark.parametrize("step", UNRENDERED.values(), ids=UNRENDERED)
def test_a_step_that_fails_before_anything_is_sent_tells_why(run: Any, service: Any, step: str) -> None:
    service(lambda request: Answer.of(200, {}))

    result = run(step, before="from airflow_provider_cloudfn import CloudFunctionHttpSensor\n")

    record = record_of(result, map_index=0 if ".expand" in step else -1)
    assert (record.outcome, record.exchange, record.totals.attempts) == ("failed", None, 0)
    assert record.error is not None
    assert any(word in record.error.message for word in ("nothing", "division by zero", "nowhere"))
    # An expression's place is shown below it.
    assert record.error.type != "ExpressionError" or record.error.message.splitlines()[-1].endswith("^")


@pytest.mark.skipif(not state_store.is_there(), reason="this Airflow keeps no task state")
def test_what_an_earlier_try_has_sent_is_told_as_that(run: Any, service: Any) -> None:
    service(lambda request: Answer.of(201, {"count": 1}))

    result = run("""
    CloudFunctionOperator(task_id="call", cloudfn_conn_id="service", method="POST", uri='"/x"', body={"a": 1},
        returns='response.body.count / (run.try_number - 1)', retries=1, retry_delay=datetime.timedelta(0), retry_policy=None)
    """)

    record = record_of(result)
    assert (result.state, record.try_number, record.journal) == ("success", 2, "earlier")
    assert record.exchange is None
    assert record.totals.calls == 0


def test_an_outcome_that_nobody_knows_is_told_as_that(run: Any, service: Any) -> None:
    service(lambda request: Answer.of(504, {"error": "gateway"}))

    result = run("""
    CloudFunctionOperator(task_id="call", cloudfn_conn_id="service", method="POST", uri='"/x"', body={"a": 1},
        retry_attempts=1)
    """)

    record = record_of(result)
    assert (record.outcome, record.journal) == ("failed", "unknown")


@pytest.mark.parametrize(("source", "times"), [("fetched", 1), ("kept", 2)])
def test_the_record_says_where_the_token_came_from(run: Any, sandbox: Any, source: str, times: int) -> None:
    step = "CloudFunctionOperator(task_id='call{0}', cloudfn_conn_id='payments', uri='\"/v1/customers\"')"
    tasks = " >> ".join(step.format(number) for number in range(times))

    result = run(tasks)

    record = record_of(result, f"call{times - 1}")
    assert record.credentials == source
    assert record.totals.credential_requests == (1 if source == "fetched" else 0)
    assert (record.attempts[0].split.credentials > 0) == (source == "fetched")


@pytest.mark.parametrize(
    ("wanted", "path", "is_left"),
    [
        ("all", "/ok", True),
        ("failures", "/ok", False),
        ("failures", "/down", True),
        ("none", "/down", False),
    ],
)
def test_the_configuration_says_which_records_are_left(
    run: Any, service: Any, monkeypatch: pytest.MonkeyPatch, wanted: str, path: str, is_left: bool
) -> None:
    monkeypatch.setenv("AIRFLOW__CLOUDFN__CALL_RECORDS", wanted)
    service(lambda request: Answer.of(200 if request.target == "/ok" else 404))

    result = run(f"CloudFunctionOperator(task_id='call', cloudfn_conn_id='service', uri='\"{path}\"')")

    assert (result.xcom("call", CALL_RECORD_KEY) is not None) == is_left
    link = result.xcom("call", "_link_CallLink")
    assert bool(link) == is_left


def test_a_step_that_pushes_nothing_leaves_none(run: Any, service: Any) -> None:
    service(Service())

    result = run("CloudFunctionOperator(task_id='call', cloudfn_conn_id='service', uri='\"/ok\"', do_xcom_push=False)")

    assert (result.state, result.xcom("call", CALL_RECORD_KEY)) == ("success", None)


def test_a_record_that_can_t_be_written_fails_no_step(run: Any, service: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from airflow_provider_cloudfn.records import room

    service(Service())

    def broken(record: CallRecord) -> CallRecord:
        raise RuntimeError("no room")

    monkeypatch.setattr(room, "fitted", broken)

    result = run("CloudFunctionOperator(task_id='call', cloudfn_conn_id='service', uri='\"/ok\"')")

    assert (result.state, result.xcom("call")) == ("success", {"path": "/ok"})
    assert result.xcom("call", CALL_RECORD_KEY) is None


def test_a_rehearsal_leaves_none() -> None:
    from airflow_provider_cloudfn import CloudFunctionOperator
    from airflow_provider_cloudfn.testing.rehearsal import Rehearsal
    from airflow_provider_cloudfn.testing.samples import Samples

    rehearsal = Rehearsal(CloudFunctionOperator(task_id="call", uri='"/x"'), Samples())
    rehearsal.run({"status": 200})

    assert CALL_RECORD_KEY not in rehearsal.context["ti"].pushed


def hostile(request: Received) -> Answer:
    if request.target == "/headers":
        return Answer.of(200, {}, {f"X-{number}": "ü" * 600 for number in range(90)})
    if request.target == "/binary":
        return Answer(200, bytes(range(256)) * 500, {"Content-Type": "application/octet-stream"})
    if request.target == "/nul":
        return Answer(200, b"a\0b" * 9_000, {"Content-Type": "text/plain"})
    return Answer(200, json.dumps("\u2028\U0001f600" * 90_000).encode(), {"Content-Type": "application/json"})


@pytest.mark.parametrize("path", ["/headers", "/binary", "/nul", "/long"])
def test_whatever_a_service_answers_the_record_is_small_and_can_be_stored(run: Any, service: Any, path: str) -> None:
    service(hostile)

    result = run(f"""
    CloudFunctionOperator(task_id="call", cloudfn_conn_id="service", method="POST", uri='"{path}"', returns="response.status",
        idempotency_key=True, body={{"long": "\\u00fc" * 60_000}}, function_name="f" * 900, success_when="true")
    """)

    written = result.xcom("call", CALL_RECORD_KEY)
    assert result.state == "success"
    assert len(json.dumps(written)) <= MOST_BYTES
    assert "\\u0000" not in json.dumps(written)
    record = CallRecord.from_dict(written)
    assert record.exchange is not None
    assert record.exchange.sent.body is not None
    assert record.exchange.sent.body.is_cut
    assert record.exchange.answered is not None
    if path == "/binary":
        assert record.exchange.answered.body is not None
        assert (record.exchange.answered.body.text, record.exchange.answered.body.size) == (None, 128_000)
