"""What the pages show, and to whom."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
from kit.call_records import FAILED, call_record, leave, leave_value
from kit.dag_runs import call, dag_file, parse, write_to_database

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from kit.dag_runs import DagResult
    from kit.server import LoopbackServer

#: What the browser says of a form that comes from the page itself.
FROM_HERE = {"Sec-Fetch-Site": "same-origin"}

PAYLOAD = "five euros of this test"
TASKS = f"""
fetch = CloudFunctionOperator(
    task_id="fetch", cloudfn_conn_id="service", uri='"/v1/orders"', completion_event=CompletionEvent("basket.read"),
)
call = CloudFunctionOperator(
    task_id="call", cloudfn_conn_id="service", method="POST", uri='"/v1/charges"',
    body='{{"amount": params.page, "note": "<b>"}}', completion_event=CompletionEvent("charge.made"),
    event_payload='{{"charged": "{PAYLOAD}"}}',
)
fetch >> call
"""


@pytest.fixture(scope="module")
def a_run() -> dict[str, DagResult]:
    """Return where the one run of this module's Dag is kept."""
    return {}


@pytest.fixture
def charged(
    a_run: dict[str, DagResult], run: Callable[..., DagResult], connected: Callable[..., LoopbackServer]
) -> DagResult:
    """Return a run of the Dag ``d``, whose step ``call`` has left a record."""
    connected()
    if "d" not in a_run:
        a_run["d"] = run(TASKS)
    assert a_run["d"].state == "success"
    leave(a_run["d"], event="charge.made", event_id="e-1")
    return a_run["d"]


def path_of(result: DagResult, task_id: str = "call", map_index: int | str = -1) -> str:
    return f"/cloudfn/calls/{result.dag_id}/{quote(result.run_id, safe='')}/{task_id}/{map_index}"


def pages_of(result: DagResult) -> list[str]:
    of_dag = [path_of(result), "/cloudfn/functions/d/call", "/cloudfn/try/d/call"]
    return ["/cloudfn/", "/cloudfn/completion-events", "/cloudfn/try", *of_dag]


def test_every_page_is_shown_to_who_may_read_the_dag(charged: DagResult, visit: Callable[..., Any]) -> None:
    client = visit()

    for path in pages_of(charged):
        answer = client.get(path)
        assert answer.status_code == 200, path
        assert "call" in answer.text or "charge.made" in answer.text


def test_no_page_is_shown_without_a_session(charged: DagResult, visit: Callable[..., Any]) -> None:
    client = visit()
    client.cookies.clear()

    for path in pages_of(charged):
        answer = client.get(path)
        assert answer.status_code == 401, path
        assert "You are not logged in" in answer.text
        assert "charge" not in answer.text


@pytest.mark.parametrize(
    "path",
    ["/try/d/call", "/try/d/call/send", "/try/check", "/completion-events/d/catch-up", "/deliveries/1/replay"],
)
def test_nothing_is_done_without_a_session(visit: Callable[..., Any], path: str) -> None:
    client = visit(triggers=("d",))
    client.cookies.clear()

    answer = client.post(f"/cloudfn{path}", data={"confirmed": "POST https://service.test"}, headers=FROM_HERE)

    assert (answer.status_code, "You are not logged in" in answer.text) == (401, True)


def test_a_forged_session_is_none(charged: DagResult, visit: Callable[..., Any]) -> None:
    client = visit()
    client.cookies.set("_token", client.cookies["_token"][:-3] + "AAA")

    assert client.get(path_of(charged)).status_code in (401, 403)


def test_what_is_of_a_dag_is_not_shown_without_the_right(charged: DagResult, visit: Callable[..., Any]) -> None:
    client = visit("stranger", reads=("another",))

    for path in pages_of(charged)[3:]:
        answer = client.get(path)
        assert answer.status_code == 403, path
        assert "You may not see this" in answer.text
        assert "charge" not in answer.text
    for path in pages_of(charged)[:3]:
        answer = client.get(path)
        assert answer.status_code == 200, path
        assert "/d/call" not in answer.text


def test_all_events_are_shown_that_there_are(charged: DagResult, visit: Callable[..., Any]) -> None:
    text = visit().get("/cloudfn/completion-events").text

    assert re.findall(r"basket\.read|charge\.made", text)[0] == "basket.read"
    assert {"basket.read", "charge.made"} <= set(re.findall(r"completion-events\?event=([\w.]+)", text))


def test_calls_are_not_shown_without_the_right_to_xcoms(charged: DagResult, visit: Callable[..., Any]) -> None:
    client = visit("half", without=("XCOM",))

    assert client.get(path_of(charged)).status_code == 403
    listed = client.get("/cloudfn/").text
    assert "You may not read the calls of this Dag." in listed
    assert "100 %" not in listed
    assert PAYLOAD in visit().get("/cloudfn/completion-events").text
    assert PAYLOAD not in client.get("/cloudfn/completion-events").text


