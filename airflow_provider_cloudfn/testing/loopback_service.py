"""A service on loopback that answers what a test tells it, and checks that it was asked what the test expects."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final, Self

from airflow_provider_cloudfn.auth.message import METHODS, HttpRequest
from airflow_provider_cloudfn.client.redaction import Redaction
from airflow_provider_cloudfn.exceptions import ConfigurationError, choice_problem, in_words
from airflow_provider_cloudfn.testing.answers import Answer, Failure, read_answer
from airflow_provider_cloudfn.testing.outcome import RenderedRequest
from airflow_provider_cloudfn.testing.samples import ABSENT, suggestion

__all__ = ["Expectation", "FakeService"]

_EXPECTED: Final = ("query", "headers", "body", "times")


@dataclass(eq=False)
class Expectation:
    """
    What a request must be, and what it is answered.

    :param method: The method.
    :param path: The path, as it is sent.
    :param query: The whole query by name; default: any.
    :param headers: Headers that it must have, in any case; others may be there.
    :param body: The body, JSON decoded; None for none. Default: any.
    :param times: How often it comes; each time it gets the same answer.
    """

    method: str
    path: str
    query: Mapping[str, Any] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Any = ABSENT
    times: int = 1
    given: Answer | Failure = field(default_factory=Answer)
    came: int = 0

    def answer(self, answer: object = 200, body: Any = None, headers: Mapping[str, str] | None = None) -> Self:
        """
        Say what is answered.

        :param answer: A status, an :class:`Answer`, a map with ``status``, ``headers`` and ``body``, or ``"reset"`` or
            ``"timeout"``.
        :param body: The body, where `answer` is a status.
        :param headers: The headers, where `answer` is a status.
        :returns: The same expectation.
        :raises ConfigurationError: for what can't be answered.
        """
        given = read_answer(answer, where="answer")
        if body is not None or headers is not None:
            if isinstance(given, Failure):
                raise ConfigurationError(
                    f"answer: {given.name!r} is no answer, and has neither body nor headers: leave them out"
                )
            given = read_answer(
                Answer(given.status, given.headers if headers is None else headers, body), where="answer"
            )
        self.given = given
        return self

    def differences(self, request: RenderedRequest) -> list[str]:
        """Return how a request is not the expected one."""
        found = []
        for name, expected, came in (
            ("method", self.method, request.method),
            ("path", self.path, request.path),
            ("query", ABSENT if self.query is None else self.query, dict(request.query)),
            ("body", self.body, request.body),
        ):
            if expected is not ABSENT and expected != came:
                found.append(f"{name}: expected {expected!r}, came {came!r}")
        present = {name.lower(): value for name, value in request.headers.items()}
        for name, value in self.headers.items():
            if present.get(name.lower()) != value:
                found.append(f"header {name}: expected {value!r}, came {present.get(name.lower())!r}")
        return found


class FakeService:
    """
    A server on a free port of 127.0.0.1. The fixture ``fake_service`` starts it, and checks it when the test is over.

    ::

        def test_the_order_is_charged(fake_service):
            fake_service.as_connection("shop", "payments")
            fake_service.expect("GET", "/v1/orders/1001").answer(200, {"total": 42, "customer": {"id": "c-1"}})
            fake_service.expect("POST", "/v1/charges", body={"amount": 42, "customer": "c-1"}).answer(201, {"id": "ch_1"})
            assert dag.test().state == "success"
    """

    def __init__(self, set_environment: Any) -> None:
        self._set_environment = set_environment
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._expectations: list[Expectation] = []
        self._surprises: list[str] = []
        #: What came, oldest first.
        self.requests: list[RenderedRequest] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, name="fake-service", daemon=True)
        self._thread.start()

    def as_connection(self, *conn_ids: str, **fields: Any) -> None:
        """
        Define connections to this service for the time of the test.

        :param fields: Other fields of the connection: ``password``, ``extra`` …
        """
        given: tuple[object, ...] = conn_ids
        for conn_id in given:
            if not isinstance(conn_id, str) or not conn_id:
                raise ConfigurationError(
                    f"as_connection: a connection's id must be text, such as 'shop', not {conn_id!r}"
                )
        extra = {"allow_http": True, **fields.pop("extra", {})}
        for conn_id in conn_ids:
            text = json.dumps({"conn_type": "cloudfn", "host": self.url, **fields, "extra": extra})
            self._set_environment(f"AIRFLOW_CONN_{conn_id.upper()}", text)

    def expect(self, method: str, path: str, **expected: Any) -> Expectation:
        """
        Expect a request. Those that could match several expectations are taken by the first that is not used up.

        :param method: The method.
        :param path: The path, as it is sent.
        :param expected: ``query``, ``headers``, ``body`` and ``times`` of :class:`Expectation`.
        :returns: The expectation, whose ``answer()`` says what is answered; default 200 without a body.
        :raises ConfigurationError: for what no request can be, so that it would never come.
        """
        if (problem := choice_problem(method, METHODS)) is not None:
            raise ConfigurationError(f"expect: method: {problem}")
        place: object = path
        if not isinstance(place, str) or not place.startswith("/") or "?" in place:
            raise ConfigurationError(
                f"expect: path: must be the path alone, such as '/v1/orders', not {path!r}; what follows a ? is query="
            )
        for name, value in expected.items():
            if name not in _EXPECTED:
                raise ConfigurationError(
                    f"expect: {name!r} is none of {', '.join(_EXPECTED)}{suggestion(name, _EXPECTED)}"
                )
            if name in ("query", "headers") and not (isinstance(value, Mapping) or (name == "query" and value is None)):
                raise ConfigurationError(f"expect: {name} must be a map of names and values, not {in_words(value)}")
            if name == "times" and (type(value) is not int or value < 0):
                raise ConfigurationError(f"expect: times must be a whole number from 0, not {value!r}")
        expectation = Expectation(method, path, **expected)
        self._expectations.append(expectation)
        return expectation

    def verify(self) -> None:
        """
        Check that all came that was expected, and nothing else.

        :raises AssertionError: with what came instead.
        """
        missing = [
            f"expected {one.method} {one.path} {one.times} times, came {one.came} times"
            for one in self._expectations
            if one.came != one.times
        ]
        if problems := [*self._surprises, *missing]:
            raise AssertionError("fake_service:\n- " + "\n- ".join(problems))

    def stop(self) -> None:
        """Stop the server; whoever still waits for an answer gets none."""
        self._stopped.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _take(self, request: RenderedRequest) -> Answer | Failure:
        with self._lock:
            self.requests.append(request)
            open_ones = [one for one in self._expectations if one.came < one.times]
            for one in open_ones:
                if not one.differences(request):
                    one.came += 1
                    return one.given
            nearest = min(
                (one.differences(request) for one in open_ones), key=len, default=["nothing more is expected"]
            )
            told = f"unexpected {request.method} {request.path}: {'; '.join(nearest)}"
            self._surprises.append(told)
            return Answer(501, {}, {"error": told})


def _handler(service: FakeService) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_one_request(self) -> None:
            self.raw_requestline = self.rfile.readline(65537)
            if not self.raw_requestline or not self.parse_request():
                self.close_connection = True
                return
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            url = f"{service.url}{self.path}"
            request = RenderedRequest.of(
                HttpRequest(self.command, url, tuple(self.headers.items()), body), Redaction(())
            )
            given = service._take(request)
            self.close_connection = True
            if isinstance(given, Failure):
                if given.name == "timeout":
                    service._stopped.wait()
                return
            answer = given.as_http()
            self.send_response(answer.status)
            for name, value in answer.headers:
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer.content)))
            self.send_header("Connection", "close")
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(answer.content)

        def log_message(self, *_: Any) -> None:
            """Keep quiet: a test prints what it needs."""

    return Handler
