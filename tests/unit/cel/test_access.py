"""Reading variables, fields and elements, of native and of lazy values."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from airflow_provider_cloudfn import cel
from airflow_provider_cloudfn.exceptions import ExpressionError, ExpressionLimitError, ExpressionProblem


def test_a_path_reads_only_what_it_names(lazy):
    steps = lazy({"a": {"b": 1}, "c": RuntimeError("must not be read")})
    variables = lazy({"steps": steps, "params": RuntimeError("must not be read")})
    program = cel.compile("steps.a.b", variables=["steps", "params"])
    assert program.evaluate(variables) == 1
    assert variables.asked == ["steps"]
    assert steps.asked == ["a"]


@pytest.mark.parametrize(
    "source", ["steps.a.b == 1 ? 1 : steps.c", "true || steps.c.d", "has(steps.a.b) ? 1 : steps.c.d"]
)
def test_what_is_not_evaluated_is_not_read(lazy, source: str):
    steps = lazy({"a": {"b": 1}, "c": RuntimeError("must not be read")})
    cel.evaluate(source, {"steps": steps})
    assert "c" not in steps.asked


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("has(x.a)", True),
        ("has(x.nope)", False),
        ("has(x.null.any)", False),
        ("has(x.null)", True),
        ("x.?a.orValue(0)", 1),
        ("x.?nope.deep.orValue(0)", 0),
        ('x[?"nope"].orValue(0)', 0),
        ('x["odd key"]', 2),
        ("x.`odd-key`", 3),
        ("x.list[0]", 1),
        ("x.list[1.0]", 2),
        ("x.as", 4),
    ],
)
def test_fields_and_elements(source: str, expected: Any):
    x = {"a": 1, "null": None, "odd key": 2, "odd-key": 3, "list": [1, 2], "as": 4}
    assert cel.evaluate(source, {"x": x}) == expected


class Rows(Sequence[Any]):
    """A sequence that fetches its elements, and counts how many."""

    def __init__(self, length: int) -> None:
        self.length = length
        self.fetched = 0

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: Any) -> Any:
        if not 0 <= index < self.length:
            raise IndexError
        self.fetched += 1
        return {"id": index}

    def __iter__(self) -> Iterator[Any]:
        return (self[index] for index in range(self.length))


def test_a_lazy_sequence_is_neither_copied_nor_read_further_than_needed():
    rows = Rows(1_000)
    assert cel.evaluate("rows[7].id", {"rows": rows}) == 7
    assert rows.fetched == 1
    assert cel.evaluate("rows.exists(row, row.id == 2)", {"rows": rows}) is True
    assert rows.fetched == 4
    assert cel.evaluate("rows", {"rows": rows}) is rows


def test_asking_for_a_key_does_not_add_it():
    data = defaultdict(list, {"a": [1]})
    assert cel.evaluate("[has(x.b), x.?b.hasValue(), 'b' in x, x.a == [1]]", {"x": data}) == [False, False, False, True]
    assert list(data) == ["a"]


def test_large_values_pass_through_as_they_are():
    body = {"items": list(range(10))}
    assert cel.evaluate("x", {"x": body}) is body
    assert cel.evaluate('{"copy": x.items}', {"x": body})["copy"] is body["items"]


@pytest.mark.parametrize(
    ("value", "source", "expected"),
    [
        (Decimal("12.50"), "x > 12 && x == 12.5", True),
        (Decimal("12.50"), "x + 0.5", 13.0),
        (Decimal("12.50"), "string(x)", "12.50"),
        (Decimal("1E+999999999"), "x > 1", True),
        (UUID(int=1), 'x + "!"', "00000000-0000-0000-0000-000000000001!"),
        (UUID(int=1), "type(x) == string", True),
        (dt.date(2024, 1, 2), "string(x)", "2024-01-02"),
        (dt.date(2024, 1, 2), 'x < timestamp("2024-01-02T00:00:01Z")', True),
        (dt.datetime(2024, 1, 2), 'x == timestamp("2024-01-02T00:00:00Z")', True),  # noqa: DTZ001  # that is the point
        (dt.timedelta(hours=1), 'x == duration("3600s")', True),
        ((1, 2), "x + [3]", [1, 2, 3]),
        ((1, 2), "x == [1, 2]", True),
        (bytearray(b"a"), 'x + b"b"', b"ab"),
        (True, "x == 1", False),
        (2**70, "x > 1", True),
    ],
)
def test_values_of_python_count_as_the_nearest_type(value: Any, source: str, expected: Any):
    assert cel.evaluate(source, {"x": value}) == expected


def test_pendulum_times_are_instants():
    pendulum = pytest.importorskip("pendulum")
    moment = pendulum.datetime(2024, 3, 31, 1, 30, tz="Europe/Berlin")
    result = cel.evaluate('x + duration("1h")', {"x": moment})
    assert result == dt.datetime(2024, 3, 31, 1, 30, tzinfo=dt.UTC)
    assert type(result) is dt.datetime
    assert cel.evaluate("string(x)", {"x": moment}) == "2024-03-31T00:30:00Z"
    assert type(cel.evaluate("x - x", {"x": moment})) is dt.timedelta


def test_an_error_of_a_lazy_variable_gets_the_position_and_keeps_the_rest(lazy):
    error = ExpressionError([ExpressionProblem("two events are in reach; use each()")], field="uri")
    with pytest.raises(ExpressionError) as caught:
        cel.evaluate('"a" + context["charge"].id', {"context": lazy({"charge": error})})
    assert caught.value.problems == (ExpressionProblem("two events are in reach; use each()", 1, 15),)
    assert caught.value.field == "uri"


def test_an_error_of_a_lazy_variable_does_not_count_where_another_operand_decides(lazy):
    steps = lazy({"a": ExpressionError("not there")})
    assert cel.evaluate("steps.a.b || true", {"steps": steps}) is True


def test_a_limit_of_a_lazy_variable_always_counts(lazy):
    with pytest.raises(ExpressionLimitError):
        cel.evaluate("steps.a.b || true", {"steps": lazy({"a": ExpressionLimitError("too large")})})


def test_an_outage_behind_a_lazy_variable_is_no_error_of_the_expression(lazy):
    with pytest.raises(ConnectionError, match="database"):
        cel.evaluate("steps.a.b || true", {"steps": lazy({"a": ConnectionError("the database is away")})})


def test_a_lazy_map_may_say_why_a_key_is_missing(lazy, message):
    class Steps(lazy):
        def __missing_hint__(self, key: str) -> str | None:
            return f"'{key}' is no task of this Dag" if key == "fecth" else None

    steps = Steps({"fetch": 1})
    assert "no such key: 'fecth' in steps; 'fecth' is no task of this Dag" in message("steps.fecth.id", steps=steps)
    assert "no such key: 'other' in steps\n" in message("steps.other.id", steps=steps)


@pytest.mark.parametrize("expression", ["context.paid.id", 'context["paid"].id', '"a" + context["pa" + "id"].id'])
def test_a_lazy_map_may_say_all_of_it_itself(expression, lazy, message):
    class Events(lazy):
        def __missing_message__(self, key: str) -> str:
            return f"no event '{key}' is in reach"

    said = message(expression, context=Events({"charged": 1}))
    assert "no event 'paid' is in reach" in said
    assert "no such key" not in said
