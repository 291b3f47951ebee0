"""A signature over the body (RFC 2104)."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal, Self, cast

from airflow_provider_cloudfn.connections.form import ExtraField
from airflow_provider_cloudfn.connections.kinds.kind import Authentication, HookServices

if TYPE_CHECKING:
    from collections.abc import Iterator

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
    """

    _hidden: ClassVar = frozenset({"secret"})
    kind = "hmac"
    confidential = "the HMAC key"
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
    )

    secret: str
    header: str
    algorithm: str = "sha256"
    encoding: Literal["base64", "hex"] = "base64"

    @classmethod
    def read(cls, reader: ConnectionReader) -> Self:
        """Return the settings of a connection."""
        header = reader.required_text("hmac_header", "auth_type 'hmac'")
        reader.require_header_name("hmac_header", header)
        secret = reader.required_password("auth_type 'hmac' needs the key there")
        reader.require_clean_password(secret)
        return cls(
            secret=secret,
            header=header,
            algorithm=reader.choice("hmac_algorithm"),
            encoding=cast("Literal['base64', 'hex']", reader.choice("hmac_encoding")),
        )

    def secrets(self) -> Iterator[str]:
        """Return the key."""
        yield self.secret

    def scheme(self, services: HookServices) -> Auth:
        """Return what puts the signature on a request."""
        from airflow_provider_cloudfn.auth.hmac_signature import HmacSignatureAuth

        return HmacSignatureAuth(self.secret, self.header, self.algorithm, self.encoding)
