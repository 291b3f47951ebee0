"""Waits until a service says that something is there, in the words of the cloud function, in every mode."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, ClassVar, Final, Self

from airflow.sdk import conf

from airflow_provider_cloudfn.authoring.parameter import Parameter, Reading
from airflow_provider_cloudfn.authoring.request_checks import headers_problem, query_problem, uri_problem
from airflow_provider_cloudfn.authoring.shapes import header_text, query_text, uri_text
from airflow_provider_cloudfn.authoring.value_checks import (
    connection_id_problem,
    count_problem,
    seconds,
    time_limit_problem,
)
from airflow_provider_cloudfn.client.status import retry_after_seconds
from airflow_provider_cloudfn.exceptions import CloudFunctionError, RequestTimeoutError, flag_problem, seconds_text
from airflow_provider_cloudfn.journal.entries import FailuresEntry
from airflow_provider_cloudfn.journal.task_journal import TaskJournal
from airflow_provider_cloudfn.operators.base import ExpressionOperator
from airflow_provider_cloudfn.operators.http_operator_names import OF_SENSOR, refuse_http_operator_names
from airflow_provider_cloudfn.operators.poll_parts import condition_source
from airflow_provider_cloudfn.operators.settled import refused_answer
from airflow_provider_cloudfn.sensors.deferring import DeferringSensor
from airflow_provider_cloudfn.triggers.job import Job, JobPoll, wait_for_end
from airflow_provider_cloudfn.triggers.poll import HttpPoll, NotYet
from airflow_provider_cloudfn.triggers.written_down import named_by, written_down

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Sequence

    from airflow.sdk import Asset, PokeReturnValue
    from airflow.sdk.definitions.context import Context

    from airflow_provider_cloudfn import cel
    from airflow_provider_cloudfn.client.response import Response
    from airflow_provider_cloudfn.hooks.request import RequestHook
    from airflow_provider_cloudfn.records.call_record import Kind
    from airflow_provider_cloudfn.triggers.job_wait import JobTrigger

__all__ = ["CloudFunctionSensor"]

#: The name of the journal's entry.
_FAILURES: Final = "failures"
#: What the conditions can name: the triggerer evaluates them too.
_NAMES: Final = frozenset({"response", "inputs"})


def _statuses_problem(value: Any) -> str | None:
    is_list = isinstance(value, (list, tuple, set, frozenset))
    if is_list and all(type(one) is int and 100 <= one <= 599 for one in value):
        return None
    return f"must be statuses, such as (404, 409), not {value!r}"


class CloudFunctionSensor(ExpressionOperator, DeferringSensor):
    """
    Ask a web service at intervals until the answer is the one, return it, and tell other Dags.

    Its words are those of :class:`~airflow_provider_cloudfn.operators.cloudfn.CloudFunctionOperator`; `poke_interval`, `timeout`,
    `mode`, `soft_fail` and the like are those of every sensor. A status in `not_yet` means "not yet", and so does any of
    4xx or 5xx with ``Retry-After``, which is waited for. An answer that can be another one next time, such as 503, is tolerated
    a few times in a row; any other that is no success fails the sensor.

    :param cloudfn_conn_id: The connection, of type ``cloudfn`` or ``amazon_connect``. (templated)
    :param uri: CEL: the path below the connection's base URL, perhaps with a query.
    :param query: The query, as a dict, as of the operator.
    :param headers: The headers, as `query`.
    :param inputs: What expressions read as ``inputs``. (templated)
    :param done_when: CEL over ``response`` and ``inputs``: whether this is the answer. Default: any success is.
    :param failed_when: CEL over the same: whether there is no use in waiting any longer. It is asked first.
    :param returns: CEL over ``response`` and the rest: what the sensor returns. Default: ``response.body``.
    :param completion_event: A :class:`CompletionEvent`, or any asset, to emit when the answer is there.
    :param event_payload: What the event carries. Default: what the sensor returns.
    :param emit_when: CEL over ``response`` and the rest: whether the event is emitted. Default: always.
    :param event_key: CEL over the same that gives text or an integer: the partition key of an event with
        ``one_run_per_event=True``, such as a customer's id. Default: the event's id.
    :param request_timeout: Seconds, or a timedelta, for one question. Default: as the connection says.
    :param not_yet: The statuses that mean "not yet".
    :param tolerate: How many questions in a row may fail for a reason that can pass. With ``mode="reschedule"`` they are
        counted from Airflow 3.3 on; before, all are tolerated until the timeout.
    :param deferrable: Whether to wait in the triggerer; default ``[operators] default_deferrable``.
    :raises ExpressionError: when an expression is wrong.
    :raises ConfigurationError: when the connection, the URI or a header is one that can't be.
    """

    template_fields: Sequence[str] = ("cloudfn_conn_id", "inputs", "uri", "query", "headers")
    template_fields_renderers: ClassVar[dict[str, str]] = {"inputs": "json", "query": "json", "headers": "json"}
    authored_parameters: ClassVar[tuple[Parameter, ...]] = (
        Parameter("cloudfn_conn_id", check=connection_id_problem),
        Parameter("inputs", Reading.MARKED, jinja=True),
        Parameter("uri", Reading.TEXT, shape=uri_text, check=uri_problem),
        Parameter("query", Reading.PAIRS, shape=query_text, check=query_problem),
        Parameter("headers", Reading.PAIRS, shape=header_text, check=headers_problem),
        Parameter("done_when", Reading.CONDITION, after_call=True, only=_NAMES),
        Parameter("failed_when", Reading.CONDITION, after_call=True, only=_NAMES),
        Parameter("returns", Reading.VALUE, after_call=True),
        *ExpressionOperator.authored_parameters,
        Parameter("request_timeout", check=time_limit_problem),
        Parameter("not_yet", check=_statuses_problem),
        Parameter("tolerate", check=count_problem),
        Parameter("deferrable", check=flag_problem),
    )
    ui_color = "#e2f0ea"
    call_kind: ClassVar[Kind] = "wait"

    def __new__(cls, *_args: Any, **kwargs: Any) -> Self:
        """Refuse the names of ``HttpSensor``: Airflow would speak of those that are missing."""
        refuse_http_operator_names(cls, kwargs, OF_SENSOR)
        return super().__new__(cls, **kwargs)

    def __init__(
        self,
        *,
        cloudfn_conn_id: str = "cloudfn_default",
        uri: Any,
        query: Any = None,
        headers: Any = None,
        inputs: Any = None,
        done_when: str | cel.Expression | bool = True,
        failed_when: str | cel.Expression | bool | None = None,
        returns: Any = None,
        completion_event: Asset | None = None,
        event_payload: Any = None,
        emit_when: str | cel.Expression | bool | None = None,
        event_key: Any = None,
        request_timeout: float | dt.timedelta | None = None,
        not_yet: Sequence[int] = (404,),
        tolerate: int = 5,
        deferrable: bool = conf.getboolean("operators", "default_deferrable", fallback=False),
        **kwargs: Any,
    ) -> None:
        super().__init__(
            completion_event=completion_event,
            event_payload=event_payload,
            emit_when=emit_when,
            event_key=event_key,
            **kwargs,
        )
        self.cloudfn_conn_id = cloudfn_conn_id
        self.uri = uri
        self.query = query
        self.headers = headers
        self.inputs = inputs
        self.done_when = done_when
        self.failed_when = failed_when
        self.returns = returns
        self.request_timeout = request_timeout
        self.not_yet = not_yet
        self.tolerate = tolerate
        self.deferrable = deferrable
        self._failures = 0

    def execute(self, context: Context) -> Any:
        """Wait."""
        with self._recorded(context):
            self.prepare(context)
            return super().execute(context)

    def execute_complete(self, context: Context, event: Any = None) -> Any:
        """Go on after the triggerer has waited."""
        from airflow_provider_cloudfn.triggers.job_wait import JobEvent

        told = JobEvent.from_dict(event)
        self._deadline = time.monotonic() + told.seconds
        if told.outcome == "error":
            # The triggerer has tolerated what was to be tolerated.
            self._failures = self.tolerate
        return self.execute(context)

    def poke(self, context: Context) -> bool | PokeReturnValue:
        """Ask once."""
        from airflow.sdk import PokeReturnValue

        poll = self._poll()
        hook: RequestHook[Any] = self._watched(self.hook())
        hook.name_calls(self.task_id)
        failures = self._failures_before(context)
        try:
            answer = poll.question.ask(hook)
        except CloudFunctionError as error:
            if not error.retryable or failures >= self.tolerate:
                if failures:
                    # They are this try's: another one begins to count anew.
                    self._count_failures(context, 0)
                raise
            self._count_failures(context, failures + 1)
            self.log.warning("Asking failed, which is tolerated %d times in a row: %s", self.tolerate, error)
            answer = NotYet(error.retry_after or 0.0, error.status)
        else:
            if failures:
                self._count_failures(context, 0)
        self._asked_to_wait = answer.seconds if isinstance(answer, NotYet) else retry_after_seconds(answer) or 0.0
        outcome = None if isinstance(answer, NotYet) else poll.judged(answer)
        if isinstance(answer, NotYet) or outcome is None:
            self.log.info("Not yet: GET %s answered %s", self.uri, answer.status)
            return False
        return PokeReturnValue(
            is_done=True, xcom_value=self._finished(context, hook, answer, failed=outcome == "failed")
        )

    def carry_out(self, context: Context, hook: RequestHook[Any]) -> Any:
        """
        Wait in one go, as a rehearsal does.

        :raises RequestTimeoutError: when the answer is not there in time.
        """
        from airflow_provider_cloudfn.client.running import run

        client = hook.client()

        async def ask(question: HttpPoll) -> Response | NotYet:
            return await question.aask(hook)

        async def resolve(question: HttpPoll, link: str) -> str:
            return client.resolve(question.request(), link)

        ended = run(
            lambda: wait_for_end(
                self._poll(),
                ask,
                first_wait=0.0,
                seconds=float(self.timeout),
                sleep=client.sleep,
                tell=self.log.warning,
                resolve=resolve,
            )
        )
        if ended.response is None:
            raise RequestTimeoutError(f"the answer was not there within {seconds_text(self.timeout)} (timeout)")
        return self._finished(context, hook, ended.response, failed=ended.outcome == "failed")

    def _finished(self, context: Context, hook: RequestHook[Any], answer: Response, *, failed: bool) -> Any:
        if failed:
            raise refused_answer("failed_when is true for", answer, hook, method="GET")
        self._response = answer
        variables = self._variables(context).with_response(answer.as_variable())
        result = answer.body if self.returns is None else self.evaluate_after_call("returns", variables)
        return self._finish(context, result, variables)

    def _failures_before(self, context: Context) -> int:
        """Return how many questions in a row have failed: with ``mode="reschedule"`` each is another process's."""
        if not self.reschedule:
            return self._failures
        entry = TaskJournal.of(context, self.log).read(_FAILURES, FailuresEntry)
        return 0 if entry is None else entry.count

    def _count_failures(self, context: Context, count: int) -> None:
        self._failures = count
        if self.reschedule:
            TaskJournal.of(context, self.log).write(_FAILURES, FailuresEntry(count=count))

    def _trigger(self, left: float, first_wait: float) -> JobTrigger:
        from airflow_provider_cloudfn.triggers.job_wait import JobTrigger

        return JobTrigger(job=Job(poll=self._poll(), answer=None, begun=0.0), seconds=left, first_wait=first_wait)

    def _poll(self) -> JobPoll:
        sources = [condition_source(one) for one in (self.done_when, self.failed_when) if one is not None]
        inputs = written_down(named_by(sources, "inputs", self.inputs))
        return JobPoll(
            question=HttpPoll(
                conn_id=self.cloudfn_conn_id,
                uri=self.uri,
                query=self.query or None,
                headers=self.headers or {},
                timeout=None if self.request_timeout is None else seconds("request_timeout", self.request_timeout),
                waiting=tuple(self.not_yet),
                once=True,
                as_it_came=self.returns is not None and not self.reads_body(),
            ),
            done_when=condition_source(self.done_when),
            failed_when=condition_source(self.failed_when),
            known={} if inputs is None else {"inputs": inputs},
            every=max(float(self.poke_interval), 0.001),
            at_most_every=max(float(self.poke_interval), self._longest_interval, 0.001),
            tolerate=self.tolerate,
            place="",
        )
