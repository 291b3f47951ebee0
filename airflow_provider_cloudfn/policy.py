"""
Completes the dependencies of a parsed Dag where its author has asked for it, and checks every expression.

Airflow loads this module in each of its processes, and a fault in it would keep Airflow from starting. So it imports
nothing of Airflow at the top, nor of ours, and looks at a Dag only where something of ours stands in it. A fault of the check
itself is a problem of the Dags that use this package, and of no other.
"""

from __future__ import annotations

import logging
import sys
import traceback
from typing import TYPE_CHECKING, Any, Final

import pluggy

if TYPE_CHECKING:
    from airflow_provider_cloudfn.authoring.task import AuthoredTask

__all__ = ["dag_policy"]

_log = logging.getLogger(__name__)

#: What is imported before anything of ours can stand in a Dag. Where it is not, a Dag costs nothing, and meets no fault of ours.
_BROUGHT_BY: Final = ("airflow_provider_cloudfn.authoring.rendering", "airflow_provider_cloudfn.events.asset")
#: Where the faults arose that have been told.
_TOLD: Final[set[str]] = set()

# Airflow has the same marker. To import it here would start Airflow, where this module is imported first, and Airflow would
# register the module as it is in the middle of its import: without its policy.
_hookimpl = pluggy.HookimplMarker("airflow.policy")


@_hookimpl
def dag_policy(dag: Any) -> None:
    """
    Refuse a Dag whose expressions can't work, or that waits for events which would never start it.

    The arrows that follow from what expressions read are added before, where the author has asked for it.

    :param dag: The Dag that was parsed.
    :raises AirflowClusterPolicyViolation: which lists all problems; Airflow shows it as an import error.
    """
    if not any(sys.modules.get(name) for name in _BROUGHT_BY):
        return
    ours: list[AuthoredTask] = []
    try:
        from airflow_provider_cloudfn.authoring.dag_problems import dag_problems
        from airflow_provider_cloudfn.exceptions import ConfigurationError

        ours = _ours(dag)
        try:
            problems = dag_problems(dag, ours)
        except ConfigurationError as error:
            # What Airflow's configuration says concerns the Dags that would follow it.
            if not ours:
                raise
            problems = [str(error)]
    except Exception as error:
        _tell(dag, error)
        problems = [_unchecked(error)] if ours else []
    if problems:
        from airflow.exceptions import AirflowClusterPolicyViolation

        listed = "\n".join(f"- {problem}" for problem in problems)
        raise AirflowClusterPolicyViolation(f"Dag {dag.dag_id!r} can't run as it is written:\n{listed}")


def _ours(dag: Any) -> list[AuthoredTask]:
    """Return the tasks of a Dag that are ours, or emit an event of ours."""
    from airflow_provider_cloudfn.authoring.task import AuthoredTask

    found = []
    for task in dag.tasks:
        try:
            authored = AuthoredTask(task)
            if authored.is_ours or authored.emitted_events:
                found.append(authored)
        except Exception as error:
            # An operator of somebody else can answer as it likes: it is no reason to pass over ours.
            _tell(dag, error)
    return found


def _tell(dag: Any, error: Exception) -> None:
    """Log a fault of the check, once in each process however many Dags meet it."""
    *_, (frame, line) = traceback.walk_tb(error.__traceback__)
    place = f"{type(error).__name__} {frame.f_code.co_filename}:{line}"
    if place not in _TOLD:
        _TOLD.add(place)
        _log.error("The check of Dag %r itself has failed", dag.dag_id, exc_info=error)


def _unchecked(error: Exception) -> str:
    return (
        f"it can't be checked ({type(error).__name__}: {error}): that is a fault of airflow-provider-cloudfn or of what it is "
        "installed with, and not of the Dag. `pip check` finds a missing dependency; the log of the Dag processor has the rest"
    )
