"""A completion event as the Airflow asset that it is: it stands in ``outlets``, in ``schedule`` and in ``completion_event``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import quote

import attrs
from airflow.sdk import Asset

from airflow_provider_cloudfn.exceptions import ConfigurationError

if TYPE_CHECKING:
    from airflow.sdk.definitions.xcom_arg import XComArg

__all__ = ["CompletionEvent", "has_one_run_per_event", "partitions_available"]

#: The URIs of the events that this process has seen declared with a run for each.
_SINGLE: set[str] = set()


@attrs.define(init=False, eq=False)
class CompletionEvent(Asset):
    """
    What a cloud function leaves when it is done, under a name that other Dags can be scheduled on.

    The same name is the same asset, in whichever file it is written. Without ``one_run_per_event`` it behaves as any
    Airflow asset does: events that come close together are merged into one run of the consumer.

    :param name: Such as ``charge.created``. Dots, slashes, a leading dot or underscore are fine; no control characters.
    :param one_run_per_event: Emit each event with its id as partition key, so that a Dag whose schedule is
        :meth:`each` gets a run for every single one. An ordinary ``schedule=[event]`` never fires for such an event. In the
        ``outlets`` of a ``@task`` it is the task's own duty to call ``outlet_events[event].add_partitions(…)``.
    :param extra: Anything worth knowing about the event itself; Airflow shows it with the asset.
    :raises ConfigurationError: for a name that no asset can have, and for ``one_run_per_event`` on an Airflow that has no
        partitioned assets.
    """

    one_run_per_event: bool = attrs.field(default=False)

    asset_type: ClassVar[str] = "completion_event"

    def __init__(
        self,
        name: str,
        *,
        one_run_per_event: bool = False,
        extra: dict[str, Any] | None = None,
        **asset_arguments: Any,
    ) -> None:
        if not isinstance(name, str) or not name.strip():  # type: ignore[redundant-expr]  # Dag files are rarely type-checked
            raise ConfigurationError(f"a completion event needs a name, such as 'charge.created', not {name!r}")
        if not name.isprintable():
            raise ConfigurationError(f"the completion event name {name!r} has control characters: leave them out")
        if name in ("self", "context"):
            raise ConfigurationError(
                f"Airflow reserves the asset name {name!r}: choose another, such as '{name}.event'"
            )
        if one_run_per_event and not partitions_available():
            raise ConfigurationError(
                f"CompletionEvent({name!r}, one_run_per_event=True) needs partitioned assets, which this Airflow does not "
                "have: upgrade to Airflow 3.3, or leave one_run_per_event out"
            )
        if not isinstance(one_run_per_event, bool):
            raise ConfigurationError(f"one_run_per_event is True or False, not {one_run_per_event!r}")
        if asset_arguments.pop("uri", _uri(name)) != _uri(name):
            raise ConfigurationError(
                f"the completion event {name!r} has a URI by its name: leave uri out, or use an Asset"
            )
        super().__init__(name=name, uri=_uri(name), extra=extra, **asset_arguments)
        self.one_run_per_event = one_run_per_event
        if one_run_per_event:
            _SINGLE.add(self.uri)

    def each(self) -> Any:
        """
        Return the schedule that gives every single event a run of its own, in which ``context["<event>"]`` is exactly it.

        For a Dag that is paused Airflow queues nothing: an event of that time gets no run, neither then nor later.

        :raises ConfigurationError: for an event that was not declared with ``one_run_per_event=True``.
        """
        if not self.one_run_per_event:
            raise ConfigurationError(
                f"schedule={self.name!r}.each() would never fire: declare it as "
                f"CompletionEvent({self.name!r}, one_run_per_event=True), in the producer's Dag too"
            )
        from airflow.sdk import PartitionedAssetTimetable

        return PartitionedAssetTimetable(assets=self)

    def read(self, task_id: str | None = None) -> XComArg:
        """
        Add a small task to the Dag whose output is the list of records that started the run, oldest first.

        Map over it to serve every one of several merged events: ``.expand(inputs=charge_created.read())``.

        :param task_id: Default ``read_`` and the event's name, every character but letters and digits as ``_``.
        """
        from airflow_provider_cloudfn.events.reading import read_task

        return read_task(self, task_id)


def has_one_run_per_event(asset: Any) -> bool:
    """
    Tell whether an asset is an event that was declared with ``one_run_per_event=True``.

    :param asset: An asset; a timetable of Airflow's core holds it as it will be serialized, and so without the flag.
    """
    if isinstance(asset, Asset):
        return bool(getattr(asset, "one_run_per_event", False))
    return getattr(asset, "uri", None) in _SINGLE


def partitions_available() -> bool:
    """Tell whether a task of this Airflow can emit an event with a partition key (3.3 can, 3.2 can't)."""
    try:
        from airflow.sdk.execution_time.context import OutletEventAccessor
    except ImportError:
        return False
    return hasattr(OutletEventAccessor, "add_partitions")


def _uri(name: str) -> str:
    # Airflow leaves URIs of an `x-` scheme as they are; for any other it normalises them (case of the host, slashes, query)
    # and, to do so, looks for handlers in all installed providers, in every process that parses the Dag. The name is one
    # path segment with every reserved character encoded: two names can never become one URI.
    return f"x-cloudfn://completion-event/{quote(name, safe='')}"
