"""Waits for an event, in the middle of a Dag."""

from __future__ import annotations

import datetime as dt
import time
from typing import TYPE_CHECKING, Any, ClassVar, Final

from airflow.sdk import Asset, PokeReturnValue, conf

from airflow_provider_cloudfn import cel
from airflow_provider_cloudfn.authoring.arrows import DEPENDS_ON_WHAT_IT_READS
from airflow_provider_cloudfn.authoring.parameter import Parameter, Reading
from airflow_provider_cloudfn.authoring.rendering import ExpressionTask
from airflow_provider_cloudfn.authoring.task import default_arguments
from airflow_provider_cloudfn.authoring.value_checks import event_problem, since_problem
from airflow_provider_cloudfn.authoring.vocabulary import VARIABLES
from airflow_provider_cloudfn.events.asset import with_asset
from airflow_provider_cloudfn.events.place import MATCH_VARIABLES, Arrivals, Place
from airflow_provider_cloudfn.json_encoding import restored, to_json_value
from airflow_provider_cloudfn.operators.poll_parts import condition_source
from airflow_provider_cloudfn.operators.storable import require_xcom
from airflow_provider_cloudfn.sensors.deferring import DeferringSensor
from airflow_provider_cloudfn.triggers.wait import Wait, WaitEvent
from airflow_provider_cloudfn.triggers.written_down import named_by, written_down

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow.sdk.definitions.context import Context
    from airflow.sdk.definitions.mappedoperator import OperatorPartial

    from airflow_provider_cloudfn.triggers.event_wait import EventWaitTrigger

__all__ = ["CompletionEventSensor"]

_EVENT: Final = frozenset({"event"})
#: No answer is there.
_NAMES: Final = VARIABLES | _EVENT


class CompletionEventSensor(ExpressionTask, DeferringSensor):
    """
    Wait for an event since this run began, and return what it carries.

    An event that came before the sensor did counts, too. With ``deferrable=True`` or ``mode="reschedule"`` no worker is used
    meanwhile; the triggerer asks for the events of all its waits at once. A `match` that names more than ``event`` and
    ``inputs`` is judged on a worker, to which a deferred sensor comes back for each event.

    :param event: A :class:`CompletionEvent`, or any asset.
    :param match: CEL over ``event`` and the rest: whether it is the one, ``event.result.orderId == inputs.id``. Default:
        any is.
    :param since: A datetime from which on events count; or seconds, or a timedelta, by which they may be older than the run.
        Default: since the run began.
    :param deferrable: Whether the triggerer waits; default ``[operators] default_deferrable``.
    :param inputs: What expressions read as ``inputs``. (templated)
    :param returns: CEL over ``event`` and the rest: what the sensor returns. Default: what the event carries.
    :param depends_on_what_it_reads: Whether it runs behind each step that an expression of it names, without an arrow.
        Default: as ``[cloudfn] implicit_dependencies`` says.
    :raises ExpressionError: when an expression is wrong; it is never taken for "not yet".
    :raises ConfigurationError: when the event is none.
    """

    template_fields: Sequence[str] = ("inputs",)
    template_fields_renderers: ClassVar[dict[str, str]] = {"inputs": "json"}
    authored_parameters: ClassVar[tuple[Parameter, ...]] = (
        Parameter("event", check=event_problem),
        Parameter("inputs", Reading.MARKED, jinja=True),
        Parameter("match", Reading.CONDITION, after_call=True, also=_EVENT, only=_NAMES),
        Parameter("returns", Reading.VALUE, after_call=True, also=_EVENT, only=_NAMES),
        Parameter("since", check=since_problem),
        DEPENDS_ON_WHAT_IT_READS,
    )
    ui_color = "#e2f0ea"
    #: From where on events count that it has not seen; None before the first look.
    _place: Place | None = None
    #: How often in a row the triggerer could not ask.
    _looks = 0

    def __init__(
        self,
        *,
        event: Asset,
        match: str | cel.Expression | None = None,
        since: float | dt.timedelta | dt.datetime | None = None,
        inputs: Any = None,
        returns: Any = None,
        deferrable: bool = conf.getboolean("operators", "default_deferrable", fallback=False),
        depends_on_what_it_reads: bool | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.deferrable = deferrable
        self.depends_on_what_it_reads = depends_on_what_it_reads
        self.event = event
        self.match = match
        self.since = since
        self.inputs = inputs
        self.returns = returns
        # Only of its inlets may a task ask for events.
        self.inlets = with_asset(self.inlets, event)

    @classmethod
    def partial(cls, *, task_id: str, **kwargs: Any) -> OperatorPartial:
        """
        Begin a mapped sensor, as :meth:`BaseOperator.partial` does, with the event among its inlets.

        :param kwargs: What every instance has in common. The event belongs here.
        """
        partial = super().partial(task_id=task_id, **kwargs)
        given = partial.kwargs
        event = given.get("event", default_arguments(given.get("dag"), given.get("task_group"), kwargs).get("event"))
        given["inlets"] = with_asset(given.get("inlets"), event)
        return partial

    def execute(self, context: Context) -> Any:
        """Wait."""
        if not self._expressions_rendered:
            self.render_template_fields(context)
        return super().execute(context)

    def poke(self, context: Context) -> bool | PokeReturnValue:
        """Look once."""
        variables = self._variables(context)
        arrivals = Arrivals(context, self.event, self._place or self._beginning(context))
        for record in arrivals.records():
            with_event = variables.with_more(event=record)
            if self.match is None or self.truth_after_call("match", with_event):
                self.log.info("Event %s came: id %s", self.event.name, record["metadata"].get("id"))
                value = record["result"] if self.returns is None else self.evaluate_after_call("returns", with_event)
                returned = to_json_value(value)
                require_xcom(returned, self.log)
                return PokeReturnValue(is_done=True, xcom_value=returned)
        self._place = arrivals.place
        return False

    def execute_complete(self, context: Context, event: Any = None) -> Any:
        """Go on after the triggerer has waited."""
        told = WaitEvent.from_dict(event)
        told.tell(self.log)
        self._deadline, self._looks = time.monotonic() + told.seconds, told.looks
        self._place = Wait.from_dict(told.wait).place
        return self.execute(context)

    def _beginning(self, context: Context) -> Place:
        """Return from where on events count, by Airflow's clock."""
        run: Any = context["dag_run"]
        since = self.since
        if isinstance(since, dt.datetime):
            return Place(since)
        after = run.start_date or run.run_after
        return Place(after - (since if isinstance(since, dt.timedelta) else dt.timedelta(seconds=since or 0)))

    def _match_for_triggerer(self) -> tuple[str | None, dict[str, Any]]:
        """Return `match` and what it reads of the inputs; None where a worker must judge each event."""
        source = condition_source(self.match)
        named = {one.path[0] for one in cel.check(source or "true", variables=_NAMES).references}
        if source is None or named - MATCH_VARIABLES:
            return None, {}
        inputs = written_down(named_by([source], "inputs", restored(self.inputs)))
        return source, {} if inputs is None else {"inputs": inputs}

    def _trigger(self, left: float, first_wait: float) -> EventWaitTrigger:  # noqa: ARG002 - its pauses are the triggerer's
        from airflow_provider_cloudfn.triggers.event_wait import EventWaitTrigger

        match, known = self._match_for_triggerer()
        wait = Wait(
            event=self.event.name,
            uri=self.event.uri,
            place=self._place,
            match=match,
            known=known,
            begun=0.0,
            place_of="",
        )
        return EventWaitTrigger(wait=wait, seconds=left, looks=self._looks)
