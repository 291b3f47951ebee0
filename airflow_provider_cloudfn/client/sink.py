"""Where the body of an answer of any size goes, instead of into memory."""

from __future__ import annotations

import asyncio
import hashlib
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, BinaryIO, Protocol, TypeVar

from airflow_provider_cloudfn.client.daemon_thread import in_daemon_thread
from airflow_provider_cloudfn.exceptions import CommunicationError, ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from airflow_provider_cloudfn.exceptions import CloudFunctionError

__all__ = ["BodyWriter", "ResponseSink", "StoredBody", "check", "discard", "keep", "unreadable", "unwritable"]

_BUFFER = 1024 * 1024
_PATIENCE = 10.0
#: An answer that is no larger can be one that says by its body that the credentials are refused.
_SMALL = 64 * 1024
_THREAD = "cloudfn-sink"

_WRONG_PLACE = (PermissionError, FileNotFoundError, FileExistsError, IsADirectoryError, NotADirectoryError)
_CHECK_PLACE = "check that place, and who may write there"

T = TypeVar("T")


class ResponseSink(Protocol):
    """A file to be, such as one of an object storage."""

    def check(self) -> None:
        """Raise what opening it would, as far as that can be known without leaving anything behind; asked before sending."""

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
    :param status: What the request was answered with.
    :param request_id: The service's own name for the request, where it gave one.
    :raises CommunicationError: when it can't be written.
    """

    def __init__(
        self, sink: ResponseSink, where: str, *, status: int | None = None, request_id: str | None = None
    ) -> None:
        self._sink = sink
        self._where = where
        self._status = status
        self._request_id = request_id
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
            await asyncio.wait_for(in_daemon_thread(file.close, _THREAD), _PATIENCE)
        await discard(self._sink)

    async def _off_the_loop(self, work: Callable[..., T], *arguments: object) -> T:
        try:
            return await _off_the_loop(work, *arguments)
        except Exception as error:
            raise _lost(self._where, error, self._status, self._request_id) from error


async def check(sink: ResponseSink, where: str) -> None:
    """
    Refuse a sink that can't be written, before a request is sent whose answer would have no place then.

    :param sink: Where the answer is to go.
    :param where: The request, as errors may show it.
    :raises ConfigurationError: when it is in no place that can be written.
    :raises CommunicationError: when it can't be written for another reason, such as a full disk.
    """
    try:
        await _off_the_loop(sink.check)
    except Exception as error:
        message = f"{where}: was not sent, because its answer can't be written where it should go"
        raise unwritable(message, error, never_sent=True) from error


def unwritable(message: str, error: Exception, *, never_sent: bool = False) -> CloudFunctionError:
    """
    Return the error of a place that can't be written: a wrong one stays wrong, while a full disk is emptied.

    :param message: What can't be written there.
    :param error: Why it can't.
    :param never_sent: Whether no request was sent.
    """
    return _unusable(message, error, _CHECK_PLACE, never_sent=never_sent)


def unreadable(message: str, error: Exception) -> CloudFunctionError:
    """
    Return the error of a place that can't be read: a wrong one stays wrong, while a storage that is away comes back.

    :param message: What can't be read there.
    :param error: Why it can't.
    """
    return _unusable(message, error, "check that it is there, and who may read it", never_sent=False)


def _unusable(message: str, error: Exception, advice: str, *, never_sent: bool) -> CloudFunctionError:
    said = f"{message} ({_named(error)})"
    # A storage whose library or connection is not there says so by one of the last two.
    if isinstance(error, (*_WRONG_PLACE, ValueError, ImportError)):
        return ConfigurationError(f"{said}; {advice}", never_sent=never_sent)
    return CommunicationError(f"{said}; look at that storage", retryable=True, never_sent=never_sent)


async def keep(sink: ResponseSink, where: str, status: int | None = None) -> None:
    """
    Put what was written into a sink in its place; where that fails, it is discarded.

    :param sink: The sink, written and closed.
    :param where: The request, as errors may show it.
    :param status: The status of the answer.
    :raises CommunicationError: when that fails.
    """
    try:
        await _off_the_loop(sink.keep)
    except BaseException as error:
        await discard(sink)
        if isinstance(error, Exception):
            raise _lost(where, error, status) from error
        raise


async def discard(sink: ResponseSink) -> None:
    """
    Remove what was written into a sink, if it can be done in a short time.

    :param sink: The sink, closed.
    """
    # A storage that hangs must not keep the call from ending.
    with suppress(Exception):
        await asyncio.wait_for(in_daemon_thread(sink.discard, _THREAD), _PATIENCE)


async def _off_the_loop(work: Callable[..., T], *arguments: object) -> T:
    return await in_daemon_thread(partial(work, *arguments), _THREAD)


def _lost(where: str, error: Exception, status: int | None = None, request_id: str | None = None) -> CommunicationError:
    """Return the error of an answer that came and can't be written: the service did its part."""
    wrong_place = isinstance(error, _WRONG_PLACE)
    return CommunicationError(
        f"{where}: its answer can't be written where it should go ({_named(error)}); the request was made, and answered"
        + (f" {status}" if status else "")
        + (f" (request id {request_id})" if request_id else "")
        + (f": {_CHECK_PLACE}" if wrong_place else ": look at that storage"),
        status=status,
        request_id=request_id,
        retryable=not wrong_place,
    )


def _named(error: Exception) -> str:
    told = error.strerror if isinstance(error, OSError) else None
    return f"{type(error).__name__}: {told}" if told else type(error).__name__
