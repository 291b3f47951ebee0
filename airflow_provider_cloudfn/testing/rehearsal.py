"""The rehearsal of a step: the operator's own code, with samples for Airflow and a script for the service."""

from __future__ import annotations

import hashlib
import logging
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from airflow_provider_cloudfn.auth.message import HttpResponse
from airflow_provider_cloudfn.auth.scheme import Auth, AuthFlow
from airflow_provider_cloudfn.authoring.run_time_data import RunTimeData, arrived_in
from airflow_provider_cloudfn.authoring.variables import TaskVariables
from airflow_provider_cloudfn.client.redaction import Redaction
from airflow_provider_cloudfn.client.sink import StoredBody
from airflow_provider_cloudfn.events.record import RECORD_KEY, CompletionRecord
from airflow_provider_cloudfn.exceptions import CloudFunctionError
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

__all__ = ["Rehearsal"]

_WITHHELD = "***"

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
        inputs = getattr(task, "inputs", None)
        if not self._is_rendered and "inputs" not in self.arrived.parameters:
            inputs = task.render_template(inputs, self.context, task.get_template_env(), set(self.arrived.texts))
        return TaskVariables(self.context, inputs=inputs)

    def render(self) -> None:
        """
        Render the task's parameters, once.

        :raises CloudFunctionError: when one can't be rendered.
        """
        if not self._is_rendered:
            self.task.render_template_fields(self.context)
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
        transport = _Stopped()
        with self.over(transport, _unseen):
            try:
                self.task.carry_out(self.context, self.hook)
            except _RequestMade as made:
                return RenderedRequest.of(made.request, self.redaction)
        raise AssertionError(f"task {self.task.task_id!r} ends without a request")

    def run(self, responses: object) -> StepResult:
        """
        Carry the step out over a script of responses.

        :param responses: What :func:`~airflow_provider_cloudfn.testing.answers.read_answers` reads, or a script of it.
        """
        transport = _Scripted(responses if isinstance(responses, AnswerScript) else AnswerScript(responses))
        attempts: list[Attempt] = []
        with self.over(transport, attempts.append):
            returned, record, error = self.carry_out()
        redaction = self.redaction
        return StepResult(
            requests=tuple(RenderedRequest.of(request, redaction) for request in transport.requests),
            returned=returned,
            completion_event=record,
            error=error,
            responses_left=transport.script.left,
            sent=tuple(transport.requests),
            answers=tuple(transport.answers),
            attempts=tuple(attempts),
        )

    def carry_out(self) -> tuple[Any, CompletionRecord | None, Exception | None]:
        """Return what the step returns, its completion record, and the error with which it fails."""
        try:
            returned = self.task.carry_out(self.context, self.hook)
        except CloudFunctionError as error:
            return None, None, error
        record = self.context["ti"].pushed.get(RECORD_KEY)
        return returned, None if record is None else CompletionRecord.from_dict(record), None

    @contextmanager
    def over(self, transport: Any, on_attempt: AttemptObserver) -> Iterator[None]:
        """
        Let the hook's client send over a transport for as long as the block lasts, without credentials and without waiting.

        :param transport: What answers.
        :param on_attempt: Told what came of each attempt.
        """
        client = self.hook.client()
        rehearsed = replace(
            client, transport=transport, auth=_Withheld(client.auth), on_attempt=on_attempt, sleep=_no_wait
        )
        with self.hook.sending_over(rehearsed):
            yield


def _unseen(attempt: Attempt) -> None:
    """Tell nobody: what ends before it is sent is no attempt."""


async def _no_wait(seconds: float) -> None:
    """Let no time pass: how long it would be stands in the attempt."""


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
        for name in sorted(self.reserved_query):
            request = request.with_query(name, _WITHHELD)
        for name in sorted(self.reserved_headers):
            request = request.with_header(name, _WITHHELD)
        yield request


class _RequestMade(BaseException):
    """Ends a rehearsal where the request would go out: no handler of errors must take it for one."""

    def __init__(self, request: HttpRequest) -> None:
        super().__init__(request.method)
        self.request = request


class _Transport(ABC):
    """What answers instead of a network."""

    async def send(self, request: HttpRequest, on_connected: Callable[[], None] | None = None) -> HttpResponse:
        """Answer a request."""
        if on_connected is not None:
            on_connected()
        return self.answer(request)

    async def send_to(
        self,
        request: HttpRequest,
        sink: ResponseSink,  # noqa: ARG002 - nothing is written in a rehearsal
        on_connected: Callable[[], None] | None = None,
    ) -> tuple[HttpResponse, StoredBody | None]:
        """Answer a request whose body would go into a file, which is left alone."""
        answer = await self.send(request, on_connected)
        if not 200 <= answer.status < 300:
            return answer, None
        digest = hashlib.sha256(answer.content).hexdigest()
        stored = StoredBody(len(answer.content), answer.header("content-type"), digest)
        return HttpResponse(answer.status, answer.headers), stored

    @abstractmethod
    def answer(self, request: HttpRequest) -> HttpResponse:
        """Return the answer to a request."""


class _Stopped(_Transport):
    def answer(self, request: HttpRequest) -> HttpResponse:
        raise _RequestMade(request)


class _Scripted(_Transport):
    def __init__(self, script: AnswerScript) -> None:
        self.script = script
        self.requests: list[HttpRequest] = []
        self.answers: list[HttpResponse | None] = []

    def answer(self, request: HttpRequest) -> HttpResponse:
        self.requests.append(request)
        self.answers.append(None)
        answer = self.answers[-1] = self.script.answer(request)
        return answer


def _quiet_log() -> logging.Logger:
    log = logging.getLogger("airflow_provider_cloudfn.rehearsal")
    log.setLevel(logging.WARNING)
    return log
