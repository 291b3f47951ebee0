"""The doors of the shop: what a caller must show under each of its prefixes."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

from starlette.requests import Request

from airflow_provider_cloudfn.sandbox.answers import Refusal

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

    from airflow_provider_cloudfn.sandbox.tokens import AuthorizationServer

__all__ = [
    "API_KEY_HEADER",
    "API_KEY_PARAMETER",
    "Door",
    "api_key_header",
    "api_key_query",
    "bearer",
    "behind",
    "open_door",
]

API_KEY_HEADER = "x-api-key"
API_KEY_PARAMETER = "api_key"

#: Returns how the caller showed who he is, or None where nobody asks; raises a Refusal.
Door: TypeAlias = Callable[[Request], str | None]


def behind(door: Door, app: ASGIApp) -> ASGIApp:
    """Return an application that lets in who the door lets in."""

    async def guarded(scope: Scope, receive: Receive, send: Send) -> None:
        scope["state"]["caller"] = door(Request(scope))
        await app(scope, receive, send)

    return guarded


def open_door(request: Request) -> None:
    """Let everybody in."""


def api_key_header(key: str) -> Door:
    """Return a door that wants the key in the header ``x-api-key``."""
    return lambda request: _same_key(request.headers.getlist(API_KEY_HEADER), key, f"the header {API_KEY_HEADER}")


def api_key_query(key: str) -> Door:
    """Return a door that wants the key in the query parameter ``api_key``."""
    where = f"the query parameter {API_KEY_PARAMETER}"
    return lambda request: _same_key(request.query_params.getlist(API_KEY_PARAMETER), key, where)


def _same_key(given: list[str], key: str, where: str) -> str:
    if len(given) != 1:
        raise Refusal(401, "missing_api_key", f"Give the API key once, in {where}", {"WWW-Authenticate": "ApiKey"})
    if not hmac.compare_digest(given[0].encode(), key.encode()):
        raise Refusal(401, "wrong_api_key", f"The API key in {where} is not known", {"WWW-Authenticate": "ApiKey"})
    return "api_key"


def bearer(server: AuthorizationServer) -> Door:
    """Return a door that wants an access token (RFC 6750) for ``shop.read`` or, to change something, ``shop.write``."""

    def door(request: Request) -> str:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise Refusal(401, "missing_token", "Give an access token", {"WWW-Authenticate": 'Bearer realm="sandbox"'})
        scopes = server.scopes_of(token.strip())
        if scopes is None:
            raise _bearer_refusal(401, "invalid_token", "The access token is expired or not known")
        wanted = "shop.read" if request.method in ("GET", "HEAD", "OPTIONS") else "shop.write"
        if wanted not in scopes:
            raise _bearer_refusal(403, "insufficient_scope", f"The access token is not for {wanted}", wanted)
        return "oauth2"

    return door


def _bearer_refusal(status: int, error: str, message: str, scope: str | None = None) -> Refusal:
    challenge = f'Bearer realm="sandbox", error="{error}", error_description="{message}"'
    return Refusal(status, error, message, {"WWW-Authenticate": challenge + (f', scope="{scope}"' if scope else "")})
