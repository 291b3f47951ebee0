"""OAuth 2.0 client credentials (RFC 6749, section 4.4), with Authlib's protocol core."""

from __future__ import annotations

import hashlib
import json
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

from airflow_provider_cloudfn.auth.message import HttpRequest, HttpResponse
from airflow_provider_cloudfn.auth.scheme import Auth, AuthFlow
from airflow_provider_cloudfn.auth.token_store import PROCESS_TOKENS, AccessToken, TokenStore
from airflow_provider_cloudfn.exceptions import AuthenticationError, ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Mapping

__all__ = ["OAuth2ClientCredentials"]

_SKEW = 30.0


class OAuth2ClientCredentials(Auth):
    """
    An access token for the client itself, fetched when there is none, and once more when it is refused.

    :param token_url: The token endpoint.
    :param client_id: The client's public name.
    :param client_secret: The client's secret.
    :param scopes: The permissions to ask for.
    :param refresh_url: Where a refresh token is exchanged; None asks the token endpoint for a new token instead.
    :param client_auth_method: How the endpoint is shown who asks: ``client_secret_basic``, ``client_secret_post``, ``none``.
    :param parameters: What else the token endpoint wants, such as ``audience``.
    :param skew: How many seconds before its end a token counts as expired.
    :param store: Where tokens are kept; default: this process.
    """

    def __init__(
        self,
        *,
        token_url: str,
        client_id: str,
        client_secret: str,
        scopes: tuple[str, ...] = (),
        refresh_url: str | None = None,
        client_auth_method: str = "client_secret_basic",
        parameters: Mapping[str, str] | None = None,
        skew: float = _SKEW,
        store: TokenStore | None = None,
    ) -> None:
        self._token_url = token_url
        self._client_id = client_id
        self._client_secret = client_secret
        self._scopes = scopes
        self._refresh_url = refresh_url
        self._client_auth_method = client_auth_method
        self._parameters = dict(parameters or {})
        self._skew = skew
        self._store = PROCESS_TOKENS if store is None else store
        self._seen: set[str] = {client_secret} if client_secret else set()

    @property
    def reserved_headers(self) -> frozenset[str]:
        """The header of the token."""
        return frozenset({"authorization"})

    def secrets(self) -> Iterable[str]:
        """Return the client secret, and the tokens that were used so far."""
        return tuple(self._seen)

    def flow(self, request: HttpRequest) -> AuthFlow:
        """
        Yield the request with a token; before it the token request where one is needed, after a 401 both once more.

        :param request: The request.
        :raises AuthenticationError: when the token endpoint gives none; the message says what came back.
        """
        token = self._store.get(self.key)
        if token is None or not token.is_fresh(self._skew):
            token = yield from self._obtain(token)
            renewed = True
        else:
            renewed = False
        self._seen.add(token.value)
        response = yield self._authorized(request, token)
        if response.status == 401 and not renewed:
            self._store.forget(self.key, token)
            token = yield from self._obtain(token)
            yield self._authorized(request, token)

    def token_flow(self) -> Generator[HttpRequest, HttpResponse, None]:
        """Yield what must be sent to get a token, and nothing else: the test of a connection."""
        yield from self._obtain(None)

    @property
    def key(self) -> str:
        """What names these credentials in a store, without giving them away."""
        parts = (
            self._token_url,
            self._refresh_url,
            self._client_id,
            self._client_secret,
            self._client_auth_method,
            self._scopes,
            sorted(self._parameters.items()),
        )
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()

    def _obtain(self, former: AccessToken | None) -> Generator[HttpRequest, HttpResponse, AccessToken]:
        token = None
        if former is not None and former.refresh_token and self._refresh_url:
            token = yield from self._refresh(self._refresh_url, former.refresh_token)
        if token is None:
            response = yield self._token_request(
                self._token_url, "client_credentials", scope=list(self._scopes), **self._parameters
            )
            token = self._read(response, self._token_url)
        self._seen.update(secret for secret in (token.value, token.refresh_token) if secret)
        self._store.put(self.key, token)
        return token

    def _refresh(self, url: str, refresh_token: str) -> Generator[HttpRequest, HttpResponse, AccessToken | None]:
        """Exchange a refresh token, as documented without the client secret; None where the endpoint refuses it."""
        response = yield self._token_request(url, "refresh_token", method="none", refresh_token=refresh_token)
        if response.status == 401 or _fields(response).get("error") == "invalid_client":
            response = yield self._token_request(url, "refresh_token", refresh_token=refresh_token)
        try:
            token = self._read(response, url)
        except AuthenticationError:
            return None
        if token.refresh_token is None:
            # RFC 6749, section 6: without a new refresh token, the old one stays good.
            return AccessToken(token.value, token.type, token.expires_at, refresh_token)
        return token

    def _token_request(self, url: str, grant_type: str, *, method: str | None = None, **fields: Any) -> HttpRequest:
        from authlib.oauth2.auth import ClientAuth
        from authlib.oauth2.rfc6749.parameters import prepare_token_request

        body = prepare_token_request(grant_type, **fields)
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
        client = ClientAuth(self._client_id, self._client_secret, method or self._client_auth_method)
        try:
            url, headers, body = client.prepare("POST", url, headers, body)
        except UnicodeEncodeError:
            raise ConfigurationError(
                "client_id and client_secret: client_secret_basic allows Latin characters only; use client_secret_post"
            ) from None
        return HttpRequest("POST", url, tuple(headers.items()), body.encode())

    def _read(self, response: HttpResponse, url: str) -> AccessToken:
        fields = _fields(response)
        value = fields.get("access_token")
        if not 200 <= response.status < 300 or not isinstance(value, str) or not value:
            raise self._failure(response, fields, url)
        refresh_token = fields.get("refresh_token")
        return AccessToken(
            value=value,
            type=str(fields.get("token_type") or "Bearer"),
            expires_at=_expiry(fields.get("expires_in")),
            refresh_token=refresh_token if isinstance(refresh_token, str) and refresh_token else None,
        )

    def _failure(self, response: HttpResponse, fields: Mapping[str, Any], url: str) -> AuthenticationError:
        parts = urlsplit(url)
        where = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
        told = [
            f"{name} {self._redacted(fields[name])!r}" for name in ("error", "error_description") if fields.get(name)
        ]
        if not told:
            media_type = (response.header("content-type") or "no media type").partition(";")[0]
            told = [f"no access_token in {len(response.content)} bytes of {media_type}"]
        return AuthenticationError(
            f"the token endpoint {where} answered {response.status}: {', '.join(told)}; "
            "check the client ID, the client secret, the scopes and the token URL of the connection",
            status=response.status,
            retryable=response.status == 429 or response.status >= 500,
        )

    def _redacted(self, value: object) -> str:
        text = str(value)[:300]
        for secret in self._seen:
            text = text.replace(secret, "***")
        return text

    def _authorized(self, request: HttpRequest, token: AccessToken) -> HttpRequest:
        scheme = "Bearer" if token.type.lower() == "bearer" else token.type
        return request.with_header("Authorization", f"{scheme} {token.value}")


def _fields(response: HttpResponse) -> dict[str, Any]:
    """Return what a token endpoint said: JSON (RFC 6749, section 5.1), or a form, as some still answer."""
    text = response.content.decode("utf-8", "replace")
    if "form-urlencoded" in (response.header("content-type") or ""):
        return dict(parse_qsl(text))
    try:
        parsed = json.loads(text)
    except ValueError:
        return {}
    return parsed if isinstance(parsed, dict) else {}


def _expiry(expires_in: object) -> float | None:
    """Return when a token ends: where the endpoint doesn't say, or says nothing of use, a 401 will tell."""
    try:
        seconds = float(expires_in)  # type: ignore[arg-type]  # what can't be a number is caught
    except (TypeError, ValueError):
        return None
    return time.time() + seconds if seconds > 0 else None
