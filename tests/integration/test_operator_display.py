"""What a person sees of a step: its rendered parameters, its name, its log."""

from __future__ import annotations

import re
from typing import Any

import pytest

pytestmark = pytest.mark.usefixtures("sandbox")


def test_rendered_templates_are_cut_and_masked_as_airflow_does(run: Any, sandbox: Any) -> None:
    result = run("""
    CloudFunctionOperator(
        task_id="call", cloudfn_conn_id="shop", method="POST", uri='"/v1/reports"', inputs="x" * 6000,
        headers={"X-Token": '"t-12345"', "X-Page": "params.page"},
        body={"password": "b-12345", "page": cel("params.page"), "long": cel("inputs")},
    )
    """)

    shown = result.rendered("call")
    (request,) = sandbox.requests
    # What was sent is whole.
    assert request.header("x-token") == "t-12345"
    assert request.json() == {"password": "b-12345", "page": 5, "long": "x" * 6000}
    # What is shown is not.
    assert shown["headers"] == {"X-Token": "***", "X-Page": "5"}
    for name in ("inputs", "body"):
        assert str(shown[name]).startswith("Truncated. ")
        assert len(str(shown[name])) < 5000
        assert "b-12345" not in str(shown[name])


def test_of_an_option_is_shown_what_was_given(run: Any, sandbox: Any) -> None:
    result = run("""
    CloudFunctionOperator(task_id="call", cloudfn_conn_id="shop", uri='"/v1/customers/" + item', for_each=ForEach(["c-1"]))
    """)

    assert result.rendered("call")["for_each"] == "ForEach(items=['c-1'])"


def _plain(log: str) -> str:
    """Return a log without the colours of a terminal."""
    return re.sub(r"\x1b\[[0-9;]*m", "", log)


def test_the_functions_name_is_in_the_record_the_log_and_what_the_ui_shows(
    run: Any, capfd: pytest.CaptureFixture[str]
) -> None:
    result = run("""
    named = CloudFunctionOperator(
        task_id="call", cloudfn_conn_id="shop", uri='"/v1/customers"', function_name="Fetch the customers",
        completion_event=CompletionEvent("fetched"),
    )
    assert named.task_display_name == "Fetch the customers"
    """)

    assert result.xcom("call", "completion_event")["metadata"]["function"] == "Fetch the customers"
    assert "function='Fetch the customers'" in _plain("".join(capfd.readouterr()))


def test_without_one_it_is_the_tasks_id(run: Any, capfd: pytest.CaptureFixture[str]) -> None:
    result = run("""
    with TaskGroup("group"):
        CloudFunctionOperator(
            task_id="call", cloudfn_conn_id="shop", uri='"/v1/customers"', completion_event=CompletionEvent("fetched")
        )
    """)

    assert result.xcom("group.call", "completion_event")["metadata"]["function"] == "group.call"
    assert "function=group.call" in _plain("".join(capfd.readouterr()))


def test_a_step_in_a_group_is_read_by_its_whole_id(run: Any, sandbox: Any) -> None:
    result = run("""
    with TaskGroup("group") as group:
        CloudFunctionOperator(task_id="fetch-order", cloudfn_conn_id="shop", uri='"/v1/orders/1001"')

    after = CloudFunctionOperator(
        task_id="after", cloudfn_conn_id="shop", method="POST", uri='"/v1/reports"',
        body='{"order": steps["group.fetch-order"].id}',
    )
    group >> after
    """)

    assert result.rendered("after")["body"] == {"order": "1001"}


@pytest.mark.parametrize(
    ("template", "labels"),
    [("", ["c-1", "{{ run_id }}"]), ("map_index_template='mine {{ task.task_id }}', ", ["mine call", "mine call"])],
)
def test_a_mapped_instance_is_named_by_its_inputs_unless_its_author_says_otherwise(
    run: Any, template: str, labels: list[str]
) -> None:
    result = run(f"""
    @task
    def customers():
        return [{{"total": 1, "id": "c-1"}}, {{"total": 2, "id": "{{{{ run_id }}}}"}}]

    CloudFunctionOperator.partial(
        task_id="call", {template}cloudfn_conn_id="shop", uri='"/v1/customers?of=" + url.encode(inputs.id)'
    ).expand(inputs=customers())
    """)

    assert result.labels("call") == labels
