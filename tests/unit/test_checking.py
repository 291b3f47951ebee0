"""What is wrong with a task's expressions, told before it runs."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_cloudfn import cel
from airflow_provider_cloudfn.checking import Surroundings, task_problems
from airflow_provider_cloudfn.fields import Field, Reading

URI = Field("uri", Reading.TEXT)
BODY = Field("body", Reading.DOCUMENT)
QUERY = Field("query", Reading.PAIRS)
RETURNS = Field("returns", Reading.VALUE, after_call=True)

SURROUNDINGS = Surroundings(
    task_id="charge",
    upstream=frozenset({"fetch_order", "fetch-order", "group.inner"}),
    tasks=frozenset({"fetch_order", "fetch-order", "group.inner", "charge", "later", "other.later-on"}),
)


def problems(field: Field, value: Any) -> list[str]:
    return [str(problem) for problem in task_problems([(field, value)], SURROUNDINGS)]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        (URI, '"/v1/" + steps.fetch_order.id'),
        (URI, '"/v1/" + steps["fetch-order"].id + steps["group.inner"].id'),
        (BODY, {"a": cel("context['x'].y"), "b": cel("events.map(e, e.result)"), "c": cel("params.a")}),
        (BODY, 'contextEventPath("charge.created:id")'),
        (RETURNS, "response.body.items.filter(i, i.steps == run.id)"),
    ],
)
def test_what_is_right_has_no_problem(field: Field, value: Any) -> None:
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
    ],
)
def test_what_is_wrong_is_told_with_its_place_and_what_to_do(field: Field, value: Any, parts: list[str]) -> None:
    (problem,) = problems(field, value)

    for part in parts:
        assert part in problem


def test_all_problems_of_a_task_are_told_at_once() -> None:
    found = task_problems(
        [(URI, "stesp.a"), (BODY, {"a": cel("1 +"), "b": cel("params.x")}), (RETURNS, "nope")], SURROUNDINGS
    )

    assert len(found) == 3


def test_outside_a_dag_the_steps_are_not_checked() -> None:
    assert task_problems([(URI, '"/" + steps.anything.id')], None) == []
