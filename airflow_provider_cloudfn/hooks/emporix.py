"""The hook of the connection type ``emporix_oe``: starts processes in the Emporix Orchestration Engine."""

from __future__ import annotations

import json
import unicodedata
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypedDict, Unpack

from msgspec import Struct

from airflow_provider_cloudfn.connections.emporix import EmporixConnection
from airflow_provider_cloudfn.exceptions import CloudFunctionError, ConfigurationError, ResponseError
from airflow_provider_cloudfn.hooks.base import ConnectionHook
from airflow_provider_cloudfn.hooks.cloudevent_headers import cloudevent_headers
from airflow_provider_cloudfn.json_encoding import encode_json

if TYPE_CHECKING:
    from airflow_provider_cloudfn.auth.message import HttpRequest
    from airflow_provider_cloudfn.auth.scheme import Auth
    from airflow_provider_cloudfn.client.client import Client
    from airflow_provider_cloudfn.client.request import Request, Sending
    from airflow_provider_cloudfn.client.response import Response

__all__ = ["SIGNATURE_HEADER", "EmporixHook", "EventParts", "StartedEvent"]

#: base64 of HMAC-SHA256 over the exact bytes of the body, keyed with the event source's secret.
SIGNATURE_HEADER = "x-emporix-hmac"


# A dataclass: a task that returns one has sent an event, and Airflow can keep this as the task's XCom.
@dataclass(frozen=True, slots=True)
class StartedEvent:
    """
    An event that the engine accepted, which is not to say that a process was started.

    :param id: The event's id, ``ce-id``; the process context keeps it as ``metadata.externalID``.
    :param type: The event's type.
    :param source: Who sent it.
    :param request_id: What to look for in the engine's event log.
    :param status: The HTTP status of the answer.
    """

    id: str
    type: str
    source: str
    request_id: str | None
    status: int


class EventParts(TypedDict, total=False):
    """
    What an event can have besides its type.

    :param case_id: The case of an overarching process, for process mining.
    :param subject: What a person reads of the event.
    :param payload: A JSON value; nothing given sends ``{}``.
    :param json_string: JSON text that is sent byte for byte, instead of `payload`: with it, that is an error.
    :param source: Who sends; default ``airflow``.
    :param event_id: What makes the event one and the same over all tries; default a new UUID.
    """

    case_id: str | None
    subject: str | None
    payload: Any
    json_string: str | None
    source: str | None
    event_id: str | None


class _Event(Struct, frozen=True):
    id: str
    type: str
    source: str
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def request(self, path: str) -> Request:
        """Return the request that sends it."""
        from airflow_provider_cloudfn.client.body import Raw
        from airflow_provider_cloudfn.client.request import Request

        return Request("POST", path, headers=dict(self.headers), body=Raw(self.body))


class EmporixHook(ConnectionHook[EmporixConnection]):
    """
    Start processes in the Emporix Orchestration Engine.

    :param emporix_conn_id: The connection, of type ``emporix_oe``.
    """

    conn_name_attr = "emporix_conn_id"
    default_conn_name = "emporix_oe_default"
    conn_type = "emporix_oe"
    hook_name = "Emporix Orchestration Engine"
    settings_class = EmporixConnection

    def __init__(self, emporix_conn_id: str = default_conn_name, **kwargs: Any) -> None:
        super().__init__(emporix_conn_id, **kwargs)
        self.emporix_conn_id = emporix_conn_id

    def start(self, event_type: str, *, timeout: float | None = None, **parts: Unpack[EventParts]) -> StartedEvent:
        """
        Send an event that starts a process.

        :param event_type: The key of an event in the engine's event registry.
        :param timeout: Seconds for the whole call; default the connection's.
        :param parts: What else the event has, see :class:`EventParts`.
        :raises ConfigurationError: when the connection or a parameter is wrong; nothing was sent then.
        :raises CloudFunctionError: when the engine did not accept the event.
        """
        self._refuse_event_loop("start", "astart")
        event = _event(event_type, **parts)
        client, request = self.client(), event.request(self._path())
        try:
            return _started(event, client.request_sync(request, _sending(timeout)))
        except ResponseError as error:
            return _accepted(event, error)

    async def astart(
        self, event_type: str, *, timeout: float | None = None, **parts: Unpack[EventParts]
    ) -> StartedEvent:
        """Do what :meth:`start` does, in an event loop."""
        event = _event(event_type, **parts)
        client = await self.aclient()
        try:
            return _started(event, await client.request(event.request(self._path()), _sending(timeout)))
        except ResponseError as error:
            return _accepted(event, error)

    def prepare_start(self, event_type: str, **parts: Unpack[EventParts]) -> HttpRequest:
        """
        Return the exact request that :meth:`start` would send, signed; nothing is sent.

        :param event_type: As of :meth:`start`.
        :param parts: As of :meth:`start`.
        """
        from airflow_provider_cloudfn.auth.message import HttpRequest

        event = _event(event_type, **parts)
        settings = self.settings()
        request = HttpRequest("POST", settings.event_url, event.headers, event.body)
        return next(self._scheme(settings).flow(request))

    def test_connection(self) -> tuple[bool, str]:
        """Get an API token, where there is an API client; the event secret can't be tested without an event."""
        untested = (
            "the event secret can't be tested without sending an event, so a wrong one shows when a process is started"
        )
        try:
            settings = self.settings()
            if settings.client_id is None:
                return (
                    True,
                    f"The connection is complete. It has no Client ID, so no API token was asked for, and {untested}.",
                )
            self._obtain_token(settings.api_authentication().test_scheme(), settings.api_url or "", settings.transport)
        except CloudFunctionError as error:
            return False, str(error)
        return True, f"Emporix gave an API token to the Client ID; {untested}."

    def _scheme(self, settings: EmporixConnection) -> Auth:
        from airflow_provider_cloudfn.auth.hmac_signature import HmacSignatureAuth

        return HmacSignatureAuth(settings.secret, SIGNATURE_HEADER, algorithm="sha256", encoding="base64")

    def _make_client(self, settings: EmporixConnection, scheme: Auth) -> Client:
        from airflow_provider_cloudfn.client.settings import ResponseLimits

        # A redirect to GET would lose the event, and a success there would look like the receiver's.
        limits = ResponseLimits(redirects=0)
        return self._client_for(settings.event_url.rpartition("/")[0], scheme, settings.transport, limits=limits)

    def _path(self) -> str:
        return "/" + self.settings().event_url.rpartition("/")[2]


