"""A client that proves who it is by a signed assertion (RFC 7523, section 2.2)."""

from __future__ import annotations

import base64
import datetime as dt
import json
from typing import Any
from urllib.parse import parse_qs

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from joserfc import jwt
from joserfc.jwk import ECKey, OKPKey, RSAKey

from airflow_provider_cloudfn.auth.client_authentication import JWT_BEARER, ClientAuthentication, OAuth2Client
from airflow_provider_cloudfn.auth.oauth2 import OAuth2ClientCredentials
from airflow_provider_cloudfn.exceptions import ConfigurationError

TOKEN_URL = "https://auth.example.com/oauth/token"
RSA_KEY = rsa.generate_private_key(65537, 2048)
EC_KEY = ec.generate_private_key(ec.SECP256R1())
ED_KEY = ed25519.Ed25519PrivateKey.generate()


def pem(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def public_pem(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey) -> str:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


@pytest.mark.parametrize(
    ("key", "algorithm", "reader"),
    [(RSA_KEY, "RS256", RSAKey), (RSA_KEY, "PS256", RSAKey), (EC_KEY, "ES256", ECKey), (ED_KEY, "EdDSA", OKPKey)],
    ids=["RS256", "PS256", "ES256", "EdDSA"],
)
def test_an_assertion_says_who_asks_whom(key: rsa.RSAPrivateKey, algorithm: str, reader: type[RSAKey]) -> None:
    client = ClientAuthentication("ann", pem(key), "private_key_jwt", "key-1", algorithm)

    sent = {name: values[0] for name, values in parse_qs(client.request(TOKEN_URL, "x").body.decode()).items()}
    token = jwt.decode(sent["client_assertion"], reader.import_key(public_pem(key)), algorithms=[algorithm])

    assert sent["client_assertion_type"] == "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
    assert sent["client_id"] == "ann"
    assert "client_secret" not in sent
    assert (token.header["alg"], token.header["kid"]) == (algorithm, "key-1")
    assert (token.claims["iss"], token.claims["sub"], token.claims["aud"]) == ("ann", "ann", TOKEN_URL)
    assert token.claims["exp"] - token.claims["iat"] == 300


def test_every_assertion_is_used_once() -> None:
    client = ClientAuthentication("ann", pem(RSA_KEY), "private_key_jwt")

    assert client.request(TOKEN_URL, "x").body != client.request(TOKEN_URL, "x").body


def test_an_assertion_is_a_secret() -> None:
    auth = OAuth2ClientCredentials(
        OAuth2Client(
            token_url=TOKEN_URL, client_id="ann", client_secret=pem(RSA_KEY), client_auth_method="private_key_jwt"
        )
    )

    asked = next(auth.token_flow())

    assert parse_qs(asked.body.decode())["client_assertion"][0] in auth.secrets()


@pytest.mark.parametrize("algorithm", ["ES256", "RS257"])
def test_a_key_that_does_not_fit_is_refused_without_showing_it(algorithm: str) -> None:
    client = ClientAuthentication("ann", pem(RSA_KEY), "private_key_jwt", algorithm=algorithm)

    with pytest.raises(ConfigurationError, match=f"is no private key for {algorithm}") as raised:
        client.request(TOKEN_URL, "x")

    assert not any(line in str(raised.value) for line in pem(RSA_KEY).splitlines()[1:-1])


@pytest.mark.parametrize(
    ("key", "algorithm", "fits"),
    [
        (RSA_KEY, "ES256", "RS256 or PS256"),
        (EC_KEY, "RS256", "ES256"),
        (ec.generate_private_key(ec.SECP384R1()), "ES256", "ES384"),
        (ec.generate_private_key(ec.SECP521R1()), "RS256", "ES512"),
        (ED_KEY, "RS256", "EdDSA"),
    ],
)
def test_the_algorithm_that_fits_a_key_is_named(key: Any, algorithm: str, fits: str) -> None:
    client = ClientAuthentication("ann", pem(key), "private_key_jwt", algorithm=algorithm)

    with pytest.raises(ConfigurationError, match=f"the key fits {fits}: write that in jwt_algorithm"):
        client.request(TOKEN_URL, "x")


@pytest.mark.parametrize("layout", [PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL])
def test_an_encrypted_key_is_opened_by_its_passphrase(layout: PrivateFormat) -> None:
    encrypted = RSA_KEY.private_bytes(Encoding.PEM, layout, BestAvailableEncryption(b"0pen-it")).decode()

    def client(passphrase: str | None) -> ClientAuthentication:
        return ClientAuthentication("ann", encrypted, "private_key_jwt", key_passphrase=passphrase)

    assert b"client_assertion=" in client("0pen-it").request(TOKEN_URL, "x").body
    for wrong in (None, "another"):
        with pytest.raises(ConfigurationError, match="encrypted private key, and its passphrase is missing or doesn't"):
            client(wrong).request(TOKEN_URL, "x")
    assert "0pen-it" not in repr(client("0pen-it"))


def test_what_is_no_key_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="needs a PEM text"):
        ClientAuthentication("ann", "not-a-key", "private_key_jwt").request(TOKEN_URL, "x")


