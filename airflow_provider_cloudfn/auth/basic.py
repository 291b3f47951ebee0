"""User name and password (RFC 7617)."""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING
from urllib.parse import quote_plus

from airflow_provider_cloudfn.auth.scheme import Auth, AuthFlow
from airflow_provider_cloudfn.exceptions import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from airflow_provider_cloudfn.auth.message import HttpRequest

__all__ = ["BasicAuth", "basic_credentials", "before_credentials"]


class BasicAuth(Auth):
    """
    User name and password, as UTF-8.

    :param username: The user's name, without a colon.
    :param password: The user's password; empty where the user name alone is the key.
    :raises ConfigurationError: for a user name with a colon, which would end it, or control characters in either.
    """

    def __init__(self, username: str, password: str) -> None:
        if ":" in username:
            raise ConfigurationError("the user name: has a colon, which Basic can't carry (RFC 7617, section 2)")
        if not username.isprintable() or not password.isprintable():
            raise ConfigurationError("the user name or the password: has a control character in it; copy it once more")
        self._secret = password or username
        self._credentials = base64.b64encode(f"{username}:{password}".encode()).decode("ascii")

    @property
    def reserved_headers(self) -> frozenset[str]:
        """The header of the credentials."""
        return frozenset({"authorization"})

    def secrets(self) -> Iterable[str]:
        """Return the password, or the user name that is a key, and what becomes of it in the header."""
        return (self._secret, self._credentials)

    def flow(self, request: HttpRequest) -> AuthFlow:
        """Yield the request with the credentials."""
        yield request.with_header("Authorization", f"Basic {self._credentials}")


def before_credentials(username: str) -> str:
    """
    Return a pattern of what stands before a user's credentials in a header: any other text can be a password.

    :param username: The user's name, or the client's ID.
    """
    start = f"{username}:".encode()
    core = base64.b64encode(start)[: 8 * len(start) // 6].decode("ascii")
    return rf"(?:authorization\s*:\s*)?basic\s+(?={re.escape(core)})"


def basic_credentials(username: str, password: str) -> tuple[str, ...]:
    """
    Return what Basic authentication can make of a user name and a password, for hiding it.

    RFC 7617 takes them as they are, RFC 6749 form-encodes those of a client first; some write Latin-1 instead of UTF-8.

    :param username: The user's name, or the client's ID.
    :param password: The password, or the client's secret.
    """
    pairs = (f"{username}:{password}", f"{quote_plus(username)}:{quote_plus(password)}")
    encoded = (pair.encode(charset, "replace") for pair in pairs for charset in ("utf-8", "latin-1"))
    return tuple(dict.fromkeys(base64.b64encode(pair).decode("ascii") for pair in encoded))
