"""Parameters that hold no expression: refused when the Dag is parsed, and again before anything is sent."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

import pytest
from kit import dag_runs

if TYPE_CHECKING:
    from collections.abc import Callable

IMPORTS = """
import datetime
from airflow.sdk import DAG, Asset, task
from airflow_provider_cloudfn import CloudFunctionOperator, CompletionEvent, EmporixStartOperator, cel, lit, secret
from airflow_provider_cloudfn import CloudFunctionHttpSensor, CloudFunctionSensor, EmporixCompleteOperator
from airflow_provider_cloudfn import EmporixResumeOperator, EventPublishOperator, ForEach
"""

CALL = {"task_id": "'call'", "cloudfn_conn_id": "'shop'", "uri": "'\"/v1/customers\"'"}
START = {"task_id": "'call'", "emporix_conn_id": "'emporix'", "event_type": "'order.paid'"}
INSTANCE = {**START, "instance_id": "'i-1'"}
STEP = {**INSTANCE, "execution_id": "'x-1'", "scenario_id": "'s-1'"}

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
    (
        "CloudFunctionOperator",
        CALL,
        {"completion_event": "[CompletionEvent('a')]"},
        "completion_event: is one event, not list: several events of a step are a dict",
    ),
    ("CloudFunctionOperator", CALL, {"cloudfn_conn_id": "''"}, "cloudfn_conn_id: must be the id of a connection"),
    ("EmporixStartOperator", START, {"emporix_conn_id": "None"}, "emporix_conn_id: must be the id of a connection"),
    (
        "EmporixStartOperator",
        START,
        {"emporix_conn_id": "cel('params.id')"},
        "emporix_conn_id: must be the id of a connection",
    ),
    (
        "EmporixStartOperator",
        START,
        {"emporix_conn_id": "'\"emporix\"'"},
        "emporix_conn_id: is text without quotes of its own: write 'emporix'",
    ),
    (
        "EmporixResumeOperator",
        INSTANCE,
        {"emporix_conn_id": "'https://api.emporix.io'"},
        "emporix_conn_id: is a URL: make a connection",
    ),
    (
        "CloudFunctionOperator",
        CALL,
        {"cloudfn_conn_id": "'\"shop\"'"},
        "cloudfn_conn_id: is text without quotes of its own: write 'shop'",
    ),
    (
        "CloudFunctionOperator",
        CALL,
        {"headers": "{'Content-Type': '\"json\"'}"},
        "headers[\"Content-Type\"]: 'json' is no media type",
    ),
    ("EventPublishOperator", CALL, {"event_type": "'x'", "method": "'GET'"}, "method: 'GET' carries no event"),
    ("EmporixStartOperator", START, {"json_string": "'{a: 1}'"}, "json_string: is no JSON (line 1, column 2"),
    ("CloudFunctionOperator", CALL, {"method": "'\"post\"'"}, f"method: '\"post\"' is none of {METHODS}: write 'POST'"),
    (
        "CloudFunctionOperator",
        CALL,
        {"idempotency_key": "'my key'"},
        "idempotency_key: 'my key' is no name of a header",
    ),
    (
        "CloudFunctionOperator",
        CALL,
        {"cloudfn_conn_id": "'https://a.test'"},
        "cloudfn_conn_id: is a URL: make a connection",
    ),
    (
        "CloudFunctionOperator",
        CALL,
        {"retry_attempts": "0"},
        "retry_attempts: must be a whole number from 1 to 100, not 0",
    ),
    ("CloudFunctionOperator", CALL, {"retry_attempts": "2.5"}, "retry_attempts: must be a whole number from 1 to 100"),
    (
        "CloudFunctionOperator",
        CALL,
        {"list_style": "'pipes'"},
        "list_style: 'pipes' is none of repeat, brackets, comma",
    ),
    ("CloudFunctionOperator", CALL, {"deferrable": "'yes'"}, "deferrable: must be True or False, not 'yes'"),
    ("CloudFunctionOperator", CALL, {"compress": "1"}, "compress: must be True or False, not 1"),
    ("CloudFunctionOperator", CALL, {"files": "'file:///x'"}, "files: must be a map of paths, not text"),
    (
        "CloudFunctionOperator",
        CALL,
        {"query": "{'a': {'b': 1}}"},
        'query["a"]: must be text, a number or a list of these',
    ),
    ("CloudFunctionOperator", CALL, {"headers": "{'Host': '\"x\"'}"}, 'headers["Host"]: belongs to the connection'),
    ("CloudFunctionOperator", CALL, {"headers": "{'X A': '\"x\"'}"}, "headers: 'X A' is no name of a header"),
    ("CloudFunctionOperator", CALL, {"headers": "{'X': lit('a\\r\\nB: c')}"}, 'headers["X"]: has a line break'),
    ("CloudFunctionOperator", CALL, {"headers": "{'X': '\"1\"', 'x': '\"2\"'}"}, 'headers["x"]: is given twice'),
    (
        "CloudFunctionOperator",
        CALL,
        {"body": "{'a': {1, 2}}"},
        "body: a value of type set can't be written as JSON",
    ),
    ("CloudFunctionOperator", CALL, {"body": "{1: 2}"}, "body: a name is text, not an integer"),
    ("EmporixStartOperator", START, {"payload": "{'a': secret('key')}"}, "payload: secret('key') is filled in where"),
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
        "EmporixCompleteOperator",
        STEP,
        {"impact": "'positive'"},
        "impact: must be one of 'P', 'N', 'D', not 'positive'",
    ),
    ("EmporixCompleteOperator", STEP, {"impact": "lit('{')"}, "impact: must be one of"),
    (
        "EmporixCompleteOperator",
        STEP,
        {"timestamp": "'yesterday'"},
        "timestamp: must be a time as RFC 3339 has it",
    ),
    ("EmporixResumeOperator", INSTANCE, {"payload": "'{}'"}, TEXT),
    ("EmporixCompleteOperator", STEP, {"payload": "'{}'"}, TEXT),
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
    given = {name: value for part in parts for name, value in part.items()}
    return ", ".join(f"{name}={value}" for name, value in given.items())


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


@pytest.mark.parametrize(
    ("tasks", "message"),
    [
        (
            """CloudFunctionOperator(task_id="call", uri='"/"', default_args={})""",
            "",
        ),
        (
            """CloudFunctionOperator(task_id="call", uri='"/"', event_payload="response.body")""",
            "- call: event_payload: the step emits no event: write completion_event=CompletionEvent(…), or leave this out",
        ),
        (
            """CloudFunctionOperator(task_id="call", uri='"/" + inputs.id')""",
            "- call: uri: reads inputs, and the step has none: give inputs=",
        ),
        (
            """CloudFunctionOperator.partial(task_id="call", uri='"/" + inputs.id').expand(method=["GET"])""",
            "- call: uri: reads inputs, and the step has none: give inputs=",
        ),
        ("""CloudFunctionOperator(task_id="call", uri='"/" + inputs.?id.orValue("x")')""", ""),
        ("""CloudFunctionOperator(task_id="call", uri='has(inputs.id) ? "/" + inputs.id : "/all"')""", ""),
        ("""CloudFunctionOperator.partial(task_id="call", uri='"/" + inputs.id').expand(inputs=[{"id": "1"}])""", ""),
        # What a step returns for each instance can be its inputs.
        (
            """CloudFunctionOperator.partial(task_id="call", uri='"/" + inputs.id').expand_kwargs(
                CloudFunctionOperator(task_id="rows", uri='"/"').output)""",
            "",
        ),
        ("""CloudFunctionOperator(task_id="call", uri=lambda context: "/")""", "- call: uri: must be an expression"),
    ],
)
def test_what_would_do_nothing_is_told(import_errors: Callable[[str], str], tasks: str, message: str) -> None:
    found = import_errors(_dag(tasks))

    assert message in found if message else found == ""


def test_a_misspelt_default_argument_is_told_unless_another_operator_has_it(
    import_errors: Callable[[str], str],
) -> None:
    defaults = "default_args={'retry_attemps': 2, 'owner': 'ann', 'http_conn_id': 'x', 'bash_comand': 'x'}"
    dag = _dag("""CloudFunctionOperator(task_id="call", uri='"/"')""").replace(
        "schedule=None", f"schedule=None, {defaults}"
    )
    own = "class Own(BaseOperator):\n    def __init__(self, retry_attemps, **kwargs):\n        super().__init__(**kwargs)\n"

    assert (
        "- call: default_args['retry_attemps']: is a parameter of no operator here; did you mean retry_attempts?"
        in import_errors(dag)
    )
    assert "bash_comand" not in import_errors(dag)
    assert import_errors(f"from airflow.sdk import BaseOperator\n{own}{dag}\n    Own(task_id='own')\n") == ""


@pytest.mark.parametrize(
    ("task", "message"),
    [
        ('CloudFunctionOperator(task_id="a", uri="x", retry_attemps=2)', "did you mean retry_attempts?"),
        ('CloudFunctionOperator.partial(task_id="a", uri="x", retry_attemps=2).expand(inputs=[])', "retry_attempts?"),
        ('EmporixStartOperator(task_id="a", event_type="x", cloudfn_conn_id="x")', "did you mean emporix_conn_id?"),
        (
            'CloudFunctionSensor(task_id="a", http_conn_id="x", endpoint="/x")',
            "http_conn_id: is a parameter of the operator",
        ),
        (
            'CloudFunctionSensor(task_id="a", uri="x", poll=None)',
            "poll: is a parameter of the operator; write done_when=",
        ),
    ],
)
def test_a_name_that_is_no_parameter_is_answered_with_the_one_that_is(
    import_errors: Callable[[str], str], task: str, message: str
) -> None:
    assert message in import_errors(_dag(task))


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


def test_the_endpoint_of_a_sensor_is_no_expression(import_errors: Callable[[str], str]) -> None:
    for endpoint in ("'\"/v1/orders\"'", "'\"/v1/\" + params.id'"):
        found = import_errors(_dag(f"CloudFunctionHttpSensor(task_id='a', endpoint={endpoint})"))
        assert "- a: endpoint: is text, and no expression: write the path without quotes of its own" in found


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        (
            "endpoint='params.path'",
            "endpoint: 'params.path' reads as an expression, and would be sent as it stands: no expression",
        ),
        ("endpoint=cel('params.path')", "endpoint: cel('params.path'): no expression stands here, but Jinja"),
        ("endpoint='/x', headers={'X-Id': 'steps.a.id'}", "headers: 'steps.a.id' reads as an expression"),
        ("endpoint='/x', headers={'X-Id': cel('params.id')}", "headers: cel('params.id'): no expression stands here"),
        ("endpoint='/x', headers={'X-Id': lit('a')}", "headers: lit('a'): text needs no mark here: write 'a'"),
        (
            "endpoint='/x', request_params={'of': ['\"no \" + params.id']}",
            "request_params: '\"no \" + params.id' reads as an",
        ),
        ("endpoint='/x', request_kwargs={'json': {'day': '{{ ds }}'}}", "request_kwargs: Jinja is not rendered here"),
        (
            "endpoint='/x', request_kwargs={'json': [cel('params.id')]}",
            "request_kwargs: cel('params.id'): no expression is",
        ),
        ("endpoint='/x', method='get'", "method: 'get' is none of GET, POST"),
        (
            "endpoint='/x', response_error_codes_allowlist=404",
            "response_error_codes_allowlist: must be a list of statuses",
        ),
        (
            "endpoint='/x', response_error_codes_allowlist='404'",
            "response_error_codes_allowlist: must be a list of statuses",
        ),
        (
            'endpoint=f\'/x/{EmporixStartOperator(task_id="e", event_type="x")}\'',
            "endpoint: '<Task(EmporixStartOperator): e>' is how",
        ),
    ],
)
def test_what_a_sensor_would_send_as_it_stands_is_refused(
    import_errors: Callable[[str], str], parameters: str, message: str
) -> None:
    assert f"- a: {message}" in import_errors(_dag(f"CloudFunctionHttpSensor(task_id='a', {parameters})"))


@pytest.mark.parametrize(
    "parameters",
    [
        "endpoint='/x/{{ params.id }}', headers={'If-None-Match': '\"abc\"', 'X-Id': '{{ params.id }}'}",
        "endpoint='/x', request_params={'id': '{{ params.id }}', 'n': 5, 'key': secret('key')}",
        "endpoint='/x', method='POST', request_kwargs={'json': {'name': 'params.id', 'n': None}, 'params': {'a': 1}}",
        "endpoint='/x', response_error_codes_allowlist=('404', 425)",
    ],
)
def test_what_a_sensor_can_send_passes(import_errors: Callable[[str], str], parameters: str) -> None:
    assert import_errors(_dag(f"CloudFunctionHttpSensor(task_id='a', {parameters})")) == ""


def test_params_that_nothing_reads_are_refused(import_errors: Callable[[str], str]) -> None:
    step = "CloudFunctionOperator(task_id='a', uri='\"/\"', params={'limit': 5})"

    assert "- a: params: are Airflow's params of the task, which no expression reads here" in import_errors(_dag(step))


@pytest.mark.parametrize(
    "given",
    [
        "params={'limit': 5}, query={'limit': 'params.limit'}",
        "params={'limit': 5}, returns='params.limit'",
        "params={'limit': 5}, inputs='{{ params.limit }}'",
        "params={'limit': 5}, on_failure_callback=print",
        "params={'limit': 5}, pre_execute=print",
        "inputs='a'",
    ],
)
def test_params_that_something_can_read_are_left_alone(import_errors: Callable[[str], str], given: str) -> None:
    assert import_errors(_dag(f"CloudFunctionOperator(task_id='a', uri='\"/\"', {given})")) == ""


def test_params_that_name_an_instance_are_left_alone(import_errors: Callable[[str], str]) -> None:
    label = "map_index_template='{{ params.limit }}'"
    step = f"CloudFunctionOperator.partial(task_id='a', uri='\"/\"', params={{'limit': 5}}, {label}).expand(inputs=[1])"

    assert import_errors(_dag(step)) == ""


def test_params_that_all_tasks_of_a_dag_are_given_are_left_alone(import_errors: Callable[[str], str]) -> None:
    step = dag_runs.call(uri="'\"/\"'")

    assert import_errors(dag_runs.dag_file(step, "default_args={'params': {'limit': 5}}")) == ""


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
    step = {"event_type": "x", "instance_id": "i", "execution_id": cel("run.id"), "scenario_id": "s"}
    EmporixCompleteOperator(task_id="h", **step, impact="{{ params.impact }}", timestamp=datetime.datetime(2026, 1, 31))
    EmporixCompleteOperator(task_id="i", **step, impact=cel("'P'"), timestamp=cel("run.run_after"))
    EmporixCompleteOperator(task_id="j", **step, impact="", timestamp="2026-01-31T12:00:00+01:00")
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
