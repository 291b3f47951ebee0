"""Emporix: the event receiver of its Orchestration Engine, and the token endpoint of its API."""

from __future__ import annotations

import hmac
import json
import secrets
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from starlette.routing import Route

from airflow_provider_cloudfn.auth.media_type import FORM_TYPE
from airflow_provider_cloudfn.sandbox.answers import Refusal, answer, form_fields, media_type
from airflow_provider_cloudfn.sandbox.processes import ProcessEngine, ReceivedEvent
from airflow_provider_cloudfn.sandbox.signing import SIGNATURE_HEADER, signature
from airflow_provider_cloudfn.sandbox.tokens import ENGINE_SCOPES, AuthorizationServer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request
    from starlette.responses import Response

    from airflow_provider_cloudfn.sandbox.credentials import Credentials
    from airflow_provider_cloudfn.sandbox.masking import Masking

__all__ = ["CONTEXT_PATH", "emporix_routes"]

#: Where the context of an instance is, as the connection's ``context_path`` has it.
CONTEXT_PATH = "/oe/contexts/{instance_id}"
_REQUIRED = ("ce-specversion", "ce-id", "ce-source", "ce-type")
#: What an event that completes a step must have besides, and what only such an event has.
_OF_A_STEP = ("ce-instanceid", "ce-executionid", "ce-scenarioid")
_ONLY_OF_A_STEP = ("ce-executionid", "ce-scenarioid", "ce-npsprojection")
_IMPACTS = frozenset({"P", "N", "D"})
_TOKEN_SECONDS = 14399
#: Keys of a context that are the engine's own: an event of that name could not be told from them.
_RESERVED = frozenset({"metadata", "instanceid", "processid", "executionTemplateID", "executionTemplateVersionID"})


def emporix_routes(
    credentials: Credentials, engine: ProcessEngine, masking: Masking, tokens: AuthorizationServer
) -> list[Route]:
    """
    Return the routes of both engines.

    Emporix' own: ``/e/{source}`` and ``/oauth/token``. That in the Celonis Platform: ``/oe/api/packages/{key}/signals`` and
    ``…/messages``, behind an access token of ``/oauth2/token``. ``/oe/contexts/{instance_id}`` takes a token of either.
    """
    emporix = _Emporix(credentials, engine, masking, tokens)
    package = "/oe/api/packages/{key}"
    return [
        Route("/e/{source}", emporix.receive, methods=["POST"]),
        Route("/oauth/token", emporix.token, methods=["POST"]),
        Route(f"{package}/signals", emporix.signal, methods=["POST"]),
        Route(f"{package}/messages", emporix.message, methods=["POST"]),
        Route(CONTEXT_PATH, emporix.context, methods=["GET"]),
    ]


class _EventError(Refusal):
    """An event that the receiver does not take."""

    def body(self, request_id: str | None) -> dict[str, Any]:
        return {"status": self.code, "message": self.detail, "request_id": request_id}


