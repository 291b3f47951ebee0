"""The wait for a job's end: one loop for the worker and for the triggerer, over a question as a wire format."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping  # noqa: TC003 - the wire format has its types
from typing import Any, ClassVar, Final, Literal, TypeAlias

from msgspec import Struct, field
from msgspec.structs import asdict, replace

from airflow_provider_cloudfn import cel
from airflow_provider_cloudfn.auth.redacted import Redacted
from airflow_provider_cloudfn.client.response import Response
from airflow_provider_cloudfn.client.status import retry_after_seconds
from airflow_provider_cloudfn.exceptions import CloudFunctionError, ExpressionError, require_truth
from airflow_provider_cloudfn.triggers.poll import HttpPoll, NotYet
from airflow_provider_cloudfn.triggers.wire_format import require_wire_format
from airflow_provider_cloudfn.triggers.written_down import read_back

__all__ = ["JOB_VARIABLES", "Job", "JobEnd", "JobOutcome", "JobPoll", "wait_for_end"]

#: What the expressions can name.
JOB_VARIABLES: Final = ("response", "job", "inputs")
_GROWTH: Final = 1.5
#: Seconds that pass at least, whatever a service asks for: ``Retry-After: 0`` is no reason to ask without a pause.
_LEAST: Final = 1.0


#: What an answer says of a job; None that it goes on.
JobOutcome: TypeAlias = Literal["done", "failed"] | None


class JobPoll(Redacted, frozen=True, kw_only=True):
    """
    The question after a job, and what its answers mean, as a wire format.

    :param question: What is asked.
    :param done_when: CEL: whether the job is done.
    :param failed_when: CEL: whether it has failed; None where nobody said.
    :param known: What the two name besides ``response``.
    :param every: Seconds between two polls at the beginning.
    :param at_most_every: What they grow to.
    :param tolerate: How many polls in a row may fail.
    :param moves: Whether an answer can say where to go on.
    :param place: What errors put before the names of the two expressions.
    """

    _hidden: ClassVar = frozenset({"known"})

    question: HttpPoll
    done_when: str
    failed_when: str | None = None
    known: Mapping[str, Any] = field(default_factory=dict)
    every: float = 5.0
    at_most_every: float = 60.0
    tolerate: int = 5
    moves: bool = False
    place: str = "poll."

    def judged(self, response: Response) -> JobOutcome:
        """
        Return what an answer says of the job; None that it goes on.

        :raises ExpressionError: when an expression has no value, or none that is true or false.
        """
        known = {name: read_back(value) for name, value in self.known.items()}
        variables = {"job": None, "inputs": None, **known, "response": response.as_variable()}
        if self.failed_when is not None and self._truth("failed_when", self.failed_when, variables):
            return "failed"
        return "done" if self._truth("done_when", self.done_when, variables) else None

    def _truth(self, name: str, source: str, variables: Mapping[str, Any]) -> bool:
        try:
            return require_truth(cel.compile(source, variables=JOB_VARIABLES).evaluate(variables))
        except ExpressionError as error:
            raise error.in_field(f"{self.place}{name}") from None

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON."""
        return {**asdict(self), "question": self.question.to_dict()}

    @classmethod
    def from_dict(cls, written: Any) -> JobPoll:
        """
        Return what :meth:`to_dict` wrote.

        :raises ConfigurationError: when it is nothing of the kind.
        """
        require_wire_format("job", written, cls)
        return cls(**{**written, "question": HttpPoll.from_dict(written["question"])})


