"""Where the body of an answer of any size goes, instead of into memory."""

from __future__ import annotations

import asyncio
import hashlib
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO, Protocol

if TYPE_CHECKING:
    from types import TracebackType

__all__ = ["BodyWriter", "ResponseSink", "StoredBody"]

_BUFFER = 1024 * 1024


class ResponseSink(Protocol):
    """A file to be, such as one of an object storage."""

    def open(self) -> BinaryIO:
        """Open it for writing, empty, whatever an earlier attempt has left."""

    def discard(self) -> None:
        """Remove what a failed attempt has written."""


@dataclass(frozen=True, slots=True)
class StoredBody:
    """
    A body that went into a sink.

    :param size: Its bytes, after decompression.
    :param media_type: What the answer said that it is; None where it said nothing.
    :param sha256: Its digest, in hexadecimal.
    """

    size: int
    media_type: str | None
    sha256: str


class BodyWriter:
    """
    Writes a body into a sink in constant memory, off the event loop, because an object storage takes its time.

    :param sink: Where it goes.
    """

    def __init__(self, sink: ResponseSink) -> None:
        self._sink = sink
        self._file: BinaryIO | None = None
        self._digest = hashlib.sha256()
        self._buffer = bytearray()
        self._size = 0

    async def __aenter__(self) -> BodyWriter:
        self._file = await asyncio.to_thread(self._sink.open)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._file is None:
            return
        if kind is None:
            await self._flush()
            await asyncio.to_thread(self._file.close)
            return
        with suppress(Exception):
            await asyncio.to_thread(self._file.close)
        with suppress(Exception):
            await asyncio.to_thread(self._sink.discard)

    async def write(self, piece: bytes) -> None:
        """
        Write a piece of the body.

        :param piece: The next bytes.
        """
        self._digest.update(piece)
        self._size += len(piece)
        self._buffer += piece
        if len(self._buffer) >= _BUFFER:
            await self._flush()

    def stored(self, media_type: str | None) -> StoredBody:
        """
        Return what was written.

        :param media_type: What the answer said that it is.
        """
        return StoredBody(self._size, media_type, self._digest.hexdigest())

    async def _flush(self) -> None:
        if self._buffer and self._file is not None:
            content, self._buffer = bytes(self._buffer), bytearray()
            await asyncio.to_thread(self._file.write, content)
