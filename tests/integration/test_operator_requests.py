"""The method and the body of what a step sends, and what its Content-Type makes of the body."""

from __future__ import annotations

from typing import Any

import pytest
from kit import dag_runs


@pytest.fixture(autouse=True)
def service(connected: Any) -> Any:
    return connected(extra={"auth_type": "none", "secret_values": {"tenant_key": "t3nant-key"}})


def call(**parameters: str) -> str:
    return dag_runs.call(**{"cloudfn_conn_id": "'service'", "uri": "'\"/thing\"'", **parameters})


def typed(media_type: str) -> str:
    return f"{{'Content-Type': '\"{media_type}\"'}}"


FORM = typed("application/x-www-form-urlencoded")
TEXT = typed("text/plain; charset=utf-8")


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"])
def test_every_method_can_be_called(run: Any, service: Any, method: str) -> None:
    result = run(call(method=repr(method), returns="'response.status'"))

    assert result.xcom("call") == 200
    assert [request.method for request in service.received] == [method]


def test_the_answer_to_head_has_headers_and_no_body(run: Any, service: Any) -> None:
    service.answer(200, b"a body that is not sent", "text/csv")

    result = run(
        call(
            method="'HEAD'",
            returns="""'{"type": response.headers["content-type"], "size": response.headers["content-length"], '
                   '"body": response.body}'""",
            completion_event="CompletionEvent('seen')",
        )
    )

    assert result.xcom("call") == {"type": "text/csv", "size": "23", "body": None}
    assert result.xcom("call", "completion_event")["result"] == result.xcom("call")


def test_head_returns_nothing_by_itself_and_its_event_carries_null(run: Any, service: Any) -> None:
    result = run(call(method="'HEAD'", completion_event="CompletionEvent('seen')"))

    assert result.state == "success"
    assert result.xcom("call") is None
    assert result.xcom("call", "completion_event")["result"] is None


@pytest.mark.parametrize(
    ("headers", "body", "sent", "content_type"),
    [
        # JSON, unless something else is said.
        ("None", "{'a': [1, cel('run.dag_id')]}", b'{"a":[1,"d"]}', "application/json"),
        ("None", "cel('\"text\"')", b'"text"', "application/json"),
        (typed("application/vnd.api+json"), "{'a': 1}", b'{"a":1}', "application/vnd.api+json"),
        (typed("text/json"), "{'a': 1}", b'{"a":1}', "text/json"),
        ("None", "cel('null')", b"null", "application/json"),
        ("None", "None", b"", None),
        # A form.
        (FORM, "{'a': 'b c&d', 'list': [1, 2], 'run': cel('run.dag_id'), 'none': None}",
         b"a=b+c%26d&list=1&list=2&run=d", "application/x-www-form-urlencoded"),
        (FORM, "lit('a=1&b=%20')", b"a=1&b=%20", "application/x-www-form-urlencoded"),
        # Text.
        (TEXT, "lit('Größe')", "Größe".encode(), "text/plain; charset=utf-8"),
        (TEXT, "'\"order \" + run.dag_id'", b"order d", "text/plain; charset=utf-8"),
        (TEXT, "cel('12.5')", b"12.5", "text/plain; charset=utf-8"),
        (TEXT, "secret('tenant_key')", b"t3nant-key", "text/plain; charset=utf-8"),
        (typed("application/xml"), "lit('<a/>')", b"<a/>", "application/xml"),
        # Bytes go as they are.
        (typed("application/octet-stream"), "b'\\x00\\x01'", b"\x00\x01", "application/octet-stream"),
        (TEXT, "cel('b\"abc\"')", b"abc", "text/plain; charset=utf-8"),
    ],
)  # fmt: skip
def test_a_body_goes_as_content_type_says(
    run: Any, service: Any, headers: str, body: str, sent: bytes, content_type: str | None
) -> None:
    assert run(call(method="'POST'", headers=headers, body=body)).state == "success"

    (request,) = service.received
    assert request.body == sent
    assert request.headers.get("content-type") == content_type


