"""A server on loopback that answers what a test tells it, and keeps what it was sent, byte for byte."""

from __future__ import annotations

import json
import sys
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable


@dataclass(frozen=True)
class Received:
    """
    A request as it came.

    :param target: The path with its query, as they were sent.
    :param headers: By their names in small letters.
    """

    method: str
    target: str
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)

    def __str__(self) -> str:
        return f"{self.method} {self.target}\n{self.headers}\n{self.body!r}"


@dataclass(frozen=True)
class Answer:
    """What to answer."""

    status: int = 200
    body: bytes = b"{}"
    headers: dict[str, str] = field(default_factory=lambda: {"Content-Type": "application/json"})

    @classmethod
    def of(cls, status: int, body: Any = b"{}", headers: dict[str, str] | None = None) -> Answer:
        """
        Return an answer in JSON, unless its headers say another type.

        :param body: Bytes go as they are, anything else as JSON.
        """
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        return cls(status, content, {"Content-Type": "application/json", **(headers or {})})


class _Server(ThreadingHTTPServer):
    # How many may knock at once; of more, some knock again only after a second.
    request_queue_size = 256

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of a client that no longer waits for its answer, as many tests have them."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class LoopbackServer:
    """
    A running server. It gives its answers in turn, the last of them again and again.

    :param reply: Makes the answer to each request instead, where one depends on the other.
    :param tls: What the server shows; without it, the server speaks plain HTTP.
    """

    def __init__(self, tls: ssl.SSLContext | None = None, reply: Callable[[Received], Answer] | None = None) -> None:
        self.received: list[Received] = []
        self.answers: list[Answer] = [Answer()]
        self.stopping = threading.Event()
        server = self
        answer_to = reply or self._next_answer

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                headers = {name.lower(): value for name, value in self.headers.items()}
                server.received.append(Received(self.command, self.path, headers, body))
                answer = answer_to(server.received[-1])
                self.send_response(answer.status)
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(answer.body)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(answer.body)

            do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = do_HEAD = do_OPTIONS = answer  # noqa: N815 - http.server's

            def log_message(self, *_: Any) -> None:
                """Keep the test's output clean."""

        self._server = _Server(("127.0.0.1", 0), Handler)
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self.port = self._server.server_port
        self.url = f"http{'s' if tls else ''}://127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self._thread.start()

    def _next_answer(self, _: Received) -> Answer:
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]

    def answer(
        self, status: int = 200, body: Any = b"{}", media_type: str = "application/json", **headers: str
    ) -> None:
        """Answer so from now on."""
        self.answers = [Answer.of(status, body, {"Content-Type": media_type, **headers})]

    def answer_in_turn(self, *answers: tuple[Any, ...]) -> None:
        """Answer each of these once (status, body, headers; what is left out is that of :meth:`Answer.of`), the last ever after."""
        self.answers = [Answer.of(*answer) for answer in answers]

    def stop(self) -> None:
        if self._thread.is_alive():
            self.stopping.set()
            self._server.shutdown()
            self._server.server_close()
            self._thread.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
