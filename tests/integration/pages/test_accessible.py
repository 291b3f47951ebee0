"""The pages in a browser: axe finds no fault in any of their states, in light and in dark."""

from __future__ import annotations

import datetime as dt
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
from airflow.utils.session import create_session
from axe_playwright_python.sync_playwright import Axe
from kit import rights
from kit.call_records import FAILED, leave
from kit.chromium import CHROMIUM, FLAGS
from kit.dag_runs import IMPORTS
from kit.scheduling import happen, pause
from playwright.sync_api import Page, sync_playwright
from sqlalchemy import delete

from airflow_provider_cloudfn.deliveries.tables import Delivery
from airflow_provider_cloudfn.records.call_record import (
    Answered,
    Bucket,
    ErrorRecord,
    Excerpt,
    Exchange,
    FailedCall,
    FailuresOfStatus,
    ManyCalls,
    Sent,
    SlowCall,
    Totals,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from kit.dag_runs import DagResult

pytestmark = [
    pytest.mark.browser,
    pytest.mark.timeout(300),
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed, the pages are not looked at"),
]

SOURCE = f"""{IMPORTS}
charge_created = CompletionEvent("charge.created")
with DAG("charge_orders", schedule=None, params={{"order_id": "1001"}}):
    fetch = CloudFunctionOperator(
        task_id="fetch_order", cloudfn_conn_id="shop", uri='"/v1/orders/" + url.encode(params.order_id)',
    )
    charge = CloudFunctionOperator(
        task_id="charge", cloudfn_conn_id="shop", method="POST", uri='"/v1/charges"',
        body='{{"amount": steps.fetch_order.total, "customer": steps.fetch_order.customer.id}}',
        completion_event=charge_created,
    )
    remind = CloudFunctionOperator(
        task_id="remind", cloudfn_conn_id="shop", uri='"/v1/customers/" + item', for_each=ForEach(["c-1", "c-2"]),
    )
    fetch >> charge >> remind
with DAG("fulfil", schedule=[charge_created]):
    EmptyOperator(task_id="task")
"""
DAGS = {"charge_orders", "fulfil"}
CHARGE = Exchange(
    sent=Sent(
        method="POST",
        url="https://service.test/v1/charges",
        headers=(("Content-Type", "application/json"), ("X-Api-Key", "***")),
        body=Excerpt(text='{"amount":129.5,"customer":"c-1"}', size=33),
    ),
    answered=Answered(
        status=201,
        headers=(("content-type", "application/json"), ("x-request-id", "req-1")),
        request_id="req-1",
        body=Excerpt(text='{"id":"ch_1"}', size=13),
    ),
)
ORDER = Exchange(sent=Sent(method="GET", url="https://service.test/v1/orders/1001"))
CUSTOMER = Exchange(
    sent=Sent(method="GET", url="https://service.test/v1/customers/b"), answered=Answered(status=404, request_id="r-1")
)
MANY = ManyCalls(
    items=300,
    ok=269,
    failed=31,
    durations=(Bucket(below=0.05, count=200), Bucket(below=0.1, count=80), Bucket(count=20)),
    slowest=(SlowCall(seconds=71.2, method="GET", url="https://service.test/v1/customers/a", status=200),),
    failures=(FailedCall(key="b", error="answered 404", status=404, request_id="r-1"),),
    failures_left_out=30,
    by_status=(FailuresOfStatus(status=404, count=22), FailuresOfStatus(count=9)),
)


@pytest.fixture
def paths(run_dag: Callable[..., DagResult], connected: Any, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Return the addresses of the pages, with data on each."""
    monkeypatch.setenv("AIRFLOW__CLOUDFN__TRY_IT", "True")
    connected("shop").answer(body={"id": "1001", "total": 129.5, "customer": {"id": "c-1"}})
    result = run_dag(SOURCE, "charge_orders")
    assert result.state == "success"
    charged = {
        "function": "charge",
        "conn_id": "shop",
        "event": "charge.created",
        "event_id": "e-1",
        "exchange": CHARGE,
    }
    leave(result, "charge", **charged, totals=Totals(calls=1, attempts=1, bytes_out=33, bytes_in=13))
    silent = {**FAILED, "exchange": ORDER, "totals": Totals(calls=1, attempts=1)}
    leave(result, "fetch_order", **{**silent, "function": "fetch_order", "conn_id": "shop"})
    sent = {"kind": "batch", "outcome": "failed", "totals": Totals(calls=300, attempts=310), "seconds": 71.4}
    error = ErrorRecord(type="ResponseError", message="for_each: 31 of 300 items failed")
    leave(result, "remind", **sent, many=MANY, function="remind", conn_id="shop", exchange=CUSTOMER, error=error)
    pause("fulfil", paused=True)
    happen("charge.created", {"metadata": {"id": "e-2"}, "result": {"amount": 42}})
    deliver(outcome="refused", reason="signature", status=401)
    deliver(outcome="accepted", status=202, event_id="ev-1", event_key="k-1", record="sealed")
    run_id = quote(result.run_id, safe="")
    return {
        "functions": "/",
        "function": "/functions/charge_orders/charge",
        "call": f"/calls/charge_orders/{run_id}/charge/-1",
        "failure": f"/calls/charge_orders/{run_id}/fetch_order/-1",
        "batch": f"/calls/charge_orders/{run_id}/remind/-1",
        "events": "/completion-events",
        "event": "/completion-events?event=charge.created",
        "catch up": "/completion-events/fulfil/catch-up",
        "deliveries": "/deliveries",
        "choose": "/try",
        "try": f"/try/charge_orders/charge?run_id={run_id}",
        "nothing": "/?q=no-function-is-called-so",
        "missing": "/functions/charge_orders/nobody",
        "forbidden": "/functions/another/nothing",
    }


def deliver(**columns: Any) -> None:
    """Let something have come in from outside, and nothing before it."""
    with create_session() as session:
        session.execute(delete(Delivery).where(Delivery.outcome == columns["outcome"]))
        given = {"source": "github", "event_type": "push", "received_at": dt.datetime.now(tz=dt.UTC), "size": 2048}
        session.add(Delivery(**given, **columns))


@pytest.fixture
def look(airflow: str, paths: dict[str, str]) -> Iterator[Callable[..., Page]]:
    """Return a function that opens a page for somebody who may do everything with the Dags of this module."""
    rights.READS["reader"] = rights.TRIGGERS["reader"] = set(DAGS)
    # Behind the run of the Dag, which can't be where an event loop is.
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, headless=True, args=list(FLAGS))

        def look_at(name: str, scheme: Any) -> Page:
            context = browser.new_context(viewport={"width": 1280, "height": 900}, color_scheme=scheme)
            context.set_default_timeout(60_000)
            context.add_cookies([{"name": "_token", "value": rights.session_of("reader"), "url": airflow}])
            page = context.new_page()
            page.goto(f"{airflow}/cloudfn{paths[name]}")
            return page

        yield look_at
        browser.close()
    rights.READS.clear()
    rights.TRIGGERS.clear()


def faults(page: Page, name: str) -> list[str]:
    """Return what axe finds, and keep a picture where somebody wants to see it."""
    if folder := os.environ.get("CLOUDFN_TEST_SCREENSHOTS"):
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)
    found = Axe().run(page).response["violations"]
    return [f"{one['id']} ({one['impact']}): {node['html']}" for one in found for node in one["nodes"]]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_page_has_a_fault(look: Callable[..., Page], paths: dict[str, str], scheme: str) -> None:
    found = {name: faults(look(name, scheme), f"{name}-{scheme}") for name in paths}

    assert {name: told for name, told in found.items() if told} == {}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_each_part_of_the_time_has_a_colour_of_its_own(look: Callable[..., Page], scheme: str) -> None:
    colours = look("call", scheme).eval_on_selector_all(
        ".legend i", "parts => parts.map(part => getComputedStyle(part).backgroundColor)"
    )

    assert len(colours) == len(set(colours)) == 8


@pytest.mark.usefixtures("soon")
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_what_trying_shows_has_none(look: Callable[..., Page], scheme: str) -> None:
    page = look("try", scheme)

    page.get_by_role("button", name="Show values and request").click()
    page.get_by_role("heading", name="Send it").wait_for()
    assert faults(page, f"rendered-{scheme}") == []
    page.get_by_label("CEL").fill("steps.fetch_order.totl +")
    page.get_by_text("ends too early").wait_for()
    page.get_by_label("CEL").fill("steps.fetch_order.total")
    page.locator("#evaluated .panel").wait_for()
    assert faults(page, f"typed-{scheme}") == []
    page.get_by_label("CEL").fill("steps.fetch_order.totl +")
    page.get_by_role("button", name="Evaluate").click()
    page.get_by_role("alert").wait_for()
    assert faults(page, f"evaluated-{scheme}") == []
    page.get_by_role("checkbox").check()
    page.get_by_role("button", name="Send", exact=True).click()
    page.get_by_role("heading", name="Response").wait_for()
    assert faults(page, f"sent-{scheme}") == []
