"""A request that may not be repeated, over the tries of its task: what each of them knows of the one before."""

from __future__ import annotations

import json
import re
import time
from typing import TYPE_CHECKING, Any

import pytest
from airflow.sdk import DAG
from airflow.sdk.exceptions import AirflowFailException, AirflowRuntimeError, ErrorType
from airflow.sdk.execution_time.comms import ErrorResponse
from kit import dag_runs
from kit.server import Answer, Received
from kit.state_store import StateStore

from airflow_provider_cloudfn import (
    CloudFunctionOperator,
    Confirm,
    EmporixCompleteOperator,
    EmporixResumeOperator,
    EmporixStartOperator,
    Poll,
)
from airflow_provider_cloudfn.authoring.stable_ids import stable_id
from airflow_provider_cloudfn.exceptions import (
    CloudFunctionError,
    ExpressionError,
    OutcomeUnknownError,
    RequestTimeoutError,
    ResponseError,
)

if TYPE_CHECKING:
    from collections.abc import Callable

ASK = Confirm(
    uri='"/v1/charges"',
    query={"reference": "run.idempotency_key"},
    done_when="response.status == 200 && size(response.body.charges) > 0",
    returns="response.body.charges[0]",
)


pytestmark = pytest.mark.usefixtures("outside_airflow")


@pytest.fixture
def store() -> StateStore:
    return StateStore()


@pytest.fixture
def service(connected: Callable[..., Any]) -> Any:
    return connected()


def carry_out(store: StateStore | None, *, generation: int = 2, try_number: int = 1, **parameters: Any) -> Any:
    """Make one try of a step."""
    given = {"task_id": "call", "cloudfn_conn_id": "service", "method": "POST", "uri": '"/v1/charges"', **parameters}
    with DAG("d", schedule=None):
        task = CloudFunctionOperator(do_xcom_push=False, **given)
    context = (store or StateStore()).context(generation)
    context["ti"].try_number = try_number
    if store is None:
        del context["task_state_store"]
    return task.prepare_for_execution().execute(context)


class Killed(BaseException):
    """Ends a try where it stands."""


def killed(store: StateStore, at: int, **parameters: Any) -> None:
    """Make a try that ends where it writes something down."""
    real, left = store.set, iter(range(at - 1))

    def fail(key: str, value: Any, **options: Any) -> None:
        if next(left, None) is None:
            raise Killed
        real(key, value, **options)

    store.set = fail  # type: ignore[method-assign]
    with pytest.raises(Killed):
        carry_out(store, **parameters)
    store.set = real  # type: ignore[method-assign]


def hang(request: Received) -> Answer:
    """Take a request, and say nothing for longer than anybody waits; a question is answered."""
    if request.method == "GET":
        return Answer.of(200, {"charges": [{"id": "ch_7"}]})
    time.sleep(1.0)
    return Answer.of(201)


# --- the three things that a try can know -----------------------------------------------------------------------------------


def test_what_was_not_sent_is_sent(service: Any, store: StateStore) -> None:
    killed(store, at=1)

    carry_out(store)

    assert len(service.received) == 1


def test_the_answer_of_an_earlier_try_is_taken_and_nothing_is_sent(
    service: Any, store: StateStore, capfd: pytest.CaptureFixture[str]
) -> None:
    service.answer(201, {"id": "ch_1"}, **{"X-Request-Id": "r-9"})
    first = carry_out(store, returns='{"id": response.body.id, "at": response.headers["x-request-id"]}')

    again = carry_out(store, returns='{"id": response.body.id, "at": response.headers["x-request-id"]}')

    assert first == again == {"id": "ch_1", "at": "r-9"}
    assert len(service.received) == 1
    assert "was answered 201 (request id r-9)" in "".join(capfd.readouterr())


def test_a_task_that_is_ended_sends_nothing_again_and_nothing_is_unknown(
    connection: Callable[..., None], serve: Callable[..., Any], store: StateStore
) -> None:
    """Airflow tells it so, and lets it go on for some seconds: after a 503 it would be sent again within the call."""
    tasks: list[CloudFunctionOperator] = []

    def reply(_: Received) -> Answer:
        tasks[0].on_kill()
        return Answer.of(503, headers={"Retry-After": "20"})

    server = serve(reply=reply)
    connection("service", conn_type="cloudfn", host=server.url)
    with DAG("d", schedule=None):
        given = CloudFunctionOperator(
            task_id="call", cloudfn_conn_id="service", method="POST", uri='"/v1/charges"', do_xcom_push=False
        )
    tasks.append(given.prepare_for_execution())
    with pytest.raises(ResponseError, match="503"):
        tasks[0].execute(store.context())

    assert len(server.received) == 1
    assert store.rows == {}


