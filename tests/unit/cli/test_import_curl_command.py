"""``airflow cloudfn import-curl``: the operator makes the request that curl would, and holds no secret."""

from __future__ import annotations

import argparse
import io
import json
import os
from typing import Any

import pytest

import airflow_provider_cloudfn
from airflow_provider_cloudfn.cli.curl import read_curl
from airflow_provider_cloudfn.cli.import_curl_command import connection_of, import_curl, operator_of
from airflow_provider_cloudfn.exceptions import ConfigurationError
from airflow_provider_cloudfn.testing import RenderedRequest, render


def imported(command: str) -> RenderedRequest:
    """Return what the imported operator would send, over the connection that was told."""
    request = read_curl(command)
    source = operator_of(request, "call", "service")
    names: dict[str, Any] = {}
    exec(source.replace("\n\nCloudFunctionOperator(", "\n\ntask = CloudFunctionOperator("), names)
    return render(names["task"], connection=connection_of(request))


@pytest.mark.parametrize(
    ("command", "method", "url", "query", "body"),
    [
        ("curl https://api.test/v1/x", "GET", "https://api.test/v1/x", {}, None),
        ("curl api.test", "GET", "http://api.test/", {}, None),
        ("curl -I https://api.test/x", "HEAD", "https://api.test/x", {}, None),
        ("curl -XDELETE https://api.test/x/1", "DELETE", "https://api.test/x/1", {}, None),
        # As from curl 8.13 on; what is decoded twice is left to the server.
        ("curl https://api.test/a/%2e%2E/b/.%2e/%2e/c", "GET", "https://api.test/c", {}, None),
        ("curl https://api.test/%2e%2e/a/%2e", "GET", "https://api.test/a/", {}, None),
        ("curl https://api.test/a/..b/%2e%2ec", "GET", "https://api.test/a/..b/%2e%2ec", {}, None),
        ("curl 'https://api.test/x?a=1&a=2&b='", "GET", "https://api.test/x", {"a": ["1", "2"], "b": ""}, None),
        ("curl -G -d 'q=a b' -d n=1 https://api.test/x", "GET", "https://api.test/x", {"q": "a b", "n": "1"}, None),
        ("curl --data-urlencode 'q=ä&b' -G https://api.test/x", "GET", "https://api.test/x", {"q": "ä&b"}, None),
        ("curl -d a=1 -d b=2 https://api.test/x", "POST", "https://api.test/x", {}, "a=1&b=2"),
        # curl 7 joins them with & all the same.
        ("curl -d '' -d a=1 https://api.test/x", "POST", "https://api.test/x", {}, "a=1"),
        ("""curl --json '{"a": [1, true, null]}' https://api.test/x""", "POST", "https://api.test/x", {}, {"a": [1, True, None]}),
        ("""curl -X PUT -H 'Content-Type: application/json' -d '"text"' https://api.test/x""", "PUT", "https://api.test/x", {}, "text"),
        ("""curl --json '{"t": "{{ x }}", "e": "1 + 1"}' https://api.test/x""", "POST", "https://api.test/x", {}, {"t": "{{ x }}", "e": "1 + 1"}),
        ("curl -H 'Content-Type: text/plain' --data-binary 'a\nb' https://api.test/x", "POST", "https://api.test/x", {}, "a\nb"),
        ("curl -sSLk \\\n  --compressed https://api.test/x", "GET", "https://api.test/x", {}, None),
        ("curl -g 'https://api.test/a%20b/{{x}}'", "GET", "https://api.test/a%20b/%7B%7Bx%7D%7D", {}, None),
    ],
)  # fmt: skip
def test_the_operator_sends_what_curl_would(
    command: str, method: str, url: str, query: dict[str, Any], body: Any
) -> None:
    request = imported(command)

    assert (request.method, request.url, dict(request.query), request.body) == (method, url, query, body)