def test_the_repr_shows_no_secret() -> None:
    assert "s3cret" not in repr(ClientAuthentication("ann", "s3cret"))


def assertion(client: ClientAuthentication, **changed: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    sent = parse_qs(client.request(TOKEN_URL, **{"grant_type": "x", **changed}).body.decode())
    (text,) = sent["client_assertion" if "client_assertion" in sent else "assertion"]
    token = jwt.decode(text, RSAKey.import_key(public_pem(RSA_KEY)), algorithms=["RS256"])
    return dict(token.header), dict(token.claims)


def certificate() -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "ann")])
    start = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    builder = x509.CertificateBuilder(name, name, RSA_KEY.public_key(), 1, start, start + dt.timedelta(days=1))
    return builder.sign(RSA_KEY, hashes.SHA256())


CERTIFICATE = certificate()
SHA1, SHA256 = CERTIFICATE.fingerprint(hashes.SHA1()), CERTIFICATE.fingerprint(hashes.SHA256())
X5T = base64.urlsafe_b64encode(SHA1).decode().rstrip("=")
X5T_256 = base64.urlsafe_b64encode(SHA256).decode().rstrip("=")


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (CERTIFICATE.public_bytes(Encoding.PEM).decode(), {"x5t": X5T, "x5t#S256": X5T_256}),
        (SHA1.hex(), {"x5t": X5T}),
        (SHA1.hex(":").upper(), {"x5t": X5T}),
        (SHA256.hex(), {"x5t#S256": X5T_256}),
        (None, {}),
    ],
    ids=["pem", "sha1", "sha1-with-colons", "sha256", "none"],
)
def test_an_assertion_names_the_certificate_of_its_key(written: str | None, expected: dict[str, str]) -> None:
    header, _ = assertion(ClientAuthentication("ann", pem(RSA_KEY), "private_key_jwt", jwt_certificate=written))

    assert header == {"alg": "RS256", "typ": "JWT", **expected}


def test_an_assertion_says_what_else_the_endpoint_wants() -> None:
    wanted = {"sub": "bob", "aud": "https://login.example.com", "scope": "read", "roles": ["a"]}
    _, claims = assertion(ClientAuthentication("ann", pem(RSA_KEY), "private_key_jwt", claims=wanted))

    assert {name: claims[name] for name in ("iss", *wanted)} == {"iss": "ann", **wanted}


def test_a_grant_of_an_assertion_proves_by_it_who_asks() -> None:
    client = ClientAuthentication("ann", pem(RSA_KEY), "private_key_jwt")

    sent = parse_qs(client.request(TOKEN_URL, JWT_BEARER, scope="read").body.decode())

    assert {*sent} == {"grant_type", "scope", "assertion"}


def test_a_grant_of_somebody_elses_assertion_is_shown_who_asks_besides() -> None:
    client = ClientAuthentication("ann", pem(RSA_KEY), "private_key_jwt")

    sent = parse_qs(client.request(TOKEN_URL, JWT_BEARER, [("assertion", "a-users")]).body.decode())

    assert sent["assertion"] == ["a-users"]
    assert "client_assertion" in sent


@pytest.mark.parametrize(("as_json", "grant_type"), [(False, JWT_BEARER), (True, JWT_BEARER), (True, "x")])
def test_an_assertion_is_a_secret_however_it_is_sent(as_json: bool, grant_type: str) -> None:
    auth = OAuth2ClientCredentials(
        OAuth2Client(
            token_url=TOKEN_URL,
            client_id="ann",
            client_secret=pem(RSA_KEY),
            client_auth_method="private_key_jwt",
            grant_type=grant_type,
            as_json=as_json,
        )
    )
    body = next(auth.token_flow()).body.decode()
    sent = json.loads(body) if as_json else {name: values[0] for name, values in parse_qs(body).items()}

    assert sent["assertion" if grant_type == JWT_BEARER else "client_assertion"] in auth.secrets()
