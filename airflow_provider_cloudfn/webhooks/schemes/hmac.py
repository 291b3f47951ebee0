"""A keyed hash (RFC 2104) over the body, of which the connection says all that differs from service to service."""

from __future__ import annotations

import base64
import re
from functools import lru_cache
from typing import TYPE_CHECKING, Final, Literal

from airflow_provider_cloudfn.webhooks.refused import RefusedError
from airflow_provider_cloudfn.webhooks.schemes.proof import keyed_hashes, require_recent, require_secret_match
from airflow_provider_cloudfn.webhooks.schemes.scheme import Scheme
from airflow_provider_cloudfn.webhooks.schemes.written_time import WRITTEN_TIME, is_milliseconds

if TYPE_CHECKING:
    import datetime as dt

    from airflow_provider_cloudfn.webhooks.received import ReceivedRequest

__all__ = ["SignedBody"]

#: Bounded, so that the time to find that there is none is, too: a SHA-512 in hex is as long as that.
_SIGNATURE: Final = "[A-Za-z0-9+/=_-]{1,128}"
_BLANK: Final = re.escape("{signature}")
_MOST_OTHERS: Final = 4
_NOT_OF_URLS: Final = bytes.maketrans(b"-_", b"+/")
_JSON_OBJECT_OR_LIST: Final = re.compile(rb"\s*(?:\{.*\}|\[.*\])\s*", re.DOTALL)


class SignedBody(Scheme, frozen=True, kw_only=True):
    """
    The counterpart of :class:`~airflow_provider_cloudfn.auth.hmac_signature.HmacSignatureAuth`, with the same settings.

    :param header: The header of the signature, in lower case.
    :param algorithm: The hash function's name.
    :param encoding: ``base64`` or ``hex``.
    :param written: What the header holds: text with ``{signature}``, perhaps with ``{timestamp}``.
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
            self._require_bounds_of(timestamp, request.body)
            require_recent(timestamp, now, self.tolerance)
        before, _, behind = self.signed.replace("{timestamp}", timestamp or "").partition("{body}")
        content = before.encode() + request.body + behind.encode()
        hashes = keyed_hashes(self.secrets, content, self.algorithm)
        signatures = _signatures(found, self.written)
        if self.encoding == "hex":
            require_secret_match([digest.hex().encode() for digest in hashes], map(bytes.lower, signatures))
        else:
            require_secret_match(map(_plain, map(base64.b64encode, hashes)), map(_plain, signatures))
        return content

    def _require_bounds_of(self, timestamp: str, body: bytes) -> None:
        """
        Refuse milliseconds with nothing between them and the body, unless that is a JSON object or list.

        They could be seconds, and three digits that the sender had in its text.
        """
        touching = re.search(r"\{timestamp\}(?:[0-9]|\{body\})|(?:[0-9]|\{body\})\{timestamp\}", self.signed)
        if touching and is_milliseconds(timestamp) and not _JSON_OBJECT_OR_LIST.fullmatch(body):
            raise RefusedError(401, "unreadable_time")


@lru_cache(maxsize=64)
def _pattern(written: str) -> re.Pattern[str]:
    """Return what finds signature and timestamp in a header; of a timestamp that is written twice, both are the same."""
    element = _element(written)
    before, _, behind = (_escaped(part) for part in written.partition(element))
    one = _escaped(element)
    # While a secret is changed there, a service sends a signature for each: v1=…,v1=…
    another = "" if "{timestamp}" in element else f"[,;] ?{one.replace(_BLANK, _SIGNATURE)}"
    more = f"(?P<more>(?:{another}){{0,{_MOST_OTHERS}}})"
    pattern = before + one.replace(_BLANK, f"(?P<signature>{_SIGNATURE})") + more + behind
    pattern = pattern.replace(r"\{timestamp\}", f"(?P<timestamp>{WRITTEN_TIME})", 1)
    return re.compile(pattern.replace(r"\{timestamp\}", "(?P=timestamp)"), re.ASCII)


def _escaped(text: str) -> str:
    # Who joins the values of a header anew, as a proxy may, puts a space behind each comma.
    return re.escape(text).replace(",", ", ?")


def _element(written: str) -> str:
    """Return what stands around the signature in a header, up to the next comma or semicolon."""
    return next(part for part in re.split("[,;] ?", written) if "{signature}" in part)


def _signatures(found: re.Match[str], written: str) -> list[bytes]:
    before, _, behind = _element(written).partition("{signature}")
    others = [part.strip() for part in re.split("[,;]", found["more"]) if part]
    return [
        signature.encode()
        for signature in (found["signature"], *(other.removeprefix(before).removesuffix(behind) for other in others))
    ]


def _plain(written: bytes) -> bytes:
    """Return base64 without padding, and in the alphabet that is not that of URLs."""
    return written.translate(_NOT_OF_URLS).rstrip(b"=")
