"""Whether all items of a batch, or all instances of a mapped step, would send events of one id: a receiver takes the first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from airflow_provider_cloudfn import cel
from airflow_provider_cloudfn.authoring import language
from airflow_provider_cloudfn.authoring.one_file import is_of_the_run
from airflow_provider_cloudfn.authoring.options import ITEM_VARIABLES
from airflow_provider_cloudfn.authoring.reading import read
from airflow_provider_cloudfn.authoring.vocabulary import VARIABLES
from airflow_provider_cloudfn.authoring.written import formulas

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_provider_cloudfn.authoring.task import AuthoredTask

__all__ = ["one_event_problems"]

_FIELD: Final = "event_id"
#: Where an event goes, and who sends it: an id is one among those of a source, to a receiver.
_BESIDE: Final = frozenset({"cloudfn_conn_id", "uri", "query", "source"})
_REMEDY: Final = (
    "is the same for all {what}, and a receiver takes events of one source with one id for one event: leave it out, or name "
    'what each is about, such as event_id=cel("{example}.id")'
)


def one_event_problems(task: AuthoredTask) -> Iterator[tuple[str, str]]:
    """
    Yield the field and the message of an event's id that many events would have in common.

    :param task: The task, as the Dag file has it.
    """
    if not any(parameter.name == _FIELD for parameter in task.parameters) or _FIELD not in task.ever_given:
        return
    if task.is_mapped_over_steps and not task.expanded:
        return  # What each instance gets is known at run time.
    if any("for_each" in given for given in task.given):
        if not any(_reads_the_item(task, name) for name in _BESIDE | {_FIELD}):
            yield _FIELD, _REMEDY.format(what="items", example="item")
    elif (task.is_mapped or task.mapped_groups) and not task.expanded & (_BESIDE | {_FIELD}):
        written = [value for name in _BESIDE | {_FIELD} for value in task.written(name) if value is not None]
        if all(isinstance(value, (str, cel.Expression, cel.Literal)) and is_of_the_run(value) for value in written):
            yield _FIELD, _REMEDY.format(what="instances of a mapped step", example="inputs")


def _reads_the_item(task: AuthoredTask, name: str) -> bool:
    """Tell whether an expression of a parameter can be another one for each item; Jinja is run before there are items."""
    for parameter in task.parameters:
        for value in task.written(name) if parameter.name == name else ():
            for formula in formulas(read(parameter, value)):
                for reference in language.check(formula.source, variables=VARIABLES | ITEM_VARIABLES).references:
                    path = reference.path
                    if path[0] in ITEM_VARIABLES or path[:2] == ("run", "idempotency_key") or path == ("run",):
                        return True
    return False
