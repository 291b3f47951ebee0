"""How a task hands its wait over to the triggerer."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Final, NoReturn

if TYPE_CHECKING:
    from airflow.sdk import BaseOperator
    from airflow.triggers.base import BaseTrigger

__all__ = ["defer"]

#: How long Airflow waits for a trigger after it should have stopped by itself.
_GRACE: Final = dt.timedelta(minutes=1)


def defer(task: BaseOperator, trigger: BaseTrigger, seconds: float) -> NoReturn:
    """
    Let a trigger wait, after which the task goes on with its ``execute_complete``.

    :param seconds: After how many the trigger stops by itself. Airflow's own time is for one that can't, or that counts anew when
        the triggerer was started again: it is kept as a time of the database's, and outlasts both.
    """
    timeout = dt.timedelta(seconds=seconds) + _GRACE
    task.defer(trigger=trigger, method_name="execute_complete", timeout=timeout)
