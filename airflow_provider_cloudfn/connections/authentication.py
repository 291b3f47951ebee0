"""How a connection authenticates: one settings object for each authentication type, and the auth scheme made of it."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, ClassVar, Literal, TypeAlias, cast
from urllib.parse import quote_plus

from msgspec import Struct, field

from airflow_provider_cloudfn.redacted import Redacted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from airflow_provider_cloudfn.auth.message import HttpResponse
    from airflow_provider_cloudfn.auth.oauth2 import OAuth2ClientCredentials
    from airflow_provider_cloudfn.auth.scheme import Auth
    from airflow_provider_cloudfn.auth.token_store import TokenStore

__all__ = [
    "ApiKey",
    "Authentication",
    "AwsSignature",
    "Basic",
    "Bearer",
    "HmacSignature",
    "NoAuthentication",
    "OAuth2",
    "PlainAuthentication",
    "basic_credentials",
]


class NoAuthentication(Struct, frozen=True, kw_only=True):
    """Nothing is added to a request."""

    def secrets(self) -> Iterator[str]:
        """Return what must not be seen."""
        return iter(())

    def scheme(self) -> Auth:
        """Return what puts credentials on a request."""
        from airflow_provider_cloudfn.auth.scheme import NoAuth

        return NoAuth()


class ApiKey(Redacted, frozen=True, kw_only=True):
    """
    A key in a header or in the query.

    :param location: ``header`` or ``query``.
    :param name: The header's or the parameter's name.
    :param value: The key.
    """

    _hidden: ClassVar = frozenset({"value"})

    location: Literal["header", "query"]
    name: str
    value: str

    def secrets(self) -> Iterator[str]:
        """Return what must not be seen."""
        yield self.value

    def scheme(self) -> Auth:
        """Return what puts credentials on a request."""
        from airflow_provider_cloudfn.auth.api_key import ApiKeyAuth

        return ApiKeyAuth(self.name, self.value, self.location)


class OAuth2(Redacted, frozen=True, kw_only=True):
    """
    An access token by client credentials (RFC 6749, section 4.4).

    :param token_url: The token endpoint.
    :param client_id: The client's public name.
    :param client_secret: The client's secret; for ``private_key_jwt`` its private key as PEM text; for ``none`` None.
    :param scopes: The permissions to ask for.
    :param refresh_url: Where refresh tokens are exchanged, if elsewhere.
    :param client_auth_method: How the token endpoint is shown who asks.
    :param audience: The service that the token is for.
    :param resource: The resource that the token is for (RFC 8707).
    :param parameters: What else the token endpoint wants.
    :param key_id: The name of the private key, for ``private_key_jwt``.
    :param algorithm: How the assertion is signed, for ``private_key_jwt``.
    :param renew_when: A CEL expression over ``response``: whether an answer says that the token is refused.
    """

    _hidden: ClassVar = frozenset({"client_secret"})

    token_url: str
    client_id: str
    client_secret: str | None
    scopes: tuple[str, ...] = ()
    refresh_url: str | None = None
    client_auth_method: str = "client_secret_basic"
    audience: str | None = None
    resource: str | None = None
    parameters: Mapping[str, str] = field(default_factory=dict)
    key_id: str | None = None
    algorithm: str = "RS256"
    renew_when: str | None = None

    def secrets(self) -> Iterator[str]:
        """Return what must not be seen."""
        if self.client_secret:
            yield self.client_secret
            if self.client_auth_method == "client_secret_basic":
                yield from basic_credentials(self.client_id, self.client_secret)

    def scheme(
        self,
        *,
        renew_when: Callable[[HttpResponse], bool] | None = None,
        store: TokenStore | None = None,
        fresh: bool = False,
        certificate: str | None = None,
    ) -> OAuth2ClientCredentials:
        """
        Return what puts credentials on a request.

        :param renew_when: What the field of that name means: whether an answer says that the token is refused.
        :param store: Where tokens are kept; None for this process alone.
        :param fresh: Take no token that another call has left.
        :param certificate: The client certificate of the connection.
        """
        from airflow_provider_cloudfn.auth.oauth2 import OAuth2ClientCredentials
        from airflow_provider_cloudfn.auth.token_store import MemoryTokenStore

        return OAuth2ClientCredentials(
            token_url=self.token_url,
            client_id=self.client_id,
            client_secret=self.client_secret or "",
            scopes=self.scopes,
            refresh_url=self.refresh_url,
            client_auth_method=self.client_auth_method,
            audience=self.audience,
            resource=self.resource,
            parameters=self.parameters,
            key_id=self.key_id,
            algorithm=self.algorithm,
            renew_when=renew_when,
            store=MemoryTokenStore() if fresh else store,
            certificate=certificate,
        )


class Basic(Redacted, frozen=True, kw_only=True):
    """
    User name and password (RFC 7617).

    :param username: The user's name, without a colon.
    :param password: The user's password.
    """

    _hidden: ClassVar = frozenset({"password"})

    username: str
    password: str

    def secrets(self) -> Iterator[str]:
        """Return what must not be seen."""
        yield self.password
        yield from basic_credentials(self.username, self.password)

    def scheme(self) -> Auth:
        """Return what puts credentials on a request."""
        from airflow_provider_cloudfn.auth.basic import BasicAuth

        return BasicAuth(self.username, self.password)


class Bearer(Redacted, frozen=True, kw_only=True):
    """
    A token that was given once and for all (RFC 6750).

    :param token: The token.
    """

    _hidden: ClassVar = frozenset({"token"})

    token: str

    def secrets(self) -> Iterator[str]:
        """Return what must not be seen."""
        yield self.token

    def scheme(self) -> Auth:
        """Return what puts credentials on a request."""
        from airflow_provider_cloudfn.auth.bearer import BearerAuth

        return BearerAuth(self.token)


class AwsSignature(Redacted, frozen=True, kw_only=True):
    """
    AWS Signature Version 4, for any service.

    :param service: The name that the service signs with.
    :param region: The region that the service runs in.
    :param key_id: The access key's ID; None takes the credentials from elsewhere.
    :param secret_key: The secret access key that belongs to it.
    :param session_token: Where the access key is a temporary one.
    :param conn_id: An Airflow connection of type ``aws`` that has the credentials.
    """

    _hidden: ClassVar = frozenset({"secret_key", "session_token"})

    service: str
    region: str
    key_id: str | None = None
    secret_key: str | None = None
    session_token: str | None = None
    conn_id: str | None = None

    def secrets(self) -> Iterator[str]:
        """Return what must not be seen."""
        yield from (secret for secret in (self.secret_key, self.session_token) if secret)


class HmacSignature(Redacted, frozen=True, kw_only=True):
    """
    A signature over the body (RFC 2104) in a header.

    :param secret: The key.
    :param header: The header's name.
    :param algorithm: The hash function's name.
    :param encoding: ``base64`` or ``hex``.
    """

    _hidden: ClassVar = frozenset({"secret"})

    secret: str
    header: str
    algorithm: str = "sha256"
    encoding: str = "base64"

    def secrets(self) -> Iterator[str]:
        """Return what must not be seen."""
        yield self.secret

    def scheme(self) -> Auth:
        """Return what puts credentials on a request."""
        from airflow_provider_cloudfn.auth.hmac_signature import HmacSignatureAuth

        return HmacSignatureAuth(
            self.secret,
            self.header,
            algorithm=self.algorithm,
            encoding=cast("Literal['base64', 'hex']", self.encoding),
        )


def basic_credentials(username: str, password: str) -> Iterator[str]:
    """
    Yield what Basic authentication makes of a user name and a password: RFC 7617's form, and RFC 6749's for clients.

    :param username: The user's name, or the client's ID.
    :param password: The password, or the client's secret.
    """
    plain = f"{username}:{password}".encode()
    encoded = f"{quote_plus(username)}:{quote_plus(password)}".encode()
    for pair in dict.fromkeys((plain, encoded)):
        yield base64.b64encode(pair).decode("ascii")


#: What needs nothing but the connection itself to authenticate.
PlainAuthentication: TypeAlias = NoAuthentication | ApiKey | OAuth2 | Basic | Bearer | HmacSignature
Authentication: TypeAlias = PlainAuthentication | AwsSignature
