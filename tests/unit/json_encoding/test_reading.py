"""JSON that somebody else wrote: a long text reads the same whether or not its reading can be ended."""

from __future__ import annotations

import json
import signal
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_cloudfn.json_encoding import parse_foreign_json, reading

if TYPE_CHECKING:
    from collections.abc import Iterator

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@pytest.fixture
def ticks() -> Iterator[list[int]]:
    """Counts the signals that arrive, one each millisecond."""
    arrived: list[int] = []
    before = signal.signal(signal.SIGALRM, lambda number, frame: arrived.append(number))
    timer = signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
    try:
        yield arrived
    finally:
        signal.setitimer(signal.ITIMER_REAL, *timer)
        signal.signal(signal.SIGALRM, before)


@pytest.mark.parametrize("item", ["[]", '"ab"', "1", "true", '{"a":1}'])
def test_signals_arrive_while_a_long_text_is_read(ticks: list[int], item: str):
    text = f"[{','.join([item] * 300_000)}]"
    ticks.clear()

    parse_foreign_json(text, can_be_ended=True)

    assert len(ticks) > 3


@given(VALUES | st.sampled_from([[1.50], {"a": [10**25, 1e-9]}]), st.sampled_from([None, 0, 1]))
def test_it_reads_the_same_in_steps(value: Any, indent: int | None):
    text = json.dumps(value, indent=indent)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reading, "_CHARACTERS_AT_ONCE", 0)
        in_steps = parse_foreign_json(text, can_be_ended=True)

    assert repr(in_steps) == repr(parse_foreign_json(text))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[1,]",
        "[1 2]",
        '{"a" 1}',
        '{"a":1,}',
        '"a',
        "NaN",
        "[-Infinity]",
        "1e400",
        "1" * 5_000,
        "[" * 100_000,
        "tru",
        '"\n"',
        "[1]x",
    ],
    ids=lambda text: text[:12],
)
def test_it_refuses_the_same_in_steps(text: str, monkeypatch: pytest.MonkeyPatch):
    at_once = refusal(text)
    monkeypatch.setattr(reading, "_CHARACTERS_AT_ONCE", 0)

    assert refusal(text) == at_once


def refusal(text: str) -> str:
    with pytest.raises(ValueError, match=r"is none|has|is nested") as caught:
        parse_foreign_json(text, can_be_ended=True)
    return str(caught.value)
