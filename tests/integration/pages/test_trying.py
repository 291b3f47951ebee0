"""Trying a step on a page: the same as on the command line, in a process that can't hold up the API server."""

from __future__ import annotations

import json
import re
import threading
from html import escape
from typing import TYPE_CHECKING, Any
from unittest.mock import Mock

import pytest

from airflow_provider_cloudfn.plugin.pages import confined, try_page, typed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from kit.dag_runs import DagResult
    from kit.server import LoopbackServer

FROM_HERE = {"Sec-Fetch-Site": "same-origin"}
SECRET = "sk-a-secret-that-nobody-sees"

#: A billion steps.
HOSTILE = "lists.range(1000).map(a, lists.range(1000).map(b, lists.range(1000).map(c, a * b * c)))"

TASKS = """
fetch = CloudFunctionOperator(task_id="fetch", cloudfn_conn_id="service", uri='"/v1/orders"')
call = CloudFunctionOperator(
    task_id="call", cloudfn_conn_id="service", method="POST", uri='"/v1/charges"',
    body='{"amount": steps.fetch.total}', returns="response.body.id",
)
fetch >> call
"""


@pytest.fixture
def service(connected: Callable[..., LoopbackServer]) -> LoopbackServer:
    """Return the service that the step calls."""
    server = connected(password=SECRET, extra={"auth_type": "api_key", "key_location": "header", "key_name": "X-Key"})
    server.answer(body={"total": 42, "id": "ch_7"})
    return server


@pytest.fixture
def a_run(run: Callable[..., DagResult], service: LoopbackServer) -> DagResult:
    """Return a run of the Dag, before which nothing was sent."""
    result = run(TASKS)
    service.received.clear()
    return result


@pytest.fixture
def try_it(really_try_it: Callable[..., str], soon: None) -> Callable[..., str]:
    """Return a function that sends the form as `really_try_it` does, and needs no Airflow that starts for it."""
    return really_try_it


