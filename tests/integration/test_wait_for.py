"""A step that calls, and waits for an event or for a callback: on the worker, and in the triggerer."""

from __future__ import annotations

import base64
import json
import re
import threading
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import pytest
from kit.api_server import PluginServer
from kit.dag_runs import call, dag_file
from kit.server import Answer, LoopbackServer

from airflow_provider_cloudfn import Callback, CloudFunctionOperator, CompletionEvent, WaitFor, testing
from airflow_provider_cloudfn.events.record import TaskInstanceKey
from airflow_provider_cloudfn.exceptions import ExpressionError
from airflow_provider_cloudfn.plugin import callback_state, event_waits
from airflow_provider_cloudfn.triggers import event_wait

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from kit.server import Received

WAYS = {"worker": "False", "triggerer": "True"}
EVERYWHERE = pytest.mark.parametrize("deferrable", WAYS.values(), ids=WAYS)
KEPT = pytest.mark.skipif(
    find_spec("airflow.sdk.bases.resumablejobmixin") is None, reason="Airflow 3.3 has a task state"
)
#: Declares the event, so that it is an asset of Airflow's.
OUTSIDE = 'EmptyOperator(task_id="outside", inlets=[CompletionEvent("order.shipped")])\n'
EVENT = 'CompletionEvent("order.shipped")'
OWN = "match='event.result.orderId == response.body.id'"


