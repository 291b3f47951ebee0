"""Events for the Emporix Orchestration Engine: start a process, hand an event to a running one, complete a step."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from airflow_provider_cloudfn.authoring.confirm import unasked_problem
from airflow_provider_cloudfn.authoring.parameter import Parameter, Reading
from airflow_provider_cloudfn.authoring.shapes import exact_json, text_or_null
from airflow_provider_cloudfn.authoring.stable_ids import stable_id, task_instance_key
from airflow_provider_cloudfn.authoring.value_checks import connection_id_problem, of_text, payload_problem
from airflow_provider_cloudfn.exceptions import ConfigurationError
from airflow_provider_cloudfn.hooks.emporix import EmporixHook
from airflow_provider_cloudfn.hooks.emporix_event import impact_problem, json_string_problem, timestamp_problem
from airflow_provider_cloudfn.operators.calling_task import CallingTask
from airflow_provider_cloudfn.operators.key_text import key_text

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import TypeAlias

    from airflow.sdk import Asset
    from airflow.sdk.definitions.context import Context

    from airflow_provider_cloudfn import cel
    from airflow_provider_cloudfn.client.request import Request, Sending
    from airflow_provider_cloudfn.client.response import Response
    from airflow_provider_cloudfn.hooks.emporix_event import AcceptedEvent, EventParts

    Through: TypeAlias = Callable[[Request, Sending], Response]

__all__ = ["EmporixCompleteOperator", "EmporixEventOperator", "EmporixResumeOperator", "EmporixStartOperator"]


def _json_string_problem(value: Any) -> str | None:
    return json_string_problem(value) if isinstance(value, str) else None


class EmporixEventOperator(CallingTask):
    """
    What sends an event to the Emporix Orchestration Engine, once for all tries of a task; a subclass says which kind of event.

    An answer of 2xx means that the event was accepted, and no more.
    """

    template_fields: Sequence[str] = (
        "emporix_conn_id",
        "event_type",
        "case_id",
        "subject",
        "payload",
        "json_string",
        "source",
        "id_from",
    )
    template_fields_renderers: ClassVar[dict[str, str]] = {"payload": "json", "json_string": "json"}
    authored_parameters: ClassVar[tuple[Parameter, ...]] = (
        Parameter("emporix_conn_id", check=connection_id_problem),
        Parameter("event_type", Reading.MARKED, jinja=True, shape=text_or_null),
        Parameter("case_id", Reading.MARKED, jinja=True, shape=text_or_null),
        Parameter("subject", Reading.MARKED, jinja=True, shape=text_or_null),
        Parameter("payload", Reading.MARKED, jinja=True, shape=exact_json, check=payload_problem),
        Parameter("json_string", Reading.MARKED, instead_of="payload", check=_json_string_problem),
        Parameter("source", Reading.MARKED, jinja=True, shape=text_or_null),
        Parameter("id_from", Reading.MARKED, jinja=True),
        Parameter("on_unknown", check=unasked_problem),
        *CallingTask.authored_parameters,
    )
    ui_color = "#e4e8f7"

    call_connection: ClassVar[str] = "emporix_conn_id"

    #: What an answer of 2xx does not say.
    not_said: ClassVar[str]

    def __init__(
        self,
        *,
        emporix_conn_id: str = "emporix_oe_default",
        event_type: Any,
        case_id: Any = None,
        subject: Any = None,
        payload: Any = None,
        json_string: Any = None,
        source: Any = None,
        id_from: Any = None,
        on_unknown: Literal["fail", "resend"] = "fail",
        completion_event: Asset | None = None,
        event_payload: Any = None,
        emit_when: str | cel.Expression | bool | None = None,
        event_key: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            completion_event=completion_event,
            event_payload=event_payload,
            emit_when=emit_when,
            event_key=event_key,
            **kwargs,
        )
        self.emporix_conn_id = emporix_conn_id
        self.event_type = event_type
        self.case_id = case_id
        self.subject = subject
        self.payload = payload
        self.json_string = json_string
        self.source = source
        self.id_from = id_from
        self.on_unknown = on_unknown
        self._has_payload = payload is not None
        self._has_json_string = json_string is not None
        self._has_id_from = id_from is not None

    def _json_text(self) -> str | None:
        if self._has_json_string and self.json_string is None:
            raise ConfigurationError(
                "json_string: is null where JSON text was meant: the step that it comes from returned nothing, or its expression "
                "gives null; JSON's null is written 'null'"
            )
        # A payload that is null is JSON's null; one that was not given is {}. The hook can't tell None from None.
        return "null" if self._has_payload and self.payload is None else self.json_string

    def _place(self) -> str | None:
        """
        Return what ``id_from`` gives.

        :raises ExpressionError: for what names nothing.
        """
        if not self._has_id_from:
            return None
        return key_text(
            self.id_from,
            field="id_from",
            cost="by which no event can be told from another",
            remedy="name what the event is about, such as an order's id",
        )

    def _event_id(self, context: Context) -> str:
        """Return the event's id, the same on every try."""
        return stable_id(context, "ce-id", self._place())

    def _once(self, context: Context, hook: EmporixHook, request: Request, sending: Sending) -> Response:
        """Send the event, unless an earlier try has the answer to it."""
        from airflow_provider_cloudfn.journal.task_journal import TaskJournal
        from airflow_provider_cloudfn.operators.once import Judges, Once

        client = hook.client()
        judges = Judges(_take, resend=self.on_unknown == "resend")
        once = Once(client, TaskJournal.of(context, self.log), judges, self.log, key=self._event_id(context))
        self.recorder.idempotency_key, self.recorder.journal = self._event_id(context), "sent"
        try:
            settled = once.settle(client.prepare(request), sending)
        finally:
            self.call_is_final = once.leaves_no_trace
        self.recorder.journal = settled.journal
        return settled.response

    def send(self, hook: EmporixHook, through: Through, parts: EventParts) -> AcceptedEvent:
        """
        Send the event over the hook.

        :param through: What sends the request and returns the answer.
        :param parts: What every event has besides its type.
        """
        raise NotImplementedError

    def hook(self) -> EmporixHook:
        """Return the hook over which the event goes."""
        return EmporixHook(self.emporix_conn_id)

    def carry_out(self, context: Context, hook: EmporixHook) -> Any:
        """Send the event of a task whose parameters have been rendered."""
        key = task_instance_key(context)
        parts: EventParts = {
            "case_id": self.case_id,
            "subject": self.subject,
            "payload": self.payload,
            "json_string": self._json_text(),
            "source": self.source or f"airflow/{key.dag_id}",
            "event_id": self._event_id(context),
        }
        accepted = self.send(hook, partial(self._once, context, hook), parts)
        result = {
            "id": accepted.id,
            "type": accepted.type,
            "source": accepted.source,
            "request_id": accepted.request_id,
            "status": accepted.status,
        }
        self.log.info(
            "The engine accepted event %s of type %s for processing; that says neither that %s nor that the signature was right. "
            "To see what became of it, look for request id %s in the event log of the Orchestration Engine",
            accepted.id,
            accepted.type,
            self.not_said,
            accepted.request_id or "(none was given)",
        )
        variables = self._variables(context).with_response(
            {"status": accepted.status, "headers": {}, "body": None, "url": "", "request_id": accepted.request_id}
        )
        return self._finish(context, result, variables, is_storable=True)


