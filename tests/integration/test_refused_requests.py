"""What a URI, a query and headers can't hold, whatever produced it: refused, and nothing is sent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

IMPORTS = """
from airflow.sdk import DAG, task
from airflow_provider_cloudfn import CloudFunctionOperator, cel, lit
"""

URIS = {
    "//evil.example/x": "another host",
    "https://evil.example/x": "a whole URL",
    "@evil.example/x": "a user name",
    "/../../x": "climbs",
    "/%2e%2e/%2e%2e/x": "climbs",
    "/a b": "white space",
    "/a\r\nX-Forged: 1": "white space",
    "/a\x07b": "control character",
    "/a#b": "fragment",
}

#: An expression (one that is known is refused by the parser), data from a step as the URI, data that an expression reads, data under expand, and text.
SOURCES = {
    "an expression": (
        "[call(task_id=f'call_{n}', uri=cel(repr(uri)[1:-1].join(['\"', '\"']) + ' + run.dag_id.substring(1)'))"
        " for n, uri in enumerate(URIS)]"
    ),
    "lit": "[call(task_id=f'call_{n}', uri=lit(uri)) for n, uri in enumerate(URIS)]",
    "a step": "[call(task_id=f'call_{n}', uri=uri(n)) for n in range(len(URIS))]",
    "inputs": "[call(task_id=f'call_{n}', uri='inputs', inputs=uri(n)) for n in range(len(URIS))]",
    "expand": "CloudFunctionOperator.partial(task_id='call', cloudfn_conn_id='service').expand(uri=uris())",
    "a part": "call(task_id='call', uri='\"/\" + inputs', inputs='../../x')",
}


@pytest.fixture
def service(recording_server: Any, connection: Callable[..., None]) -> Any:
    for location in ("header", "query"):
        connection(
            f"key_in_{location}",
            conn_type="cloudfn",
            host=recording_server.url,
            password="s3cret-key-value",
            extra={"auth_type": "api_key", "key_location": location, "key_name": "x-key"},
        )
    connection("service", conn_type="cloudfn", host=f"{recording_server.url}/base", extra={"auth_type": "none"})
    return recording_server


@pytest.mark.parametrize("source", SOURCES)
def test_no_uri_leads_elsewhere(
    run_dag: Callable[..., Any], service: Any, capfd: pytest.CaptureFixture[str], source: str
) -> None:
    result = run_dag(f"""{IMPORTS}
URIS = {list(URIS)!r}

def call(**given):
    return CloudFunctionOperator(cloudfn_conn_id="service", **given)

with DAG("d", schedule=None):
    @task
    def uri(n):
        return URIS[n]

    @task
    def uris():
        return URIS

    {SOURCES[source]}
""")

    states = [state for task_id, found in result.states.items() if task_id.startswith("call") for state in found]
    assert set(states) == {"failed"}
    assert service.received == []
    shown = "".join(capfd.readouterr())
    for message in ["climbs"] if source == "a part" else URIS.values():
        assert message in shown


@pytest.mark.parametrize(
    ("conn_id", "parameter", "name"),
    [
        ("service", "headers", "Authorization"),
        ("service", "headers", "Host"),
        ("service", "headers", "content-length"),
        ("service", "headers", "Transfer-Encoding"),
        ("key_in_header", "headers", "Authorization"),
        ("key_in_header", "headers", "X-Key"),
        ("key_in_query", "query", "x-key"),
    ],
)
def test_what_belongs_to_the_connection_or_to_http_is_refused_and_never_dropped(
    run_dag: Callable[..., Any],
    service: Any,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    conn_id: str,
    parameter: str,
    name: str,
) -> None:
    from airflow import settings

    # Without the parser, which knows some of it before.
    monkeypatch.setattr(settings, "dag_policy", lambda dag: None)
    result = run_dag(f"""{IMPORTS}
with DAG("d", schedule=None):
    @task
    def one():
        return "1"

    @task
    def pairs(name):
        return {{name: "1"}}

    for number, written in enumerate([{{"{name}": '"1"'}}, {{"{name}": one()}}, pairs("{name}")]):
        CloudFunctionOperator(task_id=f"call_{{number}}", cloudfn_conn_id="{conn_id}", uri='"/x"', {parameter}=written)
""")

    assert [result.states[f"call_{number}"] for number in range(3)] == [["failed"]] * 3
    assert service.received == []
    shown = "".join(capfd.readouterr())
    assert shown.count("leave it out") >= 3
    assert f'{parameter}["{name}"]: ' in shown
    assert "s3cret-key-value" not in shown


def test_a_query_name_of_the_key_inside_the_uri_is_refused_too(
    run_dag: Callable[..., Any], service: Any, capfd: pytest.CaptureFixture[str]
) -> None:
    result = run_dag(f"""{IMPORTS}
with DAG("d", schedule=None):
    CloudFunctionOperator(task_id="call", cloudfn_conn_id="key_in_query", uri='"/x?x-key=mine"')
""")

    assert result.states == {"call": ["failed"]}
    assert service.received == []
    assert "x-key" in "".join(capfd.readouterr())
