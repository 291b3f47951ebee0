"""A wait for a callback of which nothing in the request tells the service: nobody calls back who was not told where."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from airflow_provider_cloudfn.authoring import language
from airflow_provider_cloudfn.authoring.options import written_parts
from airflow_provider_cloudfn.authoring.reading import read
from airflow_provider_cloudfn.authoring.vocabulary import VARIABLES
from airflow_provider_cloudfn.authoring.wait_for import Callback
from airflow_provider_cloudfn.authoring.written import formulas

if TYPE_CHECKING:
    from airflow_provider_cloudfn.authoring.task import AuthoredTask

__all__ = ["unheard_problem"]

_UNHEARD: Final = (
    "nothing in the request tells the service where to call back: name run.callback_url in it, such as "
    "body='{\"callback\": run.callback_url}'"
)
_ADDRESS: Final = ("run", "callback_url")


def unheard_problem(task: AuthoredTask) -> str | None:
    """
    Say that a task waits for nobody, None where it doesn't.

    :param task: The task. What code of its author's own reads is not known.
    """
    waits = task.written("wait_for") if task.has_no_own_code else []
    if not waits or not all(isinstance(one, Callback) for one in waits):
        return None
    for parameter in task.parameters:
        for declared, value in () if parameter.after_call else written_parts(parameter, task.written(parameter.name)):
            for formula in formulas(read(declared, value)):
                checked = language.check(formula.source, variables=VARIABLES)
                # Of a wrong one nobody knows; and whoever reads all of `run` has the address.
                if checked.program is None or any(
                    one.path[:2] in (_ADDRESS, _ADDRESS[:1]) for one in checked.references
                ):
                    return None
    return _UNHEARD
