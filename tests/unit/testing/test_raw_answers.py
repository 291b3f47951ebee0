"""An answer that is not what its Content-Type says can be read all the same, as text or as bytes."""

from __future__ import annotations

import json
from typing import Any

import pytest

from airflow_provider_cloudfn import CloudFunctionOperator, cel
from airflow_provider_cloudfn.exceptions import LimitError, ResponseError
from airflow_provider_cloudfn.json_encoding import MOST_VALUES
from airflow_provider_cloudfn.testing import Answer, run

JSON = {"Content-Type": "application/json"}
NDJSON = b'{"a":1}\n{"a":2}\n'


def outcome(content: bytes, headers: dict[str, str] = JSON, **parameters: Any) -> Any:
    call = CloudFunctionOperator(task_id="call", uri='"/"', **parameters)
    return run(call, responses=Answer(200, headers, content))


@pytest.mark.parametrize(
    ("content", "returns", "value"),
    [
        (NDJSON, "response.text", NDJSON.decode()),
        (NDJSON, 'response.text.split("\\n").filter(l, l != "").map(l, json.decode(l).a)', [1, 2]),
        (b')]}\'\n{"a":1}', "json.decode(response.text.substring(5))", {"a": 1}),
        (b'{"a":NaN}', 'json.decode(response.text.replace("NaN", "null"))', {"a": None}),
        (b"<html>", "response.status", 200),
        (b"<html>", "size(response.bytes)", 6),
        (b"<html>", {"text": cel("response.text")}, {"text": "<html>"}),
        (b'\xef\xbb\xbf{"a":1}', "json.decode(response.text)", {"a": 1}),
        (b"", "response.text", ""),
        (b"", "response.bytes == b''", True),
        (b'{"a":1}', "[response.body.a, size(response.text), size(response.bytes)]", [1, 7, 7]),
        (b"caf\xe9", "response.text", "caf\ufffd"),
        (b"caf\xe9", "response.bytes", {"content_type": "application/json", "size": 4, "base64": "Y2Fm6Q=="}),
    ],
)
def test_a_step_returns_what_it_makes_of_the_text_or_the_bytes(content: bytes, returns: Any, value: Any) -> None:
    result = outcome(content, returns=returns)

    assert (result.error, result.returned) == (None, value)


@pytest.mark.parametrize(
    ("content_type", "content", "text"),
    [
        ("text/plain; charset=latin1", b"caf\xe9", "café"),
        ("application/octet-stream", b"caf\xc3\xa9", "café"),
        ("application/pdf", b"\xff%", "\ufffd%"),
        ("application/json", json.dumps("é", ensure_ascii=False).encode("utf-16"), '"é"'),
        ("application/xml", b'<?xml version="1.0" encoding="latin1"?>\xe9', '<?xml version="1.0" encoding="latin1"?>é'),
        ("text/plain; charset=klingon", b"caf\xc3\xa9", "café"),
        ("text/plain; charset=base64", b"caf\xc3\xa9", "café"),
    ],
)
def test_the_text_is_in_the_character_set_that_it_names(content_type: str, content: bytes, text: str) -> None:
    assert outcome(content, {"Content-Type": content_type}, returns='{"text": response.text}').returned == {
        "text": text
    }


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"returns": "response.body"},
        {"returns": "response"},
        {"returns": "has(response.body.a) ? response.body.a : response.text"},
        {"returns": "response.text", "success_when": 'response.body != ""'},
        {"returns": "response.text", "event_payload": '{"a": response.body}'},
        {"returns": "response.text", "retry_when": "response.body.a == 1"},
        {"returns": 'response["bo" + "dy"]'},
    ],
)
def test_who_reads_the_body_wants_what_it_promises(parameters: dict[str, str]) -> None:
    error = outcome(NDJSON, **parameters).error

    assert type(error) is ResponseError
    assert "read response.text or response.bytes instead of response.body" in str(error)


@pytest.mark.parametrize(
    ("returns", "error"), [("response.body", LimitError), ("response", LimitError), ("size(response.text)", type(None))]
)
def test_a_step_that_reads_too_many_values_fails_with_what_to_do(returns: str, error: type) -> None:
    result = outcome(b"[" + b"0," * MOST_VALUES + b"0]", returns=returns)

    assert type(result.error) is error


def test_a_recorded_number_is_answered_with_its_digits() -> None:
    call = CloudFunctionOperator(task_id="call", uri='"/"', returns="response.text")
    recorded = {"exchanges": [{"request": {}, "response": {"body": [{"$cloudfn.number": "12345678901234567.89"}]}}]}

    assert run(call, responses=recorded).returned == "[12345678901234567.89]"


def test_what_must_be_true_of_an_answer_can_read_its_text() -> None:
    result = outcome(NDJSON, returns="response.text", success_when='response.text.contains("\\"a\\":2")')

    assert result.error is None
