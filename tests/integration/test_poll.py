"""Jobs that take their time, of services of many kinds: the same whether the worker waits or the triggerer."""

from __future__ import annotations

import json
import os
import signal
import time
from importlib.util import find_spec
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from airflow.sdk.bases.operator import TriggerFailureReason
from airflow.sdk.exceptions import TaskDeferred
from kit.dag_runs import call, dag_file
from kit.server import Answer, LoopbackServer

from airflow_provider_cloudfn import CloudFunctionOperator, Poll, testing
from airflow_provider_cloudfn.exceptions import RequestTimeoutError
from airflow_provider_cloudfn.operators import polling

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from kit.server import Received

WAYS = {"worker": "False", "triggerer": "True"}
EVERYWHERE = pytest.mark.parametrize("deferrable", WAYS.values(), ids=WAYS)
RETRIED = {"retries": "1", "retry_delay": "datetime.timedelta(0)"}
KEPT = pytest.mark.skipif(
    find_spec("airflow.sdk.bases.resumablejobmixin") is None, reason="Airflow 3.3 has a task state"
)


class JobService:
    """
    A service that starts a job at each POST, and answers the polls from a list, its last answer again and again.

    :param started: What it answers to the POST.
    :param polls: What it answers to a poll.
    :param others: What it answers to a request for another path than that of the polls, by path.
    """

    def __init__(self, started: Answer, polls: list[Answer], others: dict[str, Answer] | None = None) -> None:
        self.server = LoopbackServer(reply=self.reply)
        self.started, self.polls, self.others = started, polls, others or {}
        self.asked: list[str] = []
        self.on_start: Callable[[], None] = lambda: None
        self.on_poll: Callable[[], None] = lambda: None
        self.on_other: Callable[[], None] = lambda: None

    def reply(self, request: Received) -> Answer:
        path = request.target.partition("?")[0]
        self.asked.append(f"{request.method} {request.target}")
        if f"{request.method} {path}" in self.others:
            self.on_other()
            return self.others[f"{request.method} {path}"]
        if request.method in ("POST", "PUT"):
            self.on_start()
            return self.started
        self.on_poll()
        return self.polls.pop(0) if len(self.polls) > 1 else self.polls[0]

    def count(self, method: str) -> int:
        return sum(one.startswith(f"{method} ") for one in self.asked)


@pytest.fixture
def sigterm_put_back() -> Iterator[None]:
    """Put back what SIGTERM does: the task that a test runs here takes it for itself."""
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


@pytest.fixture
def service(connection: Callable[..., None]) -> Any:
    """Return a function that starts a service of jobs behind the connection ``jobs``, whose base URL has a path."""
    running: list[JobService] = []

    def start(started: Answer, *polls: Answer, others: dict[str, Answer] | None = None) -> JobService:
        running.append(JobService(started, list(polls), others))
        connection("jobs", conn_type="cloudfn", host=f"{running[-1].server.url}/v1")
        return running[-1]

    yield start
    for one in running:
        one.server.stop()


def step(poll: str, deferrable: str = "False", **parameters: str) -> str:
    given = {"cloudfn_conn_id": "'jobs'", "method": "'POST'", "uri": "'\"/jobs\"'", "poll": poll}
    return call(**{**given, "deferrable": deferrable, **parameters})


def state(name: str, **more: Any) -> Answer:
    return Answer.of(200, {"state": name, **more})


STATES = (
    "Poll(done_when='response.body.state == \"done\"', failed_when='response.body.state == \"failed\"', every=0.01, "
    "uri='\"/jobs/\" + job.body.id', {more})"
)
STARTED = Answer.of(201, {"id": "7"})


def states(more: str = "") -> str:
    return STATES.replace("{more}", more)


@EVERYWHERE
def test_a_job_is_asked_for_until_it_is_done(run: Any, service: Any, deferrable: str) -> None:
    jobs = service(STARTED, state("busy"), state("busy"), state("done", rows=3))

    result = run(step(states(), deferrable, returns='\'{"rows": response.body.rows, "id": job.body.id}\''))

    assert result.states == {"call": ["success"]}
    assert result.xcom("call") == {"rows": 3, "id": "7"}
    assert jobs.count("POST") == 1
    assert set(jobs.asked) == {"POST /v1/jobs", "GET /v1/jobs/7"}


