"""Undoes the compression of an answer, piece by piece, so that a small answer can't become a large one unseen."""

from __future__ import annotations

import zlib
from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["ACCEPT_ENCODING", "BodyDecoder", "DecodingError"]

_PIECE = 256 * 1024
_ANY_HEADER = 32 + zlib.MAX_WBITS
_GZIP = b"\x1f\x8b"
_ALIASES = {"x-gzip": "gzip"}  # RFC 9110, section 8.4.1.3
#: What stands there by mistake, such as the character set, says of no coding that it was applied. Stores like S3's keep
#: ``aws-chunked`` from an upload, whose frames they have taken off.
_NO_CODINGS = frozenset(
    {
        "", "identity", "none", "null", "binary", "8bit", "aws-chunked", "utf-8", "utf8", "utf-16", "iso-8859-1", "us-ascii",
    }
)  # fmt: skip
_LAYERS = 2
_PADDING = 64 * 1024
_BROKEN = "its body can't be decompressed"
_LARGEST_WINDOW = 23  # 8 MiB, the most that zstd may ask of a receiver of HTTP (RFC 9659)


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

    :param content_encoding: The header's values, joined by commas; "" for none.
    """

    def __init__(self, content_encoding: str) -> None:
        names = [name.strip().lower() for name in content_encoding.split(",")]
        names = [_ALIASES.get(name, name) for name in names if name not in _NO_CODINGS]
        self._refusal: str | None = None
        if len(names) > _LAYERS or not set(names) <= set(_CODINGS):
            self._refusal = (
                f"its Content-Encoding {content_encoding[:60]!r} is none of those that were asked for "
                f"({ACCEPT_ENCODING})"
            )
            names = []
        # What was applied last is undone first.
        self._layers = [_CODINGS[name]() for name in names]

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


class _Layer(Protocol):
    """One Content-Encoding, undone."""

    @property
    def is_whole(self) -> bool:
        """Whether what came so far may have been all."""

    def feed(self, content: bytes) -> Iterator[bytes]:
        """Yield what the next bytes decode to, in pieces of a bounded size."""


class _Zlib:
    """gzip or deflate; whether deflate has the zlib header that it should have is seen from its first byte."""

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
                raise DecodingError(_BROKEN) from None
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


class _Brotli:
    """Brotli (RFC 7932), of whose stream there is one."""

    def __init__(self, library: Any) -> None:
        self._error: type[Exception] = library.error
        self._decompressor = library.Decompressor()
        self._begun = False

    @property
    def is_whole(self) -> bool:
        return not self._begun or bool(self._decompressor.is_finished())

    def feed(self, content: bytes) -> Iterator[bytes]:
        more = bool(content)
        while more:
            self._begun = True
            try:
                piece = self._decompressor.process(content, output_buffer_limit=_PIECE)
            except self._error:
                raise DecodingError(_BROKEN) from None
            if piece:
                yield piece
            content = b""
            # Only an empty piece says that there is no more: at its bound, brotli takes more input with output still to come.
            more = bool(piece) and not self._decompressor.is_finished()


class _Zstd:
    """Zstandard (RFC 8878), of whose frames there may be several in a row."""

    def __init__(self, library: Any) -> None:
        self._library = library
        self._decompressor: Any = None

    @property
    def is_whole(self) -> bool:
        return self._decompressor is None or bool(self._decompressor.eof)

    def feed(self, content: bytes) -> Iterator[bytes]:
        while content or not (self._decompressor is None or self._decompressor.eof or self._decompressor.needs_input):
            if self._decompressor is None or self._decompressor.eof:
                window = self._library.DecompressionParameter.window_log_max
                self._decompressor = self._library.ZstdDecompressor(options={window: _LARGEST_WINDOW})
            try:
                piece = self._decompressor.decompress(content, _PIECE)
            except self._library.ZstdError:
                raise DecodingError(_BROKEN) from None
            if piece:
                yield piece
            content = self._decompressor.unused_data


def _installed_codings() -> dict[str, Callable[[], _Layer]]:
    """Return what can be undone here, by its name: Brotli and Zstandard where a library for it is installed."""
    codings: dict[str, Callable[[], _Layer]] = {"gzip": _Zlib, "deflate": _Zlib}
    brotli = _first_of("brotli", "brotlicffi")
    # Before 1.2, Brotli's libraries can't be held to a size.
    if brotli is not None and hasattr(brotli.Decompressor, "can_accept_more_data"):
        codings["br"] = lambda: _Brotli(brotli)
    zstd = _first_of("compression.zstd", "backports.zstd")
    if zstd is not None:
        codings["zstd"] = lambda: _Zstd(zstd)
    return codings


def _first_of(*names: str) -> Any:
    for name in names:
        try:
            return import_module(name)
        except ImportError:
            continue
    return None


def _through(layers: list[_Layer], content: bytes) -> Iterator[bytes]:
    if not layers:
        if content:
            yield content
        return
    for piece in layers[-1].feed(content):
        yield from _through(layers[:-1], piece)


_CODINGS = _installed_codings()

#: What is asked for, and so all that may come (RFC 9110, section 12.5.3).
ACCEPT_ENCODING = ", ".join(_CODINGS)
