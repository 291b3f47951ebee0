"""
What CEL has for the Jinja that somebody wrote into an expression.

The two are never mixed: rendering one inside the other would let data become code.
"""

from __future__ import annotations

import re
from typing import Final

__all__ = ["equivalent"]

_OUTPUT: Final = re.compile(r"\{\{-?\s*([^{}]{1,200}?)\s*-?\}\}")
_PULL: Final = re.compile(r"""(?:ti|task_instance)\.xcom_pull\(\s*(?:task_ids\s*=\s*)?['"]([\w.-]{1,250})['"]\s*\)""")
_PATH: Final = re.compile(r"(params|dag_run\.conf|conf)((?:\.\w{1,100}){0,20})")

#: What Jinja's variables of Airflow are called in expressions.
_NAMES: Final[dict[str, str]] = {
    "ds": 'time.format(run.logical_date, "%Y-%m-%d")',
    "ds_nodash": 'time.format(run.logical_date, "%Y%m%d")',
    "ts": "string(run.logical_date)",
    "ts_nodash": 'time.format(run.logical_date, "%Y%m%dT%H%M%S")',
    "logical_date": "run.logical_date",
    "data_interval_start": "run.data_interval_start",
    "data_interval_end": "run.data_interval_end",
    "run_id": "run.id",
    "dag.dag_id": "run.dag_id",
    "dag_run.run_id": "run.id",
    "dag_run.logical_date": "run.logical_date",
    "dag_run.run_after": "run.run_after",
    "task.task_id": "run.task_id",
    "ti.task_id": "run.task_id",
    "ti.try_number": "run.try_number",
    "ti.map_index": "run.map_index",
    "try_number": "run.try_number",
    "map_index": "run.map_index",
}


def equivalent(source: str) -> str:
    """
    Return what to write instead of an expression that has Jinja in it.

    :param source: The expression.
    """
    outputs = list(_OUTPUT.finditer(source))
    if not outputs:
        return "write a condition as a ? b : c, a loop as list.map(x, …)"
    known = [text for match in outputs if (text := _translated(match[1])) is not None]
    if len(known) < len(outputs):
        return "give what Jinja renders to inputs=, which is a template field, and read it here as inputs"
    if outputs[0][0] == source.strip().strip("\"'"):
        return f"write {known[0]}"
    return f"write {' + '.join(_parts(source.strip(), known))}"


def _translated(jinja: str) -> str | None:
    if jinja in _NAMES:
        return _NAMES[jinja]
    pull = _PULL.fullmatch(jinja)
    if pull is not None:
        return f"steps.{pull[1]}" if pull[1].isidentifier() else f'steps["{pull[1]}"]'
    path = _PATH.fullmatch(jinja)
    return None if path is None else path[1].removeprefix("dag_run.") + path[2]


def _parts(text: str, known: list[str]) -> list[str]:
    """Return the operands of the sum that text with Jinja inside becomes."""
    if len(text) > 1 and text[0] in "\"'" and text[-1] == text[0]:
        text = text[1:-1]
    parts, end = [], 0
    for match, replacement in zip(_OUTPUT.finditer(text), known, strict=True):
        if match.start() > end:
            parts.append(f'"{text[end : match.start()]}"')
        parts.append(f"string({replacement})")
        end = match.end()
    return [*parts, f'"{text[end:]}"'] if end < len(text) else parts
