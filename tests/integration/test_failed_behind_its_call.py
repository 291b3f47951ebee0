"""A step that fails behind its call, on an Airflow without a task state: its retry would make the call again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from airflow.sdk import DAG
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException
from kit.server import Answer, Received
from kit.state_store import StateStore

from airflow_provider_cloudfn import CloudFunctionOperator, EmporixStartOperator, ForEach, Poll
from airflow_provider_cloudfn.exceptions import CloudFunctionError, ExpressionError, ResponseError

if TYPE_CHECKING:
    from collections.abc import Callable

WRONG = "response.body.nope.id"
LAST_FAILS = {"for_each": ForEach([1, 2, 3], concurrency=1), "uri": 'item == 3 ? "/refused" : "/done"'}
FIRST_FAILS = {"for_each": ForEach([1, 2, 3], concurrency=1), "uri": 'item == 1 ? "/refused" : "/done"'}


pytestmark = pytest.mark.usefixtures("outside_airflow")


@pytest.fixture(autouse=True)
def _service(serve: Callable[..., Any], connection: Callable[..., None]) -> None:
    def reply(request: Received) -> Answer:
        if request.target.endswith("/refused"):
            return Answer.of(409, {"error": "not now"})
        return Answer.of(200, {"id": "j1", "state": "failed"})

    url = serve(reply=reply).url
    connection("service", conn_type="cloudfn", host=url)
    extra = {"environment": "custom", "event_receiver_url": f"{url}/e"}
    connection("emporix_oe_default", conn_type="emporix_oe", login="src_1", password="secret", extra=extra)


def failure_of(task: Any, *, has_task_state: bool = False) -> BaseException:
    """Return what a try fails with."""
    context = StateStore().context(2)
    context["ti"].xcom_push = lambda **_: None
    if not has_task_state:
        del context["task_state_store"]
    with pytest.raises(Exception) as caught:  # noqa: PT011 - it is what is asked for
        task.prepare_for_execution().execute(context)
    return caught.value


def step(operator: Any = CloudFunctionOperator, **parameters: Any) -> Any:
    given = {"cloudfn_conn_id": "service", "method": "POST", "uri": '"/done"'} | parameters
    with DAG("d", schedule=None):
        return operator(task_id="call", do_xcom_push=False, **given)


@pytest.mark.parametrize(
    ("parameters", "cause"),
    [
        ({"returns": WRONG}, ExpressionError),
        ({"success_when": WRONG}, ExpressionError),
        (LAST_FAILS, ResponseError),
        ({**LAST_FAILS, "for_each": ForEach([1, 2, 3], concurrency=3)}, ResponseError),
        ({"for_each": ForEach([1, 2]), "completion_events": {"done": "results[0].nope.id"}}, ExpressionError),
        ({"poll": Poll(uri='"/done"', done_when=WRONG, every=0.01)}, ExpressionError),
    ],
    ids=["returns", "success_when", "an item", "items at once", "an event", "a job"],
)
def test_it_fails_for_good(parameters: dict[str, Any], cause: type[Exception]) -> None:
    failure = failure_of(step(**parameters))

    assert isinstance(failure, AirflowFailException)
    assert isinstance(failure, CloudFunctionError)
    assert isinstance(failure.__cause__, cause)
    assert str(failure).startswith(str(failure.__cause__))
    assert "it is not sent again by itself" in str(failure)


def test_an_event_for_emporix_is_no_other_case() -> None:
    with DAG("d", schedule=None):
        task = EmporixStartOperator(task_id="call", event_type="order.paid", completion_events={"done": WRONG})

    assert isinstance(failure_of(task), AirflowFailException)


@pytest.mark.parametrize(
    "parameters",
    [
        {"returns": WRONG, "method": "GET"},
        {"returns": WRONG, "idempotency_key": True},
        {"returns": WRONG, "on_unknown": "resend"},
        {"uri": '"/refused"'},
        {"success_when": "false"},
        FIRST_FAILS,
        {**LAST_FAILS, "on_unknown": "resend"},
        {**LAST_FAILS, "idempotency_key": True},
        {"poll": Poll(uri='"/done"', done_when="false", failed_when='response.body.state == "failed"', every=0.01)},
    ],
    ids=[
        "a read", "a key", "resend", "an answer", "no success", "nothing done", "items that may be sent twice", "items with keys",
        "a job that has failed",
    ],
)  # fmt: skip
def test_what_can_be_sent_again_is_tried_again(parameters: dict[str, Any]) -> None:
    assert not isinstance(failure_of(step(**parameters)), AirflowFailException)


@pytest.mark.parametrize("parameters", [{"returns": WRONG}, LAST_FAILS], ids=["a call", "items"])
def test_with_a_task_state_the_next_try_knows(parameters: dict[str, Any]) -> None:
    assert not isinstance(failure_of(step(**parameters), has_task_state=True), AirflowFailException)


def test_a_step_that_is_skipped_is_skipped() -> None:
    class Skipping(CloudFunctionOperator):
        def _finish(self, *_: Any, **__: Any) -> None:
            raise AirflowSkipException

    assert isinstance(failure_of(step(Skipping)), AirflowSkipException)
