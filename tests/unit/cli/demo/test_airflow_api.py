"""The client of Airflow's REST API."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import pytest

from airflow_provider_cloudfn.cli.demo import airflow_api
from airflow_provider_cloudfn.cli.demo.airflow_api import AirflowApi, until
from airflow_provider_cloudfn.exceptions import CommunicationError, RequestTimeoutError, ResponseError

Serve = Callable[[dict[str, Any]], str]
LOCKED = (500, {"detail": {"reason": "Database error"}})
RUN = "manual__2026-01-01T00:00:00+00:00"
INSTANCE = {"dag_id": "d", "dag_run_id": "r", "task_id": "group.t", "map_index": -1, "try_number": 2}


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(airflow_api, "_PAUSES", (0.0, 0.0))


def test_what_is_found_is_returned(serve: Serve) -> None:
    api = AirflowApi(serve({"GET /api/v2/dags?limit=1": (200, {"dags": []})}))
    assert api.get("dags", limit="1") == {"dags": []}


def test_ids_are_percent_encoded(serve: Serve) -> None:
    url = serve(
        {"GET /api/v2/dags/a%2Fb/dagRuns/manual__2026-01-01T00%3A00%3A00%2B00%3A00": (200, {"state": "success"})}
    )
    assert AirflowApi(url).finished_run("a/b", RUN, seconds=0) == {"state": "success"}


@pytest.mark.parametrize(("status", "retryable"), [(404, False), (422, False), (500, True), (503, True)])
def test_an_error_says_what_was_asked_and_answered(serve: Serve, status: int, retryable: bool) -> None:
    api = AirflowApi(serve({"GET /api/v2/dags/x": (status, {"detail": "why"})}))
    with pytest.raises(ResponseError, match=rf'answered {status} to GET /dags/x: .*"why"') as caught:
        api.get("dags", "x")
    assert (caught.value.status, caught.value.retryable) == (status, retryable)


def test_what_fails_for_a_moment_is_asked_for_again(serve: Serve) -> None:
    api = AirflowApi(serve({"GET /api/v2/version": [LOCKED, LOCKED, (200, {"version": "3"})]}))
    assert api.get("version") == {"version": "3"}


@pytest.mark.parametrize(
    "answers",
    [[(200, {})], [LOCKED, (200, {})], [LOCKED, (409, {})]],
    ids=["made", "made at the second time", "made at the first time, though it answered an error"],
)
def test_a_thing_is_created_once(serve: Serve, answers: list[tuple[int, Any]]) -> None:
    AirflowApi(serve({"POST /api/v2/connections": answers})).create("connections", json={"connection_id": "c"})
    assert answers == []


def test_a_thing_that_was_there_before_is_an_error(serve: Serve) -> None:
    with pytest.raises(ResponseError, match="answered 409"):
        AirflowApi(serve({"POST /api/v2/connections": (409, {})})).create("connections", json={"connection_id": "c"})


def test_an_answer_that_is_no_json_is_an_error(serve: Serve) -> None:
    with pytest.raises(ResponseError, match="what is no JSON"):
        AirflowApi(serve({"GET /api/v2/version": (200, "<html>")})).get("version")


def test_no_answer_is_an_error_that_may_pass(serve: Serve) -> None:
    with pytest.raises(CommunicationError) as caught:
        AirflowApi("http://127.0.0.1:1").get("version")
    assert caught.value.retryable


def test_task_instances_stand_in_the_order_in_which_they_began(serve: Serve) -> None:
    instances = [
        {"task_id": "never", "start_date": None},
        {"task_id": "second", "start_date": "2026-01-01T00:00:02Z"},
        {"task_id": "first", "start_date": "2026-01-01T00:00:01Z"},
    ]
    url = serve({"GET /api/v2/dags/d/dagRuns/r/taskInstances": (200, {"task_instances": instances})})
    assert [one["task_id"] for one in AirflowApi(url).task_instances("d", "r")] == ["first", "second", "never"]


def test_an_xcom_that_is_not_there_is_none(serve: Serve) -> None:
    path = "GET /api/v2/dags/d/dagRuns/r/taskInstances/group.t/xcomEntries/"
    api = AirflowApi(serve({f"{path}return_value?map_index=-1&stringify=false": (200, {"value": {"id": 1}})}))
    assert api.xcom(INSTANCE, "return_value") == {"id": 1}
    assert api.xcom(INSTANCE, "other") is None


def test_a_log_is_a_list_of_lines(serve: Serve) -> None:
    path = "GET /api/v2/dags/d/dagRuns/r/taskInstances/group.t/logs/2?map_index=-1"
    api = AirflowApi(serve({path: (200, {"content": [{"event": "one"}, "two"]})}))
    assert api.log_lines(INSTANCE) == ["one", "two"]


def test_until_asks_again_as_long_as_there_is_nothing_or_an_error_that_may_pass() -> None:
    tries = itertools.count()

    def found() -> str | None:
        match next(tries):
            case 0:
                return None
            case 1:
                raise CommunicationError("not yet", retryable=True)
            case _:
                return "found"

    assert until(found, 10, "nothing", pause=0) == "found"


def test_until_gives_up_with_what_is_the_case() -> None:
    with pytest.raises(RequestTimeoutError, match="After 0 s, nothing is there"):
        until(lambda: None, 0, "nothing is there", pause=0)


def test_until_lets_other_errors_through() -> None:
    def refused() -> None:
        raise ResponseError("refused", status=403)

    with pytest.raises(ResponseError, match="refused"):
        until(refused, 10, "nothing")
