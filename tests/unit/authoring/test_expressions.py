"""What is wrong with a task's expressions, told before it runs."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_cloudfn import cel
from airflow_provider_cloudfn.authoring.expressions import RECORDS, written_problems
from airflow_provider_cloudfn.authoring.parameter import Parameter, Reading
from airflow_provider_cloudfn.authoring.reading import read
from airflow_provider_cloudfn.authoring.task import Surroundings
from airflow_provider_cloudfn.client.response import Response

URI = Parameter("uri", Reading.TEXT)
BODY = Parameter("body", Reading.DOCUMENT)
QUERY = Parameter("query", Reading.PAIRS)
RETURNS = Parameter("returns", Reading.VALUE, after_call=True)

SURROUNDINGS = Surroundings(
    task_id="charge",
    upstream=frozenset({"fetch_order", "fetch-order", "group.inner"}),
    tasks=frozenset({"fetch_order", "fetch-order", "group.inner", "charge", "later", "other.later-on"}),
)


def problems(field: Parameter, value: Any) -> list[str]:
    return [str(problem) for problem in written_problems(field, read(field, value), SURROUNDINGS)]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        (URI, '"/v1/" + steps.fetch_order.id'),
        (URI, '"/v1/" + steps["fetch-order"].id + steps["group.inner"].id'),
        (BODY, {"a": cel("context['x'].y"), "b": cel("events.map(e, e.result)"), "c": cel("params.a")}),
        (BODY, 'contextEventPath("charge.created:id")'),
        (RETURNS, "response.body.items.filter(i, i.steps == run.id)"),
        (RETURNS, "has(response.bdy) || response.?bdy.hasValue() || response[?'bdy'].hasValue() || 'bdy' in response"),
        (RETURNS, "[1].map(fetch_order, fetch_order)"),
        (RETURNS, 'response.headers["content-type"] + response.headers.etag'),
        (RETURNS, 'response.headers[?"Content-Type"].orValue("")'),
    ],
)
def test_what_is_right_has_no_problem(field: Parameter, value: Any) -> None:
    assert problems(field, value) == []


@pytest.mark.parametrize(
    ("field", "value", "parts"),
    [
        (URI, '"/v1/" + stesp.fetch_order', ["uri: 1:10: ", "'stesp'", "'steps'", "^"]),
        (URI, '"/v1/" + steps.fetch_ordr.id', ["uri: 1:", "no step 'fetch_ordr'", "did you mean steps.fetch_order?"]),
        (URI, '"/" + steps.later.id', ["does not run before 'charge'", "add `later >> charge`"]),
        (URI, '"/" + steps["other.later-on"].id', ["add `later_on >> charge`"]),
        (URI, '"/" + steps.charge.id', ["a step can't read itself"]),
        (URI, '"/" + steps.group.inner.id', ['write steps["group.inner"]']),
        (URI, '"/" + steps.inner.id', ['did you mean steps["group.inner"]?']),
        (
            URI,
            '"/" + steps.fetch-order.id',
            ["uri: 1:7: ", 'steps.fetch-order is a subtraction; write steps["fetch-order"]'],
        ),
        (URI, '"/" + response.body.id', ["'response' exists only after the call"]),
        (URI, "/v1/charges", ["uri: ", '"/v1/charges"']),
        (URI, '"/v1/{{ ds }}"', ["Jinja"]),
        (QUERY, {"since": "2024-01-01"}, ['query["since"]: ', "2024-01-01", "arithmetic", "2022"]),
        (BODY, '{"a": steps.fetch_order.id', ["body: "]),
        (BODY, {"a": {"b": cel("1 +")}}, ["body.a.b: "]),
        (BODY, "{'a': fetch_order.id}", ["body: 1:7: ", "unknown name 'fetch_order'; did you mean steps.fetch_order?"]),
        (BODY, "{'a': fetch-order.id}", ["body: 1:7: ", """'fetch-order'; did you mean steps["fetch-order"]?"""]),
        (BODY, "{'a': group.inner.id}", ["body: 1:7: ", """'group'; did you mean steps["group.inner"]?"""]),
        (BODY, "{'a': inner.id}", ["body: 1:7: ", """'inner'; did you mean steps["group.inner"]?"""]),
        (URI, "fetch_order.id", ["uri: 1:1: unknown name 'fetch_order'; did you mean steps.fetch_order?\n"]),
        (URI, "fetch-order.id", ["uri: 1:1: ", """'fetch-order'; did you mean steps["fetch-order"]?\n"""]),
        (URI, "fetch_order", ["did you mean steps.fetch_order? Text stands in quotes: '\"fetch_order\"'"]),
        (URI, "application/later", ["text stands in quotes: write '\"application/later\"'"]),
        (RETURNS, "response.bdy", ["returns: 1:1: 'response' has no field 'bdy'; did you mean response.body?"]),
        (RETURNS, "has(response.bdy.id)", ["did you mean response.body?"]),
        (
            RETURNS,
            'response["json"]',
            ["'response' has no field 'json'; it has status, headers, body, url, request_id"],
        ),
        (URI, "'/' + run.idd", ["'run' has no field 'idd'; did you mean run.id?"]),
        (RETURNS, "response.headers['Content-Type']", ['write response.headers["content-type"]']),
        (RETURNS, "response.headers.ETag", ['write response.headers["etag"]']),
    ],
)
def test_what_is_wrong_is_told_with_its_place_and_what_to_do(field: Parameter, value: Any, parts: list[str]) -> None:
    (problem,) = problems(field, value)

    for part in parts:
        assert part in problem


def test_all_problems_of_a_task_are_told_at_once() -> None:
    given = [(URI, "stesp.a"), (BODY, {"a": cel("1 +"), "b": cel("params.x")}), (RETURNS, "nope")]
    found = [
        one for parameter, value in given for one in written_problems(parameter, read(parameter, value), SURROUNDINGS)
    ]

    assert len(found) == 3


def test_all_problems_of_an_expression_are_told_in_the_order_of_its_source() -> None:
    source = (
        '{"x": steps.later.id, "y": steps.nope, "z": parms.x, "r": response.body, "d": steps.fetch-order, "q": "\\q"}'
    )

    found = problems(BODY, source)

    assert [text.split(": ")[1] for text in found] == ["1:7", "1:28", "1:45", "1:59", "1:79", "1:104"]
    for text, part in zip(
        found, ["'later' does not run", "no step 'nope'", "'parms'", "'response'", "subtraction", "escape"], strict=True
    ):
        assert part in text


def test_the_fields_of_records_are_those_that_there_are() -> None:
    answer = Response(status=200, headers={}, body=None, content=b"", url="", request_id=None).as_variable()

    assert RECORDS["response"] == tuple(answer)


def test_outside_a_dag_the_steps_are_not_checked() -> None:
    assert list(written_problems(URI, read(URI, '"/" + steps.anything.id'), None)) == []
