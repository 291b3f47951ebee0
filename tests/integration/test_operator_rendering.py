"""What a step sends, in every way in which a step can be written: plain, mapped, in groups, with data from other steps."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

PRODUCERS = """
@task
def order():
    return {"id": "10/01", "total": 12.5, "hostile": "run.id", "jinja": "{{ run_id }}", "tags": ["a", "b"]}

@task
def ids():
    return ["c-1", "c-2", "c-3"]
"""


@pytest.fixture
def run(run: Callable[..., Any], sandbox: Any) -> Callable[..., Any]:
    """Return a function that runs the tasks of a Dag, beside those two, and returns how it ended."""
    return partial(run, before=PRODUCERS)


def sent(sandbox: Any) -> list[str]:
    """Return the paths that were requested, with their queries, sorted: mapped instances have no order."""
    return sorted(one.path + ("?" + one.query if one.query else "") for one in sandbox.requests if "/v1/" in one.path)


def test_every_part_of_a_request_is_an_expression(run: Any, sandbox: Any) -> None:
    result = run("""
    call = CloudFunctionOperator(
        task_id="call", cloudfn_conn_id="shop", method="POST",
        uri='"/v1/reports?x=1"',
        query={"tag": ["steps.order.tags[0]", '"b c"'], '"total"': "steps.order.total", "none": "null", "n": 5},
        headers={"X-Run": "run.dag_id", "X-None": "null", "X-Page": "params.page"},
        body={"order": cel("steps.order.id"), "text": lit("run.id"), "also": lit("{{ x }}"), "list": [1, cel("size(steps.order.tags)")]},
    )
    order() >> call
    """)

    assert result.state == "success"
    (request,) = sandbox.requests
    assert request.path == "/header/v1/reports"
    assert request.parameters == [("x", "1"), ("tag", "a"), ("tag", "b c"), ("total", "12.5"), ("n", "5")]
    assert request.header("x-run") == "d"
    assert request.header("x-none") is None
    assert request.header("x-page") == "5"
    assert request.header("content-type") == "application/json"
    assert request.json() == {"order": "10/01", "text": "run.id", "also": "{{ x }}", "list": [1, 2]}


def test_rendered_templates_show_what_was_sent(run: Any, sandbox: Any) -> None:
    result = run("""
    call = CloudFunctionOperator(
        task_id="call", cloudfn_conn_id="shop", method="POST", uri='"/v1/reports"', query={"a": "params.page"},
        headers={"X-Page": "params.page"}, body='{"total": steps.order.total}', inputs={"jinja": "{{ params.page }}"},
    )
    order() >> call
    """)

    shown = result.rendered("call")
    (request,) = sandbox.requests
    assert request.path.endswith(shown["uri"])
    assert dict(request.parameters) == shown["query"]
    assert request.header("x-page") == shown["headers"]["X-Page"]
    assert request.json() == shown["body"]
    assert shown["inputs"] == {"jinja": "5"}


@pytest.mark.parametrize(
    "written",
    [
        'uri=lit("/v1/customers"), query={"q": hostile(order())}',
        'uri=lit("/v1/customers"), query={"q": "inputs"}, inputs=hostile(order())',
        'uri=lit("/v1/customers"), query={"q": "inputs.deep[0]"}, inputs={"deep": [hostile(order())]}',
        'uri=lit("/v1/customers"), query={"q": "steps.order.hostile"}',
    ],
)
def test_data_is_never_compiled(run: Any, sandbox: Any, written: str) -> None:
    run(f"""
    @task
    def hostile(order):
        return order["hostile"]

    call = CloudFunctionOperator(task_id="call", cloudfn_conn_id="shop", {written})
    if "steps.order" in '''{written}''':
        order() >> call
    """)

    (request,) = sandbox.requests
    assert request.parameters == [("q", "run.id")]


def test_text_from_another_step_is_a_path_as_it_is(run: Any, sandbox: Any) -> None:
    run("""
    @task
    def path():
        return "/v1/scores/run.id"

    CloudFunctionOperator(task_id="call", cloudfn_conn_id="shop", uri=path())
    """)

    assert sent(sandbox) == ["/header/v1/scores/run.id"]


def test_a_mapped_step_makes_a_call_for_each(run: Any, sandbox: Any) -> None:
    result = run("""
    score = CloudFunctionOperator.partial(
        task_id="score", cloudfn_conn_id="shop", uri='"/v1/scores/" + inputs', returns='{"id": inputs, "of": run.map_index}',
    ).expand(inputs=ids())
    after = CloudFunctionOperator(
        task_id="after", cloudfn_conn_id="shop", method="POST", uri='"/v1/reports"',
        body='{"all": steps.score.map(s, s.id), "last": steps.score[2].of, "count": size(steps.score)}',
    )
    score >> after
    """)

    assert sent(sandbox)[1:] == ["/header/v1/scores/c-1", "/header/v1/scores/c-2", "/header/v1/scores/c-3"]
    assert result.rendered("after")["body"] == {"all": ["c-1", "c-2", "c-3"], "last": 2, "count": 3}


def test_literals_given_to_expand_are_expressions(run: Any, sandbox: Any) -> None:
    run("""
    CloudFunctionOperator.partial(task_id="call", cloudfn_conn_id="shop", uri='"/v1/customers"').expand(
        query=[{"a": "run.map_index"}, {"a": '"x"'}]
    )
    """)

    assert sent(sandbox) == ["/header/v1/customers?a=0", "/header/v1/customers?a=x"]


def test_literals_given_to_expand_kwargs_are_expressions(run: Any, sandbox: Any) -> None:
    run("""
    CloudFunctionOperator.partial(task_id="call", cloudfn_conn_id="shop").expand_kwargs(
        [{"uri": '"/v1/" + ["customers"][run.map_index]'}, {"uri": '"/v1/customers"', "query": {"a": "run.map_index"}}]
    )
    """)

    assert sent(sandbox) == ["/header/v1/customers", "/header/v1/customers?a=1"]


def test_data_given_to_expand_kwargs_is_neither_cel_nor_jinja(run: Any, sandbox: Any) -> None:
    result = run("""
    @task
    def rows():
        return [
            {"uri": "/v1/scores/run.id", "query": {"a": "run.id"}, "inputs": "{{ run_id }}"},
            {"uri": "/v1/customers", "query": {"a": "{{ ds }}"}, "inputs": {"x": "{{ ds }}"}},
        ]

    CloudFunctionOperator.partial(task_id="call", cloudfn_conn_id="shop", success_when="true").expand_kwargs(rows())
    """)

    assert sent(sandbox) == ["/header/v1/customers?a=%7B%7B%20ds%20%7D%7D", "/header/v1/scores/run.id?a=run.id"]
    assert result.rendered("call", 0)["inputs"] == "{{ run_id }}"
    assert result.rendered("call", 1)["inputs"] == {"x": "{{ ds }}"}


def test_inside_a_mapped_group_a_step_is_that_of_the_same_index(run: Any, sandbox: Any) -> None:
    result = run("""
    @task_group
    def customer(one):
        first = CloudFunctionOperator(
            task_id="first", cloudfn_conn_id="shop", uri='"/v1/scores/" + inputs', inputs=one, returns="inputs",
        )
        second = CloudFunctionOperator(
            task_id="second", cloudfn_conn_id="shop", uri='"/v1/customers"', query={"of": 'steps["customer.first"]'},
        )
        first >> second

    after = CloudFunctionOperator(
        task_id="after", cloudfn_conn_id="shop", method="POST", uri='"/v1/reports"', body='{"all": steps["customer.first"]}',
    )
    customer.expand(one=ids()) >> after
    """)

    assert [path for path in sent(sandbox) if "customers?" in path] == [
        f"/header/v1/customers?of=c-{n}" for n in (1, 2, 3)
    ]
    assert result.rendered("after")["body"] == {"all": ["c-1", "c-2", "c-3"]}


def test_a_mapped_group_of_one_is_a_list_of_one(run: Any, sandbox: Any) -> None:
    result = run("""
    @task_group
    def customer(one):
        CloudFunctionOperator(task_id="first", cloudfn_conn_id="shop", uri='"/v1/customers"', inputs=one, returns="inputs")

    after = CloudFunctionOperator(
        task_id="after", cloudfn_conn_id="shop", method="POST", uri='"/v1/reports"', body='{"all": steps["customer.first"]}',
    )
    customer.expand(one=["only"]) >> after
    """)

    assert result.rendered("after")["body"] == {"all": ["only"]}


def test_a_step_that_returned_nothing_is_null(run: Any, sandbox: Any) -> None:
    result = run("""
    @task
    def nothing():
        return None

    call = CloudFunctionOperator(
        task_id="call", cloudfn_conn_id="shop", method="POST", uri='"/v1/reports"',
        body='{"whole": steps.nothing, "has": has(steps.nothing.id)}',
    )
    nothing() >> call
    """)

    assert result.rendered("call")["body"] == {"whole": None, "has": False}


def test_setup_and_teardown_and_a_teardown_that_reads(run: Any, sandbox: Any) -> None:
    result = run("""
    opened = CloudFunctionOperator(
        task_id="opened", cloudfn_conn_id="shop", method="POST", uri='"/v1/reports"', body={"a": 1}, returns="response.body.id",
    ).as_setup()
    work = CloudFunctionOperator(task_id="work", cloudfn_conn_id="shop", uri='"/v1/customers"')
    closed = CloudFunctionOperator(
        task_id="closed", cloudfn_conn_id="shop", uri='"/v1/customers"', query={"id": "steps.opened"},
    ).as_teardown(setups=opened)
    opened >> work >> closed
    """)

    assert result.state == "success"
    assert any("id=rep_" in path for path in sent(sandbox))


def test_what_several_parameters_read_of_a_step_is_pulled_once(
    run: Any, sandbox: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from airflow.sdk.execution_time.task_runner import RuntimeTaskInstance

    pulled: list[Any] = []
    pull = RuntimeTaskInstance.xcom_pull

    def counted(self: Any, task_ids: Any = None, **options: Any) -> Any:
        pulled.append(task_ids)
        return pull(self, task_ids, **options)

    monkeypatch.setattr(RuntimeTaskInstance, "xcom_pull", counted)
    result = run("""
    call = CloudFunctionOperator(
        task_id="call", cloudfn_conn_id="shop", method="POST", inputs={"tag": cel("steps.order.tags[0]")},
        uri='"/v1/reports"', query={"tag": "inputs.tag"}, headers={"X-Total": "string(steps.order.total)"},
        body='{"order": steps.order.id}', returns="steps.order.total",
    )
    order() >> call
    """)

    assert result.state == "success"
    assert result.xcom("call") == 12.5
    assert pulled.count("order") == 1


@pytest.mark.parametrize("native", [False, True])
def test_a_text_without_a_template_stays_as_it_is_beside_one_with_it(run: Any, sandbox: Any, native: bool) -> None:
    result = run(
        r"""
    @task.cloudfn(cloudfn_conn_id="shop", method="POST", uri='"/v1/reports"', body="inputs")
    def given(text):
        return {"returned": text}

    CloudFunctionOperator(
        task_id="call", cloudfn_conn_id="shop", method="POST", uri='"/v1/reports"', body="inputs",
        inputs={"lines": "a\r\nb\n", "json": '{\r\n"a": 1}\n', "number": "007", "list": ["x\n"], "at": "{{ params.id }}"},
    )
    given("a\r\nb\n")
    """,
        f"render_template_as_native_obj={native}",
    )

    assert result.state == "success"
    bodies = {len(one.json()): one.json() for one in sandbox.requests}
    assert bodies[1] == {"returned": "a\r\nb\n"}
    assert bodies[5] == {
        "lines": "a\r\nb\n",
        "json": '{\r\n"a": 1}\n',
        "number": "007",
        "list": ["x\n"],
        "at": 1001 if native else "1001",
    }
