"""A completion event as the Airflow asset that it is: it stands in ``outlets``, in ``schedule`` and in ``completion_event``."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import attrs
from airflow.sdk import Asset

from airflow_provider_cloudfn.events.address import event_uri
from airflow_provider_cloudfn.events.declaration import Declaration, without_declaration
from airflow_provider_cloudfn.events.payload_schema import require_schema
from airflow_provider_cloudfn.exceptions import ConfigurationError, in_words

if TYPE_CHECKING:
    from airflow.sdk.definitions.xcom_arg import XComArg

__all__ = ["CompletionEvent", "has_one_run_per_event", "listed", "partitions_available", "with_asset"]

#: The URIs of the events that this process has seen declared with a run for each.
_SINGLE: set[str] = set()


@attrs.define(init=False, eq=False)
class CompletionEvent(Asset):
    """
    What a cloud function leaves when it is done, under a name that other Dags can be scheduled on.

    The same name is the same asset, in whichever file it is written. Without ``one_run_per_event`` it behaves as any
    Airflow asset does: on Airflow 3.3, events that come close together are merged into one run of the consumer. Events that come
    while the consumer is paused get their runs by ``airflow cloudfn events catch-up``.

    :param name: Such as ``charge.created``. Dots, slashes, a leading dot or underscore are fine; no control characters.
    :param one_run_per_event: Emit each event with its id as partition key, so that a Dag whose schedule is
        :meth:`each` gets a run for every single one. An ordinary ``schedule=[event]`` never fires for such an event. In the
        ``outlets`` of a ``@task`` it is the task's own duty to call ``outlet_events[event].add_partitions(…)``.
    :param schema: A JSON Schema of what the event carries (draft 2020-12, unless ``$schema`` says otherwise). A cloud function
        whose payload is not so fails before anything is emitted. ``format`` is not checked, and nothing is fetched.
    :param extra: Anything worth knowing about the event itself; Airflow shows it with the asset.
    :raises ConfigurationError: for a name that no asset can have, for what is no JSON Schema, and for ``one_run_per_event`` on
        an Airflow that has no partitioned assets.
    """

    one_run_per_event: bool = attrs.field(default=False)
    schema: dict[str, Any] | None = attrs.field(default=None)

    asset_type: ClassVar[str] = "completion_event"

    def __init__(
        self,
        name: str,
        *,
        one_run_per_event: bool = False,
        schema: dict[str, Any] | None = None,
        extra: dict[str, Any] | None = None,
        **asset_arguments: Any,
    ) -> None:
        if not isinstance(name, str) or not name.strip():  # type: ignore[redundant-expr]  # Dag files are rarely type-checked
            raise ConfigurationError(f"a completion event needs a name, such as 'charge.created', not {name!r}")
        if not name.isprintable():
            raise ConfigurationError(f"the completion event name {name!r} has control characters: leave them out")
        if len(name) > 2 and name[0] in "'\"" and name[0] == name[-1]:
            raise ConfigurationError(
                f"the completion event name {name!r} has quotes of its own, which would be part of it: write "
                f"CompletionEvent({name[1:-1]!r})"
            )
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
        if schema is not None:
            require_schema(schema, event=name)
        if asset_arguments.pop("uri", event_uri(name)) != event_uri(name):
            raise ConfigurationError(
                f"the completion event {name!r} has a URI by its name: leave uri out, or use an Asset"
            )
        if one_run_per_event and asset_arguments.get("watchers"):
            raise ConfigurationError(
                f"CompletionEvent({name!r}, one_run_per_event=True) can have no watchers: Airflow gives their events no "
                "partition key, and so no run; leave one_run_per_event out, and read all events of a run with .read()"
            )
        given: object = extra
        if given is not None and not isinstance(given, Mapping):
            raise ConfigurationError(f"extra of the completion event {name!r} must be a map, not {in_words(given)}")
        declared = Declaration(one_run_per_event, schema).written_into(extra)
        super().__init__(name=name, uri=event_uri(name), extra=declared, **asset_arguments)
        self.one_run_per_event = one_run_per_event
        self.schema = schema
        if one_run_per_event:
            _SINGLE.add(self.uri)

    def __eq__(self, other: object) -> bool:
        # How it was declared makes it no other asset.
        if not isinstance(other, Asset):
            return NotImplemented
        return _identity(self) == _identity(other)

    def __hash__(self) -> int:
        return hash((self.name, self.uri))

    def __or__(self, other: Any) -> Any:
        return super().__or__(self._require_asset(other))

    def __and__(self, other: Any) -> Any:
        return super().__and__(self._require_asset(other))

    # Of a schedule, which knows no such operators.
    __ror__, __rand__ = __or__, __and__

    def _require_asset(self, other: Any) -> Any:
        if hasattr(other, "asset_condition"):
            raise ConfigurationError(
                f"{self.name!r} does not combine with the schedule of .each(), which is for one event: where any of several "
                "events starts a run, write schedule=(one | other); where every single one of them is to have a run of its own, "
                "declare all with one_run_per_event=True, and write schedule=PartitionedAssetTimetable(assets=one | other)"
            )
        return other

    def each(self) -> Any:
        """
        Return the schedule that gives every single event a run of its own, in which ``context["<event>"]`` is exactly it.

        Events with the same key, which ``event_key`` can give, are one run where they come before that run is made.

        For a Dag that is paused, or not there yet, Airflow queues nothing: ``airflow cloudfn events catch-up`` makes the runs
        of the events of that time.

        :raises ConfigurationError: for an event that was not declared with ``one_run_per_event=True``.
        """
        if not self.one_run_per_event:
            raise ConfigurationError(
                f"schedule={self.name!r}.each() would never fire: declare it as "
                f"CompletionEvent({self.name!r}, one_run_per_event=True), in the producer's Dag too"
            )
        from airflow.sdk import PartitionedAssetTimetable

        timetable: Any = PartitionedAssetTimetable
        # Airflow 3.4 would make several runs of one key where 3.3 makes one.
        batched = "batch_asset_events" in inspect.signature(timetable).parameters
        return timetable(assets=self, **({"batch_asset_events": True} if batched else {}))

    def read(self, task_id: str | None = None) -> XComArg:
        """
        Add a small task to the Dag whose output is the list of records that started the run, oldest first.

        Map over it to serve every one of several merged events: ``.expand(inputs=charge_created.read())``.

        :param task_id: Default ``read_`` and the event's name, every character but letters and digits as ``_``.
        """
        from airflow_provider_cloudfn.events.reading import read_task

        return read_task(self, task_id)


def _identity(asset: Asset) -> tuple[Any, ...]:
    return asset.name, asset.uri, asset.group, without_declaration(asset.extra)


def has_one_run_per_event(asset: Any) -> bool:
    """
    Tell whether an asset is an event that was declared with ``one_run_per_event=True``.

    :param asset: An asset; a timetable of Airflow's core holds it as it will be serialized, and so without the flag.
    """
    if isinstance(asset, Asset):
        # An asset of somebody else's class can have an attribute of that name.
        return isinstance(asset, CompletionEvent) and asset.one_run_per_event
    return getattr(asset, "uri", None) in _SINGLE


def partitions_available() -> bool:
    """Tell whether a task of this Airflow can emit an event with a partition key (3.3 can, 3.2 can't)."""
    try:
        from airflow.sdk.execution_time.context import OutletEventAccessor
    except ImportError:
        return False
    return hasattr(OutletEventAccessor, "add_partitions")


def listed(assets: Any) -> list[Any]:
    """Return what is given as inlets or outlets in a list of its own: the default's is everybody's."""
    if isinstance(assets, (list, tuple)):
        return list(assets)
    return [] if assets is None else [assets]


def with_asset(assets: Any, event: Any) -> list[Any]:
    """Return inlets or outlets with an event among them; what is none is left out, as the rules refuse it."""
    given = listed(assets)
    return given if not isinstance(event, Asset) or event in given else [*given, event]
