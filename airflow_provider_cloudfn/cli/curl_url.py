"""A URL of a curl command: what of it is sent, and in which bytes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote_to_bytes, urljoin, urlsplit

from airflow_provider_cloudfn.authoring.jinja import jinja_at
from airflow_provider_cloudfn.exceptions import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["by_name", "escaped", "without_dots"]


#: A segment of one dot or two, percent-encoded or not.
_ESCAPED_DOTS = re.compile(r"(?<=/)((?:\.|%2e){1,2})(?=/|$)", re.IGNORECASE)


def without_dots(path: str, *, as_is: bool) -> str:
    """
    Return a path without ``.`` and ``..``, which curl takes out.

    :param path: The path, as it is written.
    :param as_is: Whether curl was told to leave them.
    :raises ConfigurationError: then, for a path that has one.
    """
    # Newer ones take them out in this spelling, too; older ones leave that to the server.
    plain = _ESCAPED_DOTS.sub(lambda found: "." * (len(found[1].lower().replace("%2e", "."))), path)
    if re.search(r"/\.{1,2}(/|$)", plain) is None:
        return path
    if as_is:
        raise ConfigurationError(
            "--path-as-is, --request-target: the path is sent without '.' and '..': write where it leads"
        )
    return urlsplit(urljoin("http://host", plain)).path


def escaped(text: str) -> str:
    """Return a part of a URL with what no URL holds percent-encoded, as it is sent; what is encoded stays so."""
    return quote(text.encode("utf-8", "surrogateescape"), safe="/%:@!$&'()*+,;=-._~?")


def by_name(pairs: list[str]) -> Mapping[str, list[str]] | None:
    """Return a query by name; None if that would be sent in another order, in other bytes, or a name be taken for Jinja."""
    query: dict[str, list[str]] = {}
    for pair in pairs:
        name, _, value = pair.partition("=")
        try:
            query.setdefault(unquote_to_bytes(name).decode(), []).append(unquote_to_bytes(value).decode())
        except UnicodeDecodeError:
            return None
    sent = [f"{quote(name, safe='')}={quote(value, safe='')}" for name, values in query.items() for value in values]
    return query if sent == pairs and all(jinja_at(name) is None for name in query) else None
