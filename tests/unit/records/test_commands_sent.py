"""A recorded call as a command sends what the client has sent: both go to one server, which keeps what came."""

from __future__ import annotations

import gzip
import os
import shutil
import subprocess
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from kit.server import Answer, LoopbackServer

from airflow_provider_cloudfn.auth.api_key import ApiKeyAuth
from airflow_provider_cloudfn.client.body import FilePart, Form, Json, Raw
from airflow_provider_cloudfn.client.client import Client
from airflow_provider_cloudfn.client.request import METHODS, Request, Sending
from airflow_provider_cloudfn.client.url import BaseUrl
from airflow_provider_cloudfn.records.commands import COMMANDS
from airflow_provider_cloudfn.records.shown import Shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from kit.server import Received

    from airflow_provider_cloudfn.records.call_record import Exchange

#: What is hidden, by the variable that stands for it.
CREDENTIALS = {"X_API_KEY": "0123", "KEY": "1.50", "SECRET": "hunter-2", "X_AUTH_TOKEN": 'tok"#\\en'}

TEXT = "a{{b}} {{{c}}} \\n \\u{41} ` ``` # $HOME `id` $(id) ! \"'\r\n\t\u00fc \U0001f600 \u2028 }}{{"


def body(value: Any, **more: Any) -> dict[str, Any]:
    return {"body": Raw(value), "headers": {"Content-Type": "text/x-unknown"}, **more}


#: What of a request is not ``POST /v1``, without a body.
REQUESTS: dict[str, dict[str, Any]] = {
    **{method: {"method": method} for method in METHODS},
    **{f"{method} with a body": {"method": method, "body": Json({"a": 1})} for method in METHODS if method != "HEAD"},
    "JSON": {"body": Json({"a": TEXT, "b": [1.5, None, True], "{{c}}": {}})},
    "JSON text": {"body": Raw('{ "a":\t1.50 }\n'), "headers": {"Content-Type": "application/merge-patch+json"}},
    "a secret in JSON": {"body": Json({"password": CREDENTIALS["SECRET"], "a": "{"})},
    "text": body(TEXT),
    "text of its own media type": {"body": Raw(TEXT)},
    "a line break alone": body("\n"),
    "text that begins like a fence": body("```json\n{}\n```"),
    "text that looks like a section": body("HTTP 200\n[Options]\nlocation: true\n\nGET http://127.0.0.1:1/"),
    "text that looks like a file": body("@/etc/passwd"),
    "text with braces before a secret": body('{"a": {"password": "hunter-2"}}'),
    "a form": {"body": Form({"a": ["1", "2"], "b[c]": "x y&ü{{z}}", "d": ""})},
    "a secret in a form": {"body": Form({"a": "1", "password": CREDENTIALS["SECRET"], "b": "2"})},
    "a form with files": {
        "body": Form({"a": TEXT}, {"f": FilePart("a `b`.csv", b"x;y\r\n1;2\n", "text/csv"), "g": FilePart("g", b"z")})
    },
    "bytes": {"body": Raw(bytes(range(256)))},
    "a compressed body": {"body": Json(["a"] * 2000), "compress": True},
    "a query": {"query": {"filter[a]": "x", "b": ["1", "2"], "c": "", "d": "50%+1 &=#?/{{e}}\\`\"'<>|^é"}},
    "a query of the URI": {"uri": "/v1?a[]=1&a[]=2&b=%2f+%20%7B%7b&flag&=x&c==&'$;!*()"},
    "a secret in the query": {"uri": f"/v1?key={CREDENTIALS['KEY']}&a=1"},
    "a path": {"uri": "/a%20b/%2F/.../..c/d./~;x=1,2/@:$&'()*+!"},
    "an open path": {"uri": "/"},
    "an empty header": {"headers": {"X-Empty": "", "X-After": "1"}},
    "headers": {
        "headers": {
            "X-Colon": "a: b:c", "X-Hash": "a #b", "X-Back": "a\\b \\u{41} \\n", "X-Ticks": "`a` ```", "X-Brace": "{{a}} {{{b}}}",
            "X-Quotes": "\"a\" 'b' $HOME $(id)", "X-Blanks": "a  b", "X-Equals": "a=b; c", "X-Semicolon": ";",
        }
    },
    "names of headers": {"headers": {"X!#$%&'*+.^_`|~-1": "a", "3scale-id": "b", "x-small": "c", "file": "d", "GET": "e"}},
    "a secret in a header": {"headers": {"X-Auth-Token": CREDENTIALS["X_AUTH_TOKEN"]}},
    "headers that every client sets": {"headers": {"User-Agent": "a/1", "Accept": "text/csv", "Accept-Encoding": "identity"}},
    "a condition": {"headers": {"If-None-Match": '"a"', "Range": "bytes=0-5", "Expect-CT": "x"}},
}  # fmt: skip


