from __future__ import annotations

import copy
import json
import pickle

import pytest

from airflow_provider_cloudfn import cel
from airflow_provider_cloudfn.auth.message import HttpResponse
from airflow_provider_cloudfn.client.asked_by_name import Headers
from airflow_provider_cloudfn.client.response import read_response
from airflow_provider_cloudfn.exceptions import ExpressionError
from airflow_provider_cloudfn.json_encoding import to_json_value

SHOWN = {"content-type": "text/plain"}
HEADERS = Headers(SHOWN, ["a=1; Path=/", "b=2"])


def test_what_is_asked_for_by_its_name_is_there() -> None:
    assert HEADERS["set-cookie"] == HEADERS.get("set-cookie") == "a=1; Path=/, b=2"
    assert "set-cookie" in HEADERS


def test_it_is_in_no_copy_and_in_no_list() -> None:
    assert dict(HEADERS) == {**HEADERS} == to_json_value(HEADERS) == json.loads(json.dumps(HEADERS)) == SHOWN
    assert len(HEADERS) == 1
    assert "a=1" not in repr(HEADERS)


@pytest.mark.parametrize("name", ["set-cookie", "other"])
def test_what_did_not_come_is_not_there(name: str) -> None:
    headers = Headers(SHOWN, [])

    assert name not in headers
    assert headers.get(name, "none") == "none"
    with pytest.raises(KeyError):
        headers[name]


@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, lambda value: pickle.loads(pickle.dumps(value))])
def test_a_copy_of_the_object_itself_has_it(again: object) -> None:
    assert again(HEADERS)["set-cookie"] == HEADERS["set-cookie"]  # type: ignore[operator]  # one of those above


ANSWER = read_response(
    HttpResponse(200, (("X-CSRF-Token", "t1"), ("Set-Cookie", "SID=abc; path=/"), ("Set-Cookie", "b=2"))), "https://h/"
).as_variable()


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ('response.headers["set-cookie"]', "SID=abc; path=/, b=2"),
        ('"set-cookie" in response.headers', True),
        ("has(response.headers.missing)", False),
        ("response.headers", {"x-csrf-token": "t1"}),
        ("response.headers.map(name, name)", ["x-csrf-token"]),
        ("size(response.headers)", 1),
        ("response.cookies", {"SID": "abc", "b": "2"}),
        ('"SID=" + response.cookies.SID', "SID=abc"),
        ("has(response.cookies.other)", False),
        ("response.?cookies.?SID.orValue('')", "abc"),
        ("response.map(name, name)", ["status", "headers", "body", "url", "request_id"]),
    ],
)
def test_an_expression_reads_a_cookie_where_it_asks_for_it(expression: str, value: object) -> None:
    assert cel.compile(expression, variables={"response"}).evaluate({"response": ANSWER}) == value


def test_the_whole_answer_is_returned_without_them() -> None:
    value = to_json_value(cel.compile("response", variables={"response"}).evaluate({"response": ANSWER}))

    assert "SID" not in str(value)


def test_a_cookie_that_did_not_come_is_an_error() -> None:
    with pytest.raises(ExpressionError, match="no such key"):
        cel.compile("response.cookies.x", variables={"response"}).evaluate({"response": ANSWER})