def _event(
    event_type: str,
    *,
    case_id: str | None = None,
    subject: str | None = None,
    payload: Any = None,
    json_string: str | None = None,
    source: str | None = None,
    event_id: str | None = None,
) -> _Event:
    attributes = {
        "specversion": "1.0",
        "id": _text("event_id", event_id) or str(uuid.uuid4()),
        "type": _text("event_type", event_type),
        "source": _text("source", source) or "airflow",
        "subject": _text("subject", subject),
        "caseid": _text("case_id", case_id),
    }
    if not attributes["type"]:
        raise ConfigurationError(
            "event_type: is missing; write the key of an event in the event registry, such as 'order.paid'"
        )
    headers = (("content-type", "application/json"), *cloudevent_headers(attributes))
    return _Event(
        id=attributes["id"] or "",
        type=attributes["type"],
        source=attributes["source"] or "",
        headers=headers,
        body=_body(payload, json_string),
    )


def _text(name: str, value: Any) -> str | None:
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        raise ConfigurationError(f"{name}: must be text, not {type(value).__name__}")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise ConfigurationError(f"{name}: holds half of a surrogate pair, which is no text") from None
    if any(unicodedata.category(character) == "Cc" for character in value):
        # CloudEvents 1.0.2, section 3.1: an attribute's text has none.
        raise ConfigurationError(f"{name}: holds a line break or another control character; leave it out")
    return value


def _body(payload: Any, json_string: str | None) -> bytes:
    if json_string is None:
        if isinstance(payload, str):
            raise ConfigurationError(
                "payload: is text. If it is JSON, pass it as json_string; if it is a CEL expression, mark it with cel(…); if the "
                "payload is this very text, put it in an object, such as {'text': …}"
            )
        return encode_json({} if payload is None else payload).encode()
    if payload is not None:
        raise ConfigurationError("payload and json_string: give one of them, they are two ways to say the same")
    if not isinstance(json_string, str):
        raise ConfigurationError(
            f"json_string: must be text, not {type(json_string).__name__}; pass a value as payload"
        )
    try:
        json.loads(json_string, parse_constant=_refuse_constant)
        return json_string.encode()
    except ConfigurationError:
        raise
    except json.JSONDecodeError as error:
        raise ConfigurationError(
            f"json_string: is no JSON (line {error.lineno}, column {error.colno}: {error.msg})"
        ) from None
    except (ValueError, RecursionError):
        raise ConfigurationError("json_string: is no JSON that can be sent") from None


def _refuse_constant(name: str) -> None:
    raise ConfigurationError(f"json_string: holds {name}, which JSON does not have")


def _sending(timeout: float | None) -> Sending:
    from airflow_provider_cloudfn.client.request import Sending

    return Sending(timeout)


def _started(event: _Event, response: Response) -> StartedEvent:
    answered = response.body.get("request_id") if isinstance(response.body, dict) else None
    return StartedEvent(
        id=event.id,
        type=event.type,
        source=event.source,
        request_id=answered if isinstance(answered, str) else response.request_id,
        status=response.status,
    )


def _accepted(event: _Event, error: ResponseError) -> StartedEvent:
    """Return what was started where only the body of a success could not be read; all else is raised again."""
    if error.status is None or not 200 <= error.status < 300:
        raise error
    return StartedEvent(
        id=event.id, type=event.type, source=event.source, request_id=error.request_id, status=error.status
    )
