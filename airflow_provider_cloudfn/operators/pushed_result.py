"""What a step returns, pushed as soon as its call is done: Airflow's own push, at the end, gives up sooner than we do."""

from __future__ import annotations

from itertools import takewhile
from typing import TYPE_CHECKING, Any, Final

from airflow_provider_cloudfn.authoring.parameter_names import may_take_any
from airflow_provider_cloudfn.authoring.variables import SAMPLE_RUN
from airflow_provider_cloudfn.journal.outage import outlast
from airflow_provider_cloudfn.operators.storable import mapped_over

if TYPE_CHECKING:
    from airflow.sdk.definitions.context import Context

__all__ = ["push_result", "returns_as_it_is"]

#: The XCom key of what a step returns.
_KEY: Final = "return_value"


def push_result(task: Any, context: Context, returned: Any) -> None:
    """Push what a step returns, where Airflow would push just that."""
    push: Any = getattr(context["ti"], "xcom_push", None)
    if push is None or not task.do_xcom_push or returned is None or SAMPLE_RUN in context:
        return
    # Only Airflow's own push tells steps that are mapped over the result how long it is.
    if not returns_as_it_is(task) or task.multiple_outputs or mapped_over(task):
        return
    outlast(lambda: push(key=_KEY, value=returned), "the result of a call that was carried out", task.log)
    task.do_xcom_push = False


def returns_as_it_is(task: Any) -> bool:
    """Return whether what our class returns is the step's result: a class of a user's own may make another one of it."""
    own = takewhile(may_take_any, type(task).__mro__)
    return not any(name in vars(kind) for kind in own for name in ("execute", "execute_complete"))