RUNNING = Answer.of(200, {"status": "Running"})
SUCCEEDED = Answer.of(200, {"status": "Succeeded", "result": {"n": 1}})
SALESFORCE = (
    'Poll(done_when=\'response.body.state == "JobComplete"\', failed_when=\'response.body.state in ["Failed", "Aborted"]\', '
    'every=0.01, uri=\'"/jobs/" + job.body.id\', result=\'"/jobs/" + job.body.id + "/results"\')'
)
LRO = "Poll.location(every=0.01)"

#: Of each kind of service: how it is asked, its first answer, its polls, its other answers, and what the step returns.
SERVICES: dict[str, tuple[str, Answer, list[Answer], dict[str, Answer], Any]] = {
    "location, absolute path": (
        LRO,
        Answer.of(202, {}, {"Location": "/v1/state/7"}),
        [Answer.of(202, {}), Answer.of(200, {"n": 1})],
        {},
        {"n": 1},
    ),
    "location, relative": (
        LRO,
        Answer.of(202, {}, {"Location": "state/7?full=1"}),
        [Answer.of(202, {}), Answer.of(200, {"n": 1})],
        {},
        {"n": 1},
    ),
    "location that moves": (
        LRO,
        Answer.of(202, {}, {"Location": "state/7"}),
        [Answer.of(200, {"n": 1})],
        {"GET /v1/state/7": Answer.of(202, {}, {"Location": "8"})},
        {"n": 1},
    ),
    "azure, result in the operation": (
        LRO,
        Answer.of(202, {}, {"Operation-Location": "/v1/operations/7"}),
        [RUNNING, SUCCEEDED],
        {},
        {"n": 1},
    ),
    "azure, resource location": (
        LRO,
        Answer.of(202, {}, {"Operation-Location": "/v1/operations/7"}),
        [RUNNING, Answer.of(200, {"status": "Succeeded", "resourceLocation": "/v1/things/3"})],
        {"GET /v1/things/3": Answer.of(200, {"n": 3})},
        {"n": 3},
    ),
    "azure, both headers": (
        LRO,
        Answer.of(202, {}, {"Operation-Location": "/v1/operations/7", "Location": "/v1/results/7"}),
        [RUNNING, Answer.of(200, {"status": "Succeeded"})],
        {"GET /v1/results/7": Answer.of(200, {"n": 4})},
        {"n": 4},
    ),
    "google": (
        "Poll.google(every=0.01, uri='\"/\" + job.body.name')",
        Answer.of(200, {"name": "operations/7", "done": False}),
        [Answer.of(200, {"name": "operations/7"}), Answer.of(200, {"done": True, "response": {"n": 5}})],
        {},
        {"n": 5},
    ),
    "salesforce": (
        SALESFORCE,
        Answer.of(200, {"id": "7", "state": "UploadComplete"}),
        [Answer.of(200, {"state": "InProgress"}), Answer.of(200, {"state": "JobComplete"})],
        {"GET /v1/jobs/7/results": Answer(200, b"id\n1\n", {"Content-Type": "text/csv"})},
        "id\n1\n",
    ),
    "a transient 503 in the middle": (
        states(),
        STARTED,
        [state("busy"), Answer.of(503), Answer.of(502), state("done", n=1)],
        {},
        {"state": "done", "n": 1},
    ),
}


@EVERYWHERE
@pytest.mark.parametrize("kind", SERVICES)
def test_services_of_many_kinds_give_their_result(run: Any, service: Any, kind: str, deferrable: str) -> None:
    poll, started, polls, others, returned = SERVICES[kind]
    jobs = service(started, *polls, others=others)

    result = run(step(poll, deferrable))

    assert result.states == {"call": ["success"]}
    assert result.xcom("call") == returned
    assert jobs.count("POST") == 1


def test_the_resource_that_was_put_is_read_in_the_end(run: Any, service: Any) -> None:
    service(
        Answer.of(201, {}, {"Operation-Location": "/v1/operations/7"}),
        Answer.of(200, {"status": "Succeeded"}),
        others={"GET /v1/things/3": Answer.of(200, {"n": 6})},
    )

    assert run(step(LRO, method="'PUT'", uri="'\"/things/3\"'")).xcom("call") == {"n": 6}


@pytest.mark.parametrize(
    ("poll", "answer", "returned"),
    [
        (LRO, Answer.of(200, {"n": 1}), {"n": 1}),
        (LRO, Answer.of(201, {"n": 1}, {"Location": "/v1/things/1"}), {"n": 1}),
        ("Poll.google()", Answer.of(200, {"name": "o/1", "done": True, "response": {"n": 2}}), {"n": 2}),
    ],
)
def test_what_was_done_at_once_is_not_asked_for(
    run: Any, service: Any, poll: str, answer: Answer, returned: Any
) -> None:
    jobs = service(answer, Answer.of(500))

    assert run(step(poll)).xcom("call") == returned
    assert jobs.asked == ["POST /v1/jobs"]


