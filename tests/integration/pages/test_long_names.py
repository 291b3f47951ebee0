"""Names without end, and texts without a blank, stay inside of the pages."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
from airflow.utils.session import create_session
from kit import rights
from kit.call_records import FAILED, leave
from kit.chromium import CHROMIUM, FLAGS
from kit.dag_runs import IMPORTS
from playwright.sync_api import sync_playwright

from airflow_provider_cloudfn.deliveries.tables import Delivery
from airflow_provider_cloudfn.records.call_record import (
    Answered,
    AttemptRecord,
    ErrorRecord,
    Excerpt,
    Exchange,
    FailedCall,
    ManyCalls,
    Sent,
    SlowCall,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from kit.dag_runs import DagResult

pytestmark = [
    pytest.mark.browser,
    pytest.mark.timeout(300),
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed, the pages are not looked at"),
]

NAME = "A_name_without_any_blank_in_it_" * 7
TEXT = "w" * 400
#: A row, or a card, is no page: what stands in it is cut, and no column has room for one letter only.
_LISTS = ("/", "/completion-events", "/deliveries", "/try")
_IS_SCROLLED = "[...document.querySelectorAll('.scroll')].some(each => each.scrollWidth > each.clientWidth)"
_HEIGHTS = "[...document.querySelectorAll('tbody tr, .card')].map(each => each.getBoundingClientRect().height)"
NOW = dt.datetime(2026, 1, 2, 3, 4, 5, tzinfo=dt.UTC)
EVENT = "event." + "sehr.lang." * 12 + "ende"
SOURCE = f"""{IMPORTS}
made = CompletionEvent("{EVENT}")
with DAG("d_{NAME}", schedule=None):
    CloudFunctionOperator(
        task_id="t_{NAME}", cloudfn_conn_id="shop", uri='"/v1/charges?x={"y" * 3000}"', completion_event=made,
    )
with DAG("f_{NAME}", schedule=[made]):
    EmptyOperator(task_id="task")
"""


def everything_long(result: DagResult) -> None:
    """Let the step have left a record in which nothing ends."""
    body = Excerpt(text=TEXT * 4, size=10**12, is_cut=True)
    sent = Sent(method="OPTIONS", url=f"https://service.test/{TEXT}", headers=((f"X-{TEXT}", TEXT),), body=body)
    answered = Answered(status=599, headers=((TEXT, TEXT),), body=body, request_id=TEXT)
    exchange = Exchange(sent=sent, answered=answered)
    attempt = AttemptRecord(number=1, started_at=NOW, seconds=86400.0, error_type="E" * 40, error=TEXT)
    many = ManyCalls(
        items=10**9,
        failed=10**9,
        slowest=(SlowCall(seconds=86400.0, method="OPTIONS", url=TEXT),),
        failures=(FailedCall(key=TEXT, error=TEXT, request_id=TEXT),),
    )
    error = ErrorRecord(type="E" * 120, message=f"<script>alert(1)</script> {TEXT}", request_id=TEXT)
    changes = {"exchange": exchange, "attempts": (attempt,), "many": many, "kind": "batch", "error": error}
    named = {"function": TEXT, "conn_id": TEXT, "event": EVENT, "event_id": TEXT, "idempotency_key": TEXT}
    leave(result, f"t_{NAME}", **{**FAILED, **changes, **named})


@pytest.fixture
def _long_delivery(airflow_database: None) -> Iterator[None]:
    """Let an event have come in in which nothing ends, as anybody can send it."""
    named = {"source": NAME, "event_type": TEXT[:250], "event_id": TEXT[:250], "reason": TEXT[:60]}
    with create_session() as session:
        row = Delivery(**named, outcome="refused", status=401, received_at=NOW, size=10**9, repeats=10**6)
        session.add(row)
        session.flush()
        number = row.id
    yield
    with create_session() as session:
        session.delete(session.get_one(Delivery, number))


@pytest.mark.usefixtures("_long_delivery")
def test_nothing_is_wider_than_the_window(run_dag: Callable[..., DagResult], connected: Any, airflow: str) -> None:
    connected("shop").answer(body={"id": TEXT})
    result = run_dag(SOURCE, f"d_{NAME}")
    everything_long(result)
    dag, task, run_id = quote(f"d_{NAME}"), quote(f"t_{NAME}"), quote(result.run_id, safe="")
    paths = [
        "/",
        f"/functions/{dag}/{task}",
        f"/calls/{dag}/{run_id}/{task}/-1",
        "/completion-events",
        f"/completion-events?event={EVENT}",
        f"/completion-events/{quote(f'f_{NAME}')}/catch-up",
        "/deliveries",
        "/try",
        f"/try/{dag}/{task}?run_id={run_id}",
    ]
    rights.READS["reader"] = rights.TRIGGERS["reader"] = {f"d_{NAME}", f"f_{NAME}"}
    wider: list[tuple[str, int]] = []
    high: list[tuple[str, int, float]] = []
    scrolled: list[str] = []
    dialogs: list[str] = []

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, headless=True, args=list(FLAGS))
        for width in (1280, 768, 420):
            context = browser.new_context(viewport={"width": width, "height": 900})
            context.add_cookies([{"name": "_token", "value": rights.session_of("reader"), "url": airflow}])
            page = context.new_page()
            page.on("dialog", lambda dialog: dialogs.append(dialog.message))
            for path in paths:
                answer = page.goto(f"{airflow}/cloudfn{path}", timeout=60_000)
                assert answer is not None
                assert answer.status == 200, path
                if page.evaluate("document.documentElement.scrollWidth") > width:
                    wider.append((path, width))
                if width == 1280 and page.evaluate(_IS_SCROLLED):
                    scrolled.append(path)
                if path in _LISTS:
                    high += [(path, width, each) for each in page.evaluate(_HEIGHTS) if each > 1000]
        browser.close()
    rights.READS.clear()
    rights.TRIGGERS.clear()

    assert (wider, high, scrolled, dialogs) == ([], [], [], [])
