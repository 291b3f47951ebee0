"""What a step returns, when it fails, and what its completion event carries."""

from __future__ import annotations

from typing import Any

import pytest
from kit import dag_runs

pytestmark = pytest.mark.usefixtures("sandbox")


def call(**parameters: str) -> str:
    return dag_runs.call(**{"cloudfn_conn_id": "'shop'", "uri": "'\"/v1/orders/1001\"'", **parameters})


def test_a_step_returns_the_body(run: Any) -> None:
    assert run(call()).xcom("call")["id"] == "1001"


def test_a_step_returns_a_body_with_half_a_character(run: Any, recording_server: Any, connection: Any) -> None:
    connection("shop", conn_type="cloudfn", host=recording_server.url, extra={"allow_http": False})
    recording_server.answer(201, rb'{"id": "ch_1", "description": "cut \ud83d"}')

    assert run(call(method="'POST'")).xcom("call") == {"id": "ch_1", "description": "cut \ufffd"}


@pytest.mark.parametrize(
    ("returns", "value"),
    [
        ("response.status", 200),
        ("response.body.customer.id", "c-1"),
        ('response.headers["content-type"].startsWith("application/json")', True),
        ('{"id": response.body.id, "run": run.dag_id}', {"id": "1001", "run": "d"}),
        ("has(response.body.nope)", False),
        ("response.url.endsWith('/header/v1/orders/1001')", True),
        ('duration("1h")', "3600s"),
        ('b"abc"', {"content_type": None, "size": 3, "base64": "YWJj"}),
        ('{"in": [b"abc"]}', {"in": [{"content_type": None, "size": 3, "base64": "YWJj"}]}),
    ],
)
def test_a_step_returns_what_it_is_told(run: Any, returns: str, value: Any) -> None:
    assert run(call(returns=repr(returns))).xcom("call") == value


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"uri": "'\"/v1/orders/nope\"'"}, "404"),
        ({"success_when": "'response.body.total > 1000000.0'"}, "success_when is false for the answer 200"),
        ({"success_when": "'response.body.id'"}, "success_when: must give true or false, not text"),
        ({"returns": "'response.body.nope'"}, "returns: 1:"),
        ({"uri": "'{\"a\": run.id}'"}, "uri: must give text, not "),
        ({"headers": "{'X-Api-Key': '\"mine\"'}"}, "X-Api-Key"),
        ({"query": "{'a': '{\"b\": run.id}'}"}, 'query["a"]'),
        (
            {"cloudfn_conn_id": "'nowhere'"},
            "cloudfn_conn_id: there is no connection 'nowhere': make one of type cloudfn or amazon_connect",
        ),
        ({"cloudfn_conn_id": "'emporix'"}, "emporix_oe"),
        ({"uri": "'\"//evil.example/x\" + run.dag_id'"}, "//evil.example"),
        ({"uri": "'\"https://evil.example/x\"'"}, "evil.example"),
        ({"uri": "'\"/../../x\" + run.dag_id'"}, ".."),
        ({"uri": "'\"/a b\" + run.dag_id'"}, "space"),
        ({"uri": "'\"/a#b\" + run.dag_id'"}, "fragment"),
    ],
)
def test_a_step_that_cannot_work_fails_and_says_why(
    run: Any, capfd: pytest.CaptureFixture[str], parameters: dict[str, str], message: str
) -> None:
    result = run(call(completion_event="CompletionEvent('never')", **parameters))

    assert result.states == {"call": ["failed"]}
    assert result.xcom("call", "completion_event") is None
    assert result.asset_events() == []
    shown = "".join(capfd.readouterr())
    assert message in shown


def test_what_the_service_says_is_shown_where_success_when_is_false(
    run: Any, capfd: pytest.CaptureFixture[str]
) -> None:
    run(call(success_when="'response.body.total > 1000000.0'"))

    assert "success_when is false for the answer 200" in (shown := "".join(capfd.readouterr()))
    assert """; it says: {"id":"1001",""" in shown.replace('": "', '":"')


PAGE = b"<html>Please sign in</html>"


@pytest.mark.parametrize(
    ("media_type", "said"),
    [
        ("text/html; charset=utf-8", "The answer is text/html, not JSON: perhaps a page for people, such as a login"),
        ("text/csv", "The answer is text/csv, not JSON"),
    ],
)
def test_an_answer_that_is_no_json_is_a_word_in_the_log(
    run: Any, connected: Any, capfd: pytest.CaptureFixture[str], media_type: str, said: str
) -> None:
    connected("shop").answer(200, PAGE, media_type)

    assert run(call()).xcom("call") == PAGE.decode()
    assert said in "".join(capfd.readouterr())


def test_what_was_asked_for_is_no_word_in_the_log(run: Any, connected: Any, capfd: pytest.CaptureFixture[str]) -> None:
    connected("shop").answer(200, PAGE, "text/html")

    run(call(headers="{'Accept': '\"text/html\"'}"))

    assert "not JSON" not in "".join(capfd.readouterr())


