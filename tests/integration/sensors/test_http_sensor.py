"""The drop-in for ``HttpSensor``: the same outcome whether it pokes, reschedules or defers."""

from __future__ import annotations

import sys
import textwrap
from typing import Any
from urllib.parse import unquote_plus

import pytest

IMPORTS = """
from airflow.sdk import DAG, PokeReturnValue, task
from airflow.sdk.exceptions import AirflowException
from airflow_provider_cloudfn import cel, secret
from airflow_provider_cloudfn import CloudFunctionHttpSensor


def done(response):
    return response.json()["state"] == "done"


def broken(response):
    raise AirflowException("the check can't tell")


def with_context(response, ti, params):
    assert response.status_code == 200 and response.ok and response.headers["Content-Type"] == "application/json"
    assert ti.task_id == "wait" and params["wanted"] in response.text
    return PokeReturnValue(is_done=done(response), xcom_value=response.json())


def with_everything(response, **context):
    return done(response) and context["run_id"] is not None
"""

MODES = {"poke": "mode='poke'", "reschedule": "mode='reschedule'", "deferrable": "deferrable=True"}
EVERY_MODE = pytest.mark.parametrize("mode", MODES.values(), ids=MODES)


@pytest.fixture
def wait(run_dag: Any, service: Any) -> Any:
    """Return a function that runs a sensor and tells how it ended."""

    def run_sensor(parameters: str, *, before: str = "", **arguments: Any) -> Any:
        sensor = f'CloudFunctionHttpSensor(task_id="wait", http_conn_id="service", {parameters})'
        return run_dag(
            f'{IMPORTS}{before}\nwith DAG("d", schedule=None, params={{"wanted": "state"}}):\n{textwrap.indent(sensor, "    ")}',
            **arguments,
        )

    return run_sensor


@pytest.mark.parametrize("name", ["http_conn_id", "cloudfn_conn_id"])
def test_the_connection_has_both_names(name: str) -> None:
    from airflow_provider_cloudfn import CloudFunctionHttpSensor

    sensor = CloudFunctionHttpSensor(task_id="wait", endpoint="/", **{name: "service"})

    assert sensor.http_conn_id == "service"


def test_one_of_the_two_names_is_given() -> None:
    from airflow_provider_cloudfn import CloudFunctionHttpSensor
    from airflow_provider_cloudfn.exceptions import ConfigurationError

    with pytest.raises(ConfigurationError, match="http_conn_id and cloudfn_conn_id: give one of them"):
        CloudFunctionHttpSensor(task_id="wait", endpoint="/", http_conn_id="a", cloudfn_conn_id="b")


@EVERY_MODE
def test_it_waits_for_a_status_of_success(wait: Any, service: Any, mode: str) -> None:
    service.answer_in_turn((404, {}), (404, {}), (200, {}))

    result = wait(f"endpoint='things/1', request_params={{'a': 'b'}}, poke_interval=0.01, {mode}")

    assert result.states == {"wait": ["success"]}
    assert [request.target for request in service.received] == ["/things/1?a=b"] * 3
    assert {request.headers["x-api-key"] for request in service.received} == {"s3cret-key"}


@EVERY_MODE
@pytest.mark.parametrize("status", [202, 204, 409])
def test_any_status_can_mean_not_yet(wait: Any, service: Any, mode: str, status: int) -> None:
    service.answer_in_turn((status, {}), (200, {}))

    result = wait(f"endpoint='/things/1', response_error_codes_allowlist=[{status}], poke_interval=0.01, {mode}")

    assert result.states == {"wait": ["success"]}
    assert len(service.received) == 2


@EVERY_MODE
@pytest.mark.parametrize("check", ["done", "with_context", "with_everything", "cel(\"response.body.state == 'done'\")"])
def test_it_waits_for_the_answer(wait: Any, service: Any, mode: str, check: str) -> None:
    service.answer_in_turn((200, {"state": "busy"}), (404, {}), (200, {"state": "done"}))

    result = wait(f"endpoint='/things/1', response_check={check}, poke_interval=0.01, {mode}")

    assert result.states == {"wait": ["success"]}
    assert result.xcom("wait") == ({"state": "done"} if check == "with_context" else None)


@pytest.mark.skipif(sys.version_info < (3, 14), reason="Python evaluates annotations at once")
def test_the_check_may_be_annotated_with_what_a_type_checker_alone_imports(wait: Any, service: Any) -> None:
    service.answer(200, {"state": "done"})
    typed = "def typed(response: Response, ti: TaskInstance) -> bool:\n    return done(response) and bool(ti.task_id)\n"

    assert wait("endpoint='/things/1', response_check=typed", before=typed).states == {"wait": ["success"]}