def test_a_try_that_was_ended_ends_none_of_those_behind_it(
    run: Callable[..., Any], connection: Callable[..., None], serve: Callable[..., Any]
) -> None:
    """Where a Dag is tested, the tries of a task are one object's."""
    answers = iter([1.5])

    def reply(_: Received) -> Answer:
        time.sleep(next(answers, 0.0))
        return Answer.of(200)

    connection("service", conn_type="cloudfn", host=serve(reply=reply).url)
    limits = "execution_timeout=datetime.timedelta(seconds=1), retries=1, retry_delay=datetime.timedelta(0)"

    result = run(f"CloudFunctionOperator(task_id='call', cloudfn_conn_id='service', uri='\"/\"', {limits})")

    assert (result.states, result.tries("call")) == ({"call": ["success"]}, [2])


def test_an_answer_that_an_expression_fails_on_is_not_asked_for_again(service: Any, store: StateStore) -> None:
    service.answer(201, {"id": "ch_1"})
    for _ in range(2):
        with pytest.raises(ExpressionError):
            carry_out(store, returns="response.body.nope")

    assert carry_out(store, returns="response.body.id") == "ch_1"
    assert len(service.received) == 1


def test_nobody_knows_what_came_of_a_request_whose_try_ended_before_its_answer_was_written_down(
    service: Any, store: StateStore
) -> None:
    killed(store, at=2)

    with pytest.raises(OutcomeUnknownError) as failure:
        carry_out(store)

    assert len(service.received) == 1
    error = failure.value
    assert isinstance(error, AirflowFailException)
    assert (error.method, error.url, error.retryable) == ("POST", f"{service.url}/v1/charges", False)
    for said in ("mark the task as success", "clear the task", "idempotency_key=True", "Confirm(…)", "'resend'"):
        assert said in str(error)
    assert error.sent_at.isoformat()[:19] in str(error)


@pytest.mark.parametrize(
    "parameters",
    [
        {"body": '{"reference": run.idempotency_key}'},
        {"query": {"reference": "run.idempotency_key"}},
        {"headers": {"X-Reference": "run.idempotency_key"}},
    ],
)
def test_the_error_names_the_id_that_the_request_carries(
    service: Any, store: StateStore, parameters: dict[str, Any]
) -> None:
    key = stable_id(store.context(), "idempotency_key")
    killed(store, at=2, **parameters)

    with pytest.raises(OutcomeUnknownError, match=f"id {key}, which it carries") as failure:
        carry_out(store, **parameters)

    assert failure.value.idempotency_key == key


def test_the_error_names_no_id_that_the_service_never_got(service: Any, store: StateStore) -> None:
    killed(store, at=2)

    with pytest.raises(OutcomeUnknownError) as failure:
        carry_out(store)

    assert failure.value.idempotency_key is None
    assert "which it carries" not in str(failure.value)


def test_clear_means_do_it_again(service: Any, store: StateStore) -> None:
    carry_out(store, generation=2)

    carry_out(store, generation=5)

    assert len(service.received) == 2


def test_a_request_that_changed_in_between_is_told_in_the_log(
    service: Any, store: StateStore, capfd: pytest.CaptureFixture[str]
) -> None:
    carry_out(store, body={"amount": 1})

    carry_out(store, body={"amount": 2})

    assert len(service.received) == 1
    assert "An earlier try has sent another request" in "".join(capfd.readouterr())


# --- on_unknown ---------------------------------------------------------------------------------------------------------------


def test_a_job_that_is_confirmed_to_be_started_is_not_taken_for_done(service: Any, store: StateStore) -> None:
    started = Confirm(uri='"/v1/jobs"', done_when="response.status == 200")
    killed(store, at=2, poll=Poll.location(), on_unknown=started)

    with pytest.raises(ResponseError, match=r"the job was started, .* and not where to ask: say it with uri="):
        carry_out(store, poll=Poll.location(), on_unknown=started)


