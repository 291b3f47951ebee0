"""The way of a request: admitted, read, verified, written down, answered. What blocks is done in threads."""

from __future__ import annotations

import datetime as dt
import logging
import time
from typing import TYPE_CHECKING, Final

from sqlalchemy.exc import SQLAlchemyError
from starlette.responses import Response

from airflow_provider_cloudfn.client.rate_limit import Rate
from airflow_provider_cloudfn.deliveries.acceptance import accept
from airflow_provider_cloudfn.deliveries.arrival import IncomingRequest
from airflow_provider_cloudfn.deliveries.emission import UnknownEventError
from airflow_provider_cloudfn.deliveries.outage import sentence_of
from airflow_provider_cloudfn.deliveries.outcome import DeliveryOutcome
from airflow_provider_cloudfn.deliveries.registration import note_refusal, register
from airflow_provider_cloudfn.exceptions import ConfigurationError
from airflow_provider_cloudfn.plugin.receiver.admission import Admission, Held
from airflow_provider_cloudfn.plugin.receiver.answer import answer_of, answer_of_refusal
from airflow_provider_cloudfn.plugin.receiver.blocking import Threads
from airflow_provider_cloudfn.plugin.receiver.body import read_body
from airflow_provider_cloudfn.plugin.receiver.observation import Observed, observe
from airflow_provider_cloudfn.plugin.receiver.pace import Paces
from airflow_provider_cloudfn.plugin.receiver.sources import Sources, is_named
from airflow_provider_cloudfn.plugin.receiver.sweeping import Sweeping
from airflow_provider_cloudfn.webhooks.handshake import Handshake, handshake
from airflow_provider_cloudfn.webhooks.incoming import incoming_events
from airflow_provider_cloudfn.webhooks.received import ReceivedRequest
from airflow_provider_cloudfn.webhooks.refused import RefusedError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.requests import Request

    from airflow_provider_cloudfn.deliveries.arrival import Arrival
    from airflow_provider_cloudfn.webhooks.incoming import IncomingEvent
    from airflow_provider_cloudfn.webhooks.source import EventSource

__all__ = ["Receiver"]

_log = logging.getLogger(__name__)

#: Refusals that are written down, of each source: those of strangers, and those of the source itself. All are counted and logged.
_NOTED: Final = Rate(60, 60.0)
_COME_AGAIN: Final = 5.0