def test_large_answers_are_read_by_a_worker_and_asked_for_once_an_interval(wait: Any, service: Any) -> None:
    large = "x" * (2 * 1024 * 1024)
    service.answer_in_turn(
        *[(200, {"state": state, "data": large}) for state in ("busy", "busy", "busy", "busy", "done")]
    )

    check = "cel(\"response.body.state == 'done'\")"
    result = wait(f"endpoint='/things/1', response_check={check}, poke_interval=0.01, deferrable=True")

    assert result.states == {"wait": ["success"]}
    # The second one was the triggerer's, which found that it is large.
    assert len(service.received) == 5


@EVERY_MODE
@pytest.mark.parametrize("status", [401, 403, 500])
def test_an_error_fails_it_after_one_question(
    wait: Any, service: Any, mode: str, status: int, capfd: pytest.CaptureFixture[str]
) -> None:
    service.answer(status, {"error": "no"})

    result = wait(f"endpoint='/things/1', poke_interval=0.01, {mode}")

    assert result.states == {"wait": ["failed"]}
    assert f"answered {status}" in "".join(capfd.readouterr())


@EVERY_MODE
def test_an_error_that_comes_later_fails_it_too(
    wait: Any, service: Any, mode: str, capfd: pytest.CaptureFixture[str]
) -> None:
    service.answer_in_turn((404, {}), (401, {"error": "expired"}))

    result = wait(f"endpoint='/things/1', poke_interval=0.01, {mode}")

    assert result.states == {"wait": ["failed"]}
    assert len(service.received) <= 3
    assert "answered 401" in "".join(capfd.readouterr())


@EVERY_MODE
def test_statuses_can_be_allowed(wait: Any, service: Any, mode: str) -> None:
    service.answer_in_turn((503, {}), (409, {}), (200, {}))

    result = wait(f"endpoint='/things/1', response_error_codes_allowlist=['503', 409], poke_interval=0.01, {mode}")

    assert result.states == {"wait": ["success"]}


@EVERY_MODE
def test_no_status_need_be_allowed(wait: Any, service: Any, mode: str) -> None:
    service.answer(404)

    assert wait(f"endpoint='/x', response_error_codes_allowlist=[], poke_interval=0.01, {mode}").state == "failed"
    assert len(service.received) == 1


@EVERY_MODE
def test_the_check_can_be_given_every_status(wait: Any, service: Any, mode: str) -> None:
    service.answer_in_turn((404, {"state": "done"}), (500, {"state": "busy"}), (500, {"state": "done"}))

    result = wait(
        "endpoint='/x', extra_options={'check_response': False, 'timeout': 5}, response_check=done, poke_interval=0.01, "
        + mode
    )

    assert result.states == {"wait": ["success"]}
    assert len(service.received) >= 3


@EVERY_MODE
def test_it_waits_no_longer_than_its_timeout(wait: Any, service: Any, mode: str) -> None:
    service.answer(404)

    assert wait(f"endpoint='/x', poke_interval=0.1, timeout=0.5, {mode}").states == {"wait": ["failed"]}


@EVERY_MODE
def test_nor_does_it_where_the_service_asks_it_to(wait: Any, service: Any, mode: str) -> None:
    service.answer(503, **{"Retry-After": "86400"})

    assert wait(f"endpoint='/x', poke_interval=0.1, timeout=0.5, {mode}").states == {"wait": ["failed"]}


@EVERY_MODE
@pytest.mark.parametrize(
    ("answers", "parameters"),
    [
        ([(404, {})], "timeout=0.3, soft_fail=True"),
        ([(401, {})], "never_fail=True"),
        ([(404, {}), (401, {})], "never_fail=True"),
    ],
)
def test_it_can_be_skipped_instead(wait: Any, service: Any, mode: str, answers: Any, parameters: str) -> None:
    service.answer_in_turn(*answers)

    assert wait(f"endpoint='/x', poke_interval=0.1, {parameters}, {mode}").states == {"wait": ["skipped"]}


@EVERY_MODE
def test_soft_fail_skips_no_error_that_does_not_end_the_wait(wait: Any, service: Any, mode: str) -> None:
    service.answer_in_turn((404, {}), (200, {}))

    result = wait(f"endpoint='/x', response_check=broken, poke_interval=0.01, soft_fail=True, {mode}")

    assert result.states == {"wait": ["failed"]}