GARBLED = {"Content-Type": "application/json", "Location": "/v1/state/7"}


@EVERYWHERE
def test_what_starts_a_job_need_not_be_what_it_says_where_nobody_reads_its_body(
    run: Any, service: Any, deferrable: str
) -> None:
    jobs = service(Answer.of(202, b"accepted", GARBLED), Answer.of(200, {"n": 1}))

    assert run(step(LRO, deferrable)).xcom("call") == {"n": 1}
    assert jobs.asked[0] == "POST /v1/jobs"


@pytest.mark.parametrize(
    ("poll", "status"), [(LRO, 200), ("Poll(done_when='true', uri='\"/jobs/\" + job.body.id', every=0.01)", 202)]
)
def test_what_starts_a_job_must_be_what_it_says_where_its_body_is_read(
    run: Any, service: Any, poll: str, status: int, capfd: pytest.CaptureFixture[str]
) -> None:
    jobs = service(Answer.of(status, b"accepted", GARBLED), Answer.of(200, {"n": 1}))

    assert run(step(poll)).states == {"call": ["failed"]}
    assert "is not what it says it is" in "".join(capfd.readouterr())
    assert jobs.asked == ["POST /v1/jobs"]


def test_without_poll_a_202_is_an_answer(run: Any, service: Any) -> None:
    jobs = service(Answer.of(202, {"n": 1}, {"Location": "/v1/state/7"}), Answer.of(200))

    assert run(step("None")).xcom("call") == {"n": 1}
    assert jobs.asked == ["POST /v1/jobs"]


def test_a_get_is_asked_again_at_the_same_address(run: Any, service: Any) -> None:
    jobs = service(Answer.of(500), state("busy"), state("busy"), state("done"))

    result = run(
        step(
            "Poll(done_when='response.body.state == \"done\"', every=0.01)",
            method="'GET'",
            query="{'id': '\"7\"'}",
        )
    )

    assert result.xcom("call") == {"state": "done"}
    assert jobs.asked == ["GET /v1/jobs?id=7"] * 3


#: What ends a job otherwise: the poll, its first answer, the polls, and what the error says.
ENDS: dict[str, tuple[str, Answer, list[Answer], str]] = {
    "failed": (
        states(),
        STARTED,
        [state("busy"), state("failed", why="no rows")],
        'poll: the job has failed, says the answer 200 of GET {url}/v1/jobs/7; it says: {{"state": "failed", "why": "no rows"}}',
    ),
    "operation failed": (
        LRO,
        Answer.of(202, {}, {"Operation-Location": "/v1/operations/7"}),
        [Answer.of(200, {"status": "Failed", "error": {"code": "Quota"}})],
        "poll: the job has failed",
    ),
    "google's error": (
        "Poll.google(every=0.01)",
        Answer.of(200, {"name": "operations/7"}),
        [Answer.of(200, {"done": True, "error": {"code": 5, "message": "gone"}})],
        "poll: the job has failed",
    ),
    "no bool": (
        "Poll(done_when='response.body.state', every=0.01, uri='\"/jobs/7\"')",
        STARTED,
        [state("busy")],
        "poll.done_when: must give true or false, not text",
    ),
    "no such field": (
        "Poll(done_when='response.body.stat == \"done\"', every=0.01, uri='\"/jobs/7\"')",
        STARTED,
        [state("busy")],
        "poll.done_when: 1:15: no such key",
    ),
    "an empty place": (
        "Poll.location(every=0.01)",
        Answer.of(202, {}, {"Location": " "}),
        [state("done")],
        "does not say where to ask: say it with uri=",
    ),
    "never there": (
        states("tolerate=2"),
        STARTED,
        [Answer.of(404)],
        "poll: the job was started, and the service does not know it: ",
    ),
    "gone before it was done": (
        states(),
        STARTED,
        [state("busy"), Answer.of(404)],
        "Another try asks for the same job: clear the task to start another one",
    ),
    "another status": (states(), STARTED, [state("busy"), Answer.of(403)], "GET {url}/v1/jobs/7 answered 403"),
    "too many in a row": (
        states("tolerate=2"),
        STARTED,
        [state("busy"), Answer.of(503)],
        "GET {url}/v1/jobs/7 answered 503",
    ),
    "another origin": (
        LRO,
        Answer.of(202, {}, {"Location": "https://elsewhere.example/state"}),
        [state("done")],
        "poll: the job was started, and can't be asked for: uri: is a whole URL that leads to https://elsewhere.example",
    ),
    "no place": (LRO, Answer.of(202), [state("done")], "does not say where to ask: say it with uri="),
    "no link": (
        "Poll(done_when='true')",
        STARTED,
        [state("done")],
        "has no Operation-Location and no Location: say with uri=",
    ),
    "too late": (
        states("timeout=0.2"),
        STARTED,
        [state("busy")],
        "poll: the job at /jobs/7 was not done within 0.2 seconds (timeout); it may go on at the service, as there is no cancel=",
    ),
}


