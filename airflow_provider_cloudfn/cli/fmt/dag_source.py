"""The source of a Dag file, and the same with its expressions in one style."""

from __future__ import annotations

import ast
import re
from typing import Final

from airflow_provider_cloudfn.authoring import language
from airflow_provider_cloudfn.authoring.options import names_for
from airflow_provider_cloudfn.authoring.parameter import Parameter, Reading
from airflow_provider_cloudfn.authoring.vocabulary import AFTER_CALL_VARIABLES, VARIABLES
from airflow_provider_cloudfn.cel.formatting import formatted
from airflow_provider_cloudfn.cli.fmt.string_literal import StringLiteral
from airflow_provider_cloudfn.cli.fmt.written_expressions import WrittenExpression, written_expressions
from airflow_provider_cloudfn.exceptions import ExpressionError
from airflow_provider_cloudfn.json_encoding import read_json

__all__ = ["WrongExpressionsError", "formatted_source"]

_STEP: Final = 4
#: What gets shorter moves what stands behind it in its line, so that this may fit in it then; it never takes more.
_PASSES: Final = 10
#: Python's lines; `splitlines` knows others.
_LINE: Final = re.compile(r"[^\r\n]*(?:\r\n|\r|\n|\Z)")
#: What an expression can name anywhere.
_NAMES: Final = (
    VARIABLES
    | AFTER_CALL_VARIABLES
    | names_for(Parameter("event_payload", per_item=True), {"for_each", "pages", "poll", "wait_for"})
)


class WrongExpressionsError(Exception):
    """
    Expressions of a file are none.

    :param problems: The line of each, and what is wrong with it.
    """

    def __init__(self, problems: list[tuple[int, ExpressionError]]) -> None:
        super().__init__("\n".join(f"{line}: {problem}" for line, problem in problems))
        self.problems = problems


def formatted_source(source: str, width: int) -> str:
    """
    Return the source of a Dag file with its expressions in one style, and all else as it is.

    :param source: The source.
    :param width: How many characters a line has, where an expression can be broken.
    :raises SyntaxError: when it is no Python.
    :raises ValueError: when it is nothing that Python reads.
    :raises WrongExpressionsError: for expressions that are none.
    """
    for _ in range(_PASSES):
        anew = _Source(source).formatted(width)
        if anew == source:
            break
        source = anew
    return source


class _Source:
    """The source of a Dag file, once it has been read."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._expressions = written_expressions(ast.parse(text))
        self._lines = [found.group() for found in _LINE.finditer(text)]
        self._starts = [found.start() for found in _LINE.finditer(text)]

    def formatted(self, width: int) -> str:
        problems = [(one.node.lineno, problem) for one in self._expressions if (problem := _problem(one)) is not None]
        if problems:
            raise WrongExpressionsError(problems)
        text = self._text
        for one in reversed(self._expressions):
            start, end = self._span(one.node)
            text = text[:start] + self._literal(one, text[start:end], width) + text[end:]
        return text

    def _literal(self, one: WrittenExpression, source: str, width: int) -> str:
        """Return the literal of an expression in one style; the same where there is nothing to change."""
        style = StringLiteral.read(source)
        node = one.node
        if style is None or ast.literal_eval(f"({source})") != one.source:
            return source
        before = self._lines[node.lineno - 1][: self._column(node.lineno, node.col_offset)]
        if style.is_joined:
            text, literal = _joined(one.source, style, before, width)
        else:
            text = formatted(one.source)
            # A key that does not begin with its quote is text.
            if style.can_have_lines and not one.is_key and not _fits(style.source_of(text), before, width):
                text = _in_lines(one.source, before, width)
            literal = style.source_of(text)
        if text == one.source or _turns_into_json(one, text):
            return source
        return literal.replace("\n", self._line_end(node.lineno))

    def _span(self, node: ast.Constant) -> tuple[int, int]:
        last, end = node.end_lineno or node.lineno, node.end_col_offset or node.col_offset
        return (
            self._starts[node.lineno - 1] + self._column(node.lineno, node.col_offset),
            self._starts[last - 1] + self._column(last, end),
        )

    def _line_end(self, line: int) -> str:
        """Return how a line ends; the last one as the first does."""
        ends = (re.search(r"[\r\n]+\Z", self._lines[one]) for one in (line - 1, 0))
        return next((end.group() for end in ends if end), "\n")

    def _column(self, line: int, offset: int) -> int:
        """Return the place in a line of what stands at an offset in UTF-8, as Python counts."""
        return len(self._lines[line - 1].encode()[:offset].decode())


def _problem(one: WrittenExpression) -> ExpressionError | None:
    """Return why an expression is none. What it reads is not judged: that takes the Dag."""
    formula = one.formula
    checked = language.check(one.source, variables=_NAMES | one.declared.also, text=formula.text)
    if checked.program is not None or checked.references or checked.unknown:
        return None
    return ExpressionError(checked.problems, source=one.source, field=formula.label)


def _fits(literal: str, before: str, width: int) -> bool:
    # A comma, or a bracket, comes behind it.
    return "\n" not in literal and len(before.expandtabs()) + len(literal) < width


def _in_lines(expression: str, before: str, width: int) -> str:
    """Return an expression in lines of its own: a map or a list with its brackets at the quotes, any other between them."""
    indent = re.match(r"\s*", before)
    margin = indent.group() if indent else ""
    column = len(margin.expandtabs())
    # Narrower by a step, so that what fits between the quotes stays in one line there.
    first, *inner = formatted(expression, width - _STEP, column).strip().split("\n")
    if first in ("{", "[") and inner and inner[-1].strip() in ("}", "]"):
        deeper = " " * (column + 1)
        if all(line.startswith(deeper) for line in inner[:-1]):
            return "\n".join([first, *inner])
    lines = formatted(expression, width, column + _STEP)
    return f"\n{lines}\n{margin}"


def _joined(expression: str, style: StringLiteral, before: str, width: int) -> tuple[str, str]:
    """Return an expression, and the literals in a row that hold a line of it each."""
    flat = formatted(expression)
    if _fits(style.sources_of([flat])[0], before, width):
        return flat, style.sources_of([flat])[0]
    # Two quotes, the blank at the end, and the comma behind the last one.
    lines = formatted(expression, width - len(before.expandtabs()) - 4).split("\n")
    pieces = _pieces(flat, [line.strip() for line in lines]) if "\n" not in flat else _with_newlines(lines)
    margin = re.sub(r"[^\t]", " ", before)
    return "".join(pieces), f"\n{margin}".join(style.sources_of(pieces))


def _pieces(flat: str, lines: list[str]) -> list[str]:
    """Return the parts of an expression in one line that are lines of it elsewhere, with the blanks behind them."""
    pieces = []
    start = 0
    for line in lines:
        end = start + len(line)
        end += len(flat[end:]) - len(flat[end:].lstrip())
        pieces.append(flat[start:end])
        start = end
    return pieces


def _with_newlines(lines: list[str]) -> list[str]:
    return [*(f"{line}\n" for line in lines[:-1]), lines[-1]]


def _turns_into_json(one: WrittenExpression, text: str) -> bool:
    """Tell whether an expression would be JSON text without its odd blanks, and so be read as such."""
    if one.declared.reading is not Reading.DOCUMENT or not one.is_whole:
        return False
    try:
        read_json(text)
    except ValueError:
        return False
    return True
