"""What a task's expressions can read, what they do read, and what of that is missing."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence, Sized
from dataclasses import dataclass
from typing import Any

from airflow_provider_cloudfn.authoring import language
from airflow_provider_cloudfn.authoring.options import declared_by
from airflow_provider_cloudfn.authoring.reading import read
from airflow_provider_cloudfn.authoring.task import AuthoredTask
from airflow_provider_cloudfn.authoring.vocabulary import AFTER_CALL_VARIABLES, VARIABLES
from airflow_provider_cloudfn.authoring.written import formulas
from airflow_provider_cloudfn.cel.values import FOREIGN, KIND
from airflow_provider_cloudfn.exceptions import CloudFunctionError, ExpressionError
from airflow_provider_cloudfn.json_encoding import duration_text, timestamp_text

__all__ = ["Variable", "evaluated", "missing", "paths_read", "skeleton", "type_name", "variables_in_scope"]

_SAMPLE = 60
_DEPTH = 5
_ROWS = 200
#: What a skeleton has, in this order.
_SAMPLED = ("steps", "params", "conf", "context", "inputs")

Path = tuple[str, ...]
Mask = Callable[[Any, str], Any]


@dataclass(frozen=True, slots=True)
class Variable:
    """
    A value in scope.

    :param expression: What reads it.
    :param type: Its type, as expressions name it.
    :param size: Characters of a text, bytes, or entries of a list or a map; None for any other.
    :param sample: The beginning of it, secrets hidden.
    """

    expression: str
    type: str
    size: int | None
    sample: str


def variables_in_scope(task: Any, variables: Mapping[str, Any], mask: Mask) -> list[Variable]:
    """
    Return all that expressions of a task can read before the call, with the fields of maps one by one.

    :param task: The task; None where there is none.
    :param mask: Hides secrets in a value, which it is given with its name.
    """
    rows: list[Variable] = []
    for root in ("item", "index", "params", "conf", "inputs", "context", "steps", "events", "run"):
        try:
            value = variables[root]
            if root == "inputs" and value is None:
                continue
            names = _step_names(task) if root == "steps" else None
            for row in _rows(root, root, value, mask, 0, names):
                rows.append(row)
                if len(rows) == _ROWS:
                    rows.append(Variable("…", "", None, "more are in scope than are listed here"))
                    return rows
        except (CloudFunctionError, KeyError):
            continue
    return rows


def paths_read(task: Any) -> list[Path]:
    """Return the paths that a task's expressions read, in their order, without those of the answer."""
    found: dict[Path, None] = {}
    for parameter, value, names in declared_by(task):
        for formula in formulas(read(parameter, value)):
            known = VARIABLES | AFTER_CALL_VARIABLES | names
            checked = language.check(formula.source, variables=known, text=formula.text)
            if checked.program is not None:
                found.update((reference.path, None) for reference in checked.program.references)
    return [path for path in found if path[0] in VARIABLES]


def missing(task: Any, variables: Mapping[str, Any]) -> list[str]:
    """Return the expressions of what is read and not there."""
    return [_written(path) for path in paths_read(task) if not _found(path, variables)[0]]


def skeleton(task: Any, variables: Mapping[str, Any], mask: Mask) -> dict[str, Any]:
    """Return a sample with the shape that a task's expressions read: what is there filled in, masked, the rest null."""
    sample: dict[str, Any] = {}
    for path in sorted(paths_read(task), key=len, reverse=True):
        if path[0] not in _SAMPLED:
            continue
        place = sample
        for name in path[:-1]:
            place = place.setdefault(name, {})
            if not isinstance(place, dict):
                break
        else:
            place.setdefault(path[-1], mask(_found(path, variables)[1], path[-1]))
    return {name: sample[name] for name in _SAMPLED if name in sample}


def evaluated(source: str, variables: Mapping[str, Any]) -> Any:
    """
    Return the value of an expression that is evaluated before the call.

    :raises ExpressionError: when it has none.
    """
    return language.compile(source, variables=frozenset(variables)).evaluate(variables)


def type_name(value: object) -> str:
    """Return a value's type as expressions name it."""
    kind = KIND[type(value)]
    return "null" if value is None else FOREIGN[kind][0] if kind in FOREIGN else kind


def shown(value: Any) -> str:
    """Return a value as text on one line, cut."""
    text = _text(value, _SAMPLE)
    return text if len(text) <= _SAMPLE else f"{text[:_SAMPLE]}…"


def _rows(
    label: str, name: str, value: Any, mask: Mask, depth: int, names: Sequence[str] | None = None
) -> Iterator[Variable]:
    is_map = isinstance(value, Mapping)
    keys = list(names if names is not None else value) if is_map else []
    if (depth and not (is_map and keys and depth < _DEPTH)) or not is_map:
        size = len(value) if isinstance(value, Sized) else None
        yield Variable(label, type_name(value), size, shown(mask(value, name)))
    if is_map and depth < _DEPTH:
        for key in keys:
            if not isinstance(key, str):
                continue
            below = _below(label, key)
            try:
                yield from _rows(below, key, value[key], mask, depth + 1)
            except (CloudFunctionError, KeyError):
                yield Variable(below, "missing", None, "no sample")
    elif type_name(value) == "list" and depth < _DEPTH and len(value) and isinstance(value[0], Mapping):
        for key in value[0]:
            if isinstance(key, str):
                yield from _rows(_below(f"{label}[0]", key), key, value[0][key], mask, depth + 2)


def _text(value: Any, limit: int) -> str:
    """Write a value in the notation of expressions, and not much more of it than is shown."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, str):
        cut = value[: limit + 1].replace("\\", "\\\\").replace('"', '\\"')
        return '"' + "".join(one if one.isprintable() else " " for one in cut) + '"'
    if isinstance(value, dt.datetime):
        return f'timestamp("{timestamp_text(value)}")'
    if isinstance(value, dt.timedelta):
        return f'duration("{duration_text(value)}")'
    if isinstance(value, (bytes, bytearray)):
        return f"{len(value)} bytes"
    if isinstance(value, Mapping):
        parts, opened, closed = (f"{_text(key, limit)}: {_text(value[key], limit)}" for key in value), "{", "}"
    elif isinstance(value, Sequence):
        parts, opened, closed = (_text(item, limit) for item in value), "[", "]"
    else:
        return str(value)
    text = opened
    for part in parts:
        text += (", " if len(text) > 1 else "") + part
        if len(text) > limit:
            return text
    return text + closed


def _found(path: Path, variables: Mapping[str, Any]) -> tuple[bool, Any]:
    """Return whether a path leads somewhere, and to what."""
    value: Any = variables
    for name in path:
        if not isinstance(value, Mapping):
            # A list, or null: whether the expression can do with it shows when it is evaluated.
            return True, None
        try:
            value = value[name]
        except (KeyError, ExpressionError):
            return False, None
    return True, value


def _step_names(task: Any) -> Sequence[str] | None:
    surroundings = None if task is None else AuthoredTask(task).surroundings
    return None if surroundings is None else sorted(surroundings.upstream)


def _below(label: str, key: str) -> str:
    return f"{label}.{key}" if key.isidentifier() and key.isascii() else f'{label}["{key}"]'


def _written(path: Path) -> str:
    label = path[0]
    for key in path[1:]:
        label = _below(label, key)
    return label