@pytest.mark.usefixtures("airflow_database")
def test_events_of_different_dags_stand_on_one_page(dags_folder: Path, visit: Callable[..., Any]) -> None:
    for name in ("first", "second"):
        event = f"CompletionEvent('together.{name}')"
        source = dag_file(call(cloudfn_conn_id="'service'", uri="'\"/v1/orders\"'", completion_event=event))
        write_to_database(parse(source.replace('"d"', f'"together_{name}"'), dags_folder, f"together_{name}"))

    answer = visit(reads=("together_first", "together_second")).get("/cloudfn/completion-events?q=together.")

    assert answer.status_code == 200
    assert all(name in answer.text for name in ("together.first", "together.second"))


def test_a_call_is_not_shown_without_the_right_to_task_instances(charged: DagResult, visit: Callable[..., Any]) -> None:
    answer = visit("half", without=("TASK_INSTANCE",)).get(path_of(charged))

    assert answer.status_code == 403
    assert "service.test" not in answer.text


def test_a_call_is_shown_without_its_event_where_assets_may_not_be_read(
    charged: DagResult, visit: Callable[..., Any]
) -> None:
    text = visit("half", assets=False).get(path_of(charged)).text

    assert "https://service.test/v1/charges" in text
    assert 'id="event"' not in text
    assert 'id="event"' in visit().get(path_of(charged)).text
    assert visit("half", assets=False).get("/cloudfn/completion-events").status_code == 403


@pytest.mark.parametrize(
    "path",
    [
        "/cloudfn/calls/another%2F..%2Fd/{run}/call/-1",
        "/cloudfn/calls/another/../d/{run}/call/-1",
        "/cloudfn/calls/another/{run}/call/-1?dag_id=d",
        "/cloudfn/calls/~/{run}/call/-1",
        "/cloudfn/calls/another/x%2F..%2F..%2Fd%2F{run}/call/-1",
        "/cloudfn/functions/another%00/call",
        "/cloudfn/try/another/call?dag_id=d&run_id={run}",
        "/cloudfn/static/..%2Fapplication.py",
        "/cloudfn/static/%2e%2e/application.py",
    ],
)
def test_no_trick_with_the_path_leads_around_the_right(
    charged: DagResult, visit: Callable[..., Any], path: str
) -> None:
    client = visit("stranger", reads=("another",))

    answer = client.get(path.format(run=quote(charged.run_id, safe="")))

    assert answer.status_code in (400, 403, 404)
    assert "charge" not in answer.text


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
        {"Origin": "https://evil.test"},
        {"Origin": "null"},
        {"Origin": "http://testserver.evil.test"},
        {"Sec-Fetch-Site": "cross-site", "Origin": "http://testserver"},
    ],
    ids=str,
)
@pytest.mark.parametrize("path", ["/cloudfn/try/d/call", "/cloudfn/try/check"])
def test_a_form_of_another_site_is_refused(
    charged: DagResult, visit: Callable[..., Any], headers: dict[str, str], path: str
) -> None:
    answer = visit(triggers=("d",)).post(path, data={"expression": "1"}, headers=headers)

    assert answer.status_code == 403
    assert "sent by another site" in answer.text


@pytest.mark.parametrize(
    "headers",
    [FROM_HERE, {"Origin": "http://testserver"}, {"Origin": "http://airflow.test", "Host": "behind-a-proxy:8080"}],
    ids=str,
)
def test_an_own_form_is_taken(
    visit: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, headers: dict[str, str]
) -> None:
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", "http://airflow.test/af")

    answer = visit().post("/cloudfn/try/check", data={"expression": "steps.a. +"}, headers=headers)

    assert (answer.status_code, answer.text.splitlines()[0]) == (200, "1:10: unexpected '+'")


def test_nothing_is_tried_by_who_may_only_read(charged: DagResult, visit: Callable[..., Any]) -> None:
    answer = visit().post("/cloudfn/try/d/call", data={"action": "render"}, headers=FROM_HERE)

    assert answer.status_code == 403


def test_nothing_is_tried_where_that_is_off(charged: DagResult, visit: Callable[..., Any]) -> None:
    client = visit(triggers=("d",))

    answer = client.post("/cloudfn/try/d/call", data={"action": "render"}, headers=FROM_HERE)

    assert answer.status_code == 403
    assert "[cloudfn] try_it = True" in answer.text
    assert "Trying is off" in client.get("/cloudfn/try/d/call").text


