"""Text and expressions that have quotes or a mark too many, or too few."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from airflow_provider_cloudfn import cel
from airflow_provider_cloudfn.authoring import language
from airflow_provider_cloudfn.authoring.jinja import jinja_at
from airflow_provider_cloudfn.authoring.shown_objects import shown_object
from airflow_provider_cloudfn.authoring.vocabulary import DECLARED, RECORDS
from airflow_provider_cloudfn.cel.literals import is_quoted, plain_literal
from airflow_provider_cloudfn.exceptions import ExpressionProblem

if TYPE_CHECKING:
    from airflow_provider_cloudfn.authoring.parameter import Parameter
    from airflow_provider_cloudfn.authoring.written import Formula, Text

__all__ = ["quoted_problem", "reads_something", "text_problem"]

_NAMES: Final = "|".join(sorted(DECLARED | {"item"}))
#: What reads something of a variable.
_READS: Final = re.compile(rf"\b(?:contextEventPath\(|(?:{_NAMES})\s*(?:\.\s*[A-Za-z_]|\[))", re.ASCII)
_VARIABLE: Final = re.compile(rf"\b(?:{_NAMES})\b", re.ASCII)
#: Without one of these, no expression hands a whole variable to a function, or joins it to text: `(run)` is text.
_JOINED: Final = re.compile(r"\w\(|[\"']")
#: What looks like a place for a value; two braces are Jinja's.
_PLACE: Final = re.compile(r"\$?(?<!\{)\{([^{}]+)\}(?!\})")

#: A mark in quotes.
_MARK: Final = re.compile(r"""\s*(?:secret|cel|lit)\((?:"[^"]*"|'[^']*')\)\s*""")


def quoted_problem(formula: Formula, names: frozenset[str]) -> ExpressionProblem | None:
    """Say that an expression is a text which reads as an expression, None where it is not."""
    if not is_quoted(formula.source):
        return None
    inner = plain_literal(formula.source)[1]
    if not reads_something(inner, names):
        return None
    message = (
        f"is text because of its quotes, and reads as an expression: write {inner!r}; if it is meant as text, write "
        f"{cel.Literal(inner)!r}"
    )
    return ExpressionProblem(message, 1, 1)


def text_problem(text: Text, parameter: Parameter, names: frozenset[str]) -> str | None:
    """Say what is wrong with text that nobody has marked, where text is text; None where nothing is."""
    if (shown := shown_object(text.value)) is not None:
        return shown[1]
    if _MARK.fullmatch(text.value) is not None:
        where = ", in a dict or a list instead of JSON text" if text.in_json else ""
        mark = text.value.strip()
        return f"is text, which would be sent as it stands: write {mark}, the function, without quotes around it{where}"
    # JSON has quotes, and what Jinja makes of text is not known.
    is_json = text.in_json or parameter.name == "json_string"
    if is_json or jinja_at(text.value) is not None or not is_quoted(text.value):
        return _unmarked_problem(text, names)
    inner = plain_literal(text.value)[1]
    return (
        f"stands in quotes of its own, which would be part of the text, as it is no expression here: write {inner!r}; "
        f"if they are meant, write {cel.Literal(text.value)!r}"
    )


def _unmarked_problem(text: Text, names: frozenset[str]) -> str | None:
    """Say that a text reads as an expression whose mark was forgotten, or has places for values; None where it doesn't."""
    source = text.value
    if not reads_something(source, names):
        place = next((one for one in _PLACE.finditer(source) if reads_something(one[1], names)), None)
        return None if place is None else _place_problem(place, text)
    marked, literal = cel.Expression(source), cel.Literal(source)
    remedies = (
        f"leave its quotes out; if it is meant as text, write a dict or a list instead of JSON text, and {literal!r} in it"
        if text.in_json
        else f"write {marked!r}; if it is meant as text, write {literal!r}"
    )
    return f"is text that reads as an expression, and would stay text: {remedies}"


def _place_problem(place: re.Match[str], text: Text) -> str:
    expression, instead = f'"… " + string({place[1].strip()})', ""
    if text.in_json:
        instead = "a dict or a list instead of JSON text, and in it "
    return (
        f"{place[0]} is no place that a value is put into, and would stay as it is: write {instead}an expression, such as "
        f"{cel.Expression(expression)!r}; if the braces are meant, write {instead}{cel.Literal(text.value)!r}"
    )


def reads_something(source: str, names: frozenset[str]) -> bool:
    """
    Tell whether a text is an expression that reads something.

    Where it begins with a variable of which it reads something, it need not know each function that it calls. A text such as
    ``run.completed`` or ``events.created``, which no expression can be, is text, and so is the name of a variable alone.
    """
    reads = _READS.search(source)
    if reads is None and (_JOINED.search(source) is None or _VARIABLE.search(source) is None):
        return False
    checked = language.check(source, variables=names)
    if not checked.references or checked.unknown:
        return False
    is_first = reads is not None and not source[: reads.start()].strip()
    if not is_first and checked.program is None:
        return False
    root, *path = min(checked.references, key=lambda reference: (reference.line, reference.column)).path
    # A list has no fields, and of a record all are known.
    return not path or (root != "events" and path[0] in RECORDS.get(root, path))
