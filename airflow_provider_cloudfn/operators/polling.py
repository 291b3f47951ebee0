"""A call that starts a job: the job's place is kept, its end is waited for here or in the triggerer, and its result fetched."""

from __future__ import annotations

import time
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, Final, NoReturn

from msgspec.structs import replace

from airflow_provider_cloudfn.authoring.shapes import header_text, query_text, uri_text
from airflow_provider_cloudfn.authoring.value_checks import seconds
from airflow_provider_cloudfn.authoring.variables import SAMPLE_RUN
from airflow_provider_cloudfn.client.request import Request
from airflow_provider_cloudfn.client.response import as_it_says
from airflow_provider_cloudfn.client.running import run
from airflow_provider_cloudfn.client.status import retry_after_seconds
from airflow_provider_cloudfn.exceptions import (
    CloudFunctionError,
    ConfigurationError,
    ExpressionError,
    RequestTimeoutError,
    ResponseError,
    seconds_text,
)
from airflow_provider_cloudfn.journal.entries import JobEntry
from airflow_provider_cloudfn.journal.task_journal import TaskJournal
from airflow_provider_cloudfn.json_encoding import encode_json
from airflow_provider_cloudfn.operators.job_cancel import JobCancel
from airflow_provider_cloudfn.operators.once import CALL
from airflow_provider_cloudfn.operators.poll_parts import PollParts, condition_source
from airflow_provider_cloudfn.operators.settled import Settled, refused_answer
from airflow_provider_cloudfn.triggers.deferral import defer
from airflow_provider_cloudfn.triggers.job import Job, JobEnd, JobPoll, wait_for_end
from airflow_provider_cloudfn.triggers.poll import HttpPoll
from airflow_provider_cloudfn.triggers.written_down import named_by, written_down

if TYPE_CHECKING:
    from airflow.sdk.definitions.context import Context

    from airflow_provider_cloudfn.authoring.poll import Poll
    from airflow_provider_cloudfn.authoring.variables import TaskVariables
    from airflow_provider_cloudfn.client.client import Client
    from airflow_provider_cloudfn.client.response import Response
    from airflow_provider_cloudfn.operators.function_call import FunctionCall
    from airflow_provider_cloudfn.operators.object_storage import ObjectStorageSink
    from airflow_provider_cloudfn.triggers.poll import NotYet

__all__ = ["PolledCall"]

_JOB: Final = "job"
_SAME_JOB: Final = (
    "its idempotency key names this job, so another try would be told of the same one: where it should start another, make "
    'idempotency_key of what is new then, such as cel("inputs.attempt")'
)


class _TaskEndedError(Exception):
    """The task is being ended from outside."""


