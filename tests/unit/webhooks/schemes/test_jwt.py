from __future__ import annotations

import base64
import hmac
import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from joserfc import jws, jwt
from joserfc.jwk import ECKey, KeySet, RSAKey
from kit.senders import NOW

from airflow_provider_cloudfn.webhooks.received import ReceivedRequest
from airflow_provider_cloudfn.webhooks.refused import RefusedError
from airflow_provider_cloudfn.webhooks.schemes import jwt as scheme_module
from airflow_provider_cloudfn.webhooks.schemes.jwt import SignedToken
from airflow_provider_cloudfn.webhooks.schemes.key_set import KeySetAt

if TYPE_CHECKING:
    from collections.abc import Callable

ISSUER = "https://issuer.example.com"
AUDIENCE = "https://airflow.example.com/cloudfn/events/orders"
RSA = RSAKey.generate_key(2048, {"kid": "rsa-1"})
EC = ECKey.generate_key("P-256", {"kid": "ec-1"})
STRANGER = RSAKey.generate_key(2048, {"kid": "rsa-1"})
SCHEME = SignedToken(issuer=ISSUER, audience=AUDIENCE, key_set_url="https://issuer.example.com/keys")
CLAIMS: dict[str, Any] = {
    "iss": ISSUER,
    "aud": AUDIENCE,
    "exp": int((NOW + timedelta(minutes=5)).timestamp()),
    "email": "sender@example.com",
}


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Publish the issuer's public keys; return the addresses that were asked."""
    asked: list[str] = []

    def fetch(url: str) -> KeySet:
        asked.append(url)
        return KeySet.import_key_set(KeySet([RSA, EC]).as_dict(private=False))

    published = KeySetAt(SCHEME.key_set_url, fetch)
    monkeypatch.setattr(scheme_module, "key_set_at", lambda _url: published)
    return asked


def token(claims: dict[str, Any], key: Any = RSA, **header: str) -> str:
    return jwt.encode({"alg": "RS256", "kid": "rsa-1", **header}, claims, key, algorithms=[header.get("alg", "RS256")])


def request(written: str, body: bytes = b"{}") -> ReceivedRequest:
    return ReceivedRequest(method="POST", headers=(("authorization", f"Bearer {written}"),), body=body)


@pytest.mark.parametrize(
    ("claims", "key", "header"),
    [
        (CLAIMS, RSA, {}),
        (CLAIMS, EC, {"alg": "ES256", "kid": "ec-1"}),
        ({**CLAIMS, "aud": ["other", AUDIENCE]}, RSA, {}),
        ({**CLAIMS, "exp": int((NOW - timedelta(seconds=59)).timestamp())}, RSA, {}),
    ],
)
def test_a_good_token_is_taken(claims: dict[str, Any], key: Any, header: dict[str, str]) -> None:
    assert SCHEME.verify(request(token(claims, key, **header), b'{"a":1}'), NOW).endswith(b'{"a":1}')


@pytest.mark.parametrize(
    "claims",
    [
        {**CLAIMS, "iss": "https://other.example.com"},
        {**CLAIMS, "iss": ISSUER + "/"},
        {**CLAIMS, "aud": "https://other.example.com"},
        {**CLAIMS, "aud": []},
        {**CLAIMS, "exp": int((NOW - timedelta(seconds=61)).timestamp())},
        {**CLAIMS, "nbf": int((NOW + timedelta(seconds=61)).timestamp())},
        {**CLAIMS, "exp": "tomorrow"},
        *({name: value for name, value in CLAIMS.items() if name != left_out} for left_out in ("iss", "aud", "exp")),
    ],
)
def test_a_token_for_others_or_of_another_time_is_refused(claims: dict[str, Any]) -> None:
    with pytest.raises(RefusedError, match="credentials_wrong") as refused:
        SCHEME.verify(request(token(claims)), NOW)

    assert refused.value.status == 401


def test_other_claims_must_be_what_the_connection_says() -> None:
    def scheme(claims: dict[str, Any]) -> SignedToken:
        return SignedToken(issuer=ISSUER, audience=AUDIENCE, key_set_url=SCHEME.key_set_url, claims=claims)

    assert scheme({"email": "sender@example.com"}).verify(request(token(CLAIMS)), NOW)
    for claims in ({"email": "other@example.com"}, {"email": "sender@example.com", "email_verified": True}):
        with pytest.raises(RefusedError, match="credentials_wrong"):
            scheme(claims).verify(request(token(CLAIMS)), NOW)


def unsigned(alg: str) -> str:
    parts = ({"alg": alg, "kid": "rsa-1"}, CLAIMS)
    return ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts) + "."


def signed_with_the_public_key() -> str:
    """Return a token for a receiver that takes the issuer's public key for a shared one."""
    content = unsigned("HS256").removesuffix(".")
    signature = hmac.new(RSA.as_pem(private=False), content.encode(), "sha256").digest()
    return f"{content}.{base64.urlsafe_b64encode(signature).decode().rstrip('=')}"


@pytest.mark.parametrize(
    "forge",
    [
        lambda: token(CLAIMS, STRANGER),
        lambda: unsigned("none"),
        lambda: unsigned("RS256"),
        signed_with_the_public_key,
        lambda: token(CLAIMS, RSA)[:-4] + "AAAA",
        lambda: "no.token",
        lambda: "a.b.c",
        lambda: "x" * 10_000,
    ],
)
def test_a_forged_token_is_refused(forge: Callable[[], str]) -> None:
    with pytest.raises(RefusedError, match="credentials_wrong"):
        SCHEME.verify(request(forge()), NOW)


def test_claims_that_nobody_can_read_are_refused() -> None:
    deep = jws.serialize_compact({"alg": "RS256", "kid": "rsa-1"}, b"[" * 3_000, RSA)

    with pytest.raises(RefusedError, match="credentials_wrong"):
        SCHEME.verify(request(deep), NOW)


def test_no_key_is_fetched_for_what_can_be_no_token_of_the_issuer(keys: list[str]) -> None:
    for written in (unsigned("none"), unsigned("HS256"), "no.token"):
        with pytest.raises(RefusedError):
            SCHEME.verify(request(written), NOW)

    assert keys == []
