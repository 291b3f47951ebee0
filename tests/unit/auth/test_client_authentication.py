"""A client that proves who it is by a signed assertion (RFC 7523, section 2.2)."""

from __future__ import annotations

from urllib.parse import parse_qs

import pytest
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

from airflow_provider_cloudfn.auth.client_authentication import ClientAuthentication
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
        token_url=TOKEN_URL, client_id="ann", client_secret=pem(RSA_KEY), client_auth_method="private_key_jwt"
    )

    asked = next(auth.token_flow())

    assert parse_qs(asked.body.decode())["client_assertion"][0] in auth.secrets()


@pytest.mark.parametrize("algorithm", ["ES256", "RS257"])
def test_a_key_that_does_not_fit_is_refused_without_showing_it(algorithm: str) -> None:
    client = ClientAuthentication("ann", pem(RSA_KEY), "private_key_jwt", algorithm=algorithm)

    with pytest.raises(ConfigurationError, match=f"is no private key for {algorithm}") as raised:
        client.request(TOKEN_URL, "x")

    assert not any(line in str(raised.value) for line in pem(RSA_KEY).splitlines()[1:-1])


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
