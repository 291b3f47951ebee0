"""``airflow cloudfn render``."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

if TYPE_CHECKING:
    from collections.abc import Callable

EXAMPLES = Path(__file__).parents[3] / "example_dags"


def test_the_request_is_shown_and_no_secret_is(
    cloudfn: Callable[..., Any], charge: tuple[str, ...], sandbox: Any
) -> None:
    ended = cloudfn("render", *charge, "--json")

    assert ended.code == 0
    request = ended.document["request"]
    assert (request["method"], request["query"]) == ("POST", {"environment": "production"})
    assert request["url"].endswith("/v1/charges")
    assert request["body"] == {"amount": 42, "customer": "c-1"}
    assert request["headers"]["authorization"] == "***"
    assert not [secret for secret in sandbox.secrets() if secret in ended.out + ended.err]
    assert sandbox.requests == []


def test_the_variables_in_reach_come_with_what_reads_them(cloudfn: Callable[..., Any], charge: tuple[str, ...]) -> None:
    rows = {row["expression"]: row for row in cloudfn("render", *charge, "--json").document["variables"]}

    assert rows["steps.fetch_order.customer.id"] == {
        "expression": "steps.fetch_order.customer.id", "type": "string", "size": 3, "sample": '"c-1"',
    }  # fmt: skip
    assert rows["steps.fetch_order.total"]["type"] == "int"
    assert rows["params.order_id"]["sample"] == '"1001"'
    assert rows["run.dag_id"]["sample"] == '"charge_orders"'


def test_each_expression_has_its_value(cloudfn: Callable[..., Any], charge: tuple[str, ...]) -> None:
    rows = {row["field"]: row for row in cloudfn("render", *charge, "--json").document["fields"]}

    assert rows['query["environment"]']["value"] == "production"
    assert rows["body"]["value"] == {"amount": 42, "customer": "c-1"}
    assert rows["event_payload"]["shown"] == "(when the answer is there)"


def test_people_get_tables(cloudfn: Callable[..., Any], charge: tuple[str, ...]) -> None:
    out = cloudfn("render", *charge).out

    for shown in (
        "charge_orders.charge",
        "Variables in scope",
        "steps.fetch_order.customer.id",
        "POST https://payments.test/v1/charges",
        "?environment=production",
        "Note: connection 'payments' is not defined here",
    ):
        assert shown in out


def test_what_is_missing_is_listed_and_a_skeleton_of_it_written(
    cloudfn: Callable[..., Any], order_to_cash: str, tmp_path: Path
) -> None:
    written = tmp_path / "skeleton.yaml"

    ended = cloudfn(
        "render", "charge_orders", "charge", "--file", order_to_cash, "--write-sample", str(written), "--json"
    )

    assert ended.code == 1
    assert ended.document["missing"] == [
        "steps.fetch_order.total",
        "steps.fetch_order.customer.id",
        "steps.fetch_order.id",
    ]
    assert ended.document["error"]["field"] == "body"
    assert yaml.safe_load(written.read_text()) == {
        "steps": {"fetch_order": {"total": None, "customer": {"id": None}, "id": None}}
    }
    assert written.stat().st_mode & 0o777 == 0o600


def test_a_skeleton_that_is_filled_in_is_a_sample(
    cloudfn: Callable[..., Any], order_to_cash: str, tmp_path: Path
) -> None:
    written = tmp_path / "skeleton.yaml"
    named = ("fulfil", "start", "--file", order_to_cash)
    cloudfn("render", *named, "--write-sample", str(written))
    text = written.read_text()
    assert "orderId: null" in text
    written.write_text(text.replace("orderId: null", "orderId: '1001'"))

    assert cloudfn("render", *named, "--sample", str(written), "--json").document["request"]["body"] == {
        "orderId": "1001"
    }


def test_a_skeleton_of_a_mapped_step_asks_for_its_inputs(cloudfn: Callable[..., Any], tmp_path: Path) -> None:
    written = tmp_path / "skeleton.yaml"
    file = str(EXAMPLES / "score_customers.py")

    cloudfn("render", "score_customers", "score", "--file", file, "--write-sample", str(written))

    assert yaml.safe_load(written.read_text()) == {"inputs": {"id": None}}


def test_a_skeleton_overwrites_nothing(cloudfn: Callable[..., Any], charge: tuple[str, ...], sample: str) -> None:
    ended = cloudfn("render", *charge, "--write-sample", sample)

    assert ended.code == 2
    assert "is there already: name another file" in ended.err


def test_an_instance_of_a_mapped_step(cloudfn: Callable[..., Any], tmp_path: Path) -> None:
    sample = tmp_path / "s.json"
    sample.write_text(json.dumps({"steps": {"customers": [{"id": "c-1"}, {"id": "c-2"}]}}))
    named = ("score_customers", "score", "--file", str(EXAMPLES / "score_customers.py"), "--sample", str(sample))

    assert cloudfn("render", *named, "--map-index", "1", "--json").document["request"]["url"].endswith("/c-2")


def test_a_dag_is_found_in_the_configured_folder(
    cloudfn: Callable[..., Any], dags_folder: Path, order_to_cash: str, sample: str
) -> None:
    shutil.copy(order_to_cash, dags_folder)

    assert cloudfn("render", "charge_orders", "charge", "--sample", sample).code == 0


def test_what_looks_like_a_secret_is_hidden(cloudfn: Callable[..., Any], order_to_cash: str, tmp_path: Path) -> None:
    sample = tmp_path / "s.json"
    sample.write_text(
        json.dumps({"steps": {"fetch_order": {"total": 1, "customer": {"id": "1"}, "id": "1", "password": "hunter22"}}})
    )

    ended = cloudfn("render", "charge_orders", "charge", "--file", order_to_cash, "--sample", str(sample), "--json")

    assert "hunter22" not in ended.out
    assert {
        "expression": "steps.fetch_order.password",
        "type": "string",
        "size": 8,
        "sample": '"***"',
    } in ended.document["variables"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("charge_order", "charge"), "there is no Dag 'charge_order' in {file}; did you mean 'charge_orders'?"),
        (("charge_orders", "chrge"), "no task 'chrge'; it has charge, fetch_order; did you mean 'charge'?"),
        (("charge_orders", "charge", "--sample", "/nowhere.yaml"), "--sample: can't read /nowhere.yaml"),
        (("charge_orders", "charge", "--run-id", "manual__1"), "has no run 'manual__1'; it has none yet"),
        (("charge_orders", "charge", "--map-index", "3"), "'charge' is not mapped; leave the map index out"),
        (("charge_orders", "charge", "--map-index", "-3"), "'-3' is no map index: give a number from 0"),
    ],
)
def test_what_can_not_be_is_refused_with_the_remedy(
    cloudfn: Callable[..., Any], order_to_cash: str, arguments: tuple[str, ...], said: str
) -> None:
    ended = cloudfn("render", *arguments, "--file", order_to_cash)

    assert ended.code == 2
    assert said.format(file=order_to_cash) in ended.err


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("steps: [1", "is neither JSON nor YAML at line"),
        ("step: {}", "'step' is none of steps, params, conf, context, inputs, events, run; did you mean 'steps'?"),
        ("[1]", "must be a map with any of steps"),
        ("steps: 1", "steps must be a map, not an integer"),
    ],
)
def test_a_sample_that_can_not_be_is_refused(
    cloudfn: Callable[..., Any], order_to_cash: str, tmp_path: Path, text: str, said: str
) -> None:
    file = tmp_path / "s.yaml"
    file.write_text(text)

    ended = cloudfn("render", "charge_orders", "charge", "--file", order_to_cash, "--sample", str(file))

    assert ended.code == 2
    assert said in ended.err


def test_a_task_that_is_not_ours_is_refused(cloudfn: Callable[..., Any]) -> None:
    ended = cloudfn("render", "read_customers", "best_customer", "--file", str(EXAMPLES / "read_customers.py"))

    assert ended.code == 2
    assert "holds no expressions" in ended.err


def test_a_dag_that_can_not_be_imported_is_named(cloudfn: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text("from airflow.sdk import DAG\nimport nothing_of_that_name\n")

    ended = cloudfn("render", "d", "t", "--file", str(tmp_path / "broken.py"), "--json")

    assert ended.code == 2
    assert "broken.py can't be imported: ModuleNotFoundError: No module named 'nothing_of_that_name'" in ended.err
    assert ended.document["error"]["type"] == "ConfigurationError"


def test_a_dag_that_the_policy_refuses_is_shown_with_what_is_wrong(cloudfn: Callable[..., Any], tmp_path: Path) -> None:
    file = tmp_path / "wrong.py"
    file.write_text(
        "from airflow.sdk import DAG\nfrom airflow_provider_cloudfn import CloudFunctionOperator\n"
        "with DAG('d', schedule=None):\n    CloudFunctionOperator(task_id='t', uri='/v1')\n"
    )

    ended = cloudfn("render", "d", "t", "--file", str(file))

    assert ended.code == 1
    assert """write '"/v1"'""" in ended.err


def test_a_decorated_function_is_called_for_what_would_be_sent(cloudfn: Callable[..., Any], tmp_path: Path) -> None:
    file, sample = tmp_path / "decorated.py", tmp_path / "sample.yaml"
    file.write_text(
        "from airflow.sdk import DAG, task\n"
        'with DAG("decorated", schedule=None):\n'
        "    @task\n"
        "    def order(): ...\n"
        "    @task.cloudfn(method='POST', uri='\"/v1\"', body='inputs')\n"
        "    def call(order):\n"
        "        return {'lines': len(order['lines'])}\n"
        "    call(order())\n"
    )
    sample.write_text("steps: {order: {lines: [1, 2]}}")

    ended = cloudfn("render", "decorated", "call", "--file", str(file), "--sample", str(sample), "--json")

    assert ended.code == 0
    assert ended.document["request"]["body"] == {"lines": 2}
