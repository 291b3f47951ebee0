"""Bounds for ``requests``, which has none of its own for an answer's size, nor for the time that it takes in all."""

from __future__ import annotations

import contextvars
import threading
import time
from typing import TYPE_CHECKING, Any

from requests import exceptions
from urllib3.connection import HTTPConnection
from urllib3.exceptions import HTTPError, ProtocolError, SSLError

from airflow_provider_cloudfn.client.decoding import BodyDecoder, DecodingError
from airflow_provider_cloudfn.exceptions import LimitError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from requests.models import Response
    from urllib3.connectionpool import HTTPConnectionPool

__all__ = ["Deadline", "bounded_pools", "read_within"]

_CHUNK = 16 * 1024
#: That of the request being sent, for a connection, which outlives it.
_IS_OVER: contextvars.ContextVar[threading.Event] = contextvars.ContextVar("is_over")


class Deadline:
    """
    When a call must be done. What blocks is done in threads of its own, because neither the look-up of a name nor an answer that
    comes drop by drop knows of any timeout.

    :param seconds: How long the call may take in all.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._end = time.monotonic() + seconds
        self.is_over = threading.Event()

    @property
    def left(self) -> float:
        """How many seconds are left."""
        return max(self._end - time.monotonic(), 0.0)

    def keep(self, work: Callable[[], Response]) -> Response:
        """
        Return what comes of work, unless it comes too late.

        :param work: Blocks. It stops by itself once the deadline is over, as soon as it looks; the connections of
            ``bounded_pools`` look before they write a request.
        :raises ReadTimeout: when it comes too late.
        """
        done = threading.Event()
        outcome: list[Response | BaseException] = []
        context = contextvars.copy_context()
        context.run(_IS_OVER.set, self.is_over)

        def run() -> None:
            try:
                outcome.append(context.run(work))
            except BaseException as error:
                outcome.append(error)
            done.set()

        in_time = False
        try:
            if self.left:
                threading.Thread(target=run, name="cloudfn-requests", daemon=True).start()
                in_time = done.wait(self.left)
        finally:
            # Also where a task's own timeout ends the wait.
            if not in_time:
                self.is_over.set()
        if not in_time:
            raise exceptions.ReadTimeout(f"took longer than {self._seconds:g} seconds in all")
        (found,) = outcome
        if isinstance(found, BaseException):
            raise found
        return found


def bounded_pools(pools: Mapping[str, type[HTTPConnectionPool]]) -> dict[str, type[HTTPConnectionPool]]:
    """
    Return pools whose connections write no request that nobody waits for any more.

    Whoever gave up may have sent another since.

    :param pools: The pools of urllib3 by their scheme; those that are bounded already stay as they are.
    """
    return {scheme: _bounded_pool(pool) for scheme, pool in pools.items()}


def _bounded_pool(pool: type[HTTPConnectionPool]) -> type[HTTPConnectionPool]:
    connection: Any = pool.ConnectionCls
    if issubclass(connection, _BoundedConnection):
        return pool
    bounded = type(f"Bounded{connection.__name__}", (_BoundedConnection, connection), {})
    return type(f"Bounded{pool.__name__}", (pool,), {"ConnectionCls": bounded})


class _BoundedConnection(HTTPConnection):
    """Goes before a class of urllib3's connections."""

    def connect(self) -> None:
        super().connect()
        # Without TLS it is request() that connects, right before the first byte.
        _stop_if_over()

    def request(self, *args: Any, **kwargs: Any) -> None:
        _stop_if_over()
        super().request(*args, **kwargs)


def _stop_if_over() -> None:
    is_over = _IS_OVER.get(None)
    if is_over is not None and is_over.is_set():
        raise exceptions.ReadTimeout("nobody waits for the answer any more: the request was not sent")


def read_within(response: Response, bound: int, deadline: Deadline) -> None:
    """
    Read the body of an answer, so that its ``content`` is there.

    :param response: An answer whose body was not read yet.
    :param bound: The largest body in bytes, after decompression.
    :param deadline: When to stop.
    :raises LimitError: when it is larger.
    :raises RequestException: when what comes is not a whole answer.
    """
    if not hasattr(response.raw, "stream"):  # from an adapter of the user's own, which has the whole of it
        if len(response.content or b"") > bound:
            raise _too_large(bound)
        return
    found = bytearray()
    try:
        for piece in _pieces(response, bound):
            found += piece
            if len(found) > bound:
                raise _too_large(bound)
            if deadline.is_over.is_set():
                break
    except DecodingError as error:
        raise exceptions.ContentDecodingError(f"what came can't be read: {error}") from None
    # As requests itself names them.
    except ProtocolError as error:
        raise exceptions.ChunkedEncodingError(error) from None
    except SSLError as error:
        raise exceptions.SSLError(error) from None
    except HTTPError as error:
        raise exceptions.ConnectionError(error) from None
    finally:
        response.raw.close()  # which drops a connection that was not read to the end
    # There is no public way to give a response its body and leave it the raw one, which holds its cookies.
    response._content = bytes(found)
    response._content_consumed = True


def _pieces(response: Response, bound: int) -> Iterator[bytes]:
    declared = response.headers.get("Content-Length", "")
    if declared.isdigit() and int(declared) > bound and response.request.method != "HEAD":
        raise _too_large(bound)
    decoder = BodyDecoder(response.headers.get("Content-Encoding"))
    for chunk in response.raw.stream(_CHUNK, decode_content=False):
        yield from decoder.feed(chunk)
    decoder.finish()


def _too_large(bound: int) -> LimitError:
    return LimitError(
        f"the answer is larger than {bound:,} bytes; ask for less, such as a page or fewer fields, or for a stream "
        "(extra_options={'stream': True})"
    )
