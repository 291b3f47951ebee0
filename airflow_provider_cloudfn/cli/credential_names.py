"""Tells by its name, or by its form, what of a request is a secret."""

from __future__ import annotations

import re
from typing import Literal
from urllib.parse import unquote_plus, urlsplit

__all__ = ["holds_secret", "is_secret_name", "is_secret_value"]

#: Words that name a secret wherever they stand in a name written without separators: ``newPassword``, ``clientsecret``.
_ANYWHERE = re.compile(
    r"passw(or)?d|passphrase|passcode|pwd|secret|credential|passwort|kennwort"
    r"|(api|private|secret|auth|subscription|signing|encryption|shared|account|master|license|access)key(?!id)"
)
#: Words at the end of such a name.
_LAST = re.compile(r"(token|authorization|signature|sessionid|sessionkey|assertion|bearer|cookie|jwt)s?$")
#: Words that name a secret only where they stand alone at the end: ``X-Auth``, ``sig``.
_LAST_WORDS = frozenset({"auth", "sig", "sid", "session", "pin", "otp", "totp", "pat", "pass", "hmac", "ticket"})
#: In a header or a query a lone ``key`` is one, in a body it is mostly the name of something.
_PLAIN_KEY = frozenset({"key", "keys"})
_KEYS_OF_NO_LOCK = frozenset(
    {"idempotency", "idempotent", "partition", "sort", "public", "foreign", "primary", "routing", "cache", "object", "request"}
)  # fmt: skip
_QUERY_NAMES = frozenset({"code", "appid"})
#: Names that hold such a word, and no secret.
_HARMLESS = re.compile(r"(max|min|num|total|prompt|completion|next|page|continuation|sync|input|output)\w*tokens?$")

_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_VALUE = re.compile(
    r"(?<![A-Za-z0-9])("
    r"(sk|rk|pk)_(live|test)_\w+|whsec_\w+|gh[pousr]_\w{20,}|github_pat_\w{20,}|glpat-[\w-]{15,}|xox[abeoprs]-[\w-]{8,}"
    r"|sk-[\w-]{16,}|AIza[\w-]{30,}|SG\.[\w-]{16,}\.[\w-]{16,}|npm_\w{20,}|shp(at|ca|pa|ss)_\w{16,}|ya29\.[\w-]{10,}"
    r"|eyJ[\w-]{8,}\.[\w-]{4,}\.[\w-]*"
    r"|(?i:bearer|basic)\s+[\w.~+/=-]{8,})"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----"
)
_NAME_IN_TEXT = re.compile(r"([A-Za-z][\w.-]*)[\"'\]]*\s*(?:[:=]|>|%3[DAda])\s*[\"']?[^\s\"'<>&]")


def is_secret_name(name: str, place: Literal["header", "query", "body"]) -> bool:
    """
    Tell whether what stands under a name is a secret.

    :param name: In any spelling: ``api_key``, ``apiKey``, ``X-Api-Key``, ``user[password]``.
    :param place: Where it stands; a ``code`` is one in a query alone, a ``key`` none in a body.
    """
    words = [word.lower() for word in _WORDS.findall(name)]
    if not words:
        return False
    joined = "".join(words)
    if _ANYWHERE.search(joined):
        return True
    if _HARMLESS.search(joined):
        return False
    if _LAST.search(joined) or words[-1] in _LAST_WORDS:
        return True
    if place != "body" and words[-1] in _PLAIN_KEY:
        return len(words) < 2 or words[-2] not in _KEYS_OF_NO_LOCK
    return place == "query" and joined in _QUERY_NAMES


def is_secret_value(text: str) -> bool:
    """
    Tell whether a text is, or holds, what issuers of keys give out, or a URL with a credential in it.

    :param text: A header's value, a parameter's, or a text of a body.
    """
    if _VALUE.search(text):
        return True
    if "://" not in text:
        return False
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    names = (unquote_plus(pair.partition("=")[0]) for pair in parts.query.split("&") if "=" in pair)
    return parts.password is not None or any(is_secret_name(name, "query") for name in names)


def holds_secret(text: str) -> bool:
    """
    Tell whether a text in a form that is not read here (XML, a cookie, broken JSON) names a secret and gives it.

    :param text: The text.
    """
    return is_secret_value(text) or any(is_secret_name(name, "body") for name in _NAME_IN_TEXT.findall(text))
