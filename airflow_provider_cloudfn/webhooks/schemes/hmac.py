"""A keyed hash (RFC 2104) over the body, of which the connection says all that differs from service to service."""

from __future__ import annotations

import base64
import re
from functools import lru_cache
from typing import TYPE_CHECKING, Literal

from airflow_provider_cloudfn.webhooks.refused import RefusedError
from airflow_provider_cloudfn.webhooks.schemes.proof import keyed_hashes, require_recent, require_secret_match
from airflow_provider_cloudfn.webhooks.schemes.scheme import Scheme

if TYPE_CHECKING:
    import datetime as dt

    from airflow_provider_cloudfn.webhooks.received import ReceivedRequest

__all__ = ["SignedBody"]


class SignedBody(Scheme, frozen=True, kw_only=True):
    """
    The counterpart of :class:`~airflow_provider_cloudfn.auth.hmac_signature.HmacSignatureAuth`, with the same settings.

    :param header: The header of the signature, in lower case.
    :param algorithm: The hash function's name.
    :param encoding: ``base64`` or ``hex``.
    :param written: What the header holds: text with ``{signature}``, perhaps with ``{timestamp}``, in seconds since 1970.
    :param signed: What is signed: text with ``{body}``, perhaps with ``{timestamp}``.
    :param timestamp_header: The header, in lower case, that holds the timestamp alone.
    """

    name = "hmac"
    proves = "what is signed"

    header: str
    algorithm: str = "sha256"
    encoding: Literal["base64", "hex"] = "base64"
    written: str = "{signature}"
    signed: str = "{body}"
    timestamp_header: str | None = None

    def verify(self, request: ReceivedRequest, now: dt.datetime) -> bytes:
        """Return what was signed, once the signature is its own."""
        found = _pattern(self.written).fullmatch(request.required_header(self.header))
        if found is None:
            raise RefusedError(401, "signature_wrong")
        timestamp = found.groupdict().get("timestamp")
        if self.timestamp_header is not None:
            alone = request.required_header(self.timestamp_header)
            if timestamp is not None and alone != timestamp:
                raise RefusedError(401, "signature_wrong")
            timestamp = alone
        if timestamp is not None:
            require_recent(timestamp, now, self.tolerance)
        before, _, behind = self.signed.replace("{timestamp}", timestamp or "").partition("{body}")
        content = before.encode() + request.body + behind.encode()
        hashes = keyed_hashes(self.secrets, content, self.algorithm)
        signature = found["signature"]
        if self.encoding == "hex":
            require_secret_match([digest.hex().encode() for digest in hashes], [signature.lower().encode()])
        else:
            require_secret_match(map(base64.b64encode, hashes), [signature.encode()])
        return content


@lru_cache(maxsize=64)
def _pattern(written: str) -> re.Pattern[str]:
    """Return what finds signature and timestamp in a header; of a timestamp that is written twice, both are the same."""
    # Who joins the values of a header anew, as a proxy may, puts a space behind each comma.
    pattern = re.escape(written).replace(",", ", ?")
    # Bounded, so that the time to find that there is none is, too: a SHA-512 in hex is as long as that.
    pattern = pattern.replace(r"\{signature\}", "(?P<signature>[A-Za-z0-9+/=]{1,128})")
    pattern = pattern.replace(r"\{timestamp\}", "(?P<timestamp>[0-9]{1,12})", 1)
    return re.compile(pattern.replace(r"\{timestamp\}", "(?P=timestamp)"), re.ASCII)
