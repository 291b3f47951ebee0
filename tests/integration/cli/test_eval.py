"""``airflow cloudfn eval``."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_cloudfn.cli.eval_command import completions

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.mark.parametrize(
    ("expression", "value", "kind"),
    [
        ("1 + 2", 3, "int"),
        ("steps.fetch_order.customer", {"id": "c-1"}, "map"),
        ('"a" + steps.fetch_order.id', "a1001", "string"),
        ("has(steps.fetch_order.nope)", False, "bool"),
        ("[1, 2].map(i, i * 2)", [2, 4], "list"),
        ('duration("1h")', "3600s", "duration"),
        ('timestamp("2026-01-01T00:00:00Z")', "2026-01-01T00:00:00Z", "timestamp"),
        ("1.5", 1.5, "double"),
        ("null", None, "null"),
        ('b"a"', "YQ==", "bytes"),
    ],
)
def test_a_value_and_its_type(cloudfn: Callable[..., Any], sample: str, expression: str, value: Any, kind: str) -> None:
    ended = cloudfn("eval", expression, "--sample", sample, "--json")

    assert ended.code == 0
    assert ended.document == {"expression": expression, "value": value, "type": kind, "error": None}


def test_people_see_the_value_and_its_type(cloudfn: Callable[..., Any]) -> None:
    assert cloudfn("eval", "1 + 2").out.split() == ["3", "int"]


def test_an_error_has_its_caret(cloudfn: Callable[..., Any], sample: str) -> None:
    ended = cloudfn("eval", "steps.fetch_order.nope", "--sample", sample)

    assert ended.code == 1
    assert ended.err.splitlines() == [
        "1:19: no such key: 'nope' in steps.fetch_order",
        " | steps.fetch_order.nope",
        " | ..................^",
    ]


def test_in_a_task_the_dag_says_what_is_in_reach(cloudfn: Callable[..., Any], order_to_cash: str) -> None:
    named = ("--dag-id", "charge_orders", "--task-id", "charge", "--file", order_to_cash, "--json")

    assert cloudfn("eval", "params.order_id + run.dag_id", *named).document["value"] == "1001charge_orders"
    assert "there is no step 'fetch_ordr'" in cloudfn("eval", "steps.fetch_ordr.id", *named).err + str(
        cloudfn("eval", "steps.fetch_ordr.id", *named).document
    )


def test_a_secret_is_hidden(cloudfn: Callable[..., Any], tmp_path: Any) -> None:
    sample = tmp_path / "s.json"
    sample.write_text('{"steps": {"a": {"password": "hunter22"}}}')

    for expression in ("steps.a.password", "steps.a"):
        assert "hunter22" not in cloudfn("eval", expression, "--sample", str(sample)).out


def test_many_are_read_from_standard_input(
    cloudfn: Callable[..., Any], sample: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("1 + 1\n\nnope\nsteps.fetch_order.total\n"))

    ended = cloudfn("eval", "-", "--sample", sample)

    assert ended.code == 1
    assert ended.out.split() == ["2", "int", "42", "int"]
    assert "unknown name 'nope'" in ended.err


def test_many_that_are_right_are_well(cloudfn: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("1 + 1\n2\n"))

    assert cloudfn("eval", "-").code == 0


def test_a_line_that_ends_with_a_backslash_goes_on_in_the_next_one(
    cloudfn: Callable[..., Any], sample: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("1 + // one\\\n 1\n1 +\\\n  nope\n1 +\\"))

    ended = cloudfn("eval", "-", "--sample", sample)

    assert ended.out.split() == ["2", "int"]
    assert "2:3: unknown name 'nope'" in ended.err
    assert "the expression ends too early" in ended.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--run-id", "r"), "--run-id: give --dag-id and --task-id too"),
        (("--dag-id", "d"), "--dag-id and --task-id: give both of them, or none"),
    ],
)
def test_what_can_not_be_is_refused(cloudfn: Callable[..., Any], arguments: tuple[str, ...], said: str) -> None:
    ended = cloudfn("eval", "1", *arguments)

    assert ended.code == 2
    assert said in ended.err


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("st", ["steps"]),
        ("steps.", ["steps.fetch"]),
        ("steps.f", ["steps.fetch"]),
        ("steps[", ['steps["a.b"]']),
        ("steps.fetch", ["steps.fetch"]),
        ("steps.fetch.", ["steps.fetch.id", "steps.fetch.items"]),
        ("steps.fetch.items[", ["steps.fetch.items[0]"]),
        ("nope", []),
    ],
)
def test_a_path_is_completed_level_by_level(text: str, found: list[str]) -> None:
    expressions = ["params.a", "steps.fetch.id", "steps.fetch.items", "steps.fetch.items[0].id", 'steps["a.b"].c']

    assert completions(text, expressions) == found
