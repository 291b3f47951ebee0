"""How a step sends its request: again, under a key, into a file, with secrets inside."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import re
from typing import Any

import pytest
from kit import dag_runs


@pytest.fixture(autouse=True)
def service(connected: Any, connection: Any) -> Any:
    server = connected(extra={"secret_values": {"tenant_key": "t3nant/key+value"}})
    key = {"login": "AKIDEXAMPLE", "password": "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"}
    region = {"region_name": "eu-central-1", "endpoint_url": server.url}
    connection("connect", conn_type="amazon_connect", **key, extra=region)
    return server


def call(**parameters: str) -> str:
    return dag_runs.call(**{"cloudfn_conn_id": "'service'", "uri": "'\"/thing\"'", **parameters})


# --- again ---------------------------------------------------------------------------------------------------------------


def test_a_call_is_sent_again_where_that_does_no_harm(run: Any, service: Any) -> None:
    service.answer_in_turn((502, {}, {"Retry-After": "0"}), (200, {"a": 1}))

    assert run(call()).xcom("call") == {"a": 1}
    assert len(service.received) == 2


@pytest.mark.parametrize(
    ("parameters", "requests"),
    [
        ({}, 1),
        ({"idempotency_key": "True"}, 3),
        ({"idempotency_key": "'X-Once'"}, 3),
        ({"idempotency_key": "True", "retry_attempts": "2"}, 2),
        ({"retry_when": "'response.status == 502 && response.body.code == 7'"}, 3),
        ({"retry_when": "'response.status == 502 && response.body.code == params.nope'", "idempotency_key": "True"}, 3),
        ({"retry_when": "'response.body.code'"}, 1),
    ],
)
def test_a_post_is_sent_again_when_it_is_told_that_it_may(
    run: Any, service: Any, parameters: dict[str, str], requests: int
) -> None:
    service.answer_in_turn((502, {"code": 7}, {"Retry-After": "0"}))

    result = run(call(method="'POST'", **parameters))

    assert result.states == {"call": ["failed"]}
    assert len(service.received) == requests


def test_a_retry_can_be_told_by_the_body_of_a_success(run: Any, service: Any) -> None:
    service.answer_in_turn((200, {"state": "busy"}, {"Retry-After": "0"}), (200, {"state": "done"}))

    result = run(call(retry_when="'response.body.state != inputs.wanted'", inputs="{'wanted': 'done'}"))

    assert result.xcom("call") == {"state": "done"}


def test_a_retry_after_that_is_too_long_is_left_to_the_task(run: Any, service: Any) -> None:
    service.answer(429)
    service.answer_in_turn((429, {}, {"Retry-After": "5"}))

    result = run(call(retry_total="1"))

    assert result.states == {"call": ["failed"]}
    assert len(service.received) == 1


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"idempotency_key": "cel('inputs.id')", "inputs": "{'id': ' '}"}, "idempotency_key: gives empty text"),
        ({"idempotency_key": "cel('inputs.?id')", "inputs": "{}"}, "idempotency_key: gives null"),
        (
            {"idempotency_key": "cel('inputs')", "inputs": "{}"},
            "idempotency_key: must give text or an integer, not a map",
        ),
        ({"idempotency_key": "cel('1.5')"}, "idempotency_key: must give text or an integer, not a double"),
        (
            {"idempotency_key": "True", "headers": 'cel(\'{"idempotency-key": "mine"}\')'},
            "idempotency_key sets this header",
        ),
        ({"response_file": "7"}, "response_file: must be an ObjectStoragePath or its text, not an integer"),
        ({"response_file": "'{{ \"\" }}'"}, "response_file: must be an ObjectStoragePath or its text, not empty text"),
        ({"uri": "lit('http://ann:pw@127.0.0.1/x')"}, "credentials"),
        ({"response_file": "'nope://x/y'"}, "response_file: 'nope://x/y' is no path of an object storage"),
        (
            {"response_file": "'file:///nowhere/x'", "method": "'POST'"},
            "/thing: was not sent, because its answer can't be written where it should go (FileNotFoundError",
        ),
        ({"files": "cel('\"file:///x\"')", "method": "'POST'"}, "files: must be a map of paths, not text"),
        ({"files": "{'a': 'file:///nowhere/x'}", "method": "'POST'"}, 'files["a"]: file:///nowhere/x can\\\'t be read'),
        (
            {"body": "{'a': secret('nope')}", "method": "'POST'"},
            "secret('nope'): the connection's secret_values have no such name",
        ),
    ],
)
def test_what_cannot_be_sent_is_refused(
    run: Any, service: Any, capfd: pytest.CaptureFixture[str], parameters: dict[str, str], message: str
) -> None:
    result = run(call(**parameters))

    assert result.states == {"call": ["failed"]}
    assert service.received == []
    assert message.replace("\\", "") in "".join(capfd.readouterr()).replace("\\", "")


# --- under a key ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("written", "header"), [("True", "idempotency-key"), ("'X-Once'", "x-once")])
def test_the_key_is_the_same_on_every_try_and_that_of_the_expressions(
    run: Any, service: Any, written: str, header: str
) -> None:
    run(
        call(
            method="'POST'",
            idempotency_key=written,
            success_when="'run.try_number == 2'",
            headers="{'X-Own': 'run.idempotency_key'}",
            retries="1",
            retry_delay="datetime.timedelta(0)",
        )
    )

    first, second = service.received
    assert first.headers[header] == second.headers[header] == first.headers["x-own"]


def test_each_instance_of_a_mapped_step_has_a_key_of_its_own(run: Any, service: Any) -> None:
    run("""
    CloudFunctionOperator.partial(
        task_id="call", cloudfn_conn_id="service", method="POST", uri='"/thing"', idempotency_key=True
    ).expand(inputs=[1, 2, 3])
    """)

    assert len({request.headers["idempotency-key"] for request in service.received}) == 3


def test_a_key_that_an_expression_gives_follows_what_it_names_and_not_the_map_index(run: Any, service: Any) -> None:
    result = run("""
    CloudFunctionOperator.partial(
        task_id="call", cloudfn_conn_id="service", method="POST", uri='"/thing"', body="inputs",
        idempotency_key=cel("inputs"), completion_event=CompletionEvent("done"),
    ).expand(inputs=[7, "cus_8", 7])
    """)

    by_customer = {(request.json(), request.headers["idempotency-key"]) for request in service.received}
    events = {extra["metadata"]["id"] for _, extra, _ in result.asset_events()}
    assert {customer for customer, _ in by_customer} == {7, "cus_8"}
    assert (len(by_customer), len({key for _, key in by_customer}), len(events)) == (2, 2, 2)


def test_what_an_expression_reads_as_the_key_is_the_key_that_is_sent(run: Any, service: Any) -> None:
    result = run("""
    CloudFunctionOperator.partial(
        task_id="call", cloudfn_conn_id="service", method="POST", uri='"/thing/" + run.idempotency_key',
        headers={"X-Run": "run.id"}, body={"reference": cel("run.idempotency_key")},
        idempotency_key=cel("run.dag_id + '/' + string(inputs)"), success_when="response.url.contains(run.idempotency_key)",
    ).expand(inputs=[7, 8])
    """)

    sent = [
        (request.headers["idempotency-key"], request.json()["reference"], request.target.rpartition("/")[2])
        for request in service.received
    ]
    assert result.state == "success"
    assert len(set(sent)) == 2
    assert all(len(set(keys)) == 1 for keys in sent)


def test_a_key_can_t_be_made_of_itself(run: Any, service: Any, capfd: pytest.CaptureFixture[str]) -> None:
    run(call(method="'POST'", idempotency_key="cel('run.idempotency_key')"))

    assert service.received == []
    assert "by which no request can be told from another" in "".join(capfd.readouterr())


@pytest.mark.parametrize(
    ("body", "token"), [("{'InstanceId': 'i'}", None), ("None", None), ("{'ClientToken': 'mine'}", "mine")]
)
def test_amazon_connect_takes_the_key_in_the_body(run: Any, service: Any, body: str, token: str | None) -> None:
    run(call(cloudfn_conn_id="'connect'", method="'PUT'", body=body, idempotency_key="True"))

    (request,) = service.received
    assert "idempotency-key" not in request.headers
    sent = request.json()["ClientToken"]
    assert sent == token if token else re.fullmatch(r"[0-9a-f-]{36}", sent)


@pytest.mark.parametrize(("body", "key"), [("[1]", "True"), ("{}", "'X-Once'")])
def test_amazon_connect_has_no_other_place_for_it(
    run: Any, service: Any, capfd: pytest.CaptureFixture[str], body: str, key: str
) -> None:
    run(call(cloudfn_conn_id="'connect'", method="'PUT'", body=body, idempotency_key=key))

    assert service.received == []
    assert "ClientToken" in "".join(capfd.readouterr())


# --- into a file, and from files -----------------------------------------------------------------------------------------


def test_the_body_goes_into_a_file(run: Any, service: Any, tmp_path: Any) -> None:
    content = b"a;b\n" * 1000
    service.answer(200, content, "text/csv")

    result = run(
        call(
            response_file=f"'file://{tmp_path}/{{{{ dag.dag_id }}}}.csv'",
            completion_event="CompletionEvent('exported')",
            success_when="'response.status == 200 && response.body == null'",
        )
    )

    described = {
        "path": f"file://{tmp_path}/d.csv",
        "size": 4000,
        "media_type": "text/csv",
        "sha256": hashlib.sha256(content).hexdigest(),
    }
    assert (tmp_path / "d.csv").read_bytes() == content
    assert result.xcom("call") == described
    assert result.xcom("call", "completion_event")["result"] == described


def test_an_expression_can_name_the_file(run: Any, service: Any, tmp_path: Any) -> None:
    service.answer(200, b"x", "text/plain")

    result = run(call(response_file=f"cel('\"file://{tmp_path}/\" + run.task_id')", returns="'response.status'"))

    assert (tmp_path / "call").read_bytes() == b"x"
    assert result.xcom("call") == 200


def test_an_error_leaves_no_file(run: Any, service: Any, tmp_path: Any) -> None:
    service.answer(404, {"error": "no"})

    assert run(call(response_file=f"'file://{tmp_path}/x'")).states == {"call": ["failed"]}
    assert list(tmp_path.iterdir()) == []


def test_a_call_that_fails_half_way_leaves_the_file_that_was_there(run: Any, service: Any, tmp_path: Any) -> None:
    (tmp_path / "x").write_text("yesterday's")
    service.answer_in_turn(
        (200, gzip.compress(b"a" * 100_000)[:-50], {"Content-Encoding": "gzip", "Content-Type": "text/csv"})
    )

    assert run(call(response_file=f"'file://{tmp_path}/x'", retry_attempts="1")).states == {"call": ["failed"]}
    assert [(file.name, file.read_text()) for file in tmp_path.iterdir()] == [("x", "yesterday's")]


def test_files_are_sent_in_a_form(run: Any, service: Any, tmp_path: Any) -> None:
    (tmp_path / "order.json").write_text('{"id": 1}')
    (tmp_path / "b.bin").write_bytes(b"\x00\x01")

    run(
        call(
            method="'POST'",
            body="{'kind': 'order', 'run': cel('run.dag_id')}",
            files=f"{{'document': 'file://{tmp_path}/order.json', 'more': [ObjectStoragePath('file://{tmp_path}/b.bin')]}}",
        )
    )

    (request,) = service.received
    assert request.headers["content-type"].startswith("multipart/form-data; boundary=")
    for piece in (
        b'name="kind"',
        b'name="run"',
        b'filename="order.json"',
        b'{"id": 1}',
        b"application/json",
        b"\x00\x01",
    ):
        assert piece in request.body


@pytest.mark.parametrize(
    ("style", "path"), [("repeat", "a=1&a=2"), ("brackets", "a%5B%5D=1&a%5B%5D=2"), ("comma", "a=1,2")]
)
def test_lists_are_written_as_the_service_reads_them(run: Any, service: Any, style: str, path: str) -> None:
    run(call(query="{'a': ['\"1\"', '\"2\"']}", list_style=repr(style)))

    assert service.received[0].target.replace("[]", "%5B%5D").replace("%2C", ",") == f"/thing?{path}"


def test_a_large_body_can_go_compressed(run: Any, service: Any) -> None:
    run(call(method="'POST'", body="{'text': 'x' * 5000}", compress="True"))

    (request,) = service.received
    assert json.loads(gzip.decompress(request.body)) == {"text": "x" * 5000}


# --- with secrets inside -------------------------------------------------------------------------------------------------


def test_a_secret_is_filled_in_at_sending_and_shown_nowhere(
    run: Any, service: Any, capfd: pytest.CaptureFixture[str]
) -> None:
    result = run(
        call(
            method="'POST'",
            query="{'key': secret('tenant_key'), 'plain': '\"a\"'}",
            headers="{'X-Tenant': secret('tenant_key')}",
            body="{'key': secret('tenant_key'), 'list': [secret('tenant_key'), 1, cel('run.dag_id')]}",
        )
    )

    (request,) = service.received
    assert request.target == "/thing?key=t3nant%2Fkey%2Bvalue&plain=a"
    assert request.headers["x-tenant"] == "t3nant/key+value"
    assert request.json() == {"key": "t3nant/key+value", "list": ["t3nant/key+value", 1, "d"]}
    shown = "".join(capfd.readouterr()) + repr(result.rendered("call")) + repr(result.xcom("call"))
    assert "t3nant" not in shown
    assert base64.b64encode(b"t3nant/key+value").decode() not in shown


def test_a_secret_goes_with_a_mapped_step_too(run: Any, service: Any) -> None:
    run("""
    CloudFunctionOperator.partial(
        task_id="call", cloudfn_conn_id="service", uri='"/thing"', headers={"X-Tenant": secret("tenant_key")}
    ).expand(inputs=[1, 2])
    """)

    assert [request.headers["x-tenant"] for request in service.received] == ["t3nant/key+value"] * 2