def test_a_job_that_is_judged_otherwise_by_now_is_told(
    serve: Any, connection: Any, store: StateStore, capfd: pytest.CaptureFixture[str]
) -> None:
    def reply(request: Received) -> Answer:
        return Answer.of(202, {"id": "7"}) if request.method == "POST" else Answer.of(200, {"state": "done"})

    connection("service", conn_type="cloudfn", host=serve(reply=reply).url)
    for misspelt in ("response.body.stat == 'done'", "response.body.state == 'done'"):
        with pytest.raises(ExpressionError):
            carry_out(store, poll=Poll(done_when=misspelt, uri='"/jobs/" + job.body.id'))

    assert "poll.done_when is another one than when the job was started, and that one counts" in capfd.readouterr().out


@pytest.mark.parametrize("changed", [{"method": "PUT"}, {"idempotency_key": True}], ids=["PUT", "a key"])
def test_what_may_have_been_sent_is_unknown_though_it_could_be_sent_twice_by_now(
    service: Any, store: StateStore, changed: dict[str, Any]
) -> None:
    killed(store, 2)
    before = len(service.received)

    # What the service has got had no key, and was no PUT.
    with pytest.raises(OutcomeUnknownError, match="nobody knows whether it was carried out"):
        carry_out(store, try_number=2, **changed)

    assert len(service.received) == before


def test_it_is_sent_again_where_the_author_says_so(service: Any, store: StateStore) -> None:
    killed(store, at=2, on_unknown="resend")

    carry_out(store, on_unknown="resend")

    assert len(service.received) == 2


@pytest.mark.parametrize(
    ("answer", "returned", "methods"),
    [
        ((200, {"charges": [{"id": "ch_7"}]}), {"id": "ch_7"}, ["POST", "GET"]),
        ((200, {"charges": []}), {"id": "ch_8"}, ["POST", "GET", "POST"]),
        ((404, {}), {"id": "ch_8"}, ["POST", "GET", "POST"]),
    ],
    ids=["it was done", "it was not", "nothing is there"],
)
def test_the_service_is_asked_first_where_the_author_says_how(
    service: Any, store: StateStore, answer: tuple[int, Any], returned: Any, methods: list[str]
) -> None:
    service.answer_in_turn((201, {"id": "ch_7"}), answer, (201, {"id": "ch_8"}))
    killed(store, at=2, on_unknown=ASK)

    assert carry_out(store, on_unknown=ASK) == returned
    assert [one.method for one in service.received] == methods
    # What the service said is written down, too.
    assert carry_out(store, on_unknown=ASK) == returned
    assert [one.method for one in service.received] == methods


def test_a_confirmed_answer_is_what_returns_is_about_by_default(service: Any, store: StateStore) -> None:
    ask = Confirm(uri='"/v1/charges/7"', done_when="response.status == 200")
    service.answer_in_turn((201, {"id": "ch_7"}), (200, {"id": "ch_7"}))
    killed(store, at=2, on_unknown=ask)

    assert carry_out(store, on_unknown=ask, returns="response.body.id") == "ch_7"


@pytest.mark.parametrize("status", [403, 500])
def test_a_question_that_is_not_answered_decides_nothing(service: Any, store: StateStore, status: int) -> None:
    killed(store, at=2, on_unknown=ASK)
    service.answer(status)

    with pytest.raises(CloudFunctionError, match=f"GET .* answered {status}"):
        carry_out(store, on_unknown=ASK)

    assert [one.method for one in service.received].count("POST") == 1


def test_done_when_must_be_true_or_false(service: Any, store: StateStore) -> None:
    ask = Confirm(uri='"/v1/charges"', done_when="response.body.id")
    service.answer(200, {"id": "x"})
    killed(store, at=2, on_unknown=ask)

    with pytest.raises(ExpressionError, match=r"on_unknown\.done_when: must give true or false, not text"):
        carry_out(store, on_unknown=ask)


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("'retry'", "on_unknown: must be 'fail', 'resend' or Confirm"),
        ("Confirm(uri='/v1', done_when='true')", "on_unknown.uri: .*'\"/v1\"'"),
        ("Confirm(uri='\"/v1\"', done_when='respons.ok')", "on_unknown.done_when: .*respons"),
        ("Confirm(uri='\"/v1\"', query={'a': '2024-01-01'}, done_when='true')", "on_unknown.query"),
    ],
)
def test_what_makes_no_sense_is_refused_where_the_dag_is_parsed(
    import_errors: Callable[[str], str], written: str, message: str
) -> None:
    source = dag_runs.dag_file(dag_runs.call(uri="'\"/x\"'", on_unknown=written))

    errors = import_errors(source.replace("import CloudFunctionOperator,", "import CloudFunctionOperator, Confirm,"))

    assert re.search(message, errors), errors