@pytest.mark.parametrize(
    "data",
    [
        {"action": "send"},
        {"action": ["render", "rm"]},
        {"action": "eval", "expression": "1\0"},
        {"action": "eval", "expression": "1" * 150_000},
        {"run_id": "\0"},
        b"\xff\xfe",
    ],
    ids=lambda data: str(data)[:40],
)
def test_a_form_that_no_page_makes_is_refused(
    charged: DagResult, visit: Callable[..., Any], data: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW__CLOUDFN__TRY_IT", "True")
    given = {"content": data} if isinstance(data, bytes) else {"data": data}

    answer = visit(triggers=("d",)).post("/cloudfn/try/d/call", headers=FROM_HERE, **given)

    assert answer.status_code == 400


def test_a_form_that_is_too_large_is_refused(charged: DagResult, visit: Callable[..., Any]) -> None:
    answer = visit(triggers=("d",)).post("/cloudfn/try/d/call", headers=FROM_HERE, data={"sample": "x" * 300_000})

    assert answer.status_code == 413


def test_every_answer_says_what_the_browser_may_do(charged: DagResult, visit: Callable[..., Any]) -> None:
    client = visit()

    for path in (*pages_of(charged), "/cloudfn/static/pages.css", "/cloudfn/nothing"):
        headers = client.get(path).headers
        assert headers["content-security-policy"].startswith("default-src 'none'; style-src 'self'"), path
        assert headers["x-content-type-options"] == "nosniff"


def test_a_page_asks_no_other_host_and_holds_no_script_or_style(charged: DagResult, visit: Callable[..., Any]) -> None:
    client = visit()

    for path in pages_of(charged):
        text = client.get(path).text
        named = re.findall(r'(?:src|href|action)="([^"]*)"', text)
        assert [one for one in named if not one.startswith(("/", "#"))] == [], path
        assert "<script>" not in text
        assert " style=" not in text
        assert " onclick=" not in text


def test_links_have_the_prefix_under_which_airflow_is(charged: DagResult, visit: Callable[..., Any]) -> None:
    client = visit(root_path="/airflow")

    for path in pages_of(charged):
        named = re.findall(r'(?:src|href|action|data-check)="(/[^"]*)"', client.get(f"/airflow{path}").text)
        assert [one for one in named if not one.startswith("/airflow/")] == [], path


def test_what_was_sent_and_answered_stands_on_the_page_of_a_call(charged: DagResult, visit: Callable[..., Any]) -> None:
    text = visit().get(path_of(charged)).text

    for shown in ("https://service.test/v1/charges", "201", "req-1", "first byte 50 ms", "&lt;b&gt;", "charge.made"):
        assert shown in text
    assert "curl" in text
    assert "***" in text


def test_a_tab_of_airflow_that_knows_no_map_index_finds_the_call(charged: DagResult, visit: Callable[..., Any]) -> None:
    assert visit().get(path_of(charged, map_index=quote("{MAP_INDEX}"))).status_code == 200


@pytest.mark.parametrize("index", ["x", "1.5", "--1", "99999999999999999999", "-1-1"])
def test_what_is_no_map_index_is_not_found(charged: DagResult, visit: Callable[..., Any], index: str) -> None:
    assert visit().get(path_of(charged, map_index=index)).status_code == 404


def test_a_failure_stands_in_the_list_with_its_reason(charged: DagResult, visit: Callable[..., Any]) -> None:
    leave(charged, **FAILED)
    client = visit()

    listed = client.get("/cloudfn/?failing=true").text
    assert "the service stayed silent for too long" in listed
    assert "fetch_order" not in listed
    call = client.get(path_of(charged)).text
    assert "RequestTimeoutError" in call
    assert "none came" in call


@pytest.mark.parametrize(
    ("state", "said"),
    [
        (None, "Now the step is cleared, and waits for its turn."),
        ("queued", "Now the step is queued."),
        ("up_for_retry", "Now the step is waiting for another try."),
        ("failed", None),
        ("success", None),
    ],
)
def test_a_record_of_an_earlier_try_is_said_to_be_one(
    charged: DagResult, visit: Callable[..., Any], state: str | None, said: str | None
) -> None:
    leave(charged, **FAILED)
    set_state(charged, state)
    try:
        call = visit().get(path_of(charged)).text
    finally:
        set_state(charged, "success")

    assert ("This is what try 1 has left." in call) == (said is not None)
    assert said is None or said in call


def set_state(result: DagResult, state: str | None) -> None:
    """Let the step ``call`` of a run be in a state."""
    from airflow.models.taskinstance import TaskInstance
    from airflow.utils.session import create_session
    from sqlalchemy import update

    named = {"dag_id": result.dag_id, "run_id": result.run_id, "task_id": "call"}
    with create_session() as session:
        session.execute(update(TaskInstance).filter_by(**named).values(state=state))


def test_a_record_that_can_not_be_read_is_said_to_be_so(charged: DagResult, visit: Callable[..., Any]) -> None:
    leave_value(charged, {"function": 7})
    client = visit()

    assert "can&#39;t be read" in client.get(path_of(charged)).text
    assert client.get("/cloudfn/functions/d/call").status_code == 200


HALF = "\ud800"


@pytest.mark.parametrize(
    "changes",
    [
        {**FAILED, "error": {"type": f"X{HALF}", "message": f"Boom {HALF}"}},
        {**FAILED, "error": {"type": "X", "message": "Boom"}, "started_at": "0001-01-01T00:00:00+14:00"},
        {**FAILED, "error": {"type": "X", "message": "Boom"}, "started_at": "9999-12-31T23:59:59-14:00"},
        {**FAILED, "error": {"type": "X", "message": "Boom"}, "totals": {"rate_limit": float("inf")}},
    ],
)
def test_a_record_that_somebody_made_up_takes_no_page_along(
    charged: DagResult, visit: Callable[..., Any], changes: dict[str, Any]
) -> None:
    leave_value(charged, {**call_record().to_dict(), **changes, "exchange": None, "attempts": []})
    client = visit()

    for path in ("/cloudfn/?failing=true", "/cloudfn/functions/d/call"):
        answer = client.get(path)
        assert (answer.status_code, "Boom" in answer.text) == (200, True), path
    assert client.get(path_of(charged)).status_code == 200


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("q=orders", {"fetch"}),
        ("q=CHARGE.MADE", {"call"}),
        ("q=service", {"fetch", "call"}),
        ("q=%25", set()),
        ("dag=d", {"fetch", "call"}),
        ("dag=another", set()),
        ("sort=p95", {"fetch", "call"}),
        ("page=2", {"fetch", "call"}),
    ],
)
def test_the_list_is_filtered(charged: DagResult, visit: Callable[..., Any], query: str, shown: set[str]) -> None:
    text = visit().get(f"/cloudfn/?{query}").text

    assert set(re.findall(r'class="name" href="/cloudfn/functions/d/(\w+)"', text)) == shown


