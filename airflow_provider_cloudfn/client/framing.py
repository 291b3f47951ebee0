"""Reads an answer to its end and no further: bytes behind it are dropped, and the connection with them."""

from __future__ import annotations

import re
from typing import Any

from aiohttp.client_proto import ResponseHandler
from aiohttp.http_exceptions import HttpProcessingError

__all__ = ["FramedResponseHandler"]

#: The empty line at the end of a head; servers that write LF alone are read too.
_EMPTY_LINE = re.compile(rb"\n\r?\n")


class FramedResponseHandler(ResponseHandler):
    """
    A connection on which an answer stands once it is whole (RFC 9112, section 6.3).

    Some servers send a body with 204 or in answer to HEAD, or more bytes than they said. aiohttp takes these for the begin of
    another answer, which they are not, and loses the answer that came with them: a DELETE that was carried out would fail, and
    be sent again.
    """

    _framed: _FramedParser | None = None

    def set_response_params(self, **parameters: Any) -> None:
        """Begin to read the answer to a request."""
        super().set_response_params(**parameters)
        parser: Any = self._parser
        self._framed = self._parser = _FramedParser(parser)  # type: ignore[assignment]  # it does as one of aiohttp's does

    @property
    def should_close(self) -> bool:
        """Whether nothing else may be sent on it."""
        return super().should_close or (self._framed is not None and self._framed.is_over)

    def is_connected(self) -> bool:
        """Return whether it can be used: not one that brought something while nobody asked."""
        return super().is_connected() and (self._framed is None or not self._framed.is_over)


class _FramedParser:
    """
    Feeds aiohttp's parser, the head by itself, so that the answer is there before what is behind it can be wrong.

    :param parser: aiohttp's.
    """

    def __init__(self, parser: Any) -> None:
        self._parser = parser
        #: The last two bytes that came before, of a head that has not ended.
        self._before = b""
        self._payload: Any = None
        #: Whether there was something behind the answer, and all that comes is dropped.
        self.is_over = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._parser, name)

    def feed_data(self, data: bytes) -> tuple[Any, bool, bytes]:
        """
        Take what came.

        :param data: The bytes.
        :returns: As aiohttp's: messages, whether the protocol changes, and what is left then.
        """
        if self.is_over:
            return (), False, b""
        if self._payload is not None:
            return self._feed_body(data)
        found: list[Any] = []
        begin = 0
        while self._payload is None and begin < len(data):
            end = self._end_of_head(data, begin)
            messages, upgraded, tail = self._parser.feed_data(data[begin:end])
            found += messages
            begin = end
            if upgraded:
                return found, upgraded, tail + data[end:]
            # Behind 100 Continue and 103 Early Hints there is more to come.
            self._payload = next((payload for message, payload in messages if message.code >= 200), None)
        if begin < len(data):
            _, upgraded, tail = self._feed_body(data[begin:])
            return found, upgraded, tail
        return found, False, b""

    def feed_eof(self) -> Any:
        """Take note that nothing more will come."""
        return None if self._is_whole() else self._parser.feed_eof()

    def _feed_body(self, data: bytes) -> tuple[Any, bool, bytes]:
        if self._is_whole():
            self.is_over = bool(data)
            return (), False, b""
        try:
            messages, upgraded, tail = self._parser.feed_data(data)
        except HttpProcessingError:
            if not self._is_whole():
                raise
            messages, upgraded, tail = None, False, b""
        # What looks like another answer is none either: nobody has asked.
        self.is_over = messages is None or len(messages) > 0
        return (), upgraded, tail

    def _end_of_head(self, data: bytes, begin: int) -> int:
        """Return where what belongs to the head ends."""
        before, self._before = self._before, b""
        found = _EMPTY_LINE.search(before + data[begin : begin + 2])
        if found is not None:
            return begin + found.end() - len(before)
        found = _EMPTY_LINE.search(data, begin)
        if found is not None:
            return found.end()
        self._before = (before + data[begin:])[-2:]
        return len(data)

    def _is_whole(self) -> bool:
        return self._payload is not None and bool(self._payload.is_eof())