@EVERYWHERE
@pytest.mark.parametrize("kind", ENDS)
def test_what_is_wrong_ends_the_wait(
    run: Any, service: Any, kind: str, deferrable: str, capfd: pytest.CaptureFixture[str]
) -> None:
    poll, started, polls, message = ENDS[kind]
    jobs = service(started, *polls)

    result = run(step(poll, deferrable))

    assert result.states == {"call": ["failed"]}
    assert message.format(url=jobs.server.url) in "".join(capfd.readouterr()).replace("\\", "")
    assert jobs.count("POST") == 1


@EVERYWHERE
@pytest.mark.parametrize(
    ("cancel", "sent"),
    [
        ("'\"/jobs/\" + job.body.id'", "DELETE /v1/jobs/7"),
        (
            "{'method': 'POST', 'uri': cel('\"/jobs/\" + job.body.id + \"/cancel\"'), 'body': {'why': 'late'}}",
            "POST /v1/jobs/7/cancel",
        ),
    ],
)
def test_a_job_that_is_late_is_cancelled(
    run: Any, service: Any, cancel: str, sent: str, deferrable: str, capfd: pytest.CaptureFixture[str]
) -> None:
    jobs = service(STARTED, state("busy"), others={sent: Answer.of(200)})

    result = run(step(states(f"timeout=0.2, cancel={cancel}"), deferrable))

    assert result.states == {"call": ["failed"]}
    assert jobs.asked[-1] == sent
    assert "within 0.2 seconds (timeout); it was cancelled" in "".join(capfd.readouterr())


@KEPT
def test_a_job_that_is_late_and_could_not_be_cancelled_has_no_other_beside_it(run: Any, service: Any) -> None:
    jobs = service(STARTED, state("busy"), others={"DELETE /v1/jobs/7": Answer.of(400)})
    retried = {**RETRIED, "retry_policy": "None"}

    result = run(step(states("timeout=0.2, cancel='\"/jobs/\" + job.body.id'"), **retried))

    assert result.states == {"call": ["failed"]}
    assert result.tries("call") == [2]
    assert jobs.count("POST") == 1


@EVERYWHERE
def test_an_answer_that_is_too_large_for_the_triggerer_is_read_by_the_worker(
    run: Any, service: Any, deferrable: str
) -> None:
    padding = "x" * (1024 * 1024)
    service(STARTED, state("busy", padding=padding), state("done", padding=padding, n=1))

    assert run(step(states(), deferrable, returns="'response.body.n'")).xcom("call") == 1


@EVERYWHERE
def test_polls_and_the_result_are_asked_for_as_the_call_is(run: Any, service: Any, deferrable: str) -> None:
    poll = (
        "Poll(done_when='response.status == 200', every=0.01, uri='\"/jobs/7\"', query={'of': [1, 2]}, "
        'result=\'{"uri": "/result", "query": {"of": [3, 4]}}\')'
    )
    jobs = service(STARTED, Answer.of(200), others={"GET /v1/result": Answer.of(418)})
    retried = {"retry_when": "'response.status == 418'", "retry_attempts": "2"}

    run(step(poll, deferrable, list_style="'comma'", **retried))

    polls = ["GET /v1/jobs/7?of=1%2C2"] * (1 if deferrable == "False" else 2)
    assert jobs.asked == ["POST /v1/jobs", *polls, *["GET /v1/result?of=3%2C4"] * 2]


def test_a_secret_is_filled_in_what_gives_the_result(run: Any, service: Any, connection: Callable[..., None]) -> None:
    jobs = service(STARTED, state("done"), others={"POST /v1/result": Answer.of(200, {"n": 3})})
    extra = {"secret_values": {"tenant": "t3nant/key"}}
    connection("jobs", conn_type="cloudfn", host=f"{jobs.server.url}/v1", extra=json.dumps(extra))
    sent = "'headers': {'X-Tenant': secret('tenant')}, 'body': {'key': secret('tenant')}"

    run(step(states(f"result={{'uri': '/result', 'method': 'POST', {sent}}}")))

    request = jobs.server.received[-1]
    assert request.headers["x-tenant"] == "t3nant/key"
    assert request.json() == {"key": "t3nant/key"}


