"""What the import error of a Dag says of its expressions: all that is wrong, each with its task."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

IMPORTS = """
from airflow.sdk import DAG, Asset
from airflow_provider_cloudfn import CloudFunctionOperator, Poll, lit
"""


@pytest.fixture
def problems(import_errors: Callable[[str], str]) -> Callable[[str], list[str]]:
    """Return a function that parses a Dag of two tasks with these parameters of the second, and returns what is wrong."""

    def parse(parameters: str) -> list[str]:
        message = import_errors(
            f'{IMPORTS}\nwith DAG("d", schedule=None):\n'
            """    fetch_order = CloudFunctionOperator(task_id="fetch_order", uri='"/"')\n"""
            f"""    fetch_order >> CloudFunctionOperator(task_id="charge", uri='"/"', {parameters})\n"""
        )
        return [line for line in message.splitlines() if line.startswith("- ")]

    return parse


def test_each_problem_of_a_field_stands_with_its_task(problems: Callable[[str], list[str]]) -> None:
    found = problems(""" body='{"x": steps.a.id, "y": fetch_order.id, "z": parms.x}', returns="response.bdy" """)

    assert found == [
        "- charge: body: 1:7: there is no step 'a' in this Dag",
        "- charge: body: 1:24: unknown name 'fetch_order'; did you mean steps.fetch_order?",
        "- charge: body: 1:45: unknown name 'parms'; did you mean 'params'?",
        "- charge: returns: 1:1: 'response' has no field 'bdy'; did you mean response.body?",
    ]


@pytest.mark.parametrize(
    ("parameters", "place"),
    [
        (""" body='{"date": "{{ ds }}", "n": 1}' """, "body: "),
        (""" body='["{{ ds }}"]' """, "body: "),
        (""" body={"{{ ds }}": 1} """, "body key '{{ ds }}': "),
        (""" query={"{{ ds }}": 1} """, "query key '{{ ds }}': "),
        (""" headers={"{{ ds }}": "run.id"} """, "headers key '{{ ds }}': "),
        (""" completion_event=Asset("x"), event_payload='{"d": "{{ ds }}"}' """, "event_payload: "),
    ],
)
def test_jinja_in_a_field_of_expressions_is_refused(
    problems: Callable[[str], list[str]], parameters: str, place: str
) -> None:
    (problem,) = problems(parameters)

    assert problem.startswith(f"- charge: {place}Jinja is not rendered here; write ")
    assert "time.format(run.logical_date" in problem
    assert "lit(…)" in problem


def test_jinja_that_is_marked_as_text_passes(problems: Callable[[str], list[str]]) -> None:
    assert (
        problems("""body={lit("{{ ds }}"): lit("{{ ds }}")}, query={lit("{{ ds }}"): lit("{{ ds }}"), "a": 1}""") == []
    )


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("item.id", "unknown name 'item'; it is there under for_each=ForEach(…) alone"),
        ("items[0]", "unknown name 'items'; it is there under pages= alone"),
        ("ds", "unknown name 'ds'; write time.format(run.logical_date"),
        ("var.value.x", "unknown name 'var'; give the variable to inputs="),
        ("ti.x", "unknown name 'ti'; what a step returned is steps.<task id>"),
        ("conn.shop.password", "unknown name 'conn'; no expression reads a connection"),
        ("prams.x", "unknown name 'prams'; did you mean 'params'?"),
    ],
)
def test_a_name_that_exists_elsewhere_is_answered_with_where_it_is(
    problems: Callable[[str], list[str]], source: str, message: str
) -> None:
    (problem,) = problems(f"""returns={source!r}""")

    assert message in problem


@pytest.mark.parametrize(
    "step",
    [
        """CloudFunctionOperator(task_id="quiet", uri='"/"', do_xcom_push=False)""",
        """CloudFunctionOperator.partial(task_id="quiet", uri='"/" + inputs', do_xcom_push=False).expand(inputs=["a"])""",
        """task(lambda: 1, task_id="quiet", do_xcom_push=False)()""",
    ],
    ids=["plain", "mapped", "another's"],
)
def test_a_step_that_leaves_nothing_can_not_be_read(import_errors: Callable[[str], str], step: str) -> None:
    source = (
        f'{IMPORTS}from airflow.sdk import task\nwith DAG("d", schedule=None):\n    quiet = {step}\n'
        """    quiet >> CloudFunctionOperator(task_id="charge", uri='"/"', body='{"x": steps.quiet}')\n"""
    )

    assert "step 'quiet' leaves nothing to read, as do_xcom_push=False says" in import_errors(source)
    assert import_errors(source.replace("do_xcom_push=False", "do_xcom_push=True")) == ""


def test_the_event_of_a_step_that_leaves_nothing_is_read(run: Callable[..., Any], sandbox: Any) -> None:
    result = run("""
    quiet = CloudFunctionOperator(
        task_id="quiet", cloudfn_conn_id="shop", uri='"/v1/orders/1001"', do_xcom_push=False,
        completion_event=CompletionEvent("order.fetched"), event_payload='{"id": response.body.id}',
    )
    quiet >> CloudFunctionOperator(
        task_id="charge", cloudfn_conn_id="shop", uri='"/v1/orders/" + context["order.fetched"].id'
    )
    """)

    assert result.state == "success"
    assert result.xcom("charge")["id"] == "1001"


@pytest.mark.parametrize(
    ("part", "place"),
    [
        ("""uri='"/v1/jobs/" + response.body.id'""", "poll.uri: 1:15: "),
        ("""link='response.body.id'""", "poll.link: 1:1: "),
        ("""query={"id": "response.body.id"}""", 'poll.query["id"]: 1:1: '),
        ("""headers={"X-Job": "response.body.id"}""", 'poll.headers["X-Job"]: 1:1: '),
        ("""cancel='"/v1/jobs/" + response.body.id'""", "poll.cancel: 1:15: "),
    ],
)
def test_what_asks_for_a_job_reads_the_answer_that_has_started_it(
    problems: Callable[[str], list[str]], part: str, place: str
) -> None:
    found = problems(f"""method="POST", poll=Poll({part}, done_when='response.body.done')""")

    assert found == [
        f"- charge: {place}'response' is not known here, where the job is asked for: the answer that has started it is job.body.id"
    ]
    assert (
        problems(f"""method="POST", poll=Poll({part.replace("response", "job")}, done_when='response.body.done')""")
        == []
    )