# --- what is seen in one try ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kept", [True, False], ids=["with a journal", "without (3.2)"])
@pytest.mark.parametrize("status", [502, 504, 520, 522, 524, 598, 599])
def test_a_gateway_that_got_no_answer_leaves_it_unknown(
    service: Any, store: StateStore, status: int, kept: bool
) -> None:
    service.answer(status, {}, **{"X-Request-Id": "r-1"})

    with pytest.raises(OutcomeUnknownError, match="request id r-1") as failure:
        carry_out(store if kept else None)

    assert isinstance(failure.value.__cause__, ResponseError)
    assert failure.value.status == status
    assert len(service.received) == 1


def test_a_timeout_after_it_was_sent_leaves_it_unknown(serve: Any, connection: Any, store: StateStore) -> None:
    connection("service", conn_type="cloudfn", host=serve(reply=hang).url)

    with pytest.raises(OutcomeUnknownError) as failure:
        carry_out(store, request_timeout=0.2)

    assert isinstance(failure.value.__cause__, RequestTimeoutError)
    with pytest.raises(OutcomeUnknownError, match="ended before its answer was there"):
        carry_out(store)


def test_what_retry_when_said_of_one_answer_says_nothing_of_a_later_attempt_that_has_none(
    serve: Any, connection: Any, store: StateStore
) -> None:
    answers = iter([Answer.of(503)])
    server = serve(reply=lambda request: next(answers, None) or hang(request))
    connection("service", conn_type="cloudfn", host=server.url)

    with pytest.raises(OutcomeUnknownError) as failure:
        carry_out(store, request_timeout=0.9, retry_when="response.status == 503", retry_total=0.8)

    assert isinstance(failure.value.__cause__, RequestTimeoutError)
    assert len(server.received) == 2
    with pytest.raises(OutcomeUnknownError, match="ended before its answer was there"):
        carry_out(store)


@pytest.mark.parametrize("status", [500, 409, 429, 503])
def test_what_an_answer_says_stays_the_authors(service: Any, store: StateStore, status: int) -> None:
    service.answer_in_turn((status, {}), (201, {"id": "ch_1"}))
    with pytest.raises(ResponseError):
        carry_out(store, retry_attempts=1)

    assert carry_out(store) == {"id": "ch_1"}
    assert len(service.received) == 2


def test_a_request_that_was_never_sent_is_sent(service: Any, connection: Any, store: StateStore) -> None:
    connection("service", conn_type="cloudfn", host="http://127.0.0.1:9")
    with pytest.raises(CloudFunctionError) as failure:
        carry_out(store, retry_attempts=1)

    assert failure.value.retryable
    assert not isinstance(failure.value, OutcomeUnknownError)
    assert store.rows == {}


@pytest.mark.parametrize(
    "parameters",
    [
        {"on_unknown": "resend"},
        {"on_unknown": ASK},
        {"idempotency_key": True},
        {"headers": {"Idempotency-Key": "run.id"}},
        {"method": "PUT"},
        {"retry_when": "response.status == 504"},
    ],
    ids=["resend", "Confirm", "a key", "a key of his own", "a method that may", "retry_when"],
)
def test_whoever_says_what_to_do_has_the_error_that_is_tried_again(
    service: Any, store: StateStore, parameters: dict[str, Any]
) -> None:
    service.answer(504)

    with pytest.raises(ResponseError) as failure:
        carry_out(store, retry_attempts=1, **parameters)

    assert failure.value.retryable


def test_confirm_without_a_journal_is_no_way_out(service: Any) -> None:
    service.answer(504)

    with pytest.raises(OutcomeUnknownError):
        carry_out(None, on_unknown=ASK)


