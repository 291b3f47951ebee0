"""Airflow's own HTTP operator, unchanged, over a connection of type ``cloudfn``: how long it waits, and how much it reads."""

from __future__ import annotations

import datetime as dt
import gzip
import json
import signal
import socket
import ssl
import sys
import threading
import time
from contextlib import contextmanager, suppress
from importlib import import_module
from typing import TYPE_CHECKING, Any

import brotli
import pytest
import requests
import trustme
from airflow.providers.http.operators.http import HttpOperator
from airflow.sdk import BaseHook

from airflow_provider_cloudfn.exceptions import ConfigurationError, LimitError
from airflow_provider_cloudfn.sandbox.server import Sandbox

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

zstd: Any = import_module("compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd")

TOO_MUCH = 60 * 1024 * 1024
COMPRESS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "br": lambda content: brotli.compress(content, quality=1),
    "zstd": zstd.compress,
}
SWITCHES: dict[str, Any] = {"allow_http": False}


def run_operator(**arguments: Any) -> Any:
    defaults = {"task_id": "call", "http_conn_id": "shop", "method": "GET", "endpoint": "/"}
    return HttpOperator(**{**defaults, **arguments}).execute({})


@pytest.fixture
def fresh_sandbox() -> Iterator[Sandbox]:
    """Return a sandbox of whose tokens no other test has any."""
    with Sandbox.start() as running:
        yield running


@contextmanager
def dripping(beginning: bytes, drop: bytes) -> Iterator[str]:
    """Run a server that never ends its answer, and never stays silent for long. Its address."""
    over = threading.Event()

    def serve() -> None:
        with suppress(OSError):
            connection, _ = listener.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(beginning)
                while not over.wait(0.02):
                    connection.sendall(drop)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        over.set()
        thread.join()


