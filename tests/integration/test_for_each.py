"""``for_each=``: many calls in one task."""

from __future__ import annotations

import hashlib
import json
import threading
from typing import TYPE_CHECKING, Any

import pytest
from kit import dag_runs
from kit.command_line import Ended, ended
from kit.server import Answer, LoopbackServer, Received

from airflow_provider_cloudfn import CloudFunctionOperator
from airflow_provider_cloudfn.exceptions import ConfigurationError
from airflow_provider_cloudfn.operators.longest_wait import longest_wait_on_worker

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def score(request: Received) -> Answer:
    number = request.json()["number"]
    return Answer.of(422, {"error": "odd"}) if number % 2 and number > 4 else Answer.of(201, {"score": number * 10})


@pytest.fixture
def step(serve: Callable[..., LoopbackServer], connection: Callable[..., None], run: Any) -> Callable[..., Any]:
    def run_step(
        for_each: str, reply: Any = score, before: str = "", dag_arguments: str = "", **parameters: str
    ) -> tuple[Any, LoopbackServer]:
        server = serve(reply=reply)
        connection("scores", conn_type="cloudfn", host=server.url)
        given = {
            "cloudfn_conn_id": "'scores'",
            "method": "'POST'",
            "uri": "'\"/v1/scores/\" + string(index)'",
            "body": "'{\"number\": item}'",
            **parameters,
            "for_each": for_each,
        }
        return run(f"{before}\n{dag_runs.call(**given)}", dag_arguments), server

    return run_step


@pytest.mark.parametrize(
    ("for_each", "results"),
    [
        ("'[1, 2, 3].map(x, x + 0)'", [10, 20, 30]),
        ("ForEach('[0, 2, 4]', concurrency=2)", [0, 20, 40]),
        ("[4, 2]", [40, 20]),
        ("[]", []),
        ("ForEach('[]')", []),
    ],
)
def test_the_results_come_in_the_order_of_the_items(step: Any, for_each: str, results: list[int]) -> None:
    result, server = step(for_each, returns="'response.body.score'")

    assert result.xcom("call") == results
    assert sorted(request.target for request in server.received) == [f"/v1/scores/{n}" for n in range(len(results))]


def test_the_items_of_another_step_are_data(step: Any) -> None:
    result, server = step(
        "numbers()",
        before="@task\ndef numbers():\n    return ['run.id', '{{ ds }}']",
        reply=lambda request: Answer.of(200, request.json()),
        body="'{\"number\": item}'",
    )

    assert result.xcom("call") == [{"number": "run.id"}, {"number": "{{ ds }}"}]
    assert len(server.received) == 2


def test_a_map_gives_keys_and_values(step: Any) -> None:
    result, _ = step(
        '\'{"a": 2, "b": 4}\'', body="'{\"number\": item.value}'", returns="'item.key + string(response.body.score)'"
    )

    assert result.xcom("call") == ["a20", "b40"]


def test_each_item_has_a_key_of_its_own_that_is_the_same_on_every_try(step: Any) -> None:
    seen: dict[str, list[str]] = {}

    def reply(request: Received) -> Answer:
        keys = seen.setdefault(request.target, [])
        keys.append(request.headers["idempotency-key"])
        return Answer.of(503 if len(keys) == 1 else 200, {"score": 1})

    result, _ = step("[7, 8]", reply=reply, idempotency_key="True", headers="{'X-Own': 'run.idempotency_key'}")

    assert result.state == "success"
    assert all(len(keys) == 2 and keys[0] == keys[1] for keys in seen.values())
    assert len({keys[0] for keys in seen.values()}) == 2


def test_the_first_failure_ends_the_batch_and_says_which_item_it_was(
    step: Any, capfd: pytest.CaptureFixture[str]
) -> None:
    result, server = step("ForEach('[0, 5, 6, 8, 10, 12]', concurrency=1, key='\"order-\" + string(item)')")

    assert result.state == "failed"
    told = "".join(capfd.readouterr())
    assert "for_each: item 1 (order-5): POST" in told
    assert "2 calls: 1 ok, 1 failed, 0 unknown" in told
    assert len(server.received) <= 3