@pytest.fixture(autouse=True)
def _it_is_soon_the_worker_s_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a worker look after a moment: most of these tests have no API server that the triggerer could ask."""
    monkeypatch.setattr(event_wait, "_SOONEST", 0.5)


@pytest.fixture
def api_server(airflow_database: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[PluginServer]:
    with PluginServer() as server:
        monkeypatch.setenv("AIRFLOW__CORE__EXECUTION_API_SERVER_URL", f"{server.url}/execution/")
        monkeypatch.setenv("AIRFLOW__API__BASE_URL", server.url)
        monkeypatch.setenv("AIRFLOW__API__SECRET_KEY", "a secret of all of this Airflow")
        yield server


def database_text() -> str:
    """Return all that Airflow's database has of the tasks' states, and of what waits in the triggerer."""
    from airflow.models.trigger import Trigger
    from airflow.utils.session import create_session
    from sqlalchemy import select, text

    with create_session() as session:
        has_states = session.execute(text("select name from sqlite_master where name = 'task_state_store'")).first()
        states = session.execute(text("select value from task_state_store")).all() if has_states else []
        return repr((states, [row.encrypted_kwargs for row in session.scalars(select(Trigger))]))


def happen(**payload: Any) -> None:
    """Let the event have happened, as an API server lets it."""
    from airflow.assets.manager import asset_manager
    from airflow.models.asset import AssetModel
    from airflow.utils.session import create_session
    from sqlalchemy import select

    with create_session() as session:
        asset = session.scalar(select(AssetModel).where(AssetModel.name == "order.shipped"))
        asset_manager.register_asset_change(asset=asset, extra=payload, session=session)


@pytest.fixture
def service(connection: Callable[..., None], serve: Callable[..., LoopbackServer]) -> Callable[..., LoopbackServer]:
    """Return a function that starts a service behind the connection ``shipping``, told what happens before it answers."""

    def start(before: Callable[[Received], None], status: int = 200) -> LoopbackServer:
        def reply(request: Received) -> Answer:
            before(request)
            return Answer.of(status, {"id": "1001", "note": "kept by nobody"})

        server = serve(reply=reply)
        connection("shipping", conn_type="cloudfn", host=server.url)
        return server

    return start


def step(wait_for: str, deferrable: str = "False", **parameters: str) -> str:
    given = {"cloudfn_conn_id": "'shipping'", "method": "'POST'", "uri": "'\"/orders\"'", "wait_for": wait_for}
    return call(**{**given, "deferrable": deferrable, **parameters})


@EVERYWHERE
@pytest.mark.usefixtures("api_server")
def test_an_event_that_comes_before_the_calls_own_answer_is_not_missed(run: Any, service: Any, deferrable: str) -> None:
    asked = service(lambda _: happen(orderId="1001", carrier="post"))

    result = run(OUTSIDE + step(f"WaitFor({EVENT}, {OWN}, timeout=120)", deferrable))

    assert result.xcom("call") == {"orderId": "1001", "carrier": "post"}
    assert len(asked.received) == 1


@EVERYWHERE
@pytest.mark.usefixtures("api_server")
def test_an_event_of_before_the_call_does_not_count(run: Any, service: Any, deferrable: str) -> None:
    run(OUTSIDE + 'EmptyOperator(task_id="call")')
    happen(orderId="1001", carrier="an older one")
    service(lambda _: happen(orderId="other", carrier="another's"))

    result = run(OUTSIDE + step(f"WaitFor({EVENT}, {OWN}, timeout=1.5)", deferrable))

    assert result.states["call"] == ["failed"]


@EVERYWHERE
@pytest.mark.usefixtures("api_server")
def test_what_is_read_of_answer_and_event_becomes_the_result(run: Any, service: Any, deferrable: str) -> None:
    service(lambda _: happen(orderId="1001", carrier="post"))
    returns = '\'{"id": response.body.id, "by": event.result.carrier, "type": event.metadata.type}\''

    result = run(OUTSIDE + step(f"WaitFor({EVENT}, {OWN}, timeout=120)", deferrable, returns=returns))

    assert result.xcom("call") == {"id": "1001", "by": "post", "type": "order.shipped"}


@KEPT
@EVERYWHERE
@pytest.mark.usefixtures("api_server")
def test_a_retry_goes_on_waiting_and_sends_nothing(run: Any, service: Any, deferrable: str) -> None:
    asked = service(lambda _: happen(orderId="1001", n=0))
    retried = {"retries": "1", "retry_delay": "datetime.timedelta(0)", "retry_policy": "None"}
    # Fails the first try, when the call was made and the event is there.
    returns = "'{\"n\": 1 / (run.try_number - 1)}'"

    result = run(OUTSIDE + step(f"WaitFor({EVENT}, {OWN}, timeout=120)", deferrable, returns=returns, **retried))

    assert result.xcom("call") == {"n": 1}
    assert len(asked.received) == 1


@pytest.fixture
def later(api_server: PluginServer) -> Iterator[Callable[..., None]]:
    """Return a function that does something when the triggerer has asked for the first time."""
    running: list[threading.Thread] = []

    def do(something: Callable[[], object], questions: int = 1) -> None:
        def run() -> None:
            if api_server.wait_for_questions(questions):
                something()

        running.append(threading.Thread(target=run, daemon=True))
        running[-1].start()

    yield do
    api_server.expect_no_more()
    for thread in running:
        thread.join(60)


def test_an_event_that_comes_while_the_triggerer_waits_ends_the_wait(run: Any, service: Any, later: Any) -> None:
    asked = service(lambda _: happen(orderId="other"))
    later(lambda: happen(orderId="1001", carrier="post"))

    result = run(OUTSIDE + step(f"WaitFor({EVENT}, {OWN}, timeout=180)", "True"))

    assert result.xcom("call") == {"orderId": "1001", "carrier": "post"}
    assert len(asked.received) == 1


@KEPT
def test_a_callback_that_comes_while_the_triggerer_waits_ends_the_wait(run: Any, service: Any, later: Any) -> None:
    urls: list[str] = []
    service(lambda request: urls.append(json.loads(request.body)["notify"]))
    later(lambda: post(urls[0]))

    result = run(step("Callback(timeout=180)", "True", body=BODY))

    assert result.xcom("call") == {"state": "done"}


def test_more_events_than_an_answer_holds_are_all_looked_at(run: Any, service: Any, later: Any) -> None:
    service(lambda _: None)

    def many() -> None:
        for number in range(250):
            happen(orderId=str(number))
        happen(orderId="1001")

    later(many)

    result = run(OUTSIDE + step(f"WaitFor({EVENT}, {OWN}, timeout=180)", "True"))

    assert result.xcom("call") == {"orderId": "1001"}


@pytest.mark.parametrize(
    "match", ["event.result.orderId == inputs", "event.result.orderId == inputs && run.map_index == -1"]
)
def test_a_deferred_sensor_is_told_of_its_event(run: Any, later: Any, match: str) -> None:
    later(lambda: (happen(orderId="other"), happen(orderId="1001")))
    sensor = call(
        "CompletionEventSensor", event=EVENT, match=repr(match), inputs="'1001'", deferrable="True", timeout="180"
    )

    assert run(OUTSIDE + sensor).xcom("call") == {"orderId": "1001"}


@pytest.mark.parametrize(
    ("since", "state"),
    [("3600", "success"), ("datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)", "success"), ("None", "failed")],
)
def test_a_sensor_counts_events_since_a_moment(run: Any, since: str, state: str) -> None:
    run(OUTSIDE + 'EmptyOperator(task_id="call")')
    happen(orderId=f"since {since}")
    match = repr(f'event.result.orderId == "since {since}"')
    timeout = "60" if state == "success" else "0.5"
    sensor = call("CompletionEventSensor", event=EVENT, match=match, since=since, poke_interval="0.05", timeout=timeout)

    assert run(OUTSIDE + sensor).states["call"] == [state]


def test_without_an_api_server_to_ask_the_worker_looks_itself(
    run: Any, service: Any, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(event_wait, "_SOONEST", 0.1)
    monkeypatch.setenv("AIRFLOW__CORE__EXECUTION_API_SERVER_URL", "http://127.0.0.1:9/execution/")
    service(lambda _: None)
    looked: list[int] = []
    serialize = event_wait.EventWaitTrigger.serialize

    def serialized(self: Any) -> Any:
        looked.append(self.looks)
        if self.looks == 2:
            happen(orderId="1001", carrier="post")
        return serialize(self)

    monkeypatch.setattr(event_wait.EventWaitTrigger, "serialize", serialized)

    result = run(OUTSIDE + step(f"WaitFor({EVENT}, {OWN}, timeout=120)", "True"))

    assert result.xcom("call") == {"orderId": "1001", "carrier": "post"}
    assert sorted(set(looked)) == [0, 1, 2]
    assert "The triggerer can't ask the API server for what is waited for, so a worker looks" in capfd.readouterr().out


def post(url: str, body: bytes = b'{"state": "done"}', content_type: str = "application/json") -> int:
    request = urllib.request.Request(url, body, {"Content-Type": content_type}, method="POST")
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def calling_back(*answers: int) -> tuple[Callable[[Received], None], list[int], list[str]]:
    """Return what a service does that calls back at once, what it was answered, and where it called."""
    got: list[int] = []
    urls: list[str] = []

    def before(request: Received) -> None:
        urls.append(json.loads(request.body)["notify"])
        got.extend(post(urls[-1]) for _ in answers)

    return before, got, urls


BODY = "'{\"notify\": run.callback_url}'"


@KEPT
@EVERYWHERE
@pytest.mark.usefixtures("api_server")
def test_a_callback_is_good_once_and_gives_the_result(run: Any, service: Any, deferrable: str) -> None:
    before, got, urls = calling_back(202, 409)
    service(before, 202)

    result = run(
        step("Callback(timeout=120)", deferrable, body=BODY, returns="'[event.result.state, response.status]'")
    )

    assert result.xcom("call") == ["done", 202]
    assert got == [202, 409]
    assert post(urls[0]) == 409


@KEPT
@pytest.mark.usefixtures("api_server")
@pytest.mark.parametrize(
    ("body", "content_type", "result"),
    [
        (b"id=tr_7UhSN1zuXS", "application/x-www-form-urlencoded", {"id": "tr_7UhSN1zuXS"}),  # Mollie
        (
            b"To=%2B49+30&Tag=a&Tag=b&Note=",
            "application/x-www-form-urlencoded",
            {"To": "+49 30", "Tag": ["a", "b"], "Note": ""},
        ),
        (b"caf\xe9", "text/plain; charset=iso-8859-1", "caf\u00e9"),
        ('{"a": "\u00e9"}'.encode("utf-16"), "application/json", {"a": "\u00e9"}),
        (b'{"state": "done"}', "", {"state": "done"}),
    ],
)
def test_what_is_called_back_is_read_as_an_event_is(
    run: Any, service: Any, body: bytes, content_type: str, result: object
) -> None:
    got: list[int] = []
    service(lambda request: got.append(post(json.loads(request.body)["notify"], body, content_type)), 202)

    ended = run(step("Callback(timeout=120)", body=BODY))

    assert got == [202]
    assert ended.xcom("call") == result


@KEPT
@pytest.mark.usefixtures("api_server")
def test_what_the_triggerer_takes_for_come_and_is_not_there_is_waited_for_by_the_worker(
    run: Any, service: Any, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """It would be deferred and come back again and again, each time as a process of its own."""
    monkeypatch.setattr(event_waits, "called", lambda addresses, _: [True for _ in addresses])
    service(lambda _: None)

    result = run(step("Callback(timeout=10)", "True", body=BODY))

    log = "".join(capfd.readouterr())
    assert result.states["call"] == ["failed"]
    assert log.count("is not here yet: the wait goes on in this process") == 1
    assert "no callback came within 10 seconds (timeout)" in log


@KEPT
@EVERYWHERE
@pytest.mark.usefixtures("api_server")
def test_each_instance_of_a_mapped_step_has_its_own_callback(run: Any, service: Any, deferrable: str) -> None:
    service(lambda request: post(json.loads(request.body)["notify"], json.dumps(request.json()["of"]).encode()))

    result = run(
        f"""
    CloudFunctionOperator.partial(
        task_id="call", cloudfn_conn_id="shipping", method="POST", uri='"/orders"', deferrable={deferrable},
        body='{{"notify": run.callback_url, "of": inputs}}', wait_for=Callback(timeout=20),
    ).expand(inputs=[1, 2])
    """
    )

    assert result.states["call"] == ["success", "success"]


@KEPT
@pytest.mark.usefixtures("api_server")
def test_of_callbacks_at_once_one_is_taken(run: Any, service: Any) -> None:
    got: list[int] = []

    def before(request: Received) -> None:
        url = json.loads(request.body)["notify"]
        with ThreadPoolExecutor(8) as pool:
            got.extend(pool.map(lambda number: post(url, json.dumps(number).encode()), range(16)))

    service(before)

    result = run(step("Callback(timeout=120)", body=BODY))

    assert result.xcom("call") == got.index(202)
    # Where the database is one file, some are told to try again.
    assert got.count(202) == 1
    assert {*got} <= {202, 409, 503}


@KEPT
@pytest.mark.parametrize("was_called_before", [False, True])
@pytest.mark.usefixtures("api_server")
def test_who_is_overtaken_by_another_callback_is_told_so(
    run: Any, service: Any, monkeypatch: pytest.MonkeyPatch, was_called_before: bool
) -> None:
    got: list[int] = []
    urls: list[str] = []
    written = callback_state.written

    def overtaken(*arguments: Any) -> Any:
        monkeypatch.setattr(callback_state, "written", written)
        got.append(post(urls[0], b'"second"'))
        return written(*arguments)

    def before(request: Received) -> None:
        urls.append(json.loads(request.body)["notify"])
        if was_called_before:
            post(urls[0], b'"of an earlier generation"')
            of_an_earlier_generation()
        monkeypatch.setattr(callback_state, "written", overtaken)
        got.append(post(urls[0], b'"first"'))

    service(before)

    assert run(step("Callback(timeout=120)", body=BODY)).xcom("call") == "second"
    assert got == [202, 409]


@KEPT
@pytest.mark.parametrize("garbled", ["", "{", "[]", '{"generation": "x"}', "[" * 100_000])
@pytest.mark.usefixtures("api_server")
def test_a_callback_takes_the_place_of_one_that_can_t_be_read(run: Any, service: Any, garbled: str) -> None:
    got: list[int] = []

    def before(request: Received) -> None:
        url = json.loads(request.body)["notify"]
        got.append(post(url, b'"first"'))
        change_last_row(lambda _: garbled)
        got.extend(post(url, f'"{which}"'.encode()) for which in ("second", "third"))

    service(before)

    assert run(step("Callback(timeout=120)", body=BODY)).xcom("call") == "second"
    assert got == [202, 202, 409]


def of_an_earlier_generation() -> None:
    """Let what was called back be of an earlier generation of its task."""
    change_last_row(lambda value: json.dumps({**json.loads(value), "generation": -1}))


def change_last_row(change: Callable[[str], str]) -> None:
    from airflow.models.task_state_store import TaskStateStoreModel
    from airflow.utils.session import create_session
    from sqlalchemy import select

    with create_session() as session:
        row = session.scalars(select(TaskStateStoreModel).order_by(TaskStateStoreModel.id.desc())).first()
        row.value = change(row.value)


@KEPT
@pytest.mark.usefixtures("api_server")
def test_a_callback_for_a_task_that_has_finished_is_gone(run: Any, service: Any) -> None:
    urls: list[str] = []
    service(lambda request: urls.append(json.loads(request.body)["notify"]))

    result = run(step("Callback(timeout=0.5)", body=BODY))

    assert result.states["call"] == ["failed"]
    assert post(urls[0]) == 410


@KEPT
@pytest.mark.usefixtures("api_server")
def test_a_callback_after_the_deadline_is_gone_though_the_task_still_waits(
    run: Any, service: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    got: list[int] = []

    def before(request: Received) -> None:
        url = json.loads(request.body)["notify"]
        with monkeypatch.context() as later:
            later.setattr("airflow_provider_cloudfn.events.signature._LEEWAY", -200)
            got.append(post(url))
        got.append(post(url))

    service(before)

    run(step("Callback(timeout=120)", body=BODY))

    assert got == [410, 202]


@EVERYWHERE
@pytest.mark.parametrize("read", [{}, {"returns": "'size(response.bytes)'"}], ids=["as JSON", "as bytes"])
@pytest.mark.usefixtures("api_server")
def test_an_answer_that_repeats_a_secret_is_handed_over_to_nobody(
    run: Any, connection: Any, serve: Any, deferrable: str, read: dict[str, str]
) -> None:
    def reply(_: Received) -> Answer:
        happen(orderId="1001")
        return Answer.of(200, {"id": "1001", "note": "s3cret-of-the-connection"})

    extra = {"auth_type": "bearer"}
    connection(
        "shipping", conn_type="cloudfn", host=serve(reply=reply).url, password="s3cret-of-the-connection", extra=extra
    )
    match = "match='event.result.orderId == response.body.id && response.body.note != string(1)'"

    result = run(OUTSIDE + step(f"WaitFor({EVENT}, {match}, timeout=120)", deferrable, **read))

    assert result.states["call"] == ["success"]
    written = database_text()
    assert "s3cret-of-the-connection" not in written
    # Bytes are written in base64, in which a text looks otherwise at each of three places.
    middles = [base64.b64encode(b"-" * before + b"s3cret-of-the-connection")[4:-4].decode() for before in range(3)]
    assert not [middle for middle in middles if middle in written]


@KEPT
@pytest.mark.parametrize(
    ("change", "status"),
    [
        (lambda url: url + "x", 401),
        (lambda url: re.sub(r"\.[^./]+\.([^./]+)$", r".e30.\1", url), 401),
        (lambda url: url.rpartition("/")[0] + "/none", 401),
    ],
)
def test_a_callback_with_another_token_is_refused(
    run: Any, service: Any, api_server: Any, change: Callable[[str], str], status: int
) -> None:
    got: list[int] = []

    def before(request: Received) -> None:
        url = json.loads(request.body)["notify"]
        got.extend((post(change(url)), post(url)))

    service(before)

    run(step("Callback(timeout=120)", body=BODY))

    assert got == [status, 202]


@KEPT
@pytest.mark.usefixtures("api_server")
@pytest.mark.parametrize("base", ["", "airflow.example.com"])
def test_nothing_is_sent_where_nobody_knows_at_which_address_to_call_back(
    run: Any, service: Any, monkeypatch: pytest.MonkeyPatch, base: str
) -> None:
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", base)
    server = service(lambda _: None)

    result = run(step("Callback(timeout=120)", body=BODY))

    assert result.states["call"] == ["failed"]
    assert server.received == []


@KEPT
@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        (b"{", "application/json", 400),
        (b"[NaN]", "application/json", 400),
        (b"[" * 10_000, "application/json", 400),
        (b"[" * 300 + b"]" * 300, "application/json", 400),
        (b'{"a": 1}', "image/png", 415),
        (b"a=%ff", "application/x-www-form-urlencoded", 400),
        (b'"' + b"x" * 50_000 + b'"', "application/json", 413),
        ('"' + "é" * 24_000 + '"', "application/json", 202),
        ('"' + "漢" * 15_000 + '"', "application/json", 202),
        ("[" * 199 + "]" * 199, "application/json", 202),
        (b"", "application/json", 202),
        (b'{"a": 1}', "application/cloudevents+json; charset=utf-8", 202),
    ],
)
def test_a_callback_takes_a_bounded_json_body(
    run: Any, service: Any, api_server: Any, body: bytes | str, content_type: str, status: int
) -> None:
    got: list[int] = []
    content = body.encode() if isinstance(body, str) else body

    def before(request: Received) -> None:
        url = json.loads(request.body)["notify"]
        got.extend((post(url, content, content_type), post(url)))

    service(before)

    result = run(step("Callback(timeout=120)", body=BODY))

    assert got == [status, 409 if status == 202 else 202]
    if isinstance(body, str):
        assert result.xcom("call") == json.loads(body)


@KEPT
@pytest.mark.usefixtures("api_server")
def test_the_token_of_a_callback_is_shown_nowhere(run: Any, service: Any, capfd: pytest.CaptureFixture[str]) -> None:
    before, _, urls = calling_back(202)
    service(before)

    result = run(step("Callback(timeout=120)", "True", body=BODY))

    token = urls[0].rpartition("/")[2]
    assert token not in json.dumps(result.rendered("call"))
    record = result.xcom("call", "cloudfn_call")
    assert (record["outcome"], record["journal"], record["totals"]["calls"]) == ("success", "sent", 1)
    assert "/cloudfn/callbacks/***" in record["exchange"]["sent"]["body"]["text"]
    assert token not in json.dumps(record)
    assert token not in "".join(capfd.readouterr())


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"wait_for": f"WaitFor({EVENT}, match='evnt.result == 1')"}, "wait_for.match: 1:1: unknown name 'evnt'"),
        ({"wait_for": f"WaitFor({EVENT}, match='event.result == params.id')"}, "give the value to inputs="),
        ({"wait_for": "WaitFor('order.shipped')"}, "wait_for: event must be a CompletionEvent or an Asset, not str"),
        ({"wait_for": f"WaitFor({EVENT}, timeout=0)"}, "wait_for: timeout: must be seconds above 0"),
        ({"wait_for": "'order.shipped'"}, "wait_for: must be WaitFor(…) or Callback(…), not str"),
        ({"wait_for": "Callback()", "for_each": "[1]"}, "wait_for and for_each: one task waits for one event"),
        ({"wait_for": "Callback()", "poll": "Poll.location()"}, "wait_for and poll: a step waits in one way"),
        (
            {"wait_for": "Callback()", "pages": "Pages.next_link('response.body.next')"},
            "wait_for and pages: a read of many pages",
        ),
        ({"wait_for": f"WaitFor({EVENT})", "body": BODY}, "run.callback_url exists only where the step waits"),
        ({"body": BODY}, "run.callback_url exists only where the step waits"),
        ({"wait_for": "Callback()"}, "wait_for: nothing in the request tells the service where to call back"),
        ({"returns": "'event.result'"}, "returns: 1:1: unknown name 'event'"),
    ],
)
def test_what_is_wrong_is_known_at_parse_time(
    import_errors: Callable[[str], str], parameters: dict[str, str], message: str
) -> None:
    given = {"wait_for": "None", **parameters}

    assert message in import_errors(dag_file(step(**given)))


@pytest.mark.parametrize(
    "parameters",
    [
        {"body": "'{\"callback_url\": inputs.url}'", "inputs": "{'url': 'x'}"},
        {"returns": "'response.body.callback_url'"},
    ],
)
def test_a_field_of_that_name_is_no_callback(import_errors: Callable[[str], str], parameters: dict[str, str]) -> None:
    assert import_errors(dag_file(step(**{"wait_for": "None", **parameters}))) == ""


@pytest.mark.parametrize(
    "request_of",
    [
        {"body": BODY},
        {"body": "'json.encode(run)'"},
        {"query": "{'to': 'run[\"callback_url\"]'}"},
        {"headers": "{'X-To': 'run.callback_url'}"},
        {"body": "'inputs'", "inputs": "cel('run.callback_url')"},
    ],
)
def test_any_part_of_the_request_tells_where_to_call_back(
    import_errors: Callable[[str], str], request_of: dict[str, str]
) -> None:
    assert import_errors(dag_file(step("Callback()", **request_of))) == ""


@pytest.mark.usefixtures("api_server")
def test_each_instance_of_a_mapped_step_waits_for_its_own(run: Any, service: Any) -> None:
    service(lambda request: happen(orderId=json.loads(request.body)))
    mapped = (
        'CloudFunctionOperator.partial(task_id="call", cloudfn_conn_id="shipping", method="POST", uri=\'"/orders"\', '
        f"body='inputs', wait_for=WaitFor({EVENT}, match='event.result.orderId == inputs', timeout=120)).expand(inputs=['a', 'b'])"
    )

    result = run(OUTSIDE + mapped)

    assert [result.xcom("call", map_index=index)["orderId"] for index in (0, 1)] == ["a", "b"]


SHIPPED = CompletionEvent("order.shipped")


def rehearsed(wait_for: Any, **given: Any) -> Any:
    task = CloudFunctionOperator(
        task_id="call", method="POST", uri='"/orders"', body='{"a": 1}', wait_for=wait_for, returns="event.result.n"
    )
    return testing.run(task, responses=[{"status": 200, "body": {"id": "7"}}], **given)


@pytest.mark.parametrize(
    ("wait_for", "name"),
    [(WaitFor(SHIPPED, match="event.result.id == response.body.id"), "order.shipped"), (Callback(), "callback")],
)
def test_it_is_rehearsed_with_a_sample_of_what_it_waits_for(wait_for: Any, name: str) -> None:
    assert rehearsed(wait_for, context={name: {"id": "7", "n": 3}}).returned == 3


@pytest.mark.parametrize(
    ("context", "message"),
    [({}, "give its payload under 'context', as 'order.shipped'"), ({"order.shipped": {"id": "8"}}, "is false for")],
)
def test_a_rehearsal_says_what_its_sample_lacks(context: Any, message: str) -> None:
    error = rehearsed(WaitFor(SHIPPED, match="event.result.id == response.body.id"), context=context).error

    assert isinstance(error, ExpressionError)
    assert message in str(error)


#: How a step is mapped that waits.
MAPPED = {
    "operator": "CloudFunctionOperator.partial(task_id='call', {given}).expand(inputs=['a', 'b'])",
    "default arguments": "with TaskGroup('g', prefix_group_id=False, default_args={{'wait_for': {waits}}}):\n"
    "    CloudFunctionOperator.partial(task_id='call', {shared}).expand(inputs=['a', 'b'])",
    "decorated": "@task.cloudfn({given})\ndef call(name):\n    return name\ncall.expand(name=['a', 'b'])",
    "decorated by rows": "@task.cloudfn({given})\ndef call(name):\n    return name\n"
    "call.expand_kwargs([{{'name': 'a'}}, {{'name': 'b'}}])",
}


@EVERYWHERE
@pytest.mark.usefixtures("api_server")
@pytest.mark.parametrize("mapped", MAPPED.values(), ids=MAPPED)
def test_a_mapped_step_waits_however_it_is_written(run: Any, service: Any, mapped: str, deferrable: str) -> None:
    service(lambda _: happen(orderId="1001"))
    waits = f"WaitFor({EVENT}, timeout=120)"
    shared = f"cloudfn_conn_id='shipping', method='POST', uri='\"/orders\"', deferrable={deferrable}"

    result = run(OUTSIDE + mapped.format(given=f"{shared}, wait_for={waits}", shared=shared, waits=waits))

    assert [result.xcom("call", map_index=index) for index in (0, 1)] == [{"orderId": "1001"}] * 2


@EVERYWHERE
@pytest.mark.usefixtures("api_server")
def test_the_id_of_an_event_follows_what_the_request_of_a_mapped_step_is_about(
    run: Any, service: Any, deferrable: str
) -> None:
    service(lambda _: happen(orderId="1001"))

    result = run(
        OUTSIDE + "CloudFunctionOperator.partial(task_id='call', cloudfn_conn_id='shipping', method='POST', "
        f"uri='\"/orders\"', wait_for=WaitFor({EVENT}, timeout=120), deferrable={deferrable}, "
        "completion_event=CompletionEvent('order.done'), idempotency_key=cel('inputs')).expand(inputs=['a'])"
    )

    named = TaskInstanceKey("d", result.run_id, "call", 0).stable_id("completion_event:order.done", place="a")
    assert [extra["metadata"]["id"] for _, extra, _ in result.asset_events()] == [named]