@pytest.mark.parametrize(
    ("beginning", "drop"),
    [
        (b"HTTP/1.1 200 OK\r\nX-Long: ", b"x"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n", b"x"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
        (b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n", b"x"),
    ],
    ids=["headers", "body", "chunks", "until-close"],
)
def test_an_answer_that_comes_drop_by_drop_ends_with_the_total_time(
    connection: Any, beginning: bytes, drop: bytes
) -> None:
    with dripping(beginning, drop) as address:
        connection("shop", conn_type="cloudfn", host=address, extra={**SWITCHES, "total_timeout": 0.3})
        begun = time.monotonic()

        with pytest.raises(requests.exceptions.ReadTimeout, match=r"longer than 0\.3 seconds in all"):
            run_operator()

        assert time.monotonic() - begun < 5


def test_a_name_server_that_hangs_is_not_waited_for(connection: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    over = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: over.wait())
    connection("shop", conn_type="cloudfn", host="https://shop.invalid", extra={**SWITCHES, "total_timeout": 0.2})
    try:
        with pytest.raises(requests.exceptions.ConnectTimeout, match=r"longer than 0\.2 seconds in all"):
            run_operator()
    finally:
        over.set()


class TaskTimeout(BaseException):
    """As that with which Airflow's ``execution_timeout`` interrupts a task, by the same signal."""


class SlowResolver:
    def __init__(self, resolve: Callable[..., Any]) -> None:
        self._resolve = resolve
        self.may_answer = threading.Event()
        self.when_asked: Callable[[], object] = lambda: None

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        self.when_asked()
        self.may_answer.wait()
        return self._resolve(*args, **kwargs)


@pytest.fixture
def slow_resolver(monkeypatch: pytest.MonkeyPatch) -> Iterator[SlowResolver]:
    """Return a name server that answers when it is told to."""
    resolver = SlowResolver(socket.getaddrinfo)
    monkeypatch.setattr(socket, "getaddrinfo", resolver)
    yield resolver
    resolver.may_answer.set()


def by_name(service: Any) -> str:
    """Return a service's address with a name in it, which has to be looked up."""
    return str(service.url).replace("127.0.0.1", "localhost")


def wait_for_the_resolver() -> None:
    for thread in threading.enumerate():
        if thread.name == "cloudfn-resolver":
            thread.join()


@pytest.mark.parametrize("way", ["http", "https", "proxy"])
def test_a_request_that_connects_after_the_total_time_is_not_sent(
    serve: Any, connection: Any, slow_resolver: SlowResolver, way: str
) -> None:
    extra: dict[str, Any] = {"allow_http": way == "proxy", "total_timeout": 0.2}
    if way == "https":
        authority = trustme.CA()
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        authority.issue_cert("localhost").configure_cert(tls)
        service = serve(tls)
        extra["ca_bundle"] = authority.cert_pem.bytes().decode()
    else:
        service = serve()
    if way == "proxy":
        extra["proxy"] = by_name(service)
    connection(
        "shop", conn_type="cloudfn", host="http://shop.invalid" if way == "proxy" else by_name(service), extra=extra
    )

    with pytest.raises(requests.exceptions.ConnectTimeout, match=r"longer than 0\.2 seconds in all"):
        run_operator(method="POST")
    slow_resolver.may_answer.set()
    wait_for_the_resolver()

    assert service.received == []


def test_a_request_that_connects_after_the_task_s_own_timeout_is_not_sent(
    service: Any, connection: Any, slow_resolver: SlowResolver
) -> None:
    connection("shop", conn_type="cloudfn", host=by_name(service), extra=SWITCHES)

    def time_out(*_: object) -> None:
        raise TaskTimeout

    before = signal.signal(signal.SIGALRM, time_out)
    slow_resolver.when_asked = lambda: signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGALRM)
    try:
        with pytest.raises(TaskTimeout):
            run_operator(method="POST")
    finally:
        signal.signal(signal.SIGALRM, before)
    slow_resolver.may_answer.set()
    wait_for_the_resolver()

    assert service.received == []


def test_a_task_that_is_given_more_time_has_it(connection: Any) -> None:
    with dripping(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n", b"x") as address:
        connection("shop", conn_type="cloudfn", host=address, extra={**SWITCHES, "total_timeout": 0.1})

        with pytest.raises(requests.exceptions.ReadTimeout, match=r"longer than 0\.4 seconds in all"):
            run_operator(extra_options={"timeout": (0.1, 0.3)})


@pytest.mark.parametrize("timeout", ["5", dt.timedelta(seconds=5), (1, "2"), (1, 2, 3), True], ids=str)
def test_a_timeout_that_is_none_is_refused(service: Any, connection: Any, timeout: Any) -> None:
    connection("shop", conn_type="cloudfn", host=service.url)

    with pytest.raises(ConfigurationError, match="timeout: must be seconds, or a pair of them"):
        run_operator(extra_options={"timeout": timeout})

    assert service.received == []


def test_a_session_without_a_timeout_has_the_connection_s(connection: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        connection("shop", conn_type="cloudfn", host=address, extra={**SWITCHES, "read_timeout": 0.1})

        with pytest.raises(requests.exceptions.ReadTimeout, match="stayed silent for too long"):
            BaseHook.get_hook("shop").get_conn().get(address)


@pytest.mark.parametrize("encoding", sorted(COMPRESS))
def test_a_small_answer_that_becomes_too_large_is_not_read(service: Any, shop: Any, encoding: str) -> None:
    shop(SWITCHES)
    bomb = COMPRESS[encoding](b"\0" * TOO_MUCH)
    service.answer(body=bomb, **{"Content-Encoding": encoding})

    with pytest.raises(LimitError, match="larger than 52,428,800 bytes"):
        run_operator()

    assert len(bomb) < TOO_MUCH / 100
    assert encoding in service.received[0].headers["accept-encoding"]


@pytest.mark.parametrize(
    "head",
    [
        f"HTTP/1.1 200 OK\r\nContent-Length: {TOO_MUCH}\r\n\r\n".encode(),
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
    ],
    ids=["declared", "endless"],
)
def test_a_large_answer_is_not_read(connection: Any, head: bytes) -> None:
    chunk = b"100000\r\n" + b"x" * 0x100000 + b"\r\n"
    with dripping(head, chunk * 20) as address:
        connection("shop", conn_type="cloudfn", host=address, extra=SWITCHES)

        with pytest.raises(LimitError, match="larger than 52,428,800 bytes"):
            run_operator()


@pytest.mark.parametrize("encoding", sorted(COMPRESS))
def test_a_compressed_answer_is_read(service: Any, shop: Any, encoding: str) -> None:
    shop(SWITCHES)
    service.answer(body=COMPRESS[encoding](b'{"a": 1}'), **{"Content-Encoding": encoding, "Content-Type": "text/json"})

    assert json.loads(run_operator()) == {"a": 1}


@pytest.mark.parametrize(
    ("answer", "kind", "message"),
    [
        (
            b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc",
            requests.exceptions.ChunkedEncodingError,
            "no whole HTTP answer",
        ),
        (
            b"HTTP/1.1 200 OK\r\nContent-Encoding: br\r\nContent-Length: 3\r\n\r\nabc",
            requests.exceptions.ContentDecodingError,
            "can't be",
        ),
    ],
)
def test_what_is_no_whole_answer_fails_as_requests_says(
    connection: Any, answer: bytes, kind: type[Exception], message: str
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(answer)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        connection("shop", conn_type="cloudfn", host=f"http://127.0.0.1:{listener.getsockname()[1]}", extra=SWITCHES)

        with pytest.raises(kind, match=message):
            run_operator()
        thread.join()


@pytest.mark.parametrize("stream", [False, True])
def test_the_cookies_of_an_answer_can_be_read(service: Any, shop: Any, stream: bool) -> None:
    shop(SWITCHES)
    service.answer(**{"Set-Cookie": "session=s-1; Path=/"})

    found = run_operator(response_filter=lambda response: dict(response.cookies), extra_options={"stream": stream})

    assert found == {"session": "s-1"}


def test_cookies_are_kept_in_a_session(service: Any, shop: Any) -> None:
    shop(SWITCHES)
    service.answer(body=b"{}", **{"Set-Cookie": "a=1", "Content-Type": "application/json"})
    session = BaseHook.get_hook("shop").get_conn()

    assert [session.get(f"{service.url}/{at}").json() for at in range(2)] == [{}, {}]
    assert service.received[1].headers["cookie"] == "a=1"


def test_a_stream_is_the_caller_s_to_read_and_its_token_is_not(fresh_sandbox: Sandbox, connection: Any) -> None:
    connection("shop", **fresh_sandbox.connections()["payments"])

    with BaseHook.get_hook("shop", hook_params={"method": "GET"}).run(
        "/v1/customers", extra_options={"stream": True}
    ) as response:
        assert not response._content_consumed
        assert "items" in json.loads(b"".join(response.iter_content(8)))


def test_many_at_once_ask_for_one_token(fresh_sandbox: Sandbox, connection: Any) -> None:
    connection("shop", **fresh_sandbox.connections()["payments"])
    together = threading.Barrier(8)
    answers: list[int] = []

    def call() -> None:
        hook: Any = BaseHook.get_hook("shop", hook_params={"method": "GET"})
        together.wait()
        answers.append(hook.run("/v1/customers").status_code)

    threads = [threading.Thread(target=call) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert answers == [200] * 8
    assert [request.path for request in fresh_sandbox.requests].count("/oauth2/token") == 1


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ({"extra_options": {"timout": 3}}, "extra_options: there is no option 'timout'; did you mean timeout"),
        ({"extra_options": {"params": {"a": 1}}}, "extra_options: there is no option 'params'; "),
        ({"extra_options": {1: 2}}, "extra_options: there is no option 1; there are allow_redirects"),
        ({"extra_options": "timeout=3"}, "extra_options: must be a map, such as {'timeout': 30}, not text"),
        ({"extra_options": {"check_response": "no"}}, "extra_options: check_response must be True or False, not 'no'"),
        (
            {"extra_options": {"allow_redirects": 0}},
            "extra_options: allow_redirects must be True or False, not 0",
        ),
        (
            {"extra_options": {"max_redirects": "3"}},
            "extra_options: max_redirects must be a whole number from 0, not '3'",
        ),
        (
            {"extra_options": {"max_redirects": -1}},
            "extra_options: max_redirects must be a whole number from 0, not -1",
        ),
        ({"timeout": 3}, "timeout: there is no such argument; write extra_options={'timeout': …}"),
        ({"jsn": {"a": 1}}, "jsn: there is no such argument; did you mean json"),
        ({"data": 3}, "data: must be a map, text or bytes, not an integer; for JSON write json="),
        ({"data": [1, 2]}, "data: a list must have pairs of name and value; for a JSON list write json="),
        ({"data": {1, 2}}, "data: its parts must be text or bytes, not an integer"),
        ({"data": {"a": 1}, "json": {"b": 2}}, "json and data: give one of them"),
        ({"headers": {1: "a"}}, "headers: 1 is no name of a header"),
    ],
)
def test_an_argument_that_would_change_nothing_or_another_thing_is_refused(
    service: Any, shop: Any, arguments: dict[str, Any], problem: str
) -> None:
    shop(SWITCHES)
    hook: Any = BaseHook.get_hook("shop", hook_params={"method": "POST"})

    with pytest.raises(ConfigurationError) as caught:
        hook.run("/v1/charges", **arguments)

    assert problem in str(caught.value)
    assert service.received == []


@pytest.mark.parametrize("headers", ["a", 3, [("a", "b")], {1: "a"}])
def test_headers_of_a_session_that_are_none_are_refused(service: Any, shop: Any, headers: Any) -> None:
    shop(SWITCHES)

    with pytest.raises(ConfigurationError, match="headers: "):
        BaseHook.get_hook("shop").get_conn(headers)


def test_a_method_that_is_no_text_is_refused(service: Any, shop: Any) -> None:
    shop(SWITCHES)

    with pytest.raises(ConfigurationError, match="method: must be text, such as 'POST', not null"):
        BaseHook.get_hook("shop", hook_params={"method": None})
