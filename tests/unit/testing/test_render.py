"""``testing.render``: the request that a step would send."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk import DAG, Param
from airflow.sdk import task as task_decorator
from kit.server import LoopbackServer

from airflow_provider_cloudfn import CloudFunctionOperator, EmporixCompleteOperator, cel, lit
from airflow_provider_cloudfn.exceptions import ConfigurationError, ExpressionError
from airflow_provider_cloudfn.testing import RenderedRequest, render
from airflow_provider_cloudfn.testing.rehearsal import Rehearsal
from airflow_provider_cloudfn.testing.samples import Samples

ORDER = {"id": "1001", "total": 42, "customer": {"id": "c-1"}}
ACCEPT = {"Accept": "application/json, */*;q=0.5"}


def test_a_request_is_the_one_that_would_be_sent(charge: Any) -> None:
    request = render(charge, steps={"fetch_order": ORDER})

    assert request == RenderedRequest(
        "POST",
        "https://payments.test/v1/charges",
        query={"environment": "production"},
        headers={
            "Idempotency-Key": "16be1eb8-c9f5-528d-86f4-a26ba1b39b8a",
            "Content-Type": "application/json",
            **ACCEPT,
        },
        body={"amount": 42, "customer": "c-1"},
    )


def test_no_role_is_assumed_for_it() -> None:
    step = CloudFunctionOperator(task_id="call", method="PUT", uri='"/contact/task"', body={"Name": "Call back"})
    role = {"region_name": "us-east-1", "role_arn": "arn:aws:iam::123456789012:role/airflow"}

    with LoopbackServer() as sts:
        extra = {**role, "service_config": {"sts": {"endpoint_url": sts.url}}}
        connection = {"conn_type": "amazon_connect", "login": "AKIA", "password": "a-secret-key", "extra": extra}
        request = render(step, connection=connection)

    assert (request.url, request.headers["authorization"]) == (
        "https://connect.us-east-1.amazonaws.com/contact/task",
        "***",
    )
    assert sts.received == []


def test_a_field_of_a_pair_says_where_pairs_come_from() -> None:
    score = CloudFunctionOperator(task_id="score", uri='"/" + inputs.id')

    with pytest.raises(ExpressionError, match="where expand\\(\\) goes over a dict, inputs is a pair"):
        render(score, inputs=["c-1", {"id": "1"}])


def test_params_come_from_the_dag_the_conf_and_the_test_in_this_order(dag: DAG) -> None:
    fetch = dag.get_task("fetch_order")

    assert render(fetch).path == "/v1/orders/1001"
    assert render(fetch, conf={"order_id": "1002"}).path == "/v1/orders/1002"
    assert render(fetch, conf={"order_id": "1002"}, params={"order_id": "1003"}).path == "/v1/orders/1003"


def test_the_task_is_left_as_it_is(charge: Any) -> None:
    render(charge, steps={"fetch_order": ORDER})

    assert charge.body == '{"amount": steps.fetch_order.total, "customer": steps.fetch_order.customer.id}'
    assert render(charge, steps={"fetch_order": {**ORDER, "total": 43}}).body["amount"] == 43


def test_a_process_start_shows_its_event_and_the_place_of_its_signature(dag: DAG) -> None:
    request = render(dag.get_task("start"), context={"charge.created": {"orderId": "1001"}})

    assert request.body == {"orderId": "1001"}
    assert request.headers["ce-caseid"] == "1001"
    assert request.headers["ce-subject"] == "Order%201001"
    assert request.headers["x-emporix-hmac"] == "***"


def test_the_completion_of_a_step_is_shown_as_it_would_be_sent() -> None:
    complete = EmporixCompleteOperator(
        task_id="complete",
        event_type="order.shipped",
        instance_id=cel("conf.instance"),
        execution_id="x-1",
        scenario_id="s-1",
        impact=cel("size(conf.instance) > 1 ? 'P' : 'D'"),
        timestamp=cel("timestamp('2026-01-31T12:00:00Z')"),
    )

    request = render(complete, conf={"instance": "i 1"})

    shown = {name: value for name, value in request.headers.items() if name in ("ce-instanceid", "ce-npsprojection")}
    assert shown == {"ce-instanceid": "i%201", "ce-npsprojection": "P"}
    assert request.headers["ce-time"] == "2026-01-31T12:00:00Z"


@pytest.mark.parametrize(("map_index", "path"), [(None, "/v1/scores/a"), (1, "/v1/scores/b")])
def test_an_instance_of_a_mapped_step_is_rendered(dag: DAG, map_index: int | None, path: str) -> None:
    request = render(dag.get_task("score"), steps={"fetch_order": [{"id": "a"}, {"id": "b"}]}, map_index=map_index)

    assert request.path == path


class RowOperator(CloudFunctionOperator):
    """A user's own: what arrives is a part of its inputs."""

    def __init__(self, *, row: Any, **kwargs: Any) -> None:
        super().__init__(
            cloudfn_conn_id=row.get("conn", "shop"),
            uri='"/v1/rows/" + inputs.id',
            inputs={"id": row["id"], "day": "{{ ds_nodash }}"},
            **kwargs,
        )


