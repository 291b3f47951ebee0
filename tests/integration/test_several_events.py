"""A step that emits several events: all that holds for one holds for each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from kit.dag_runs import call, dag_file
from kit.emitting_steps import EVERY_STEP, written
from kit.server import Answer

if TYPE_CHECKING:
    from collections.abc import Callable

    from kit.server import LoopbackServer

TWO = "{'thing.done': 'response.status', CompletionEvent('thing.counted'): '{\"n\": response.status + 1}'}"


@pytest.fixture
def service(sandbox: Any, connected: Callable[..., LoopbackServer]) -> LoopbackServer:
    server = connected()
    server.answers = [Answer.of(200, {"state": "done", "customer": "c-7", "number": 7})]
    return server


@pytest.fixture
def errors(import_errors: Callable[[str], str]) -> Callable[[str], str]:
    """Return a function that parses a Dag of these tasks and returns the import error."""
    return lambda tasks: import_errors(dag_file(tasks))


def thing(events: str, **more: str) -> str:
    return call(cloudfn_conn_id="'service'", uri="'\"/thing\"'", completion_events=events, **more)


@EVERY_STEP
@pytest.mark.usefixtures("service")
def test_every_kind_of_step_emits_all_of_its_events(run: Any, step: str) -> None:
    result = run(written(step, completion_events="{'thing.done': '1 + 1', 'thing.counted': None}"))

    assert result.states == {"call": ["success"]}
    events = {name: extra for name, extra, _ in result.asset_events()}
    assert set(events) == {"thing.done", "thing.counted"}
    assert events["thing.done"]["result"] == 2
    assert events["thing.done"]["metadata"]["id"] != events["thing.counted"]["metadata"]["id"]


@pytest.mark.usefixtures("service")
def test_each_carries_its_own_payload_and_is_read_by_its_name(run: Any) -> None:
    result = run(f"""
    {thing(TWO)} >> CloudFunctionOperator(
        task_id="after", cloudfn_conn_id="service", method="POST", uri='"/thing"',
        body={{"done": cel('context["thing.done"]'), "n": cel('context["thing.counted"].n')}},
    )
    """)

    carried = {name: extra["result"] for name, extra, _ in result.asset_events()}
    assert carried == {"thing.done": 200, "thing.counted": {"n": 201}}
    assert result.rendered("after")["body"] == {"done": 200, "n": 201}
    assert [record["metadata"]["type"] for record in result.xcom("call", "completion_event")] == [
        "thing.done",
        "thing.counted",
    ]


@pytest.mark.usefixtures("service")
def test_each_decides_whether_it_is_emitted(run: Any) -> None:
    result = run(f"""
    {thing("{'thing.done': Emit(when='response.status > 500'), 'thing.counted': Emit('7', when='response.status == 200')}")} \\
    >> CloudFunctionOperator(
        task_id="after", cloudfn_conn_id="service", method="POST", uri='"/thing"',
        body={{"done": cel('context["thing.done"]'), "n": cel('context["thing.counted"]')}},
    )
    """)

    assert [(name, extra["result"]) for name, extra, _ in result.asset_events()] == [("thing.counted", 7)]
    assert result.rendered("after")["body"] == {"done": None, "n": 7}


@pytest.mark.one_run_per_event
@pytest.mark.usefixtures("service")
def test_each_has_its_own_partition_key(run: Any) -> None:
    keyed = "CompletionEvent('thing.done', one_run_per_event=True): Emit(key='response.body.customer')"
    by_id = "CompletionEvent('thing.counted', one_run_per_event=True): None"

    result = run(thing(f"{{{keyed}, {by_id}, 'thing.merged': None}}"))

    keys = {name: (key, extra["metadata"]["id"]) for name, extra, key in result.asset_events()}
    assert keys["thing.done"][0] == "c-7"
    assert keys["thing.counted"][0] == keys["thing.counted"][1]
    assert keys["thing.merged"][0] is None


@pytest.mark.usefixtures("service")
def test_they_stand_beside_the_one_event(run: Any) -> None:
    result = run(thing("{'thing.counted': '2'}", completion_event="CompletionEvent('thing.done')", event_payload="'1'"))

    carried = {name: extra["result"] for name, extra, _ in result.asset_events()}
    assert carried == {"thing.done": 1, "thing.counted": 2}


@pytest.mark.usefixtures("service")
def test_of_a_mapped_step_every_instance_emits_them(run: Any) -> None:
    result = run("""
    CloudFunctionOperator.partial(
        task_id="call", cloudfn_conn_id="service", uri='"/thing"',
        completion_events={"thing.done": "inputs", "thing.counted": "inputs * 10"},
    ).expand(inputs=[1, 2]) >> CloudFunctionOperator(
        task_id="after", cloudfn_conn_id="service", uri='"/thing"',
    )
    """)

    assert sorted((name, extra["result"]) for name, extra, _ in result.asset_events()) == [
        ("thing.counted", 10),
        ("thing.counted", 20),
        ("thing.done", 1),
        ("thing.done", 2),
    ]


@pytest.mark.usefixtures("service")
def test_what_is_wrong_with_the_second_is_told_while_none_is_emitted(run: Any, capfd: Any) -> None:
    schema = "CompletionEvent('thing.counted', schema={'type': 'object'})"

    result = run(thing(f"{{'thing.done': '1', {schema}: 'response.status'}}"))

    assert result.states == {"call": ["failed"]}
    assert result.asset_events() == []
    assert result.xcom("call", "completion_event") is None
    told = "".join(capfd.readouterr())
    assert 'completion_events["thing.counted"]: is not what the schema of' in told


@pytest.mark.usefixtures("service")
def test_a_payload_that_is_too_large_is_named(run: Any, monkeypatch: pytest.MonkeyPatch, capfd: Any) -> None:
    monkeypatch.setenv("AIRFLOW__CLOUDFN__EVENT_LIMIT", "10")

    result = run(thing("{'thing.done': '\"much too long for that\"'}"))

    assert result.states == {"call": ["failed"]}
    assert 'completion_events["thing.done"]: the event carries 24 bytes' in "".join(capfd.readouterr())


@pytest.mark.parametrize(
    ("events", "more", "told"),
    [
        ("{'thing.done': 'response.stat'}", {}, 'completion_events["thing.done"]'),
        ("{'thing.done': Emit('1', when='nothing.there')}", {}, 'completion_events["thing.done"].when'),
        ("{'thing.done': Emit(key='response.status')}", {}, 'completion_events["thing.done"].key'),
        ("['thing.done']", {}, "must be a dict of events and what they carry, not list"),
        ("{5: None}", {}, "an event must be a CompletionEvent or an Asset, not int"),
        ("{'thing.done': None}", {"completion_event": "CompletionEvent('thing.done')"}, "'thing.done' is given twice"),
    ],
)
def test_what_cannot_be_is_an_import_error(
    errors: Callable[[str], str], events: str, more: dict[str, str], told: str
) -> None:
    assert told in errors(thing(events, **more))


def test_they_cannot_be_expanded(errors: Callable[[str], str]) -> None:
    told = errors("""
    CloudFunctionOperator.partial(task_id="call", cloudfn_conn_id="service", uri='"/thing"').expand(
        completion_events=[{"thing.done": None}]
    )
    """)

    assert "completion_events: it can't be expanded; give it to partial()" in told


@pytest.mark.usefixtures("service")
def test_what_arrives_at_run_time_is_no_expression_in_them(run: Any, capfd: Any) -> None:
    result = run(
        'Own.partial(task_id="call", cloudfn_conn_id="service", uri=\'"/thing"\').expand(text=told())',
        before="""
@task
def told():
    return ["1 + 1"]

class Own(CloudFunctionOperator):
    def __init__(self, *, text=None, completion_events={"thing.done": None}, **kwargs):
        super().__init__(completion_events={"thing.done": text}, **kwargs)
""",
    )

    assert result.states == {"told": ["success"], "call": ["failed"]}
    assert 'completion_events["thing.done"]' in "".join(capfd.readouterr())