class Job(Redacted, frozen=True, kw_only=True):
    """
    A job that was started, as a wire format: for the next try, and for the worker that goes on after the triggerer.

    :param poll: How its state is asked for.
    :param answer: What expressions name of ``job``.
    :param begun: When it was started, in seconds since 1970.
    """

    _hidden: ClassVar = frozenset({"answer"})

    poll: JobPoll
    answer: Mapping[str, Any] | None
    begun: float

    def variable(self) -> Any:
        """Return what expressions read as ``job``."""
        return read_back(self.answer)

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON."""
        return {"poll": self.poll.to_dict(), "answer": self.answer, "begun": self.begun}

    @classmethod
    def from_dict(cls, written: Any) -> Job:
        """
        Return what :meth:`to_dict` wrote.

        :raises ConfigurationError: when it is nothing of the kind.
        """
        require_wire_format("job", written, cls)
        return cls(poll=JobPoll.from_dict(written["poll"]), answer=written["answer"], begun=float(written["begun"]))


class JobEnd(Struct, frozen=True):
    """
    How a wait has ended.

    :param outcome: ``done`` or ``failed``: what the last answer says. ``late``: it was time to stop. ``going``: the job goes on,
        and one question was all that was to be asked.
    :param poll: The poll as it is by now: an answer can have said where to go on.
    :param response: That answer.
    :param wait: Seconds until the next question of a job that goes on.
    """

    outcome: Literal["done", "failed", "late", "going"]
    poll: JobPoll
    response: Response | None = None
    wait: float = 0.0


async def wait_for_end(
    job: JobPoll,
    ask: Callable[[HttpPoll], Awaitable[Response | NotYet]],
    *,
    first_wait: float,
    seconds: float,
    sleep: Callable[[float], Awaitable[object]],
    tell: Callable[[str], None],
    resolve: Callable[[HttpPoll, str], Awaitable[str]],
    once: bool = False,
    was_started: bool = False,
    judge: Callable[[JobPoll, Response], Awaitable[JobOutcome]] | None = None,
) -> JobEnd:
    """
    Ask until the job has ended.

    :param first_wait: Seconds until the first question; 0 asks at once, even where no time is left.
    :param seconds: How long to wait in all.
    :param tell: Is told of each poll that failed and is tolerated.
    :param resolve: Returns the whole URL of a link in an answer.
    :param once: Whether one question is all.
    :param was_started: Whether it is known that there is a job: until the service has told of it, its 404 can come too early.
    :param judge: Does what :meth:`JobPoll.judged` does, where that must not hold up an event loop.
    :raises CloudFunctionError: for an answer that is neither, and for too many polls in a row that have failed.
    """
    began, slept = time.monotonic(), 0.0
    wait, interval, failures, is_seen = first_wait, job.every, 0, not was_started
    while True:
        # Where no time passes, as in a rehearsal, what would have passed counts.
        left = max(0.0, seconds - max(time.monotonic() - began, slept))
        if wait and wait >= left:
            await sleep(left)
            return JobEnd("late", job)
        await sleep(wait)
        slept += wait
        answer: Response | NotYet
        try:
            answer = await ask(job.question)
        except CloudFunctionError as error:
            failures += 1
            if not error.retryable and (is_seen or error.status != 404):
                raise
            if failures > job.tolerate:
                raise error.reworded(_given_up(failures, error)) from None
            tell(f"Poll failed, {failures} in a row of {job.tolerate} that are tolerated: {error}")
            answer = NotYet(error.retry_after or 0.0, error.status)
        else:
            failures = 0
        if isinstance(answer, Response):
            is_seen = True
            outcome = job.judged(answer) if judge is None else await judge(job, answer)
            if outcome is not None:
                return JobEnd(outcome, job, answer)
            if job.moves and (link := _moved(answer)) is not None:
                job = replace(job, question=replace(job.question, uri=await resolve(job.question, link)))
            told = retry_after_seconds(answer)
            wait = interval if told is None else max(told, min(job.every, _LEAST))
        else:
            wait = max(answer.seconds, interval)
        interval = min(interval * _GROWTH, max(job.at_most_every, job.every))
        if once:
            return JobEnd("going", job, wait=wait)


def _moved(response: Response) -> str | None:
    found = response.headers.get("operation-location")
    return found or (response.headers.get("location") if response.status == 202 else None)


def _given_up(failures: int, error: CloudFunctionError) -> str:
    if failures == 1:
        return error.message
    return f"poll: {failures} polls in a row have failed, the last with: {error.message}"
