"""Where the body of an answer of any size goes, instead of into memory."""

from __future__ import annotations

import asyncio
import hashlib
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, BinaryIO, Protocol, TypeVar

from airflow_provider_cloudfn.client.own_thread import in_own_thread
from airflow_provider_cloudfn.exceptions import CommunicationError, ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

__all__ = ["BodyWriter", "ResponseSink", "StoredBody", "discard", "keep"]

_BUFFER = 1024 * 1024
_PATIENCE = 10.0
#: An answer that is no larger can be one that says by its body that the credentials are refused.
_SMALL = 64 * 1024
_THREAD = "cloudfn-sink"

_WRONG_PLACE = (PermissionError, FileNotFoundError, IsADirectoryError, NotADirectoryError)

T = TypeVar("T")


class ResponseSink(Protocol):
    """A file to be, such as one of an object storage."""

    def open(self) -> BinaryIO:
        """Open it for writing, empty, whatever an earlier attempt has left."""

    def keep(self) -> None:
        """Put what was written in its place, now that it is whole."""

    def discard(self) -> None:
        """Remove what a failed attempt has written."""


# A dataclass: a task that returns one has made its call, and Airflow can keep this as the task's XCom.
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
    :param where: The request, as errors may show it.
    :raises ConfigurationError: when the sink can't be opened where it should be.
    :raises CommunicationError: when it can't be written.
    """

    def __init__(self, sink: ResponseSink, where: str) -> None:
        self._sink = sink
        self._where = where
        self._file: BinaryIO | None = None
        self._digest = hashlib.sha256()
        self._buffer = bytearray()
        self._size = 0
        self._beginning = b""

    @property
    def small_body(self) -> bytes:
        """The body, where it is so small that it can be looked at; else nothing."""
        return self._beginning if self._size <= _SMALL else b""

    async def __aenter__(self) -> BodyWriter:
        self._file = await self._off_the_loop(self._sink.open)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._file is None:
            return
        if kind is not None:
            await self._give_up(self._file)
            return
        try:
            await self._flush()
            await self._off_the_loop(self._file.close)
        except BaseException:
            await self._give_up(self._file)
            raise

    async def write(self, piece: bytes) -> None:
        """
        Write a piece of the body.

        :param piece: The next bytes.
        """
        self._digest.update(piece)
        self._size += len(piece)
        if self._size <= _SMALL:
            self._beginning += piece
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
            await self._off_the_loop(self._file.write, content)

    async def _give_up(self, file: BinaryIO) -> None:
        # A storage that hangs must not keep the call from ending.
        with suppress(Exception):
            await asyncio.wait_for(in_own_thread(file.close, _THREAD), _PATIENCE)
        await discard(self._sink)

    async def _off_the_loop(self, work: Callable[..., T], *arguments: object) -> T:
        return await _off_the_loop(self._where, work, *arguments)


async def keep(sink: ResponseSink, where: str) -> None:
    """
    Put what was written into a sink in its place; where that fails, it is discarded.

    :param sink: The sink, written and closed.
    :param where: The request, as errors may show it.
    :raises CloudFunctionError: as :class:`BodyWriter`.
    """
    try:
        await _off_the_loop(where, sink.keep)
    except BaseException:
        await discard(sink)
        raise


async def discard(sink: ResponseSink) -> None:
    """
    Remove what was written into a sink, if it can be done in a short time.

    :param sink: The sink, closed.
    """
    # A storage that hangs must not keep the call from ending.
    with suppress(Exception):
        await asyncio.wait_for(in_own_thread(sink.discard, _THREAD), _PATIENCE)


async def _off_the_loop(where: str, work: Callable[..., T], *arguments: object) -> T:
    try:
        return await in_own_thread(partial(work, *arguments), _THREAD)
    except Exception as error:
        # The service did its part: this is no fault of the connection to it.
        message = f"{where}: its answer can't be written where it should go ({_named(error)})"
        if isinstance(error, _WRONG_PLACE):
            raise ConfigurationError(f"{message}; check that place, and who may write there") from error
        raise CommunicationError(f"{message}; look at that storage", retryable=True) from error


def _named(error: Exception) -> str:
    told = error.strerror if isinstance(error, OSError) else None
    return f"{type(error).__name__}: {told}" if told else type(error).__name__
