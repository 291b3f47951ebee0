"""A wait for an event, or for a callback, as a wire format: for the triggerer, and for the worker that goes on after it."""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003 - the wire format has its types
from typing import Any, ClassVar, Literal

from msgspec import field
from msgspec.structs import asdict

from airflow_provider_cloudfn import cel
from airflow_provider_cloudfn.auth.redacted import Redacted
from airflow_provider_cloudfn.events.place import MATCH_VARIABLES, Place
from airflow_provider_cloudfn.events.signature import CallbackAddress
from airflow_provider_cloudfn.exceptions import ExpressionError, require_truth
from airflow_provider_cloudfn.json_encoding import restored
from airflow_provider_cloudfn.triggers.wire_format import TriggerPayload, require_event, require_wire_format
from airflow_provider_cloudfn.triggers.written_down import read_back

__all__ = ["Wait", "WaitEvent"]


class Wait(Redacted, frozen=True, kw_only=True):
    """
    What is waited for.

    :param event: The asset's name; None for a callback.
    :param uri: The asset's URI.
    :param place: From where on events count.
    :param match: CEL: whether an event is the one; None for any.
    :param known: What that names besides ``event``.
    :param callback: The task instance that is called back; no token of it.
    :param answer: What expressions name of ``response`` later.
    :param content_type: The Content-Type of the answer, where that has its bytes.
    :param answered: Whether the call has been answered.
    :param begun: When the wait began, in seconds since 1970.
    :param place_of: What errors put before ``match``.
    """

    _hidden: ClassVar = frozenset({"known", "answer"})

    event: str | None = None
    uri: str | None = None
    place: Place | None = None
    match: str | None = None
    known: Mapping[str, Any] = field(default_factory=dict)
    callback: CallbackAddress | None = None
    answer: Mapping[str, Any] | None = None
    content_type: str | None = None
    answered: bool = False
    begun: float
    place_of: str = "wait_for."

    def matches(self, record: Mapping[str, Any]) -> bool:
        """
        Return whether an event is the one.

        :raises ExpressionError: when `match` has no value, or none that is true or false.
        """
        if self.match is None:
            return True
        known = {name: read_back(value) for name, value in self.known.items()}
        variables = {"response": None, "inputs": None, **known, "event": restored(record)}
        try:
            return require_truth(cel.compile(self.match, variables=MATCH_VARIABLES).evaluate(variables))
        except ExpressionError as error:
            raise error.in_field(f"{self.place_of}match") from None

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON."""
        return {
            **asdict(self),
            "place": None if self.place is None else self.place.to_dict(),
            "callback": None if self.callback is None else asdict(self.callback),
        }

    @classmethod
    def from_dict(cls, written: Any) -> Wait:
        """
        Return what :meth:`to_dict` wrote.

        :raises ConfigurationError: when it is nothing of the kind.
        """
        require_wire_format("wait", written, cls)
        place, callback = written.get("place"), written.get("callback")
        return cls(
            **{
                **written,
                "place": None if place is None else Place.from_dict(place),
                "callback": None if callback is None else CallbackAddress.from_dict(callback),
            }
        )


class WaitEvent(Redacted, frozen=True):
    """
    Why a trigger has stopped waiting, as a wire format. It has no event in it: the worker asks Airflow itself.

    :param outcome: ``found``: it came. ``look``: the triggerer can't ask, and the worker shall. ``late``: it was time to stop.
    :param seconds: How many were left by then.
    :param wait: What the trigger was given.
    :param looks: How often in a row it was the worker's turn.
    :param why: Why the triggerer can't ask.
    """

    _hidden: ClassVar = frozenset({"wait"})

    outcome: Literal["found", "look", "late"]
    seconds: float
    wait: Mapping[str, Any]
    looks: int = 0
    why: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return the event as JSON."""
        return TriggerPayload(asdict(self))

    @classmethod
    def from_dict(cls, written: Any) -> WaitEvent:
        """
        Return the event that :meth:`to_dict` wrote.

        :raises ConfigurationError: when it is nothing of the kind.
        """
        told = require_event(written, ("found", "look", "late"))
        looks, why = int(told.get("looks") or 0), str(told.get("why") or "")
        return cls(told["outcome"], float(told["seconds"]), told.get("wait") or {}, looks, why)

    def tell(self, log: Any) -> None:
        """Say in the log of a task why its worker looks: the next trigger of the task writes over the log of this one."""
        if self.outcome == "look":
            log.warning(
                "The triggerer can't ask the API server for what is waited for, so a worker looks, more and more seldom: %s",
                self.why or "its log says why",
            )