def test_how_far_a_batch_got_is_told_before_the_picture_of_an_expression(
    step: Any, capfd: pytest.CaptureFixture[str]
) -> None:
    step("ForEach('[0, 5]', concurrency=1)", returns="'response.body.nothing'")

    assert "no such key: 'nothing' in response.body; 0 of 2 are done\n" in capfd.readouterr().out.replace("\\n", "\n")


@pytest.fixture
def prepared(monkeypatch: pytest.MonkeyPatch) -> list[CloudFunctionOperator]:
    """Return the tasks that have been prepared, so that they can be told that they are ended."""
    tasks: list[CloudFunctionOperator] = []
    prepare = CloudFunctionOperator.prepare
    monkeypatch.setattr(
        CloudFunctionOperator, "prepare", lambda task, context: tasks.append(task) or prepare(task, context)
    )
    return tasks


@pytest.mark.parametrize(("rate", "ends_at"), [(None, 2), ("1/h", 0)], ids=["at once", "while the next one waits"])
def test_a_batch_whose_task_is_ended_begins_no_more_calls_and_says_how_far_it_got(
    step: Any,
    prepared: list[CloudFunctionOperator],
    capfd: pytest.CaptureFixture[str],
    rate: str | None,
    ends_at: int,
) -> None:
    """Airflow tells a task that it is ended, and lets it go on for some seconds."""

    def reply(request: Received) -> Answer:
        if request.json()["number"] == ends_at:
            prepared[0].on_kill()
        return score(request)

    result, server = step(f"ForEach('[0, 2, 4, 6, 8, 10, 12]', concurrency=1, rate={rate!r})", reply=reply)

    assert result.state == "failed"
    sent = range(0, ends_at + 1, 2)
    assert [request.json()["number"] for request in server.received] == [*sent]
    assert f"for_each: the task was ended from outside; {len(sent)} of 7 are done" in "".join(capfd.readouterr())


@pytest.mark.parametrize("on_error", ["fail", "continue"])
def test_an_item_whose_task_is_ended_is_not_sent_again_and_has_not_failed_for_that(
    step: Any, prepared: list[CloudFunctionOperator], on_error: str
) -> None:
    def reply(request: Received) -> Answer:
        if request.json()["number"] == 2:
            prepared[0].on_kill()
            return Answer.of(503)
        return score(request)

    result, server = step(f"ForEach('[0, 2, 4]', concurrency=1, on_error={on_error!r})", reply=reply)

    assert result.state == "failed"
    assert [request.json()["number"] for request in server.received] == [0, 2]
    if on_error == "continue":
        assert result.xcom("call", "failures") == []


@pytest.mark.parametrize("on_error", ["fail", "continue"])
def test_a_batch_whose_task_is_ended_before_it_begins_sends_nothing_and_is_not_done(
    step: Any, monkeypatch: pytest.MonkeyPatch, on_error: str
) -> None:
    prepare = CloudFunctionOperator.prepare
    monkeypatch.setattr(
        CloudFunctionOperator, "prepare", lambda task, context: (prepare(task, context), task.on_kill())
    )

    result, server = step(f"ForEach('[0, 2, 4]', on_error={on_error!r})")

    assert (result.state, server.received) == ("failed", [])


def test_failures_are_told_beside_the_results_where_the_batch_goes_on(step: Any) -> None:
    result, server = step(
        "ForEach('[2, 5, 4, 7]', on_error='continue', key='\"o-\" + string(item)')", returns="'response.body.score'"
    )

    assert result.state == "success"
    assert result.xcom("call") == [20, None, 40, None]
    failures = result.xcom("call", "failures")
    assert [(one["index"], one["key"], one["status"]) for one in failures] == [(1, "o-5", 422), (3, "o-7", 422)]
    assert len(server.received) == 4


