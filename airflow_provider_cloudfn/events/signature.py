"""What Airflow's processes sign for one another: callback URLs, and the questions of a triggerer to an API server."""

from __future__ import annotations

import functools
import time
from typing import Any, Final

from msgspec import Struct, ValidationError, convert
from msgspec.structs import asdict

from airflow_provider_cloudfn.exceptions import AuthenticationError, ConfigurationError

__all__ = ["CallbackAddress", "require_triggerer", "triggerer_token"]

_CALLBACK: Final = "cloudfn-callback"
_TRIGGERER: Final = "cloudfn-triggerer"
#: Seconds for which a triggerer's token holds, and by which two clocks may differ.
_SHORT: Final = 60
_LEEWAY: Final = 30
_ALGORITHM: Final = "HS256"
#: What is read where nobody has set it: what each API server makes up for itself is not seen outside of it.
_NOT_CONFIGURED: Final = "{SECRET_KEY}"


class CallbackAddress(Struct, frozen=True):
    """
    Which task instance a callback is for, and until when.

    :param dag_id: The Dag.
    :param run_id: Its run.
    :param task_id: The task.
    :param map_index: Which of a mapped task's instances; -1 where it is not mapped.
    :param generation: Its tries between two Clears.
    :param deadline: The last moment, in whole seconds since 1970.
    """

    dag_id: str
    run_id: str
    task_id: str
    map_index: int
    generation: int
    deadline: int

    def token(self) -> str:
        """
        Return the address as text that nobody else can make; the same text each time.

        :raises ConfigurationError: where Airflow has no secret to sign with.
        """
        return _signed({"aud": _CALLBACK, **asdict(self)})

    @classmethod
    def of(cls, token: str) -> CallbackAddress:
        """
        Return the address that a token stands for, its time over or not.

        :param token: What :meth:`token` returned.
        :raises AuthenticationError: for any other text.
        """
        claims = _read(token, _CALLBACK)
        try:
            return convert({name: claims.get(name) for name in cls.__struct_fields__}, cls)
        except ValidationError:
            raise AuthenticationError(
                "the token is of another version of the package: run all of Airflow with one"
            ) from None

    @classmethod
    def from_dict(cls, written: Any) -> CallbackAddress:
        """
        Return an address that stood in a database as its fields.

        :param written: The fields.
        :raises ConfigurationError: when it is nothing of the kind.
        """
        try:
            return convert(written, cls)
        except ValidationError:
            raise ConfigurationError(
                "the wait for a callback is none of ours; run all of Airflow with one version"
            ) from None

    @property
    def is_late(self) -> bool:
        """Whether its time is over."""
        return time.time() > self.deadline + _LEEWAY


def triggerer_token() -> str:
    """
    Return what a triggerer shows an API server; it holds for a minute.

    :raises ConfigurationError: where Airflow has no secret to sign with.
    """
    return _signed({"aud": _TRIGGERER, "exp": int(time.time()) + _SHORT})


def require_triggerer(token: str) -> None:
    """
    Refuse what is no token of a triggerer.

    :param token: The text.
    :raises AuthenticationError: when it is none, or old.
    """
    end = _read(token, _TRIGGERER).get("exp")
    if not isinstance(end, int) or end < time.time() - _LEEWAY:
        raise AuthenticationError("the triggerer's token is old: set the clocks of Airflow's machines")


def _signed(claims: dict[str, Any]) -> str:
    from joserfc import jwt

    return jwt.encode({"alg": _ALGORITHM}, claims, _key(_secret()))


def _read(token: str, audience: str) -> dict[str, Any]:
    from joserfc import jwt
    from joserfc.errors import JoseError

    try:
        claims = jwt.decode(token, _key(_secret()), algorithms=[_ALGORITHM]).claims
    except (JoseError, ValueError, TypeError):
        claims = {}
    if claims.get("aud") != audience:
        raise AuthenticationError("the token is none of this Airflow's")
    return dict(claims)


def _secret() -> str:
    """Return what Airflow's own documentation wants to be the same on API servers, workers and triggerers."""
    from airflow.sdk import conf

    secret = conf.get("api", "secret_key", fallback="")
    if secret in ("", _NOT_CONFIGURED):
        raise ConfigurationError("[api] secret_key is not set: set the same one for all of Airflow's machines")
    return secret


@functools.lru_cache(maxsize=4)
def _key(secret: str) -> Any:
    """Return a key that is good for nothing else that Airflow signs with its secret (RFC 5869)."""
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF
    from joserfc.jwk import OctKey

    derived = HKDF(SHA256(), 32, salt=None, info=b"airflow-provider-cloudfn waits").derive(secret.encode())
    return OctKey.import_key(derived)
