"""When a step has emitted its completion event, and when it has not, as the steps after it see it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

BEFORE = """
fetched = CompletionEvent("order.fetched")

def broken(context, result=None):
    raise RuntimeError("broken after the call")

def fetch(**more):
    given = {
        "task_id": "fetch", "cloudfn_conn_id": "shop", "uri": '"/v1/orders/1001"', "retry_policy": None,
        "completion_event": fetched, "event_payload": "response.body.id", **more,
    }
    return CloudFunctionOperator(**given)

def report(**more):
    given = {
        "task_id": "report", "cloudfn_conn_id": "shop", "method": "POST", "uri": '"/v1/reports"',
        "body": {"order": cel('context["order.fetched"]')}, "trigger_rule": "all_done", **more,
    }
    return CloudFunctionOperator(**given)
"""

OLDER = {"context": {"order.fetched": "an older one"}}


@pytest.fixture
def run(run: Callable[..., Any], sandbox: Any) -> Callable[..., Any]:
    """Return a function that runs the tasks of a Dag, beside those functions, and returns how it ended."""
    return partial(run, before=BEFORE)


@pytest.mark.parametrize(
    ("fault", "state"),
    [
        ("post_execute=broken", "failed"),
        # Airflow refuses it when it pushes what the step returns.
        ("multiple_outputs=True, returns='response.body.id'", "failed"),
        ("map_index_template='{{ 1 / 0 }}'", "failed"),
        ("post_execute=skipping", "skipped"),
    ],
)
def test_a_step_that_does_not_end_in_success_has_emitted_nothing(run: Any, fault: str, state: str) -> None:
    result = run(
        f"""
    def skipping(context, result=None):
        raise AirflowSkipException

    fetch({fault}) >> report()
    """,
        run_conf=OLDER,
    )

    assert result.states == {"fetch": [state], "report": ["success"]}
    assert result.asset_events() == []
    assert result.rendered("report")["body"] == {"order": None}


def test_nor_has_it_for_a_step_further_down_whose_own_upstream_succeeded(run: Any) -> None:
    result = run("""
    @task(trigger_rule="all_done")
    def between():
        pass

    fetch(post_execute=broken) >> between() >> report(trigger_rule="all_success")
    """)

    assert result.rendered("report")["body"] == {"order": None}


def test_of_a_mapped_step_only_the_instances_that_succeeded_have_emitted(run: Any) -> None:
    result = run("""
    def broken_once(context, result=None):
        if context["ti"].map_index == 0:
            raise RuntimeError("broken after the call")

    scores = CloudFunctionOperator.partial(
        task_id="fetch", cloudfn_conn_id="shop", uri='"/v1/scores/" + inputs', retry_policy=None, post_execute=broken_once,
        completion_event=fetched, event_payload="inputs",
    ).expand(inputs=["c-1", "c-2"])
    scores >> report()
    """)

    assert result.states["fetch"] == ["failed", "success"]
    assert [record["result"] for _, record, _ in result.asset_events()] == ["c-2"]
    assert result.rendered("report")["body"] == {"order": "c-2"}


def test_inside_a_mapped_group_it_is_the_instance_of_the_same_index_that_counts(run: Any) -> None:
    result = run("""
    def broken_once(context, result=None):
        if context["ti"].map_index == 0:
            raise RuntimeError("broken after the call")

    @task_group
    def group(customer):
        fetch(inputs=customer, uri='"/v1/scores/" + inputs', event_payload="inputs", post_execute=broken_once) >> report()

    group.expand(customer=["c-1", "c-2"])
    """)

    assert [result.rendered("group.report", index)["body"] for index in (0, 1)] == [{"order": None}, {"order": "c-2"}]


def test_a_later_try_that_succeeds_has_emitted_once(run: Any) -> None:
    result = run("""
    def broken_once(context, result=None):
        if context["ti"].try_number == 1:
            raise RuntimeError("broken after the call")

    first = fetch(
        post_execute=broken_once, retries=1, retry_delay=datetime.timedelta(0),
        event_payload='{"try": run.try_number}',
    )
    first >> report()
    """)

    ((_, record, _),) = result.asset_events()
    assert record["result"] == {"try": 2}
    assert result.xcom("fetch", "completion_event") == record
    assert result.rendered("report")["body"] == {"order": {"try": 2}}


def test_what_an_earlier_try_left_is_gone_when_a_later_one_emits_nothing(run: Any) -> None:
    result = run("""
    def skip_the_second(context):
        if context["ti"].try_number == 2:
            raise AirflowSkipException

    fetch(
        pre_execute=skip_the_second, post_execute=broken, retries=1, retry_delay=datetime.timedelta(0)
    ) >> report()
    """)

    assert result.states["fetch"] == ["skipped"]
    assert result.xcom("fetch", "completion_event") is None
    assert result.rendered("report")["body"] == {"order": None}


def test_a_step_that_a_branch_leaves_out_has_emitted_nothing_and_no_older_event_stands_in_for_it(run: Any) -> None:
    result = run(
        """
    @task.branch
    def choose():
        return "other"

    other = CloudFunctionOperator(task_id="other", cloudfn_conn_id="shop", uri='"/v1/customers"')
    choose() >> [fetch(), other] >> report()
    """,
        run_conf=OLDER,
    )

    assert result.states["fetch"] == ["skipped"]
    assert result.rendered("report")["body"] == {"order": None}


@pytest.mark.parametrize(
    ("conf", "payloads"),
    [
        ({"context": {"order.fetched": {"id": 7}}}, [{"source": "conf", "id": 7}]),
        ({}, []),
    ],
)
def test_read_gives_the_records_to_map_over(run: Any, sandbox: Any, conf: dict[str, Any], payloads: list[Any]) -> None:
    result = run(
        """
    EmporixStartOperator.partial(task_id="start", emporix_conn_id="emporix", event_type="fetched").expand(
        payload=fetched.read().map(lambda record: {"source": record["metadata"]["source"], **record["result"]})
    )
    """,
        run_conf=conf,
    )

    assert result.states["read_order_fetched"] == ["success"]
    assert [process.events[0].payload for process in sandbox.processes] == payloads
