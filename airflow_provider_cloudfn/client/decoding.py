"""Undoes the compression of an answer, piece by piece, so that a small answer can't become a large one unseen."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["ACCEPT_ENCODING", "BodyDecoder", "DecodingError"]

#: What is asked for, and so all that may come (RFC 9110, section 12.5.3).
ACCEPT_ENCODING = "gzip, deflate"

_PIECE = 256 * 1024
_ANY_HEADER = 32 + zlib.MAX_WBITS
_GZIP = b"\x1f\x8b"
_LAYERS = 2
_PADDING = 64 * 1024


class DecodingError(ValueError):
    """
    A body is not what its Content-Encoding says.

    :param message: What is wrong.
    :param retryable: Whether it can be right the next time.
    """

    def __init__(self, message: str, *, retryable: bool = True) -> None:
        super().__init__(message)
        self.retryable = retryable


class BodyDecoder:
    """
    Decodes a body with the Content-Encoding that its headers name.

    :param content_encoding: The header's value; None for none.
    """

    def __init__(self, content_encoding: str | None) -> None:
        names = [name.strip().lower() for name in (content_encoding or "").split(",")]
        names = [name for name in names if name not in ("", "identity")]
        self._refusal: str | None = None
        if len(names) > _LAYERS or not set(names) <= {"gzip", "x-gzip", "deflate"}:
            self._refusal = (
                f"its Content-Encoding {(content_encoding or '')[:60]!r} is none of those that were asked for "
                f"({ACCEPT_ENCODING})"
            )
        # What was applied last is undone first.
        self._layers = [_Layer() for _ in names]

    def feed(self, content: bytes) -> Iterator[bytes]:
        """
        Yield what a piece of the body decodes to, in pieces of a bounded size.

        :param content: The next bytes that came.
        :raises DecodingError: when they can't be decoded, or are in an encoding that nobody asked for.
        """
        if self._refusal is not None:
            raise DecodingError(self._refusal, retryable=False)
        yield from _through(self._layers, content)

    def finish(self) -> None:
        """
        Make sure that the body was whole.

        :raises DecodingError: when its end is missing.
        """
        if not all(layer.is_whole for layer in self._layers):
            raise DecodingError("its compressed body ends in the middle")


class _Layer:
    """One gzip or deflate layer; whether deflate has the zlib header that it should have is seen from its first byte."""

    def __init__(self) -> None:
        self._inflate: zlib._Decompress | None = None
        self._after = b""
        self._padding = 0

    @property
    def is_whole(self) -> bool:
        return self._inflate is None or self._inflate.eof

    def feed(self, content: bytes) -> Iterator[bytes]:
        while content:
            if self._inflate is not None and self._inflate.eof:
                content = self._next_member(content)
                if not content:
                    return
            if self._inflate is None:
                has_header = content[0] & 0x0F == zlib.DEFLATED or content[0] == _GZIP[0]
                self._inflate = zlib.decompressobj(_ANY_HEADER if has_header else -zlib.MAX_WBITS)
            try:
                piece = self._inflate.decompress(content, _PIECE)
            except zlib.error:
                raise DecodingError("its body can't be decompressed") from None
            if piece:
                yield piece
            content = self._inflate.unused_data if self._inflate.eof else self._inflate.unconsumed_tail

    def _next_member(self, content: bytes) -> bytes:
        """
        Return the next member that begins here, or nothing.

        gzip allows several in a row (RFC 1952, section 2.2); anything else after the end is padding, of which there is little.
        """
        content, self._after = self._after + content, b""
        if not self._padding and content.startswith(_GZIP):
            self._inflate = None
            return content
        if not self._padding and content == _GZIP[:1]:
            self._after = content
            return b""
        self._padding += len(content)
        if self._padding > _PADDING:
            raise DecodingError("its compressed body goes on behind its end")
        return b""


def _through(layers: list[_Layer], content: bytes) -> Iterator[bytes]:
    if not layers:
        if content:
            yield content
        return
    for piece in layers[-1].feed(content):
        yield from _through(layers[:-1], piece)