class PolledCall:
    """
    The call of a task with ``poll=``.

    :param call: What starts the job, for an operator whose parameters are rendered, and judges its result.
    :param variables: What expressions can name.
    """

    def __init__(self, call: FunctionCall, context: Context, variables: TaskVariables) -> None:
        task = call.task
        self._call, self._task = call, task
        self._poll: Poll = task.poll  # type: ignore[assignment]  # who has none makes no such call
        self._hook = call.hook
        self._client: Client = call.hook.client()
        self._parts = PollParts(task, self._poll, self._client)
        self._context = context
        self._variables = variables
        self._journal = TaskJournal.of(context, task.log)
        self._is_rehearsed = SAMPLE_RUN in context
        self._defers = task.deferrable and not self._is_rehearsed
        self._cancel = JobCancel(self._client, task.log, self._forget)

    def settle(self, request: Request, sink: ObjectStorageSink | None) -> tuple[Settled, TaskVariables]:
        """
        Start the job, unless an earlier try has, wait for it, and return the answer of the step.

        :param sink: Where the body of the result goes.
        :raises CloudFunctionError: when it can't be started, has failed, or is not done in time, or its result is no success.
        """
        if sink is not None and self._poll.result is None:
            raise ConfigurationError("response_file: takes what poll.result asks for, and that is not given")
        settled, variables = self._settled(request, sink)
        response = settled.response
        try:
            self._call.require_success(response, variables.with_response(response.as_variable()))
        except ExpressionError:
            raise
        except CloudFunctionError as error:
            if response.status < 400:
                # It is what the job came to: the next try starts another one, as where the job has failed.
                self._forget()
                if self._task.idempotency_key:
                    error.reworded(f"{error.message}; {_SAME_JOB}").retryable = False
            raise
        return settled, variables

    def _settled(self, request: Request, sink: ObjectStorageSink | None) -> tuple[Settled, TaskVariables]:
        if self._task.trigger_event is not None:
            return self._resumed(self._task.trigger_event, sink)
        if (kept := self._kept()) is not None:
            self._task.log.info("An earlier try has started a job: its state is asked for at %s", _place(kept))
            self._parts.tell_changed(kept.poll)
            return self._wait(kept, sink, first_wait=0.0, seconds=self._seconds_left(kept))
        started = self._call.settle(self._context, request, self._variables, None)
        first = started.response
        if (job := self._started(request, first)) is None:
            if started.confirmed and self._poll.uri is None:
                raise self._parts.placeless(first)
            return self._at_once(request, first)
        self._keep(job)
        self._task.log.info("The job has begun: its state is asked for at %s", _place(job))
        told = retry_after_seconds(first)
        wait = job.poll.every if told is None else told
        return self._wait(job, sink, first_wait=wait, seconds=self._seconds_left(job))

    def end_late(self) -> None:
        """
        End a job for which Airflow itself has stopped waiting, if its place is kept.

        :raises RequestTimeoutError: when it is.
        """
        if (kept := self._kept()) is not None:
            self._prepare_cancel(kept)
            self._end_late(kept)

    def kill(self) -> None:
        """Tell the service that nobody wants the result any more, and forget the job: the task is being killed."""
        self._cancel.kill()

    def _resumed(self, event: Any, sink: ObjectStorageSink | None) -> tuple[Settled, TaskVariables]:
        """Go on after the triggerer has waited: it does not tell what was answered, so the worker asks once more."""
        from airflow_provider_cloudfn.triggers.job_wait import JobEvent

        told = JobEvent.from_dict(event)
        job = Job.from_dict(told.job)
        if told.outcome == "late":
            self._prepare_cancel(job)
            self._end_late(job)
        # The triggerer has tolerated what was to be tolerated.
        tolerate = 0 if told.outcome == "error" else job.poll.tolerate
        return self._wait(job, sink, first_wait=0.0, seconds=told.seconds, once=True, tolerate=tolerate)

    def _wait(
        self,
        job: Job,
        sink: ObjectStorageSink | None,
        *,
        first_wait: float,
        seconds: float,
        once: bool = False,
        tolerate: int | None = None,
    ) -> tuple[Settled, TaskVariables]:
        self._prepare_cancel(job)
        if self._cancel.is_killed:
            # That came while the job was being started, and there was nothing to cancel yet.
            self._end_killed(job)
        if self._defers and not once:
            self._defer(job, first_wait, seconds)
        began = time.monotonic()
        try:
            asked = job.poll if tolerate is None else replace(job.poll, tolerate=tolerate)
            ended = run(lambda: self._waited(asked, first_wait, seconds, once=once and self._defers))
        except _TaskEndedError:
            self._end_killed(job)
        except CloudFunctionError as error:
            if error.status == 410:
                self._forget()
            if error.status == 404:
                raise error.reworded(
                    f"poll: the job was started, and the service does not know it: {error.message}. Another try asks for the "
                    "same job: clear the task to start another one"
                ) from None
            raise
        job = replace(job, poll=replace(ended.poll, tolerate=job.poll.tolerate))
        if ended.outcome == "going":
            self._defer(job, ended.wait, max(0.0, seconds - (time.monotonic() - began)))
        if ended.outcome == "late":
            self._end_late(job)
        # Whoever kills the task from now on finds no job that goes on.
        self._cancel.give(None)
        last: Any = ended.response
        if ended.outcome == "failed":
            self._forget()
            raise self._failure(job.poll.question.method, last)
        return self._result(job, last, sink)

    async def _waited(self, poll: JobPoll, first_wait: float, seconds: float, *, once: bool) -> JobEnd:
        async def ask(question: HttpPoll) -> Response | NotYet:
            if self._cancel.is_killed:
                raise _TaskEndedError
            return await question.aask(self._hook)

        async def resolve(question: HttpPoll, link: str) -> str:
            return self._client.resolve(question.request(), link)

        # What is rehearsed has a transport already.
        opened = nullcontext(self._client) if self._client.transport is not None else self._client.session()
        async with opened as session:
            with self._hook.sending_over(session):
                return await wait_for_end(
                    poll,
                    ask,
                    first_wait=first_wait,
                    seconds=seconds,
                    sleep=lambda seconds: session.unless_ended(session.sleep(seconds)),
                    tell=self._task.log.warning,
                    resolve=resolve,
                    once=once,
                    was_started=True,
                )

    def _defer(self, job: Job, first_wait: float, seconds: float) -> NoReturn:
        from airflow_provider_cloudfn.triggers.job_wait import JobTrigger

        cancel = self._cancel.handed_over(self._task.cloudfn_conn_id)
        defer(self._task, JobTrigger(job=job, seconds=seconds, first_wait=first_wait, cancel=cancel), seconds)

    def _started(self, request: Request, first: Response) -> Job | None:
        """Return the job; None where the answer says that it was done at once."""
        poll, answer = self._poll, {**first.as_variable(), "method": request.method}
        variables = self._variables.with_more(job=answer)
        place = self._place(request, first, variables)
        if place is None:
            if first.status == 202:
                raise ResponseError(
                    f"poll: the answer 202 of {request.method} {first.url} does not say where to ask: say it with uri="
                )
            return None
        same = request if place == request.uri and request.method == "GET" else Request("GET", place)
        question = HttpPoll(
            conn_id=self._task.cloudfn_conn_id,
            uri=place,
            query={**dict(same.query or {}), **query_text("poll.query", self._parts.value("query", variables))} or None,
            headers={**(same.headers or {}), **header_text("poll.headers", self._parts.value("headers", variables))},
            list_style=self._call.task.list_style,
            timeout=self._call.timeout,
            once=True,
            as_it_came=not self._call.reads_body,
        )
        try:
            self._client.prepare(question.request())
        except ConfigurationError as error:
            raise error.reworded(f"poll: the job was started, and can't be asked for: {error.message}") from None
        sources = [condition_source(one) for one in (poll.done_when, poll.failed_when) if one is not None]
        known = {
            "job": written_down(named_by(sources, "job", answer)),
            "inputs": written_down(named_by(sources, "inputs", variables["inputs"])),
        }
        every = seconds("poll: every", poll.every)
        return Job(
            poll=JobPoll(
                question=question,
                done_when=condition_source(poll.done_when),
                failed_when=condition_source(poll.failed_when),
                known={name: value for name, value in known.items() if value is not None},
                every=every,
                at_most_every=max(every, seconds("poll: at_most_every", poll.at_most_every)),
                tolerate=poll.tolerate,
                moves=poll.moves or (poll.uri is None and poll.link is None),
            ),
            answer=written_down(named_by(self._parts.later(), "job", answer)),
            begun=time.time(),
        )

    def _place(self, request: Request, first: Response, variables: TaskVariables) -> str | None:
        """Return where the job's state is asked for."""
        poll = self._poll
        if poll.uri is not None:
            place = self._parts.value("uri", variables)
            return None if place is None else uri_text("poll.uri", place)
        if poll.link is not None:
            link = self._parts.value("link", variables)
        else:
            link = first.headers.get("operation-location", first.headers.get("location"))
            if link is None and request.method == "GET":
                return request.uri
            if link is None:
                raise ResponseError(
                    f"poll: the answer {first.status} of {request.method} {first.url} has no Operation-Location and "
                    "no Location: say with uri= where the job's state is asked for"
                )
        # An empty one would lead to where the job was started, whose answer is of no job.
        place = "" if link is None else uri_text("poll.link", link).strip()
        return self._client.resolve(request, place) if place else None

    def _at_once(self, request: Request, first: Response) -> tuple[Settled, TaskVariables]:
        if self._call.reads_body:
            first = as_it_says(first)
        answer = {**first.as_variable(), "method": request.method}
        variables = self._variables.with_more(job=answer, response=answer)
        if self._poll.failed_when is not None and self._task.truth_after_call("poll.failed_when", variables):
            self._forget()
            raise self._failure(request.method, first)
        return self._with_value(first, variables)

    def _result(self, job: Job, last: Response, sink: ObjectStorageSink | None) -> tuple[Settled, TaskVariables]:
        variables = self._variables.with_more(job=job.variable(), response=last.as_variable())
        wanted = None if self._poll.result is None else self._parts.value("result", variables)
        if wanted is None:
            if sink is not None:
                raise ConfigurationError("response_file: takes what poll.result asks for, and that gives null")
            return self._with_value(last, variables)
        request = self._parts.request("result", wanted, job.poll.question, "GET")
        response = self._hook.send(request, self._call.sending_for_result(variables, sink))
        return Settled(response, None if sink is None else str(sink.path)), variables

    def _with_value(self, last: Response, variables: TaskVariables) -> tuple[Settled, TaskVariables]:
        if self._poll.value is None:
            return Settled(last), variables
        return Settled(replace(last, read=self._parts.value("value", variables))), variables

    def _failure(self, method: str, last: Response) -> ResponseError:
        # The next try starts another job, as its author wants with retries; unless its key names this one.
        has_key = bool(self._task.idempotency_key)
        end = f"; {_SAME_JOB}" if has_key else ""
        why = "poll: the job has failed, says"
        return refused_answer(why, last, self._hook, method=method, end=end, retryable=not has_key)

    def _end_late(self, job: Job) -> NoReturn:
        limit = seconds("poll: timeout", self._poll.timeout)
        became = self._ended_job()
        # One that may go on is not forgotten: whoever tries again asks for it, and starts none beside it.
        raise RequestTimeoutError(
            f"poll: the job at {_place(job)} was not done within {seconds_text(limit)} (timeout); {became}",
            retryable=self._cancel.send(),
        )

    def _end_killed(self, job: Job) -> NoReturn:
        became = self._ended_job()
        message = f"poll: the task was ended from outside while it waited for the job at {_place(job)}; {became}"
        raise CloudFunctionError(message, retryable=True) from None

    def _ended_job(self) -> str:
        """End the job, where that was not done, and return what became of it."""
        if not self._cancel.is_given:
            # Another try would start another job beside this one.
            return "it may go on at the service, as there is no cancel="
        return "it was cancelled" if self._cancel.send() else "it could not be cancelled: the log says why"

    def _prepare_cancel(self, job: Job) -> None:
        """Make the request that ends the job while there is time: the task can be killed at any moment."""
        if self._poll.cancel is None:
            return
        wanted = self._parts.value("cancel", self._variables.with_more(job=job.variable()))
        question = job.poll.question
        self._cancel.give(None if wanted is None else self._parts.request("cancel", wanted, question, "DELETE"))

    def _kept(self) -> Job | None:
        """Return the job that an earlier try has started."""
        entry = self._journal.read(_JOB, JobEntry)
        return None if entry is None else Job.from_dict(entry.job)

    def _keep(self, job: Job) -> None:
        text = encode_json(written := job.to_dict())
        if self._client.redaction().text(text) == text:
            self._journal.write(_JOB, JobEntry(job=written))
            return
        # What is handed over to the triggerer, or to another try, stands in the database.
        self._task.log.warning("The job's answer repeats a secret of the connection: the wait stays in this process")
        self._defers = False

    def _forget(self) -> None:
        """Let the next try start another job."""
        self._journal.forget(_JOB)
        self._journal.forget(CALL)
        self._task.call_is_final = False

    def _seconds_left(self, job: Job) -> float:
        limit = seconds("poll: timeout", self._poll.timeout)
        return min(limit, max(0.0, limit - (time.time() - job.begun)))


def _place(job: Job) -> str:
    return job.poll.question.uri.partition("?")[0]