@pytest.mark.parametrize(("status", "error"), [(200, ResponseError), (409, ResponseError), (504, OutcomeUnknownError)])
def test_success_when_judges_what_an_earlier_try_was_answered(
    service: Any, store: StateStore, status: int, error: type[Exception]
) -> None:
    service.answer_in_turn((status, {"state": "pending"}), (201, {"state": "done"}))
    judged = {"success_when": 'response.body.state == "done"', "retry_attempts": 1}

    with pytest.raises(error) as failure:
        carry_out(store, **judged)
    assert type(failure.value) is error or isinstance(failure.value, OutcomeUnknownError)

    if error is OutcomeUnknownError:
        with pytest.raises(OutcomeUnknownError, match="a gateway answered 504"):
            carry_out(store, **judged)
    else:
        assert carry_out(store, **judged) == {"state": "done"}
    assert len(service.received) == (1 if error is OutcomeUnknownError else 2)


def test_a_redirect_that_says_it_was_carried_out_is_not_followed_by_a_second_request(
    serve: Any, connection: Any, store: StateStore
) -> None:
    def reply(request: Received) -> Answer:
        return Answer.of(303, {}, {"Location": "/result"}) if request.method == "POST" else Answer.of(500)

    server = serve(reply=reply)
    connection("service", conn_type="cloudfn", host=server.url)

    with pytest.raises(OutcomeUnknownError):
        carry_out(store, retry_attempts=1)
    with pytest.raises(OutcomeUnknownError):
        carry_out(store, retry_attempts=1)

    assert [one.method for one in server.received] == ["POST", "GET"]


# --- the journal -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "parameters",
    [{"method": "GET"}, {"method": "PUT"}, {"idempotency_key": True}, {"headers": {"Idempotency-Key": "run.id"}}],
)
def test_what_may_be_repeated_is_written_nowhere(service: Any, store: StateStore, parameters: dict[str, Any]) -> None:
    carry_out(store, **parameters)

    assert store.asked == []


def test_a_request_costs_one_question_and_two_rows(service: Any, store: StateStore) -> None:
    carry_out(store)

    assert store.asked == ["get", "set", "set"]


def test_no_secret_header_or_body_of_a_request_is_written_down(connected: Any, store: StateStore) -> None:
    secret = "s3cret/key+value"
    extra = {"auth_type": "api_key", "key_location": "query", "key_name": "key"}
    service = connected(password=secret, extra=extra)
    service.answer(201, {"echo": secret}, **{"X-Echo": secret, "Set-Cookie": "session=1"})

    carry_out(store, body={"card": "4242"}, headers={"X-Customer": '"c-1"'}, returns="response.status")

    rows = json.dumps(store.rows)
    for unwanted in (secret, "s3cret", "4242", "c-1", "session=1"):
        assert unwanted not in rows
    with pytest.raises(OutcomeUnknownError, match="was answered 201, but the answer could not be kept"):
        carry_out(store, body={"card": "4242"}, headers={"X-Customer": '"c-1"'}, returns="response.status")


def test_an_access_token_that_the_call_itself_has_got_is_not_written_down(
    serve: Any, connection: Any, store: StateStore
) -> None:
    token = "t0ken-of-this-very-call"

    def reply(request: Received) -> Answer:
        if request.target == "/token":
            return Answer.of(200, {"access_token": token, "token_type": "Bearer", "expires_in": 60})
        sent = request.headers["authorization"]
        return Answer.of(201, {"echo": sent}, {"X-Echo": sent})

    url = serve(reply=reply).url
    extra = {"auth_type": "oauth2", "oauth2_url": f"{url}/token"}
    connection("service", conn_type="cloudfn", host=url, password="s3cret", extra={**extra, "client_id": "ann"})

    assert carry_out(store, returns="response.status") == 201

    assert token not in json.dumps(store.rows)
    (row,) = store.rows.values()
    assert json.loads(row)["entry"]["answer"]["content"] is None


