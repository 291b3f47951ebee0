"""What the schemes share: comparing in constant time, and how old a request may be."""

from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING

from airflow_provider_cloudfn.webhooks.refused import RefusedError
from airflow_provider_cloudfn.webhooks.schemes.written_time import read_time

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable

    from airflow_provider_cloudfn.webhooks.received import ReceivedRequest
    from airflow_provider_cloudfn.webhooks.refused import Reason

__all__ = ["keyed_hashes", "require_moment", "require_recent", "require_secret_match", "unsigned_content"]


def keyed_hashes(secrets: Iterable[str | bytes], content: bytes, algorithm: str = "sha256") -> list[bytes]:
    """
    Return the keyed hash (RFC 2104) of some bytes for each secret; an empty secret has none.

    :param secrets: The secrets that hold; text is UTF-8.
    :param content: The bytes.
    :param algorithm: The hash function's name.
    """
    keys = (secret.encode() if isinstance(secret, str) else secret for secret in secrets if secret)
    return [hmac.new(key, content, algorithm).digest() for key in keys]


def require_secret_match(expected: Iterable[bytes], given: Iterable[bytes], reason: Reason = "signature_wrong") -> None:
    """
    Make sure that something given is something expected, in a time that tells nothing of either but its length.

    :param expected: One for each secret that holds.
    :param given: What the request has; services send more than one while a secret is changed.
    :param reason: Why the request is refused where nothing is the same.
    :raises RefusedError: with 401 then, and where there is no secret at all.
    """
    wanted, offered = list(expected), list(given)
    if not wanted:
        raise RefusedError(401, "no_secret")
    # Every pair is compared: where the first matches takes as long as where none does.
    matches = [hmac.compare_digest(one, other) for one in wanted for other in offered]
    if not any(matches):
        raise RefusedError(401, reason)


def require_recent(written: str, now: dt.datetime, tolerance: float) -> None:
    """
    Make sure that a request was sent just now.

    :param written: When, as the request has it: see :func:`~airflow_provider_cloudfn.webhooks.schemes.written_time.read_time`.
    :param now: The time; aware.
    :param tolerance: How many seconds it may lie in the past, or in the future.
    :raises RefusedError: with 401 otherwise.
    """
    moment = read_time(written)
    if moment is None:
        raise RefusedError(401, "unreadable_time")
    require_moment(moment, now, tolerance)


def require_moment(seconds: float, now: dt.datetime, tolerance: float) -> None:
    """
    Do what :func:`require_recent` does, for a number.

    :param seconds: When, in seconds since 1970.
    :param now: As of :func:`require_recent`.
    :param tolerance: As of :func:`require_recent`.
    """
    age = now.timestamp() - seconds
    if age > tolerance:
        raise RefusedError(401, "sent_too_long_ago")
    if age < -tolerance:
        raise RefusedError(401, "sent_too_early")


def unsigned_content(request: ReceivedRequest) -> bytes:
    """
    Return what stands for the signed bytes where a scheme signs none: all of a request that makes it another one.

    :param request: The request.
    """
    kept = [value for name, value in request.headers if name.startswith("ce-")]
    parts = [request.path, request.query, *kept]
    return hashlib.sha256(repr(parts).encode()).digest() + request.body