def run_curl(text: str, folder: Path) -> bytes:
    environment = {"PATH": os.environ["PATH"], **CREDENTIALS, "BODY_FILE": str(folder / "body")}
    ended = subprocess.run(
        ["sh", "-c", f"{text} --silent"], env=environment, capture_output=True, timeout=20, check=False
    )
    assert ended.returncode == 0, (text, ended.stderr)
    return ended.stdout


def run_hurl(text: str, folder: Path) -> bytes:
    given = [part for name, value in CREDENTIALS.items() for part in ("--secret", f"{name}={value}")]
    given += ["--variable", "BODY_FILE=body", "--file-root", str(folder), "--no-color"]
    ended = subprocess.run(["hurl", *given], input=text.encode(), capture_output=True, timeout=20, check=False)
    assert ended.returncode == 0, (text, ended.stderr.decode())
    return ended.stdout


RUN: dict[str, Callable[[str, Path], bytes]] = {"curl": run_curl, "hurl": run_hurl}
TOOLS = [
    pytest.param(name, marks=pytest.mark.skipif(shutil.which(name) is None, reason=f"{name} is not installed"))
    for name in COMMANDS
]


@pytest.fixture
def server() -> Iterator[LoopbackServer]:
    with LoopbackServer() as running:
        yield running


def sent(server: LoopbackServer, **request: Any) -> Exchange:
    """Send a request with the client, and return what its record shows."""
    kept: list[Any] = []
    auth = ApiKeyAuth("X-Api-Key", CREDENTIALS["X_API_KEY"])
    client = Client(base_url=BaseUrl.parse(server.url), auth=auth, on_exchange=lambda *both: kept.append(both))
    sending = Sending(check_status=False, accepts=lambda _: True)
    client.request_sync(Request(**{"method": "POST", "uri": "/v1", **request}), sending)
    (request_and_answer,) = kept
    return Shown(client).exchange(*request_and_answer, received=2)


@pytest.mark.parametrize("tool", TOOLS)
@pytest.mark.parametrize("request_of", REQUESTS.values(), ids=REQUESTS)
def test_a_command_sends_what_the_client_has_sent(
    tool: str, request_of: dict[str, Any], server: LoopbackServer, tmp_path: Path
) -> None:
    exchange = sent(server, **request_of)
    expected = server.received.pop()
    (tmp_path / "body").write_bytes(expected.body)

    RUN[tool](COMMANDS[tool](exchange), tmp_path)

    (came,) = server.received
    assert _compared(came) == _compared(expected)


def _compared(request: Received) -> Received:
    """Return a request without what every client asks for that knows more compressions than one."""
    headers = {
        name: value for name, value in request.headers.items() if name != "accept-encoding" or "gzip" not in value
    }
    return replace(request, headers=headers)


@pytest.mark.parametrize("tool", TOOLS)
def test_a_redirect_is_an_answer_as_any(tool: str, server: LoopbackServer, tmp_path: Path) -> None:
    server.answers = [Answer(303, headers={"Location": "/elsewhere"})]
    exchange = sent(server)

    RUN[tool](COMMANDS[tool](exchange), tmp_path)

    assert [one.target for one in server.received] == ["/v1", "/v1"]


@pytest.mark.parametrize("tool", TOOLS)
def test_no_call_has_a_cookie_that_another_was_given(tool: str, server: LoopbackServer, tmp_path: Path) -> None:
    server.answers = [Answer(headers={"Set-Cookie": "a=b; Path=/"})]
    text = COMMANDS[tool](sent(server))

    RUN[tool](f"{text}\n\n{text}", tmp_path)

    assert [one for one in server.received if "cookie" in one.headers] == []


@pytest.mark.parametrize("tool", TOOLS)
def test_an_answer_is_shown_as_it_was_before_it_was_compressed(
    tool: str, server: LoopbackServer, tmp_path: Path
) -> None:
    server.answers = [Answer(200, gzip.compress(b"read"), {"Content-Encoding": "gzip"})]

    assert RUN[tool](COMMANDS[tool](sent(server)), tmp_path) == b"read"