class Receiver:
    """
    Takes the events of all sources, in one process.

    :param sources: The event sources.
    """

    def __init__(self, sources: Sources) -> None:
        self._sources = sources
        self._admission = Admission()
        self._paces = Paces()
        self._sweeping = Sweeping()
        self._verifying = Threads("verify")
        self._writing = Threads("write")

    async def answer(self, name: str, path: str, http: Request) -> Response:
        """
        Return the answer to a request.

        :param name: The event source, as the path has it.
        :param path: What follows it.
        :param http: The request.
        """
        began = time.perf_counter()
        taken = _Taken(name if is_named(name) else None)
        try:
            if taken.source is None:
                raise RefusedError(404, "no_source")
            with self._admission.request() as held:
                response = await self._taken(name, path, http, held, taken)
        except RefusedError as refused:
            taken.reason = refused.reason
            if refused.__cause__ is not None:
                # What an expression of the source says of a request whose sender is known.
                _log.warning("A delivery from %s is refused, %s: %s", name, refused.reason, refused.__cause__)
            response = answer_of_refusal(refused)
            await self._note(taken, refused)
        observe(
            Observed(
                source=taken.source,
                status=response.status_code,
                reason=taken.reason,
                size=taken.size,
                seconds=time.perf_counter() - began,
                arrivals=taken.arrivals,
                outcomes=taken.outcomes,
            )
        )
        if self._sweeping.is_due():
            self._writing.start(self._sweeping.step)
        return response

    async def _taken(self, name: str, path: str, http: Request, held: Held, taken: _Taken) -> Response:
        try:
            source = self._sources.kept(name)
            if source is None:
                source = await self._verifying.run(self._sources.load, name)
            body = await read_body(http, most=source.max_body, held=held)
            taken.size = len(body)
            received = _received(http, path, body)
            now = dt.datetime.now(tz=dt.UTC)
            brought = await self._verifying.run(_read, source, received, now)
            if isinstance(brought, Handshake):
                return Response(brought.body, status_code=brought.status, headers=dict(brought.headers))
            await self._require_rate(source)
            request = IncomingRequest(source.name, now, taken.size)
            taken.arrivals, taken.outcomes = await self._writing.run(_made, source, request, brought)
            for arrival in taken.arrivals:
                if arrival.outcome is DeliveryOutcome.REFUSED and arrival.reason is not None:
                    raise RefusedError(arrival.status, arrival.reason)
            return answer_of(taken.arrivals, taken.outcomes)
        except SQLAlchemyError as error:
            _log.error("A delivery from %s is not taken: %s", name, sentence_of(error))
            raise RefusedError(503, "database", retry_after=_COME_AGAIN) from None
        except UnknownEventError:
            raise RefusedError(503, "asset_gone", retry_after=_COME_AGAIN) from None
        except (ConfigurationError, OSError) as error:
            _log.error("A delivery from %s is not taken: %s: %s", name, type(error).__name__, error)
            raise RefusedError(503, "storage", retry_after=_COME_AGAIN) from None
        except RefusedError:
            raise
        except Exception:
            _log.exception("A delivery from %s is not taken, by a fault of this package", name)
            raise RefusedError(503, "fault", retry_after=_COME_AGAIN) from None

    async def _require_rate(self, source: EventSource) -> None:
        # Behind the signature, so that a stranger can't use up what a source may send.
        if source.rate_limit is not None:
            wait = await self._paces.wait(source.name, source.rate_limit)
            if wait > 0:
                raise RefusedError(429, "rate_limit", retry_after=wait)

    async def _note(self, taken: _Taken, refused: RefusedError) -> None:
        """Write a refusal down, unless there were many of them; what is our own fault the log has."""
        if taken.source is None or refused.status >= 500:
            return
        if await self._paces.wait(("refusals", taken.source, bool(taken.arrivals)), _NOTED) > 0:
            return
        request = IncomingRequest(taken.source, dt.datetime.now(tz=dt.UTC), taken.size)
        self._writing.start(note_refusal, request, refused.reason, refused.status, taken.arrivals)


class _Taken:
    """How far a request has come."""

    def __init__(self, source: str | None) -> None:
        self.source = source
        self.size = 0
        self.reason: str | None = None
        self.arrivals: Sequence[Arrival] = ()
        self.outcomes: Sequence[DeliveryOutcome] = ()


def _read(source: EventSource, received: ReceivedRequest, now: dt.datetime) -> Handshake | list[IncomingEvent]:
    greeting = handshake(source, received, now)
    if greeting is None and received.method != "POST":
        raise RefusedError(405, "method")
    return incoming_events(source, received, now) if greeting is None else greeting


def _made(
    source: EventSource, request: IncomingRequest, events: Sequence[IncomingEvent]
) -> tuple[list[Arrival], list[DeliveryOutcome]]:
    arrivals = accept(source, events)
    is_refused = any(arrival.outcome is DeliveryOutcome.REFUSED for arrival in arrivals)
    return arrivals, [] if is_refused else register(request, arrivals)


def _received(http: Request, path: str, body: bytes) -> ReceivedRequest:
    # Header fields are bytes; Latin-1 keeps each of them.
    headers = ((name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in http.scope["headers"])
    return ReceivedRequest(
        method=http.method,
        path=path,
        query=http.scope["query_string"].decode("latin-1"),
        headers=tuple(headers),
        body=body,
    )
