"""What a step is given and no expression of it reads: it would not do what its author means."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from airflow_provider_cloudfn.authoring import language
from airflow_provider_cloudfn.authoring.options import ITEM_VARIABLES, formulas_of
from airflow_provider_cloudfn.authoring.vocabulary import DECLARED
from airflow_provider_cloudfn.authoring.wait_for import CALLBACK_PATH, Callback

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_provider_cloudfn.authoring.task import AuthoredTask

__all__ = ["unread"]

#: Nobody calls back who was not told where.
_UNHEARD: Final = (
    "nothing in the request tells the service where to call back: name run.callback_url in it, such as "
    "body='{\"callback\": run.callback_url}'"
)
_NOT_SENT: Final = (
    "are Airflow's params of the task, which no expression reads here, and nothing of them is sent: what goes into the URL is "
    "query=, such as query={'limit': 5}"
)
#: What else can read a task's params.
_CALLBACKS: Final = re.compile(r"on_\w+_callback|_?(?:pre|post)_execute(?:_hook)?|doc(?:_\w+)?|run_if|skip_if")
_PARAMS: Final = ("params",)


def unread(task: AuthoredTask) -> Iterator[tuple[str, str]]:
    """
    Yield the parameters that have no effect because no expression reads what they bring, and what to do.

    :param task: The task. What code of its author's own reads is not known.
    """
    if not task.has_no_own_code:
        return
    waits = task.written("wait_for")
    if waits and all(isinstance(one, Callback) for one in waits) and not _reads(task, CALLBACK_PATH, after_call=False):
        yield "wait_for", _UNHEARD
    if _has_unread_params(task):
        yield "params", _NOT_SENT


def _has_unread_params(task: AuthoredTask) -> bool:
    """Tell whether a task has params of its own that nothing of it can read: in ``requests`` they are the query."""
    of_others = {*(task.task.dag.params if task.task.has_dag() else ()), *task.default_arguments.get("params", ())}
    has_query = any(parameter.name == "query" for parameter in task.parameters)
    if not has_query or set(task.task.params) <= of_others:
        return False
    if any(value for name, value in task.arguments.items() if _CALLBACKS.fullmatch(name)):
        return False
    templates = [value for name in task.kind.template_fields for value in task.written(name)]
    templates.append(task.arguments.get("map_index_template"))
    return not _reads(task, _PARAMS, after_call=True) and not any("params" in str(value) for value in templates)


def _reads(task: AuthoredTask, path: tuple[str, ...], *, after_call: bool) -> bool:
    """
    Tell whether an expression can read what lies at a path; of a wrong one nobody knows.

    :param after_call: Whether one that is evaluated after the call counts.
    """
    for declared, formula in formulas_of(task):
        if declared.after_call and not after_call:
            continue
        checked = language.check(formula.source, variables=DECLARED | ITEM_VARIABLES)
        if checked.program is None or any(_lies_on(one.path, path) for one in checked.references):
            return True
    return False


def _lies_on(read: tuple[str, ...], path: tuple[str, ...]) -> bool:
    """Tell whether what is read is at a path, below it, or has it in it."""
    return all(ours == theirs for ours, theirs in zip(read, path, strict=False))