@pytest.mark.parametrize(("most", "state"), [("1", "failed"), ("2", "success"), ("0.4", "failed"), ("0.5", "success")])
def test_too_many_failures_fail_the_batch(step: Any, most: str, state: str) -> None:
    result, _ = step(f"ForEach('[2, 5, 4, 7]', on_error='continue', max_failures={most})")

    assert result.state == state


def test_results_go_into_a_file_and_items_come_out_of_one(step: Any, tmp_path: Path) -> None:
    source, place = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    source.write_text("2\n\n4\n")
    result, _ = step(
        f"ForEach.lines('\"file://{source}\"', results='file://{place}')", returns='\'{"n": item, "i": index}\''
    )

    assert [json.loads(line) for line in place.read_text().splitlines()] == [{"n": 2, "i": 0}, {"n": 4, "i": 1}]
    assert result.xcom("call")["count"] == 2


def test_so_many_calls_are_under_way_at_a_time(step: Any) -> None:
    together, met = [], threading.Barrier(3)

    def reply(request: Received) -> Answer:
        together.append(met.wait(timeout=10))
        return Answer.of(200, {"score": 1})

    result, _ = step("ForEach('[1, 2, 3, 4, 5, 6]', concurrency=3)", reply=reply)

    assert result.state == "success"
    assert len(together) == 6


def test_a_batch_has_one_completion_event_with_its_summary(step: Any) -> None:
    result, _ = step("[2, 4]", completion_event="CompletionEvent('scored')")

    [(_, extra, _)] = result.asset_events()
    assert {name: extra["result"][name] for name in ("count", "ok", "failed")} == {"count": 2, "ok": 2, "failed": 0}


def test_the_event_of_a_batch_carries_what_it_is_told(step: Any) -> None:
    result, _ = step(
        "[2, 4]",
        returns="'response.body.score'",
        completion_event="CompletionEvent('scored')",
        event_payload='\'{"n": summary.ok, "sum": results[0] + results[1]}\'',
    )

    [(_, extra, _)] = result.asset_events()
    assert extra["result"] == {"n": 2, "sum": 60}


def test_an_item_s_result_is_the_items_of_its_pages(step: Any) -> None:
    def reply(request: Received) -> Answer:
        links = {"Link": f"<{request.target.split('?')[0]}?page=2>; rel=next"} if "?" not in request.target else {}
        return Answer.of(200, [request.target[-1]], links)

    result, server = step("[2, 4]", reply=reply, method="'GET'", body="None", pages="Pages.link_header()")

    assert result.xcom("call") == [["0", "2"], ["1", "2"]]
    assert len(server.received) == 4


def test_what_an_expression_reads_as_an_item_s_key_is_the_key_that_is_sent(step: Any) -> None:
    result, server = step(
        "['a', 'b']",
        headers='{"X-Own": "run.idempotency_key", "X-Run": "run.id"}',
        body="'{\"number\": index}'",
        idempotency_key="cel('run.dag_id + item')",
    )

    sent = {(request.headers["idempotency-key"], request.headers["x-own"]) for request in server.received}
    assert result.state == "success"
    assert len(sent) == 2
    assert all(key == own for key, own in sent)


