"""The token endpoint (RFC 6749), which refuses what its section 5.2 says, and the one for refresh tokens."""

from __future__ import annotations

import base64
import binascii
import hmac
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_plus

from starlette.routing import Route

from airflow_provider_cloudfn.auth.media_type import FORM_TYPE
from airflow_provider_cloudfn.auth.message import METHODS
from airflow_provider_cloudfn.sandbox.answers import Refusal, answer, form_fields, media_type
from airflow_provider_cloudfn.sandbox.tokens import ENGINE_SCOPES, SCOPES, AuthorizationServer, IssuedToken

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request
    from starlette.responses import Response

    from airflow_provider_cloudfn.sandbox.credentials import Credentials

__all__ = ["token_routes"]

_SCOPE = re.compile(r"[\x21\x23-\x5B\x5D-\x7E]+( [\x21\x23-\x5B\x5D-\x7E]+)*")


_NOT_STORED = {"Cache-Control": "no-store", "Pragma": "no-cache"}


class _OAuthError(Refusal):
    """A refusal, with an error code of RFC 6749, section 5.2."""

    def __init__(self, error: str, description: str, status: int = 400) -> None:
        challenge = {"WWW-Authenticate": 'Basic realm="sandbox"'} if status == 401 else {}
        super().__init__(status, error, description, _NOT_STORED | challenge)

    def body(self, request_id: str | None) -> dict[str, Any]:  # noqa: ARG002 - the RFC has no place for it
        return {"error": self.code, "error_description": self.detail}


def token_routes(credentials: Credentials, server: AuthorizationServer) -> list[Route]:
    """
    Return the routes ``/oauth2/token`` and ``/oauth2/refresh``.

    The first takes client credentials, and refresh tokens of an authenticated client. The second takes refresh tokens
    with the client's id alone, as the documents have it, and checks the secret where one is given.
    """
    endpoint = _TokenEndpoint(credentials, server)
    return [
        # All methods: what a route does not take would go on to the shop, which has the same prefix.
        Route("/oauth2/token", endpoint.token, methods=METHODS),
        Route("/oauth2/refresh", endpoint.refresh, methods=METHODS),
    ]


class _TokenEndpoint:
    def __init__(self, credentials: Credentials, server: AuthorizationServer) -> None:
        self._credentials = credentials
        self._server = server

    async def token(self, request: Request) -> Response:
        fields = await _fields(request)
        may_ask_for = self._authenticate(request, fields, public=False)
        if fields["grant_type"] == "client_credentials":
            scopes = _asked(fields.get("scope"), may_ask_for)
            return _issued(self._server.issue(scopes))
        if fields["grant_type"] == "refresh_token":
            return _issued(self._refreshed(fields))
        raise _OAuthError("unsupported_grant_type", "Use client_credentials or refresh_token")

    async def refresh(self, request: Request) -> Response:
        fields = await _fields(request)
        self._authenticate(request, fields, public=True)
        if fields["grant_type"] != "refresh_token":
            raise _OAuthError("unsupported_grant_type", "This endpoint takes refresh_token only")
        return _issued(self._refreshed(fields))

    def _refreshed(self, fields: Mapping[str, str]) -> IssuedToken:
        token = fields.get("refresh_token")
        if token is None:
            raise _OAuthError("invalid_request", "refresh_token is missing")
        granted = self._server.refresh_scopes(token)
        if granted is None:
            raise _OAuthError("invalid_grant", "The refresh token is not known, or was used already")
        scopes = _asked(fields.get("scope"), granted)
        return self._server.refresh(token, scopes)

    def _authenticate(self, request: Request, fields: Mapping[str, str], *, public: bool) -> tuple[str, ...]:
        """Return what the client that shows who it is may ask for."""
        header = request.headers.get("authorization")
        if header is not None:
            if "client_secret" in fields:
                raise _OAuthError("invalid_request", "Use one way of client authentication, not two")
            client_id, basic_secret = _basic(header)
            secret: str | None = basic_secret
            if fields.get("client_id", client_id) != client_id:
                raise _OAuthError("invalid_request", "client_id and the Authorization header name two clients")
        else:
            client_id, secret = fields.get("client_id", ""), fields.get("client_secret")
            if secret is None and not public:
                raise _OAuthError("invalid_client", "No client authentication was included", 401)
        ours = self._credentials
        clients = {
            ours.client_id: (ours.client_secret, SCOPES),
            ours.emporix_client_id: (ours.emporix_client_secret, ENGINE_SCOPES),
        }
        known_secret, scopes = clients.get(client_id, ("", ()))
        if not known_secret or (secret is not None and not _same(secret, known_secret)):
            raise _OAuthError("invalid_client", "Client authentication failed", 401)
        return scopes


async def _fields(request: Request) -> dict[str, str]:
    if request.method != "POST":
        raise Refusal(405, "method_not_allowed", "Use POST", {"Allow": "POST"})
    if media_type(request) != FORM_TYPE:
        raise _OAuthError("invalid_request", f"Send the parameters as {FORM_TYPE}")
    if {"client_secret", "client_id"} & set(request.query_params):
        raise _OAuthError("invalid_request", "Client credentials must not be in the request URI")
    try:
        pairs = await form_fields(request)
    except ValueError:
        raise _OAuthError("invalid_request", "The body is no form") from None
    fields = dict(pairs)
    if len(fields) < len(pairs):
        raise _OAuthError("invalid_request", "A parameter is there more than once")
    if "grant_type" not in fields:
        raise _OAuthError("invalid_request", "grant_type is missing")
    return fields


def _basic(header: str) -> tuple[str, str]:
    """Return client id and secret of an ``Authorization: Basic`` header, form-decoded (RFC 6749, section 2.3.1)."""
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        raise _OAuthError("invalid_client", "Client authentication is Basic, or in the body", 401)
    try:
        client_id, colon, secret = base64.b64decode(encoded.strip(), validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        colon = ""
    if not colon:
        raise _OAuthError("invalid_client", "The Authorization header can't be read", 401)
    return unquote_plus(client_id), unquote_plus(secret)


def _asked(scope: str | None, granted: tuple[str, ...]) -> tuple[str, ...]:
    if scope is None:
        return granted
    asked = tuple(dict.fromkeys(scope.split(" ")))
    if not _SCOPE.fullmatch(scope) or not set(asked) <= set(granted):
        raise _OAuthError("invalid_scope", f"The scopes that can be asked for are: {' '.join(granted)}")
    return asked


def _same(given: str, known: str) -> bool:
    return hmac.compare_digest(given.encode("utf-8", "surrogateescape"), known.encode())


def _issued(token: IssuedToken) -> Response:
    body = {
        "access_token": token.access_token,
        "token_type": "Bearer",
        "expires_in": token.seconds,
        "refresh_token": token.refresh_token,
        "scope": " ".join(token.scopes),
    }
    return answer(body, headers=_NOT_STORED)
