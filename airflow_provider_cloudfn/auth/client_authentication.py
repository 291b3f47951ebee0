"""How a token endpoint is shown who asks: a request of it, with client authentication by Authlib and joserfc."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import secrets
import time
from functools import lru_cache
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import parse_qsl, quote_plus

from msgspec import field

from airflow_provider_cloudfn.auth.basic import basic_credentials
from airflow_provider_cloudfn.auth.credential_names import query_secrets
from airflow_provider_cloudfn.auth.media_type import FORM_TYPE
from airflow_provider_cloudfn.auth.message import HttpRequest
from airflow_provider_cloudfn.auth.redacted import Redacted
from airflow_provider_cloudfn.auth.token_request import Manner
from airflow_provider_cloudfn.exceptions import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

__all__ = [
    "CLIENT_AUTH_METHODS",
    "JWT_BEARER",
    "ClientAuthentication",
    "OAuth2Client",
    "assertions_in",
    "certificate_fault",
    "is_encrypted",
]

#: In IANA's names (RFC 6749, section 2.3; RFC 7523, section 2.2).
CLIENT_AUTH_METHODS = ("client_secret_basic", "client_secret_post", "none", "private_key_jwt")

#: The grant whose proof is a signed assertion (RFC 7523, section 2.1).
JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"

_ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_ASSERTION_SECONDS = 300
#: A form, encoded twice in Basic, by this machine's clock.
_AS_THE_STANDARD_SAYS = Manner()
_ALGORITHM_OF_CURVE = {"secp256r1": "ES256", "secp384r1": "ES384", "secp521r1": "ES512"}


class ClientAuthentication(Redacted, frozen=True):
    """
    A client, and how it shows who it is.

    :param client_id: The client's public name.
    :param client_secret: Its secret; for ``private_key_jwt`` its private key as PEM text; for ``none`` empty.
    :param client_auth_method: One of :data:`CLIENT_AUTH_METHODS`.
    :param key_id: The name of the private key.
    :param algorithm: How an assertion is signed, in the names of RFC 7518.
    :param key_passphrase: What opens the private key, where it is encrypted.
    :param jwt_certificate: The certificate of the key as PEM text, or its thumbprint in hexadecimal digits: the header of an
        assertion names it (``x5t``).
    :param claims: What an assertion says besides, or instead: such as ``sub``, ``aud`` or ``scope``.
    :raises ConfigurationError: for another method.
    """

    _hidden: ClassVar = frozenset({"client_secret", "key_passphrase"})

    client_id: str
    client_secret: str
    client_auth_method: str = "client_secret_basic"
    key_id: str | None = None
    algorithm: str = "RS256"
    key_passphrase: str | None = None
    jwt_certificate: str | None = None
    claims: Mapping[str, object] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.client_auth_method not in CLIENT_AUTH_METHODS:
            raise ConfigurationError(
                f"client_auth_method: {self.client_auth_method!r} is none of {', '.join(CLIENT_AUTH_METHODS)}"
            )

    @property
    def basic_differs(self) -> bool:
        """Whether Basic carries something else for an endpoint that decodes than for one that does not."""
        return self.client_auth_method == "client_secret_basic" and self._encoded_pair != self._pair

    @property
    def _pair(self) -> str:
        return f"{self.client_id}:{self.client_secret}"

    @property
    def _encoded_pair(self) -> str:
        return f"{quote_plus(self.client_id)}:{quote_plus(self.client_secret)}"

    def request(
        self,
        url: str,
        grant_type: str,
        parameters: Sequence[tuple[str, str]] = (),
        *,
        headers: Sequence[tuple[str, str]] = (),
        manner: Manner = _AS_THE_STANDARD_SAYS,
        public: bool = False,
        **fields: Any,
    ) -> HttpRequest:
        """
        Return a request to a token endpoint.

        :param url: The endpoint.
        :param grant_type: Such as ``client_credentials``. For :data:`JWT_BEARER` without an ``assertion`` among the
            parameters, a client with a private key signs one, which says at once who asks.
        :param parameters: What the endpoint wants besides.
        :param headers: The headers that the endpoint wants besides.
        :param manner: How the endpoint takes it.
        :param public: Send the client's ID, and no proof of it.
        :param fields: The grant's own parameters.
        :raises ConfigurationError: for a key that the method can't use.
        """
        from authlib.common.urls import add_params_to_qs
        from authlib.oauth2.rfc6749.parameters import prepare_token_request

        own = {"Accept": "application/json"}
        proof: list[tuple[str, str]] = []
        if self.client_auth_method == "client_secret_basic" and not public:
            own["Authorization"] = f"Basic {self._basic(as_is=manner.basic_as_is)}"
        elif self.client_auth_method == "private_key_jwt" and not public:
            assertion = self._assertion(url, time.time() + manner.clock_ahead)
            if grant_type == JWT_BEARER and "assertion" not in dict(parameters):
                proof = [("assertion", assertion)]
            else:
                proof = [
                    ("client_id", self.client_id),
                    ("client_assertion_type", _ASSERTION_TYPE),
                    ("client_assertion", assertion),
                ]
        else:
            proof = [("client_id", self.client_id)]
            if self.client_auth_method == "client_secret_post" and not public:
                proof.append(("client_secret", self.client_secret))
        form: str = add_params_to_qs(prepare_token_request(grant_type, **fields), [*parameters, *proof])
        if manner.as_json:
            body, media_type = json.dumps(dict(parse_qsl(form, keep_blank_values=True))), "application/json"
        else:
            body, media_type = form, FORM_TYPE
        written = {name.lower() for name, _ in headers}
        sent = {"Content-Type": media_type, **own}
        kept = [(name, value) for name, value in sent.items() if name.lower() not in written]
        return HttpRequest("POST", url, (*kept, *headers), body.encode())

    def _basic(self, *, as_is: bool) -> str:
        if not as_is:
            return base64.b64encode(self._encoded_pair.encode()).decode("ascii")
        try:
            return base64.b64encode(self._pair.encode("latin-1")).decode("ascii")
        except UnicodeEncodeError:
            return base64.b64encode(self._pair.encode()).decode("ascii")

    def _assertion(self, url: str, moment: float) -> str:
        from joserfc import jwk, jwt

        kinds: dict[str, type[jwk.ECKey | jwk.OKPKey | jwk.RSAKey]] = {"ES": jwk.ECKey, "Ed": jwk.OKPKey}
        kind = kinds.get(self.algorithm[:2], jwk.RSAKey)
        now = int(moment)
        header = {"alg": self.algorithm, "typ": "JWT", **({"kid": self.key_id} if self.key_id else {})}
        if self.jwt_certificate:
            header |= _thumbprints(self.jwt_certificate)
        claims = {
            "iss": self.client_id,
            "sub": self.client_id,
            "aud": url,
            **self.claims,
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
            fitting = _fitting_algorithms(self.client_secret, self.key_passphrase)
            remedy = (
                f"the key fits {' or '.join(fitting)}: write that in jwt_algorithm"
                if fitting
                else "private_key_jwt needs a PEM text that begins with '-----BEGIN PRIVATE KEY-----', of RSA or a curve"
            )
            raise ConfigurationError(
                f"client_secret: is no private key for {self.algorithm} ({type(error).__name__}); {remedy}"
            ) from None


class OAuth2Client(ClientAuthentication, frozen=True, kw_only=True):
    """
    A client that acts without a person, and what it asks for a token with.

    :param token_url: The token endpoint.
    :param scopes: The permissions to ask for.
    :param refresh_url: Where a refresh token is exchanged; None asks the token endpoint for a new token instead.
    :param audience: The service that the token is for.
    :param resource: The resource that the token is for (RFC 8707).
    :param parameters: What else the token endpoint wants.
    :param grant_type: What the token is asked for with.
    :param scope_separator: What stands between the scopes.
    :param headers: The headers that the token endpoint wants.
    :param as_json: Whether the token endpoint is asked in JSON, and not by a form.
    :param request_secrets: The secrets among the parameters and the headers.
    """

    _hidden: ClassVar = frozenset(
        {"client_secret", "key_passphrase", "parameters", "headers", "request_secrets", "token_url", "refresh_url"}
    )

    token_url: str
    scopes: tuple[str, ...] = ()
    refresh_url: str | None = None
    audience: str | None = None
    resource: str | None = None
    parameters: Mapping[str, str] = field(default_factory=dict)
    grant_type: str = "client_credentials"
    scope_separator: str = " "
    headers: Mapping[str, str] = field(default_factory=dict)
    as_json: bool = False
    request_secrets: tuple[str, ...] = ()

    def secrets(self) -> Iterator[str]:
        """Return the client secret, what it becomes in the header of a token request, and what is secret in the URLs."""
        yield from _client_secrets(self.client_id, self.client_secret, self.client_auth_method)
        if self.key_passphrase:
            yield self.key_passphrase
        yield from self.request_secrets
        yield from query_secrets(self.token_url)
        yield from query_secrets(self.refresh_url)


@lru_cache(maxsize=64)
def _client_secrets(client_id: str, client_secret: str, method: str) -> tuple[str, ...]:
    if not client_secret:
        return ()
    return client_secret, *(basic_credentials(client_id, client_secret) if method == "client_secret_basic" else ())


def is_encrypted(pem: str) -> bool:
    """
    Return whether a private key is encrypted.

    :param pem: The key as PEM text, of PKCS #8 or of OpenSSL's old format.
    """
    return "ENCRYPTED" in pem


def _fitting_algorithms(pem: str, passphrase: str | None) -> tuple[str, ...]:
    """Return with which algorithms a private key signs (RFC 7518, section 3.1; RFC 8037); nothing for what is no key."""
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        key = load_pem_private_key(pem.encode(), passphrase.encode() if passphrase else None)
    except Exception:
        return ()
    if isinstance(key, rsa.RSAPrivateKey):
        return ("RS256", "PS256")
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return ("EdDSA",)
    if isinstance(key, ec.EllipticCurvePrivateKey) and key.curve.name in _ALGORITHM_OF_CURVE:
        return (_ALGORITHM_OF_CURVE[key.curve.name],)
    return ()


def assertions_in(request: HttpRequest) -> list[str]:
    """Return what a request to a token endpoint shows for a private key: a credential for as long as it lives."""
    text = request.body.decode()
    fields = json.loads(text) if text.startswith("{") else dict(parse_qsl(text))
    return [fields[name] for name in ("client_assertion", "assertion") if name in fields]


def certificate_fault(written: str) -> str | None:
    """
    Return why no header of an assertion can name a certificate; None if it can.

    :param written: The certificate as PEM text, or its thumbprint.
    """
    try:
        _thumbprints(written)
    except ValueError:
        return "is no certificate as PEM text, nor its thumbprint in 40 (SHA-1) or 64 (SHA-256) hexadecimal digits"
    return None


def _thumbprints(certificate: str) -> dict[str, str]:
    """Return the parameters that name a certificate (RFC 7515, sections 4.1.7 and 4.1.8)."""
    digits = re.sub(r"[\s:]", "", certificate)
    if re.fullmatch(r"[0-9A-Fa-f]{40}|[0-9A-Fa-f]{64}", digits):
        digest = bytes.fromhex(digits)
        return {"x5t" if len(digest) == 20 else "x5t#S256": _base64url(digest)}
    from cryptography.hazmat.primitives.serialization import Encoding
    from cryptography.x509 import load_pem_x509_certificate

    content = load_pem_x509_certificate(certificate.encode()).public_bytes(Encoding.DER)
    # SHA-1 is what the parameter is made of; it proves nothing.
    sha1 = hashlib.sha1(content, usedforsecurity=False).digest()
    return {"x5t": _base64url(sha1), "x5t#S256": _base64url(hashlib.sha256(content).digest())}


def _base64url(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode("ascii").rstrip("=")