@EVERYWHERE
def test_a_number_of_the_first_answer_keeps_its_digits(run: Any, service: Any, deferrable: str) -> None:
    total = b"12345678901234567890.125"
    started = Answer.of(201, b'{"id": "7", "number": 12345678901234567890123, "total": ' + total + b"}")
    jobs = service(started, state("done"), others={"GET /v1/results/12345678901234567890123": Answer.of(200, {"n": 1})})
    poll = states("result='\"/results/\" + string(job.body.number)'")

    result = run(step(poll, deferrable, returns="'\"total \" + json.encode(job.body.total)'"))

    assert result.xcom("call") == f"total {total.decode()}"
    assert jobs.asked[-1] == "GET /v1/results/12345678901234567890123"


def test_retry_after_comes_before_the_interval(run: Any, service: Any) -> None:
    jobs = service(
        Answer.of(202, {}, {"Location": "/v1/state/7", "Retry-After": "0"}),
        Answer.of(202, {}, {"Retry-After": "1"}),
        Answer.of(200, {"n": 1}),
    )

    # By its own interval it would be late.
    assert run(step("Poll.location(every=100, timeout=50)")).xcom("call") == {"n": 1}
    assert len(jobs.asked) == 3


@KEPT
@EVERYWHERE
@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_another_try_asks_for_the_same_job(run: Any, service: Any, deferrable: str, method: str) -> None:
    # The worker asks itself after the triggerer, so it is two that fail there.
    failing = [Answer.of(503)] * (1 if deferrable == "False" else 2)
    jobs = service(STARTED, *failing, state("done", n=1))

    result = run(step(states("tolerate=0"), deferrable, method=f"'{method}'", **RETRIED))

    assert result.xcom("call") == {"state": "done", "n": 1}
    assert result.tries("call") == [2]
    assert jobs.count(method) == 1


@EVERYWHERE
def test_a_job_that_is_not_there_at_once_is_waited_for(run: Any, service: Any, deferrable: str) -> None:
    jobs = service(STARTED, Answer.of(404), Answer.of(404), state("done"))

    result = run(step(states(), deferrable))

    assert (result.states, jobs.count("POST")) == ({"call": ["success"]}, 1)


@KEPT
@EVERYWHERE
def test_no_other_job_is_started_for_one_that_the_service_does_not_know(
    run: Any, service: Any, deferrable: str
) -> None:
    jobs = service(STARTED, Answer.of(404))

    result = run(
        step(states("tolerate=1"), deferrable, retries="1", retry_delay="datetime.timedelta(0)", retry_policy="None")
    )

    assert (result.states, result.tries("call"), jobs.count("POST")) == ({"call": ["failed"]}, [2], 1)


#: How a job comes to nothing: what it ends with, and what says that it is no success.
COMES_TO_NOTHING: dict[str, tuple[Answer, dict[str, str]]] = {
    "it says so": (state("failed"), {}),
    "its result is no success": (state("done", n=0), {"success_when": "'response.body.n > 0'"}),
}
TO_NOTHING = pytest.mark.parametrize(("ended", "judge"), COMES_TO_NOTHING.values(), ids=COMES_TO_NOTHING)


@EVERYWHERE
@TO_NOTHING
def test_another_try_after_a_job_that_failed_starts_another_one(
    run: Any, service: Any, deferrable: str, ended: Answer, judge: dict[str, str]
) -> None:
    # Each of two workers and the triggerer is told, or one worker alone.
    failing = [ended] * (1 if deferrable == "False" else 2)
    jobs = service(STARTED, *failing, state("done", n=1))

    result = run(step(states(), deferrable, **judge, **RETRIED))

    assert result.xcom("call") == {"state": "done", "n": 1}
    assert jobs.count("POST") == 2


def test_a_result_that_is_no_success_is_not_called_an_answer_to_the_request_that_started_the_job(
    run: Any, service: Any, capfd: pytest.CaptureFixture[str]
) -> None:
    service(STARTED, state("done", n=0))

    run(step(states(), "False", success_when="'response.body.n > 0'"))

    assert "success_when is false for the answer 200 of http" in "".join(capfd.readouterr())


