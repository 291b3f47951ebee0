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
        ("curl 'https://api.test/x?a=1&a=2&b='", "GET", "https://api.test/x", {"a": ["1", "2"], "b": ""}, None),
        ("curl -G -d 'q=a b' -d n=1 https://api.test/x", "GET", "https://api.test/x", {"q": "a b", "n": "1"}, None),
        ("curl --data-urlencode 'q=ä&b' -G https://api.test/x", "GET", "https://api.test/x", {"q": "ä&b"}, None),
        ("curl -d a=1 -d b=2 https://api.test/x", "POST", "https://api.test/x", {}, "a=1&b=2"),
        ("""curl --json '{"a": [1, true, null]}' https://api.test/x""", "POST", "https://api.test/x", {}, {"a": [1, True, None]}),
        ("""curl -X PUT -H 'Content-Type: application/json' -d '"text"' https://api.test/x""", "PUT", "https://api.test/x", {}, "text"),
        ("""curl --json '{"t": "{{ x }}", "e": "1 + 1"}' https://api.test/x""", "POST", "https://api.test/x", {}, {"t": "{{ x }}", "e": "1 + 1"}),
        ("curl -H 'Content-Type: text/plain' --data-binary 'a\nb' https://api.test/x", "POST", "https://api.test/x", {}, "a\nb"),
        ("curl -sSLk \\\n  --compressed https://api.test/x", "GET", "https://api.test/x", {}, None),
        ("curl 'https://api.test/a%20b/{{x}}'", "GET", "https://api.test/a%20b/%7B%7Bx%7D%7D", {}, None),
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
        ("curl -F a=1 https://a.test", "multipart forms are not imported"),
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
