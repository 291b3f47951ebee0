"""
Rehearse a step in plain pytest: without a metadata database, without a scheduler, without a network.

::

    def test_the_charge_is_the_order_s_total() -> None:
        request = render(charge, steps={"fetch_order": {"total": 42, "customer": {"id": "c-1"}}})
        assert request.body == {"amount": 42, "customer": "c-1"}


    def test_a_refused_charge_fails_the_step() -> None:
        result = run(charge, steps={…}, responses=[{"status": 402, "body": {"error": "card declined"}}])
        assert isinstance(result.error, ResponseError)

The operator's own code runs, from its expressions to its completion event; only what Airflow and the service would say comes
from the test. :func:`fake_service` is a pytest fixture: a real server on loopback, for ``dag.test()``,
before which :func:`add_arrows` adds the arrows that steps leave to their expressions.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, TypedDict, Unpack

from airflow_provider_cloudfn.authoring.arrows import add_arrows
from airflow_provider_cloudfn.testing.answers import FAILURES, Answer
from airflow_provider_cloudfn.testing.connections import hook_over
from airflow_provider_cloudfn.testing.outcome import RenderedRequest, StepResult
from airflow_provider_cloudfn.testing.rehearsal import Rehearsal
from airflow_provider_cloudfn.testing.samples import Samples

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from airflow_provider_cloudfn.testing.fixtures import fake_service as fake_service

__all__ = [
    "FAILURES",
    "Answer",
    "Given",
    "RenderedRequest",
    "StepResult",
    "add_arrows",
    "fake_service",
    "render",
    "run",
]


class Given(TypedDict, total=False):
    """
    What a step is rehearsed over.

    :param steps: What each upstream step returned, by its id; a list for a mapped one.
    :param params: Dag params, over the Dag's own.
    :param conf: The run's conf.
    :param context: Payloads of completion events by name.
    :param inputs: The task's own inputs, as they arrive; default: what its ``inputs`` renders to.
    :param events: The completion records that started the run, oldest first.
    :param run: ``id``, ``try_number``, ``run_after``, ``logical_date``, ``data_interval_start``, ``data_interval_end``.
    :param map_index: Which instance of a mapped task; default the first.
    :param connection: The connection's fields, as ``AIRFLOW_CONN_…`` takes them in JSON. Default: one without credentials
        whose host is the connection's id, such as ``https://shop.test``.
    """

    steps: Mapping[str, Any] | None
    params: Mapping[str, Any] | None
    conf: Mapping[str, Any] | None
    context: Mapping[str, Any] | None
    inputs: Any
    events: Sequence[Mapping[str, Any]] | None
    run: Mapping[str, Any] | None
    map_index: int | None
    connection: Mapping[str, Any] | None


def render(task: Any, **given: Unpack[Given]) -> RenderedRequest:
    """
    Return the request that a task would send.

    :param task: A ``CloudFunctionOperator`` or an operator for Emporix, in a Dag or not, mapped or not.
    :param given: What it is rehearsed over, see :class:`Given`.
    :raises ExpressionError: when an expression is wrong, or reads what no sample gives.
    :raises ConfigurationError: when no request can be made.
    """
    return _rehearsal(task, **given).request()


def run(task: Any, *, responses: object, **given: Unpack[Given]) -> StepResult:
    """
    Carry a task out over responses that the test gives.

    :param task: As of :func:`render`.
    :param responses: The answers to its requests in their order: each an :class:`Answer`, a map with ``status``, ``headers`` and
        ``body``, a status, or the name of a failure (:data:`FAILURES`). One that stands in no list answers all of them.
    :param given: What it is rehearsed over, see :class:`Given`.
    :returns: What was sent, what the step returns and emits, and the error with which it fails.
    :raises ExpressionError: when it can't be rendered; what fails after that is the result's ``error``.
    :raises AssertionError: when it makes more requests than there are responses.
    """
    return _rehearsal(task, **given).run(responses)


def _rehearsal(
    task: Any, *, map_index: int | None = None, connection: Mapping[str, Any] | None = None, **samples: Any
) -> Rehearsal:
    hook_of = None if connection is None else partial(hook_over, fields=connection)
    return Rehearsal(task, Samples.of(samples, where="samples"), map_index=map_index, hook_of=hook_of)


def __getattr__(name: str) -> Any:
    # Only the fixture needs pytest.
    if name != "fake_service":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from airflow_provider_cloudfn.testing.fixtures import fake_service

    return fake_service
