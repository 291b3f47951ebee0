"""An access token for a client that acts without a person: client credentials (RFC 6749, section 4.4), and its kin."""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import TYPE_CHECKING, Self

from airflow_provider_cloudfn.auth.basic import before_credentials
from airflow_provider_cloudfn.auth.client_authentication import (
    CLIENT_AUTH_METHODS,
    OAuth2Client,
    certificate_fault,
    is_encrypted,
)
from airflow_provider_cloudfn.connections.addresses import checked_url
from airflow_provider_cloudfn.connections.form import ExtraField
from airflow_provider_cloudfn.connections.kinds.kind import Authentication, HookServices
from airflow_provider_cloudfn.connections.pem import is_pem, pem_text
from airflow_provider_cloudfn.connections.token_requests import claims_of, filled, grant, headers_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_cloudfn.auth.message import HttpResponse
    from airflow_provider_cloudfn.auth.oauth2 import OAuth2ClientCredentials
    from airflow_provider_cloudfn.auth.scheme import Auth
    from airflow_provider_cloudfn.auth.token_store import TokenStore
    from airflow_provider_cloudfn.connections.reading import ConnectionReader

__all__ = ["OAuth2"]

_SEPARATORS = {"space": " ", "comma": ","}


class OAuth2(OAuth2Client, Authentication, frozen=True, kw_only=True):
    """
    An access token for a client that acts without a person.

    :param renew_when: A CEL expression over ``response``: whether an answer says that the token is refused.
    """

    kind = "oauth2"
    confidential = "the client secret (or the private key)"
    fields = (
        ExtraField(
            "client_id",
            "OAuth 2.0: Client ID",
            "The public name of your client.",
            example="f9b8c2d-1a2b-4c3d-9e8f-7g6h5i4j3k2l",
        ),
        ExtraField(
            "scopes",
            "OAuth 2.0: Scopes",
            "The permissions to ask for, separated by spaces or commas.",
            example="intelligence.conversations:write",
        ),
        ExtraField(
            "scope_separator",
            "OAuth 2.0: Scope separator",
            "What the token endpoint wants between the scopes.",
            kind="choice",
            choices=tuple(_SEPARATORS),
            default="space",
        ),
        ExtraField(
            "oauth2_url",
            "OAuth 2.0: Token URL",
            "Where client ID and secret are exchanged for an access token.",
            example="https://team-name.celonis.cloud/api/external/oauth2/token",
        ),
        ExtraField(
            "refresh_url",
            "OAuth 2.0: Refresh URL",
            "Where a refresh token is exchanged for a new access token, without the client secret.",
            example="https://team-name.celonis.cloud/api/external/oauth2/refresh",
        ),
        ExtraField(
            "client_auth_method",
            "OAuth 2.0: Client authentication",
            "How the token endpoint is shown who asks. With private_key_jwt, Secret holds the private key as PEM text, pasted "
            "whole; with none there is no secret: for a public client, and where client_cert shows it (tls_client_auth).",
            kind="choice",
            choices=CLIENT_AUTH_METHODS,
            default="client_secret_basic",
        ),
        ExtraField(
            "jwt_key_id",
            "OAuth 2.0: JWT key ID",
            "For private_key_jwt: the name under which the token endpoint knows the key.",
            example="2026-01",
        ),
        ExtraField(
            "jwt_algorithm",
            "OAuth 2.0: JWT algorithm",
            "For private_key_jwt: how the assertion is signed; it must fit the key (ES256 for one of P-256).",
            kind="choice",
            choices=("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"),
            default="RS256",
        ),
        ExtraField(
            "jwt_certificate",
            "OAuth 2.0: JWT certificate",
            "For private_key_jwt where the assertion must name the key's certificate (x5t), as Entra ID asks: the certificate "
            "as PEM text, pasted whole, or its thumbprint.",
            example="A1B2C3D4E5F60718293A4B5C6D7E8F9001122334",
        ),
        ExtraField(
            "jwt_claims",
            "OAuth 2.0: JWT claims",
            "For private_key_jwt: what the assertion says besides, or instead of iss, sub and aud, as a JSON object.",
            kind="object",
            example='{"sub": "ann@example.com"}',
        ),
        ExtraField(
            "jwt_key_passphrase",
            "OAuth 2.0: JWT key passphrase",
            "For private_key_jwt: opens the private key, where it is encrypted.",
            kind="secret",
        ),
        ExtraField(
            "audience",
            "OAuth 2.0: Audience",
            "The service that the token is for, where the token endpoint asks for it.",
            example="https://api.example.com/",
        ),
        ExtraField(
            "resource",
            "OAuth 2.0: Resource",
            "The resource that the token is for (RFC 8707), where the token endpoint asks for it.",
            example="https://api.example.com/v1",
        ),
        ExtraField(
            "oauth2_parameters",
            "OAuth 2.0: Further parameters",
            "What else the token endpoint wants, as a JSON object of texts; grant_type among them asks by another grant. It is "
            "shown: for a secret write secret('name'), and the secret into secret_values.",
            kind="object",
            example='{"tenant": "acme"}',
        ),
        ExtraField(
            "oauth2_headers",
            "OAuth 2.0: Headers",
            "Headers that the token endpoint wants, as a JSON object of texts. Secrets as in the further parameters.",
            kind="object",
            example='{"X-Tenant": "acme"}',
        ),
        ExtraField(
            "oauth2_request",
            "OAuth 2.0: Request format",
            "How the token endpoint is asked.",
            kind="choice",
            choices=("form", "json"),
            default="form",
        ),
        ExtraField(
            "renew_when",
            "OAuth 2.0: Renew when",
            "For services that refuse a token other than by 401: a CEL expression over response that is true then.",
            example="has(response.body.errcode) && response.body.errcode == 40001",
        ),
    )

    renew_when: str | None = None

    @classmethod
    def read(cls, reader: ConnectionReader) -> Self:
        """Return the settings of a connection."""
        method = _method(reader)
        client_id = reader.required_text("client_id", "auth_type 'oauth2'")
        token_url = reader.required_text("oauth2_url", "auth_type 'oauth2'")
        refresh_url = reader.text("refresh_url")
        key_id = reader.text("jwt_key_id")
        certificate, claims = reader.text("jwt_certificate"), claims_of(reader)
        secret = _client_secret(reader, method, client_id)
        for name, value in (("jwt_key_id", key_id), ("jwt_certificate", certificate), ("jwt_claims", claims)):
            if method != "private_key_jwt" and value:
                raise reader.error(
                    name, f"belongs to client_auth_method 'private_key_jwt', and that is {method!r}: empty it"
                )
        if certificate is not None:
            certificate = pem_text(certificate) or certificate
            if fault := certificate_fault(certificate):
                raise reader.error("jwt_certificate", fault)
        grant_type, written = grant(reader)
        parameters, hidden = filled(reader, "oauth2_parameters", written)
        headers, more_hidden = filled(reader, "oauth2_headers", headers_of(reader, method))
        allow_http = reader.boolean("allow_http")
        return cls(
            token_url=checked_url(reader, "oauth2_url", token_url, allow_http=allow_http),
            client_id=client_id,
            client_secret=secret,
            scopes=tuple(re.split(r"[\s,]+", scopes.strip(" ,"))) if (scopes := reader.text("scopes")) else (),
            refresh_url=checked_url(reader, "refresh_url", refresh_url, allow_http=allow_http) if refresh_url else None,
            client_auth_method=method,
            audience=reader.text("audience"),
            resource=reader.text("resource"),
            parameters=MappingProxyType(parameters),
            grant_type=grant_type,
            scope_separator=_SEPARATORS[reader.choice("scope_separator")],
            headers=MappingProxyType(headers),
            as_json=reader.choice("oauth2_request") == "json",
            request_secrets=(*hidden, *more_hidden),
            key_id=key_id,
            algorithm=reader.choice("jwt_algorithm"),
            key_passphrase=_key_passphrase(reader, method, secret),
            jwt_certificate=certificate,
            claims=MappingProxyType(claims),
            renew_when=reader.text("renew_when"),
        )

    def scheme(self, services: HookServices) -> Auth:
        """Return what puts an access token on a request."""
        written = self.renew_when
        return self.token_scheme(
            renew_when=services.answer_test("renew_when", written) if written is not None else None,
            store=services.token_store(),
            certificate=services.client_certificate,
        )

    def token_scheme(
        self,
        *,
        renew_when: Callable[[HttpResponse], bool] | None = None,
        store: TokenStore | None = None,
        certificate: str | None = None,
    ) -> OAuth2ClientCredentials:
        """
        Return what gets access tokens.

        :param renew_when: What the field of that name means: whether an answer says that the token is refused.
        :param store: Where tokens are kept; None for this process alone.
        :param certificate: The client certificate of the connection.
        """
        from airflow_provider_cloudfn.auth.oauth2 import OAuth2ClientCredentials

        return OAuth2ClientCredentials(self, renew_when=renew_when, store=store, certificate=certificate)

    def test_scheme(self) -> OAuth2ClientCredentials:
        """Return what gets an access token that no other call has left, nor will get: for a test of the credentials."""
        from airflow_provider_cloudfn.auth.token_store import MemoryTokenStore

        return self.token_scheme(store=MemoryTokenStore())

    def test(self, services: HookServices) -> tuple[bool, str]:
        """Get an access token."""
        services.obtain_token(self.test_scheme())
        return True, f"The token endpoint {self.token_url.partition('?')[0]} gave an access token."


