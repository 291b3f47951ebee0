"""A recorded call as a command: a shell that runs it sends what was sent, once the credentials are set."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
from kit.server import Answer, LoopbackServer

from airflow_provider_cloudfn.client.default_headers import DEFAULT_HEADERS, with_default_headers
from airflow_provider_cloudfn.records.call_record import Answered, Excerpt, Exchange, Sent
from airflow_provider_cloudfn.records.commands import curl, hurl

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

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
    assert hurl(sent).splitlines()[3] == f"POST {server.url}/bot{{{{SECRET}}}}/send?key={{{{KEY}}}}"


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
        (Excerpt(size=9_000), "# the body, 9,000 bytes, was not recorded: it is no text, or may hold a secret"),
        (Excerpt(text="a·b", size=3, replaced=1), "# 1 signs of the body can't be shown, and stand as ·"),
    ],
)
def test_what_the_record_lacks_is_said(command: Any, body: Excerpt, remark: str) -> None:
    assert remark in command(exchange(body=body)).splitlines()


@pytest.mark.parametrize("command", [curl, hurl])
def test_a_body_in_another_character_set_is_said_to_be_so(command: Any) -> None:
    headers = (("content-type", "text/plain; charset=ISO-8859-1"),)
    remark = "# the body was sent in ISO-8859-1, and is written in UTF-8 here"

    assert remark in command(exchange(headers=headers, body=Excerpt(text="h\u00e9", size=2)))
    assert remark not in command(exchange(headers=headers, body=Excerpt(text="he", size=2)))

    xml = "<?xml version='1.0' encoding='ISO-8859-1'?>h\u00e9"
    assert remark in command(exchange(headers=(("Content-Type", "text/xml"),), body=Excerpt(text=xml, size=50)))


@pytest.mark.parametrize("command", [curl, hurl])
@pytest.mark.parametrize(
    ("changes", "remarks"),
    [
        ({"headers": (("X-A", "Muller"), ("X-B", ""))}, []),
        ({"headers": (("X-A", "M\xfc"),)}, ["# the header X-A was sent in Latin-1, and is written in UTF-8 here"]),
        ({"headers": (("X-A", "Mu…"),)}, ["# the header X-A is cut"]),
        ({"url": "https://shop.test/v1…"}, ["# the URL is cut"]),
    ],
)
def test_what_of_the_head_is_another_is_said(command: Any, changes: dict[str, Any], remarks: list[str]) -> None:
    written = command(Exchange(sent=Sent(**{"method": "GET", "url": "https://shop.test/v1", **changes})))

    assert [line for line in written.splitlines() if line.startswith("# the ")] == remarks


@pytest.mark.parametrize(
    ("command", "where"), [(curl, "in the environment"), (hurl, "with --variable NAME=VALUE")], ids=["curl", "hurl"]
)
def test_where_the_file_of_a_body_is_named_is_said(command: Any, where: str) -> None:
    remark = f"# set BODY_FILE {where} to the name of a file that has it"

    assert remark in command(exchange(body=Excerpt(size=9_000))).splitlines()


def test_of_what_is_as_it_was_sent_nothing_is_remarked() -> None:
    assert curl(exchange(headers=(), url="https://shop.test", body=Excerpt(text="col·legi", size=9))).startswith(
        "curl "
    )


def test_hurl_names_its_variables_and_expects_the_status() -> None:
    assert hurl(exchange()).splitlines() == [
        "# credentials are not recorded: set KEY, SECRET, X_API_KEY with --secret NAME=VALUE",
        "# encode for the URL or the body: KEY, SECRET",
        "# @cookie_storage_clear",
        "POST https://shop.test/v1/it's?q=a%20b&key={{KEY}}",
        "Content-Type: application/json",
        "X-Api-Key: {{X_API_KEY}}",
        'X-Odd: a\'b "c" $x',
        "`" + BODY.replace("\\", "\\u{5c}").replace("`", "\\u{60}").replace("***", "{{SECRET}}") + "`",
        "HTTP 201",
    ]


#: What of a call is not ``GET https://shop.test/v1``, and the lines of Hurl for that.
AS_HURL: list[tuple[dict[str, Any], list[str]]] = [
    ({}, ["GET https://shop.test/v1"]),
    ({"method": "DELETE"}, ["DELETE https://shop.test/v1", "Content-Length: 0"]),
    ({"url": "https://shop.test/a/../b?c"}, ["GET https://shop.test/a/../b?c", "[Options]", "path-as-is: true"]),
    ({"url": "https://shop.test/%2E%2e/b"}, ["GET https://shop.test/%2E%2e/b", "[Options]", "path-as-is: true"]),
    ({"url": "https://shop.test/b?c=/../"}, ["GET https://shop.test/b?c=/../", "[Options]", "path-as-is: true"]),
    # No escapes in a URL: what is one elsewhere is text there.
    ({"url": "https://shop.test/{{x}}\\?a=[1]&b=`#\n "}, ["GET https://shop.test/%7B{x}}\\?a=[1]&b=`%23%0A%20"]),
    ({"url": "https://shop.test/?a={***}"}, ["GET https://shop.test/?a=%7B{{SECRET}}}"]),
    (
        {"headers": (("Accept-Encoding", DEFAULT_HEADERS["Accept-Encoding"]), ("X-A", ""))},
        ["GET https://shop.test/v1", "X-A: ", "[Options]", "compressed: true"],
    ),
    ({"headers": (("X-A", "{{newUuid}} #1"),)}, ["GET https://shop.test/v1", "X-A: \\u{7b}{newUuid}} \\u{23}1"]),
    ({"headers": (("X!#'|~", "a\\: b"),)}, ["GET https://shop.test/v1", "X\\u{21}\\u{23}\\u{27}\\u{7c}\\u{7e}: a\\u{5c}: b"]),
    ({"method": "GET /\n"}, ["GET\\u{20}\\u{2f}\\u{a} https://shop.test/v1", "Content-Length: 0"]),
    ({"body": Excerpt(text="{{newUuid}} #1", size=14)}, ["GET https://shop.test/v1", "`\\u{7b}{newUuid}} \\u{23}1`"]),
    ({"body": Excerpt(text="```json\r\n\\\t", size=11)}, ["GET https://shop.test/v1", "`\\u{60}\\u{60}\\u{60}json\\u{d}\\u{a}\\u{5c}\\u{9}`"]),
    ({"body": Excerpt(text="{***}", size=9)}, ["GET https://shop.test/v1", "`\\u{7b}{{SECRET}}}`"]),
    ({"body": Excerpt(size=9)}, ["GET https://shop.test/v1", "file,{{BODY_FILE}};"]),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "lines"), AS_HURL)
def test_hurl_takes_no_data_for_anything_else(changes: dict[str, Any], lines: list[str]) -> None:
    sent = Sent(**{"method": "GET", "url": "https://shop.test/v1", **changes})

    written = hurl(Exchange(sent=sent)).split("\n")

    assert [line for line in written if not line.startswith("#")] == lines


def test_the_lines_of_a_body_stay_what_they_are(server: LoopbackServer) -> None:
    text = "id,name\r\n1,\ta  b\n"
    sent = Exchange(sent=Sent(method="PUT", url=f"{server.url}/v1", body=Excerpt(text=text, size=len(text))))

    sent_by_curl(sent)

    assert server.received[0].body == text.encode()
    assert hurl(sent).splitlines()[2] == "`id,name\\u{d}\\u{a}1,\\u{9}a  b\\u{a}`"


def test_curl_asks_for_a_head_alone(server: LoopbackServer) -> None:
    sent_by_curl(exchange(server.url, method="HEAD", body=None), X_API_KEY="the key", KEY="k-1")

    assert [one.method for one in server.received] == ["HEAD"]


@pytest.mark.parametrize(
    ("changes", "name", "value"),
    [
        ({"headers": (("X-Empty", ""),)}, "x-empty", ""),
        ({"body": None}, "content-length", "0"),
        ({"headers": (("3scale-key", "***"),)}, "3scale-key", "the key"),
    ],
)
def test_a_header_is_sent_as_it_was(server: LoopbackServer, changes: dict[str, Any], name: str, value: str) -> None:
    credentials = {"KEY": "k-1", "SECRET": "hidden", "SECRET_3SCALE_KEY": "the key"}

    sent_by_curl(exchange(server.url, **{"headers": (), **changes}), **credentials)

    assert server.received[0].headers[name] == value


def test_curl_undoes_what_it_asks_for(server: LoopbackServer) -> None:
    server.answers = [Answer(200, gzip.compress(b"read"), {"Content-Encoding": "gzip"})]
    sent = Exchange(sent=Sent(method="GET", url=server.url, headers=tuple(with_default_headers([]))))

    came = subprocess.run(["sh", "-c", f"{curl(sent)} --silent"], check=True, capture_output=True, timeout=20)

    assert came.stdout == b"read"
    assert "gzip" in server.received[0].headers["accept-encoding"]
    assert server.received[0].headers["user-agent"] == DEFAULT_HEADERS["User-Agent"]


def test_a_url_is_one_whatever_is_in_it(server: LoopbackServer) -> None:
    sent = Exchange(sent=Sent(method="GET", url=f"{server.url}/a[1-3]/{{x,y}}"))

    subprocess.run(["sh", "-c", f"{curl(sent)} --silent"], check=True, capture_output=True, timeout=20)

    assert [one.target for one in server.received] == ["/a[1-3]/{x,y}"]


def test_a_body_that_was_not_recorded_is_taken_from_a_file(server: LoopbackServer, tmp_path: Path) -> None:
    (tmp_path / "body").write_bytes(bytes(range(256)))
    sent = Exchange(sent=Sent(method="PUT", url=server.url, body=Excerpt(size=256)))

    for environment in ({}, {"BODY_FILE": str(tmp_path / "body")}):
        command = ["sh", "-c", f"{curl(sent)} --silent"]
        subprocess.run(
            command, env={"PATH": os.environ["PATH"], **environment}, check=False, capture_output=True, timeout=20
        )

    # Where nobody says which file, nothing is sent.
    assert [one.body for one in server.received] == [bytes(range(256))]


def test_a_method_is_no_command_of_the_shell() -> None:
    assert "--request 'GET; id'" in curl(exchange(method="GET; id"))
