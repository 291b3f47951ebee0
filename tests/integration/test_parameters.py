"""Parameters that hold no expression: refused when the Dag is parsed, and again before anything is sent."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

IMPORTS = """
import datetime
from airflow.sdk import DAG, Asset, task
from airflow_provider_cloudfn import CloudFunctionOperator, CompletionEvent, EmporixStartOperator, cel, lit
"""

CALL = {"task_id": "'call'", "cloudfn_conn_id": "'shop'", "uri": "'\"/v1/customers\"'"}
START = {"task_id": "'call'", "emporix_conn_id": "'emporix'", "event_type": "'order.paid'"}

METHODS = "GET, POST, PUT, DELETE, PATCH, HEAD, OPTIONS"
TEXT = "payload: is text. If it is JSON, pass it as json_string; if it is a CEL expression, mark it with cel(…)"

WRONG = [
    ("CloudFunctionOperator", CALL, {"method": "'FETCH'"}, f"method: 'FETCH' is none of {METHODS}"),
    ("CloudFunctionOperator", CALL, {"method": "'post'"}, f"method: 'post' is none of {METHODS}: write 'POST'"),
    ("CloudFunctionOperator", CALL, {"method": "None"}, "method: None is none of"),
    (
        "CloudFunctionOperator",
        CALL,
        {"request_timeout": "0"},
        "request_timeout: must be seconds above 0, or a timedelta",
    ),
    (
        "CloudFunctionOperator",
        CALL,
        {"request_timeout": "'60'"},
        "request_timeout: must be seconds above 0, or a timedelta",
    ),
    ("CloudFunctionOperator", CALL, {"request_timeout": "float('nan')"}, "request_timeout: must be seconds above 0"),
    ("CloudFunctionOperator", CALL, {"retry_total": "-1"}, "retry_total: must be seconds above 0"),
    (
        "CloudFunctionOperator",
        CALL,
        {"completion_event": "'a'"},
        "completion_event: must be a CompletionEvent or an Asset",
    ),
    ("EmporixStartOperator", START, {"payload": "'{}'"}, TEXT),
    ("EmporixStartOperator", START, {"payload": "'{{ dag.dag_id }}'"}, TEXT),
    ("EmporixStartOperator", START, {"payload": "lit('text')"}, TEXT),
    (
        "EmporixStartOperator",
        START,
        {"payload": "{}", "json_string": "'{}'"},
        "payload and json_string: give one of them, they are two ways to say the same",
    ),
    (
        "EmporixStartOperator",
        START,
        {"completion_event": "5"},
        "completion_event: must be a CompletionEvent or an Asset",
    ),
]
EACH = pytest.mark.parametrize(("operator", "given", "wrong", "message"), WRONG)


def _dag(tasks: str) -> str:
    return f'{IMPORTS}\nwith DAG("d", schedule=None):\n{textwrap.indent(textwrap.dedent(tasks), "    ")}'


def _arguments(*parts: dict[str, str]) -> str:
    return ", ".join(f"{name}={value}" for part in parts for name, value in part.items())


@EACH
def test_the_parser_names_the_task_and_the_parameter(
    import_errors: Callable[[str], str], operator: str, given: dict[str, str], wrong: dict[str, str], message: str
) -> None:
    mapped = "inputs=[1]" if operator == "CloudFunctionOperator" else "subject=['a']"

    assert f"- call: {message}" in import_errors(_dag(f"{operator}({_arguments(given, wrong)})"))
    assert f"- call: {message}" in import_errors(
        _dag(f"{operator}.partial({_arguments(given, wrong)}).expand({mapped})")
    )


@EACH
def test_a_worker_refuses_it_before_anything_is_sent(
    run_dag: Callable[..., Any],
    sandbox: Any,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    operator: str,
    given: dict[str, str],
    wrong: dict[str, str],
    message: str,
) -> None:
    from airflow import settings

    # Without the parser: this is what a worker does by itself.
    monkeypatch.setattr(settings, "dag_policy", lambda dag: None)

    result = run_dag(_dag(f"{operator}({_arguments(given, wrong)})"))

    assert result.states == {"call": ["failed"]}
    assert sandbox.requests == []
    assert message in "".join(capfd.readouterr())


def test_each_of_the_values_to_map_over_is_looked_at(import_errors: Callable[[str], str]) -> None:
    message = import_errors(
        _dag("""
    CloudFunctionOperator.partial(task_id="a", uri='"/"').expand(method=["GET", "GRAB"])
    CloudFunctionOperator.partial(task_id="b", uri='"/"').expand_kwargs([{"method": "GET"}, {"request_timeout": 0}])
    EmporixStartOperator.partial(task_id="c", event_type="x", payload={}).expand(json_string=["{}"])
    EmporixStartOperator.partial(task_id="d", event_type="x").expand_kwargs([{"payload": {}, "json_string": "{}"}])
    """)
    )

    for part in (
        "- a: method: 'GRAB' is none of",
        "- b: request_timeout: must be",
        "- c: payload and json_string: give one of them",
        "- d: payload and json_string: give one of them",
    ):
        assert part in message


def test_what_is_right_is_left_alone(import_errors: Callable[[str], str]) -> None:
    assert (
        import_errors(
            _dag("""
    @task
    def methods():
        return ["GET"]

    class Templated(CloudFunctionOperator):
        template_fields = (*CloudFunctionOperator.template_fields, "method")

    Templated(task_id="a", uri='"/"', method="{{ params.method }}")
    Templated(task_id="b", uri='"/"', method=methods())
    CloudFunctionOperator.partial(task_id="c", uri='"/"').expand(method=methods())
    CloudFunctionOperator(task_id="d", uri='"/"', request_timeout=datetime.timedelta(seconds=5), retry_total=0.5)
    EmporixStartOperator.partial(task_id="e", event_type="x").expand_kwargs([{"payload": {}}, {"json_string": "{}"}])
    EmporixStartOperator(task_id="f", event_type="x", payload=cel("null"), completion_event=Asset("x"))
    EmporixStartOperator(task_id="g", event_type="x", payload=None, json_string="null")
    """)
        )
        == ""
    )


def test_a_method_that_comes_from_a_step_is_looked_at_when_it_is_there(
    run_dag: Callable[..., Any], sandbox: Any, capfd: pytest.CaptureFixture[str]
) -> None:
    result = run_dag(
        _dag(f"""
    @task
    def methods():
        return ["HEAD", "GRAB"]

    CloudFunctionOperator.partial({_arguments(CALL)}).expand(method=methods())
    """)
    )

    assert result.states["call"] == ["success", "failed"]
    assert [one.method for one in sandbox.requests] == ["HEAD"]
    assert "method: 'GRAB' is none of" in "".join(capfd.readouterr())
