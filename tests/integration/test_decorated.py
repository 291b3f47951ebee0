"""``@task.cloudfn``: a function gives the inputs, and all that the operator promises holds for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from kit.dag_runs import dag_file, parse

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.usefixtures("sandbox")

REPORT = """cloudfn_conn_id="shop", method="POST", uri='"/v1/reports"'"""
HOSTILE = ["{{ conn.shop.password }}", "{% raw %}", "run.id", "inputs", "'a' + run.id", 'cel("run.id")']


def sent(sandbox: Any) -> list[Any]:
    """Return the bodies that came in, sorted."""
    return sorted((request.json() for request in sandbox.requests), key=str)


def test_what_the_function_returns_is_inputs_and_its_arguments_come_from_steps(run: Any, sandbox: Any) -> None:
    result = run(f"""
    @task
    def order():
        return {{"id": "1001", "lines": [5, 7]}}

    @task.cloudfn({REPORT}, body={{"total": cel("inputs.total"), "of": cel("inputs.of")}}, returns="response.status")
    def report(order, *, of):
        return {{"total": sum(order["lines"]), "of": of}}

    report(order(), of="a text")
    """)

    assert result.state == "success"
    assert sent(sandbox) == [{"total": 12, "of": "a text"}]
    assert result.xcom("report") in (200, 201)


def test_a_function_takes_of_the_context_what_it_names_as_any_task_does(run: Any, sandbox: Any) -> None:
    run(f"""
    from airflow.sdk import get_current_context

    @task.cloudfn({REPORT}, body="inputs")
    def report(text, run_id=None, **context):
        return {{"text": text, "same": run_id == context["ti"].run_id == get_current_context()["run_id"]}}

    report("a {{{{ dag.dag_id }}}}")
    """)

    assert sent(sandbox) == [{"text": "a d", "same": True}]


def test_its_annotation_says_nothing_of_what_the_step_returns(run: Any) -> None:
    result = run("""
    @task.cloudfn(cloudfn_conn_id="shop", uri='"/v1/customers/" + inputs.id', returns="response.body.name")
    def customer() -> dict[str, str]:
        return {"id": "c-1"}

    customer()
    """)

    assert result.xcom("customer") == "Ada Lovelace"


@pytest.mark.parametrize(
    "expanded",
    [
        "report.partial(of=3).expand(number=numbers())",
        "report.expand_kwargs(numbers().map(lambda n: {'number': n, 'of': 3}))",
        "report.expand_kwargs([{'number': 1, 'of': 3}, {'number': 2, 'of': 3}])",
    ],
)
def test_it_is_mapped_over_the_arguments_of_the_function(run: Any, sandbox: Any, expanded: str) -> None:
    result = run(f"""
    @task
    def numbers():
        return [1, 2]

    @task.cloudfn({REPORT}, body="inputs", returns="inputs.id", idempotency_key=cel("inputs.id"))
    def report(number, of):
        return {{"id": f"{{number}} of {{of}}"}}

    {expanded}
    """)

    assert result.states["report"] == ["success", "success"]
    assert sent(sandbox) == [{"id": "1 of 3"}, {"id": "2 of 3"}]
    assert result.labels("report") == ["1 of 3", "2 of 3"]


def test_override_gives_other_parameters(run: Any, sandbox: Any) -> None:
    result = run(f"""
    @task.cloudfn({REPORT}, body={{"n": cel("inputs")}})
    def report():
        return 1

    report.override(task_id="twice", body={{"n": cel("inputs * 2")}})()
    """)

    assert result.states == {"twice": ["success"]}
    assert sent(sandbox) == [{"n": 2}]


def test_many_calls_read_their_items_from_the_function(run: Any, sandbox: Any) -> None:
    result = run(f"""
    @task.cloudfn({REPORT}, body={{"n": cel("item * inputs.by")}}, for_each=ForEach("inputs.numbers"), returns="item")
    def report():
        return {{"numbers": [1, 2, 3], "by": 10}}

    report()
    """)

    assert sent(sandbox) == [{"n": 10}, {"n": 20}, {"n": 30}]
    assert result.xcom("report") == [1, 2, 3]


def test_pages_are_read(run: Any) -> None:
    result = run("""
    @task.cloudfn(
        cloudfn_conn_id="shop", uri='"/v1/customers"', query={"limit": "inputs"},
        pages=Pages.next_link("response.body.next", items="response.body.items"), returns="items.map(c, c.id)",
    )
    def customers():
        return 2

    customers()
    """)

    assert result.xcom("customers") == ["c-1", "c-2", "c-3", "c-4", "c-5"]


@pytest.mark.parametrize("deferrable", [False, True])
def test_a_job_is_waited_for(run: Any, sandbox: Any, deferrable: bool) -> None:
    result = run(f"""
    @task.cloudfn(
        cloudfn_conn_id="shop", method="POST", uri='"/v1/exports"', body={{"of": cel("inputs")}}, deferrable={deferrable},
        poll=Poll.location(every=0.05), returns="inputs",
    )
    def export(of):
        return of + "s"

    export("order")
    """)

    assert result.state == "success"
    assert result.xcom("export") == "orders"
    assert [request.json() for request in sandbox.requests if request.method == "POST"] == [{"of": "orders"}]


def test_a_mapped_functions_completion_event_is_emitted_and_known_before_an_instance_runs(run: Any) -> None:
    result = run(f"""
    @task.cloudfn({REPORT}, body="inputs")
    def report(n):
        return {{"n": n}}

    mapped = report.override(completion_event=CompletionEvent("reported"), function_name="Report").expand(n=[1, 2])
    assert [event.name for event in mapped.operator.outlets] == ["reported"]
    assert mapped.operator.task_display_name == "Report"
    """)

    assert [name for name, *_ in result.asset_events()] == ["reported", "reported"]


# What arrives, and what the function returns, is data.


@pytest.mark.parametrize("text", HOSTILE)
def test_a_text_that_the_function_returns_is_sent_as_it_is(run: Any, sandbox: Any, text: str) -> None:
    run(f"""
    @task.cloudfn({REPORT}, body="inputs")
    def report():
        return {{{text!r}: [{text!r}]}}

    report()
    """)

    assert sent(sandbox) == [{text: [text]}]


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize(
    "called",
    [
        "report(texts())",
        "report.expand(text=texts())",
        "report.expand_kwargs(texts().map(lambda text: {'text': text}))",
    ],
)
def test_a_text_that_arrives_from_a_step_is_sent_as_it_is(run: Any, sandbox: Any, called: str, text: str) -> None:
    run(f"""
    @task
    def texts():
        return {[text]!r}

    @task.cloudfn({REPORT}, body="inputs")
    def report(text):
        return {{"text": text if isinstance(text, str) else text[0]}}

    {called}
    """)

    assert sent(sandbox) == [{"text": text}]


def test_a_mark_that_the_function_returns_is_no_expression(run: Any, sandbox: Any) -> None:
    result = run(f"""
    @task.cloudfn({REPORT}, body="inputs")
    def report():
        return [cel("run.id")]

    report()
    """)

    assert result.states["report"] == ["failed"]
    assert sandbox.requests == []


def test_the_arguments_of_a_function_are_no_parameters_of_the_operator(run: Any, sandbox: Any) -> None:
    run(f"""
    @task
    def queries():
        return ["run.id"]

    @task.cloudfn({REPORT}, body={{"a": cel("inputs")}})
    def report(query, returns):
        return query + returns

    report.partial(returns=" {{{{ dag.dag_id }}}}").expand(query=queries())
    """)

    assert sent(sandbox) == [{"a": "run.id d"}]


def test_the_function_is_called_once_and_in_the_tasks_own_time(run: Any, sandbox: Any) -> None:
    result = run(f"""
    calls = []

    @task.cloudfn({REPORT}, body="inputs", pre_execute=lambda context: calls.append("before"))
    def report():
        calls.append("called")
        return {{"calls": calls}}

    report()
    """)

    assert result.state == "success"
    assert sent(sandbox) == [{"calls": ["before", "called"]}]


def test_what_was_sent_is_in_the_rendered_templates(run: Any) -> None:
    result = run(f"""
    @task.cloudfn({REPORT}, body="inputs")
    def report(n):
        return {{"n": n, "password": "b-12345"}}

    report(5)
    """)

    shown = result.rendered("report")
    assert shown["uri"] == "/v1/reports"
    assert shown["body"] == {"n": 5, "password": "***"}


def test_a_function_can_skip_its_call(run: Any, sandbox: Any) -> None:
    result = run(f"""
    @task.cloudfn({REPORT}, body="inputs")
    def report():
        raise AirflowSkipException

    report()
    """)

    assert result.states["report"] == ["skipped"]
    assert sandbox.requests == []


# What is wrong is found when the file is parsed.


@pytest.mark.parametrize("called", ["report(1)", "report.expand(n=[1])", "report.expand_kwargs([{'n': 1}])"])
@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("""uri='"/v1/" + input.id'""", "report: uri: 1:10: unknown name 'input'; did you mean 'inputs'?"),
        ("""uri='"/v1"', body={"a": "{{ ds }}"}""", "report: body.a: Jinja is not rendered here"),
        ("""uri='"/v1"', body="steps.nobody.id\"""", "report: body: 1:1: there is no step 'nobody' in this Dag"),
        ("""uri='"/v1"', method="GO\"""", "report: method: "),
        ("""uri='"/v1"', inputs=1""", "'report': inputs: is what the function returns: leave it out"),
        ("""uri='"/v1"', conn_id="shop\"""", "'report': conn_id: write cloudfn_conn_id="),
        ("""uri='"/v1"', boody=1""", "'report': boody: is no parameter of a cloud function; did you mean body?"),
        ("""uri='"/v1"', data=1""", "'report':\ndata: is a parameter of HttpOperator; write body="),
        ("""method="GET\"""", "uri"),
    ],
)
def test_what_is_wrong_is_found_when_the_file_is_parsed(
    import_errors: Callable[[str], str], called: str, written: str, message: str
) -> None:
    tasks = f"@task.cloudfn({written})\ndef report(n):\n    return n\n\n{called}"

    assert message in import_errors(dag_file(tasks))


