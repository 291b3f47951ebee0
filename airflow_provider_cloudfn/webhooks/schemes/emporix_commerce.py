"""Emporix Commerce: ``emporix-event-signature`` over canonical JSON, and ``emporix-event-publish-time``."""

from __future__ import annotations

import base64
import datetime as dt
import math
from decimal import Decimal
from json.encoder import encode_basestring
from typing import TYPE_CHECKING, Any, Final

from airflow_provider_cloudfn.json_encoding import RepeatedKeyError, read_json
from airflow_provider_cloudfn.webhooks.refused import RefusedError
from airflow_provider_cloudfn.webhooks.schemes.proof import keyed_hashes, require_moment, require_secret_match
from airflow_provider_cloudfn.webhooks.schemes.scheme import Scheme

if TYPE_CHECKING:
    from airflow_provider_cloudfn.webhooks.received import ReceivedRequest

__all__ = ["EmporixCommerce", "canonical_json"]

#: Characters of a SHA-256 in base64.
_SIGNATURE_LENGTH: Final = 44
_LITERALS: Final = {True: "true", False: "false", None: "null"}


class EmporixCommerce(Scheme, frozen=True, kw_only=True):
    """
    HMAC-SHA256 over the body as canonical JSON, in base64.

    One of Emporix' own samples signs the bytes as they are: either proves that who signed knows the secret. The publish time is
    not signed: it keeps late deliveries out, and nobody who means harm.
    """

    name = "emporix_commerce"
    proves = "the body"
    type_expression = "request.body.?type.orValue(null)"

    def verify(self, request: ReceivedRequest, now: dt.datetime) -> bytes:
        """Return the body as canonical JSON, once the signature is its own."""
        given = request.required_header("emporix-event-signature").encode()
        published = request.required_header("emporix-event-publish-time")
        # What costs least comes first: a stranger can have a megabyte written as canonical JSON before he is known as one.
        if len(given) != _SIGNATURE_LENGTH:
            raise RefusedError(401, "signature_wrong")
        try:
            moment = dt.datetime.fromisoformat(published)
        except ValueError:
            raise RefusedError(401, "unreadable_time") from None
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=dt.UTC)
        require_moment(moment.timestamp(), now, self.tolerance)
        canonical = _canonical(request.body)
        hashes = keyed_hashes(self.secrets, canonical) + keyed_hashes(self.secrets, request.body)
        require_secret_match(map(base64.b64encode, hashes), [given])
        return canonical

    def lasting(self, request: ReceivedRequest, proved: bytes) -> bytes:
        """Return the canonical JSON, which is the same however the body is laid out."""
        return proved


def canonical_json(text: str) -> str:
    """
    Return JSON text as Emporix signs it: keys sorted, no white space, whole numbers as integers, others as JavaScript has them.

    :param text: The text.
    :raises ValueError: for what is no JSON.
    :raises RepeatedKeyError: for an object that has a key twice: it would have two meanings and one signature.
    """
    return _written(read_json(text))


def _canonical(body: bytes) -> bytes:
    try:
        return canonical_json(body.decode()).encode()
    except (ValueError, RepeatedKeyError, RecursionError):
        raise RefusedError(400, "bad_body") from None


def _written(value: Any) -> str:
    if isinstance(value, dict):
        # JavaScript sorts by UTF-16 code units.
        names = sorted(value, key=lambda name: name.encode("utf-16-be", "surrogatepass")) if len(value) > 1 else value
        return "{" + ",".join(f"{encode_basestring(name)}:{_written(value[name])}" for name in names) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(_written, value)) + "]"
    if isinstance(value, str):
        return encode_basestring(value)
    if isinstance(value, Decimal):
        return _number(float(value))
    return _LITERALS[value] if value is None or isinstance(value, bool) else str(value)


def _number(number: float) -> str:
    """Return a number as JavaScript writes it (ECMA-262, Number::toString)."""
    if number == 0:
        return "0"
    if not math.isfinite(number):
        raise ValueError("a number that no double is near to")
    # The shortest digits that mean this double, which Python finds as JavaScript does; only the dot may stand elsewhere.
    text = repr(number)
    if "e" not in text:
        return text.removesuffix(".0")
    sign, digits, exponent = Decimal(text).normalize().as_tuple()
    shown = "".join(map(str, digits))
    point = len(shown) + int(exponent)
    minus = "-" if sign else ""
    if len(shown) <= point <= 21:
        return minus + shown + "0" * (point - len(shown))
    if 0 < point <= 21:
        return f"{minus}{shown[:point]}.{shown[point:]}"
    if -6 < point <= 0:
        return f"{minus}0.{'0' * -point}{shown}"
    mantissa = shown[0] + (f".{shown[1:]}" if len(shown) > 1 else "")
    return f"{minus}{mantissa}e{point - 1:+d}"
