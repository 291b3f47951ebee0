"""What ``import-curl`` prints sends what curl sends: both make their request to one server, which keeps what came."""

from __future__ import annotations

import re
import shutil
import subprocess
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_cloudfn.cli.curl import read_curl
from airflow_provider_cloudfn.cli.import_curl_command import connection_of, operator_of
from airflow_provider_cloudfn.testing.connections import hook_over
from airflow_provider_cloudfn.testing.rehearsal import Rehearsal
from airflow_provider_cloudfn.testing.samples import Samples

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")

#: What each client says of itself, and of the connection.
_OWN = {"host", "user-agent", "accept", "accept-encoding", "content-length", "connection", "x-request-id"}

COMMANDS = [
    # the URL
    "curl URL/v1/x",
    "curl URL",
    "curl 'URL/v1/x?a=1&a=2&b='",
    "curl 'URL/x?a=1&b=2&a=3'",
    "curl 'URL/x?q=a+b&r=a%20b&flag&=2&c=%2f%2F'",
    "curl 'URL/x?q=%ff%fe&p=%E4'",
    "curl 'URL/a%20b/%2Fc/%ff'",
    "curl 'URL/x#fragment'",
    r"curl URL/x\?a=1\&b=2",
    "curl --url URL/x --request-target '/other?a=1'",
    "curl URL/../a/./b/../c",
    # the query
    "curl -G -d q=1 -d 'r=2&s=3' URL/x",
    "curl -G --data-urlencode 'q=a b&ä~*' 'URL/x?a=1'",
    "curl -G -X POST -d a=1 URL/x",
    "curl -G --json a=1 URL/x",
    "curl 'URL/x?%7B%7B%20x%20%7D%7D=%7B%7B'",
    "curl -I -G -d a=1 URL/x",
    "curl --url-query 'a=b c' --url-query +raw=1 URL/x",
    # quoting
    r"curl --data-raw $'a\nb\t\x41\101\u00e4\'\"\\\e\cA\?' URL/x",
    r"curl --data-binary $'\xff\xfe\x80' URL/x",
    r"curl --data-raw $'a\0b'c URL/x",
    r"""curl --data-raw "a\"b\\c\d'e" URL/x""",
    r"curl --data-raw 'it'\''s' URL/x",
    r"curl --data-raw a\ b\\c URL/x",
    "curl \\\n  -X PUT \\\n  --data-raw 'a\nb' URL/x # a remark",
    "curl -sS URL/x 2>/dev/null | cat",
    """curl > "FILE of 2026" URL/x -d a=1 2>> FILE.1 2>&1""",
    r"""curl --data-raw $'a\c\\b' URL/x""",
    """curl --data-raw '{"pattern": "^", "fence": "```\nx^\n```\n"}' URL/x""",
    """curl -d {"a":{"b":1}} URL/x""",
    "curl -d {x},y~ URL/x -o ~/answer",
    # data
    "curl -d a=1 -d b=2 URL/x",
    "curl -d 'a=1&flag' URL/x",
    "curl -d '{\"a\": 1}' URL/x",
    "curl -d 'plain text' URL/x",
    "curl -d 'card[number]=1&b=c d' URL/x",
    "curl -d $'a\\nb\\r\\n' URL/x",
    "curl -d @FILE URL/x",
    "curl --data-binary @FILE URL/x",
    "curl --data-ascii @FILE URL/x",
    "curl --data-raw @FILE URL/x",
    "curl -d '' URL/x",
    "curl -X GET -d a=1 URL/x",
    "curl -XDELETE URL/x",
    "curl -X PATCH -H 'Content-Type: text/plain' -d 'ä' URL/x",
    "curl -H 'Content-Type: application/x-ndjson' --data-binary $'{\"a\":1}\\n{\"a\":2}\\n' URL/x",
    "curl -H 'Content-Type: application/xml' -d '<a>1</a>' URL/x",
    # the five forms of --data-urlencode
    "curl --data-urlencode 'a b&c=' URL/x",
    "curl --data-urlencode '=a=b c' URL/x",
    "curl --data-urlencode 'q=a b/c+d%' URL/x",
    "curl --data-urlencode @FILE URL/x",
    "curl --data-urlencode q@FILE URL/x",
    "curl --data-urlencode 'a b' URL/x",
    "curl -d '%7B%7B+x+%7D%7D=1' URL/x",
    # JSON
    """curl --json '{"a": [1, true, null, "ä"], "b": {}}' URL/x""",
    """curl --json '{"a": 12345678901234567.89, "b": 10.50, "c": 1e3, "d": -0}' URL/x""",
    """curl --json '{"a": 12345678901234567.89}' URL/x""",
    """curl --json '{"price": 10.50}' URL/x""",
    """curl --json '{"a": 1, "a": 2}' URL/x""",
    r"""curl --json '{"a": "\u00e9\/"}' URL/x""",
    """curl --json '{"t": "{{ x }}", "n": 1.50}' URL/x""",
    """curl --json '{"t": "{{ x }}"}' URL/x""",
    """curl --json '{"{{ x }}": 1}' URL/x""",
    """curl --json '[{"{% x": 1.50}]' URL/x""",
    "curl --json '[1,' --json '2]' URL/x",
    "curl --json null URL/x",
    "curl --json '\"text\"' URL/x",
    "curl --json 1.0 URL/x",
    "curl --json '{broken' URL/x",
    "curl -H 'Content-Type: application/merge-patch+json' -X PATCH -d '{\"a\":null}' URL/x",
    "curl -H 'content-type: application/json; charset=utf-8' -d '{\"a\":1}' URL/x",
    "curl -H 'Content-Type: application/json; charset=iso-8859-1' -d '{\"a\":\"ä\"}' URL/x",
    "curl -H 'Content-Type: text/plain; charset=utf-16' -d 'a' URL/x",
    "curl -H 'Content-Type: application/x-www-form-urlencoded; charset=iso-8859-1' -d 'a=%C3%A4' URL/x",
    "curl -H 'Content-Type: text/xml' -d '<?xml version=\"1.0\" encoding=\"iso-8859-1\"?><a>ä</a>' URL/x",
    # forms of several parts
    "curl -F a=1 -F 'b=ä;type=text/plain' URL/x",
    "curl --form-string 'a=@b;type=x' URL/x",
    "curl -F 'a=\"x;y\"' URL/x",
    "curl -F 'a=<FILE' URL/x",
    r"""curl -F $'a= \t\n b ' -F 'c= "d " ; type=text/plain' -F 'e= @f' -F 'f= ' URL/x""",
    "curl --form-string 'a= (b) ' URL/x",
    "curl -F 'f=@ FILE ' URL/x",
    "curl -F a=1 -F f=@FILE URL/x",
    "curl -F f=@FILE -F f=@FILE URL/x",
    "curl -F a=1 -H 'Content-Type: multipart/form-data' URL/x",
    # headers
    "curl -H 'X-One: 1' -H 'x-two:2' -H 'X-Empty;' -H 'Y:' URL/x",
    "curl -H 'X-One: 1' -H 'X-Other: {{ x }}' URL/x",
    "curl -A agent/1 -e 'http://a.test;auto' -r 0-5 URL/x",
    "curl -A one -A two -e 'http://a.test' -H 'Referer: http://b.test' -r 0-1 -r 2-3 URL/x",
    "curl -H 'User-Agent: one' -A two URL/x",
    "curl -H 'Accept: text/csv' URL/x",
    "curl -H $'X-Tab: a\\tb' URL/x",
    # credentials: the command's are what stands in the connection until it is filled in
    "curl -u 'bob:<the password>' URL/x",
    "curl -H 'Authorization: Bearer <the token>' URL/x",
    "curl --oauth2-bearer '<the token>' URL/x",
    "curl -H 'Authorization: Token <the API key>' URL/x",
    "curl -H 'X-Api-Key: <the API key>' -b 'x=1' -H 'X-Auth-Token: <the secret x_auth_token>' URL/x",
    "curl 'URL/x?api_key=%3Cthe%20API%20key%3E'",
    "curl --data-urlencode 'a=1' --data-urlencode 'password=<the secret password>' URL/x",
    """curl --json '{"a":12345678901234567.89,"clientSecret":"<the secret clientsecret>"}' URL/x""",
]


