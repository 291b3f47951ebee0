"""Why a request is refused: a status for the sender, and a reason for the operator."""

from __future__ import annotations

from typing import Final, Literal, TypeAlias

__all__ = ["REASONS", "Reason", "RefusedError"]

Reason: TypeAlias = Literal[
    "asset_gone",
    "bad_body",
    "bad_event",
    "bad_handshake",
    "bad_query",
    "busy",
    "content_encoding",
    "credentials_missing",
    "credentials_wrong",
    "database",
    "disconnected",
    "event_too_large",
    "fault",
    "filter",
    "filter_failed",
    "header_twice",
    "id_failed",
    "keys_unavailable",
    "method",
    "no_secret",
    "no_source",
    "no_type",
    "payload_failed",
    "rate_limit",
    "schema",
    "sent_too_early",
    "sent_too_long_ago",
    "signature_missing",
    "signature_wrong",
    "slow_sender",
    "source_misconfigured",
    "storage",
    "too_large",
    "too_many_events",
    "too_slow",
    "type_failed",
    "type_not_allowed",
    "unknown_type",
    "unreadable_time",
    "unsupported_media_type",
    "unusable_type",
]

#: What each reason means to the operator, who reads it in the log and in the list of deliveries.
REASONS: Final[dict[Reason, str]] = {
    "asset_gone": "The asset of the event was taken away while it came.",
    "bad_body": "The body is not what its Content-Type says, or nested too deep, or has too many values.",
    "bad_event": "It is no valid CloudEvent, or its type, id or payload is nothing that an event can have.",
    "bad_handshake": "A service asked to be let in, in a way that its protocol does not know.",
    "bad_query": "The query is none.",
    "busy": "Too many requests are under way in this API server.",
    "content_encoding": "The body is compressed.",
    "credentials_missing": "The header with the credentials is missing.",
    "credentials_wrong": "The credentials are wrong, or no longer valid.",
    "database": "Airflow's database did not take it: the API server's log says why.",
    "disconnected": "The sender went away before its body was there.",
    "event_too_large": "The event carries more than [cloudfn] event_limit, and [cloudfn] event_storage names no storage.",
    "fault": "A fault of this package: the API server's log has it.",
    "filter": "The source's filter leaves it out.",
    "filter_failed": "The source's filter could not be evaluated, or gave neither true nor false.",
    "header_twice": "A header that must stand once stands twice.",
    "id_failed": "The expression for the id could not be evaluated, or gave no text.",
    "keys_unavailable": "The keys of the token's issuer could not be fetched.",
    "method": "Another method than POST, and no handshake.",
    "no_secret": "The source has no secret, so that nothing can be proved.",
    "no_source": "[cloudfn] event_sources names no such source.",
    "no_type": "Nothing says which event it is: no expression, no CloudEvent, no path.",
    "payload_failed": "The expression for the payload could not be evaluated.",
    "rate_limit": "The source sends more than its rate_limit.",
    "schema": "What it carries is not as the event's schema says: the API server's log has the places.",
    "sent_too_early": "Its time lies further in the future than the tolerance allows: compare the clocks.",
    "sent_too_long_ago": "Its time lies further in the past than the tolerance allows: a replay, a late retry, or a wrong clock.",
    "signature_missing": "The header with the signature, or with what belongs to it, is missing.",
    "signature_wrong": "The signature is not that of the body: the secret is another one, or the body was changed.",
    "slow_sender": "The body did not come in time.",
    "source_misconfigured": "The source's connection is missing or wrong: the API server's log says how.",
    "storage": "The storage for large events ([cloudfn] event_storage) did not take it: the API server's log says why.",
    "too_large": "The body is larger than the source's max_body.",
    "too_many_events": "The batch has more events than one request may bring.",
    "too_slow": "It took too long, in verifying or in the database. What has begun may still be accepted.",
    "type_failed": "The expression for the type could not be evaluated, or gave no text.",
    "type_not_allowed": "The source may not send events of this type (event_types).",
    "unknown_type": "No Dag names an event of this type.",
    "unreadable_time": "Its time is none that is read: seconds since 1970, milliseconds, RFC 3339 with a zone, a date of HTTP.",
    "unsupported_media_type": "The body's Content-Type is nothing that is read here.",
    "unusable_type": "No event can have such a name.",
}


class RefusedError(Exception):
    """
    A request is refused. Nothing of what it held, and no secret, is in here; what an expression said of itself is its cause.

    :param status: The status of the answer, all that the sender learns.
    :param reason: One of :data:`REASONS`, for the log and the list of deliveries.
    :param retry_after: After how many seconds the sender may try again; None where that would not help.
    """

    def __init__(self, status: int, reason: Reason, retry_after: float | None = None) -> None:
        super().__init__(status, reason, retry_after)
        self.status = status
        self.reason: Reason = reason
        self.retry_after = retry_after

    def __str__(self) -> str:
        return self.reason