@pytest.mark.parametrize(
    ("command", "extra"),
    [
        ("curl -u bob:hunter22 https://api.test", {"auth_type": "basic", "username": "bob"}),
        ("curl https://bob:hunter22@api.test", {"auth_type": "basic", "username": "bob"}),
        ("curl -H 'Authorization: Basic Ym9iOmh1bnRlcjIy' https://api.test", {"auth_type": "basic", "username": "bob"}),
        ("curl -H 'Authorization: Bearer hunter22' https://api.test", {"auth_type": "bearer"}),
        ("curl --oauth2-bearer hunter22 https://api.test", {"auth_type": "bearer"}),
        (
            "curl -H 'X-API-Key: hunter22' https://api.test",
            {"auth_type": "api_key", "key_location": "header", "key_name": "X-API-Key"},
        ),
        (
            "curl 'https://api.test/?api_key=hunter22'",
            {"auth_type": "api_key", "key_location": "query", "key_name": "api_key"},
        ),
        (
            "curl -H 'Authorization: hunter22' https://api.test",
            {"auth_type": "api_key", "key_location": "header", "key_name": "Authorization"},
        ),
    ],
)
def test_credentials_go_into_the_connection_and_are_not_repeated(command: str, extra: dict[str, str]) -> None:
    request = read_curl(command)

    assert connection_of(request)["extra"] == extra
    assert connection_of(request)["password"].startswith("<the ")
    shown = operator_of(request, "call", "service") + json.dumps(connection_of(request)) + repr(request)
    assert "hunter22" not in shown
    assert "Ym9iOmh1bnRlcjIy" not in shown


@pytest.mark.parametrize(
    ("command", "place"),
    [
        ("curl -H 'Authorization: Bearer x' -H 'X-Tenant-Key: hunter22' https://api.test", "headers"),
        ("curl -H 'Authorization: Bearer x' 'https://api.test/?token=hunter22'", "query"),
        ("""curl --json '{"a": 1, "password": "hunter22"}' https://api.test""", "body"),
        ("curl -d 'client_secret=hunter22&a=1' https://api.test", "body"),
    ],
)
def test_another_secret_is_a_placeholder(command: str, place: str) -> None:
    request = read_curl(command)
    source = operator_of(request, "call", "service")

    assert "hunter22" not in source + repr(request)
    assert "secret('" in source.partition(place)[2]
    assert connection_of(request)["extra"]["secret_values"]


SECRETS_IN_THEIR_PLACES = [
    "curl -u SECRET: https://api.test",
    "curl -u :SECRET https://api.test",
    "curl -u SECRET:x https://api.test",
    "curl https://SECRET:@api.test",
    "curl -u ghp_0123456789012345678901234567 https://api.test",
    "curl -H 'Authorization: Token SECRET' https://api.test",
    "curl -H 'X-AuthToken: SECRET' https://api.test",
    "curl -H 'X-Session-Id: SECRET' https://api.test",
    "curl -H 'Ocp-Apim-Subscription-Key: SECRET' https://api.test",
    "curl -H 'X-Forward: Bearer SECRET' https://api.test",
    "curl -H 'Cookie: sid=SECRET' https://api.test",
    "curl -b 'sid=SECRET; a=1' https://api.test",
    "curl -e 'https://x.test/?token=SECRET' https://api.test",
    "curl 'https://api.test?code=SECRET'",
    "curl 'https://api.test?accessToken=SECRET'",
    "curl 'https://api.test?sv=1&sig=SECRET'",
    "curl 'https://api.test?X-Amz-Signature=SECRET'",
    "curl -G -d key=SECRET https://api.test",
    "curl -d 'userPassword=SECRET' https://api.test",
    "curl -d 'user[password]=SECRET&a' https://api.test",
    'curl -d \'{"apiKey": "SECRET"}\' https://api.test',
    'curl --json \'{"clientSecret":"SECRET"}\' https://api.test',
    'curl --json \'{"credentials":{"user":"SECRET","list":["SECRET"]}}\' https://api.test',
    'curl --json \'{"private_key":"SECRET"}\' https://api.test',
    'curl --json \'{"hook":"https://x.test/?token=SECRET"}\' https://api.test',
    "curl -F password=SECRET https://api.test",
    "curl -F password=SECRET -F f=@x.txt https://api.test",
    "curl -H 'Content-Type: text/xml' -d '<Login><Password>SECRET</Password></Login>' https://api.test",
    "curl https://SECRET@api.test",
    "curl -d 'grant_type=authorization_code&code=SECRET' https://api.test",
    "curl -d '%70assword=SECRET' https://api.test",
    'curl --data-urlencode \'payload={"token":"SECRET"}\' https://api.test',
    "curl 'https://api.test?q=%7B%22password%22%3A%22SECRET%22%7D'",
    'curl -H \'X-Data: {"token":"SECRET"}\' https://api.test',
    'curl --json \'{"headers":[{"name":"X-Api-Key","value":"SECRET"}]}\' https://api.test',
    'curl --json \'{"data":"{\\"password\\":\\"SECRET\\"}"}\' https://api.test',
    'curl --json \'{"query":"mutation { login(password: \\"SECRET\\") { id } }"}\' https://api.test',
    'curl --json \'{"dsn":"Server=a;Password=SECRET;"}\' https://api.test',
    'curl --json \'{"contraseña":"SECRET"}\' https://api.test',
    "curl --aws-sigv4 aws:amz:eu-central-1:execute-api -u AKIA1:SECRET -H 'X-Amz-Security-Token: SECRET' https://api.test",
]