@KEPT
def test_another_try_after_a_job_that_has_failed_at_once_starts_another_one(run: Any, service: Any) -> None:
    jobs = service(Answer.of(201, {"state": "failed"}), Answer.of(500))
    poll = (
        "Poll(uri='null', done_when='response.body.state == \"done\"', failed_when='response.body.state == \"failed\"')"
    )

    result = run(step(poll, **RETRIED))

    assert result.states == {"call": ["failed"]}
    assert jobs.asked == ["POST /v1/jobs"] * 2


@KEPT
@EVERYWHERE
@TO_NOTHING
def test_a_job_that_failed_under_an_idempotency_key_is_not_asked_for_again(
    run: Any,
    service: Any,
    deferrable: str,
    ended: Answer,
    judge: dict[str, str],
    capfd: pytest.CaptureFixture[str],
) -> None:
    jobs = service(STARTED, ended)

    result = run(step(states(), deferrable, idempotency_key="True", **judge, **RETRIED))

    assert result.states == {"call": ["failed"]}
    assert (jobs.count("POST"), result.tries("call")) == (1, [1])
    assert "its idempotency key names this job" in "".join(capfd.readouterr())


def test_a_task_that_takes_too_long_cancels_its_job(run: Any, service: Any) -> None:
    jobs = service(STARTED, state("busy"), others={"DELETE /v1/jobs/7": Answer.of(200)})

    result = run(
        step(
            states("cancel='\"/jobs/\" + job.body.id'"),
            execution_timeout="datetime.timedelta(seconds=1)",
        )
    )

    assert result.states == {"call": ["failed"]}
    assert jobs.asked[-1] == "DELETE /v1/jobs/7"


@pytest.mark.usefixtures("sigterm_put_back")
def test_a_task_that_is_killed_cancels_its_job(run: Any, service: Any) -> None:
    jobs = service(STARTED, state("busy"), others={"DELETE /v1/jobs/7": Answer.of(200)})

    def kill() -> None:
        if jobs.count("DELETE"):
            jobs.polls = [state("done")]
        else:
            os.kill(os.getpid(), signal.SIGTERM)

    jobs.on_poll = kill
    run(step(states("cancel='\"/jobs/\" + job.body.id'")))

    assert jobs.count("DELETE") == 1


@EVERYWHERE
@pytest.mark.usefixtures("sigterm_put_back")
def test_a_task_that_is_killed_while_it_starts_its_job_cancels_that(
    run: Any, service: Any, deferrable: str, capfd: pytest.CaptureFixture[str]
) -> None:
    """Airflow lets it go on for some seconds, in which the answer can come."""
    jobs = service(STARTED, state("busy"), others={"DELETE /v1/jobs/7": Answer.of(200)})
    jobs.on_start = lambda: os.kill(os.getpid(), signal.SIGTERM)
    result = run(step(states("cancel='\"/jobs/\" + job.body.id'"), deferrable))

    assert result.states == {"call": ["failed"]}
    assert jobs.asked == ["POST /v1/jobs", "DELETE /v1/jobs/7"]
    assert "the task was ended from outside while it waited for the job at /jobs/7; it was cancelled" in "".join(
        capfd.readouterr()
    )


@EVERYWHERE
@pytest.mark.usefixtures("sigterm_put_back")
def test_a_task_that_is_killed_while_it_cancels_its_late_job_cancels_it_once(
    run: Any, service: Any, deferrable: str, capfd: pytest.CaptureFixture[str]
) -> None:
    jobs = service(STARTED, state("busy"), others={"DELETE /v1/jobs/7": Answer.of(200)})
    jobs.on_other = lambda: os.kill(os.getpid(), signal.SIGTERM)
    run(step(states("timeout=0.2, cancel='\"/jobs/\" + job.body.id'"), deferrable))

    assert jobs.count("DELETE") == 1
    assert "within 0.2 seconds (timeout); it was cancelled" in "".join(capfd.readouterr())


def test_a_task_whose_time_is_over_while_it_cancels_its_late_job_cancels_it_once(
    run: Any, service: Any, capfd: pytest.CaptureFixture[str]
) -> None:
    jobs = service(STARTED, state("busy"), others={"DELETE /v1/jobs/7": Answer.of(200)})
    jobs.on_other = lambda: time.sleep(1.5)

    run(
        step(
            states("timeout=0.2, cancel='\"/jobs/\" + job.body.id'"),
            execution_timeout="datetime.timedelta(seconds=1)",
        )
    )

    assert jobs.count("DELETE") == 1
    assert "The job was cancelled: DELETE" in "".join(capfd.readouterr())