def test_an_expression_over_an_answer_that_is_no_json_says_so(
    run: Any, connected: Any, capfd: pytest.CaptureFixture[str]
) -> None:
    connected("shop").answer(200, PAGE, "text/html")

    run(call(returns="'response.body.items'"))

    assert "which has no field 'items'; the answer is text/html, not JSON" in "".join(capfd.readouterr())


@pytest.mark.parametrize(("path", "status"), [("/v1/orders/nope", 404), ("/v1/broken", 404)])
def test_an_error_that_success_when_can_not_read_is_the_service_s_error(
    run: Any, capfd: pytest.CaptureFixture[str], path: str, status: int
) -> None:
    result = run(call(uri=repr(f'"{path}"'), success_when="'response.body.total > 0.0'"))

    assert result.states == {"call": ["failed"]}
    shown = "".join(capfd.readouterr())
    assert f"answered {status}" in shown
    assert "success_when has no value for it: success_when: 1:" in shown
    assert "ResponseError" in shown


@pytest.mark.parametrize(
    "parameters",
    [
        {"returns": "'respnse.body'"},
        {"success_when": "'response.status =='"},
        {"event_payload": "'steps.nope.id'", "completion_event": "CompletionEvent('never')"},
        {"body": "{'a': cel('steps.nope')}"},
        {"query": "['a']"},
    ],
)
def test_an_expression_that_cannot_work_stops_the_call_before_anything_is_sent(
    run: Any, sandbox: Any, parameters: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from airflow import settings

    # The parser would refuse the Dag already; this is what a worker does where no parser was in play.
    monkeypatch.setattr(settings, "dag_policy", lambda dag: None)

    result = run(call(**parameters))

    assert result.states == {"call": ["failed"]}
    assert sandbox.requests == []


@pytest.mark.parametrize(
    ("parameters", "after", "said"),
    [
        ({"returns": "'response.status'", "multiple_outputs": "True"}, "", "the result must be a map"),
        (
            {"returns": "'response.status'"},
            "task(task_id='after')(lambda code: code).expand(code=called.output)",
            "'after' is mapped over the result",
        ),
        (
            {"returns": "'null'"},
            "task(task_id='after')(lambda code: code).expand(code=called.output)",
            "which must be a list or a map, not null",
        ),
    ],
)
def test_a_result_that_airflow_would_refuse_fails_before_an_event_is_out(
    run: Any, capfd: pytest.CaptureFixture[str], parameters: dict[str, str], after: str, said: str
) -> None:
    source = call(**parameters, completion_event="CompletionEvent('order.fetched')")

    result = run(f"called = {source}\n{after}")

    assert result.states["call"] == ["failed"]
    assert result.xcom("call", "completion_event") is None
    assert result.xcom("call", "cloudfn_call")["outcome"] == "failed"
    assert said in "".join(capfd.readouterr())


def test_a_result_that_is_kept_from_the_step_mapped_over_it_fails_before_an_event_is_out(
    run: Any, capfd: pytest.CaptureFixture[str]
) -> None:
    source = call(do_xcom_push="False", completion_event="CompletionEvent('order.fetched')")

    result = run(f"called = {source}\ntask(task_id='after')(lambda code: code).expand(code=called.output)")

    assert result.states["call"] == ["failed"]
    assert result.asset_events() == []
    assert "'after' is mapped over the result, and do_xcom_push=False keeps it from it" in "".join(capfd.readouterr())


def test_what_several_instances_return_can_be_of_any_form(run: Any) -> None:
    parameters = "task_id='call', cloudfn_conn_id='shop', uri='\"/v1/orders/\" + inputs', returns='response.status'"
    source = f"called = CloudFunctionOperator.partial({parameters}).expand(inputs=['1001', '1002'])"

    result = run(f"{source}\ntask(task_id='after')(lambda code: code).expand(code=called.output)")

    assert result.xcom("after", map_index=1) == 200


def test_an_event_carries_what_the_step_returns(run: Any) -> None:
    result = run(call(returns="'response.body.id'", completion_event="CompletionEvent('order.fetched')"))

    record = result.xcom("call", "completion_event")
    assert record["result"] == "1001"
    assert record["metadata"]["type"] == "order.fetched"
    assert result.asset_events() == [("order.fetched", record, None)]


def test_an_event_carries_what_it_is_told(run: Any) -> None:
    result = run(
        call(
            completion_event="Asset('plain.asset')",
            event_payload="{'text': lit('run.id'), 'id': cel('response.body.id')}",
            function_name="'Fetch the order'",
        )
    )

    ((name, record, _),) = result.asset_events()
    assert name == "plain.asset"
    assert record["result"] == {"text": "run.id", "id": "1001"}
    assert record["metadata"]["function"] == "Fetch the order"


@pytest.mark.one_run_per_event
def test_an_event_with_a_run_for_each_is_emitted_under_its_id(run: Any) -> None:
    result = run(call(completion_event="CompletionEvent('order.fetched', one_run_per_event=True)"))

    ((_, record, partition),) = result.asset_events()
    assert partition == record["metadata"]["id"]


def test_every_instance_of_a_mapped_step_emits_its_event(run: Any) -> None:
    result = run("""
    CloudFunctionOperator.partial(
        task_id="call", cloudfn_conn_id="shop", uri='"/v1/scores/" + inputs', completion_event=CompletionEvent("scored"),
    ).expand(inputs=["c-1", "nobody", "c-2"])
    """)

    assert sorted(record["result"]["customer"] for _, record, _ in result.asset_events()) == ["c-1", "c-2"]
    assert len({record["metadata"]["id"] for _, record, _ in result.asset_events()}) == 2


def test_a_later_step_reads_the_event_of_an_earlier_one(run: Any) -> None:
    first = call(completion_event="CompletionEvent('order.fetched')", event_payload="'{\"id\": response.body.id}'")
    result = run(f"""
    first = {first}
    second = CloudFunctionOperator(
        task_id="second", cloudfn_conn_id="shop", method="POST", uri='"/v1/reports"',
        body={{"a": cel('context["order.fetched"].id'), "b": cel('contextEventPath("order.fetched:id")'), "c": cel("size(events)")}},
    )
    first >> second
    """)

    assert result.rendered("second")["body"] == {"a": "1001", "b": "1001", "c": 0}


def test_more_than_one_event_in_reach_is_an_error_that_gives_the_count(
    run: Any, capfd: pytest.CaptureFixture[str]
) -> None:
    result = run("""
    scores = CloudFunctionOperator.partial(
        task_id="scores", cloudfn_conn_id="shop", uri='"/v1/scores/" + inputs', completion_event=CompletionEvent("scored"),
    ).expand(inputs=["c-1", "c-2"])
    after = CloudFunctionOperator(task_id="after", cloudfn_conn_id="shop", uri='"/v1/scores/" + context["scored"].customer')
    scores >> after
    """)

    assert result.states["after"] == ["failed"]
    shown = "".join(capfd.readouterr())
    assert 'steps of this run have emitted 2: read what they returned, steps["scores"]' in shown


def test_a_run_by_hand_takes_the_event_from_its_conf(run: Any) -> None:
    result = run(
        """
    CloudFunctionOperator(task_id="call", cloudfn_conn_id="shop", uri='"/v1/orders/" + context["charge.created"].orderId')
    """,
        run_conf={"context": {"charge.created": {"orderId": "1001"}}},
    )

    assert result.xcom("call")["id"] == "1001"


def test_without_it_the_error_prints_the_conf_to_give(run: Any, capfd: pytest.CaptureFixture[str]) -> None:
    run("""
    CloudFunctionOperator(task_id="call", cloudfn_conn_id="shop", uri='"/v1/orders/" + context["charge.created"].orderId')
    """)

    assert '{"context": {"charge.created": {}}}' in "".join(capfd.readouterr())


def test_the_idempotency_key_is_the_same_on_every_try(run: Any, sandbox: Any) -> None:
    run("""
    import datetime
    CloudFunctionOperator(
        task_id="call", cloudfn_conn_id="shop", method="POST", uri='"/v1/charges"', body={"amount": 5},
        headers={"Idempotency-Key": "run.idempotency_key", "X-Try": "run.try_number"},
        success_when="run.try_number == 3", retries=2, retry_delay=datetime.timedelta(0),
    )
    """)

    assert [request.header("x-try") for request in sandbox.requests] == ["1", "2", "3"]
    assert len({request.header("idempotency-key") for request in sandbox.requests}) == 1
    assert len(sandbox.charges) == 1


OWN = """
    class Own(CloudFunctionOperator):
        def execute(self, context):
            order = super().execute(context)
            return %s

    call = Own(task_id="call", cloudfn_conn_id="shop", uri='"/v1/orders/1001"', returns="response.body.id")
"""


@pytest.mark.parametrize(
    ("returned", "value"), [('{"order": order}', {"order": "1001"}), ("None", None), ("[order]", ["1001"])]
)
def test_what_a_class_of_ones_own_makes_of_a_result_is_the_step_s(run: Any, returned: str, value: Any) -> None:
    assert run(OWN % returned).xcom("call") == value


def test_what_a_class_of_ones_own_makes_of_a_result_can_be_mapped_over(run: Any) -> None:
    after = """
    CloudFunctionOperator.partial(task_id="after", cloudfn_conn_id="shop", uri='"/v1/orders/" + inputs').expand(inputs=call.output)
    """

    assert run(OWN % "[order, order]" + after).states["after"] == ["success", "success"]
