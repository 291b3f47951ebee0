"""The loop that waits for a job: when it asks, what it tolerates, and when it stops."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from airflow_provider_cloudfn.auth.message import HttpResponse
from airflow_provider_cloudfn.client.response import Response, read_response
from airflow_provider_cloudfn.exceptions import CloudFunctionError, ResponseError
from airflow_provider_cloudfn.triggers.job import JobEnd, JobPoll, wait_for_end
from airflow_provider_cloudfn.triggers.poll import HttpPoll, NotYet


def answer(body: bytes = b'{"state": "busy"}', status: int = 200, **headers: str) -> Response:
    given = {"Content-Type": "application/json", **{name.replace("_", "-"): value for name, value in headers.items()}}
    return read_response(HttpResponse(status, tuple(given.items()), body), "https://jobs.example/7")


DONE = answer(b'{"state": "done"}')
BROKEN = ResponseError("GET /7 answered 503", status=503, retryable=True)
REFUSED = ResponseError("GET /7 answered 400", status=400)


class Waited:
    """A wait over answers: how it ended, how long it slept each time, and what it was told."""

    def __init__(
        self,
        *answers: Any,
        first_wait: float = 0.0,
        seconds: float = 1e6,
        once: bool = False,
        was_started: bool = False,
        **poll: Any,
    ) -> None:
        self.slept: list[float] = []
        self.told: list[str] = []
        self.asked: list[str] = []
        self._answers = list(answers)
        given = {"done_when": 'response.body.state == "done"', "every": 10.0, "at_most_every": 30.0, **poll}
        job = JobPoll(question=HttpPoll(conn_id="jobs", uri="/7"), **given)
        self.ended: JobEnd = asyncio.run(
            wait_for_end(
                job,
                self._ask,
                first_wait=first_wait,
                seconds=seconds,
                sleep=self._sleep,
                tell=self.told.append,
                resolve=self._resolve,
                once=once,
                was_started=was_started,
            )
        )

    async def _ask(self, question: HttpPoll) -> Response | NotYet:
        self.asked.append(question.uri)
        given = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if isinstance(given, Exception):
            raise given
        return given  # type: ignore[no-any-return]

    async def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)

    async def _resolve(self, question: HttpPoll, link: str) -> str:
        return f"{question.uri} -> {link}"


def test_the_interval_grows_by_half_up_to_its_bound() -> None:
    assert Waited(*[answer()] * 5, DONE, first_wait=5.0).slept == [5.0, 10.0, 15.0, 22.5, 30.0, 30.0]


def test_an_interval_whose_bound_is_itself_stays() -> None:
    assert Waited(*[answer()] * 3, DONE, at_most_every=10.0).slept == [0.0, 10.0, 10.0, 10.0]


@pytest.mark.parametrize(("told", "waited"), [("2", 2.0), ("40", 40.0), ("0", 1.0)])
def test_what_retry_after_says_comes_before_the_interval(told: str, waited: float) -> None:
    assert Waited(answer(Retry_After=told), DONE).slept == [0.0, waited]


def test_a_question_that_is_put_off_is_no_failure() -> None:
    waited = Waited(*[NotYet(20.0, 503)] * 9, DONE, tolerate=0)

    assert (waited.ended.outcome, waited.told) == ("done", [])
    assert waited.slept[1] == 20.0


def test_failures_that_can_pass_are_tolerated_in_a_row() -> None:
    waited = Waited(BROKEN, BROKEN, answer(), BROKEN, BROKEN, DONE, tolerate=2)

    assert waited.ended.outcome == "done"
    assert [one.partition(":")[0] for one in waited.told] == [
        "Poll failed, 1 in a row of 2 that are tolerated",
        "Poll failed, 2 in a row of 2 that are tolerated",
    ] * 2


UNKNOWN = ResponseError("GET /7 answered 404", status=404)


def test_a_job_that_was_started_can_be_asked_for_too_soon() -> None:
    waited = Waited(UNKNOWN, UNKNOWN, answer(), DONE, was_started=True, tolerate=2)

    assert (waited.ended.outcome, len(waited.told)) == ("done", 2)


@pytest.mark.parametrize(
    ("answers", "settings"),
    [
        ([UNKNOWN, UNKNOWN, DONE], {"was_started": True, "tolerate": 1}),
        ([answer(), UNKNOWN, DONE], {"was_started": True}),
        ([UNKNOWN, DONE], {"was_started": False}),
        ([UNKNOWN, DONE], {"was_started": True, "tolerate": 0}),
    ],
    ids=["too often", "after it was known", "no job of ours", "nothing is tolerated"],
)
def test_any_other_404_ends_it(answers: list[Any], settings: dict[str, Any]) -> None:
    with pytest.raises(ResponseError, match="404"):
        Waited(*answers, **settings)


def test_one_more_is_an_error_that_says_how_many_there_were() -> None:
    with pytest.raises(ResponseError, match="3 polls in a row have failed, the last with: GET /7 answered 503"):
        Waited(ResponseError("GET /7 answered 503", status=503, retryable=True), tolerate=2)


@pytest.mark.parametrize(
    ("given", "poll"),
    [(REFUSED, {}), (answer(), {"done_when": "response.body.nope"}), (answer(), {"done_when": "1"})],
    ids=["status", "no such field", "no bool"],
)
def test_what_cannot_pass_ends_it_at_once(given: Any, poll: dict[str, Any]) -> None:
    with pytest.raises(CloudFunctionError):
        Waited(given, DONE, **poll)


def test_numbers_that_were_put_aside_in_the_row_are_numbers_again() -> None:
    total = {"$cloudfn.number": "123456789012345678901234567890"}
    known = {"job": {"body": {"total": total}}, "inputs": {"totals": [total]}}
    done = answer(b'{"total": 123456789012345678901234567890}')

    for other in ("job.body.total", "inputs.totals[0]"):
        assert (
            Waited(done, done_when=f"response.body.total == {other}", known=known, seconds=0.0).ended.outcome == "done"
        )


def test_failed_when_is_asked_before_done_when() -> None:
    assert Waited(DONE, failed_when="true").ended.outcome == "failed"


def test_it_is_late_when_the_next_question_would_be() -> None:
    waited = Waited(answer(), seconds=12.0, at_most_every=10.0)

    assert waited.ended.outcome == "late"
    assert len(waited.asked) == 2
    assert sum(waited.slept) == pytest.approx(12.0, abs=0.5)


def test_one_question_is_asked_even_where_no_time_is_left() -> None:
    assert Waited(DONE, seconds=0.0).ended.outcome == "done"


def test_where_one_question_is_all_it_says_when_the_next_would_be() -> None:
    ended = Waited(answer(), once=True).ended

    assert (ended.outcome, ended.wait) == ("going", 10.0)


@pytest.mark.parametrize(
    ("given", "places"),
    [
        (answer(status=202, Location="8"), ["/7", "/7 -> 8"]),
        (answer(Location="8"), ["/7", "/7"]),
        (answer(Operation_Location="9"), ["/7", "/7 -> 9"]),
    ],
)
def test_an_answer_can_say_where_to_go_on(given: Response, places: list[str]) -> None:
    waited = Waited(given, DONE, moves=True)

    assert waited.asked == places
    assert waited.ended.poll.question.uri == places[-1]
