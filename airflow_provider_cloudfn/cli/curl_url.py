"""A URL of a curl command: what of it is sent, and in which bytes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote_to_bytes, urljoin, urlsplit

from airflow_provider_cloudfn.authoring.jinja import jinja_at
from airflow_provider_cloudfn.exceptions import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["by_name", "escaped", "note_variables", "refuse_patterns", "without_dots"]

#: A variable of Postman, Insomnia or Bruno, which copy it into the command when they don't know its value.
_VARIABLE = re.compile(r"\{\{[ \t]*[$\w][\w.$ -]*\}\}")

#: A segment of one dot or two, percent-encoded or not.
_ESCAPED_DOTS = re.compile(r"(?<=/)((?:\.|%2e){1,2})(?=/|$)", re.IGNORECASE)


def note_variables(sent: str, notes: list[str]) -> None:
    """
    Note what else holds a variable of another tool; it may be meant as it stands.

    :param sent: The request as a text.
    :param notes: Where it is noted.
    """
    notes += [
        f"{found} is sent as it stands: write a value in its place where it is a variable of Postman or another tool"
        for found in dict.fromkeys(_VARIABLE.findall(sent))
    ]


def refuse_patterns(address: str) -> None:
    """
    Refuse what curl makes several URLs of, and what another tool fills in.

    :param address: The URL's host, path and query.
    :raises ConfigurationError: for one with braces or a range.
    """
    if found := _VARIABLE.search(address):
        raise ConfigurationError(
            f"{found[0]}: stands in the URL, and is a variable of Postman or another tool: write its value in its place"
        )
    if re.search(r"[{}]|\[[^\]]*-", address):
        raise ConfigurationError(
            "the URL has braces or a range in brackets, of which curl makes other URLs: write the one that is meant; -g takes "
            "them as they are"
        )


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
