"""``airflow cloudfn calls``: the records of a Dag's runs, as a table, as JSON, as an archive, and as commands."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from kit.call_records import leave, leave_value
from kit.server import Answer

from airflow_provider_cloudfn.cli import calls_command

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from kit.server import Received

DAG = """
from airflow.sdk import DAG
from airflow_provider_cloudfn import CloudFunctionOperator, cel

with DAG("recorded", schedule=None):
    CloudFunctionOperator.partial(
        task_id="charge", cloudfn_conn_id="service", method="POST", uri='"/v1/charges"', body={"id": cel("inputs")},
        retry_attempts=1,
    ).expand(inputs=["a", "b"])
    CloudFunctionOperator(task_id="report", cloudfn_conn_id="service", uri='"/v1/report"', retry_attempts=1)
"""
KEY = "the/k3y+value"


@pytest.fixture
def recorded(run_dag: Callable[..., Any], serve: Callable[..., Any], connection: Callable[..., None]) -> Any:
    """Run the Dag, of which a step fails, and return how that ended."""

    def reply(request: Received) -> Answer:
        return Answer.of(404 if request.target == "/v1/report" else 201, {"got": request.headers["x-api-key"]})

    extra = {"auth_type": "api_key", "key_name": "X-Api-Key"}
    connection("service", conn_type="cloudfn", host=serve(reply=reply).url, password=KEY, extra=extra)
    return run_dag(DAG, "recorded")


def test_json_has_each_record_with_its_task_instance(cloudfn: Callable[..., Any], recorded: Any) -> None:
    calls = cloudfn("calls", "recorded", "--json").document["calls"]

    named = sorted((one["task_id"], one["map_index"], one["call"]["outcome"]) for one in calls)
    assert named == [("charge", 0, "success"), ("charge", 1, "success"), ("report", -1, "failed")]
    assert {one["run_id"] for one in calls} == {recorded.run_id}


@pytest.mark.parametrize(
    ("options", "tasks"),
    [
        (("--failed",), ["report"]),
        (("--task-id", "charge"), ["charge", "charge"]),
        (("--task-id", "charge", "--failed"), []),
    ],
)
def test_options_say_which(
    cloudfn: Callable[..., Any], recorded: Any, options: tuple[str, ...], tasks: list[str]
) -> None:
    calls = cloudfn("calls", "recorded", "--json", *options).document["calls"]

    assert [one["task_id"] for one in calls] == tasks


def test_a_failure_is_found_behind_any_number_of_newer_calls(
    cloudfn: Callable[..., Any], recorded: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calls_command, "_MOST", 2)
    for number in range(2):
        leave(recorded, "charge", number)

    ended = cloudfn("calls", "recorded", "--json", "--failed")

    assert [one["task_id"] for one in ended.document["calls"]] == ["report"]
    assert "looked at" not in ended.err


@pytest.mark.parametrize(("bound", "options"), [("_MOST", ()), ("_LOOKED_AT", ("--failed",))])
def test_where_there_may_be_older_ones_it_is_said(
    cloudfn: Callable[..., Any], recorded: Any, monkeypatch: pytest.MonkeyPatch, bound: str, options: tuple[str, ...]
) -> None:
    monkeypatch.setattr(calls_command, bound, 2)

    assert "only the newest 2 records were looked at" in cloudfn("calls", "recorded", "--json", *options).err


def test_the_table_says_what_was_sent_and_why_it_failed(cloudfn: Callable[..., Any], recorded: Any) -> None:
    ended = cloudfn("calls", "recorded", "--failed")

    assert ended.code == 0
    for text in ("report", "/v1/report", "404", "ResponseError"):
        assert text in ended.out
    assert "/v1/charges" not in ended.out


def test_where_there_is_none_it_is_said_why(cloudfn: Callable[..., Any], recorded: Any) -> None:
    ended = cloudfn("calls", "recorded", "--run-id", recorded.run_id, "--task-id", "charge", "--failed")

    assert (ended.code, "has left no record" in ended.out) == (0, True)


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (("recordd",), "there is no run of a Dag 'recordd'; did you mean 'recorded'?"),
        (("recorded", "--task-id", "reprt"), "there is no task 'reprt' of Dag 'recorded'; did you mean 'report'?"),
        (("recorded", "--run-id", "x"), "there is no run 'x' of Dag 'recorded'"),
        (("recordd", "--json"), "there is no run of a Dag 'recordd'"),
    ],
)
def test_a_name_of_nothing_that_has_run_is_told(
    cloudfn: Callable[..., Any], recorded: Any, names: tuple[str, ...], said: str
) -> None:
    ended = cloudfn("calls", *names)

    assert (ended.code, said in ended.err) == (2, True), ended


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (("recordd", "charge", "--run-id", "x"), "there is no run of a Dag 'recordd'; did you mean 'recorded'?"),
        (("recorded", "charge", "--run-id", "x"), "there is no run 'x' of Dag 'recorded'"),
        (
            ("recorded", "charg", "--run-id", "RUN"),
            "there is no task 'charg' of Dag 'recorded'; did you mean 'charge'?",
        ),
        (("recorded", "charg", "--forget", "--run-id", "RUN"), "there is no task 'charg' of Dag 'recorded'"),
        (("recorded", "charge", "--run-id", "RUN"), "has left nothing about a batch"),
    ],
)
def test_progress_tells_a_name_of_nothing_that_has_run_from_a_step_without_a_batch(
    cloudfn: Callable[..., Any], recorded: Any, names: tuple[str, ...], said: str
) -> None:
    pytest.importorskip("airflow.models.task_state_store", reason="this Airflow keeps no task state")

    ended = cloudfn("progress", *(recorded.run_id if name == "RUN" else name for name in names))

    assert (ended.code, said in ended.err) == (2, True), ended


def test_an_archive_is_for_its_owner_alone(cloudfn: Callable[..., Any], recorded: Any, tmp_path: Path) -> None:
    file = tmp_path / "calls.har"

    ended = cloudfn("calls", "recorded", "--har", str(file))

    assert ended.code == 0, ended.err
    assert file.stat().st_mode & 0o077 == 0
    log = json.loads(file.read_text())["log"]
    assert (len(log["pages"]), len(log["entries"])) == (3, 3)
    assert KEY not in file.read_text()


@pytest.mark.parametrize("form", ["curl", "hurl"])
def test_a_call_is_printed_as_a_command_without_credentials(
    cloudfn: Callable[..., Any], recorded: Any, form: str
) -> None:
    ended = cloudfn("calls", "recorded", "--task-id", "charge", "--as", form)

    assert ended.code == 0, ended.err
    assert f"# {recorded.run_id} charge[0]" in ended.out
    assert ended.out.count("X_API_KEY") >= 2
    assert '{"id":"a"}' in ended.out.replace(" ", "")
    assert KEY not in ended.out


def test_a_record_that_can_t_be_read_hides_no_other(cloudfn: Callable[..., Any], recorded: Any) -> None:
    leave_value(recorded, {"function": 7}, "report")

    ended = cloudfn("calls", "recorded", "--json")

    assert [one["task_id"] for one in ended.document["calls"]] == ["charge", "charge"]
    assert "report: a call record can't be read" in ended.err


def test_one_form_at_a_time(cloudfn: Callable[..., Any], airflow_database: None) -> None:
    ended = cloudfn("calls", "recorded", "--json", "--as", "curl")

    assert (ended.code, "give one of them" in ended.err) == (2, True)