@pytest.mark.parametrize("command", SECRETS_IN_THEIR_PLACES)
def test_no_secret_stays_in_the_dag_or_is_printed(command: str) -> None:
    request = read_curl(command.replace("SECRET", "hunter22abc"))

    connection = connection_of(request)
    assert "hunter22abc" not in operator_of(request, "call", "service") + json.dumps(connection) + repr(request)
    assert "<the " in json.dumps(connection)
    imported(command.replace("x.txt", __file__))


@pytest.mark.parametrize(
    "command",
    [
        'curl --json \'{"max_tokens": 100, "key": "a", "client_id": "b", "code": "c"}\' https://api.test',
        "curl -H 'Idempotency-Key: 1' -H 'X-Author: a' -H 'X-Keyword: b' https://api.test",
        "curl 'https://api.test?page_token=a&sort_key=b&monkey=c&spin=d'",
        'curl --json \'{"tags":[{"name":"color","value":"red"}],"text":"a: b, c=d, 10:30"}\' https://api.test',
        "curl -d '<a href=\"x\">text</a>' https://api.test/webhooks/we_1Mr5jULkdIwHu7ix1ibLTM0x",
    ],
)
def test_what_is_no_secret_stays(command: str) -> None:
    request = read_curl(command)

    assert request.authentication is None
    assert request.secrets == []


def test_a_proxy_is_the_connections_without_its_password() -> None:
    connection = connection_of(read_curl("curl -x http://u:hunter22@proxy.test:3128 https://api.test"))

    assert connection["extra"]["proxy"] == "http://user:password@proxy.test:3128"


def test_the_passphrase_of_a_certificate_is_the_connections() -> None:
    extra = connection_of(read_curl("curl --cert a.pem:hunter22 --key k.pem https://api.test"))["extra"]

    assert extra["client_cert"] == "a.pem"
    assert extra["client_key_file"] == "k.pem"
    assert extra["client_private_key_passphrase"] == "<the passphrase>"
    # Without it Airflow's own HTTP hooks would send the passphrase as a header.
    assert next(iter(extra)) == "allow_http"


def test_two_secrets_of_one_name_are_two() -> None:
    body = '{"a": {"password": "x"}, "b": {"password": "y"}, "c": {"password": "x"}}'

    assert read_curl(f"curl --json '{body}' https://api.test").secrets == ["password", "password_2"]


def test_a_signature_for_aws_is_the_connections() -> None:
    request = read_curl("curl --aws-sigv4 aws:amz:eu-central-1:execute-api -u AKIA1:hunter22 https://api.test")

    assert connection_of(request)["extra"] == {
        "auth_type": "sigv4",
        "aws_key_id": "AKIA1",
        "aws_service": "execute-api",
        "aws_region": "eu-central-1",
    }


def test_options_of_the_connection_and_of_retries_are_taken_over() -> None:
    request = read_curl("curl --retry 4 --retry-max-time 90 --connect-timeout 3 --cacert ca.pem https://api.test")

    assert request.options == {"retry_attempts": 5, "retry_total": 90}
    assert connection_of(request)["extra"] == {"connect_timeout": 3, "ca_bundle": "ca.pem"}


@pytest.mark.parametrize(
    ("command", "note"),
    [
        (
            """curl.exe https://a.test -H 'Content-Type: application/json' -d '{\\"a\\": 1}'""",
            "the body is no JSON, though its Content-Type is application/json",
        ),
        ('curl https://a.test --json \'{"a": "{{name}}"}\'', "{{name}} is sent as it stands"),
        ("curl https://a.test -H 'X-Shop: {{shop}}'", "{{shop}} is sent as it stands"),
        ("curl https://api.test/x | jq .", "returns='response.body.items'"),
        ("curl https://api.test/x > answer.json", "response_file"),
        ("curl > 2026-01.json https://api.test/x", "response_file"),
        ("curl https://api.test/x >'an answer.json'", "response_file"),
        ("curl https://api.test/x -o answer.json", "response_file"),
        ("curl https://api.test/x && echo done", "each request becomes a task"),
        ("curl -H 'Host: other.test' https://api.test", "the header Host was left out"),
        ("curl -b cookies.txt https://api.test", "the file of cookies was left out"),
    ],
)
def test_what_is_left_out_is_noted(command: str, note: str) -> None:
    assert note in "\n".join(read_curl(command).notes)


