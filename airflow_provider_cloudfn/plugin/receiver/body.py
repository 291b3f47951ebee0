"""The body of a request, read within bounds: of its size, and of the time that a sender takes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from starlette.requests import ClientDisconnect

from airflow_provider_cloudfn.webhooks.refused import RefusedError

if TYPE_CHECKING:
    from starlette.requests import Request

    from airflow_provider_cloudfn.plugin.receiver.admission import Held

__all__ = ["SECONDS", "read_body"]

#: Within so many seconds a body is there, or its sender is sent away.
SECONDS: Final = 10.0


async def read_body(request: Request, *, most: int, held: Held, seconds: float = SECONDS) -> bytes:
    """
    Return the body of a request. Where its head says already that it is refused, nothing is read.

    :param request: The request.
    :param most: How many bytes it may have.
    :param held: Counts what is in memory.
    :param seconds: How long it may take.
    :raises RefusedError: 413 for a body that is too long; 415 for one that is compressed, since what was signed are other
        bytes; 408 for a sender that is too slow; 400 for one that went away; 503 where there is no room now.
    """
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise RefusedError(415, "content_encoding")
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and int(declared) > most:
        raise RefusedError(413, "too_large")
    body = bytearray()
    try:
        async with held.reading(seconds):
            async for part in request.stream():
                if len(body) + len(part) > most:
                    raise RefusedError(413, "too_large")
                held.take(len(part))
                body += part
    except TimeoutError:
        raise RefusedError(408, "slow_sender") from None
    except ClientDisconnect:
        raise RefusedError(400, "disconnected") from None
    return bytes(body)
