"""How a token endpoint is shown who asks: a request of it, with client authentication by Authlib and joserfc."""

from __future__ import annotations

import secrets
import time
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import parse_qsl

from airflow_provider_cloudfn.auth.message import HttpRequest
from airflow_provider_cloudfn.auth.redacted import Redacted
from airflow_provider_cloudfn.exceptions import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["CLIENT_AUTH_METHODS", "ClientAuthentication", "assertions_in", "is_encrypted"]

#: In IANA's names (RFC 6749, section 2.3; RFC 7523, section 2.2).
CLIENT_AUTH_METHODS = ("client_secret_basic", "client_secret_post", "none", "private_key_jwt")

_ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_ASSERTION_SECONDS = 300


class ClientAuthentication(Redacted, frozen=True):
    """
    A client, and how it shows who it is.

    :param client_id: The client's public name.
    :param client_secret: Its secret; for ``private_key_jwt`` its private key as PEM text.
    :param method: One of :data:`CLIENT_AUTH_METHODS`.
    :param key_id: The name of the private key.
    :param algorithm: How an assertion is signed, in the names of RFC 7518.
    :param key_passphrase: What opens the private key, where it is encrypted.
    :raises ConfigurationError: for another method.
    """

    _hidden: ClassVar = frozenset({"client_secret", "key_passphrase"})

    client_id: str
    client_secret: str
    method: str = "client_secret_basic"
    key_id: str | None = None
    algorithm: str = "RS256"
    key_passphrase: str | None = None

    def __post_init__(self) -> None:
        if self.method not in CLIENT_AUTH_METHODS:
            raise ConfigurationError(f"client_auth_method: {self.method!r} is none of {', '.join(CLIENT_AUTH_METHODS)}")

    def request(
        self,
        url: str,
        grant_type: str,
        parameters: Sequence[tuple[str, str]] = (),
        *,
        public: bool = False,
        **fields: Any,
    ) -> HttpRequest:
        """
        Return a request to a token endpoint.

        :param url: The endpoint.
        :param grant_type: Such as ``client_credentials``.
        :param parameters: What the endpoint wants besides.
        :param public: Send the client's ID, and no proof of it.
        :param fields: The grant's own parameters.
        :raises ConfigurationError: for a secret or a key that the method can't use.
        """
        from authlib.common.urls import add_params_to_qs
        from authlib.oauth2.auth import ClientAuth
        from authlib.oauth2.rfc6749.parameters import prepare_token_request

        body = add_params_to_qs(prepare_token_request(grant_type, **fields), list(parameters))
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
        method = "none" if public or self.method == "private_key_jwt" else self.method
        try:
            url, headers, body = ClientAuth(self.client_id, self.client_secret, method).prepare(
                "POST", url, headers, body
            )
        except UnicodeEncodeError:
            raise ConfigurationError(
                "client_id and client_secret: client_secret_basic allows Latin characters only; use client_secret_post"
            ) from None
        if self.method == "private_key_jwt" and not public:
            proof = [("client_assertion_type", _ASSERTION_TYPE), ("client_assertion", self._assertion(url))]
            body = add_params_to_qs(body, proof)
        return HttpRequest("POST", url, tuple(headers.items()), body.encode())

    def _assertion(self, url: str) -> str:
        from joserfc import jwk, jwt

        kinds: dict[str, type[jwk.ECKey | jwk.OKPKey | jwk.RSAKey]] = {"ES": jwk.ECKey, "Ed": jwk.OKPKey}
        kind = kinds.get(self.algorithm[:2], jwk.RSAKey)
        now = int(time.time())
        header = {"alg": self.algorithm, "typ": "JWT", **({"kid": self.key_id} if self.key_id else {})}
        claims = {
            "iss": self.client_id,
            "sub": self.client_id,
            "aud": url,
            "jti": secrets.token_urlsafe(24),
            "iat": now,
            "exp": now + _ASSERTION_SECONDS,
        }
        try:
            key = kind.import_key(self.client_secret, password=self.key_passphrase)
            return jwt.encode(header, claims, key, algorithms=[self.algorithm])
        except Exception as error:
            # What a parser of keys says may quote the key: only what kind of error it is may be shown.
            if is_encrypted(self.client_secret):
                raise ConfigurationError(
                    "client_secret: is an encrypted private key, and its passphrase is missing or doesn't open it"
                ) from None
            raise ConfigurationError(
                f"client_secret: is no private key for {self.algorithm} ({type(error).__name__}); private_key_jwt needs a "
                "PEM text that begins with '-----BEGIN PRIVATE KEY-----', and an algorithm that fits the key"
            ) from None


def is_encrypted(pem: str) -> bool:
    """
    Return whether a private key is encrypted.

    :param pem: The key as PEM text, of PKCS #8 or of OpenSSL's old format.
    """
    return "ENCRYPTED" in pem


def assertions_in(request: HttpRequest) -> list[str]:
    """
    Return what a request to a token endpoint shows for ``private_key_jwt``: a credential for as long as it lives.

    :param request: The request.
    """
    return [value for name, value in parse_qsl(request.body.decode()) if name == "client_assertion"]
