"""What may be shown of a request and of an answer."""

from __future__ import annotations

import json
from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from typing import TYPE_CHECKING
from urllib.parse import unquote_plus, urlsplit, urlunsplit

from airflow_provider_cloudfn.auth.spellings import MASK, hide, spellings

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Redaction"]

_EXCERPT = 500


class Redaction:
    """
    Replaces secrets by ``***``, in every form in which a request or an answer could have them.

    One of fewer than four characters is replaced where it stands by itself: inside of words it would garble every text, and
    nobody could tell it there.

    :param secrets: What must not be seen.
    :param query: The names of query parameters whose values must not be seen.
    """

    def __init__(self, secrets: Iterable[str], query: Iterable[str] = ()) -> None:
        written = {text for secret in secrets for text in spellings(secret)}
        self._written = sorted(written, key=len, reverse=True)
        self._query = frozenset(query)

    def text(self, text: str) -> str:
        """
        Return text without the secrets.

        :param text: Any text.
        """
        return hide(text, self._written)

    def url(self, url: str) -> str:
        """
        Return a URL without the secrets and without the values of the parameters that hold them.

        :param url: Any URL.
        """
        if not self._query or "?" not in url:
            return self.text(url)
        parts = urlsplit(url)
        pairs = [
            f"{name}={MASK}" if unquote_plus(name) in self._query else pair
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
        line = " ".join(self.beginning(content, charset, _EXCERPT * 8).split())
        shown = "".join(character if character.isprintable() else "·" for character in line)
        return shown if len(shown) <= _EXCERPT else f"{shown[:_EXCERPT]}…"

    def beginning(self, content: bytes, charset: str, longest: int) -> str:
        """
        Return the beginning of a body as it was written, without the secrets.

        :param content: The bytes of a body.
        :param charset: How they are to be read.
        :param longest: Bytes that are shown.
        """
        # Redacted before it is cut, and without what may be the first half of a secret at the end of what is looked at.
        at_the_end = len(self._written[0]) if self._written else 0
        looked_at = content[: longest + at_the_end]
        text = self.text(_decoded(looked_at, charset))
        return text if len(looked_at) == len(content) else text[: len(text) - at_the_end]


def _decoded(content: bytes, charset: str) -> str:
    if b"\0" in content[:4] or content.startswith((BOM_UTF16_LE, BOM_UTF16_BE)):
        # JSON could once be UTF-16 or UTF-32 (RFC 7159), whatever the media type says.
        charset = json.detect_encoding(content)
    try:
        return content.decode(charset, "replace")
    except (LookupError, ValueError):
        return content.decode("utf-8", "replace")
