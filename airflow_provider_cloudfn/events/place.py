"""A place among the events of an asset, by Airflow's own clock, and the events that came after it."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Annotated, Any, Final

from airflow.sdk import Asset
from msgspec import Meta, Struct, ValidationError, convert

from airflow_provider_cloudfn.events.run_events import record_of
from airflow_provider_cloudfn.exceptions import ConfigurationError
from airflow_provider_cloudfn.json_encoding import restored

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from airflow.sdk.definitions.context import Context

__all__ = ["LATE", "MATCH_VARIABLES", "Arrivals", "Place", "place_now"]

#: What says whether an event is the one can name these, on a worker and in the triggerer.
MATCH_VARIABLES: Final = frozenset({"event", "response", "inputs"})
#: An event has its time before it is in the database: by so much can one of an earlier time come after another.
LATE: Final = dt.timedelta(seconds=30)
#: How many events one question to Airflow brings.
_AT_A_TIME: Final = 100
#: How many of the newest events a place knows by their ids.
_KNOWN: Final = 500


class Place(Struct, frozen=True):
    """
    From where on events count, as a wire format.

    :param after: The earliest time that an event can have.
    :param besides: The ids of events since then that do not count.
    """

    after: Annotated[dt.datetime, Meta(tz=True)]
    besides: tuple[int, ...] = ()

    def has(self, moment: dt.datetime, number: int) -> bool:
        """
        Return whether an event counts.

        :param moment: When it was registered.
        :param number: Airflow's id of it.
        """
        return moment >= self.after and number not in self.besides

    def to_dict(self) -> dict[str, Any]:
        """Return the place as JSON."""
        return {"after": self.after.isoformat(), "besides": list(self.besides)}

    @classmethod
    def from_dict(cls, written: Any) -> Place:
        """
        Return the place that :meth:`to_dict` wrote.

        :param written: What it wrote.
        :raises ConfigurationError: when it is nothing of the kind.
        """
        try:
            return convert(written, cls)
        except ValidationError:
            raise ConfigurationError(
                "the place of a wait is none of ours; run all of Airflow with the same version"
            ) from None


class Arrivals:
    """
    The events of an asset that count from a place on.

    :param context: The task's Airflow context. The asset is among the inlets of its task: only of these may it ask.
    :param event: The asset.
    :param place: From where on they count.
    :raises ConfigurationError: for what is no asset.
    """

    def __init__(self, context: Context, event: Any, place: Place) -> None:
        self._context = context
        self._event = event
        #: From where on events count that were not among these.
        self.place = place

    def records(self) -> Iterator[Mapping[str, Any]]:
        """Yield their records, oldest first, a bounded number at a time."""
        seen: dict[int, dt.datetime] = {}
        after, limit = self.place.after, _AT_A_TIME
        while True:
            found = list(_asked(self._context, self._event).after(after.isoformat()).ascending().limit(limit))
            fresh = [one for one in found if one.id not in seen]
            for one in fresh:
                seen[one.id] = one.timestamp
                if self.place.has(one.timestamp, one.id):
                    yield restored(record_of(one))
            if len(found) < limit:
                break
            # More than a question brings can have come at one moment.
            limit = _AT_A_TIME if fresh else 2 * limit
            after = found[-1].timestamp
        self.place = _behind(self.place, seen)


def _behind(place: Place, seen: Mapping[int, dt.datetime]) -> Place:
    """Return the place behind events, of which all since a place are given; one that comes late still counts."""
    if not seen:
        return place
    moments = sorted(seen.values(), reverse=True)
    after = max(place.after, moments[0] - LATE)
    if len(moments) > _KNOWN:
        # Those that are older than these are not known one by one.
        after = max(after, moments[_KNOWN - 1])
    return Place(after, tuple(sorted(number for number, moment in seen.items() if moment >= after)))


def place_now(context: Context, event: Any) -> Place:
    """
    Return the place behind all events that are there now. No clock of a worker has a say in it.

    :param context: The task's Airflow context.
    :param event: The asset.
    """
    run: Any = context["dag_run"]
    newest = list(_asked(context, event).ascending(False).limit(_KNOWN))
    if not newest:
        return Place(run.start_date or run.run_after)
    oldest = newest[-1].timestamp if len(newest) == _KNOWN else newest[0].timestamp - LATE
    return _behind(Place(oldest), {one.id: one.timestamp for one in newest})


def _asked(context: Context, event: Any) -> Any:
    if not isinstance(event, Asset):
        raise ConfigurationError(f"event: must be a CompletionEvent or an Asset, not {type(event).__name__}")
    inlets: Any = context["inlet_events"]
    try:
        return inlets[event]
    except KeyError:
        raise ConfigurationError(
            f"the event {event.name!r} is not among the inlets of the task, and only of these may it ask: of a mapped task, "
            "give it to partial()"
        ) from None