@pytest.mark.parametrize(
    ("headers", "body", "message"),
    [
        (TEXT, "{'a': 1}", 'body: is a map, and headers["Content-Type"] says text/plain: make it text, or leave'),
        (TEXT, "[1]", "body: is a list, and"),
        (TEXT, "cel('null')", "body: is null, and"),
        (typed("application/xml"), "{'a': 1}", "says application/xml: make it text"),
        (FORM, "[1]", "says application/x-www-form-urlencoded: make it a map or encoded text"),
        (FORM, "cel('5')", "body: is an integer, and"),
        (typed("application/x-ndjson"), "[{'a': 1}]", "make it text with a line for each, such as"),
        (typed("multipart/form-data"), "{'a': 1}", "make it the bytes of the form, or give files="),
        (typed("multipart/mixed; boundary=x"), "{'a': 1}", "make it the bytes of the form, or give files="),
        (typed("application/x-protobuf"), "{'a': 1}", "says application/x-protobuf: make it bytes"),
        (typed("application/octet-stream"), "[1]", "says application/octet-stream: make it bytes"),
        (typed("image/png"), "{'a': 1}", "says image/png: make it bytes"),
        (typed("application/graphql"), "{'query': '{me}'}", "says application/graphql: make it text"),
        ("{'content-type': '\"text/plain\"'}", "{'a': 1}", 'headers["content-type"] says text/plain'),
    ],
)
def test_a_body_that_is_not_what_content_type_says_is_refused(
    run: Any, service: Any, capfd: pytest.CaptureFixture[str], headers: str, body: str, message: str
) -> None:
    result = run(call(method="'POST'", headers=headers, body=body))

    assert result.states == {"call": ["failed"]}
    assert service.received == []
    assert message in "".join(capfd.readouterr())


@pytest.mark.parametrize(
    ("status", "content", "media_type", "messages"),
    [
        # JSON promised but not sent.
        (200, b"<html>proxy</html>", "application/json", ["200", "promises JSON", "req-7"]),
        (200, b'{"a": ', "application/json", ["200", "promises JSON", "req-7"]),
        # No success: status, request id, a redacted excerpt.
        (404, {"error": "no such thing"}, "application/json", ["404", "req-7", "no such thing"]),
        (500, b"oops t3nant-key", "text/plain", ["500", "req-7", "oops ***"]),
    ],
)
def test_an_answer_that_is_no_success_or_not_what_it_says_is_an_error(
    run: Any, service: Any, capfd: pytest.CaptureFixture[str],
    status: int, content: Any, media_type: str, messages: list[str],
) -> None:  # fmt: skip
    service.answer_in_turn((status, content, {"Content-Type": media_type, "X-Request-Id": "req-7"}))

    result = run(call(method="'POST'", completion_event="CompletionEvent('never')"))

    assert result.states == {"call": ["failed"]}
    assert result.xcom("call") is None
    assert result.xcom("call", "completion_event") is None
    shown = "".join(capfd.readouterr())
    for message in messages:
        assert message in shown
    assert "t3nant-key" not in shown


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("uri='\"/v1/\" + steps.nothing.id'", "uri: 1:24: steps.nothing is null, so it has no field 'id'"),
        ("uri='\"/v1/\" + steps.nothing'", "uri: 1:8: "),
        ("uri=given", "uri: must give text, and gives null"),
        ("uri='inputs.id', inputs=given", "uri: 1:8: inputs is null"),
    ],
)
def test_an_xcom_that_is_missing_is_an_error_that_says_where_it_was_read(
    run: Any, service: Any, capfd: pytest.CaptureFixture[str], written: str, message: str
) -> None:
    result = run(f"""
    @task
    def nothing():
        return None

    given = nothing()
    given >> CloudFunctionOperator(task_id="call", cloudfn_conn_id="service", {written})
""")

    assert result.states == {"nothing": ["success"], "call": ["failed"]}
    assert service.received == []
    assert message in "".join(capfd.readouterr())
