"""The hook of the connection type ``cloudfn_event_source``: reads the connection, and sends nothing."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

from airflow.sdk import BaseHook

from airflow_provider_cloudfn.configuration import options
from airflow_provider_cloudfn.connections.event_source import event_source_of
from airflow_provider_cloudfn.exceptions import CloudFunctionError
from airflow_provider_cloudfn.hooks.masking import appearances, mask_secrets
from airflow_provider_cloudfn.hooks.missing_connection import missing_connection

if TYPE_CHECKING:
    from airflow_provider_cloudfn.webhooks.source import EventSource

__all__ = ["EventSourceHook", "days_kept", "forgets_too_soon", "named_sources"]

#: Days, where the configuration says nothing.
_KEPT: Final = 7
#: A hundred years: a moment that is much longer ago has no date.
_MOST_DAYS: Final = 36_500
_DAY: Final = 86_400


class EventSourceHook(BaseHook):
    """
    Who may send events, as a connection says it.

    :param event_source_conn_id: The connection, of type ``cloudfn_event_source``.
    """

    conn_name_attr = "event_source_conn_id"
    default_conn_name = "cloudfn_event_source_default"
    conn_type = "cloudfn_event_source"
    hook_name = "Cloud Function (Event source)"

    def __init__(self, event_source_conn_id: str = default_conn_name, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.event_source_conn_id = event_source_conn_id

    def source(self) -> EventSource:
        """
        Return the event source; its secrets are registered with Airflow's masker.

        :raises ConfigurationError: when there is no such connection, or it is wrong.
        """
        with missing_connection(self.event_source_conn_id, self.conn_name_attr, (self.conn_type,)):
            conn = self.get_connection(self.event_source_conn_id)
        return self.accept(conn)

    def accept(self, conn: Any) -> EventSource:
        """Read a connection that was fetched already, instead of fetching it."""
        source = event_source_of(conn)
        mask_secrets(text for secret in source.scheme.hidden_values() for text in appearances(secret))
        return source

    def get_conn(self) -> EventSource:
        """Return the event source, as every hook's ``get_conn`` returns what it is about."""
        return self.source()

    def test_connection(self) -> tuple[bool, str]:
        """
        Read the connection; nothing is sent, and only a delivery proves the secret.

        :returns: Whether it is complete, and what it says, for whoever asked.
        """
        try:
            source = self.source()
            forgotten = forgets_too_soon(source)
        except CloudFunctionError as error:
            return False, error.unnamed(self.event_source_conn_id)
        types = ", ".join(source.event_types) or "any type"
        rotation = ", and the previous secret holds too" if len(source.scheme.secrets) > 1 else ""
        registers = (
            " Any type that comes is registered, and stays: name those that may come in event_types."
            if source.unknown == "register" and not source.event_types
            else ""
        )
        forgets = f" {forgotten}" if forgotten else ""
        return True, (
            f"The connection is complete: POST /cloudfn/events/<its id> takes events of {types} by the scheme "
            f"{source.scheme.name!r}, once [cloudfn] event_sources names it{rotation}. Nothing was sent: a first "
            f"delivery shows whether the secret is the sender's.{registers}{forgets}"
        )


def named_sources() -> frozenset[str]:
    """Return the ids of the connections that ``[cloudfn] event_sources`` names."""
    return frozenset(one.strip() for one in options.text("event_sources").split(",")) - {""}


def days_kept() -> int:
    """
    Return for how many days ``[cloudfn] deliveries_kept`` keeps a delivery; 0 for ever.

    :raises ConfigurationError: for what is no number of days from 0 on.
    """
    wanted = f"must be a whole number of days up to {_MOST_DAYS:,}, or 0 for ever"
    return options.whole_number("deliveries_kept", _KEPT, wanted=wanted, most=_MOST_DAYS)


def forgets_too_soon(source: EventSource) -> str | None:
    """
    Say that deliveries of a source are forgotten while their requests are good still; None where they are not.

    :param source: The event source.
    """
    days, needed = days_kept(), source.scheme.tolerance / _DAY
    if days <= 0 or needed <= days:
        return None
    return (
        f"[cloudfn] deliveries_kept is {days} (days), and a request of {source.name!r} is good for "
        f"{source.scheme.tolerance:g} seconds (tolerance): sent again after them it is a second event. Keep deliveries for "
        f"{math.ceil(needed)} days at least, or write a smaller tolerance."
    )
