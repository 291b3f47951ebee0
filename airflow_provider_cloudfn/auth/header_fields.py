"""What the name and the value of a header may be (RFC 9110, section 5)."""

from __future__ import annotations

import re

from airflow_provider_cloudfn.exceptions import ConfigurationError

__all__ = [
    "BEFORE_TOKEN",
    "PROTOCOL_HEADERS",
    "credential_header_fault",
    "is_token",
    "require_header_name",
    "require_header_value",
]

#: What people paste with a bearer token, which itself has no white space (RFC 6750, section 2.1): a pattern.
BEFORE_TOKEN = r"(?:authorization\s*:\s*)?(?:bearer|token|basic)\s+|authorization\s*:"  # noqa: S105 - a pattern

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")

#: What belongs to the connection or to the protocol, in lower case: neither a request nor a scheme sets it by itself.
PROTOCOL_HEADERS = frozenset(
    {
        "authorization", "connection", "content-length", "expect", "host", "keep-alive", "proxy-authenticate",
        "proxy-authorization", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade",
    }
)  # fmt: skip

#: What a scheme is told to set may be Authorization, and can't describe the body.
_NO_CREDENTIALS = PROTOCOL_HEADERS - {"authorization"} | {"content-type"}


def is_token(text: object) -> bool:
    """
    Return whether a text is a token (RFC 9110, section 5.6.2), as a header's name and a token's type must be.

    :param text: Any text; what is none is no token.
    """
    return isinstance(text, str) and _TOKEN.fullmatch(text) is not None


def credential_header_fault(name: str) -> str | None:
    """Return why credentials can't stand in a header of this name, and what to do; None if they can."""
    # What stands there is not quoted: people paste the whole header, value and all.
    if not is_token(name):
        return "is no name of a header (RFC 9110, section 5.1); write the name alone, such as 'x-api-key'"
    if name.lower() in _NO_CREDENTIALS:
        return f"got {name!r}, a header that HTTP itself sets; write the one that the service asks for"
    return None


def require_header_name(name: str, what: str) -> None:
    """
    Make sure that credentials can stand in a header of this name.

    :param what: What the error calls it.
    :raises ConfigurationError: for no name, or that of a header which HTTP itself sets.
    """
    if fault := credential_header_fault(name):
        raise ConfigurationError(f"{what}: {fault}")


def require_header_value(value: str, what: str) -> None:
    """
    Make sure that a secret can stand in a header as it is.

    :param value: The secret; no error shows it.
    :param what: What the error calls it.
    :raises ConfigurationError: for an empty one, for white space around it or control characters in it, and for characters
        beyond Latin-1.
    """
    if not value:
        raise ConfigurationError(f"{what}: is empty; write the secret that the service gave out")
    if value != value.strip() or not value.isprintable():
        raise ConfigurationError(
            f"{what}: has white space around it, or a line break or another control character in it; copy it once more"
        )
    if any(character > "\xff" for character in value):
        raise ConfigurationError(f"{what}: has a character beyond Latin-1, which no header can have; copy it once more")
