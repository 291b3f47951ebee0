"""What is charged grows with what is done: over every function there is, and where Python's own cost is more than linear."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_cloudfn import cel
from airflow_provider_cloudfn.cel import functions, searching
from airflow_provider_cloudfn.cel.calls import call
from airflow_provider_cloudfn.cel.faults import Fault, LimitFault
from airflow_provider_cloudfn.cel.frame import Frame
from airflow_provider_cloudfn.cel.functions import regex
from airflow_provider_cloudfn.cel.limits import DEFAULT_LIMITS, Budget, Limits
from airflow_provider_cloudfn.cel.registry import FUNCTIONS, METHODS, Overloads
from airflow_provider_cloudfn.exceptions import ExpressionError, ExpressionLimitError
from airflow_provider_cloudfn.json_encoding import parse_foreign_json

if TYPE_CHECKING:
    from collections.abc import Callable

functions.names()  # loads all libraries

#: What takes the same time however large a list or map is.
CONSTANT = {"size", "first", "last", "dyn", "type", "optional.of", "optional.ofNonZeroValue"}
#: What refuses lists, or looks no key up in them.
REFUSING = {"string", "url.encode", "_in_"}

#: What takes only certain values: those, for a number of characters or elements.
PARTICULAR: dict[str, Callable[[int], list[Any]]] = {
    "matches": lambda length: ["a" * length, "b+"],
    "regex.extract": lambda length: ["a" * length, "b+"],
    "regex.extractAll": lambda length: ["a" * length, "b+"],
    "regex.replace": lambda length: ["a" * length, "b+", "c", -1],
    "join": lambda length: [["a"] * length, ","],
    "slice": lambda length: [[1] * length, 0, length],
}

SIGNATURES = [
    pytest.param(name, overloads, kinds, id=f"{name}({', '.join(kinds)})")
    for table in (FUNCTIONS, METHODS)
    for name, arities in table.items()
    if name not in CONSTANT | REFUSING
    for overloads in arities.values()
    for kinds, _ in overloads.declared
    if {"list", "map", "string", "bytes", "dyn", "..."} & set(kinds)
]


def values_of(kind: str, length: int) -> Any:
    return {
        "string": "a" * length,
        "bytes": b"a" * length,
        "list": [1] * length,
        "map": {str(number): 1 for number in range(length)},
        "dyn": [1] * length,
        "...": [1] * length,
        "int": 1,
        "number": 1,
        "double": 1.0,
        "timestamp": cel.evaluate("timestamp(0)", {}),
        "duration": cel.evaluate("duration('1s')", {}),
        "optional_type": cel.Optional(1),
    }[kind]


def charged(overloads: Overloads, values: list[Any]) -> int:
    frame = Frame({}, 0, DEFAULT_LIMITS)
    try:
        call(overloads, [lambda _frame, value=value: value for value in values], 0)(frame)
    except LimitFault:
        return DEFAULT_LIMITS.steps
    except Fault:
        pass
    return DEFAULT_LIMITS.steps - frame.budget.left


@pytest.mark.parametrize(("name", "overloads", "kinds"), SIGNATURES)
def test_four_times_the_data_is_charged_thrice_as_much_at_least(
    name: str, overloads: Overloads, kinds: tuple[str, ...]
):
    def values(length: int) -> list[Any]:
        if name in PARTICULAR and kinds[0] in ("list", "string"):
            return PARTICULAR[name](length)[: len(kinds)]
        return [values_of(kind, length) for kind in kinds]

    charged(overloads, values(1))  # compiles what a pattern has to compile
    small, large = (charged(overloads, values(length)) for length in (10_000, 40_000))
    assert large >= min(3 * small, DEFAULT_LIMITS.steps)
    assert small > 0


def steps(source: str, variables: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> int:
    budgets: list[Budget] = []
    create = Budget.__init__

    def remembered(budget: Budget, limits: cel.Limits) -> None:
        create(budget, limits)
        budgets.append(budget)

    monkeypatch.setattr(Budget, "__init__", remembered)
    program = cel.compile(source, variables=variables)
    budgets.clear()
    program.evaluate(variables)
    (budget,) = budgets
    return DEFAULT_LIMITS.steps - budget.left


@pytest.mark.parametrize(
    "source",
    [
        "t.contains(p)",
        "t.indexOf(p)",
        "t.indexOf(p, 0)",
        "t.lastIndexOf(p)",
        "t.lastIndexOf(p, 1)",
        "t.replace(p, '')",
        "t.split(p)",
    ],
)
def test_a_search_in_short_text_costs_the_product_of_both_lengths(source: str, monkeypatch: pytest.MonkeyPatch):
    variables = {"t": "a" * 2_400, "p": "ab" + "a" * 1_200}
    assert steps(source, variables, monkeypatch) >= 2_400 * 1_200 >> 10


def test_long_keys_are_charged_by_their_length(monkeypatch: pytest.MonkeyPatch):
    short, long = (
        steps("x.sortBy(i, t)", {"x": list(range(100)), "t": "a" * length}, monkeypatch) for length in (10, 100_000)
    )
    assert long - short >= 100 * 100_000 >> 9


class Counted(int):
    """An integer that counts how often it is compared."""

    compared = 0

    def __eq__(self, other: object) -> bool:
        Counted.compared += 1
        return int(self) == other

    __hash__ = int.__hash__


def test_integers_of_one_hash_are_compared_no_more_often_than_others(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(Counted, "compared", 0)
    colliding = [Counted(number * (2**61 - 1)) for number in range(100, 400)]
    assert cel.evaluate("x.distinct()", {"x": colliding}) == colliding
    assert Counted.compared <= 2 * len(colliding)


def test_a_key_of_a_map_fits_in_64_bits():
    with pytest.raises(ExpressionError, match="fits in 64 bits"):
        cel.evaluate("{x: 1}", {"x": 2**64})


@pytest.mark.parametrize("source", ["regex.extractAll(t, p)", "regex.replace(t, p, '')"])
def test_matches_that_look_at_all_of_the_text_each_are_charged_for_it(source: str):
    with pytest.raises(ExpressionLimitError, match="steps"):
        cel.evaluate(source, {"t": "<b>" * 60_000, "p": "<b>(?:[^~]*~)?"})


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("t.matches('b$')", False),
        ("regex.extractAll(t, '(a{9})')", ["a" * 9] * 3),
        ("regex.replace(t, 'a{9}', 'b')", "bbbaa"),
    ],
)
def test_a_long_search_is_waited_for_in_another_thread_and_finds_the_same(
    source: str, value: Any, monkeypatch: pytest.MonkeyPatch
):
    assert cel.evaluate(source, {"t": "a" * 29}) == value
    monkeypatch.setattr(regex, "_LONG_SEARCH", 0)
    assert cel.evaluate(source, {"t": "a" * 29}) == value


TEXTS = st.text("ab", max_size=40)


@given(text=TEXTS, part=st.text("ab", max_size=5), place=st.integers(0, 40))
def test_a_search_by_windows_finds_what_python_finds(text: str, part: str, place: int):
    place = min(place, len(text))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(searching, "_WINDOW", 7)
        budget = Budget(DEFAULT_LIMITS)
        assert searching.find(budget, text, part, place) == text.find(part, place)
        assert searching.last(budget, text, part, place) == text.rfind(part, 0, place)


@given(text=st.text("aBé ", max_size=40))
def test_text_that_is_changed_by_windows_is_that_which_is_changed_at_once(text: str):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(searching, "_CHANGED", 3)
        assert searching.in_windows(text, str.swapcase) == text.swapcase()


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        *((written, "9" * 4_000) for written in ("string(x)", "url.encode(x)", "json.encode(x)", "'%s'.format([x])")),
        *((written, f"0.{'1' * 4_000}") for written in ("string(x)", "url.encode(x)", "json.encode(x)", "-x")),
    ],
)
def test_a_number_costs_what_its_digits_do(expression: str, text: str) -> None:
    x = parse_foreign_json(text)
    program = cel.compile(expression, variables={"x"})

    with pytest.raises(ExpressionLimitError):
        program.evaluate({"x": x}, limits=Limits(steps=len(text) // 64 - 1))
    assert program.evaluate({"x": 1.5}, limits=Limits(steps=10))