@EVERY_MODE
def test_silent_fail_goes_on_after_an_error(wait: Any, service: Any, mode: str) -> None:
    service.answer_in_turn((401, {}), (500, {}), (200, {}))

    assert wait(f"endpoint='/x', poke_interval=0.01, silent_fail=True, {mode}").states == {"wait": ["success"]}


@EVERY_MODE
def test_a_secret_is_filled_in_wherever_it_is_asked_from(
    wait: Any, connected: Any, mode: str, capfd: pytest.CaptureFixture[str]
) -> None:
    service = connected(extra={"secret_values": {"tenant_key": "t3nant-value"}})
    service.answer_in_turn((404, {}), (404, {}), (200, {}))

    wait(f"endpoint='/x', headers={{'X-Tenant': secret('tenant_key')}}, poke_interval=0.01, {mode}")

    assert [request.headers["x-tenant"] for request in service.received] == ["t3nant-value"] * 3
    assert "t3nant-value" not in "".join(capfd.readouterr())


def test_a_form_is_posted(wait: Any, service: Any) -> None:
    wait("endpoint='/x', method='POST', request_params={'a': 'b c'}, headers={'X-Own': 'y'}")

    (request,) = service.received
    assert (request.method, request.body) == ("POST", b"a=b+c")
    assert request.headers["x-own"] == "y"


def test_json_is_posted(wait: Any, service: Any) -> None:
    wait("endpoint='/x', method='POST', request_kwargs={'json': {'a': 1}, 'params': {'b': 2}}")

    (request,) = service.received
    assert (request.target, request.json()) == ("/x?b=2", {"a": 1})


@EVERY_MODE
def test_json_that_looks_like_a_secret_s_place_is_posted_as_it_is(wait: Any, connected: Any, mode: str) -> None:
    service = connected(extra={"secret_values": {"tenant_key": "t3nant-value"}})
    service.answer_in_turn((404, {}), (200, {}))
    data = {"note": {"$cloudfn.secret": "tenant_key"}}

    wait(f"endpoint='/x', method='POST', request_kwargs={{'json': {data}}}, poke_interval=0.01, {mode}")

    assert [request.json() for request in service.received] == [data, data]


@EVERY_MODE
def test_the_parameters_of_a_head_are_its_query(wait: Any, service: Any, mode: str) -> None:
    service.answer_in_turn((404, {}), (200, {}))

    result = wait(
        "endpoint='/x', method='HEAD', request_params={'a': '{{ params.wanted }}'}, request_kwargs={'params': {'b': 2}}, "
        f"poke_interval=0.01, {mode}"
    )

    assert result.states == {"wait": ["success"]}
    assert [(request.method, request.target) for request in service.received] == [("HEAD", "/x?a=state&b=2")] * 2


