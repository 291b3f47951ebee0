"""The file of results: what a try that was killed has left of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_cloudfn.authoring.variables import TaskVariables
from airflow_provider_cloudfn.operators.results import results_at

if TYPE_CHECKING:
    from pathlib import Path


def test_the_next_try_removes_parts_of_which_it_knows_nothing(tmp_path: Path) -> None:
    run = {"dag_id": "d", "id": "r", "task_id": "t", "map_index": -1}
    context: Any = {}
    variables = TaskVariables(context).with_more(run=run)

    def written(*values: int) -> Any:
        results = results_at(f"file://{tmp_path}/all.jsonl", "pages", variables)
        for value in values:
            results.add(value)
            results.keep()
        return results

    written(1, 2, 3)
    again = written(4)
    again.finish()
    again.discard(again.parts)

    assert [file.name for file in tmp_path.iterdir()] == ["all.jsonl"]
    assert (tmp_path / "all.jsonl").read_text() == "4\n"
