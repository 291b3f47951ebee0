"""Takes the callbacks of services: ``POST /cloudfn/callbacks/<token>``. The token is all there is of authentication."""

from __future__ import annotations

import datetime as dt
import logging
import uuid
from typing import TYPE_CHECKING, Any, Final

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.responses import JSONResponse
from starlette.routing import Route

from airflow_provider_cloudfn.events.signature import CallbackAddress
from airflow_provider_cloudfn.exceptions import AuthenticationError, ConfigurationError, LimitError
from airflow_provider_cloudfn.journal.entries import CallbackEntry
from airflow_provider_cloudfn.json_encoding import to_json_value
from airflow_provider_cloudfn.plugin.callback_state import keep
from airflow_provider_cloudfn.plugin.receiver.admission import Admission
from airflow_provider_cloudfn.plugin.receiver.body import read_body
from airflow_provider_cloudfn.webhooks.received import ReceivedRequest
from airflow_provider_cloudfn.webhooks.refused import RefusedError

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.types import ASGIApp, Receive, Scope, Send

__all__ = ["application"]

_log = logging.getLogger(__name__)
_admission = Admission()

#: Bytes of a callback's body. What is larger is fetched, by a link in it.
_LARGEST: Final = 48 * 1024

#: What is answered. A body reveals nothing of the task.
_SAID: Final = {
    200: "Somebody waits here",
    202: "Accepted",
    400: "The body is not what its Content-Type says",
    401: "The address is none of this Airflow's",
    408: "The body took too long",
    409: "There was a callback at this address already",
    410: "Nobody waits for this callback any more",
    413: "The body is too large",
    415: "The body must be JSON, a form or text, and not compressed",
    503: "Try again",
}


def application() -> Starlette:
    """Return the application that is mounted."""
    routes = [
        Route("/{token}", _called, methods=["POST", "PUT"]),
        # Some services look whether there is anybody before they take an address.
        Route("/{token}", _looked, methods=["HEAD", "OPTIONS"]),
    ]
    return Starlette(routes=routes, middleware=[Middleware(_PathUnseen)])


class _PathUnseen:
    """Leaves no address to Airflow's access log, which is written when all is done: it may be good still."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self._app(scope, receive, send)
        finally:
            scope["path"] = f"{scope.get('root_path', '')}/***"


async def _called(request: Request) -> JSONResponse:
    address = _address(request)
    return _answer(address if isinstance(address, int) else await _status(address, request))


async def _looked(request: Request) -> JSONResponse:
    address = _address(request)
    return _answer(address if isinstance(address, int) else 200)


def _answer(status: int) -> JSONResponse:
    headers = {"Cache-Control": "no-store", **({"Retry-After": "5"} if status == 503 else {})}
    return JSONResponse({"detail": _SAID[status]}, status, headers)


def _address(request: Request) -> CallbackAddress | int:
    """Return the task instance that an address stands for, or the status that says that there is none."""
    try:
        address = CallbackAddress.of(request.path_params["token"])
    except AuthenticationError:
        return 401
    except ConfigurationError as error:
        _log.error("No callback can be taken: %s", error)
        return 503
    return 410 if address.is_late else address


async def _status(address: CallbackAddress, request: Request) -> int:
    try:
        with _admission.request() as held:
            body = await read_body(request, most=_LARGEST, held=held)
            payload = _payload(request, body)
    except RefusedError as refused:
        return refused.status
    except (ValueError, LimitError):
        return 400
    entry = CallbackEntry(id=str(uuid.uuid4()), came_at=dt.datetime.now(tz=dt.UTC), payload=payload)
    return await run_in_threadpool(_kept, address, entry)


def _kept(address: CallbackAddress, entry: CallbackEntry) -> int:
    from airflow.utils.session import create_session
    from sqlalchemy.exc import IntegrityError, SQLAlchemyError

    place = f"{address.dag_id} {address.run_id} {address.task_id} {address.map_index}"
    try:
        with create_session(scoped=False) as session:
            became = keep(address, entry, session)
    except IntegrityError:
        # Where a database locks no row, another one was faster.
        return 409
    except SQLAlchemyError as error:
        _log.warning("A callback for %s could not be kept: %s", place, type(error).__name__)
        return 503
    _log.info("A callback for %s: %s, id %s", place, became, entry.id)
    return {"kept": 202, "again": 409, "gone": 410}[became]


def _payload(request: Request, body: bytes) -> Any:
    """Return what a body means, as a body of an event source does."""
    if not body.strip():
        return None
    read = ReceivedRequest(method=request.method, headers=tuple(request.headers.items()), body=body).read_body()
    if isinstance(read, bytes):
        raise RefusedError(415, "unsupported_media_type")
    return to_json_value(read)
