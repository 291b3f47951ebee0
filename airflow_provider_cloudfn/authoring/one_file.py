"""Whether the instances of a mapped step would write to one file, the last one over all others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from airflow_provider_cloudfn import cel
from airflow_provider_cloudfn.authoring.language import compile  # noqa: A004 - its name in CEL
from airflow_provider_cloudfn.authoring.task import is_reference
from airflow_provider_cloudfn.authoring.vocabulary import VARIABLES
from airflow_provider_cloudfn.exceptions import CloudFunctionError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from collections.abc import Set as AbstractSet

    from airflow_provider_cloudfn.authoring.task import AuthoredTask

__all__ = ["one_file_problems"]

#: What is the same for all instances of a mapped step, as Jinja names it.
_OF_THE_RUN: Final = frozenset({
    "conf", "conn", "dag", "dag_run", "data_interval_end", "data_interval_start", "ds", "ds_nodash", "logical_date", "params",
    "run_id", "ts", "ts_nodash", "ts_nodash_with_tz", "var",
})  # fmt: skip
#: The same, as CEL names it; of `run`, the members that are not the instance's own.
_VARIABLES_OF_THE_RUN: Final = frozenset({"conf", "context", "events", "params"})
_MEMBERS_OF_THE_INSTANCE: Final = frozenset({"idempotency_key", "map_index"})
_REMEDY: Final = (
    "is the same for all instances of a mapped step, and the last one would write over the others: put what tells them apart "
    "into the path, such as {{ ti.map_index }}"
)


def one_file_problems(task: AuthoredTask) -> Iterator[tuple[str, str]]:
    """
    Yield the field and the message of each path of a file that all instances of a mapped step have in common.

    :param task: The task, as the Dag file has it.
    """
    if not task.is_mapped and not task.mapped_groups:
        return
    for name, field in (
        ("for_each", "for_each.results"),
        ("pages", "pages.results"),
        ("response_file", "response_file"),
    ):
        if name in task.expanded or not any(parameter.name == name for parameter in task.parameters):
            continue
        for written in task.written(name):
            path = written if name == field else getattr(written, "results", None)
            if path is not None and _is_of_the_run(path):
                yield field, _REMEDY


def _is_of_the_run(path: Any) -> bool:
    """Tell whether a path is known to be the same in all instances of a run."""
    if isinstance(path, cel.Expression):
        return _reads_the_run_only(path.source)
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


def _reads_the_run_only(source: str) -> bool:
    try:
        paths = compile(source, variables=VARIABLES).paths
    except CloudFunctionError:
        # The check of expressions says what is wrong with it.
        return False
    return all(
        path[0] in _VARIABLES_OF_THE_RUN
        or (path[0] == "run" and len(path) > 1 and path[1] not in _MEMBERS_OF_THE_INSTANCE)
        for path in paths
    )
