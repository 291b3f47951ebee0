"""
What CEL has for the Jinja that somebody wrote into an expression.

The two are never mixed: rendering one inside the other would let data become code.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Final

from airflow_provider_cloudfn.authoring.event_path import CONTEXT_EVENT_PATH
from airflow_provider_cloudfn.authoring.jinja import jinja_at
from airflow_provider_cloudfn.cel.marks import Expression
from airflow_provider_cloudfn.cel.program import translate
from airflow_provider_cloudfn.exceptions import ExpressionError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["NAMES", "equivalent"]

_OUTPUT: Final = re.compile(r"\{\{-?\s*([^{}]{1,200}?)\s*-?\}\}")
#: A string of an expression or of JSON; the quotes inside of `{{…}}` don't end it.
_STRING: Final = re.compile(r"""([rR]?)(["'])((?:\{\{[^{}]*+\}\}|\\.|(?!\2)[^\\])*+)\2""", re.DOTALL)
#: Fields and elements, which are written alike.
_FIELDS: Final = (
    r"""((?:\.(?!(?:in|true|false|null)\b)[A-Za-z_]\w{0,99}|\[(?:"[^"\\]{1,99}"|'[^'\\]{1,99}'|\d{1,9})\]){0,20})"""
)
_PULL: Final = re.compile(
    rf"""(?:ti|task_instance)\.xcom_pull\(\s*(?:task_ids\s*=\s*)?['"]([\w.-]{{1,250}})['"]\s*\){_FIELDS}""", re.ASCII
)
_PATH: Final = re.compile(rf"(params|dag_run\.conf|conf){_FIELDS}", re.ASCII)

#: How long an expression is shown whole.
_LONGEST: Final = 1_000

#: What Jinja's variables of Airflow are called in expressions.
NAMES: Final[dict[str, str]] = {
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


def equivalent(source: str, *, text: bool = False) -> str:
    """
    Return what to write instead of an expression that has Jinja in it.

    :param text: Whether it stands where text is text, so that an expression needs its mark.
    """
    outputs = {match[0]: _translated(match[1]) for match in _OUTPUT.finditer(source)}
    if not outputs or "{%" in source or "{#" in source:
        return "write a condition as a ? b : c, a loop as list.map(x, …)"
    known = {output: found for output, found in outputs.items() if found is not None}
    whole = (
        (_text(source, known) if text else _expression(source.strip(), known)) if len(known) == len(outputs) else None
    )
    if whole is None or (whole not in known.values() and not _is_expression(whole)):
        return "give what Jinja renders to inputs=, which is a template field, and read it here as inputs"
    if len(whole) > _LONGEST:
        output, found = next(iter(known.items()))
        return f"write {found} instead of {output}"
    return f"write {Expression(whole)!r}" if text else f"write {whole}"


def _translated(jinja: str) -> str | None:
    if jinja in NAMES:
        return NAMES[jinja]
    pull = _PULL.fullmatch(jinja)
    if pull is not None:
        return (f"steps.{pull[1]}" if pull[1].isidentifier() else f'steps["{pull[1]}"]') + pull[2]
    path = _PATH.fullmatch(jinja)
    return None if path is None else path[1].removeprefix("dag_run.") + path[2]


def _expression(source: str, known: dict[str, str]) -> str | None:
    """Return the expression that one with Jinja inside, JSON, or text without its quotes becomes."""
    outside = _STRING.sub(lambda string: _string(string, known), source)
    is_display = source[0] == "[" or (source[0] == "{" and source[1:2] != "{")
    if is_display or _OUTPUT.search(outside) is None:
        replaced = _OUTPUT.sub(lambda output: known[output[0]], outside)
        if is_display or _is_expression(replaced):
            return replaced
    return _text(source, known)


def _string(string: re.Match[str], known: dict[str, str]) -> str:
    """Return what a string with Jinja inside becomes."""
    prefix, quote, body = string.groups()
    if _OUTPUT.search(body) is None:
        return string[0]
    if body in known:
        return known[body]
    found = _sum(body, known, lambda piece: f"{prefix}{quote}{piece}{quote}")
    return f"({found})" if string.string[string.end() : string.end() + 1] in (".", "[") else found


def _text(text: str, known: dict[str, str]) -> str:
    """Return the expression that text with Jinja inside becomes."""
    bare = text.strip().strip("\"'")
    return known[bare] if bare in known else _sum(text, known, lambda piece: json.dumps(piece, ensure_ascii=False))


def _sum(text: str, known: dict[str, str], quoted: Callable[[str], str]) -> str:
    parts, end = [], 0
    for output in _OUTPUT.finditer(text):
        if output.start() > end:
            parts.append(quoted(text[end : output.start()]))
        parts.append(f"string({known[output[0]]})")
        end = output.end()
    return " + ".join([*parts, quoted(text[end:])] if end < len(text) else parts)


def _is_expression(text: str) -> bool:
    """Return whether this compiles, but for names that nobody knows, and has no Jinja left in it."""
    if jinja_at(text) is not None:
        return False
    try:
        return not translate(text, frozenset(), macros=(CONTEXT_EVENT_PATH,))[0].is_malformed
    except ExpressionError:
        return False
