"""OAuth 2.0 for a client that acts without a person (RFC 6749, section 4.4, and its kin), with Authlib's protocol core."""

from __future__ import annotations

import hashlib
import json
import time
from functools import cached_property
from typing import TYPE_CHECKING

from msgspec.structs import replace

from airflow_provider_cloudfn.auth.client_authentication import OAuth2Client, assertions_in
from airflow_provider_cloudfn.auth.message import HttpRequest, HttpResponse
from airflow_provider_cloudfn.auth.scheme import Auth, AuthFlow
from airflow_provider_cloudfn.auth.token_answer import error_code, read_token, refuses_client
from airflow_provider_cloudfn.auth.token_request import MANNERS, MOST_MANNERS, Manner
from airflow_provider_cloudfn.auth.token_store import PROCESS_TOKENS, TOKEN_SOURCE, AccessToken, TokenStore
from airflow_provider_cloudfn.exceptions import (
    AuthenticationError,
    CloudFunctionError,
    CommunicationError,
    LimitError,
    RequestTimeoutError,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable

    from airflow_provider_cloudfn.auth.scheme import AuthSteps
    from airflow_provider_cloudfn.auth.token_lock import TokenLock

__all__ = ["OAuth2ClientCredentials"]

_SKEW = 30.0
#: Seconds for which a token that came in the place of a refused one, and was refused itself, is not replaced again.
_DOUBT = 60.0


class OAuth2ClientCredentials(Auth):
    """
    An access token for the client itself, fetched when there is none, and once more when it is refused.

    :param client: The client, and how it asks.
    :param renew_when: Tells from an answer that the token was refused, for services that say so other than by 401.
    :param skew: How many seconds before its end a token counts as expired.
    :param certificate: The client certificate that is shown besides, which a token can be bound to (RFC 8705).
    :param store: Where tokens are kept; default: this process. A client without a secret is kept in this process always.
    """

    def __init__(
        self,
        client: OAuth2Client,
        *,
        renew_when: Callable[[HttpResponse], bool] | None = None,
        skew: float = _SKEW,
        certificate: str | None = None,
        store: TokenStore | None = None,
    ) -> None:
        self._client = client
        self._scope = client.scope_separator.join(client.scopes)
        self._headers = tuple(client.headers.items())
        named = {"audience": client.audience, "resource": client.resource}
        self._parameters = {**{name: text for name, text in named.items() if text}, **client.parameters}
        self._renew_when = renew_when
        self._skew = skew
        self._certificate = certificate
        #: What came in the place of a refused token and was not accepted so far, and when it came.
        self._doubtful: tuple[str, float] | None = None
        self._store: TokenStore = PROCESS_TOKENS if store is None or not client.client_secret else store
        self._seen: set[str] = {*client.secrets()}

    @property
    def reserved_headers(self) -> frozenset[str]:
        """The header of the token."""
        return frozenset({"authorization"})

    def secrets(self) -> Iterable[str]:
        """Return the client secret, what client authentication makes of it, and the tokens that were used so far."""
        return tuple(self._seen)

    def steps(self, request: HttpRequest) -> AuthSteps:
        """
        Yield the request with a token; before it the token request where one is needed, after a refusal both once more.

        :raises AuthenticationError: when the token endpoint gives none; the message says what came back.
        """
        known = PROCESS_TOKENS.get(self.key)
        token = self._store.get(self.key)
        TOKEN_SOURCE.set("kept" if token == known else "shared")
        if token is None or not token.is_fresh(self._skew):
            token = yield from self._obtain(token, refused=False)
        self._seen.update(_token_secrets(token))
        response = yield self._authorized(request, token)
        if isinstance(response, HttpResponse) and self._is_refusal(response) and not self._is_doubtful(token):
            token = yield from self._obtain(token, refused=True)
            self._doubtful = token.value, time.monotonic()
            response = yield self._authorized(request, token)
        if self._is_doubtful(token) and isinstance(response, HttpResponse) and not self._is_refusal(response):
            self._doubtful = None

    def flow(self, request: HttpRequest) -> AuthFlow:
        """
        Do what :meth:`steps` does, for a driver that doesn't wait for others who fetch the same token.

        :raises AuthenticationError: when the token endpoint gives none; the message says what came back.
        """
        return _without_locks(self.steps(request))

    def token_flow(self) -> Generator[HttpRequest, HttpResponse, None]:
        """Yield what must be sent to get a token, and nothing else: the test of a connection."""
        yield from self._fetch(None)

    @cached_property
    def key(self) -> str:
        """
        What names these credentials in a store: different ones never have the same.

        It follows from the client secret, so that who has it could ask for the token himself; it is as secret as that.
        """
        client = self._client
        parts = (
            client.token_url,
            client.refresh_url,
            client.client_id,
            client.client_secret,
            client.client_auth_method,
            client.grant_type,
            self._scope,
            sorted(self._parameters.items()),
            sorted(self._headers),
            sorted(client.claims.items()),
            self._certificate,
        )
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()

    def _is_refusal(self, response: HttpResponse) -> bool:
        return response.status == 401 or (self._renew_when is not None and self._renew_when(response))

    def _is_doubtful(self, token: AccessToken) -> bool:
        """Tell whether another token would be refused too: of a batch each call would ask for one, and be sent twice."""
        if self._doubtful is None:
            return False
        value, came_at = self._doubtful
        return value == token.value and time.monotonic() - came_at < _DOUBT

    def _obtain(
        self, former: AccessToken | None, *, refused: bool
    ) -> Generator[HttpRequest | TokenLock, HttpResponse | None, AccessToken]:
        """Return a token other than the former one."""
        lock = self._store.lock(self.key)
        try:
            yield lock
            if refused and former is not None:
                self._store.forget(self.key, former)
            found = self._store.get(self.key)
            if found is not None and found.is_fresh(self._skew):
                # Another one was here first.
                TOKEN_SOURCE.set("shared")
                self._seen.update(_token_secrets(found))
                return found
            return (yield from self._fetch(found or former))
        finally:
            lock.release()

    def _fetch(self, former: AccessToken | None) -> Generator[HttpRequest, HttpResponse | None, AccessToken]:
        token = None
        if former is not None and former.refresh_token and self._client.refresh_url:
            token = yield from self._refresh(self._client.refresh_url, former.refresh_token)
        if token is None:
            response = yield from self._ask(
                self._client.token_url, self._client.grant_type, tuple(self._parameters.items()), scope=self._scope
            )
            token = read_token(response, self._client.token_url, self._seen, self._remedy(response))
        self._seen.update(_token_secrets(token))
        self._store.put(self.key, token)
        TOKEN_SOURCE.set("fetched")
        return token

    def _refresh(self, url: str, refresh_token: str) -> Generator[HttpRequest, HttpResponse | None, AccessToken | None]:
        """Exchange a refresh token, as documented without the client secret; None where the endpoint refuses it, or fails."""
        self._seen.add(refresh_token)
        try:
            response = yield from self._ask(url, "refresh_token", public=True, refresh_token=refresh_token)
            if refuses_client(response):
                response = yield from self._ask(url, "refresh_token", refresh_token=refresh_token)
            token = read_token(response, url, self._seen)
        except (AuthenticationError, CommunicationError, LimitError, RequestTimeoutError):
            return None
        # RFC 6749, section 6: without a new refresh token, the old one stays good.
        return token if token.refresh_token else replace(token, refresh_token=refresh_token)

    def _ask(
        self,
        url: str,
        grant_type: str,
        parameters: tuple[tuple[str, str], ...] = (),
        *,
        public: bool = False,
        **fields: str,
    ) -> Generator[HttpRequest, HttpResponse | None, HttpResponse]:
        """Ask a token endpoint in the manner that it is known to take, and in another where it refuses that."""
        manner = MANNERS.get((self.key, url), Manner(self._client.as_json))
        tried: list[Manner] = []
        while True:
            asked = self._client.request(
                url, grant_type, parameters, headers=self._headers, manner=manner, public=public, **fields
            )
            # What proves there who asks is a secret, too.
            self._seen.update(assertions_in(asked))
            response = yield asked
            if response is None:
                raise TypeError("the driver of an auth scheme must send the answer to each request")
            if response.status < 300 and not refuses_client(response):
                MANNERS[self.key, url] = manner
                return response
            tried.append(manner)
            manner = manner.corrected(
                response,
                basic_differs=self._client.basic_differs and not public,
                signs=self._client.client_auth_method == "private_key_jwt" and not public,
            )
            if manner in tried or len(tried) == MOST_MANNERS:
                return response

    def _remedy(self, response: HttpResponse) -> str:
        """Return what else there is to try, for an error that says what a refusal said."""
        misses_client = error_code(response) == "invalid_request"  # As Entra ID says it of one that is not in the body.
        if self._client.client_auth_method == "client_secret_basic" and (misses_client or refuses_client(response)):
            return "; where the endpoint wants the secret in the body, choose client_auth_method client_secret_post"
        return ""

    def _authorized(self, request: HttpRequest, token: AccessToken) -> HttpRequest:
        return request.with_header("Authorization", f"{token.type} {token.value}")


def _without_locks(steps: AuthSteps) -> AuthFlow:
    try:
        step = next(steps)
        while True:
            if isinstance(step, HttpRequest):
                try:
                    response = yield step
                except CloudFunctionError as error:
                    step = steps.throw(error)
                    continue
                step = steps.send(response)
            else:
                step.try_acquire()
                step = steps.send(None)
    except StopIteration:
        return
    finally:
        steps.close()


def _token_secrets(token: AccessToken) -> tuple[str, ...]:
    return tuple(secret for secret in (token.value, token.refresh_token) if secret)