@pytest.mark.parametrize("path", ["/", "/completion-events"])
def test_a_page_behind_the_last_one_is_the_last_one(charged: DagResult, visit: Callable[..., Any], path: str) -> None:
    client = visit()

    def shown(query: str) -> str:
        # How long ago something was changes while the page is read.
        return re.sub(r"\d+ s ago", "", client.get(f"/cloudfn{path}{query}").text)

    assert shown("?page=99") == shown("")


@pytest.mark.parametrize("query", ["sort=;drop", "page=0", "page=-1", "page=x", f"q={'x' * 300}"])
def test_a_query_that_can_not_be_is_refused_with_a_page(visit: Callable[..., Any], query: str) -> None:
    answer = visit().get(f"/cloudfn/?{query}")

    assert answer.status_code == 400
    assert "<h1>" in answer.text


@pytest.mark.parametrize(
    "path",
    [
        "/?q=%00",
        "/completion-events?event=a%00",
        "/deliveries?source=%00",
        "/functions/d/call%00",
        "/try/d/call?run_id=%00",
    ],
)
def test_what_no_postgresql_can_look_for_is_refused_with_a_page(visit: Callable[..., Any], path: str) -> None:
    answer = visit().get(f"/cloudfn{path}")

    assert (answer.status_code, "<h1>" in answer.text) == (400, True)
    assert "Content-Security-Policy" in answer.headers


def test_a_version_of_a_dag_that_airflow_has_written_anew_in_its_place_is_read_anew(
    visit: Callable[..., Any], dags_folder: Path
) -> None:
    """Of a version that has not run yet, Airflow keeps the id."""
    client = visit("writer", reads=("draft",))

    def written(path: str) -> str:
        task = f"CloudFunctionOperator(task_id='call', cloudfn_conn_id='service', uri='\"{path}\"')"
        source = dag_file(task).replace('"d"', '"draft"')
        write_to_database(parse(source, dags_folder, f"draft_{abs(hash(path))}"))
        return str(client.get("/cloudfn/").text)

    assert "/v1/first" in written("/v1/first")
    again = written("/v1/second")

    assert versions_of("draft") == 1
    assert "/v1/second" in again
    assert "/v1/first" not in again


def versions_of(dag_id: str) -> int:
    from airflow.models.dag_version import DagVersion
    from airflow.utils.session import create_session
    from sqlalchemy import func, select

    with create_session() as session:
        return session.scalar(select(func.count()).select_from(DagVersion).where(DagVersion.dag_id == dag_id)) or 0


def test_an_airflow_without_functions_says_how_to_begin(visit: Callable[..., Any]) -> None:
    client = visit("newcomer", reads=("empty",))

    assert "No cloud function yet" in client.get("/cloudfn/").text
    assert "No cloud function yet" in client.get("/cloudfn/try").text
