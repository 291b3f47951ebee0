"""A recorded call as a command: a shell that runs it sends what was sent, once the credentials are set."""

from __future__ import annotations

import json
import os
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
from kit.server import LoopbackServer

from airflow_provider_cloudfn.records.call_record import Answered, Excerpt, Exchange, Sent
from airflow_provider_cloudfn.records.commands import curl, hurl

if TYPE_CHECKING:
    from collections.abc import Iterator

BODY = '{"name": "O\'Hara $HOME `id` \\\\ ! \\u00fc", "password": "***"}'


def sent_by_curl(one: Exchange, **credentials: str) -> None:
    """Run the command of curl in a shell."""
    subprocess.run(
        ["sh", "-c", f"{curl(one)} --silent --fail"],
        env={"PATH": os.environ["PATH"], **credentials},
        check=True,
        capture_output=True,
        timeout=20,
    )


@pytest.fixture
def server() -> Iterator[LoopbackServer]:
    with LoopbackServer() as running:
        yield running


def exchange(server: str = "https://shop.test", **changes: Any) -> Exchange:
    given: dict[str, Any] = {
        "method": "POST",
        "url": f"{server}/v1/it's?q=a%20b&key=***",
        "headers": (("Content-Type", "application/json"), ("X-Api-Key", "***"), ("X-Odd", 'a\'b "c" $x')),
        "body": Excerpt(text=BODY, size=len(BODY)),
    }
    return Exchange(sent=Sent(**{**given, **changes}), answered=Answered(status=201))


def test_curl_sends_what_was_sent(server: LoopbackServer) -> None:
    sent_by_curl(exchange(server.url), X_API_KEY="the key", KEY="k-1", SECRET="hidden")

    (request,) = server.received
    assert (request.method, request.target) == ("POST", "/v1/it's?q=a%20b&key=k-1")
    assert request.headers["x-api-key"] == "the key"
    assert request.headers["x-odd"] == 'a\'b "c" $x'
    assert request.json() == json.loads(BODY.replace("***", "hidden"))


@pytest.mark.parametrize("target", ["/v1?filter[a]={1,2}&r=[1-3]", "/v1/../v2/./x?p=/../y", "/***/x?a=1***"])
def test_curl_takes_a_url_as_it_is(server: LoopbackServer, target: str) -> None:
    sent_by_curl(exchange(url=f"{server.url}{target}", headers=(), body=None), SECRET="***")

    assert server.received[0].target == target


def test_what_is_hidden_in_a_path_is_a_variable_beside_those_of_the_query(server: LoopbackServer) -> None:
    sent = exchange(url=f"{server.url}/bot***/send?key=***", headers=(), body=None)

    sent_by_curl(sent, SECRET="b-1", KEY="k-1")

    assert server.received[0].target == "/botb-1/send?key=k-1"
    assert hurl(sent).splitlines()[1] == f"POST {server.url}/bot{{{{SECRET}}}}/send?key={{{{KEY}}}}"


def test_curl_adds_no_header_that_says_something_else(server: LoopbackServer) -> None:
    sent_by_curl(exchange(url=server.url, headers=(("X-Empty", ""),), body=Excerpt(text="{}", size=2)))
    sent_by_curl(exchange(url=server.url, method="DELETE", headers=(), body=None))

    with_body, without = (dict(one.headers) for one in server.received)
    assert with_body["x-empty"] == ""
    assert "content-type" not in with_body
    assert without["content-length"] == "0"


def test_the_variables_are_named_before_the_command() -> None:
    assert curl(exchange()).splitlines()[0] == (
        "# credentials are not recorded: set KEY, SECRET, X_API_KEY in the environment"
    )


@pytest.mark.parametrize("command", [curl, hurl])
@pytest.mark.parametrize(
    ("body", "remark"),
    [
        (Excerpt(text="abc…", size=9_000, is_cut=True), "# the body is cut: it had 9,000 bytes"),
        (
            Excerpt(text="a·b", size=3),
            "# the body is not as it was sent: its 3 bytes had another charset, or signs that can't be shown",
        ),
        (
            Excerpt(text="é", size=1),
            "# the body is not as it was sent: its 1 bytes had another charset, or signs that can't be shown",
        ),
        (Excerpt(size=9_000), "# the body, 9,000 bytes, was not recorded: it is no text, or may hold a secret"),
    ],
)
def test_what_the_record_lacks_is_said(command: Any, body: Excerpt, remark: str) -> None:
    assert remark in command(exchange(body=body)).splitlines()


def test_of_what_is_as_it_was_sent_nothing_is_remarked() -> None:
    assert curl(exchange(headers=(), url="https://shop.test", body=Excerpt(text="col·legi", size=9))).startswith(
        "curl "
    )


def test_hurl_names_its_variables_and_expects_the_status() -> None:
    assert hurl(exchange()).splitlines() == [
        "# credentials are not recorded: set KEY, SECRET, X_API_KEY in the variables",
        "POST https://shop.test/v1/it's?q=a%20b&key={{KEY}}",
        "Content-Type: application/json",
        "X-Api-Key: {{X_API_KEY}}",
        'X-Odd: a\'b "c" $x',
        "`" + BODY.replace("\\", "\\u{5c}").replace("`", "\\u{60}").replace("***", "{{SECRET}}") + "`",
        "HTTP 201",
    ]


def test_hurl_takes_no_data_for_a_variable_or_a_comment() -> None:
    text = "{{newUuid}} #1"

    lines = hurl(exchange(body=Excerpt(text=text, size=14), headers=(("X-A", text),))).splitlines()

    assert lines[2:4] == ["X-A: \\u{7b}{newUuid}} \\u{23}1", "`\\u{7b}{newUuid}} \\u{23}1`"]


def test_the_lines_of_a_body_stay_what_they_are(server: LoopbackServer) -> None:
    text = "id,name\r\n1,\ta  b\n"
    sent = Exchange(sent=Sent(method="PUT", url=f"{server.url}/v1", body=Excerpt(text=text, size=len(text))))

    sent_by_curl(sent)

    assert server.received[0].body == text.encode()
    assert hurl(sent).splitlines()[1] == "`id,name\\u{d}\\u{a}1,\\u{9}a  b\\u{a}`"


def test_curl_asks_for_a_head_alone(server: LoopbackServer) -> None:
    sent_by_curl(exchange(server.url, method="HEAD", body=None), X_API_KEY="the key", KEY="k-1")

    assert [one.method for one in server.received] == ["HEAD"]


def test_a_method_is_no_command_of_the_shell() -> None:
    assert "--request 'GET; id'" in curl(exchange(method="GET; id"))
