"""A signature over the body (RFC 2104)."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal, Self, cast

from airflow_provider_cloudfn.auth.hmac_signature import template_fault
from airflow_provider_cloudfn.connections.form import ExtraField
from airflow_provider_cloudfn.connections.kinds.kind import Authentication, HookServices

if TYPE_CHECKING:
    from airflow_provider_cloudfn.auth.scheme import Auth
    from airflow_provider_cloudfn.connections.reading import ConnectionReader

__all__ = ["HmacSignature"]


class HmacSignature(Authentication, frozen=True, kw_only=True):
    """
    A signature over the body (RFC 2104) in a header.

    :param secret: The key.
    :param header: The header's name.
    :param algorithm: The hash function's name.
    :param encoding: ``base64`` or ``hex``.
    :param written: What the header holds, with ``{signature}`` and perhaps ``{timestamp}`` in it.
    :param signed: What is signed, with ``{body}`` and perhaps ``{timestamp}`` in it.
    :param timestamp_header: The name of a header that holds the timestamp alone.
    """

    _hidden: ClassVar = frozenset({"secret"})
    kind = "hmac"
    confidential = "the key"
    fields = (
        ExtraField(
            "hmac_header",
            "HMAC: Header",
            "The header that carries the signature of the body.",
            example="X-Signature",
        ),
        ExtraField(
            "hmac_algorithm",
            "HMAC: Algorithm",
            "The hash function of the signature.",
            kind="choice",
            choices=("sha256", "sha384", "sha512", "sha1"),
            default="sha256",
        ),
        ExtraField(
            "hmac_encoding",
            "HMAC: Encoding",
            "How the signature is written.",
            kind="choice",
            choices=("base64", "hex"),
            default="base64",
        ),
        ExtraField(
            "hmac_format",
            "HMAC: Format",
            "What the header holds: the signature where {signature} stands, seconds since 1970 where {timestamp} stands. Empty: "
            "the signature alone.",
            example="t={timestamp},v1={signature}",
        ),
        ExtraField(
            "hmac_signed",
            "HMAC: What is signed",
            "The body where {body} stands, perhaps with {timestamp}. Empty: the body alone.",
            example="{timestamp}.{body}",
        ),
        ExtraField(
            "hmac_timestamp_header",
            "HMAC: Timestamp header",
            "A header of its own for the timestamp, where the service asks for one.",
            example="X-Request-Timestamp",
        ),
    )

    secret: str
    header: str
    algorithm: str = "sha256"
    encoding: Literal["base64", "hex"] = "base64"
    written: str = "{signature}"
    signed: str = "{body}"
    timestamp_header: str | None = None

    @classmethod
    def read(cls, reader: ConnectionReader) -> Self:
        """Return the settings of a connection."""
        return cls.read_for(reader, "auth_type 'hmac'")

    @classmethod
    def read_for(cls, reader: ConnectionReader, needed_by: str) -> Self:
        """
        Return the settings of a connection, which signs or has others sign.

        :param needed_by: What needs them, for the errors.
        :raises ConfigurationError: naming the field that is wrong, and what to do.
        """
        header = reader.required_text("hmac_header", needed_by)
        reader.require_header_name("hmac_header", header)
        secret = reader.required_password(f"{needed_by} needs the key there")
        reader.require_clean_password(secret)
        timestamp_header = reader.text("hmac_timestamp_header")
        if timestamp_header:
            reader.require_header_name("hmac_timestamp_header", timestamp_header)
        written, signed = reader.text("hmac_format") or "{signature}", reader.text("hmac_signed") or "{body}"
        for name, template, needed in (("hmac_format", written, "signature"), ("hmac_signed", signed, "body")):
            if fault := template_fault(template, needed):
                raise reader.error(name, fault)
        if "{timestamp}" in signed and "{timestamp}" not in written and not timestamp_header:
            raise reader.error(
                "hmac_timestamp_header",
                "is missing: the timestamp is signed, and nothing tells the receiver which it is",
            )
        return cls(
            secret=secret,
            header=header,
            algorithm=reader.choice("hmac_algorithm"),
            encoding=cast("Literal['base64', 'hex']", reader.choice("hmac_encoding")),
            written=written,
            signed=signed,
            timestamp_header=timestamp_header,
        )

    def scheme(self, services: HookServices) -> Auth:
        """Return what puts the signature on a request."""
        from airflow_provider_cloudfn.auth.hmac_signature import HmacSignatureAuth

        return HmacSignatureAuth(
            self.secret,
            self.header,
            self.algorithm,
            self.encoding,
            written=self.written,
            signed=self.signed,
            timestamp_header=self.timestamp_header,
        )