def test_what_arrives_at_a_class_of_ones_own_is_never_rendered() -> None:
    with DAG("d", schedule=None):
        fetch = CloudFunctionOperator(task_id="fetch", uri='"/v1/rows"')
        RowOperator.partial(task_id="row").expand(row=fetch.output)
        task = fetch.dag.get_task("row")
    samples = Samples.of({"steps": {"fetch": [{"id": "{{ds}}"}]}}, where="samples")

    inputs = Rehearsal(task, samples).variables()["inputs"]

    assert inputs["id"] == "{{ds}}"
    assert inputs["day"].isdigit()
    assert render(task, steps={"fetch": [{"id": "{{ds}}"}]}).path == "/v1/rows/%7B%7Bds%7D%7D"


def test_what_arrives_in_a_parameter_without_expressions_is_never_rendered_either() -> None:
    with DAG("d", schedule=None):
        fetch = CloudFunctionOperator(task_id="fetch", uri='"/v1/rows"')
        RowOperator.partial(task_id="row").expand(row=fetch.output)
        task = fetch.dag.get_task("row")
    samples = Samples.of({"steps": {"fetch": [{"id": "1", "conn": "{{run_id}}"}]}}, where="samples")
    rehearsal = Rehearsal(task, samples)

    rehearsal.render()

    assert rehearsal.task.cloudfn_conn_id == "{{run_id}}"


def test_what_an_instance_gets_can_be_given_by_itself(dag: DAG) -> None:
    assert render(dag.get_task("score"), inputs={"id": "{{ds}}"}).path == "/v1/scores/%7B%7Bds%7D%7D"


def test_a_mapped_step_is_read_as_a_list(dag: DAG) -> None:
    assert render(dag.get_task("report"), steps={"score": [1, 2, 3]}).path == "/v1/reports/3"


def test_inputs_are_rendered_by_jinja_and_by_xcoms() -> None:
    with DAG("d", schedule=None, params={"tenant": "acme"}):
        first = CloudFunctionOperator(task_id="first", uri='"/"')
        second = CloudFunctionOperator(
            task_id="second",
            uri='"/" + inputs.tenant + "/" + inputs.order.id + "/" + inputs.day',
            inputs={"tenant": "{{ params.tenant }}", "order": first.output, "day": "{{ ds }}"},
        )

    request = render(second, steps={"first": {"id": "7"}}, run={"logical_date": "2026-02-03T00:00:00Z"})

    assert request.path == "/acme/7/2026-02-03"


def test_a_task_without_a_dag_reads_the_steps_it_is_given() -> None:
    task = CloudFunctionOperator(task_id="alone", uri='"/" + steps.fetch.id')

    assert render(task, steps={"fetch": {"id": "7"}}).path == "/7"


def test_events_that_started_the_run_are_read() -> None:
    task = CloudFunctionOperator(task_id="call", uri='"/" + events[0].result.id + context["paid"].id')

    assert render(task, events=[{"metadata": {"type": "paid"}, "result": {"id": "7"}}]).path == "/77"


def test_what_authentication_sets_is_shown_and_no_secret_is(charge: Any) -> None:
    extra = {"auth_type": "api_key", "key_location": "query", "key_name": "key"}
    connection = {"conn_type": "cloudfn", "host": "https://pay.example/base", "password": "s3cret!", "extra": extra}

    request = render(charge, steps={"fetch_order": {**ORDER, "total": "s3cret!"}}, connection=connection)

    assert request.url == "https://pay.example/base/v1/charges"
    assert request.query == {"environment": "production", "key": "***"}
    assert request.body["amount"] == "***"


def test_a_token_is_not_asked_for(charge: Any) -> None:
    extra = {"auth_type": "oauth2", "client_id": "c", "oauth2_url": "https://127.0.0.1:9/token"}
    connection = {"conn_type": "cloudfn", "host": "https://pay.example", "password": "s3cret!", "extra": extra}

    request = render(charge, steps={"fetch_order": ORDER}, connection=connection)

    assert request.headers["authorization"] == "***"


@pytest.mark.parametrize(
    ("body", "headers", "shown"),
    [
        ({"a": 1}, {"Content-Type": '"application/x-www-form-urlencoded"'}, "a=1"),
        (lit("hello"), {"Content-Type": '"text/plain"'}, "hello"),
        (b"\xff", {}, b"\xff"),
        (None, {}, None),
    ],
)
def test_a_body_is_shown_as_what_it_is(body: Any, headers: dict[str, str], shown: Any) -> None:
    task = CloudFunctionOperator(task_id="call", method="POST", uri='"/"', body=body, headers=headers)

    assert render(task).body == shown


