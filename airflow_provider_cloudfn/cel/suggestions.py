"""What is said about a name that nobody knows: the nearest that somebody does, or what is written instead."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from airflow_provider_cloudfn.cel import functions
from airflow_provider_cloudfn.cel.foreign import INSTEAD_OF_NULL
from airflow_provider_cloudfn.exceptions import nearest_name

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from airflow_provider_cloudfn.cel.macro import Macro

__all__ = ["is_library", "unknown_function", "unknown_name"]

#: How long a name may be to be shown whole.
_LONGEST: Final = 60

#: What Python's constants are called here.
_PYTHON: Final = {"True": "true", "False": "false", "None": "null"}

#: What to write instead of a function that Python or SQL has.
_OTHERWISE: Final = {
    "len": "size(x)",
    "length": "size(x)",
    "str": "string(x)",
    "float": "double(x)",
    "lower": "x.lowerAscii()",
    "upper": "x.upperAscii()",
    "strip": "x.trim()",
    "sum": "x.sum()",
    **dict.fromkeys(("avg", "average", "mean"), "double(x.sum()) / double(size(x))"),
    "groupBy": "x.map(…), or x.filter(y, y.key == …) for one group",
    "toMap": "x.transformMapEntry(i, y, {y.key: y.value})",
    "flatMap": "x.map(y, …).flatten()",
    "concat": "x + y",
    "append": "x + [y]",
    "get": 'x[?"key"].orValue(…)',
    "min": "math.least(x)",
    "max": "math.greatest(x)",
    "startswith": "x.startsWith(…)",
    "endswith": "x.endsWith(…)",
    "sorted": "x.sort()",
    "not": "!x",
    "count": "size(x)",
    "toString": "string(x)",
    "toUpperCase": "x.upperAscii()",
    "toLowerCase": "x.lowerAscii()",
    "includes": "x.contains(…), or y in x of a list",
    "push": "x + [y]",
    **dict.fromkeys(("parseInt", "Number"), "int(x)"),
    "parseFloat": "double(x)",
    "isinstance": "type(x) == string",
    **dict.fromkeys(("date", "datetime"), "timestamp(…)"),
    **dict.fromkeys(("now", "today", "utcnow"), "run.run_after: no expression reads the clock"),
    **dict.fromkeys(("if", "iif"), "condition ? x : y"),
    **dict.fromkeys(("coalesce", "ifnull", "nvl"), INSTEAD_OF_NULL),
    "default": "x.?y.orValue(…)",
    **dict.fromkeys(("encodeURIComponent", "urlencode", "quote"), "url.encode(x)"),
    **dict.fromkeys(("btoa", "b64encode"), "base64.encode(x)"),
    **dict.fromkeys(("atob", "b64decode"), "base64.decode(x)"),
    **dict.fromkeys(("empty", "isEmpty", "is_empty"), "size(x) == 0"),
    "substr": "x.substring(from, to)",
    "stringify": "json.encode(x)",
    "unique": "x.distinct()",
    "toFixed": "'%.2f'.format([x])",
    "match": "x.matches(…)",
    "timedelta": 'duration("3600s")',
    "json": "json.decode(x); of an answer, body is the JSON value already",
    "keys": "x.map(key, key)",
    "values": "x.map(key, x[key])",
    **dict.fromkeys(("items", "entries"), "x.map(key, [key, x[key]])"),
    **dict.fromkeys(("isoformat", "strftime"), "time.format(x, …)"),
    "dumps": "json.encode(x)",
    "loads": "json.decode(x)",
    "find": "x.indexOf(…)",
    "any": "x.exists(y, …)",
    "capitalize": "x.substring(0, 1).upperAscii() + x.substring(1)",
}


def unknown_name(name: str, known: Collection[str]) -> str:
    """Return what is said about an unknown variable, where some names are known."""
    message = f"unknown name '{_shortened(name)}'"
    if name in _PYTHON:
        return f"{message}; write {_PYTHON[name]}"
    if (near := nearest_name(name, known)) is not None:
        return f"{message}; did you mean '{near}'?"
    if is_library(name):
        return f"{message}; as the beginning of a function it needs the function's name, such as {name}.…(…)"
    return f"{message}; known are {', '.join(sorted(known)) or 'none'}" if len(known) <= 20 else message


def unknown_function(name: str, qualified: str | None, kind: str, macros: Mapping[str, Macro]) -> str:
    """
    Return what is said about an unknown function or method.

    :param qualified: The dotted name, where it is called on what can be a namespace.
    :param macros: The macros that there are, by name.
    """
    if kind == "function" and name in _OTHERWISE:
        return f"unknown function '{_shortened(qualified or name)}'; did you mean {_OTHERWISE[name]}?"
    if qualified is not None and (near := nearest_name(qualified, functions.names())) is not None:
        return f"unknown function '{_shortened(qualified)}'; did you mean '{near}'?"
    message = f"unknown {kind} '{_shortened(name)}'"
    if name in _OTHERWISE:
        return f"{message}; did you mean {_OTHERWISE[name]}?"
    is_method = kind == "method"
    other = functions.function(name) if is_method else functions.method(name)
    if other is not None:
        return f"{message}; it is called as " + (f"{name}(x)" if is_method else f"x.{name}(…)")
    alike = {macro.name for macro in macros.values() if macro.is_method is is_method}
    near = nearest_name(name, functions.names(methods=is_method) | alike)
    return f"{message}; did you mean '{near}'?" if near else message


def is_library(name: str) -> bool:
    """
    Tell whether a name is the beginning of functions' names, as ``math`` is.

    :param name: The name.
    """
    return any(function.startswith(f"{name}.") for function in functions.names())


def _shortened(name: str) -> str:
    return name if len(name) <= _LONGEST else name[: _LONGEST - 1] + "…"
