"""Services that send webhooks: each signs as its documentation says, with nothing of what verifies it."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TypeAlias

from msgspec.structs import replace

from airflow_provider_cloudfn.webhooks.received import ReceivedRequest
from airflow_provider_cloudfn.webhooks.schemes.basic import Basic
from airflow_provider_cloudfn.webhooks.schemes.bearer import Bearer
from airflow_provider_cloudfn.webhooks.schemes.emporix_commerce import EmporixCommerce
from airflow_provider_cloudfn.webhooks.schemes.emporix_oe import EmporixEngine
from airflow_provider_cloudfn.webhooks.schemes.github import GitHub
from airflow_provider_cloudfn.webhooks.schemes.hmac import SignedBody
from airflow_provider_cloudfn.webhooks.schemes.slack import Slack
from airflow_provider_cloudfn.webhooks.schemes.standard_webhooks import StandardWebhooks
from airflow_provider_cloudfn.webhooks.schemes.stripe import Stripe

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_cloudfn.webhooks.schemes.scheme import Scheme

__all__ = ["JSON", "NOW", "OLD", "SECRET", "SENDERS", "Sender"]

Headers: TypeAlias = dict[str, str]

#: Base64, so that it is one of Standard Webhooks, too.
SECRET = "bmV3LXNlY3JldC1vZi10aGUtc2VuZGVy"
OLD = "b2xkLXNlY3JldC1vZi10aGUtc2VuZGVy"
JSON = "application/json"
NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)


def _hash(secret: str | bytes, content: bytes, algorithm: str = "sha256") -> bytes:
    key = secret.encode() if isinstance(secret, str) else secret
    return hmac.new(key, content, getattr(hashlib, algorithm)).digest()


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode()


def _standard_webhooks(prefix: str) -> Callable[[bytes, str, datetime], Headers]:
    def sign(body: bytes, secret: str, at: datetime) -> Headers:
        seconds = str(int(at.timestamp()))
        signature = _hash(base64.b64decode(secret), b".".join([b"msg_1", seconds.encode(), body]))
        return {
            f"{prefix}-id": "msg_1",
            f"{prefix}-timestamp": seconds,
            f"{prefix}-signature": f"v1,{_base64(signature)}",
        }

    return sign


def _emporix_oe(body: bytes, secret: str, at: datetime) -> Headers:
    return {"x-emporix-hmac": _base64(_hash(secret, body))}


def _emporix_commerce(body: bytes, secret: str, at: datetime) -> Headers:
    canonical = json.dumps(json.loads(body), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return {
        "emporix-event-signature": _base64(_hash(secret, canonical.encode())),
        "emporix-event-publish-time": at.isoformat().replace("+00:00", "Z"),
    }


def _github(body: bytes, secret: str, at: datetime) -> Headers:
    return {
        "x-hub-signature-256": f"sha256={_hash(secret, body).hex()}",
        "x-github-event": "push",
        "x-github-delivery": "72d3162e-cc78-11e3-81ab-4c9367dc0958",
    }


def _stripe(body: bytes, secret: str, at: datetime) -> Headers:
    seconds = str(int(at.timestamp()))
    return {"stripe-signature": f"t={seconds},v1={_hash(secret, seconds.encode() + b'.' + body).hex()}"}


def _slack(body: bytes, secret: str, at: datetime) -> Headers:
    seconds = str(int(at.timestamp()))
    signature = _hash(secret, b"v0:" + seconds.encode() + b":" + body).hex()
    return {"x-slack-signature": f"v0={signature}", "x-slack-request-timestamp": seconds}


def _hmac(body: bytes, secret: str, at: datetime) -> Headers:
    seconds = str(int(at.timestamp()))
    signature = _base64(_hash(secret, seconds.encode() + b"." + body, "sha512"))
    return {"x-signature": f"sha512={signature}", "x-timestamp": seconds}


def _basic(body: bytes, secret: str, at: datetime) -> Headers:
    return {"authorization": f"Basic {_base64(f'webhooks:{secret}'.encode())}"}


def _bearer(body: bytes, secret: str, at: datetime) -> Headers:
    return {"authorization": f"Bearer {secret}"}


def _api_key(body: bytes, secret: str, at: datetime) -> Headers:
    return {"x-gitlab-token": secret}


@dataclass(frozen=True)
class Sender:
    """
    A service.

    :param scheme: The scheme that verifies it, with its secret.
    :param sign: Returns the headers that prove a body, for a secret and a time.
    :param proved: The headers of which no byte may be changed.
    :param signs: Whether the body is proved, too.
    :param has_time: Whether the time is.
    """

    scheme: Scheme
    sign: Callable[[bytes, str, datetime], Headers]
    proved: tuple[str, ...]
    signs: bool = True
    has_time: bool = True

    def request(
        self, body: bytes = b'{"a":1}', *, secret: str = SECRET, at: datetime = NOW, path: str = "", **headers: str
    ) -> ReceivedRequest:
        """
        Return a request that this service sends.

        :param headers: Others, ``_`` for ``-``.
        """
        given = {"content-type": JSON} | {name.replace("_", "-"): value for name, value in headers.items()}
        signed = self.sign(body, secret, at)
        return ReceivedRequest(method="POST", path=path, headers=(*given.items(), *signed.items()), body=body)

    def knowing(self, *secrets: str) -> Scheme:
        """Return the scheme with other secrets."""
        return replace(self.scheme, secrets=secrets)


_ONE = (SECRET,)
_WEBHOOK = tuple(f"webhook-{part}" for part in ("id", "timestamp", "signature"))
_SVIX = tuple(f"svix-{part}" for part in ("id", "timestamp", "signature"))
_OWN = SignedBody(
    secrets=_ONE,
    header="x-signature",
    algorithm="sha512",
    written="sha512={signature}",
    signed="{timestamp}.{body}",
    timestamp_header="x-timestamp",
)

SENDERS: dict[str, Sender] = {
    "standard_webhooks": Sender(StandardWebhooks(secrets=_ONE), _standard_webhooks("webhook"), _WEBHOOK),
    "svix": Sender(StandardWebhooks(secrets=_ONE), _standard_webhooks("svix"), _SVIX),
    "emporix_oe": Sender(EmporixEngine(secrets=_ONE), _emporix_oe, ("x-emporix-hmac",), has_time=False),
    "emporix_commerce": Sender(EmporixCommerce(secrets=_ONE), _emporix_commerce, ("emporix-event-signature",)),
    "github": Sender(GitHub(secrets=_ONE), _github, ("x-hub-signature-256",), has_time=False),
    "stripe": Sender(Stripe(secrets=_ONE), _stripe, ("stripe-signature",)),
    "slack": Sender(Slack(secrets=_ONE), _slack, ("x-slack-signature", "x-slack-request-timestamp")),
    "hmac": Sender(_OWN, _hmac, ("x-signature", "x-timestamp")),
    "basic": Sender(Basic(secrets=_ONE, user="webhooks"), _basic, ("authorization",), signs=False, has_time=False),
    "bearer": Sender(Bearer(secrets=_ONE), _bearer, ("authorization",), signs=False, has_time=False),
    "api_key": Sender(
        Bearer(secrets=_ONE, header="x-gitlab-token"), _api_key, ("x-gitlab-token",), signs=False, has_time=False
    ),
}
