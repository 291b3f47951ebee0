"""What Airflow's parser says of a Dag that can't work."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

IMPORTS = """
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG, Asset, TaskGroup, task
try:
    from airflow.sdk import CronPartitionTimetable
except ImportError:
    pass  # Airflow 3.2
from airflow_provider_cloudfn import CloudFunctionOperator, CompletionEvent, EmporixStartOperator, cel, lit
"""


@pytest.fixture
def errors(import_errors: Callable[[str], str]) -> Callable[[str], str]:
    """Return a function that parses a Dag of these tasks and returns the import error."""

    def parse(tasks: str, schedule: str = "None") -> str:
        return import_errors(
            f'{IMPORTS}\nwith DAG("d", schedule={schedule}):\n{textwrap.indent(textwrap.dedent(tasks), "    ")}'
        )

    return parse


def test_a_dag_that_can_work_has_no_error(errors: Any) -> None:
    assert (
        errors("""
    a = CloudFunctionOperator(task_id="a", uri='"/v1"')
    b = CloudFunctionOperator(task_id="b", uri='"/v1/" + steps.a.id', returns="response.body")
    c = CloudFunctionOperator.partial(task_id="c", uri='"/v1/" + inputs').expand(inputs=[1, 2])
    EmporixStartOperator(task_id="e", event_type="x", payload={"a": cel("run.id")})
    a >> b >> c
    """)
        == ""
    )


def test_all_problems_of_a_dag_are_listed_with_their_places(errors: Any) -> None:
    message = errors("""
    a = CloudFunctionOperator(task_id="a", uri="/v1/charges")
    b = CloudFunctionOperator(task_id="b", uri='"/v1/" + steps.a.id', query={"q": "stps.a"})
    CloudFunctionOperator.partial(task_id="c", uri='"/" + steps.x.id').expand(inputs=[1])
    CloudFunctionOperator.partial(task_id="f", uri='"/"').expand(query=[{"a": '"b"'}, {"a": "oops"}])
    CloudFunctionOperator.partial(task_id="g").expand_kwargs([{"uri": '"/"'}, {"uri": "oops"}])
    EmporixStartOperator(task_id="e", event_type="x", payload={"a": cel("respnse")})
    """)

    assert "Dag 'd' can't run as it is written" in message
    for part in (
        "- a: uri:",
        "- b: uri: 1:",
        "add `a >> b`",
        '- b: query["q"]: 1:1:',
        "did you mean",
        "- c: uri: 1:",
        "there is no step 'x'",
        '- f: query["a"]: 1:1:',
        "- g: uri: 1:1:",
        "- e: payload.a: 1:1:",
    ):
        assert part in message


def test_dependencies_set_after_the_task_count(errors: Any) -> None:
    assert (
        errors("""
    b = CloudFunctionOperator(task_id="b", uri='"/v1/" + steps.a.id')
    a = CloudFunctionOperator(task_id="a", uri='"/v1"')
    between = EmporixStartOperator(task_id="between", event_type="x")
    a >> between >> b
    """)
        == ""
    )


@pytest.mark.one_run_per_event
def test_an_ordinary_schedule_of_an_event_with_a_run_for_each_is_refused(errors: Any) -> None:
    declared = 'CompletionEvent("charge.created", one_run_per_event=True)'
    task = "EmporixStartOperator(task_id='e', event_type='x')"

    assert errors(task, f"{declared}.each()") == ""
    for schedule in (declared, f"[{declared}]", f'({declared} | Asset("other"))'):
        assert "write schedule=<the event>.each()" in errors(task, schedule)
    assert "or PartitionedAssetTimetable(assets=…)" in errors(task, f'({declared} | Asset("other"))')


@pytest.mark.one_run_per_event
@pytest.mark.parametrize(
    "schedule",
    ['CompletionEvent("first", one_run_per_event=True).each()', 'CronPartitionTimetable("@daily", timezone="UTC")'],
)
@pytest.mark.parametrize(
    ("emitting", "field"),
    [
        ("CloudFunctionOperator(task_id='call', uri='\"/\"', completion_event={0})", "completion_event"),
        ("EmporixStartOperator(task_id='call', event_type='x', completion_event={0})", "completion_event"),
        (
            "CloudFunctionOperator.partial(task_id='call', uri='\"/\"', completion_event={0}).expand(inputs=[1])",
            "completion_event",
        ),
        ("CloudFunctionOperator(task_id='call', uri='\"/\"', completion_event={1}, outlets=[{0}])", "outlets"),
        ("task(task_id='call', outlets=[{0}])(lambda: None)()", "outlets"),
        ("task(task_id='call', outlets=[{0}])(lambda x: x).expand(x=[1, 2])", "outlets"),
        ("EmptyOperator(task_id='call', outlets=[{0}])", "outlets"),
    ],
)
def test_an_ordinary_event_in_a_run_with_a_partition_key_is_refused_for_it_would_start_no_run(
    errors: Any, emitting: str, field: str, schedule: str
) -> None:
    ordinary, single = 'CompletionEvent("next")', 'CompletionEvent("single", one_run_per_event=True)'

    message = errors(emitting.format(ordinary, single), schedule)

    (problem,) = [line for line in message.splitlines() if line.startswith("- ")]
    assert problem.startswith(f"- call: {field}: 'next' would start no run")
    assert "declare the event with one_run_per_event=True" in problem
    assert ".each()" in problem


@pytest.mark.one_run_per_event
def test_what_else_a_run_with_a_partition_key_emits_is_allowed(errors: Any) -> None:
    assert (
        errors(
            """
    single = CompletionEvent("single", one_run_per_event=True)
    CloudFunctionOperator(task_id="call", uri='"/"', completion_event=single, outlets=[Asset("table")])
    task(task_id="own", outlets=[single, Asset("table")])(lambda: None)()
    """,
            'CompletionEvent("first", one_run_per_event=True).each()',
        )
        == ""
    )


def test_each_of_an_ordinary_event_is_refused(errors: Any) -> None:
    message = errors("EmporixStartOperator(task_id='e', event_type='x')", 'CompletionEvent("charge.created").each()')

    assert "one_run_per_event=True" in message


@pytest.mark.one_run_per_event
def test_so_is_one_that_airflow_s_core_has_put_into_a_timetable(import_errors: Any) -> None:
    message = import_errors(f"""{IMPORTS}
