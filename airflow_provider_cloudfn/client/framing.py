"""Reads an answer to its end and no further: bytes behind it are dropped, and the connection with them."""

from __future__ import annotations

import re
from typing import Any

from aiohttp.client_proto import ResponseHandler
from aiohttp.http_exceptions import HttpProcessingError, TransferEncodingError

__all__ = ["FramedResponseHandler"]

#: The empty line at the end of a head; servers that write LF alone are read too.
_EMPTY_LINE = re.compile(rb"\n\r?\n")
#: A head is parsed when it is whole, unless it is longer than that, or none.
_LONGEST_HEAD = 256 * 1024
_FIRST_WORD = b"HTTP/"

_LENGTH = re.compile(rb"^content-length[ \t]*:([^\r\n]*)\r?\n", re.IGNORECASE | re.MULTILINE)
_CHUNKED = re.compile(rb"^transfer-encoding[ \t]*:(?:[^\r\n]*,)?[ \t]*chunked[ \t]*\r?$", re.IGNORECASE | re.MULTILINE)
#: The chunk of no bytes, without the line break that ends the body behind it, or with half of that; how long it is at most.
_LAST_CHUNK = re.compile(rb"(?:\A|\n)0+\r\n\r?\Z")
_END = 16


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
        return super().should_close or (self._framed is not None and self._framed.is_last)

    def is_connected(self) -> bool:
        """Return whether it can be used: not one that brought something while nobody asked."""
        return super().is_connected() and (self._framed is None or not self._framed.is_last)


class _FramedParser:
    """
    Feeds aiohttp's parser, the head by itself, so that the answer is there before what is behind it can be wrong.

    :param parser: aiohttp's.
    """

    def __init__(self, parser: Any) -> None:
        self._parser = parser
        #: What came of a head that has not ended.
        self._head = bytearray()
        self._payload: Any = None
        #: Whether its body comes in chunks, and the last bytes of what came.
        self._is_chunked = False
        self._last_bytes = b""
        #: Whether there was something behind the answer, and all that comes is dropped.
        self._is_over = False
        #: Whether the connection is good for nothing else.
        self.is_last = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._parser, name)

    def feed_data(self, data: bytes) -> tuple[Any, bool, bytes]:
        """
        Take what came.

        :returns: As aiohttp's: messages, whether the protocol changes, and what is left then.
        """
        if self._is_over:
            return (), False, b""
        if self._payload is not None:
            return self._feed_body(data)
        found: list[Any] = []
        begin = 0
        while self._payload is None and begin < len(data):
            head, end = self._taken_head(data, begin)
            messages, upgraded, tail = self._parser.feed_data(head)
            found += messages
            begin = end
            if upgraded:
                return found, upgraded, tail + data[end:]
            # Behind 100 Continue and 103 Early Hints there is more to come.
            final = next((each for each in messages if each[0].code >= 200), None)
            if final is not None:
                self._is_chunked, self._payload = final[0].chunked, final[1]
        if begin < len(data):
            _, upgraded, tail = self._feed_body(data[begin:])
            return found, upgraded, tail
        return found, False, b""

    def feed_eof(self) -> Any:
        """Take note that nothing more will come."""
        self._end_chunks()
        if self._is_whole():
            return None
        if self._head:
            self._parser.feed_data(bytes(self._head))
        return self._parser.feed_eof()

    def _feed_body(self, data: bytes) -> tuple[Any, bool, bytes]:
        if self._is_whole():
            self._drop_what_comes_if(bool(data))
            return (), False, b""
        self._last_bytes = (self._last_bytes + data[-_END:])[-_END:]
        try:
            messages, upgraded, tail = self._parser.feed_data(data)
        except HttpProcessingError:
            if not self._is_whole():
                raise
            messages, upgraded, tail = None, False, b""
        # What looks like another answer is none either: nobody has asked.
        self._drop_what_comes_if(messages is None or len(messages) > 0)
        return (), upgraded, tail

    def _end_chunks(self) -> None:
        """
        Write the last line break behind the last chunk, where a server closed instead of sending it.

        That chunk, of no bytes, says that the body is whole. Where it only looks like one, as inside of a chunk, the parser
        knows of no end behind the line break either.
        """
        if not self._is_chunked or self._is_whole() or not _LAST_CHUNK.search(self._last_bytes):
            return
        try:
            self._parser.feed_data(b"\n" if self._last_bytes.endswith(b"\r") else b"\r\n")
        except HttpProcessingError:
            raise TransferEncodingError("the connection was closed inside of the chunks") from None

    def _drop_what_comes_if(self, is_behind: bool) -> None:
        self._is_over = is_behind
        self.is_last |= is_behind

    def _taken_head(self, data: bytes, begin: int) -> tuple[bytes, int]:
        """Return what of the head can be parsed, and where what belongs to it ends."""
        before = len(self._head)
        self._head += data[begin:]
        found = _EMPTY_LINE.search(self._head, max(0, before - 2))
        if found is not None:
            head = bytes(self._head[: found.end()])
            self._head.clear()
            return self._with_one_length(head), begin + len(head) - before
        if len(self._head) <= _LONGEST_HEAD and self._head[: len(_FIRST_WORD)] == _FIRST_WORD[: len(self._head)]:
            return b"", len(data)
        head = bytes(self._head)
        self._head.clear()
        return head, len(data)

    def _with_one_length(self, head: bytes) -> bytes:
        """
        Return a head that says once how long its body is, where it does so twice, as a framework and its proxy together do.

        The same number again says nothing new, and chunks count before a number (RFC 9112, section 6.3); where numbers differ
        nobody knows.
        """
        lengths: list[bytes] = _LENGTH.findall(head)
        if not lengths:
            return head
        said = {number.strip() for written in lengths for number in written.split(b",")}
        if _CHUNKED.search(head):
            self.is_last = True
            return _LENGTH.sub(b"", head)
        if len(said) > 1 or (len(lengths) == 1 and b"," not in lengths[0]):
            return head
        first_line = head.index(b"\n") + 1
        return head[:first_line] + b"Content-Length: " + said.pop() + b"\r\n" + _LENGTH.sub(b"", head[first_line:])

    def _is_whole(self) -> bool:
        return self._payload is not None and bool(self._payload.is_eof())