def test_a_repeated_parameter_is_a_list() -> None:
    task = CloudFunctionOperator(task_id="call", uri='"/?a=1"', query={"a": ['"2"', '"3"']})

    assert render(task).query == {"a": ["1", "2", "3"]}


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({}, ExpressionError, "no sample of what step 'fetch_order' returned: give it under 'steps'"),
        ({"steps": {"fetch_order": {}}}, ExpressionError, "no such key: 'total' in steps.fetch_order"),
        ({"steps": {"fetch_order": None}}, ExpressionError, "steps.fetch_order is null"),
        ({"steps": []}, ConfigurationError, "samples: steps must be a map, not a list"),
        ({"events": [1]}, ConfigurationError, "events must be a list of completion records"),
        ({"run": {"date": 1}}, ConfigurationError, "run.date can't be given"),
        ({"run": {"logical_date": "soon"}}, ConfigurationError, "run.logical_date: must be a time in RFC 3339"),
        ({"run": {"try_number": "2"}}, ConfigurationError, "run.try_number must be a whole number from 1, not '2'"),
        ({"run": {"id": 3}}, ConfigurationError, "run.id must be text, not an integer"),
        ({"map_index": 1}, ConfigurationError, "'charge' is not mapped"),
        ({"map_index": "1"}, ConfigurationError, "map index: must be a whole number from 0, not '1'"),
        ({"connection": 3}, ConfigurationError, "connection: must be a map with any of conn_type, .*not an integer"),
        ({"connection": "{}"}, ConfigurationError, "connection: must be a map with any of conn_type, .*not text"),
        ({"inputs": 1, "connection": {"hots": "x"}}, ConfigurationError, "connection: 'hots' is none of conn_type"),
        ({"connection": {"conn_type": "http"}}, ConfigurationError, "is of type 'http'"),
    ],
)
def test_what_is_wrong_is_said_with_the_remedy(
    charge: Any, arguments: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message.replace("(", r"\(")):
        render(charge, **{"steps": {"fetch_order": ORDER}, **arguments} if arguments else {})


def test_an_instance_that_is_not_there_is_refused(dag: DAG) -> None:
    with pytest.raises(ConfigurationError, match="map index: 2 is beyond"):
        render(dag.get_task("score"), steps={"fetch_order": [{"id": "a"}, {"id": "b"}]}, map_index=2)


def test_a_mapped_step_without_a_list_is_refused(dag: DAG) -> None:
    with pytest.raises(ExpressionError, match="step 'score' is mapped, so its sample under 'steps' must be a list"):
        render(dag.get_task("report"), steps={"score": {"a": 1}})


def test_a_param_without_value_is_missed_where_it_is_read() -> None:
    with DAG("d", schedule=None, params={"order_id": Param(type="string")}):
        task = CloudFunctionOperator(task_id="call", uri='"/" + params.order_id')

    with pytest.raises(ExpressionError, match="no such key: 'order_id' in params"):
        render(task)


@pytest.mark.parametrize("task", [None, 3, "charge", DAG("d", schedule=None), CloudFunctionOperator])
def test_what_is_no_operator_is_refused(task: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"task: must be an operator, such as dag.get_task\('charge'\), not "):
        render(task)


@pytest.fixture
def decorated() -> Any:
    """Return what a function of Airflow's own gives when it is called in a Dag."""

    @task_decorator
    def mine() -> None: ...

    with DAG("d", schedule=None):
        return mine()


def test_what_a_decorated_task_gives_is_told_apart_from_its_operator(decorated: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"task: must be an operator, .* and so is its \.operator, not "):
        render(decorated)


def test_another_operator_is_refused(decorated: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"task 'mine' is a .*, which holds no expressions"):
        render(decorated.operator)


def test_no_database_is_made(charge: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("the metadata database was asked for")

    monkeypatch.setattr("airflow.settings.Session", refuse)
    databases = {file: file.stat().st_mtime_ns for file in Path(os.environ["AIRFLOW_HOME"]).glob("*.db*")}

    render(charge, steps={"fetch_order": ORDER})

    assert {file: file.stat().st_mtime_ns for file in Path(os.environ["AIRFLOW_HOME"]).glob("*.db*")} == databases


@pytest.mark.parametrize("name", ["logical_date", "data_interval_start", "data_interval_end"])
def test_a_date_that_an_event_s_run_has_not_is_told_apart_from_other_nulls(name: str) -> None:
    task = CloudFunctionOperator(task_id="call", uri='"/x"', query={"day": f'time.format(run.{name}, "%Y-%m-%d")'})

    with pytest.raises(
        ExpressionError, match=rf"run\.{name} is null here, as this run was started by .*: use run\.run_after"
    ):
        render(task, run={name: None})


def test_what_else_is_wrong_with_its_expression_is_not_blamed_on_it() -> None:
    task = CloudFunctionOperator(
        task_id="call", method="POST", uri='"/x"', body='{"day": run.logical_date, "id": context["paid"].id}'
    )

    with pytest.raises(ExpressionError, match="paid") as raised:
        render(task, run={"logical_date": None})

    assert "run.logical_date is null" not in str(raised.value)
