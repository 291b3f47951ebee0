"""The names that users import."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import pytest

import airflow_provider_cloudfn
from airflow_provider_cloudfn import exceptions

README = (Path(__file__).parents[2] / "README.md").read_text()


def test_the_public_names_are_these() -> None:
    assert set(airflow_provider_cloudfn.__all__) == {
        "AmazonConnectHook",
        "Callback",
        "CloudFunctionEventTrigger",
        "CloudFunctionHook",
        "CloudFunctionHttpSensor",
        "CloudFunctionOperator",
        "CloudFunctionRetryPolicy",
        "CloudFunctionSensor",
        "CompletionEvent",
        "CompletionEventSensor",
        "CompletionRecord",
        "Confirm",
        "Emit",
        "EmporixCompleteOperator",
        "EmporixHook",
        "EmporixProcessContextOperator",
        "EmporixResumeOperator",
        "EmporixStartOperator",
        "EventPublishOperator",
        "ForEach",
        "Pages",
        "Poll",
        "Rate",
        "WaitFor",
        "cel",
        "emit_when_failed",
        "lit",
        "secret",
    }


@pytest.mark.parametrize("name", airflow_provider_cloudfn.__all__)
def test_a_public_name_can_be_imported_and_is_listed(name: str) -> None:
    assert getattr(airflow_provider_cloudfn, name) is not None
    assert name in dir(airflow_provider_cloudfn)


OF_A_KIND = {
    "hooks": {"AmazonConnectHook", "CloudFunctionHook", "CloudFunctionHttpHook", "EmporixHook"},
    "operators": {
        "CloudFunctionOperator",
        "EmporixCompleteOperator",
        "EmporixProcessContextOperator",
        "EmporixResumeOperator",
        "EmporixStartOperator",
        "EventPublishOperator",
    },
    "sensors": {"CloudFunctionHttpSensor", "CloudFunctionSensor", "CompletionEventSensor"},
}


@pytest.mark.parametrize("kind", OF_A_KIND)
def test_the_packages_of_a_kind_have_the_names_of_their_kind(kind: str) -> None:
    package = importlib.import_module(f"airflow_provider_cloudfn.{kind}")

    assert set(package.__all__) == OF_A_KIND[kind]
    for name in package.__all__:
        assert getattr(package, name).__module__.startswith(f"airflow_provider_cloudfn.{kind}.")
        assert name in dir(package)
    with pytest.raises(AttributeError, match=f"'airflow_provider_cloudfn.{kind}' has no attribute 'Nothing'"):
        _ = package.Nothing


@pytest.mark.parametrize("name", ["CloudFunctionHook", "AmazonConnectHook", "EmporixHook"])
def test_the_readme_prints_how_a_hook_is_imported(name: str) -> None:
    assert re.search(rf"^`from airflow_provider_cloudfn import [\w, ]*\b{name}\b[\w, ]*`", README, re.MULTILINE)


def test_another_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'Nothing'"):
        _ = airflow_provider_cloudfn.Nothing


def test_cel_marks_an_expression_and_holds_the_engine() -> None:
    from airflow_provider_cloudfn import cel

    assert cel("run.id").source == "run.id"
    assert cel.evaluate("1 + 1", {}) == 2


@pytest.mark.parametrize("name", exceptions.__all__)
def test_every_error_of_the_tree_is_public(name: str) -> None:
    assert getattr(exceptions, name).__doc__