def test_the_path_is_not_a_secret_store() -> None:
    assert read_curl("curl https://api.test/v1/keys").path == "/v1/keys"


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("wget https://api.test", "must begin with curl"),
        ("curl 'https://api.test", "the command can't be read"),
        ("curl", "names no URL"),
        ("curl https://a.test https://b.test", "names two URLs"),
        ("curl ftp://a.test", "must begin with https:// or http://, not ftp"),
        ("curl --fancy https://a.test", "--fancy: this option of curl is not known here"),
        ("curl -Z https://a.test", "-Z: this option of curl is not known here"),
        ("curl https://a.test -H", "-H: its value is missing"),
        ("curl -d @file https://a.test", "reads a file; put what is in it in its place"),
        ("curl 'https://a.test/users/{id}'", "braces or a range in brackets"),
        ("curl https://a.test/$ID", r"\$ID: the shell fills this in"),
        ('curl -u "$NAME:pw" https://a.test', r"\$NAME: the shell fills this in"),
        ("curl -x http://$PROXY https://a.test", r"\$PROXY: the shell fills this in"),
        ("curl --cacert ~/ca.pem https://a.test", r"~/ca.pem: the shell fills this in"),
        ("curl https://{shop}.a.test/x", "braces or a range in brackets"),
        ('curl -d "$(cat file)" https://a.test', r"\$\(cat file\): the shell fills this in"),
        ("curl https://a.test?a=1&b=2", "put the URL into quotes"),
        ("curl -d @- https://a.test < file", "<: stands outside of quotes"),
        ("curl ^\n https://a.test", "copy it as cURL \\(bash\\)"),
        ("curl --digest -u ann:pw https://a.test", "--digest: a cloud function has no Digest authentication: ask"),
        ("curl --ntlm -u ann:pw https://a.test", "--ntlm: a cloud function has no NTLM authentication: ask"),
        ("curl --negotiate -u : https://a.test", "--negotiate: a cloud function has no Negotiate"),
        ("curl https://a.test --next https://b.test", "--next: the command makes several requests"),
        ("curl -T file https://a.test", "--upload-file: files are not imported"),
        ("curl -K file", "--config: the options stand in a file"),
        ("curl -n https://a.test", "--netrc: the credentials stand in a file"),
        ("curl -F 'f=@x;filename=y.csv' https://a.test", "sends a file under its own name: call it y.csv, and leave"),
        ("curl -F 'f=@x;type=text/csv;filename=\"a b\"' https://a.test", "call it a b, and leave ;filename= out"),
        ("curl -F 'f=text;filename=y' https://a.test", "give what it is sent as with @, and leave ;filename= out"),
        ("curl -F 'f=@x;encoder=base64' https://a.test", "a part has a type and no other setting"),
        ("curl -F 'f=@x.txt;type=a/b' https://a.test", "takes a file's type from its name, here text/plain"),
        ("curl -F a=1 -d b=2 https://a.test", "curl sends one of them"),
        ("curl -H 'X-Name: ä' https://a.test", "outside of ASCII"),
        ("curl https://a.test//x", "two slashes"),
        ("curl -d a=1 https://hooks.slack.com/services/T0/B0/xyz", "the path at hooks.slack.com is a secret itself"),
        ("curl https://api.telegram.org/bot1:xyz/getMe", "the path at api.telegram.org is a secret itself"),
        ("curl https://a.test/webhook/4f6eb2a09c3d4f6eb2a09c3d", "the path at a.test is a secret itself"),
        ("curl https://a.test/v1/sk_live_0123456789/x", "the path at a.test is a secret itself"),
        ("curl https://a.test/bot123:abcdef/getMe", "the path at a.test is a secret itself"),
        ("curl --path-as-is https://a.test/b/../c", "the path is sent without"),
        ("curl --request-target /b/../c https://a.test", "the path is sent without"),
        ("curl -F a=@- https://a.test", "--form a: reads what is piped into curl: name a file"),
        ("curl --path-as-is https://a.test/b/%2E%2e/c", "the path is sent without"),
        ("curl -d ~/file https://a.test", "~/file: the shell fills this in"),
        ("""curl -d {"a":1,"b":2} https://a.test""", "braces stand outside of quotes"),
        ("curl https://a.test/{1..3}", "braces stand outside of quotes"),
        ("curl -X POST \\ \n  https://a.test", "has a blank behind it at the end of its line"),
        ("curl ' '", "its host or its port is none"),
        ("curl 'https://a.test b'", "its host or its port is none"),
        ("curl '{{baseUrl}}/v1/items'", "{{baseUrl}}: stands in the URL, and is a variable of Postman"),
        ("curl 'https://a.test/{{ $guid }}'", "{{ .guid }}: stands in the URL"),
        ('curl ^"https://a.test^"', "quoted for Windows' cmd"),
        ("curl https://a.test ^\n -H 'a: b'", "quoted for Windows' cmd"),
        ("curl https://a.test `\n -H 'a: b'", "quoted for PowerShell"),
        ("curl -F 'a=(;type=multipart/mixed' -F '=b' -F '=)' https://a.test", "begins a form within the form"),
        ("curl -F '{{ x }}=1' -F f=@/etc/hosts https://a.test", "would be rendered as Jinja"),
        ("curl -F 'f=@/tmp/{{ x }}' https://a.test", "would be rendered as Jinja"),
        ("curl --data-binary $'\\xff password=a' https://a.test", "no text in UTF-8"),
        ("fetch('https://a.test')", "JavaScript's fetch: copy it as cURL"),
        ('Invoke-WebRequest -Uri "https://a.test"', "quoted for PowerShell: copy it as cURL"),
        ("curl -H 'Authorization: Digest username=x' https://a.test", "computed for one request"),
        ("curl --json '{password:\"hunter22\"}' https://a.test", "holds what looks like a secret"),
        ("curl --max-time soon https://a.test", "--max-time: must be seconds"),
    ],
)
def test_what_has_no_equivalent_is_refused(command: str, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        read_curl(command)


def test_it_reads_standard_input(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("curl -k -m 5 https://api.example.com/v1/orders/7\n"))

    import_curl(argparse.Namespace(command=None, task_id=None, conn_id=None, json=True))

    document = json.loads(capsys.readouterr().out)
    assert document["conn_id"] == "api_example_com"
    assert document["connection"] == {"conn_type": "cloudfn", "host": "https://api.example.com"}
    assert "task_id='get_orders'" in document["operator"]
    assert "request_timeout=5," in document["operator"]
    assert "ca_bundle" in document["notes"][0]


@pytest.mark.parametrize(
    ("value", "password"),
    [
        ("hunter22", "<the API key>"),
        ("Token hunter22", "Token <the API key>"),
        ("key=hunter22", "key=<the API key>"),
        ("Token token=hunter22", "Token token=<the API key>"),
        ("hunter22=", "<the API key>"),
        ("hunter=22", "<the API key>"),
        ("Token aHVudGVyMjI==", "Token <the API key>"),
        ("key=hunter22, user=ann", "<the API key>"),
    ],
)
def test_what_stands_before_the_key_in_its_header_is_told(value: str, password: str) -> None:
    assert connection_of(read_curl(f"curl -H 'Authorization: {value}' https://api.test"))["password"] == password


def test_the_task_is_named_by_the_path_alone(capsys: pytest.CaptureFixture[str]) -> None:
    command = "curl -G https://api.test/v1/geocode --data-urlencode 'address=1600 Amphitheatre'"

    import_curl(argparse.Namespace(command=command, task_id=None, conn_id=None, json=False))

    assert "task_id='get_geocode'," in capsys.readouterr().out


@pytest.mark.parametrize("given", [{"task_id": "x y"}, {"conn_id": "a b;c"}, {"task_id": "t" * 251}, {"task_id": ""}])
def test_an_id_that_airflow_does_not_take_is_refused(given: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as raised:
        import_curl(
            argparse.Namespace(
                **{"command": "curl https://a.test", "task_id": None, "conn_id": None, "json": False, **given}
            )
        )

    assert raised.value.code == 2
    assert "must be letters, digits, " in capsys.readouterr().err


def test_people_get_the_operator_and_the_command_for_the_connection(capsys: pytest.CaptureFixture[str]) -> None:
    command = "curl -u bob:hunter22 https://api.test/x"

    import_curl(argparse.Namespace(command=command, task_id="fetch", conn_id="shop", json=False))

    out = capsys.readouterr().out
    assert out.startswith("from airflow_provider_cloudfn import CloudFunctionOperator\n\nCloudFunctionOperator(\n")
    assert "task_id='fetch'," in out
    assert 'airflow connections add shop --conn-json \'{"conn_type": "cloudfn"' in out
    assert "hunter22" not in out


def test_what_it_prints_imports_from_the_package() -> None:
    assert hasattr(airflow_provider_cloudfn, "lit")
    assert "AIRFLOW_HOME" in os.environ