#: A subclass that moves its arguments behind the Dag file's checks.
LATE = """
class CloudFunctionHttpSensor(CloudFunctionHttpSensor):
    def pre_execute(self, context):
        super().pre_execute(context)
        for name, value in self.late.items():
            setattr(self, name, value)

    def __init__(self, late, **kwargs):
        super().__init__(**kwargs)
        self.late = late
"""


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        (
            {"extra_options": {"verify": False}},
            'extra_options["verify"]: is none of check_response, timeout; set ca_bundle',
        ),
        ({"extra_options": {"timeout": 0}}, 'extra_options["timeout"]: must be seconds above 0'),
        ({"extra_options": {"check_response": "False"}}, 'extra_options["check_response"]: must be True or False'),
        (
            {"extra_options": "x"},
            "extra_options: must be a map, such as {'check_response': False, 'timeout': 5}, not text",
        ),
        ({"request_kwargs": {"auth": ("a", "b")}}, 'request_kwargs["auth"]: is none of json, params; leave it out'),
        ({"request_kwargs": {"params": "a=1"}}, 'request_kwargs["params"]: must be a map of names and values'),
        ({"request_kwargs": {"params": ["a"]}}, 'request_kwargs["params"]: must be a map of names and values'),
        ({"request_kwargs": "x"}, "request_kwargs: must be a map, such as"),
        ({"headers": "x"}, "headers: must be a map of names and values"),
        ({"response_error_codes_allowlist": ["4xx"]}, "'4xx' is no status"),
        ({"response_error_codes_allowlist": 404}, "response_error_codes_allowlist: must be a list of statuses"),
        ({"request_params": "a=b"}, "request_params: must be a map for GET"),
        ({"request_params": 0}, "request_params: must be a map of names and values"),
        ({"method": "HEAD", "request_params": "a=b"}, "request_params: must be a map for HEAD"),
        (
            {"request_params": {"a": 1}, "request_kwargs": {"params": {"a": 2}}},
            'request_params["a"] and request_kwargs["params"]["a"]: give it in one of them',
        ),
        (
            {"method": "POST", "request_params": {"a": 1}, "request_kwargs": {"json": {}}},
            'request_params and request_kwargs["json"]: give one of them',
        ),
        ({"headers": {"Authorization": "Basic abc"}}, "uthorization"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_sent(
    wait: Any, service: Any, capfd: pytest.CaptureFixture[str], parameters: Any, message: str
) -> None:
    result = wait(f"endpoint='/x', late={parameters!r}", before=LATE)

    assert result.states == {"wait": ["failed"]}
    assert service.received == []
    assert message in "".join(capfd.readouterr())


def test_an_expression_that_cannot_work_is_refused_when_the_dag_is_parsed(import_errors: Any) -> None:
    shown = import_errors(
        f'{IMPORTS}\nwith DAG("d", schedule=None):\n'
        "    CloudFunctionHttpSensor(task_id='wait', endpoint='/x', response_check=cel('respnse.status'))"
    )

    assert "wait: response_check: 1:1: " in shown
    assert "did you mean 'response'" in shown


@pytest.mark.parametrize("name", ["http_conn_id", "cloudfn_conn_id"])
def test_what_is_no_id_of_a_connection_is_refused_when_the_dag_is_parsed(import_errors: Any, name: str) -> None:
    shown = import_errors(
        f'{IMPORTS}\nwith DAG("d", schedule=None):\n'
        f"    CloudFunctionHttpSensor(task_id='wait', endpoint='/x', {name}='https://api.example.com')"
    )

    assert "http_conn_id: is a URL: make a connection" in shown


def test_a_mapped_sensor_waits_for_each(run_dag: Any, service: Any) -> None:
    service.answer_in_turn((404, {}), (200, {}))

    result = run_dag(
        f'{IMPORTS}\nwith DAG("d", schedule=None):\n'
        "    CloudFunctionHttpSensor.partial(task_id='wait', http_conn_id='service', poke_interval=0.01, deferrable=True)"
        ".expand(endpoint=['/a', '/b'])"
    )

    assert result.states == {"wait": ["success", "success"]}


def test_an_error_that_no_retry_can_help_is_not_tried_again(wait: Any, service: Any) -> None:
    pytest.importorskip("airflow.sdk.definitions.retry_policy", reason="Airflow 3.3 has it")
    service.answer(403)

    wait("endpoint='/x', retries=3")

    assert len(service.received) == 1


@pytest.mark.parametrize(
    "sensor",
    [
        """CloudFunctionHttpSensor.partial(task_id="wait", **given).expand_kwargs(rows("endpoint", "headers", "request_params"))""",
        """CloudFunctionHttpSensor.partial(task_id="wait", endpoint="/a", **given).expand(headers=rows("headers").map(of_headers))""",
        """Own.partial(task_id="wait", **given).expand(row=rows("request_params"))""",
    ],
    ids=["expand_kwargs", "map", "a subclass that moves an argument"],
)
@EVERY_MODE
def test_jinja_that_arrives_at_run_time_is_sent_as_it_is(run_dag: Any, service: Any, mode: str, sensor: str) -> None:
    service.answer(200, {})

    result = run_dag(f"""{IMPORTS}
JINJA = "{{{{ conn.service.password }}}}"
given = dict(http_conn_id="service", poke_interval=0.01, {mode})

def of_headers(row):
    return row["headers"]

class Own(CloudFunctionHttpSensor):
    def __init__(self, row, **kwargs):
        super().__init__(endpoint="/a", request_params={{"q": row["request_params"]["q"]}}, **kwargs)

with DAG("d", schedule=None):
    @task
    def rows(*names):
        row = {{"endpoint": "/a", "headers": {{"X-Sent": JINJA}}, "request_params": {{"q": JINJA}}}}
        return [{{name: row[name] for name in names}}]

    {sensor}
""")

    assert result.states["wait"] == ["success"]
    (request,) = service.received
    assert "s3cret-key" not in request.target + request.headers.get("x-sent", "")
    assert "{{ conn.service.password }}" in unquote_plus(request.target) + request.headers.get("x-sent", "")
