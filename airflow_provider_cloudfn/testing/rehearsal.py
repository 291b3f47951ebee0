"""The rehearsal of a step: the operator's own code, with samples for Airflow and a script for the service."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import cached_property, partial
from itertools import islice
from typing import TYPE_CHECKING, Any, NoReturn

from msgspec.structs import replace

from airflow_provider_cloudfn.auth.message import HttpResponse
from airflow_provider_cloudfn.auth.scheme import Auth, AuthFlow
from airflow_provider_cloudfn.auth.spellings import MASK
from airflow_provider_cloudfn.authoring.absent_dates import absent_dates_explained
from airflow_provider_cloudfn.authoring.run_time_data import RunTimeData, arrived_in
from airflow_provider_cloudfn.authoring.stable_ids import stable_id
from airflow_provider_cloudfn.authoring.variables import TaskVariables
from airflow_provider_cloudfn.client.redaction import Redaction
from airflow_provider_cloudfn.client.sink import StoredBody
from airflow_provider_cloudfn.events.record import RECORD_KEY, CompletionRecord
from airflow_provider_cloudfn.exceptions import CloudFunctionError, ConfigurationError
from airflow_provider_cloudfn.testing.answers import AnswerScript
from airflow_provider_cloudfn.testing.connections import hook_over, placeholder_fields
from airflow_provider_cloudfn.testing.outcome import RenderedRequest, StepResult
from airflow_provider_cloudfn.testing.sample_context import task_with_samples

if TYPE_CHECKING:
    from airflow_provider_cloudfn.auth.message import HttpRequest
    from airflow_provider_cloudfn.client.attempt import Attempt, AttemptObserver
    from airflow_provider_cloudfn.client.sink import ResponseSink
    from airflow_provider_cloudfn.hooks.base import ConnectionHook
    from airflow_provider_cloudfn.testing.samples import Samples

__all__ = ["Rehearsal", "withheld"]


HookOf = Callable[[Any], "ConnectionHook[Any]"]


class Rehearsal:
    """
    A task over samples.

    :param task: An operator, or a mapped operator.
    :param samples: What it can read.
    :param map_index: Which instance of a mapped task.
    :param hook_of: Returns the hook of the rendered task; default one over a connection that leads nowhere.
    :raises CloudFunctionError: when it is no task of ours, or not mapped so far.
    """

    def __init__(
        self, task: Any, samples: Samples, *, map_index: int | None = None, hook_of: HookOf | None = None
    ) -> None:
        self.task, self.context = task_with_samples(task, samples, map_index)
        # What a person asked to see is printed by him who asked.
        self.task._cached_logger = _quiet_log()
        self._hook_of = hook_of or (lambda rendered: hook_over(rendered, placeholder_fields(rendered)))
        self._hook: ConnectionHook[Any] | None = None
        self._is_rendered = False

    @cached_property
    def arrived(self) -> RunTimeData:
        """What arrived at run time in the task."""
        return arrived_in(self.task, self.context)

    def variables(self) -> TaskVariables:
        """
        Return what the expressions that are evaluated before the call can read.

        :raises CloudFunctionError: when the task's own inputs can't be rendered.
        """
        task: Any = self.task
        if getattr(task, "for_each", None) is not None and (item := self._first_item()) is not None:
            return item
        if not task.inputs_are_given:
            task.take_inputs(self.context)
            return TaskVariables(self.context, inputs=task.inputs)
        inputs = getattr(task, "inputs", None)
        if not self._is_rendered and "inputs" not in self.arrived.parameters:
            with _read_here(self.context):
                inputs = task.render_template(inputs, self.context, task.get_template_env(), set(self.arrived.texts))
        return TaskVariables(self.context, inputs=inputs)

    def _first_item(self) -> TaskVariables | None:
        """Return what the call for the first item of a batch can read; None where there is none, or it can't be told."""
        from airflow_provider_cloudfn.operators.batch_items import items_of

        try:
            self.render()
            first = next(iter(items_of(self.task, self.context)), None)
        except CloudFunctionError:
            return None
        return None if first is None else first.variables

    def render(self) -> None:
        """
        Render the task's parameters, once.

        :raises CloudFunctionError: when one can't be rendered.
        """
        if not self._is_rendered:
            with _read_here(self.context):
                self.task.prepare(self.context)
            self._is_rendered = True

    @property
    def hook(self) -> ConnectionHook[Any]:
        """
        The task's hook; it is made once.

        :raises CloudFunctionError: when the connection is wrong.
        """
        if self._hook is None:
            self.render()
            self._hook = self._hook_of(self.task)
        return self._hook

    @property
    def redaction(self) -> Redaction:
        """What may be shown."""
        return Redaction(self.hook.settings().secrets())

    def request(self) -> RenderedRequest:
        """
        Return the request that would be sent, without any network.

        :raises CloudFunctionError: when there is none that can be sent.
        """
        return self._stopped(lambda: self.task.carry_out(self.context, self.hook))

    def item_requests(self, most: int) -> tuple[dict[str, RenderedRequest], int | None]:
        """
        Return the requests for the first items of a batch by the items' keys, and how many items there are, where that is known.

        :param most: How many.
        :raises CloudFunctionError: when there is one that can't be sent.
        """
        from airflow_provider_cloudfn.operators.batch_items import items_of
        from airflow_provider_cloudfn.operators.function_call import FunctionCall

        self.render()
        hook: Any = self.hook
        call, key = FunctionCall(self.task, hook), partial(stable_id, self.context, "idempotency_key")
        items = items_of(self.task, self.context)
        found = {}
        for item in islice(items, most):
            request, sending = call.request_for(item, key), call.sending(item.variables)
            found[item.key] = self._stopped(partial(hook.send, request, sending))
        return found, items.total

    def _stopped(self, send: Callable[[], Any]) -> RenderedRequest:
        """Return the request that something would send."""

        def stop(request: HttpRequest) -> NoReturn:
            raise _RequestMade(request)

        with self.over(_Transport(stop), _unseen):
            try:
                send()
            except _RequestMade as made:
                return RenderedRequest.of(made.request, self.redaction)
        raise AssertionError(f"task {self.task.task_id!r} ends without a request")

    def run(self, responses: object) -> StepResult:
        """
        Carry the step out over a script of responses.

        :param responses: What :func:`~airflow_provider_cloudfn.testing.answers.read_answers` reads, or a script of it.
        """
        script = responses if isinstance(responses, AnswerScript) else AnswerScript(responses)
        transport = _Transport(script.answer)
        attempts: list[Attempt] = []
        with self.over(transport, attempts.append):
            returned, records, error = self.carry_out()
        redaction = self.redaction
        return StepResult(
            requests=tuple(RenderedRequest.of(request, redaction) for request in transport.requests),
            returned=returned,
            completion_events=records,
            error=error,
            responses_left=script.left,
            sent=tuple(transport.requests),
            answers=tuple(transport.answers),
            attempts=tuple(attempts),
        )

    def carry_out(self) -> tuple[Any, tuple[CompletionRecord, ...], Exception | None]:
        """Return what the step returns, its completion records, and the error with which it fails."""
        try:
            returned = self.task.carry_out(self.context, self.hook)
        except CloudFunctionError as error:
            return None, (), error
        left = self.context["ti"].pushed.get(RECORD_KEY) or ()
        written = left if isinstance(left, (list, tuple)) else [left]
        return returned, tuple(CompletionRecord.from_dict(record) for record in written), None

    @contextmanager
    def over(self, transport: Any, on_attempt: AttemptObserver) -> Iterator[None]:
        """Let the hook's client send over a transport for as long as the block lasts, without credentials and without waiting."""
        client = self.hook.client()
        rehearsed = replace(
            client,
            transport=transport,
            auth=_Withheld(client.auth),
            limiter=None,
            on_attempt=on_attempt,
            sleep=_no_wait,
        )
        with self.hook.sending_over(rehearsed):
            yield


