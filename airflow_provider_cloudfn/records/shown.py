"""What a call record shows of a request and its answer: without secrets, and cut."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from airflow_provider_cloudfn.auth.credential_names import is_secret_name, is_secret_value
from airflow_provider_cloudfn.auth.spellings import MASK
from airflow_provider_cloudfn.client.charset import declared_charset
from airflow_provider_cloudfn.client.default_headers import with_default_headers
from airflow_provider_cloudfn.client.redaction import Redaction
from airflow_provider_cloudfn.client.response import read_request_id, response_headers
from airflow_provider_cloudfn.records.call_record import Answered, Excerpt, Exchange, Sent
from airflow_provider_cloudfn.records.named_secrets import (
    without_named_secrets,
    without_query_secrets,
    without_secrets_of_body,
)
from airflow_provider_cloudfn.records.visible import TURNING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from airflow_provider_cloudfn.auth.message import HttpRequest, HttpResponse
    from airflow_provider_cloudfn.client.settings import ClientSettings

__all__ = ["BODY", "HEADER", "HEADERS", "NAME", "TEXT", "URL", "Shown", "cut"]

#: Characters of a body, of a header's value, of a URL, of an error, and of a name; and how many headers there are.
BODY: Final = 4_000
HEADER: Final = 500
URL: Final = 2_000
TEXT: Final = 2_000
NAME: Final = 250
HEADERS: Final = 40

#: Characters behind what is shown of a body, in which a secret may end that begins in it: a private key has some thousand.
_MARGIN: Final = 4_000
#: Bytes of a body that are looked at: as many as those characters can be in any charset, and more.
_LOOKED_AT: Final = (BODY + _MARGIN) * 8
#: What parts the lines of a body, and its columns.
_WHITE: Final = frozenset("\t\n\r")
#: What text has besides its letters: blanks of any width, the ends of lines and paragraphs, joiners as in an emoji.
_IN_TEXT: Final = frozenset({"Zs", "Zl", "Zp", "Cf"})
#: Of so many signs of a body at most one may be none that can be read: else it is no text.
_READABLE: Final = 10


def cut(text: str, longest: int) -> str:
    """
    Return the beginning of a text, with a mark where there is more of it.

    :param longest: Characters.
    """
    return text if len(text) <= longest else f"{text[: max(longest - 1, 0)]}…"


def _is_of_text(sign: str) -> bool:
    if sign.isprintable() or sign in _WHITE:
        return True
    return unicodedata.category(sign) in _IN_TEXT and sign not in TURNING


class Shown(Struct, frozen=True):
    """
    Shows texts without secrets, and cut.

    :param settings: The client's, which know the secrets and what the connection's authentication sets; None before there
        was a client.
    :param mask: Hides what else is known to be secret.
    """

    settings: ClientSettings | None = None
    mask: Callable[[str], str] = str

    def text(self, text: str, longest: int, *, lines: bool = False) -> str:
        """
        Return the beginning of a text, such as any database takes it.

        :param longest: Characters.
        :param lines: Whether it keeps its lines, such as those that show where an expression is wrong.
        """
        safe = self.mask(text if self.settings is None else self.settings.redaction().text(text))
        safe = without_query_secrets(without_named_secrets(safe))
        return cut("".join(sign if sign.isprintable() or (lines and sign == "\n") else " " for sign in safe), longest)

    def exchange(self, request: HttpRequest, answer: HttpResponse | None, *, received: int) -> Exchange:
        """
        Return what is shown of a request and its answer.

        :param request: The request, before credentials were put on it.
        :param answer: Its answer; None where none came.
        :param received: Bytes of the body that came: where that went into a file, the answer has none of it.
        """
        url, own = request.url, [*request.headers]
        if self.settings is not None:
            auth = self.settings.auth
            url = self.settings.redaction().url(url)
            for name in sorted(auth.reserved_query):
                url += f"{'&' if '?' in url else '?'}{name}={MASK}"
            own += ((name.title(), MASK) for name in sorted(auth.reserved_headers))
        own = with_default_headers(own)
        sent = Sent(
            method=request.method,
            url=self.text(url, URL),
            headers=self._headers(own),
            headers_left_out=max(0, len(own) - HEADERS),
            body=self._excerpt(request.body, request.header("content-type")),
        )
        if answer is None:
            return Exchange(sent=sent)
        headers = response_headers(answer)
        request_id = read_request_id(headers)
        is_stored = received != len(answer.content)
        body = Excerpt(size=received) if is_stored else self._excerpt(answer.content, headers.get("content-type"))
        answered = Answered(
            status=answer.status,
            headers=self._headers(list(headers.items())),
            headers_left_out=max(0, len(headers) - HEADERS),
            body=body,
            request_id=request_id and self.text(request_id, NAME),
        )
        return Exchange(sent=sent, answered=answered)

    def _headers(self, headers: Sequence[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
        return tuple(
            (cut(name, NAME), MASK if is_secret_name(name, "header") else self._header(value))
            for name, value in headers[:HEADERS]
        )

    def _header(self, value: str) -> str:
        text = self.text(value, HEADER)
        return MASK if is_secret_value(text) else text

    def _excerpt(self, content: bytes, content_type: str | None) -> Excerpt | None:
        if not content:
            return None
        redaction = Redaction(()) if self.settings is None else self.settings.redaction()
        seen = redaction.beginning(content, declared_charset(content_type, content) or "utf-8", _LOOKED_AT)
        is_whole = len(seen) <= BODY + _MARGIN and len(content) <= _LOOKED_AT
        # Before anything is done to its lines: a secret can have several.
        text = self.mask(seen[: BODY + _MARGIN])
        if not is_whole:
            # What the mask knows may begin at the end of what was looked at.
            text = text[:-_MARGIN]
        odd = [not _is_of_text(sign) or sign == "\ufffd" for sign in text]
        if sum(odd) > len(text) / _READABLE:
            return Excerpt(size=len(content))
        readable = "".join("·" if is_odd else sign for sign, is_odd in zip(text, odd, strict=True))
        shown = without_secrets_of_body(readable, is_whole=is_whole)
        if shown is None:
            return Excerpt(size=len(content))
        is_cut = not is_whole or len(shown) > BODY
        beginning = cut(f"{shown}…" if is_cut else shown, BODY)
        return Excerpt(text=beginning, size=len(content), is_cut=is_cut, replaced=sum(odd[:BODY]))
