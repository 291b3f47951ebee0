"""What importing the operators loads: nothing heavy, because Airflow does it in every process that parses a Dag."""

from __future__ import annotations

import functools
import json
import subprocess
import sys

import pytest

HEAVY = {
    "celpy",
    "lark",
    "aiohttp",
    "requests",
    "authlib",
    "boto3",
    "botocore",
    "re2",
    "cloudevents",
    "uvicorn",
    "starlette",
}

WRITE_A_DAG = """
from airflow.sdk import DAG, task
from airflow_provider_cloudfn import CloudFunctionOperator, CompletionEvent, EmporixStartOperator, cel, lit
with DAG("d", schedule=CompletionEvent("a")):
    CloudFunctionOperator(task_id="a", uri='"/v1/charges"', body={"a": cel("run.id"), "b": lit("x")},
                          completion_event=CompletionEvent("charge.created"))
    CloudFunctionOperator.partial(task_id="b", uri='"/v1"').expand(inputs=[1, 2])
    @task.cloudfn(uri='"/v1"', body="inputs")
    def d(n):
        return n
    d(1)
    d.expand(n=[1, 2])
    EmporixStartOperator(task_id="c", event_type="order.paid", payload={"a": cel("run.id")})
"""

A_DAG_WITHOUT_US = """
from airflow.sdk import DAG, Asset, BaseOperator, task
with DAG("d", schedule=Asset("a")):
    @task
    def f(n):
        return n
    f(1)
    BaseOperator(task_id="a", outlets=[Asset("b")])
"""


@functools.cache
def loaded_by(code: str) -> set[str]:
    program = f"{code}\nimport json, sys\nprint('\\n' + json.dumps(sorted({{name.partition('.')[0] for name in sys.modules}})))"
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=120)
    return set(json.loads(result.stdout.splitlines()[-1]))


@pytest.mark.parametrize(
    "code",
    [
        pytest.param("import airflow_provider_cloudfn", id="the package"),
        pytest.param(
            "from airflow_provider_cloudfn.provider_info import get_provider_info; get_provider_info()", id="discovery"
        ),
        pytest.param(WRITE_A_DAG, id="a Dag file"),
    ],
)
def test_nothing_heavy_is_loaded_by(code: str) -> None:
    # Airflow itself may load one of them where it is installed: what counts is what we add.
    assert (loaded_by(code) - loaded_by(A_DAG_WITHOUT_US)) & HEAVY == set()


def test_the_package_alone_does_not_load_airflow() -> None:
    assert "airflow" not in loaded_by("import airflow_provider_cloudfn, airflow_provider_cloudfn.cel")


@pytest.mark.parametrize("kind", ["hooks", "operators", "sensors"])
def test_a_package_of_a_kind_loads_none_of_its_modules(kind: str) -> None:
    assert "airflow" not in loaded_by(f"import airflow_provider_cloudfn.{kind}")