@contextmanager
def _read_here(context: Any) -> Iterator[None]:
    """
    Say what a template reads that is not to be had where a step is rehearsed, such as a variable that is not defined here.

    :param context: The task's context.
    """
    from airflow.sdk.exceptions import AirflowException, AirflowRuntimeError
    from jinja2 import TemplateError

    try:
        with absent_dates_explained(context):
            yield
    except (TemplateError, AirflowException, AirflowRuntimeError) as error:
        raise ConfigurationError(
            f"a template reads what is not here: {error}; define it here, or give 'inputs' in the sample"
        ) from error


def _unseen(attempt: Attempt) -> None:
    """Tell nobody: what ends before it is sent is no attempt."""


async def _no_wait(seconds: float) -> None:
    """Let no time pass: how long it would be stands in the attempt."""


def withheld(request: HttpRequest, scheme: Auth) -> HttpRequest:
    """Return a request with ``***`` wherever a scheme puts credentials."""
    for name in sorted(scheme.reserved_query):
        request = request.with_query(name, MASK)
    for name in sorted(scheme.reserved_headers):
        request = request.with_header(name, MASK)
    return request


class _Withheld(Auth):
    """Puts ``***`` where another scheme puts credentials: nothing is signed, and no token is asked for."""

    def __init__(self, scheme: Auth) -> None:
        self._scheme = scheme

    @property
    def reserved_headers(self) -> frozenset[str]:
        return self._scheme.reserved_headers

    @property
    def reserved_query(self) -> frozenset[str]:
        return self._scheme.reserved_query

    def secrets(self) -> Iterable[str]:
        return self._scheme.secrets()

    def flow(self, request: HttpRequest) -> AuthFlow:
        yield withheld(request, self)


class _RequestMade(BaseException):
    """Ends a rehearsal where the request would go out: no handler of errors must take it for one."""

    def __init__(self, request: HttpRequest) -> None:
        super().__init__(request.method)
        self.request = request


class _Transport:
    """
    What answers instead of a network, and keeps what it was asked and what it answered.

    :param respond: Returns the answer to a request, or raises what there is instead.
    """

    def __init__(self, respond: Callable[[HttpRequest], HttpResponse]) -> None:
        self._respond = respond
        self.requests: list[HttpRequest] = []
        self.answers: list[HttpResponse | None] = []

    async def send(
        self, request: HttpRequest, on_connected: Callable[[], None] | None = None, sink: ResponseSink | None = None
    ) -> tuple[HttpResponse, StoredBody | None]:
        """Answer a request; where its body would go into a file, that is left alone."""
        self.requests.append(request)
        self.answers.append(None)
        is_sent = True
        try:
            answer = self.answers[-1] = self._respond(request)
        except CloudFunctionError as error:
            is_sent = not error.never_sent
            raise
        finally:
            if is_sent and on_connected is not None:
                on_connected()
        if sink is None or not 200 <= answer.status < 300:
            return answer, None
        digest = hashlib.sha256(answer.content).hexdigest()
        stored = StoredBody(len(answer.content), answer.header("content-type"), digest)
        return HttpResponse(answer.status, answer.headers), stored


def _quiet_log() -> logging.Logger:
    log = logging.getLogger("airflow_provider_cloudfn.rehearsal")
    log.setLevel(logging.WARNING)
    return log
