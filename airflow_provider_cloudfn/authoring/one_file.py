"""Whether the instances of a mapped step, or two steps of a Dag, would write to one file, the last one over all others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from airflow_provider_cloudfn import cel
from airflow_provider_cloudfn.authoring.language import compile  # noqa: A004 - its name in CEL
from airflow_provider_cloudfn.authoring.task import is_reference
from airflow_provider_cloudfn.authoring.vocabulary import VARIABLES
from airflow_provider_cloudfn.exceptions import CloudFunctionError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from collections.abc import Set as AbstractSet

    from airflow_provider_cloudfn.authoring.ancestry import Ancestry
    from airflow_provider_cloudfn.authoring.task import AuthoredTask

__all__ = ["is_of_the_run", "one_file_problems", "shared_file_problems"]

#: What is the same for all instances of a mapped step, as Jinja names it.
_OF_THE_RUN: Final = frozenset({
    "conf", "conn", "dag", "dag_run", "data_interval_end", "data_interval_start", "ds", "ds_nodash", "logical_date", "params",
    "run_id", "ts", "ts_nodash", "ts_nodash_with_tz", "var",
})  # fmt: skip
#: The same, as CEL names it; of `run`, the members that are not the instance's own.
_VARIABLES_OF_THE_RUN: Final = frozenset({"conf", "context", "events", "params"})
_MEMBERS_OF_THE_INSTANCE: Final = frozenset({"idempotency_key", "map_index"})
#: Those that are not another step's, either.
_MEMBERS_OF_THE_STEP: Final = frozenset({"task_id", "try_number", "callback_url"})
#: The parameters in which the path of a file can stand, by the field that has it.
_PATHS: Final = {"for_each.results": "for_each", "pages.results": "pages", "response_file": "response_file"}
_SHARED: Final = (
    "writes to the file to which {other} writes, and the last of them would write over the other: put what tells them apart "
    "into the path, such as {{{{ ti.task_id }}}}"
)
_REMEDY: Final = (
    "is the same for all instances of a mapped step, and the last one would write over the others: put what tells them apart "
    "into the path, such as {{ ti.map_index }}"
)


def one_file_problems(task: AuthoredTask) -> Iterator[tuple[str, str]]:
    """Yield the field and the message of each path of a file that all instances of a mapped step have in common."""
    if not task.is_mapped and not task.mapped_groups:
        return
    seen: set[tuple[str, str]] = set()
    for field, path in _paths(task):
        place = field, _text(path)
        # Of what each instance has for itself, two can be the same.
        if is_of_the_run(path) and (_PATHS[field] not in task.expanded or place in seen):
            yield field, _REMEDY
        seen.add(place)


def shared_file_problems(tasks: Iterable[AuthoredTask], ancestry: Ancestry) -> Iterator[tuple[str, str, str]]:
    """
    Yield the step, the field and the message of each path of a file that an earlier step of the Dag has, too.

    :param ancestry: What runs before which of them.
    """
    first: dict[str, AuthoredTask] = {}
    for task in tasks:
        for field, path in _paths(task):
            if not is_of_the_run(path, _MEMBERS_OF_THE_INSTANCE | _MEMBERS_OF_THE_STEP):
                continue
            other = first.setdefault(_text(path), task)
            # Where one runs in the place of the other, the file is what both are to bring.
            if other is not task and not any(_can_be_left_out(one, ancestry) for one in (other, task)):
                yield task.task_id, field, _SHARED.format(other=other.task_id)


def _paths(task: AuthoredTask) -> Iterator[tuple[str, Any]]:
    """Yield what is written for each path of a file, with its field."""
    for field, name in _PATHS.items():
        if any(parameter.name == name for parameter in task.parameters):
            for written in task.written(name):
                path = written if name == field else getattr(written, "results", None)
                if path is not None:
                    yield field, path


def _text(path: Any) -> str:
    return path.text if isinstance(path, cel.Literal) else repr(path) if isinstance(path, cel.Expression) else str(path)


def _can_be_left_out(task: AuthoredTask, ancestry: Ancestry) -> bool:
    """Tell whether a step may be skipped where all goes well, or runs where something goes wrong."""
    given, tasks = task.arguments, task.task.dag.task_dict
    return (
        task.task.trigger_rule != "all_success"
        or any(given.get(name) for name in ("pre_execute", "_pre_execute_hook"))
        or any(tasks[one].inherits_from_skipmixin for one in ancestry.all_before(task.task_id))
    )


def is_of_the_run(path: Any, others: AbstractSet[str] = _MEMBERS_OF_THE_INSTANCE) -> bool:
    """
    Tell whether a path, or another text, is known to be the same wherever it stands in a run.

    :param others: The members of ``run`` that are not.
    """
    if isinstance(path, cel.Expression):
        return _reads_the_run_only(path.source, others)
    if isinstance(path, cel.Literal):
        return True
    # What another step returns can be a value for each.
    return not is_reference(path) and _names(str(path)) <= _OF_THE_RUN


def _names(text: str) -> AbstractSet[str]:
    """Return the names that a template reads."""
    from jinja2 import TemplateSyntaxError
    from jinja2.meta import find_undeclared_variables
    from jinja2.sandbox import SandboxedEnvironment

    try:
        return find_undeclared_variables(SandboxedEnvironment().parse(text))
    except TemplateSyntaxError:
        # Airflow says what is wrong with it.
        return {text}


def _reads_the_run_only(source: str, others: AbstractSet[str]) -> bool:
    try:
        paths = compile(source, variables=VARIABLES).paths
    except CloudFunctionError:
        # The check of expressions says what is wrong with it.
        return False
    return all(
        path[0] in _VARIABLES_OF_THE_RUN or (path[0] == "run" and len(path) > 1 and path[1] not in others)
        for path in paths
    )