class EmporixStartOperator(EmporixEventOperator):
    """
    Start a new instance of a digital process in the Emporix Orchestration Engine.

    It sends a CloudEvent (HTTP binding, binary mode), signed over the exact bytes of its body. An answer of 2xx means that
    the event was accepted, not that a process was started: look for the request id in the engine's event log.

    In these parameters a ``str`` is text; ``cel("…")`` marks an expression, in ``payload`` at any depth.

    :param emporix_conn_id: The connection, of type ``emporix_oe``. (templated)
    :param event_type: The key of an event in the engine's event registry, such as ``order.paid``. (templated)
    :param case_id: The case of an overarching process, for process mining; sent as ``ce-caseid``. (templated)
    :param subject: What a person reads of the event; sent as ``ce-subject``. (templated)
    :param payload: A JSON value, kept in the process context under the event's key; default ``{}``. What is given
        and turns out null is sent as ``null``. (templated)
    :param json_string: JSON text that is sent byte for byte, instead of `payload`; not run through Jinja.
    :param source: Who sends; default ``airflow/<dag_id>``; sent as ``ce-source``. (templated)
    :param id_from: Text or an integer that takes the place of the map index in the event's id, sent as ``ce-id``: what an
        instance of a mapped step is about, as ``idempotency_key=cel(…)`` says it of a cloud function. (templated)
    :param completion_event: A :class:`CompletionEvent`, or any asset, to emit when the event was accepted.
    :param event_payload: What that event carries. Default: what the step returns.
    :param on_unknown: What is done when nobody knows whether the engine got the event, such as after a timeout: ``fail`` for
        good, or ``resend``. The event has the same ``ce-id`` on every try, but the engine does not promise to drop one whose id
        it has had: write ``resend`` where two processes for one event do no harm, or where yours is known to drop it.
    :raises OutcomeUnknownError: in that case, by default.
    :raises ConfigurationError: when both `payload` and `json_string` are given, `payload` is a bare ``str``, or
        `json_string` is no JSON.
    """

    not_said: ClassVar[str] = "a process was started"

    def send(self, hook: EmporixHook, through: Through, parts: EventParts) -> AcceptedEvent:
        """Send the event as one that starts an instance."""
        return hook.start(self.event_type, through=through, **parts)


