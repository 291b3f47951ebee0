"""An event source: who may send, and how what is sent becomes events."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from airflow_provider_cloudfn import cel
from airflow_provider_cloudfn.auth.redacted import Redacted

if TYPE_CHECKING:
    from airflow_provider_cloudfn.cel import Program
    from airflow_provider_cloudfn.client.rate_limit import Rate
    from airflow_provider_cloudfn.webhooks.schemes.scheme import Scheme

__all__ = ["MAX_BODY", "EventSource", "Unknown", "request_program"]

Unknown: TypeAlias = Literal["reject", "ignore", "register"]

#: How many bytes a request may have, unless the source says otherwise.
MAX_BODY: Final = 1024 * 1024


class EventSource(Redacted, frozen=True, kw_only=True):
    """
    The settings of one event source, as its connection has them.

    :param name: The connection's id, which is the source's name in the path.
    :param scheme: How a request proves who sent it. Its secrets are not shown.
    :param event_types: Which types the source may send, as globs; empty for any.
    :param unknown: What becomes of an event of another type than ``event_types`` allows, and of one that Airflow has no asset
        for: ``reject`` refuses it, ``ignore`` takes and forgets it. ``register`` makes the asset, and refuses what
        ``event_types`` does not allow.
    :param type: CEL for an event's type; None for the CloudEvent's, the path's, or the scheme's own.
    :param id: CEL for an event's id; None for the CloudEvent's, or the scheme's own.
    :param filter: CEL that is true of the events that are wanted; None for all.
    :param payload: CEL for what the event carries; None for the CloudEvent's data, or the body.
    :param max_body: How many bytes a request may have.
    :param rate_limit: How many requests the source may send; None for any number.
    """

    name: str
    scheme: Scheme
    event_types: tuple[str, ...] = ()
    unknown: Unknown = "reject"
    type: Program | None = None
    id: Program | None = None
    filter: Program | None = None
    payload: Program | None = None
    max_body: int = MAX_BODY
    rate_limit: Rate | None = None

    def allows(self, event_type: str) -> bool:
        """
        Return whether the source may send events of a type.

        :param event_type: The type.
        """
        return not self.event_types or any(fnmatchcase(event_type, glob) for glob in self.event_types)


def request_program(expression: str) -> Program:
    """
    Compile an expression of an event source.

    :param expression: CEL over ``request``: ``headers``, ``body``, ``path``, ``query``.
    :raises ExpressionError: for what is none, or reads something else.
    """
    return cel.compile(expression, variables=("request",))