def _method(reader: ConnectionReader) -> str:
    """Return how the client shows who it is; the names that RFC 8705 has for a certificate stand for no field of a request."""
    written = reader.text("client_auth_method")
    if written in ("tls_client_auth", "self_signed_tls_client_auth"):
        raise reader.error(
            "client_auth_method",
            f"write 'none' for {written!r}, and leave the certificate in client_cert to show who asks",
        )
    return reader.choice("client_auth_method")


def _client_secret(reader: ConnectionReader, method: str, client_id: str) -> str:
    if method == "none":
        reader.require_absent(["password"], "client_auth_method is 'none', which has no client secret")
        return ""
    secret = reader.required_password("auth_type 'oauth2' needs the Client secret there")
    if method == "private_key_jwt":
        if not is_pem(secret):
            raise reader.error(
                "password", "is no PEM text; private_key_jwt needs '-----BEGIN PRIVATE KEY-----' and so on"
            )
        return pem_text(secret)
    reader.require_clean_password(secret)
    reader.require_alone("password", secret, before_credentials(client_id))
    return secret


def _key_passphrase(reader: ConnectionReader, method: str, secret: str) -> str | None:
    passphrase = reader.secret("jwt_key_passphrase")
    encrypted = method == "private_key_jwt" and is_encrypted(secret)
    if encrypted and passphrase is None:
        raise reader.error("jwt_key_passphrase", "is missing, and the private key in password (Secret) is encrypted")
    if passphrase is not None and not encrypted:
        raise reader.error(
            "jwt_key_passphrase", "is given, and password (Secret) holds no encrypted private key: empty it"
        )
    return passphrase
