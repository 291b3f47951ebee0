"""The examples of services that people know, each against a small one that pages, and refuses, as its original does."""

from __future__ import annotations

import json
import os
import runpy
from contextlib import ExitStack
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from kit.dag_runs import DagResult, run_dag
from kit.server import LoopbackServer
from kit.vendors import (
    RECORDS,
    SIZE,
    Elasticsearch,
    GitHub,
    OData,
    Orders,
    Salesforce,
    Shopify,
    Stripe,
    Vendor,
    query_of,
)

from airflow_provider_cloudfn import testing
from airflow_provider_cloudfn.exceptions import RequestTimeoutError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

EXAMPLES = Path(__file__).parents[2] / "example_dags"
CONNECTION = {"conn_type": "cloudfn", "extra": {"auth_type": "none"}}

#: By step: its connection, the service, and what the step returns of the record of a number.
READS: dict[str, tuple[str, type[Vendor], Callable[[int], Any]]] = {
    "read_orders": ("orders", Orders, lambda number: {"id": f"o-{number}"}),
    "read_issues": ("github", GitHub, lambda number: {"number": number, "title": f"Issue {number}"}),
    "read_charges": ("stripe", Stripe, lambda number: {"id": f"ch_{number}", "object": "charge"}),
    "read_products": ("shopify", Shopify, lambda number: {"id": number, "title": f"Product {number}"}),
    "read_users": ("directory", OData, lambda number: {"id": f"u-{number}", "displayName": f"User {number}"}),
    "read_log": ("elasticsearch", Elasticsearch, lambda number: {"id": number, "level": "error"}),
}


@pytest.fixture(scope="module")
def read(airflow_database: None) -> Iterator[tuple[DagResult, dict[str, LoopbackServer]]]:
    """Return what the example left, run once, and the services that it read."""
    folder = Path(os.environ["AIRFLOW__CORE__DAGS_FOLDER"])
    with pytest.MonkeyPatch.context() as environment, ExitStack() as running:
        servers = {}
        for task_id, (conn_id, service, _) in READS.items():
            server = servers[task_id] = running.enter_context(LoopbackServer(reply=service().reply))
            environment.setenv(f"AIRFLOW_CONN_{conn_id.upper()}", json.dumps(CONNECTION | {"host": server.url}))
        yield run_dag(folder, EXAMPLES / "page_after_page.py"), servers
    for file in folder.glob("*.py"):
        file.unlink()


@pytest.mark.parametrize("task_id", READS)
def test_all_pages_of_a_service_are_read_once(read: tuple[DagResult, dict[str, LoopbackServer]], task_id: str) -> None:
    result, servers = read
    record = READS[task_id][2]

    assert result.states[task_id] == ["success"]
    assert result.xcom(task_id) == [record(number) for number in range(RECORDS)]
    # Where nothing says that a page is the last one, one more is asked for, which is empty.
    assert len(servers[task_id].received) == RECORDS // SIZE + (task_id == "read_log")


@pytest.mark.parametrize(
    ("task_id", "first", "others"),
    [
        ("read_charges", {"limit", "customer"}, {"limit", "customer", "starting_after"}),
        ("read_products", {"limit", "status"}, {"limit", "page_info"}),
        ("read_users", {"$select", "$count"}, {"$select", "$count", "$skiptoken"}),
    ],
)
def test_a_cursor_stands_beside_the_filter_and_a_link_alone(
    read: tuple[DagResult, dict[str, LoopbackServer]], task_id: str, first: set[str], others: set[str]
) -> None:
    _, servers = read

    asked = [set(query_of(request)) for request in servers[task_id].received]

    assert asked == [first, *[others] * (RECORDS // SIZE - 1)]


def test_a_job_is_waited_for_as_its_service_says_and_its_rows_are_downloaded(
    serve: Callable[..., LoopbackServer], connection: Callable[..., None], dags_folder: Path, tmp_path: Path
) -> None:
    service = Salesforce()
    connection("crm", **CONNECTION, host=serve(reply=service.reply).url)

    result = run_dag(dags_folder, EXAMPLES / "export_accounts.py", run_conf={"folder": f"file://{tmp_path}"})

    assert result.state == "success"
    [file] = tmp_path.iterdir()
    assert file.read_bytes() == service.content
    stored = result.xcom("export")
    assert (stored["path"], stored["size"]) == (f"file://{file}", len(service.content))
    # It says one second before each poll, and the step's own interval would be five.
    waits = [later - before for before, later in pairwise(service.times)]
    assert [1 <= wait < 4 for wait in waits] == [True, True, True, False]
    assert waits[3] < 1


def test_a_job_that_takes_too_long_is_aborted() -> None:
    export = runpy.run_path(str(EXAMPLES / "export_accounts.py"))["dag"].get_task("export")

    result = testing.run(export, responses={"body": {"id": "750A", "state": "InProgress"}})

    assert isinstance(result.error, RequestTimeoutError)
    assert "it was cancelled" in str(result.error)
    last = result.requests[-1]
    assert (last.method, last.path, last.body) == (
        "PATCH",
        "/services/data/v62.0/jobs/query/750A",
        {"state": "Aborted"},
    )