def test_an_answer_beyond_what_xcom_takes_is_not_kept(
    service: Any, store: StateStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW__CLOUDFN__XCOM_LIMIT", "1000")
    service.answer(201, {"text": "x" * 2000})
    assert carry_out(store, returns="response.status") == 201

    with pytest.raises(OutcomeUnknownError, match="could not be kept"):
        carry_out(store, returns="response.status")


def test_an_answer_that_went_into_a_file_is_not_asked_for_again(service: Any, store: StateStore, tmp_path: Any) -> None:
    service.answer(201, b"a,b\n1,2\n", "text/csv")
    file = f"file://{tmp_path}/orders.csv"

    first = carry_out(store, response_file=file)

    assert carry_out(store, response_file=file) == first
    assert first["path"] == file
    assert first["size"] == 8
    assert len(service.received) == 1


def test_an_intent_that_cant_be_written_down_is_not_sent(service: Any, store: StateStore) -> None:
    store.failing["set"] = [AirflowRuntimeError(ErrorResponse(error=ErrorType.PERMISSION_DENIED))]

    with pytest.raises(AirflowRuntimeError):
        carry_out(store)

    assert service.received == []


def test_an_answer_that_cant_be_written_down_is_the_steps_all_the_same(
    service: Any, store: StateStore, capfd: pytest.CaptureFixture[str]
) -> None:
    service.answer(201, {"id": "ch_1"})
    real = store.set

    def refuse(key: str, value: Any, **options: Any) -> None:
        if value["entry"].get("answer"):
            raise AirflowRuntimeError(ErrorResponse(error=ErrorType.PERMISSION_DENIED))
        real(key, value, **options)

    store.set = refuse  # type: ignore[method-assign]

    assert carry_out(store) == {"id": "ch_1"}
    assert "could not be written down" in "".join(capfd.readouterr())


# --- Emporix ------------------------------------------------------------------------------------------------------------------


STEP = {"instance_id": "i-1", "execution_id": "x-1", "scenario_id": "s-1"}
EACH_KIND = pytest.mark.parametrize(
    ("operator", "given"),
    [(EmporixStartOperator, {}), (EmporixResumeOperator, {"instance_id": "i-1"}), (EmporixCompleteOperator, STEP)],
)


def tell(store: StateStore, operator: Any = EmporixStartOperator, **parameters: Any) -> Any:
    with DAG("d", schedule=None):
        task = operator(task_id="call", event_type="order.paid", do_xcom_push=False, **parameters)
    return task.prepare_for_execution().execute(store.context())


@pytest.fixture
def engine(serve: Any, connection: Any) -> Any:
    server = serve()
    extra = {"environment": "custom", "event_receiver_url": f"{server.url}/e"}
    connection("emporix_oe_default", conn_type="emporix_oe", login="src_1", password="secret", extra=extra)
    return server


@EACH_KIND
def test_an_event_that_was_accepted_is_not_sent_again(
    engine: Any, store: StateStore, operator: Any, given: dict[str, Any]
) -> None:
    engine.answer(200, {"request_id": "req_1"})

    assert tell(store, operator, **given) == tell(store, operator, **given)
    assert len(engine.received) == 1


@EACH_KIND
def test_an_event_of_which_nobody_knows_is_not_sent_again(
    engine: Any, store: StateStore, operator: Any, given: dict[str, Any]
) -> None:
    engine.answer(502)

    with pytest.raises(OutcomeUnknownError) as failure:
        tell(store, operator, **given)

    [received] = engine.received
    assert failure.value.idempotency_key == received.headers["ce-id"]
    assert received.headers["ce-id"] in str(failure.value)
    # Its operators take neither a key nor a question.
    assert str(failure.value).endswith(
        "So that nobody has to look next time: on_unknown='resend' where twice does no harm"
    )


@EACH_KIND
def test_an_event_is_sent_again_under_the_same_id_where_the_author_says_so(
    engine: Any, store: StateStore, operator: Any, given: dict[str, Any]
) -> None:
    engine.answer_in_turn((502, {}), (200, {}))
    with pytest.raises(ResponseError):
        tell(store, operator, on_unknown="resend", **given)

    tell(store, operator, on_unknown="resend", **given)

    assert len({one.headers["ce-id"] for one in engine.received}) == 1
    assert len(engine.received) == 2


def test_there_is_nobody_to_ask_about_an_event(import_errors: Callable[[str], str]) -> None:
    step = dag_runs.call("EmporixStartOperator", event_type="'a'", on_unknown="Confirm(uri='\"/x\"', done_when='true')")
    source = dag_runs.dag_file(step).replace("import CloudFunctionOperator,", "import CloudFunctionOperator, Confirm,")

    assert "on_unknown: can't be Confirm(…)" in import_errors(source)
