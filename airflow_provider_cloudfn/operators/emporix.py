"""Start a process in the Emporix Orchestration Engine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_cloudfn.authoring.parameter import Parameter, Reading
from airflow_provider_cloudfn.authoring.shapes import exact_json, text_or_null
from airflow_provider_cloudfn.authoring.value_checks import payload_problem
from airflow_provider_cloudfn.authoring.variables import task_instance_key
from airflow_provider_cloudfn.exceptions import ConfigurationError
from airflow_provider_cloudfn.hooks.emporix import EmporixHook
from airflow_provider_cloudfn.operators.base import ExpressionOperator

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow.sdk import Asset
    from airflow.sdk.definitions.context import Context

__all__ = ["EmporixStartOperator"]


class EmporixStartOperator(ExpressionOperator):
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
    :param completion_event: A :class:`CompletionEvent`, or any asset, to emit when the event was accepted.
    :param event_payload: What that event carries. Default: what the step returns.
    :raises ConfigurationError: when both `payload` and `json_string` are given, `payload` is a bare ``str``, or
        `json_string` is no JSON.
    """

    template_fields: Sequence[str] = (
        "emporix_conn_id",
        "event_type",
        "case_id",
        "subject",
        "payload",
        "json_string",
        "source",
    )
    template_fields_renderers: ClassVar[dict[str, str]] = {"payload": "json", "json_string": "json"}
    authored_parameters: ClassVar[tuple[Parameter, ...]] = (
        Parameter("event_type", Reading.MARKED, jinja=True, shape=text_or_null),
        Parameter("case_id", Reading.MARKED, jinja=True, shape=text_or_null),
        Parameter("subject", Reading.MARKED, jinja=True, shape=text_or_null),
        Parameter("payload", Reading.MARKED, jinja=True, shape=exact_json, check=payload_problem),
        Parameter("json_string", Reading.MARKED, instead_of="payload"),
        Parameter("source", Reading.MARKED, jinja=True, shape=text_or_null),
        *ExpressionOperator.authored_parameters,
    )
    ui_color = "#e4e8f7"

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
        completion_event: Asset | None = None,
        event_payload: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(completion_event=completion_event, event_payload=event_payload, **kwargs)
        self.emporix_conn_id = emporix_conn_id
        self.event_type = event_type
        self.case_id = case_id
        self.subject = subject
        self.payload = payload
        self.json_string = json_string
        self.source = source
        self._has_payload = payload is not None
        self._has_json_string = json_string is not None

    def execute(self, context: Context) -> dict[str, Any]:
        """
        Send the event.

        :param context: The task's Airflow context.
        """
        if not self._expressions_rendered:
            self.render_template_fields(context)
        return self.carry_out(context, self.hook())

    def _json_text(self) -> str | None:
        if self._has_json_string and self.json_string is None:
            raise ConfigurationError(
                "json_string: is null where JSON text was meant: the step that it comes from returned nothing, or its expression "
                "gives null; JSON's null is written 'null'"
            )
        # A payload that is null is JSON's null; one that was not given is {}. The hook can't tell None from None.
        return "null" if self._has_payload and self.payload is None else self.json_string

    def hook(self) -> EmporixHook:
        """Return the hook over which the event goes."""
        return EmporixHook(self.emporix_conn_id)

    def carry_out(self, context: Context, hook: EmporixHook) -> dict[str, Any]:
        """
        Send the event of a task whose parameters have been rendered.

        :param context: The task's Airflow context.
        :param hook: What :meth:`hook` returned.
        """
        key = task_instance_key(context)
        started = hook.start(
            self.event_type,
            case_id=self.case_id,
            subject=self.subject,
            payload=self.payload,
            json_string=self._json_text(),
            source=self.source or f"airflow/{key.dag_id}",
            event_id=key.stable_id("ce-id"),
        )
        returned = {
            "id": started.id,
            "type": started.type,
            "source": started.source,
            "request_id": started.request_id,
            "status": started.status,
        }
        self.log.info(
            "Emporix accepted event %s of type %s for processing; that says neither that a process was started nor that the "
            "signature was right. To see what became of it, look for request id %s in the event log of the Orchestration "
            "Engine",
            started.id,
            started.type,
            started.request_id or "(none was given)",
        )
        variables = self._variables(context).with_response(
            {"status": started.status, "headers": {}, "body": None, "url": "", "request_id": started.request_id}
        )
        self._complete(context, function=self.task_id, result=returned, variables=variables)
        self._push_result(context, returned)
        return returned