from airflow.timetables.assets import AssetOrTimeSchedule
from airflow.timetables.trigger import CronTriggerTimetable

event = CompletionEvent("q.core", one_run_per_event=True)
midnight = CronTriggerTimetable("0 0 * * *", timezone="UTC")
with DAG("d", schedule=AssetOrTimeSchedule(timetable=midnight, assets=[event])):
    CloudFunctionOperator(task_id="a", uri='"/v1"')
""")

    assert "schedule: 'q.core' is declared with one_run_per_event=True" in message


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"uri": "/bad"}, "call: uri: 1:1: text stands in quotes"),
        ({"uri": '"/v1"', "method": "get"}, "call: method: 'get' is none of"),
        ({"uri": '"/v1"', "returns": "respons"}, "call: returns: 1:1: unknown name 'respons'"),
        ({"uri": '"/v1"', "completion_event": "abc"}, "call: completion_event: must be a CompletionEvent"),
    ],
)
@pytest.mark.parametrize("where", ["dag", "group"])
def test_what_a_mapped_step_has_of_default_args_is_checked(
    import_errors: Any, given: dict[str, str], problem: str, where: str
) -> None:
    of = {name: f"default_args={given!r}" if name == where else "" for name in ("dag", "group")}

    message = import_errors(f"""{IMPORTS}
with DAG("d", schedule=None, {of["dag"]}):
    with TaskGroup("g", prefix_group_id=False, {of["group"]}):
        CloudFunctionOperator.partial(task_id="call").expand(inputs=[1])
""")

    assert problem in message


def test_what_expand_gives_instead_of_a_default_is_what_is_checked(errors: Any) -> None:
    assert (
        errors("""
    with TaskGroup("g", default_args={"uri": "/bad"}):
        CloudFunctionOperator.partial(task_id="call").expand(uri=['"/v1"', '"/v2"'])
    """)
        == ""
    )


@pytest.mark.parametrize("name", ["method", "request_timeout"])
def test_an_xcom_in_a_parameter_that_is_no_template_field_is_refused(errors: Any, name: str) -> None:
    message = errors(f"""
    @task
    def made():
        return "POST"

    CloudFunctionOperator(task_id="call", uri='"/v1"', {name}=made())
    """)

    assert f"call: {name}: can't come from another step, because it is no template field" in message


@pytest.mark.parametrize("key", ["3", "''", "None", "[cel('inputs.id')]"])
def test_an_idempotency_key_that_is_none_is_refused(errors: Any, key: str) -> None:
    message = errors(f"""CloudFunctionOperator(task_id="call", uri='"/v1"', idempotency_key={key})""")

    assert "call: idempotency_key: must be True, False or a header's name, not" in message


@pytest.mark.parametrize(
    "given", ["(uri='\"/v1\"', idempotency_key={0})", ".partial(uri='\"/v1\"').expand(idempotency_key={0})"]
)
def test_an_idempotency_key_from_another_step_is_refused_for_it_could_be_a_header_s_name(
    errors: Any, given: str
) -> None:
    written = given.format("made()").replace("(uri", '(task_id="call", uri')
    message = errors(f"""
    @task
    def made():
        return ["cus_7"]

    CloudFunctionOperator{written}
    """)

    assert message.count("call: idempotency_key: must stand in the Dag file: give what a step returned to inputs=") == 1


def test_a_completion_event_cannot_be_expanded(errors: Any) -> None:
    message = errors("""
    CloudFunctionOperator.partial(task_id="a", uri='"/"').expand(completion_event=[CompletionEvent("x"), CompletionEvent("y")])
    """)

    assert "completion_event" in message
    assert "can't be expanded" in message


def test_a_dag_without_our_operators_is_left_alone(errors: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from airflow_provider_cloudfn.authoring import rules

    def refuse(*_: Any) -> None:
        raise AssertionError("looked at")

    monkeypatch.setattr(rules, "task_problems", refuse)

    assert (
        errors(
            """
    @task
    def a():
        return "{{ ds }}"
    a()
    """,
            '[Asset("x")]',
        )
        == ""
    )


def test_jinja_in_an_expression_is_refused_with_what_to_write(errors: Any) -> None:
    message = errors("""CloudFunctionOperator(task_id="a", uri='"/v1/{{ params.id }}"')""")

    assert "Jinja" in message
    assert "params.id" in message
