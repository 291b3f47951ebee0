"""Emporix: the event receiver of its Orchestration Engine, and the token endpoint of its API."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
from typing import TYPE_CHECKING
from urllib.parse import unquote

from starlette.routing import Route

from airflow_provider_cloudfn.sandbox.answers import FORM, answer, form_fields, media_type
from airflow_provider_cloudfn.sandbox.processes import ProcessEngine, ReceivedEvent

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request
    from starlette.responses import Response

    from airflow_provider_cloudfn.sandbox.credentials import Credentials
    from airflow_provider_cloudfn.sandbox.masking import Masking

__all__ = ["SIGNATURE_HEADER", "emporix_routes", "signature"]

SIGNATURE_HEADER = "x-emporix-hmac"
_REQUIRED = ("ce-specversion", "ce-id", "ce-source", "ce-type")
_TOKEN_SECONDS = 14399
#: Keys of a context that are the engine's own: an event of that name could not be told from them.
_RESERVED = frozenset({"metadata", "instanceid", "processid", "executionTemplateID", "executionTemplateVersionID"})


def signature(secret: str, content: bytes) -> str:
    """
    Return ``x-emporix-hmac``: base64 of the HMAC-SHA256 of exactly these bytes.

    :param secret: The secret of the Event Source.
    :param content: The body.
    """
    return base64.b64encode(hmac.new(secret.encode(), content, hashlib.sha256).digest()).decode()


def emporix_routes(credentials: Credentials, engine: ProcessEngine, masking: Masking) -> list[Route]:
    """
    Return the routes ``/e/{source}`` and ``/oauth/token``.

    :param credentials: The event source and the client that are known.
    :param engine: Starts and resumes processes.
    :param masking: Is told each token.
    """
    emporix = _Emporix(credentials, engine, masking)
    return [
        Route("/e/{source}", emporix.receive, methods=["POST"]),
        Route("/oauth/token", emporix.token, methods=["POST"]),
    ]


class _EventError(Exception):
    """An event that the receiver does not take."""

    def __init__(self, status: int, cause: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.cause = cause
        self.message = message


class _Emporix:
    def __init__(self, credentials: Credentials, engine: ProcessEngine, masking: Masking) -> None:
        self._credentials = credentials
        self._engine = engine
        self._masking = masking

    async def receive(self, request: Request) -> Response:
        request_id = request.scope["state"]["request_id"]
        try:
            event = await self._event(request, request_id)
            if event.instance_id is None:
                self._engine.start(event)
            elif self._engine.resume(event) is None:
                raise _EventError(404, "UNKNOWN_INSTANCE", "ce-instanceid: no such instance is running")
        except _EventError as rejected:
            body = {"status": rejected.cause, "message": rejected.message, "request_id": request_id}
            return answer(body, rejected.status)
        return answer({"status": "SUCCESS", "message": "Request successfully received", "request_id": request_id})

    async def _event(self, request: Request, request_id: str) -> ReceivedEvent:
        content = await request.body()
        headers = request.headers
        if request.path_params["source"] != self._credentials.event_source:
            raise _EventError(404, "SOURCE_NOT_FOUND", "There is no such event source")
        given = headers.getlist(SIGNATURE_HEADER)
        expected = signature(self._credentials.event_secret, content)
        if len(given) != 1 or not hmac.compare_digest(given[0].encode(), expected.encode()):
            raise _EventError(401, "VERIFICATION_FAILED", f"{SIGNATURE_HEADER} is not the signature of these bytes")
        request.scope["state"]["caller"] = "hmac"
        if media_type(request) != "application/json":
            raise _EventError(415, "UNSUPPORTED_CONTENT_TYPE", "Content-Type: application/json is all that is taken")
        _check_attributes(headers)
        try:
            payload = json.loads(content) if content else {}
        except ValueError:
            raise _EventError(400, "UNPARSABLE_JSON", "The body is no JSON") from None
        return ReceivedEvent(
            id=_decoded(headers["ce-id"]),
            type=_decoded(headers["ce-type"]),
            source=_decoded(headers["ce-source"]),
            subject=_optional(headers, "ce-subject"),
            case_id=_optional(headers, "ce-caseid"),
            time=_optional(headers, "ce-time"),
            instance_id=_optional(headers, "ce-instanceid"),
            request_id=request_id,
            payload=payload,
        )

    async def token(self, request: Request) -> Response:
        fault = {"fault": {"faultstring": "Invalid ApiKey", "detail": {"errorcode": "oauth.v2.InvalidApiKey"}}}
        try:
            fields = dict(await form_fields(request)) if media_type(request) == FORM else {}
        except ValueError:
            fields = {}
        if fields.get("grant_type") != "client_credentials":
            fault["fault"]["faultstring"] = "Unsupported grant type"
            return answer(fault, 400)
        known = (self._credentials.emporix_client_id, self._credentials.emporix_client_secret)
        given = (fields.get("client_id", ""), fields.get("client_secret", ""))
        same = [hmac.compare_digest(one.encode(), other.encode()) for one, other in zip(given, known, strict=True)]
        if not all(same):
            return answer(fault, 401)
        token = secrets.token_hex(24)
        self._masking.add(token)
        body = {
            "access_token": token,
            "token_type": "Bearer",
            "expires_in": _TOKEN_SECONDS,
            "session_idle_time": 120,
            "refresh_token": "",
            "scope": "orchestration.read tenant=sandbox",
        }
        return answer(body)


def _check_attributes(headers: Mapping[str, str]) -> None:
    missing = [name for name in _REQUIRED if not headers.get(name)]
    if missing:
        raise _EventError(400, "MISSING_ATTRIBUTE", f"These headers are missing: {', '.join(missing)}")
    if headers["ce-specversion"] != "1.0":
        raise _EventError(400, "UNSUPPORTED_SPECVERSION", "ce-specversion: 1.0 is all that is taken")
    if _decoded(headers["ce-type"]) in _RESERVED:
        raise _EventError(400, "RESERVED_EVENT_TYPE", "ce-type: this is a key of the engine's own in each context")
    # CloudEvents' HTTP binding, section 3.1.3.2: what is not printable ASCII is percent-encoded.
    for name, value in headers.items():
        if name.startswith("ce-") and not all("!" <= character <= "~" for character in value):
            raise _EventError(400, "MALFORMED_ATTRIBUTE", f"{name}: a character is not percent-encoded")


def _decoded(value: str) -> str:
    return unquote(value, encoding="utf-8", errors="replace")


def _optional(headers: Mapping[str, str], name: str) -> str | None:
    value = headers.get(name)
    return _decoded(value) if value else None