@KEPT
@pytest.mark.parametrize(
    ("jump", "polls", "state_then"),
    [(86_400, [state("done")], "success"), (86_400, [state("busy")], "failed"), (-86_400, [state("busy")], "failed")],
    ids=["ahead, and done", "ahead, and busy", "back"],
)
def test_a_next_try_whose_clock_is_another_one_asks_once_and_waits_no_longer_than_the_timeout(
    run: Any, service: Any, monkeypatch: pytest.MonkeyPatch, jump: int, polls: list[Answer], state_then: str
) -> None:
    jobs = service(STARTED, Answer.of(503), *polls, others={"DELETE /v1/jobs/7": Answer.of(200)})
    clock = SimpleNamespace(time=time.time, monotonic=time.monotonic)
    monkeypatch.setattr(polling, "time", clock)
    jobs.on_poll = lambda: setattr(clock, "time", lambda: time.time() + jump)
    began = time.monotonic()

    cancel = "tolerate=0, timeout=0.5, cancel='\"/jobs/\" + job.body.id'"
    result = run(step(states(cancel), **RETRIED, retry_policy="None"))

    assert (jobs.count("POST"), result.states["call"]) == (1, [state_then])
    assert jobs.count("GET") >= 2
    assert time.monotonic() - began < 30


def test_no_cancel_is_sent_where_none_is_given(run: Any, service: Any) -> None:
    jobs = service(STARTED, state("busy"))

    run(step(states(), execution_timeout="datetime.timedelta(seconds=1)"))

    assert {one.partition(" ")[0] for one in jobs.asked} == {"POST", "GET"}


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        (
            {"poll": "Poll(done_when='steps.fetch.id == response.body.id')"},
            "poll.done_when: 1:1: 'steps' is not known here, where the triggerer evaluates it too, but inputs, job, response",
        ),
        ({"poll": "Poll(done_when='respnse.status == 200')"}, "did you mean 'response'"),
        ({"poll": "'response.body.done'"}, "poll: must be a Poll, not str"),
        (
            {"poll": "Poll.location()", "for_each": "'[1]'"},
            "one task waits for one job: map the step, with CloudFunctionOperator.partial(…).expand(…), instead",
        ),
        (
            {"poll": "Poll.location()", "pages": "Pages.link_header()"},
            "read the pages of the job's result in a step of their own",
        ),
        (
            {
                "poll": "Poll.location()",
                "on_unknown": "Confirm(uri='\"/a\"', done_when='true', returns='1')",
            },
            "on_unknown.returns: has no effect beside poll=, which comes after it",
        ),
        ({"poll": "Poll(done_when='true', every=0)"}, "poll: every: must be seconds above 0"),
        ({"poll": "Poll(done_when='true', tolerate=-1)"}, "poll: tolerate must be a whole number from 0, not -1"),
        ({"poll": "Poll(done_when='true', uri='\"/a\"', link='\"/b\"')"}, "poll: give uri or link"),
        ({"returns": "'job.body.id'", "poll": "None"}, "unknown name 'job'"),
    ],
)
def test_what_cannot_work_is_refused_when_the_dag_is_parsed(
    import_errors: Any, parameters: dict[str, str], message: str
) -> None:
    assert message in import_errors(dag_file(call(uri="'\"/jobs\"'", **parameters)))


def test_the_polls_of_a_rehearsal_are_shown_and_take_no_time() -> None:
    poll = Poll(done_when='response.body.state == "done"', every=600, at_most_every=600, uri='"/jobs/" + job.body.id')
    task = CloudFunctionOperator(task_id="call", method="POST", uri='"/jobs"', poll=poll, deferrable=True)

    result = testing.run(
        task, responses=[{"status": 201, "body": {"id": "7"}}, {"body": {"state": "busy"}}, {"body": {"state": "done"}}]
    )

    assert result.returned == {"state": "done"}
    assert [(one.method, one.path) for one in result.requests] == [
        ("POST", "/jobs"),
        ("GET", "/jobs/7"),
        ("GET", "/jobs/7"),
    ]


def test_a_rehearsal_of_a_job_without_an_end_is_late() -> None:
    task = CloudFunctionOperator(task_id="call", method="POST", uri='"/jobs"', poll=Poll(done_when="false", uri='"/j"'))

    result = testing.run(task, responses={"body": {}})

    assert "was not done within 3600 seconds" in str(result.error)


