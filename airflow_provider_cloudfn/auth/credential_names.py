"""Tells by its name, or by its form, what of a request is a secret."""

from __future__ import annotations

import re
import unicodedata
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import unquote, unquote_plus, urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["holds_secret", "is_secret_name", "is_secret_path", "is_secret_value", "query_secrets", "secret_members"]

#: Words that name a secret wherever they stand in a name written without separators: ``newPassword``, ``clientsecret``.
_ANYWHERE = re.compile(
    r"passw(or)?d|passphrase|passcode|pwd|secret|credential|passwort|kennwort|motdepasse|contrasena|senha|wachtwoord"
    r"|(device|verification|security|mfa)code$|codeverifier|connectionstring"
    r"|(api|private|secret|auth|subscription|signing|encryption|shared|account|master|license|access)key(?!id)"
)
#: Words at the end of such a name.
_LAST = re.compile(r"(token|authorization|signature|sessionid|sessionkey|assertion|bearer|cookie|jwt)s?[0-9]*$")
#: Words that name a secret only where they stand alone at the end: ``X-Auth``, ``sig``.
_LAST_WORDS = frozenset({"auth", "sig", "sid", "session", "pin", "otp", "totp", "pat", "pass", "hmac", "ticket", "pw"})
#: In a header or a query a lone ``key`` is one, in a body it is mostly the name of something.
_PLAIN_KEY = frozenset({"key", "keys"})
_KEYS_OF_NO_LOCK = frozenset(
    {"idempotency", "idempotent", "partition", "sort", "public", "foreign", "primary", "routing", "cache", "object", "request"}
)  # fmt: skip
_QUERY_NAMES = frozenset({"code", "appid"})
#: Words behind the one that counts, as numbers are.
_BEHIND = frozenset({"sha", "v"})
#: Names that hold such a word, and no secret.
_HARMLESS = re.compile(
    r"(max|min|num|total|prompt|completion|next|page|continuation|sync|input|output)\w*tokens?[0-9]*$"
)

_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_VALUE = re.compile(
    r"(?<![A-Za-z0-9])("
    r"(sk|rk|pk)_(live|test)_\w+|whsec_\w+|gh[pousr]_\w{20,}|github_pat_\w{20,}|glpat-[\w-]{15,}|xox[abeoprs]-[\w-]{8,}"
    r"|sk-[\w-]{16,}|AIza[\w-]{30,}|SG\.[\w-]{16,}\.[\w-]{16,}|npm_\w{20,}|shp(at|ca|pa|ss)_\w{16,}|ya29\.[\w-]{10,}"
    r"|eyJ[\w-]{8,400}\.[\w-]{4,}\.[\w-]*"
    r"|(?i:bearer|basic)\s+[\w.~+/=-]{8,})"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----"
)
#: Names before what is theirs. Nothing is looked at twice: a text may be a megabyte of base64.
_NAME_IN_TEXT = re.compile(r"(?<![\w.-])([\w.-]++)[\"'\\\]]*+\s*+[:=>]\s*+\\*+(?=[\"']?[^\s\"'<>&])")
_ELEMENT = re.compile(r"<([\w.:-]++)\s[^<>]*+>\s*+(?=[^\s<])")
#: The longest name that is looked at, from its end.
_LONGEST_NAME = 200

#: An element of a list that is one header, parameter or variable: the member with the name, and those with what it holds.
_NAMING = ("name", "key", "header", "parameter", "variable")
_NAMED = frozenset({"value", "val", "content", "data", "text"})

#: The segment of a path that says that the next one is a secret, where that looks like one.
_BEFORE_A_SECRET = re.compile(r"token|key|secret|api[_-]?key|password|web-?hook|hooks?", re.IGNORECASE)
#: With a prefix such as ``we_`` it is mostly the id of something.
_RANDOM = re.compile(r"(?![a-z]{2,6}_)(?=.*[0-9])(?=.*[A-Za-z])[\w.~@-]{16,}")
_BOT = re.compile(r"bot[0-9]+:[\w-]+")


def is_secret_name(name: str, place: Literal["header", "query", "body"]) -> bool:
    """
    Tell whether what stands under a name is a secret.

    :param name: In any spelling: ``api_key``, ``apiKey``, ``X-Api-Key``, ``user[password]``.
    :param place: Where it stands; a ``code`` is one in a query alone, a ``key`` none in a body.
    """
    plain = unicodedata.normalize("NFKD", name[-_LONGEST_NAME:])
    words = [
        word.lower() for word in _WORDS.findall("".join(sign for sign in plain if not unicodedata.combining(sign)))
    ]
    # `access_token_2`, `X-Hub-Signature-256`, `signature-sha256`
    while words and (words[-1].isdigit() or words[-1] in _BEHIND):
        words.pop()
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
    """Tell whether a text is, or holds, what issuers of keys give out, or a URL with a credential in it."""
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


def query_secrets(url: str | None) -> tuple[str, ...]:
    """
    Return what is a secret in the query of an address, by its name or by its form: as it is written, and as it is meant.

    :param url: The address, or a path with a query; None has none.
    """
    if not (query := _query(url)):
        return ()
    pairs = [(unquote_plus(name), value) for name, _, value in (pair.partition("=") for pair in query.split("&"))]
    found = [value for name, value in pairs if is_secret_name(name, "query") or is_secret_value(unquote_plus(value))]
    return tuple(dict.fromkeys(text for value in found for text in (unquote_plus(value), value) if text))


def _query(url: str | None) -> str:
    return (url or "").partition("#")[0].partition("?")[2]


def is_secret_path(path: str) -> bool:
    """Tell whether a segment of a path is a secret: what issuers give out, or something random behind a word for it."""
    segments = unquote(path).split("/")
    return is_secret_value(path) or any(
        _BOT.fullmatch(segment) or (_BEFORE_A_SECRET.fullmatch(word) and _RANDOM.fullmatch(segment))
        for word, segment in pairwise(segments)
    )


def secret_members(members: Mapping[str, Any]) -> frozenset[str]:
    """
    Return the names of those members of an object, or fields of a form, that hold secrets.

    Besides those with the name of one: the value of ``{"name": "X-Api-Key", "value": …}``, and the code of a token request.

    :param members: The members by their names.
    """
    found = {name for name in members if is_secret_name(name, "body")}
    by_lower = {name.lower(): name for name in members}
    naming = (members[by_lower[name]] for name in _NAMING if name in by_lower)
    if any(isinstance(value, str) and is_secret_name(value, "header") for value in naming):
        found |= {by_lower[name] for name in _NAMED if name in by_lower}
    if "grant_type" in members:
        found |= {"code"} & members.keys()
    return frozenset(found)


def holds_secret(text: str) -> bool:
    """Tell whether a text in a form that is not read here (XML, a cookie, broken JSON) names a secret and gives it."""
    if is_secret_value(text):
        return True
    plain = unquote_plus(text) if "%" in text else text
    names = (*_NAME_IN_TEXT.findall(plain), *_ELEMENT.findall(plain))
    return any(is_secret_name(name, "body") for name in names)
