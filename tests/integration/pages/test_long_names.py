"""The pages in a narrow window, with names, addresses and errors that have no place where a line could end."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
from kit import rights
from kit.call_records import FAILED, leave
from kit.chromium import CHROMIUM, FLAGS
from kit.dag_runs import IMPORTS
from playwright.sync_api import sync_playwright

from airflow_provider_cloudfn.records.call_record import Bucket, ErrorRecord, FailedCall, ManyCalls, SlowCall

if TYPE_CHECKING:
    from collections.abc import Callable

    from kit.dag_runs import DagResult

pytestmark = [
    pytest.mark.browser,
    pytest.mark.timeout(300),
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed, the pages are not looked at"),
]

WIDTH = 768
NAME = "n" * 200
SOURCE = f"""{IMPORTS}
event = CompletionEvent("{NAME}")
with DAG("{NAME}", schedule=None):
    CloudFunctionOperator(task_id="{NAME}", cloudfn_conn_id="service", uri='"/{NAME}"', completion_event=event)
with DAG("c{NAME}", schedule=[event]):
    EmptyOperator(task_id="task")
"""
MANY = ManyCalls(
    items=12_345_678,
    failed=12_345_678,
    durations=tuple(Bucket(below=float(bound + 1), count=10**bound) for bound in range(13)),
    slowest=(SlowCall(seconds=71.2, method="GET", url=f"https://service.test/{NAME}", status=200),),
    failures=(FailedCall(key=NAME, error=NAME, status=404, request_id=NAME),),
    failures_left_out=12_345_677,
)


def test_no_page_is_wider_than_its_window(
    run_dag: Callable[..., DagResult], connected: Any, airflow: str, tmp_path: Path
) -> None:
    connected()
    result = run_dag(SOURCE, NAME)
    changes = {"error": ErrorRecord(type="ResponseError", message=NAME), "idempotency_key": NAME, "many": MANY}
    leave(result, NAME, **{**FAILED, **changes})
    rights.READS["reader"] = rights.TRIGGERS["reader"] = {NAME, f"c{NAME}"}
    run_id = quote(result.run_id, safe="")
    paths = {
        "functions": "/",
        "function": f"/functions/{NAME}/{NAME}",
        "call": f"/calls/{NAME}/{run_id}/{NAME}/-1",
        "events": "/completion-events",
        "event": f"/completion-events?event={NAME}",
        "catch up": f"/completion-events/c{NAME}/catch-up",
        "choose": "/try",
        "try": f"/try/{NAME}/{NAME}",
    }

    widths = {}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, headless=True, args=list(FLAGS))
        context = browser.new_context(viewport={"width": WIDTH, "height": 1024})
        context.add_cookies([{"name": "_token", "value": rights.session_of("reader"), "url": airflow}])
        page = context.new_page()
        for name, path in paths.items():
            answer = page.goto(f"{airflow}/cloudfn{path}")
            assert answer is not None
            assert answer.status == 200
            folder = Path(os.environ.get("CLOUDFN_TEST_SCREENSHOTS", tmp_path))
            page.screenshot(path=folder / f"long-{name}.png", full_page=True)
            widths[name] = page.evaluate(
                """Math.max(document.documentElement.scrollWidth,
                    ...[...document.querySelectorAll(".scroll")].map((one) => one.scrollWidth))"""
            )
        browser.close()
    rights.READS.clear()
    rights.TRIGGERS.clear()

    assert {name: width for name, width in widths.items() if width > WIDTH} == {}