def test_the_result_can_go_into_a_file(run: Any, service: Any, tmp_path: Path) -> None:
    service(
        STARTED,
        state("done"),
        others={"GET /v1/jobs/7/rows": Answer(200, b"a,b\n", {"Content-Type": "text/csv"})},
    )

    result = run(
        step(states('result=\'"/jobs/" + job.body.id + "/rows"\''), response_file=f"'file://{tmp_path}/rows.csv'")
    )

    assert (tmp_path / "rows.csv").read_bytes() == b"a,b\n"
    assert result.xcom("call")["size"] == 4


class Store(dict[str, Any]):
    """Airflow's task state, of one task instance."""

    def set(self, key: str, value: Any, *, retention: Any = None) -> None:
        self[key] = value

    def delete(self, key: str) -> None:
        self.pop(key, None)


@KEPT
def test_where_airflow_gives_up_on_the_triggerer_the_job_is_cancelled(service: Any) -> None:
    jobs = service(STARTED, state("busy"), others={"DELETE /v1/jobs/7": Answer.of(200)})
    poll = Poll(done_when="false", uri='"/jobs/" + job.body.id', cancel='"/jobs/" + job.body.id', timeout=60)
    arguments: dict[str, Any] = {"task_id": "call", "cloudfn_conn_id": "jobs", "method": "POST", "uri": '"/jobs"'}
    context: Any = {
        "ti": SimpleNamespace(dag_id="d", run_id="r", task_id="call", max_tries=0, map_index=-1, try_number=1),
        "task_state_store": Store(),
    }
    begun = CloudFunctionOperator(**arguments, poll=poll, deferrable=True)
    with pytest.raises(TaskDeferred):
        begun.execute(context)

    again = CloudFunctionOperator(**arguments, poll=poll, deferrable=True)
    again.render_template_fields(context)
    with pytest.raises(RequestTimeoutError, match=r"within 60 seconds \(timeout\); it was cancelled"):
        again.resume_execution("__fail__", {"error": TriggerFailureReason.TRIGGER_TIMEOUT}, context)

    assert jobs.asked == ["POST /v1/jobs", "DELETE /v1/jobs/7"]
    assert context["task_state_store"] == {}


@pytest.mark.parametrize(
    ("cancel", "handed_over"),
    [
        ('"/jobs/" + job.body.id', {"method": "DELETE", "uri": "/jobs/7"}),
        ('{"method": "POST", "uri": "/end", "body": {"id": job.body.id}}', {"method": "POST", "data": '{"id":"7"}'}),
        (None, None),
        ("null", None),
        ('"/jobs/s3cret-key"', None),
    ],
)
def test_what_ends_the_job_is_handed_over_to_the_triggerer(
    service: Any, connection: Callable[..., None], cancel: str | None, handed_over: dict[str, str] | None
) -> None:
    jobs = service(STARTED, state("busy"))
    connection(
        "jobs",
        conn_type="cloudfn",
        host=f"{jobs.server.url}/v1",
        password="s3cret-key",
        extra={"auth_type": "api_key", "key_location": "header", "key_name": "X-Key"},
    )
    poll = Poll(done_when="false", uri='"/jobs/" + job.body.id', cancel=cancel, timeout=60)
    task = CloudFunctionOperator(
        task_id="call", cloudfn_conn_id="jobs", method="POST", uri='"/jobs"', poll=poll, deferrable=True
    )
    instance = SimpleNamespace(dag_id="d", run_id="r", task_id="call", max_tries=0, map_index=-1, try_number=1)

    with pytest.raises(TaskDeferred) as deferred:
        task.execute({"ti": instance})  # type: ignore[typeddict-item]

    given = deferred.value.trigger.serialize()[1]["cancel"]
    assert (given is None) is (handed_over is None)
    assert given is None or handed_over is None or given.items() >= handed_over.items()


@KEPT
def test_what_is_handed_over_holds_no_more_of_the_answer_than_is_named(service: Any) -> None:
    service(Answer.of(201, {"id": "7", "upload_token": "a-secret-of-the-service"}), state("busy"))
    context: Any = {"ti": SimpleNamespace(max_tries=0, map_index=-1, try_number=1), "task_state_store": Store()}
    task = CloudFunctionOperator(
        task_id="call",
        cloudfn_conn_id="jobs",
        method="PUT",
        uri='"/jobs"',
        poll=Poll(done_when='response.body.id == job.body.id + "!"', uri='"/jobs/" + job.body.id'),
        deferrable=True,
    )

    with pytest.raises(TaskDeferred) as deferred:
        task.execute(context)

    written = repr((deferred.value.trigger.serialize(), deferred.value.kwargs, context["task_state_store"]))
    assert "a-secret-of-the-service" not in written
    assert "'id': '7'" in written
