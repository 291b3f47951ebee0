"""What may be shown of a request and of an answer."""

from __future__ import annotations

import html
import json
import re
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus, unquote_plus, urlsplit, urlunsplit

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["Redaction"]

_HIDDEN = "***"
_EXCERPT = 500
_SHORT = 4

#: What looks the same in every form.
_PLAIN = re.compile(r"[\w.~-]*", re.ASCII)


class Redaction:
    """
    Replaces secrets by ``***``, in every form in which a request or an answer could have them.

    One of fewer than four characters is replaced where it stands by itself: inside of words it would garble every text, and
    nobody could tell it there.

    :param secrets: What must not be seen.
    :param query: The names of query parameters whose values must not be seen.
    """

    def __init__(self, secrets: Iterable[str], query: Iterable[str] = ()) -> None:
        forms: set[str] = set()
        for secret in secrets:
            if secret:
                forms.update(_forms(secret))
        # The longest first, so that no part of a secret stays where another one is a part of it.
        self._forms = sorted(forms, key=len, reverse=True)
        self._query = frozenset(query)

    def text(self, text: str) -> str:
        """
        Return text without the secrets.

        :param text: Any text.
        """
        for form in self._forms:
            if len(form) >= _SHORT:
                text = text.replace(form, _HIDDEN)
            elif form in text:
                text = re.sub(rf"(?<![^\W_]){re.escape(form)}(?![^\W_])", _HIDDEN, text)
        return text

    def url(self, url: str) -> str:
        """
        Return a URL without the secrets and without the values of the parameters that hold them.

        :param url: Any URL.
        """
        parts = urlsplit(url)
        pairs = [
            f"{name}={_HIDDEN}" if unquote_plus(name) in self._query else pair
            for pair in parts.query.split("&")
            for name in (pair.partition("=")[0],)
        ]
        return self.text(urlunsplit(parts._replace(query="&".join(pairs))))

    def excerpt(self, content: bytes, charset: str = "utf-8") -> str:
        """
        Return the beginning of a body, on one line, without the secrets.

        :param content: The bytes of a body.
        :param charset: How they are to be read.
        """
        # Redacted before it is cut, and without what may be the first half of a secret at the end of what is looked at.
        looked_at = content[: _EXCERPT * 8]
        text = self.text(_decoded(looked_at, charset))
        if len(looked_at) < len(content) and self._forms:
            text = text[: -len(self._forms[0])]
        line = " ".join(text.split())
        shown = "".join(character if character.isprintable() else "·" for character in line)
        return shown if len(shown) <= _EXCERPT else f"{shown[:_EXCERPT]}…"


def _forms(secret: str) -> Iterator[str]:
    """Yield a secret as it stands in text, in a URL, in a form, in JSON and in HTML."""
    yield secret
    if _PLAIN.fullmatch(secret):
        return
    for encoded in (quote(secret, safe=""), quote(secret), quote_plus(secret)):
        yield encoded
        yield re.sub("%..", lambda match: match[0].lower(), encoded)
    yield json.dumps(secret)[1:-1]
    yield json.dumps(secret, ensure_ascii=False)[1:-1]
    yield html.escape(secret)


def _decoded(content: bytes, charset: str) -> str:
    try:
        return content.decode(charset, "replace")
    except (LookupError, ValueError):
        return content.decode("utf-8", "replace")