@pytest.mark.parametrize("command", COMMANDS)
def test_the_operator_sends_what_curl_sends(command: str, recording_server: Any, tmp_path: Path) -> None:
    file = tmp_path / "file.txt"
    file.write_bytes(b"x=1&y= 2\r\nz\n")
    command = command.replace("URL", recording_server.url).replace("FILE", str(file))
    shell = subprocess.run(["bash", "-c", command], capture_output=True, timeout=20, check=False)
    assert shell.returncode == 0, shell.stderr
    expected = recording_server.received.pop()

    request = read_curl(command)
    names: dict[str, Any] = {}
    exec(
        operator_of(request, "call", "service").replace("\nCloudFunctionOperator(", "\ntask = CloudFunctionOperator("),
        names,
    )
    over = partial(hook_over, fields=connection_of(request))
    _, _, error = Rehearsal(names["task"], Samples.of({}, where="samples"), hook_of=over).carry_out()

    assert error is None
    sent = recording_server.received.pop()
    assert _compared(sent) == _compared(expected)


def _compared(request: Any) -> dict[str, Any]:
    headers = {name.lower(): value for name, value in request.headers.items() if name.lower() not in _OWN}
    body: Any = request.body
    media_type = headers.get("content-type", "")
    if media_type.startswith("multipart/"):
        # The boundary is anything; the order of files and fields means nothing.
        boundary = media_type.partition("boundary=")[2]
        headers["content-type"] = "multipart/form-data"
        body = sorted(part.strip(b"\r\n-") for part in body.split(boundary.encode()))
    elif media_type.endswith("json"):
        # White space between the values means nothing.
        body = re.sub(rb'("(?:[^"\\]|\\.)*")|\s+', rb"\1", body)
    if "cookie" in headers:
        # Cookies have an equals sign, which no placeholder has.
        headers["cookie"] = ""
    # An escape means the same in small and in capital letters (RFC 3986, section 2.1), and clients differ.
    path = re.sub("%[0-9a-f]{2}", lambda escape: escape[0].upper(), request.target)
    return {"method": request.method, "path": path, "headers": headers, "body": body}
