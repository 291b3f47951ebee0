"""What the command line shows of a job that takes its time."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from kit.dag_runs import call, dag_file

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

POLL = "Poll(done_when='response.body.state == \"done\"', every=600, at_most_every=600, uri='\"/jobs/\" + job.body.id')"


@pytest.fixture
def export(tmp_path: Path, connected: Any) -> tuple[str, ...]:
    """Return the arguments that name a step with a job."""
    connected()
    file = tmp_path / "jobs.py"
    file.write_text(dag_file(call(cloudfn_conn_id="'service'", method="'POST'", uri="'\"/jobs\"'", poll=POLL)))
    return ("d", "call", "--file", str(file))


def test_render_shows_the_call_and_the_expressions_of_the_polls(
    cloudfn: Callable[..., Any], export: tuple[str, ...]
) -> None:
    document = cloudfn("render", *export, "--json").document

    assert document["request"]["method"] == "POST"
    rows = {row["field"]: row["expression"] for row in document["fields"]}
    assert rows["poll.done_when"] == 'response.body.state == "done"'
    assert rows["poll.uri"] == '"/jobs/" + job.body.id'


def test_a_list_of_answers_shows_what_becomes_of_the_polls(
    cloudfn: Callable[..., Any], export: tuple[str, ...], tmp_path: Path
) -> None:
    answers = tmp_path / "answers.json"
    bodies: list[Any] = [{"id": "7"}, {"state": "busy"}, {"state": "done", "rows": 3}]
    answers.write_text(json.dumps([{"status": 200, "body": body} for body in bodies]))

    ended = cloudfn("test", *export, "--mock", str(answers), "--json")

    assert ended.code == 0
    assert ended.document["returned"] == {"state": "done", "rows": 3}
    shown = [exchange["request"] for exchange in ended.document["exchanges"]]
    assert [(one["method"], one["url"].rpartition("/jobs")[2]) for one in shown] == [
        ("POST", ""),
        ("GET", "/7"),
        ("GET", "/7"),
    ]
