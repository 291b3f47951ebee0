"""Text and expressions that have quotes or a mark too many, or too few."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from airflow_provider_cloudfn import cel
from airflow_provider_cloudfn.authoring import language
from airflow_provider_cloudfn.authoring.jinja import jinja_at
from airflow_provider_cloudfn.authoring.vocabulary import DECLARED, RECORDS
from airflow_provider_cloudfn.authoring.written import Formula, Text
from airflow_provider_cloudfn.cel.literals import is_quoted, plain_literal
from airflow_provider_cloudfn.exceptions import ExpressionProblem

if TYPE_CHECKING:
    from airflow_provider_cloudfn.authoring.parameter import Parameter

__all__ = ["quoted_problem", "text_problem"]

#: How a text begins that could be an expression without its mark.
_READS: Final = re.compile(
    rf"\s*(?:contextEventPath\(|(?:{'|'.join(sorted(DECLARED | {'item'}))})\s*(?:\.\s*[A-Za-z_]|\[))", re.ASCII
)


#: The mark of a secret, in quotes.
_SECRET: Final = re.compile(r"""\s*secret\((["'])[^"']*\1\)\s*""")


def quoted_problem(formula: Formula, names: frozenset[str]) -> ExpressionProblem | None:
    """
    Say that an expression is a text which reads as an expression, None where it is not.

    :param formula: The expression.
    :param names: What an expression there can name.
    """
    if not is_quoted(formula.source):
        return None
    inner = plain_literal(formula.source)[1]
    if _unmarked_problem(Text(inner, formula.label), names) is None:
        return None
    message = (
        f"is text because of its quotes, and reads as an expression: write {inner!r}; if it is meant as text, write "
        f"{cel.Literal(inner)!r}"
    )
    return ExpressionProblem(message, 1, 1)


def text_problem(text: Text, parameter: Parameter, names: frozenset[str]) -> str | None:
    """
    Say what is wrong with text that nobody has marked, where text is text; None where nothing is.

    :param text: The text.
    :param parameter: Where it stands.
    :param names: What an expression there can name.
    """
    if _SECRET.fullmatch(text.value) is not None:
        return f"is text, which would be sent as it stands: write {text.value.strip()}, the function, without quotes around it"
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
    """
    Say that a text reads as an expression whose mark was forgotten, None where it doesn't.

    It begins with a variable of which it reads something, and compiles but for functions that nobody has. A text such as
    ``run.completed`` or ``events.created``, which no expression can be, is text.

    :param text: Text that nobody has marked, where text is text.
    :param names: What an expression there can name.
    """
    source = text.value
    if _READS.match(source) is None:
        return None
    checked = language.check(source, variables=names)
    if not checked.references or checked.unknown:
        return None
    root, *path = min(checked.references, key=lambda reference: (reference.line, reference.column)).path
    # A list has no fields, and of a record all are known.
    if path and (root == "events" or path[0] not in RECORDS.get(root, path)):
        return None
    marked, literal = cel.Expression(source), cel.Literal(source)
    remedies = (
        f"leave its quotes out; if it is meant as text, write a dict or a list instead of JSON text, and {literal!r} in it"
        if text.in_json
        else f"write {marked!r}; if it is meant as text, write {literal!r}"
    )
    return f"is text that reads as an expression, and would stay text: {remedies}"
