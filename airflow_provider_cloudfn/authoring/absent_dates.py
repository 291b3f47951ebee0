"""What a run without a logical date has not, and what is said where an expression or a template reads it."""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from airflow_provider_cloudfn.exceptions import ExpressionError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from airflow_provider_cloudfn import cel

__all__ = ["absent_date", "absent_dates_explained"]

_UNDEFINED: Final = re.compile(r"'(\w+)' is undefined")
#: What is there in every run instead; each of these is a filter of Airflow's too.
_TEXTS: Final = {"ds", "ds_nodash", "ts", "ts_nodash", "ts_nodash_with_tz"}
_MOMENTS: Final = {"logical_date", "data_interval_start", "data_interval_end"}


@contextmanager
def absent_dates_explained(context: Mapping[str, Any]) -> Iterator[None]:
    """
    Say what to write instead, where templates that are rendered in this block name a date that the run has not.

    :raises ExpressionError: in that case; no retry gives the run a date.
    """
    try:
        yield
    except Exception as error:
        from jinja2 import UndefinedError

        found = _UNDEFINED.fullmatch(str(error)) if isinstance(error, UndefinedError) else None
        name = "" if found is None else found[1]
        run = context.get("dag_run")
        if name not in _TEXTS | _MOMENTS or getattr(run, "logical_date", None) is not None:
            raise
        written = f"dag_run.run_after | {name}" if name in _TEXTS else "dag_run.run_after"
        raise ExpressionError(
            f"{{{{ {name} }}}} is not there, as this run was started by an event or by hand, without a logical date: "
            f"write {{{{ {written} }}}}, which every run has"
        ) from error


def absent_date(program: cel.Program, variables: Mapping[str, Any]) -> str | None:
    """Return the date whose absence alone is why an expression fails; None where it fails for something else."""
    read = {path[1]: variables["run"][path[1]] for path in program.paths if path[0] == "run" and len(path) > 1}
    absent = [name for name in read if name in _MOMENTS and read[name] is None]
    if not absent:
        return None
    known = variables["run"]["run_after"]
    try:
        program.evaluate(
            {name: variables[name] for name in program.names} | {"run": read | dict.fromkeys(absent, known)}
        )
    except ExpressionError:
        return None
    return absent[0]