class _Emporix:
    def __init__(
        self, credentials: Credentials, engine: ProcessEngine, masking: Masking, tokens: AuthorizationServer
    ) -> None:
        self._credentials = credentials
        self._engine = engine
        self._masking = masking
        self._tokens = tokens
        self._issued: set[str] = set()

    async def receive(self, request: Request) -> Response:
        event = await self._signed_event(request)
        if event.instance_id is None:
            self._engine.start(event)
        else:
            self._resume(event)
        return _received(event.request_id)

    async def signal(self, request: Request) -> Response:
        """Start an instance of the engine in the Celonis Platform."""
        event = await self._package_event(request)
        if event.instance_id is not None:
            raise _EventError(400, "MALFORMED_ATTRIBUTE", "ce-instanceid: a signal starts an instance, and names none")
        self._engine.start(event)
        return _received(event.request_id)

    async def message(self, request: Request) -> Response:
        """Resume an instance of that engine."""
        event = await self._package_event(request)
        if event.instance_id is None:
            raise _EventError(400, "MISSING_ATTRIBUTE", "These headers are missing: ce-instanceid")
        self._resume(event)
        return _received(event.request_id)

    async def context(self, request: Request) -> Response:
        """Answer the context of an instance."""
        token = self._bearer(request)
        if token not in self._issued and ENGINE_SCOPES[0] not in (self._tokens.scopes_of(token) or ()):
            raise _EventError(401, "INVALID_TOKEN", "The access token is expired or not known")
        process = self._engine.get(request.path_params["instance_id"])
        if process is None:
            raise _EventError(404, "UNKNOWN_INSTANCE", "There is no such instance")
        return answer(process.document)

    def _resume(self, event: ReceivedEvent) -> None:
        if self._engine.resume(event) is None:
            raise _EventError(404, "UNKNOWN_INSTANCE", "ce-instanceid: no such instance is running")

    def _bearer(self, request: Request) -> str:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise _EventError(401, "MISSING_TOKEN", "Give an access token")
        request.scope["state"]["caller"] = "oauth2"
        return token.strip()

    async def _package_event(self, request: Request) -> ReceivedEvent:
        if ENGINE_SCOPES[0] not in (self._tokens.scopes_of(self._bearer(request)) or ()):
            raise _EventError(401, "INVALID_TOKEN", f"The access token is not good, or not for {ENGINE_SCOPES[0]}")
        if request.path_params["key"] != self._credentials.package_key:
            raise _EventError(404, "PACKAGE_NOT_FOUND", "There is no package with this key")
        return await self._event(request)

    async def _signed_event(self, request: Request) -> ReceivedEvent:
        content = await request.body()
        headers = request.headers
        if request.path_params["source"] != self._credentials.event_source:
            raise _EventError(404, "SOURCE_NOT_FOUND", "There is no such event source")
        given = headers.getlist(SIGNATURE_HEADER)
        expected = signature(self._credentials.event_secret, content)
        if len(given) != 1 or not hmac.compare_digest(given[0].encode(), expected.encode()):
            raise _EventError(401, "VERIFICATION_FAILED", f"{SIGNATURE_HEADER} is not the signature of these bytes")
        request.scope["state"]["caller"] = "hmac"
        return await self._event(request)

    async def _event(self, request: Request) -> ReceivedEvent:
        content = await request.body()
        headers = request.headers
        if media_type(request) != "application/json":
            raise _EventError(415, "UNSUPPORTED_CONTENT_TYPE", "Content-Type: application/json is all that is taken")
        _check_attributes(headers)
        try:
            payload = json.loads(content) if content else {}
        except ValueError:
            raise _EventError(400, "UNPARSABLE_JSON", "The body is no JSON") from None
        return ReceivedEvent(
            id=unquote(headers["ce-id"]),
            type=unquote(headers["ce-type"]),
            source=unquote(headers["ce-source"]),
            subject=_optional(headers, "ce-subject"),
            case_id=_optional(headers, "ce-caseid"),
            time=_optional(headers, "ce-time"),
            instance_id=_optional(headers, "ce-instanceid"),
            request_id=request.scope["state"]["request_id"],
            payload=payload,
            execution_id=_optional(headers, "ce-executionid"),
            scenario_id=_optional(headers, "ce-scenarioid"),
            impact=_optional(headers, "ce-npsprojection"),
        )

    async def token(self, request: Request) -> Response:
        fault = {"fault": {"faultstring": "Invalid ApiKey", "detail": {"errorcode": "oauth.v2.InvalidApiKey"}}}
        try:
            fields = dict(await form_fields(request)) if media_type(request) == FORM_TYPE else {}
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
        self._issued.add(token)
        body = {
            "access_token": token,
            "token_type": "Bearer",
            "expires_in": _TOKEN_SECONDS,
            "session_idle_time": 120,
            "refresh_token": "",
            "scope": "orchestration.read tenant=sandbox",
        }
        return answer(body)


def _received(request_id: str) -> Response:
    return answer({"status": "SUCCESS", "message": "Request successfully received", "request_id": request_id})


def _check_attributes(headers: Mapping[str, str]) -> None:
    missing = [name for name in _REQUIRED if not headers.get(name)]
    if any(headers.get(name) for name in _ONLY_OF_A_STEP):
        missing += [name for name in _OF_A_STEP if not headers.get(name)]
    if missing:
        raise _EventError(400, "MISSING_ATTRIBUTE", f"These headers are missing: {', '.join(missing)}")
    if headers.get("ce-npsprojection", "P") not in _IMPACTS:
        raise _EventError(400, "MALFORMED_ATTRIBUTE", "ce-npsprojection: P, N or D is all that is taken")
    if headers["ce-specversion"] != "1.0":
        raise _EventError(400, "UNSUPPORTED_SPECVERSION", "ce-specversion: 1.0 is all that is taken")
    if unquote(headers["ce-type"]) in _RESERVED:
        raise _EventError(400, "RESERVED_EVENT_TYPE", "ce-type: this is a key of the engine's own in each context")
    # CloudEvents' HTTP binding, section 3.1.3.2: what is not printable ASCII is percent-encoded.
    for name, value in headers.items():
        if name.startswith("ce-") and not all("!" <= character <= "~" for character in value):
            raise _EventError(400, "MALFORMED_ATTRIBUTE", f"{name}: a character is not percent-encoded")


def _optional(headers: Mapping[str, str], name: str) -> str | None:
    value = headers.get(name)
    return unquote(value) if value else None
