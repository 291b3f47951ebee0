"""The pages in a browser, on a running Airflow: as they look, inside of Airflow's frame, and the way from a failure to its cause."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
from kit.chromium import CHROMIUM, FLAGS
from playwright.sync_api import Browser, Page, expect, sync_playwright

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = [
    pytest.mark.system,
    pytest.mark.browser,
    pytest.mark.timeout(1800),
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed, the pages are not looked at"),
]

#: Patience of the browser, in milliseconds, on a machine that has more to do.
PATIENCE = 90_000
#: Where Airflow 3.2 has the editor of its own pages from, and what it says where that can't be had.
OF_AIRFLOW = re.compile(r"https://cdn\.jsdelivr\.net/npm/monaco-editor@|Event$")
SIZES = {"wide": (1280, 900), "narrow": (768, 1024)}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, headless=True, args=list(FLAGS))
        yield started
        started.close()


@pytest.fixture
def open_page(world: Any, browser: Browser) -> Iterator[Callable[..., Page]]:
    """Return a function that opens a page; what it complains of, and whatever it asks another host for, fails the test."""
    complaints: list[str] = []
    contexts = []
    # Airflow itself makes a worker of a text that it has.
    own = (world.url, f"blob:{world.url}")

    def open_at(path: str, size: str = "wide", scheme: Any = "light") -> Page:
        width, height = SIZES[size]
        context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
        context.set_default_timeout(PATIENCE)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda request: None if request.url.startswith(own) else complaints.append(request.url))
        answer = page.goto(f"{world.url}{path}")
        assert answer is not None
        assert answer.status < 500, f"{path}: {answer.status}\n{world.log.read_text(errors='replace')[-20_000:]}"
        return page

    yield open_at
    for context in contexts:
        context.close()
    assert [complaint for complaint in complaints if not OF_AIRFLOW.match(complaint)] == []


@pytest.fixture(scope="module")
def paths(world: Any) -> dict[str, str]:
    """Return the paths of the pages, with data on each: a charge that was tried twice, one that failed, and an event."""
    charged, failed = world.trigger("charge_again", label="pages"), world.trigger("charge_again", label="")
    scored = world.trigger("produce_plain", label="pages")
    world.finish("produce_plain", [scored])
    world.finish("charge_again", [charged, failed])
    world.until(lambda: world.started("scored") or None, "the event has started no process")
    return {
        "functions": "/cloudfn/",
        "function": "/cloudfn/functions/charge_again/charge",
        "call": f"/cloudfn/calls/charge_again/{quote(charged, safe='')}/charge/-1",
        "events": "/cloudfn/completion-events",
        "event": "/cloudfn/completion-events?event=system.scored",
        "deliveries": "/cloudfn/deliveries",
        "choose": "/cloudfn/try",
        "try": f"/cloudfn/try/charge_again/charge?run_id={quote(charged)}",
        "empty": "/cloudfn/?q=no-function-is-called-so",
        "missing": "/cloudfn/functions/nobody/nothing",
    }


NAMES = ("functions", "function", "call", "events", "event", "deliveries", "choose", "try", "empty", "missing")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", NAMES)
def test_a_page_fits_and_is_readable(
    open_page: Callable[..., Page], paths: dict[str, str], name: str, size: str, scheme: str, tmp_path: Path
) -> None:
    page = open_page(paths[name], size, scheme)

    expect(page.get_by_role("heading", level=1)).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= SIZES[size][0]
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    brightness = sum(int(part) for part in background.removeprefix("rgb(").removesuffix(")").split(",")[:3])
    assert (brightness > 384) == (scheme == "light")
    folder = Path(os.environ.get("CLOUDFN_TEST_SCREENSHOTS", tmp_path))
    page.screenshot(path=folder / f"{name}-{size}-{scheme}.png", full_page=True)


def test_the_pages_stand_in_airflow_s_frame_and_lead_out_of_it(
    world: Any, open_page: Callable[..., Page], paths: dict[str, str]
) -> None:
    page = open_page("/")
    page.get_by_role("link", name="Cloud functions").first.click()
    frame = page.frame_locator("iframe[title='Cloud functions']")
    expect(frame.get_by_role("heading", name="Cloud functions")).to_be_visible()

    frame.get_by_role("searchbox").fill("charge_again")
    frame.get_by_role("button", name="Show").click()
    frame.get_by_role("link", name="charge", exact=True).click()
    expect(frame.get_by_role("heading", name="Calls")).to_be_visible()
    frame.get_by_role("link", name="Task in Airflow").click()

    page.wait_for_url(f"{world.url}/dags/charge_again/tasks/charge**")


def test_from_a_failure_to_its_cause_and_to_another_value_by_clicks(
    open_page: Callable[..., Page], paths: dict[str, str]
) -> None:
    page = open_page("/cloudfn/?q=charge_again")
    page.get_by_role("link", name="charge", exact=True).click()
    page.get_by_role("table").get_by_role("link").first.click()
    expect(page.get_by_role("heading", name="Request", exact=True)).to_be_visible()
    expect(page.get_by_role("heading", name="Response", exact=True)).to_be_visible()
    expect(page.get_by_text("steps.")).to_have_count(0)
    page.get_by_role("link", name="Try it with other values").click()

    page.get_by_role("button", name="Show values and request").click()
    expect(page.get_by_role("heading", name="Values available for mapping")).to_be_visible()
    page.get_by_role("button", name="params.label").click()
    page.keyboard.type(" +")
    expect(page.locator("#checked")).to_contain_text("the expression ends too early")
    page.keyboard.type(' "!"')
    expect(page.locator("#evaluated")).to_contain_text("!")
    page.get_by_label("CEL").fill("params.lable")
    expect(page.locator("#evaluated .caret")).to_contain_text("no such key: 'lable'")
    page.get_by_label("CEL").fill("1 + 1")
    page.get_by_role("button", name="Evaluate").click()
    expect(page.locator("#evaluated .code")).to_have_text("2")
    expect(page.get_by_role("heading", name="Values available for mapping")).to_be_visible()

    page.get_by_label("What the service answers").fill("timeout")
    page.get_by_role("button", name="Carry out over it").click()
    expect(page.get_by_role("alert")).to_contain_text("silent for too long")


def test_every_page_can_be_walked_through_by_keyboard(open_page: Callable[..., Page], paths: dict[str, str]) -> None:
    page = open_page(paths["call"])

    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.get_by_role("main").get_by_role("link", name="Functions")).to_be_focused()
