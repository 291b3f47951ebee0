"""An event that came in, and the request that it came with."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from msgspec import Struct

from airflow_provider_cloudfn.auth.redacted import Redacted
from airflow_provider_cloudfn.deliveries.outcome import DeliveryOutcome

if TYPE_CHECKING:
    import datetime as dt

    from airflow_provider_cloudfn.events.record import CompletionRecord
    from airflow_provider_cloudfn.webhooks.refused import Reason

__all__ = ["Arrival", "IncomingRequest"]


class IncomingRequest(Struct, frozen=True):
    """
    The request that events came with.

    :param source: The event source.
    :param received_at: When it was there; aware.
    :param size: Bytes of its body.
    """

    source: str
    received_at: dt.datetime
    size: int


class Arrival(Redacted, frozen=True, kw_only=True):
    """
    One event that came in.

    :param record: The record that it becomes; its id is that of the event among all that ever came.
    :param outcome: What is to become of it.
    :param reason: Why, where it is not accepted.
    :param status: The status of the answer.
    :param has_one_run: Whether it has a run of its own.
    :param signed_key: As of :class:`~airflow_provider_cloudfn.webhooks.incoming.IncomingEvent`.
    :param has_signed_id: As of that, too.
    :param is_kept: Whether it is kept, so that it can be replayed; one that its source does not want is not.
    """

    _hidden: ClassVar = frozenset({"record"})

    record: CompletionRecord
    outcome: DeliveryOutcome = DeliveryOutcome.ACCEPTED
    reason: Reason | None = None
    status: int = 202
    has_one_run: bool = False
    signed_key: str | None = None
    has_signed_id: bool = False
    is_kept: bool = True

    @property
    def claimed_key(self) -> str | None:
        """The signed key that its event has for itself, in whatever form the same bytes come again; None where it has none."""
        return self.signed_key if self.has_signed_id else None
