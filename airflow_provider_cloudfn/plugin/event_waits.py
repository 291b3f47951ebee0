"""Tells triggerers what their waits wait for: events of assets, and callbacks. Nobody else is told anything."""

from __future__ import annotations

import datetime as dt  # noqa: TC003 - msgspec reads the annotations
import json
import logging
from typing import TYPE_CHECKING, Any, Final

import msgspec
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from airflow_provider_cloudfn.events.run_events import stored_record_of
from airflow_provider_cloudfn.events.signature import CallbackAddress, require_triggerer
from airflow_provider_cloudfn.exceptions import AuthenticationError, ConfigurationError
from airflow_provider_cloudfn.json_encoding import timestamp_text
from airflow_provider_cloudfn.plugin.callback_state import called
from airflow_provider_cloudfn.plugin.receiver.admission import Admission
from airflow_provider_cloudfn.plugin.receiver.body import read_body
from airflow_provider_cloudfn.webhooks.refused import RefusedError

if TYPE_CHECKING:
    from starlette.requests import Request

__all__ = ["application"]

_log = logging.getLogger(__name__)

_admission = Admission()

#: Bytes of a question; ten thousand callbacks have room in it.
_LARGEST: Final = 8 * 1024 * 1024
#: How many events of an asset an answer has at most, and bytes of one of them, and of all.
_AT_A_TIME: Final = 100
_LARGEST_EVENT: Final = 256 * 1024
_ROOM: Final = 8 * 1024 * 1024


class EventQuestion(msgspec.Struct, frozen=True):
    """
    A question for the events of one asset.

    :param name: The asset's.
    :param uri: The asset's.
    :param after: Since when.
    :param seen: The ids of those that are known.
    """

    name: str
    uri: str
    after: dt.datetime
    seen: list[int] = []


class Question(msgspec.Struct, frozen=True):
    """What a triggerer asks, for all its waits."""

    events: list[EventQuestion] = []
    callbacks: list[CallbackAddress] = []


def application() -> Starlette:
    """Return the application that is mounted."""
    return Starlette(routes=[Route("/", _asked, methods=["POST"])])


async def _asked(request: Request) -> Response:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    try:
        require_triggerer(token if scheme.lower() == "bearer" else "")
        with _admission.request() as held:
            body = await read_body(request, most=_LARGEST, held=held)
            return Response(await run_in_threadpool(_answer, body), media_type="application/json")
    except AuthenticationError:
        return JSONResponse({"detail": "Unauthorized"}, 401)
    except ConfigurationError as error:
        _log.error("No triggerer can be told of events: %s", error)
        return JSONResponse({"detail": "Not configured"}, 503)
    except RefusedError as refused:
        return JSONResponse({"detail": "Refused"}, refused.status)
    except msgspec.MsgspecError:
        return JSONResponse({"detail": "Not understood"}, 400)


def _answer(body: bytes) -> bytes:
    from airflow.utils.session import create_session

    question, room = msgspec.json.decode(body, type=Question), _ROOM
    events = []
    with create_session(scoped=False) as session:
        for one in question.events:
            arrived, more = _arrived(one, session, room)
            room -= sum(map(len, arrived))
            events.append({"arrived": list(map(msgspec.Raw, arrived)), "more": more})
        return msgspec.json.encode({"events": events, "callbacks": called(question.callbacks, session)})


def _arrived(question: EventQuestion, session: Any, room: int) -> tuple[list[bytes], bool]:
    """Return the oldest events that are not known, and whether there are more; of those that are, only their ids are read."""
    from airflow.models.asset import AssetEvent, AssetModel
    from sqlalchemy import Text, cast, select
    from sqlalchemy.orm import defer

    asset = session.scalar(select(AssetModel).where(AssetModel.name == question.name, AssetModel.uri == question.uri))
    if asset is None:
        return [], False
    since = select(AssetEvent.id).where(AssetEvent.asset_id == asset.id, AssetEvent.timestamp >= question.after)
    limit = len(question.seen) + _AT_A_TIME + 1
    seen = set(question.seen)
    numbers = session.scalars(since.order_by(AssetEvent.timestamp, AssetEvent.id).limit(limit))
    fresh = [number for number in numbers if number not in seen]
    if not fresh:
        return [], False
    # As text, so that one that can't be read is no fault of the others.
    wanted = select(AssetEvent, cast(AssetEvent.extra, Text)).options(defer(AssetEvent.extra))
    wanted = wanted.where(AssetEvent.id.in_(fresh[:_AT_A_TIME])).order_by(AssetEvent.timestamp, AssetEvent.id)
    arrived: list[bytes] = []
    for row, extra in session.execute(wanted):
        told = _told(row, extra)
        if len(told) > room:
            return arrived, True
        room -= len(told)
        arrived.append(told)
    return arrived, len(fresh) > _AT_A_TIME


def _told(row: Any, extra: str) -> bytes:
    """Return an event as JSON; without its record where that is too large, or can't be read: then it is the workers' to look."""
    from sqlalchemy.orm.attributes import set_committed_value

    told = {"id": row.id, "timestamp": timestamp_text(row.timestamp)}
    try:
        set_committed_value(row, "extra", json.loads(extra))
        text = json.dumps({**told, "record": stored_record_of(row)})
    except (ValueError, RecursionError) as error:
        _log.error("Event %d of %s can't be read, so workers look: %s", row.id, row.asset.name, type(error).__name__)
        text = ""
    if not text or len(text) > _LARGEST_EVENT:
        text = json.dumps({**told, "record": None})
    return text.encode()