@pytest.fixture
def really_try_it(a_run: DagResult, visit: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Return a function that sends the form for the step ``call`` of a run, and returns the page."""
    monkeypatch.setenv("AIRFLOW__CLOUDFN__TRY_IT", "True")
    client = visit(triggers=("d",))

    def send(path: str = "", **form: str) -> str:
        sent = {"run_id": a_run.run_id, **form}
        answer = client.post(f"/cloudfn/try/d/call{path}", data=sent, headers=FROM_HERE)
        assert answer.status_code == 200
        return str(answer.text)

    return send


@pytest.mark.parametrize(("query", "is_chosen"), [("", True), ("?run_id=", False)])
def test_the_values_are_those_of_the_latest_run_unless_none_is_asked_for(
    a_run: DagResult, visit: Callable[..., Any], query: str, is_chosen: bool
) -> None:
    shown = visit(triggers=("d",)).get(f"/cloudfn/try/d/call{query}").text

    assert (f'<option value="{escape(a_run.run_id)}" selected>' in shown) is is_chosen


def test_the_values_of_a_run_and_the_request_over_them_are_shown(really_try_it: Callable[..., str]) -> None:
    text = really_try_it(action="render")

    for shown in ('data-insert="steps.fetch.total"', "The request that it would send", "&#34;amount&#34;: 42", "***"):
        assert shown in text
    assert SECRET not in text


def test_a_sample_comes_before_the_run(try_it: Callable[..., str]) -> None:
    assert "&#34;amount&#34;: 7" in try_it(action="render", sample="steps: {fetch: {total: 7}}")


def test_an_expression_has_its_value_and_type(try_it: Callable[..., str]) -> None:
    text = try_it(action="eval", expression="steps.fetch.total * 2")

    assert "84</pre>" in text
    assert ">int</span>" in text


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("steps.fetch.totl", "no such key: &#39;totl&#39;"),
        ("--help", "| --help"),
        ("--run-id=x", "| --run-id=x"),
        (HOSTILE, "needs more than"),
        ("-", "Write an expression first."),
        (" ", "Write an expression first."),
    ],
)
def test_an_expression_without_a_value_says_why(try_it: Callable[..., str], expression: str, said: str) -> None:
    text = try_it(action="eval", expression=expression)

    assert 'role="alert"' in text
    assert said in text


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[confined.Running]]:
    """Return the processes that were started to evaluate what somebody types; they end with the test."""
    processes: list[confined.Running] = []

    def start(arguments: Any, *, reads: bool) -> confined.Running:
        processes.append(confined.Running(arguments, reads=reads))
        return processes[-1]

    monkeypatch.setattr(typed, "Running", start)
    yield processes
    typed._end_all()


def test_what_is_typed_has_its_value_from_one_process(
    really_try_it: Callable[..., str], started: list[confined.Running]
) -> None:
    assert really_try_it("/value", expression="").strip() == ""
    for expression, value in (
        ("steps.fetch.total * 2", "84</pre>"),
        ('"ü" + // two\r\n"b"', "üb"),
        ("1 // \\", "1</pre>"),
    ):
        assert value in really_try_it("/value", expression=expression)

    assert len(started) == 1


def test_what_is_typed_and_has_no_value_says_why_and_holds_nothing_up(
    try_it: Callable[..., str], started: list[confined.Running]
) -> None:
    assert "2:15: no such key" in try_it("/value", expression="1 +\n  steps.fetch.totl")
    assert "needs more than" in try_it("/value", expression=HOSTILE)
    assert "2</pre>" in try_it("/value", expression="1 + 1")
    assert len(started) == 1


def test_what_is_typed_is_about_the_values_of_its_own_run_and_sample(
    try_it: Callable[..., str], started: list[confined.Running]
) -> None:
    sample = "steps: {fetch: {total: 7}}"

    assert "42</pre>" in try_it("/value", expression="steps.fetch.total")
    assert "7</pre>" in try_it("/value", expression="steps.fetch.total", sample=sample)
    assert "42</pre>" in try_it("/value", expression="steps.fetch.total")
    assert len(started) == 2


def test_of_the_processes_that_are_kept_the_one_that_nobody_used_for_longest_makes_room(
    try_it: Callable[..., str], started: list[confined.Running], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(typed, "_KEPT", 1)

    try_it("/value", expression="1")
    try_it("/value", expression="1", sample="params: {a: 1}")

    assert [one.has_ended for one in started] == [True, False]


def test_where_all_processes_are_at_work_nobody_waits(
    try_it: Callable[..., str], started: list[confined.Running], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(typed, "_KEPT", 1)
    try_it("/value", expression="1")
    (evaluator,) = typed._kept.values()
    evaluator.wanted_by = 2

    assert "Others try something just now" in try_it("/value", expression="1")
    assert "Others try something just now" in try_it("/value", expression="1", sample="params: {a: 1}")
    assert len(started) == 1


def test_a_process_ends_when_nobody_types_any_more_or_the_values_are_shown_anew(
    try_it: Callable[..., str], started: list[confined.Running], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(try_page, "rehearse", lambda arguments: confined.Ended(problem="Enough."))
    try_it("/value", expression="1")
    try_it(action="render")
    assert started[0].has_ended

    try_it("/value", expression="1")
    monkeypatch.setattr(typed, "_IDLE", -1.0)
    typed._end_idle()
    assert started[1].has_ended
    assert not typed._kept


def test_a_process_that_has_ended_is_started_anew(
    really_try_it: Callable[..., str], started: list[confined.Running], monkeypatch: pytest.MonkeyPatch
) -> None:
    really_try_it("/value", expression="1")
    monkeypatch.setattr(typed, "_SOON", 0.0)
    assert "It took more than 0 seconds, and was ended." in really_try_it("/value", expression=HOSTILE)
    assert started[0].has_ended

    assert "2</pre>" in really_try_it("/value", expression="2")
    started[1].end()
    assert "3</pre>" in really_try_it("/value", expression="3")
    assert len(started) == 3


def test_values_that_are_shown_anew_cut_nobody_off_who_waits_for_his(
    try_it: Callable[..., str], started: list[confined.Running], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(try_page, "rehearse", lambda arguments: confined.Ended(problem="Enough."))
    try_it("/value", expression="1")
    (evaluator,) = typed._kept.values()
    tell = started[0].tell

    def told(line: bytes) -> None:
        tell(line)
        try_it(action="render")

    monkeypatch.setattr(started[0], "tell", told)

    assert "2</pre>" in try_it("/value", expression="2")
    assert started[0].has_ended
    assert (evaluator.wanted_by, typed._kept) == (0, {})


def test_what_is_asked_and_breaks_off_is_nobody_s_answer(
    try_it: Callable[..., str], started: list[confined.Running], monkeypatch: pytest.MonkeyPatch
) -> None:
    try_it("/value", expression="1")
    (whose,) = typed._kept
    monkeypatch.setattr(started[0], "answer", Mock(side_effect=KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        typed.evaluate(whose, Mock(), "2")

    assert "3</pre>" in try_it("/value", expression="3")
    assert len(started) == 2


def test_one_thread_looks_after_all_processes_and_a_sample_is_gone_once_it_was_read(
    try_it: Callable[..., str], started: list[confined.Running], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    for number in range(4):
        try_it("/value", expression=str(number), sample="params: {a: 1}")

    assert sum(isinstance(one, threading.Timer) for one in threading.enumerate()) == 1
    assert list(tmp_path.glob("cloudfn-try-*")) == []
    assert len(started) == 1


def test_a_dag_that_has_gone_is_said_to_be_so_while_somebody_types(
    try_it: Callable[..., str], started: list[confined.Running], dags_folder: Path
) -> None:
    for file in dags_folder.glob("*.py"):
        file.unlink()

    for _ in range(2):
        assert 'class="note bad"' in try_it("/value", expression="1")


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ('{"status": 201, "body": {"id": "ch_1"}}', "ch_1</pre>"),
        ("not_found", "404"),
        ("timeout", "silent for too long"),
        ("/etc/hostname", ">the answer: &#39;/etc/hostname&#39; is no failure that has a name"),
        ("airflow.cfg", "no failure that has a name"),
        ("404", '<span class="status bad">404</span>'),
        ("{", ">the answer is neither JSON nor YAML"),
    ],
)
def test_a_step_is_carried_out_over_an_answer(try_it: Callable[..., str], answer: str, said: str) -> None:
    assert said in try_it(action="test", answer=answer)


def test_a_sample_that_can_not_be_read_is_told_without_the_file_that_it_was_put_into(
    try_it: Callable[..., str],
) -> None:
    assert ">the sample is neither JSON nor YAML" in try_it(action="render", sample="{")


def test_a_run_that_is_not_there_is_said_to_be_so(try_it: Callable[..., str]) -> None:
    assert "has no run" in try_it(action="render", run_id="--sample=/etc/passwd")


def test_a_dag_file_that_wants_all_memory_gets_none(
    really_try_it: Callable[..., str], dags_folder: Path, visit: Callable[..., Any]
) -> None:
    for file in dags_folder.glob("*.py"):
        file.write_text(f"wanted = bytearray({confined._MEMORY})\n{file.read_text()}")

    assert "MemoryError" in really_try_it(action="render")


def test_what_takes_too_long_is_ended() -> None:
    ended = confined.rehearse(["eval", "--json", "--", "1"], seconds=0.2)

    assert ended is not None
    assert ended.problem == "It took more than 0 seconds, and was ended."


def test_only_a_few_are_tried_at_once(try_it: Callable[..., str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(confined, "_places", threading.BoundedSemaphore(1))
    with confined._places:
        assert "Others try something just now" in try_it(action="render")


def test_what_ends_without_an_answer_is_said_to_do_so() -> None:
    ended = confined.rehearse(["no-such-command"])

    assert ended is not None
    assert ended.document is None
    assert "without an answer (exit code 2)" in str(ended.problem)


def agreed(text: str) -> str:
    """Return what the page asks somebody to agree to who lets the call be sent."""
    (found,) = re.findall(r'name="confirmed" value="([^"]*)" required', text)
    return str(found)


def audited(event: str) -> list[tuple[str | None, str | None, Any]]:
    """Return who did that with which task, and what the audit log says besides."""
    from airflow.models.log import Log
    from airflow.utils.session import create_session
    from sqlalchemy import select

    with create_session() as session:
        found = session.scalars(select(Log).where(Log.event == event).order_by(Log.id))
        return [(row.owner, row.task_id, json.loads(row.extra or "{}")) for row in found]


def test_the_real_call_is_made_after_somebody_agreed_to_its_method_and_host(
    really_try_it: Callable[..., str], service: LoopbackServer, a_run: DagResult
) -> None:
    target = agreed(really_try_it(action="render"))
    assert target == f"POST {service.url}"
    assert service.received == []

    text = really_try_it("/send", confirmed=target)

    assert [(one.method, one.target, one.json()) for one in service.received] == [
        ("POST", "/v1/charges", {"amount": 42})
    ]
    assert service.received[0].headers["x-key"] == SECRET
    assert "ch_7</pre>" in text
    assert SECRET not in text
    assert audited("cloudfn_send")[-1] == ("reader", "call", {"to": target, "with_values_of": a_run.run_id})


def test_a_sample_goes_along_with_what_is_sent(try_it: Callable[..., str], service: LoopbackServer) -> None:
    sample = "steps: {fetch: {total: 7}}"

    assert f"hidden>{sample}</textarea>" in try_it(action="render", sample=sample)
    try_it("/send", sample=sample, confirmed=f"POST {service.url}")

    assert [one.json() for one in service.received] == [{"amount": 7}]


@pytest.mark.parametrize(
    ("confirmed", "said"),
    [
        ("", "it was not confirmed where to"),
        ("POST https://elsewhere.test", "nothing was sent, because the call goes to POST http://"),
    ],
)
def test_nothing_is_sent_but_to_where_somebody_agreed(
    try_it: Callable[..., str], service: LoopbackServer, confirmed: str, said: str
) -> None:
    assert said in try_it("/send", confirmed=confirmed)
    assert service.received == []


@pytest.mark.parametrize(
    ("rights", "headers"),
    [
        ({}, FROM_HERE),
        ({"triggers": ("d",), "edits": False}, FROM_HERE),
        ({"triggers": ("another",)}, FROM_HERE),
        ({"triggers": ("d",), "without": ("XCOM",)}, FROM_HERE),
        ({"triggers": ("d",)}, {}),
        ({"triggers": ("d",)}, {"Sec-Fetch-Site": "cross-site"}),
        ({"triggers": ("d",)}, {"Origin": "https://evil.test"}),
    ],
    ids=str,
)
def test_nothing_is_sent_without_the_rights_or_by_another_site(
    a_run: DagResult,
    service: LoopbackServer,
    visit: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
    rights: dict[str, Any],
    headers: dict[str, str],
) -> None:
    monkeypatch.setenv("AIRFLOW__CLOUDFN__TRY_IT", "True")
    form = {"run_id": a_run.run_id, "confirmed": f"POST {service.url}"}

    client = visit(**rights)
    answers = [client.post(f"/cloudfn/try/d/call/{path}", data=form, headers=headers) for path in ("send", "value")]

    assert answers[0].status_code == 403
    # To look at values takes no right to edit the Dag.
    assert answers[1].status_code == (200 if rights.get("edits") is False else 403)
    assert service.received == []


def test_nothing_is_sent_where_trying_is_off(
    a_run: DagResult, service: LoopbackServer, visit: Callable[..., Any]
) -> None:
    form = {"run_id": a_run.run_id, "confirmed": f"POST {service.url}"}

    for path in ("send", "value"):
        answer = visit(triggers=("d",)).post(f"/cloudfn/try/d/call/{path}", data=form, headers=FROM_HERE)

        assert (answer.status_code, "[cloudfn] try_it = True" in answer.text) == (403, True)
    assert service.received == []


@pytest.mark.usefixtures("soon")
def test_who_may_trigger_and_not_edit_is_offered_to_try_and_not_to_send(
    a_run: DagResult, visit: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW__CLOUDFN__TRY_IT", "True")
    form = {"action": "render", "run_id": a_run.run_id}

    text = visit(triggers=("d",), edits=False).post("/cloudfn/try/d/call", data=form, headers=FROM_HERE).text

    assert "The request that it would send" in text
    assert "confirmed" not in text
    assert "You may not try this" in visit("looker").get("/cloudfn/try/d/call").text


def test_of_a_call_that_was_cut_short_nobody_claims_to_know(
    try_it: Callable[..., str], service: LoopbackServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(try_page, "rehearse", lambda arguments: confined.Ended(problem="It took more than 60 seconds."))

    text = try_it("/send", confirmed=f"POST {service.url}")

    assert "It took more than 60 seconds. Nobody knows whether the call was carried out" in text


def test_no_connection_to_the_database_is_held_while_a_step_is_tried(
    try_it: Callable[..., str], service: LoopbackServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    from airflow import settings

    held = []

    def rehearse(*_: object) -> confined.Ended:
        held.append(settings.engine.pool.checkedout())
        return confined.Ended(problem="Enough.")

    monkeypatch.setattr(try_page, "rehearse", rehearse)
    monkeypatch.setattr(typed, "evaluate", rehearse)
    try_it(action="render")
    try_it("/send", confirmed=f"POST {service.url}")
    try_it("/value", expression="1")

    assert held == [0, 0, 0]
