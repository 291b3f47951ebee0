"""What a service asks before it sends its first event, and the answer that lets it."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, ClassVar, Final

from airflow_provider_cloudfn.auth.redacted import Redacted
from airflow_provider_cloudfn.webhooks.refused import RefusedError

if TYPE_CHECKING:
    import datetime as dt

    from airflow_provider_cloudfn.webhooks.received import ReceivedRequest
    from airflow_provider_cloudfn.webhooks.source import EventSource

__all__ = ["Handshake", "handshake"]

#: A host, perhaps with a port: CloudEvents asks for a DNS name (HTTP webhooks 1.0.2, section 4.1.1).
_ORIGIN: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?(?::[0-9]{1,5})?")
_LONGEST: Final = 2_000
_ALLOWED: Final = ("allow", "POST, OPTIONS, HEAD")
#: What is sent back is the sender's own text: no browser may take it for a page.
_AS_TEXT: Final = (("content-type", "text/plain; charset=utf-8"), ("x-content-type-options", "nosniff"))


class Handshake(Redacted, frozen=True, kw_only=True):
    """
    The answer to a handshake. Nothing was delivered.

    :param status: Its status.
    :param headers: Its headers, in lower case.
    :param body: Its body.
    """

    _hidden: ClassVar = frozenset({"headers", "body"})

    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""


def handshake(source: EventSource, request: ReceivedRequest, now: dt.datetime) -> Handshake | None:
    """
    Return the answer to a request that only asks whether it may send; None for any other, which is a delivery.

    ``HEAD``, ``OPTIONS``, that of CloudEvents among them, and Microsoft's ``validationToken`` come before there is a secret, and
    prove nothing: everybody gets their answer, and each delivery is proved by itself. Slack's ``url_verification`` is signed.

    :param source: The event source that it was sent to.
    :param request: The request.
    :param now: The time; aware.
    :raises RefusedError: for one that is not as its protocol says, or not signed.
    """
    if request.method == "HEAD":  # Whether there is anybody, as Emporix Commerce and Trello ask.
        return Handshake(headers=(_ALLOWED,))
    if request.method == "OPTIONS":
        return _cloudevents(source, request)
    if request.method == "POST" and "validationtoken" in request.query.lower():
        return _microsoft(request)
    if source.scheme.name == "slack" and b"url_verification" in request.body:
        return _slack(source, request, now)
    return None


def _cloudevents(source: EventSource, request: ReceivedRequest) -> Handshake:
    origin = request.header("webhook-request-origin")
    if origin is None:  # HTTP's own (RFC 9110, section 9.3.7), by which no origin is allowed anything.
        return Handshake(headers=(_ALLOWED,))
    if not _ORIGIN.fullmatch(origin):
        raise RefusedError(400, "bad_handshake")
    headers = [_ALLOWED, ("webhook-allowed-origin", origin)]
    if request.header("webhook-request-rate") is not None:
        limit = source.rate_limit
        # In requests per minute, "*" for any (section 4.2.2).
        allowed = "*" if limit is None else str(max(1, math.floor(limit.count / limit.seconds * 60)))
        headers.append(("webhook-allowed-rate", allowed))
    return Handshake(headers=tuple(headers))


def _microsoft(request: ReceivedRequest) -> Handshake | None:
    found = {name.lower(): value for name, value in request.as_variable(None)["query"].items()}.get("validationtoken")
    if found is None:
        return None
    if not isinstance(found, str) or not 0 < len(found) <= _LONGEST:
        raise RefusedError(400, "bad_handshake")
    return Handshake(headers=_AS_TEXT, body=found.encode())


def _slack(source: EventSource, request: ReceivedRequest, now: dt.datetime) -> Handshake | None:
    source.scheme.verify(request, now)
    body = request.read_body()
    if not isinstance(body, dict) or body.get("type") != "url_verification":
        return None
    challenge = body.get("challenge")
    if not isinstance(challenge, str) or not 0 < len(challenge) <= _LONGEST:
        raise RefusedError(400, "bad_handshake")
    return Handshake(headers=_AS_TEXT, body=challenge.encode("utf-8", "replace"))