@pytest.mark.parametrize(
    ("function", "message"),
    [
        ("async def report():\n    return 1", "'report': is an async function"),
        ("def report():\n    yield 1", "'report': yields; return a list instead"),
    ],
)
def test_a_function_that_returns_no_value_is_refused(
    import_errors: Callable[[str], str], function: str, message: str
) -> None:
    assert message in import_errors(dag_file(f"@task.cloudfn(uri='\"/v1\"')\n{function}"))


def test_airflow_can_store_it(dags_folder: Path) -> None:
    from airflow.serialization.serialized_objects import DagSerialization

    bag = parse(
        dag_file(
            f"@task.cloudfn({REPORT}, body='inputs')\ndef report(n):\n    return n\n\nreport(1)\nreport.expand(n=[1])"
        ),
        dags_folder,
    )

    stored = DagSerialization.from_dict(DagSerialization.to_dict(bag.dags["d"]))

    assert [stored.get_task(name).operator_name for name in ("report", "report__1")] == ["@task.cloudfn"] * 2


# The command line, and the tests that a user writes.

DAG = f"""
@task
def numbers():
    return [1]

@task.cloudfn({REPORT}, body={{"n": cel("inputs.n"), "dag": cel("run.dag_id")}})
def report(n):
    return {{"n": n + 1 if isinstance(n, int) else n[0] + 1}}

given = numbers()
report.override(task_id="plain")(given)
report.override(task_id="mapped").expand(n=given)
"""


@pytest.mark.parametrize("task_id", ["plain", "mapped"])
@pytest.mark.parametrize(("samples", "number"), [({"steps": {"numbers": [1]}}, 2), ({"inputs": {"n": 9}}, 9)])
def test_a_rehearsal_calls_the_function_unless_a_sample_says_what_it_returns(
    tmp_path: Path, task_id: str, samples: Any, number: int
) -> None:
    from airflow_provider_cloudfn import testing

    made = parse(dag_file(DAG), tmp_path).dags["d"].task_dict[task_id]

    assert testing.render(made, **samples).body == {"n": number, "dag": "d"}
    assert testing.run(made, responses=[{"body": {"id": 5}}], **samples).returned == {"id": 5}
