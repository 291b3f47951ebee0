"""What the command line shows of many calls in one step: the first requests, and what becomes of a list of answers."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from kit.dag_runs import call, dag_file

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def step(tmp_path: Path, connected: Any) -> Callable[..., tuple[str, ...]]:
    """Return a function that writes a step and returns the arguments that name it."""
    connected()

    def write(**parameters: str) -> tuple[str, ...]:
        file = tmp_path / "many.py"
        file.write_text(dag_file(call(cloudfn_conn_id="'service'", **parameters)))
        return ("d", "call", "--file", str(file))

    return write


@pytest.fixture
def scores(step: Callable[..., tuple[str, ...]]) -> Callable[..., tuple[str, ...]]:
    """Return a function that writes a step with a call for each of some items."""
    return lambda items: step(
        method="'POST'",
        uri="'\"/scores/\" + item'",
        body="'{\"index\": index}'",
        for_each=f"ForEach({items}, key='item')",
        idempotency_key="True",
        returns="'response.body.score'",
    )


@pytest.fixture
def answers(tmp_path: Path) -> Callable[..., str]:
    """Return a function that writes answers into a file and returns its name."""

    def write(*given: Any) -> str:
        file = tmp_path / "answers.json"
        file.write_text(json.dumps(given))
        return str(file)

    return write


def test_render_shows_the_requests_of_the_first_items(cloudfn: Any, scores: Any) -> None:
    shown = cloudfn("render", *scores("['a', 'b', 'c', 'd', 'e']"), "--json").document

    assert shown["items"] == 5
    requests = shown["item_requests"]
    assert {key: (one["url"].rpartition("/")[2], one["body"]) for key, one in requests.items()} == {
        "a": ("a", {"index": 0}),
        "b": ("b", {"index": 1}),
        "c": ("c", {"index": 2}),
    }
    assert len({one["headers"]["Idempotency-Key"] for one in requests.values()}) == 3
    assert shown["request"] == requests["a"]


@pytest.mark.parametrize(
    ("items", "said"), [("['a', 'b']", "Calls: 2; the first 2"), ("[]", "Calls: none, for there is no item")]
)
def test_render_says_how_many_calls_there_are(cloudfn: Any, scores: Any, items: str, said: str) -> None:
    ended = cloudfn("render", *scores(items))

    assert ended.code == 0
    assert said in ended.out


def test_a_list_of_answers_shows_what_becomes_of_the_items(cloudfn: Any, scores: Any, answers: Any) -> None:
    given = answers({"body": {"score": 1}}, {"body": {"score": 2}})

    ended = cloudfn("test", *scores("['a', 'b']"), "--mock", given, "--json")

    assert (ended.code, ended.document["returned"]) == (0, [1, 2])
    assert [one["request"]["url"].rpartition("/")[2] for one in ended.document["exchanges"]] == ["a", "b"]


def test_a_list_of_answers_shows_which_item_fails(cloudfn: Any, scores: Any, answers: Any) -> None:
    ended = cloudfn("test", *scores("['a', 'b']"), "--mock", answers({"body": {"score": 1}}, {"status": 422}), "--json")

    assert ended.code != 0
    assert "for_each: item 1 (b)" in ended.document["error"]["message"]


def test_a_list_of_answers_shows_the_pages_and_their_items(cloudfn: Any, step: Any, answers: Any) -> None:
    pages = [{"data": [1, 2], "next": "/items?after=2"}, {"data": [3], "next": None}]
    read = step(uri="'\"/items\"'", pages="Pages.next_link('response.body.next', items='response.body.data')")

    ended = cloudfn("test", *read, "--mock", answers(*({"body": page} for page in pages)), "--json")

    assert (ended.code, ended.document["returned"]) == (0, [1, 2, 3])
    assert [one["request"]["query"] for one in ended.document["exchanges"]] == [{}, {"after": "2"}]
