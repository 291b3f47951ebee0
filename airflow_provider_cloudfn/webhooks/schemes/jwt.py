"""A signed token (JSON Web Token, RFC 7519), as senders of Google and Microsoft have them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final

from msgspec import field

from airflow_provider_cloudfn.auth.credential_names import query_secrets
from airflow_provider_cloudfn.webhooks.refused import RefusedError
from airflow_provider_cloudfn.webhooks.schemes.bearer import bearer_of
from airflow_provider_cloudfn.webhooks.schemes.key_set import key_set_at
from airflow_provider_cloudfn.webhooks.schemes.proof import unsigned_content
from airflow_provider_cloudfn.webhooks.schemes.scheme import Scheme

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterator, Mapping

    from airflow_provider_cloudfn.webhooks.received import ReceivedRequest

__all__ = ["ALGORITHMS", "SignedToken"]

#: Asymmetric ones only: with a shared key, who can verify can sign, and a public key must never be taken for a shared one.
ALGORITHMS: Final = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512")
_LONGEST: Final = 8_192
#: Seconds that the clocks of two services may differ by.
_LEEWAY: Final = 60


class SignedToken(Scheme, frozen=True, kw_only=True):
    """
    A token in ``Authorization: Bearer``, signed by an issuer whose public keys are fetched. Nothing of the request is signed.

    :param issuer: Who issues the tokens, exactly as their ``iss`` has it.
    :param audience: Whom they are for: their ``aud`` is it, or has it.
    :param key_set_url: Where the issuer's public keys are (RFC 7517, section 5).
    :param claims: What other claims must be, such as ``{"email": "sender@example.iam.gserviceaccount.com"}``.
    """

    name = "jwt"
    proves = "nothing but the sender"
    signs_body = False

    _hidden: ClassVar = Scheme._hidden | {"key_set_url"}

    issuer: str
    audience: str
    key_set_url: str
    claims: Mapping[str, Any] = field(default_factory=dict)

    def verify(self, request: ReceivedRequest, now: dt.datetime) -> bytes:
        """Return the request's content, once the token is good."""
        from joserfc import jws, jwt
        from joserfc.errors import JoseError

        token = bearer_of(request)
        if len(token) > _LONGEST:
            raise RefusedError(401, "credentials_wrong")
        wanted: dict[str, Any] = {"iss": self.issuer, "aud": self.audience, **self.claims}
        checks: dict[str, Any] = {name: {"essential": True, "value": value} for name, value in wanted.items()}
        registry = jwt.JWTClaimsRegistry(now=int(now.timestamp()), leeway=_LEEWAY, exp={"essential": True}, **checks)
        try:
            header = jws.extract_compact(token.encode()).headers()
            if header.get("alg") not in ALGORITHMS:
                raise RefusedError(401, "credentials_wrong")
            key = key_set_at(self.key_set_url).key(header.get("kid"))
            registry.validate(jwt.decode(token, key, algorithms=ALGORITHMS).claims)
        except (JoseError, ValueError, TypeError, RecursionError):
            raise RefusedError(401, "credentials_wrong") from None
        return unsigned_content(request)

    def hidden_values(self) -> Iterator[str]:
        """Return what is a secret in the keys' URL; they are public mostly, and some gateway asks for one all the same."""
        yield from query_secrets(self.key_set_url)