class EmporixResumeOperator(EmporixEventOperator):
    """
    Send an event to a running instance of a digital process, which goes on with it where it waits for that type.

    An answer of 2xx means that the event was accepted, not that there is such an instance, nor that it waits: look for the
    request id in the engine's event log.

    All other parameters are those of :class:`EmporixStartOperator`, and text in these is read as there.

    :param instance_id: The instance, which its context has as ``instanceid``; sent as ``ce-instanceid``. (templated)
    """

    template_fields: Sequence[str] = (*EmporixEventOperator.template_fields, "instance_id")
    authored_parameters: ClassVar[tuple[Parameter, ...]] = (
        *EmporixEventOperator.authored_parameters,
        Parameter("instance_id", Reading.MARKED, jinja=True, shape=text_or_null),
    )
    not_said: ClassVar[str] = "an instance went on"

    def __init__(self, *, instance_id: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.instance_id = instance_id

    def send(self, hook: EmporixHook, through: Through, parts: EventParts) -> AcceptedEvent:
        """Send the event to the instance."""
        return hook.resume(self.event_type, instance_id=self.instance_id, through=through, **parts)


class EmporixCompleteOperator(EmporixEventOperator):
    """
    Tell a digital process that one of its steps is done; without this event, the process waits for ever.

    The process must have handed over which step that is, for instance in the ``conf`` of the run that it started. An answer of
    2xx means that the event was accepted, not that the step is completed: look for the request id in the engine's event log.

    All other parameters are those of :class:`EmporixStartOperator`, and text in these is read as there.

    :param instance_id: The running instance whose step it is; sent as ``ce-instanceid``. (templated)
    :param execution_id: The execution of the step that is done; sent as ``ce-executionid``. (templated)
    :param scenario_id: The scenario that the step is; sent as ``ce-scenarioid``. (templated)
    :param impact: ``P``, ``N`` or ``D``; sent as ``ce-npsprojection``. (templated)
    :param timestamp: When it happened: text as RFC 3339 has it, a datetime, or an expression that gives a timestamp; sent as
        ``ce-time``. (templated)
    """

    template_fields: Sequence[str] = (
        *EmporixEventOperator.template_fields,
        "instance_id",
        "execution_id",
        "scenario_id",
        "impact",
        "timestamp",
    )
    authored_parameters: ClassVar[tuple[Parameter, ...]] = (
        *EmporixEventOperator.authored_parameters,
        Parameter("instance_id", Reading.MARKED, jinja=True, shape=text_or_null),
        Parameter("execution_id", Reading.MARKED, jinja=True, shape=text_or_null),
        Parameter("scenario_id", Reading.MARKED, jinja=True, shape=text_or_null),
        Parameter("impact", Reading.MARKED, jinja=True, shape=text_or_null, check=of_text(impact_problem)),
        Parameter("timestamp", Reading.MARKED, jinja=True, shape=text_or_null, check=of_text(timestamp_problem)),
    )
    not_said: ClassVar[str] = "a step was completed"

    def __init__(
        self,
        *,
        instance_id: Any,
        execution_id: Any,
        scenario_id: Any,
        impact: Any = None,
        timestamp: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.instance_id = instance_id
        self.execution_id = execution_id
        self.scenario_id = scenario_id
        self.impact = impact
        self.timestamp = timestamp

    def send(self, hook: EmporixHook, through: Through, parts: EventParts) -> AcceptedEvent:
        """Send the event as the completion of the step."""
        return hook.complete(
            self.event_type,
            instance_id=self.instance_id,
            execution_id=self.execution_id,
            scenario_id=self.scenario_id,
            impact=self.impact,
            timestamp=self.timestamp,
            through=through,
            **parts,
        )


def _take(response: Response) -> None:
    """Take any answer that the client gives: it has judged it by its status."""
