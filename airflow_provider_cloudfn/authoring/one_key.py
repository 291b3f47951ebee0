"""Whether all instances of a mapped step, or all items of a batch, would send one and the same key: the first one counts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from airflow_provider_cloudfn import cel
from airflow_provider_cloudfn.authoring import language
from airflow_provider_cloudfn.authoring.one_file import is_of_the_run
from airflow_provider_cloudfn.authoring.options import ITEM_VARIABLES, formulas_of
from airflow_provider_cloudfn.authoring.reading import read
from airflow_provider_cloudfn.authoring.task import is_reference
from airflow_provider_cloudfn.authoring.vocabulary import VARIABLES
from airflow_provider_cloudfn.authoring.written import formulas

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_provider_cloudfn.authoring.parameter import Parameter
    from airflow_provider_cloudfn.authoring.task import AuthoredTask

__all__ = ["one_key_problems"]

#: What a request, or an event, is known by, and what is wrong with many of one.
_KEYS: Final = {
    "event_id": "a receiver takes events of one source with one id for one event: leave it out, or name what each is about",
    "id_from": "the engine may take events of one id for one event: leave it out, or name what each is about",
    "idempotency_key": (
        "a service takes requests with one key for one request, and carries out the first alone: name what each is about"
    ),
}
#: Where it goes, and who sends it: a key is one among those of a sender, to a receiver.
_BESIDE: Final = frozenset({"cloudfn_conn_id", "emporix_conn_id", "uri", "query", "source"})
_PROBLEM: Final = 'is the same for all {what}, and {why}, such as {name}=cel("{example}.id")'


def one_key_problems(task: AuthoredTask) -> Iterator[tuple[str, str]]:
    """Yield the field and the message of each key that many calls would have in common."""
    if task.is_mapped_over_steps and not task.expanded:
        return  # What each instance gets is known at run time.
    has_items = any("for_each" in given for given in task.given)
    for name, why in _KEYS.items():
        if name not in task.ever_given or not any(parameter.name == name for parameter in task.parameters):
            continue
        # Two items with one idempotency key are an error of the batch.
        if has_items and name == "event_id" and not any(_reads_the_item(task, one) for one in _BESIDE | {name}):
            yield name, _PROBLEM.format(what="items", why=why, name=name, example="item")
        elif not has_items and (task.is_mapped or task.mapped_groups) and _is_shared(task, name):
            yield name, _PROBLEM.format(what="instances of a mapped step", why=why, name=name, example="inputs")


def _is_shared(task: AuthoredTask, name: str) -> bool:
    """Tell whether nothing of an instance goes into its key, nor into where that goes."""
    # Text is the name of a header, and a key of each instance's own.
    if name == "idempotency_key" and not all(isinstance(one, cel.Expression) for one in task.written(name)):
        return False
    if task.expanded & (_BESIDE | {name}):
        return False
    return all(
        _is_of_the_run(parameter, value)
        for parameter in task.parameters
        if parameter.name in _BESIDE | {name}
        for value in task.written(parameter.name)
        if value is not None
    )


def _is_of_the_run(parameter: Parameter, value: Any) -> bool:
    if isinstance(value, str) and (parameter.reading is None or parameter.jinja):
        return is_of_the_run(value)
    if parameter.reading is None or is_reference(value):
        return False
    return all(is_of_the_run(cel.Expression(formula.source)) for formula in formulas(read(parameter, value)))


def _reads_the_item(task: AuthoredTask, name: str) -> bool:
    """Tell whether an expression of a parameter can be another one for each item; Jinja is run before there are items."""
    paths = (
        reference.path
        for declared, formula in formulas_of(task)
        if declared.name == name
        for reference in language.check(formula.source, variables=VARIABLES | ITEM_VARIABLES).references
    )
    return any(
        path[0] in ITEM_VARIABLES or path[:2] == ("run", "idempotency_key") or path == ("run",) for path in paths
    )