@pytest.mark.parametrize(
    ("for_each", "parameters", "message"),
    [
        ("'params.id'", {}, "for_each: must give a list or a map, not text"),
        ("'params.nothing'", {}, "nothing"),
        ("'null'", {}, "for_each: must give a list or a map, not null"),
        ("'[1, \"x\"]'", {"body": "'{\"number\": item + 1}'"}, "for_each: item 1 (1-"),
        ("ForEach('[1, 1]', key='string(item)')", {}, "the key '1' stands twice, the second time at item 1"),
        ("'[4, 2, 4]'", {"idempotency_key": "cel('item')"}, "idempotency_key: gives '4' twice, the second time for item 2"),
        ("'[2]'", {"idempotency_key": "cel('item.nope')"}, "for_each: item 0 (0-"),
        ("ForEach('[1]', key='item.id')", {}, "for_each.key"),
        ("ForEach('[1]', key='\"\"')", {}, "must give text or a whole number that names item 0, not empty text"),
        ("ForEach('[{\"iban\": \"DE02\"}]', key='item')", {}, "names item 0, not a map"),
        ("ForEach.lines('\"file:///nowhere/x.jsonl\"')", {}, "can't be read"),
        ("'[2]'", {"returns": "'b\"a\" == response.body'", "success_when": "'response.body.score == 5'"}, "success_when is false"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_an_item_says_which(
    step: Any, capfd: pytest.CaptureFixture[str], for_each: str, parameters: dict[str, str], message: str
) -> None:
    result, _ = step(for_each, **parameters)

    assert result.state == "failed"
    assert message in "".join(capfd.readouterr())


@pytest.mark.parametrize(
    ("for_each", "message"),
    [
        ("ForEach('steps.nope')", "for_each.items: 1:1: there is no step 'nope'"),
        ("'item'", "unknown name 'item'"),
        ("ForEach('[1]', concurrency=0)", "concurrency must be a whole number from 1 to 1,000, not 0"),
        ("ForEach('[1]', rate='fast')", "for_each: rate: 'fast' is no rate"),
        ("5", "for_each: must be CEL that gives a list or a map, an XComArg, or a list, not 5"),
        ("ForEach(None)", "an XComArg, or a list, not None"),
        ("ForEach(b'[1]')", "an XComArg, or a list, not b'[1]'"),
        ("ForEach('[1]', rate=50)", "50 is no rate"),
        (
            "{'a', 'b'}",
            "a set has no order, and the next try must find each item at its place: write sorted(…) around it",
        ),
        ("ForEach('[1]', on_error='ignore')", "on_error must be 'fail' or 'continue'"),
        ("ForEach('[1]', max_failures=3)", "max_failures has a meaning with on_error='continue' only"),
        ("ForEach('[1]', on_error='continue', max_failures=float('nan'))", "max_failures must be a number or a share"),
        ("ForEach()", "say what the items are"),
    ],
)
def test_what_is_wrong_with_a_batch_is_known_at_parse_time(
    import_errors: Callable[[str], str], for_each: str, message: str
) -> None:
    step = dag_runs.call(uri="'\"/\" + item.id'", for_each=for_each)

    assert message in import_errors(dag_runs.dag_file(step))


@pytest.mark.parametrize(
    ("place", "event"),
    [
        ("event_payload", {"event_payload": "'response.body.id'", "completion_event": "CompletionEvent('e')"}),
        ("event_payload", {"event_payload": "'response'", "completion_event": "CompletionEvent('e')"}),
        ("emit_when", {"emit_when": "'response.status == 201'", "completion_event": "CompletionEvent('e')"}),
        ("emit_when", {"emit_when": "'has(response.body.id)'", "completion_event": "CompletionEvent('e')"}),
        ('completion_events["e"]', {"completion_events": "{'e': {'id': cel('response.body.id')}}"}),
        ('completion_events["e"].when', {"completion_events": "{'e': Emit(when='response.status == 201')}"}),
    ],
)
def test_the_event_of_a_batch_reads_no_single_answer(
    import_errors: Callable[[str], str], place: str, event: dict[str, str]
) -> None:
    step = dag_runs.call(uri="'\"/\" + item'", for_each="'[\"a\"]'", **event)

    found = import_errors(dag_runs.dag_file(step))

    assert f"- call: {place}: response is the answer of one call, and for_each makes many" in found


@pytest.mark.parametrize(
    ("step", "message"),
    [
        (
            "for_each=ForEach(numbers())).expand(inputs=[1, 2]",
            "for_each.items: comes from step 'numbers', and Airflow sees no",
        ),
        ("for_each=ForEach([1], key=numbers())).expand(inputs=[1]", "for_each.key: is evaluated after the call"),
        ("pages=Pages.link_header(results=numbers())).expand(inputs=[1]", "pages.results: comes from step 'numbers'"),
    ],
)
def test_a_step_that_airflow_would_not_wait_for_is_refused(
    import_errors: Callable[[str], str], step: str, message: str
) -> None:
    before = "@task\ndef numbers():\n    return [1]\n"

    found = import_errors(
        dag_runs.dag_file(f"{before}CloudFunctionOperator.partial(task_id='call', uri='\"/\"', {step})")
    )

    assert message in found


@pytest.mark.parametrize(
    "expanded", ["expand(for_each=[None])", "expand(for_each=[[1], None])", "expand_kwargs([{'for_each': None}])"]
)
def test_an_instance_without_a_list_is_refused_at_parse_time(
    import_errors: Callable[[str], str], expanded: str
) -> None:
    found = import_errors(dag_runs.dag_file(f"CloudFunctionOperator.partial(task_id='call', uri='\"/\"').{expanded}"))

    assert "for_each: is null for an instance, which would make one plain call" in found


@pytest.mark.parametrize(
    ("option", "is_refused"),
    [
        ("for_each=ForEach('[1]', results='file:///tmp/out.jsonl')", True),
        ("for_each=ForEach('[1]', results='file:///tmp/{{ run_id }}/{{ params.id }}.jsonl')", True),
        ("for_each=ForEach('[1]', results=cel('\"file:///tmp/\" + run.id'))", True),
        ("for_each=ForEach('[1]', results=lit('file:///tmp/{{ ti.map_index }}'))", True),
        ("pages=Pages.link_header(results='file:///tmp/out.jsonl')", True),
        ("pages=Pages.link_header(results=ObjectStoragePath('file:///tmp/out.jsonl'))", True),
        ("response_file='file:///tmp/out.csv'", True),
        ("response_file=cel('\"file:///tmp/\" + run.id')", True),
        ("response_file='file:///tmp/{{ ti.map_index }}.csv'", False),
        ("response_file=cel('\"file:///tmp/\" + inputs.id')", False),
        ("for_each=ForEach('[1]', results='file:///tmp/{{ run_id }}/{{ ti.map_index }}.jsonl')", False),
        ("for_each=ForEach('[1]', results='file:///tmp/{{ task.inputs.id }}.jsonl')", False),
        ("for_each=ForEach('[1]', results='file:///tmp/{{ mine() }}.jsonl')", False),
        ("for_each=ForEach('[1]', results=cel('\"file:///tmp/\" + string(run.map_index)'))", False),
        ("for_each=ForEach('[1]', results=cel('\"file:///tmp/\" + inputs.id'))", False),
    ],
)
@pytest.mark.parametrize("mapped", ["expand(inputs=[{'id': 'a'}, {'id': 'b'}])", "group"])
def test_instances_that_would_write_over_one_another_are_refused_at_parse_time(
    import_errors: Callable[[str], str], option: str, is_refused: bool, mapped: str
) -> None:
    step = f"CloudFunctionOperator.partial(task_id='call', uri='\"/\"', {option}).{mapped}"
    if mapped == "group":
        step = (
            "@task_group\ndef group(inputs):\n"
            f"    CloudFunctionOperator(task_id='call', uri='\"/\"', inputs=inputs, {option})\n"
            "group.expand(inputs=[{'id': 'a'}, {'id': 'b'}])"
        )

    found = import_errors(dag_runs.dag_file(step, before="from airflow.sdk import ObjectStoragePath\n"))

    assert (": is the same for all instances of a mapped step" in found) is is_refused, found


def test_instances_of_a_group_write_to_files_of_their_own(
    run: Callable[..., Any], connected: Callable[..., Any], tmp_path: Path
) -> None:
    """By the time that they run, nothing of a path says that it was another one for each."""
    connected()
    given = {"cloudfn_conn_id": "'service'", "uri": "'\"/\"'", "inputs": "inputs"}
    place = f"'file://{tmp_path}/{{{{ ti.map_index }}}}.csv'"
    step = dag_runs.call(**given, response_file=place)

    result = run(f"@task_group\ndef group(inputs):\n    {step}\ngroup.expand(inputs=['a', 'b'])")

    assert result.state == "success"
    assert sorted(file.name for file in tmp_path.glob("*.csv")) == ["0.csv", "1.csv"]


@pytest.mark.parametrize(
    ("expanded", "is_refused"),
    [
        ("expand(response_file=['file:///tmp/a', 'file:///tmp/a'])", True),
        ("expand_kwargs([{'response_file': 'file:///tmp/a'}, {'response_file': 'file:///tmp/a'}])", True),
        ("expand(for_each=[ForEach([1], results='file:///tmp/a'), ForEach([2], results='file:///tmp/a')])", True),
        ("expand(response_file=['file:///tmp/a', 'file:///tmp/b'])", False),
        ("expand(response_file=['file:///tmp/{{ ti.map_index }}', 'file:///tmp/{{ ti.map_index }}'])", False),
    ],
)
def test_two_instances_that_are_given_one_file_are_refused_at_parse_time(
    import_errors: Callable[[str], str], expanded: str, is_refused: bool
) -> None:
    found = import_errors(dag_runs.dag_file(f"CloudFunctionOperator.partial(task_id='call', uri='\"/\"').{expanded}"))

    assert (": is the same for all instances of a mapped step" in found) is is_refused, found


TO_ONE = "response_file='file:///tmp/{{ ds }}.csv'"
#: Two steps, the second one with what it is given besides, and whether they are refused.
TWO_STEPS = {
    "one file": ((TO_ONE, TO_ONE), True),
    "one behind the other": ((TO_ONE, TO_ONE + ")\none >> two\n("), True),
    "of two options": (
        ("for_each=ForEach('[1]', results='/tmp/a')", "pages=Pages.link_header(results='/tmp/a')"),
        True,
    ),
    "in CEL": (("response_file=cel('\"/tmp/\" + run.id')",) * 2, True),
    "of one's own, in CEL": (("response_file=cel('\"/tmp/\" + run.task_id')",) * 2, False),
    "of one's own": (("response_file='/tmp/{{ ti.task_id }}'",) * 2, False),
    "two files": ((TO_ONE, "response_file='/tmp/other.csv'"), False),
    "where the first one fails": ((TO_ONE, TO_ONE + ", trigger_rule='one_failed'"), False),
    "where it is chosen": ((TO_ONE, TO_ONE + ")\nchoose() >> [one, two]\n("), False),
    "where it is wanted": ((TO_ONE, TO_ONE + ", pre_execute=print"), False),
}


@pytest.mark.parametrize(("options", "is_refused"), TWO_STEPS.values(), ids=TWO_STEPS)
def test_two_steps_that_would_write_over_one_another_are_refused_at_parse_time(
    import_errors: Callable[[str], str], options: tuple[str, str], is_refused: bool
) -> None:
    one, two = options
    steps = (
        "@task.branch\ndef choose():\n    return 'one'\n"
        f"one = CloudFunctionOperator(task_id='one', uri='\"/\"', {one})\n"
        f"two = CloudFunctionOperator(task_id='two', uri='\"/\"', {two})\n"
    )

    found = import_errors(dag_runs.dag_file(steps))

    assert ("writes to the file to which one writes" in found) is is_refused, found


@pytest.mark.parametrize(
    "option",
    [{"for_each": "ForEach('[1]', results='file:///tmp/out.jsonl')"}, {"response_file": "'file:///tmp/out.csv'"}],
)
def test_a_step_that_is_not_mapped_writes_to_one_file(
    import_errors: Callable[[str], str], option: dict[str, str]
) -> None:
    step = dag_runs.call(uri="'\"/\" + string(item)'" if "for_each" in option else "'\"/\"'", **option)

    assert import_errors(dag_runs.dag_file(step)) == ""


def test_a_batch_waits_for_the_step_that_gives_its_items() -> None:
    from airflow.sdk import DAG, XComArg
    from airflow.sdk.bases.operator import BaseOperator

    from airflow_provider_cloudfn import CloudFunctionOperator, ForEach, Pages

    with DAG("d", schedule=None):
        numbers = XComArg(BaseOperator(task_id="numbers"))
        call = CloudFunctionOperator(task_id="call", uri='"/"', for_each=ForEach(numbers))
        read = CloudFunctionOperator(task_id="read", uri='"/"', pages=Pages.link_header(results=numbers))

    assert call.upstream_task_ids == read.upstream_task_ids == {"numbers"}


def test_an_instance_whose_list_is_null_makes_no_call(step: Any, run: Any, sandbox: Any) -> None:
    result = run(
        "@task\ndef lists():\n    return [None, [1]]\n"
        "CloudFunctionOperator.partial(task_id='call', cloudfn_conn_id='shop', uri='\"/v1/customers\"', query={'n': 'item'})"
        ".expand(for_each=lists())"
    )

    assert result.states["call"] == ["failed", "success"]


def test_what_items_read_of_a_step_is_pulled_once(step: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from airflow_provider_cloudfn.authoring import variables

    pulled: list[str] = []
    pull = variables._pull
    monkeypatch.setattr(variables, "_pull", lambda one, *more: pulled.append(one.task_id) or pull(one, *more))

    result, _ = step(
        "[1, 2, 3]",
        before="@task\ndef numbers():\n    return [7]\nfound = numbers()",
        body='\'{"number": item * 2, "of": steps.numbers[0]}\'',
        inputs="found",
    )

    assert result.state == "success"
    assert pulled == ["numbers"]


def test_item_is_known_under_for_each_only(import_errors: Callable[[str], str]) -> None:
    assert "unknown name 'item'" in import_errors(dag_runs.dag_file(dag_runs.call(uri="'\"/\" + item.id'")))


@pytest.fixture
def progress(capsys: pytest.CaptureFixture[str]) -> Callable[..., Ended]:
    """Return a function that runs ``airflow cloudfn progress`` of a run, and tells how it ended."""
    pytest.importorskip("airflow.models.task_state_store", reason="this Airflow keeps no task state")
    return lambda result, *flags: ended(capsys, "progress", result.dag_id, "call", "--run-id", result.run_id, *flags)


def test_progress_shows_how_far_a_batch_got_and_forgets_it(step: Any, progress: Callable[..., Ended]) -> None:
    result, _ = step("ForEach('[2, 5, 4]', on_error='continue', key='\"o-\" + string(item)')")

    shown = progress(result).out
    document = progress(result, "--json").document
    progress(result, "--forget")

    assert "3 of 3 items done, 1 failed, 0 unknown: all done" in shown
    assert "1 (o-5): POST" in shown
    assert (document["done"], document["failed"], document["finished"]) == (3, 1, True)
    for flags in ([], ["--forget"]):
        assert "has left nothing about a batch" in progress(result, *flags).err


def test_progress_tells_what_has_stopped_a_batch(step: Any, progress: Callable[..., Ended]) -> None:
    result, _ = step("ForEach('[2, 5, 4]', concurrency=1, key='\"o-\" + string(item)')")

    shown = progress(result).out

    assert "1 of 3 items done, 0 failed, 0 unknown, 1 to be called for again: not finished" in shown
    assert "again: 1 (o-5): POST" in shown


def test_progress_forgets_nothing_but_a_batch(step: Any, progress: Callable[..., Ended]) -> None:
    result, _ = step("None", body="'{\"number\": 2}'", uri="'\"/v1/scores\"'")

    assert "has left nothing about a batch" in progress(result, "--forget").err


def test_a_rehearsal_of_a_batch_sends_nothing(serve: Callable[..., LoopbackServer]) -> None:
    from airflow_provider_cloudfn import CloudFunctionOperator
    from airflow_provider_cloudfn.testing.rehearsal import Rehearsal
    from airflow_provider_cloudfn.testing.samples import Samples

    task = CloudFunctionOperator(
        task_id="call",
        uri='"/v1/scores/" + string(item)',
        for_each=[1, 2],
        returns="response.body.score",
    )
    rehearsal = Rehearsal(task, Samples())

    assert rehearsal.variables()["item"] == 1
    assert rehearsal.request().url.endswith("/v1/scores/1")
    done = Rehearsal(task, Samples()).run([{"body": {"score": 1}}, {"body": {"score": 2}}])
    assert done.returned == [1, 2]


def test_a_turn_that_is_further_off_than_a_worker_may_wait_is_left_to_the_next_try(
    step: Any, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AIRFLOW__CLOUDFN__LONGEST_WAIT_ON_WORKER", "2.5")

    result, server = step("ForEach([0, 2], rate='1/20s')")

    assert result.state == "failed"
    assert "lets no request be sent for" in "".join(capfd.readouterr())
    assert len(server.received) == 1


@pytest.mark.parametrize("value", ["a minute", "-1", "nan", "86401", ""])
def test_a_longest_wait_that_is_none_is_refused(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("AIRFLOW__CLOUDFN__LONGEST_WAIT_ON_WORKER", value)

    with pytest.raises(ConfigurationError, match=r"longest_wait_on_worker: must be seconds from 0 to 86,400, not"):
        longest_wait_on_worker()


def test_a_rehearsal_of_a_batch_waits_for_no_rate() -> None:
    from airflow_provider_cloudfn import CloudFunctionOperator, ForEach
    from airflow_provider_cloudfn.testing.rehearsal import Rehearsal
    from airflow_provider_cloudfn.testing.samples import Samples

    task = CloudFunctionOperator(task_id="call", uri='"/v1/scores"', for_each=ForEach([1, 2], rate="1/h"))

    assert Rehearsal(task, Samples()).run([{"body": 1}, {"body": 2}]).returned == [1, 2]


def test_a_rehearsal_of_a_batch_leaves_the_file_of_its_results_alone(tmp_path: Path) -> None:
    from airflow_provider_cloudfn import CloudFunctionOperator, ForEach
    from airflow_provider_cloudfn.testing.rehearsal import Rehearsal
    from airflow_provider_cloudfn.testing.samples import Samples

    place = tmp_path / "scores.jsonl"
    place.write_text("what production has written\n")
    each = ForEach("[1, 2]", results=f"file://{place}")
    task = CloudFunctionOperator(task_id="call", uri='"/v1/scores"', for_each=each, returns="response.body.score")

    done = Rehearsal(task, Samples()).run([{"body": {"score": 1}}, {"body": {"score": 2}}])

    digest = hashlib.sha256(b"1\n2\n").hexdigest()
    assert done.returned == {"path": f"file://{place}", "count": 2, "size": 4, "sha256": digest}
    assert place.read_text() == "what production has written\n"
    assert list(tmp_path.iterdir()) == [place]


@pytest.mark.parametrize("parameters", [{}, {"method": "'GET'", "body": "None", "pages": "Pages.link_header()"}])
def test_results_that_can_t_go_where_they_should_are_refused_before_anything_is_sent(
    step: Any, capfd: pytest.CaptureFixture[str], tmp_path: Path, parameters: dict[str, str]
) -> None:
    (tmp_path / "out.jsonl").mkdir()
    result, server = step(f"ForEach('[2, 4]', results='file://{tmp_path}/out.jsonl')", **parameters)

    assert result.state == "failed"
    assert "for_each.results: nothing was sent, because" in "".join(capfd.readouterr())
    assert not server.received


def test_a_folder_that_is_not_there_is_made_for_the_results(step: Any, tmp_path: Path) -> None:
    result, _ = step(f"ForEach('[]', results='file://{tmp_path}/new/folder/out.jsonl')")

    assert result.state == "success"
    assert [path.name for path in (tmp_path / "new" / "folder").iterdir()] == ["out.jsonl"]
