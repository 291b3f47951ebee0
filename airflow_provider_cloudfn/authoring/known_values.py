"""What is wrong with an expression of which the Dag file alone says what it gives, wholly or in part."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from airflow_provider_cloudfn.authoring.parameter import Parameter, Reading
from airflow_provider_cloudfn.authoring.vocabulary import RECORDS
from airflow_provider_cloudfn.cel.limits import Limits
from airflow_provider_cloudfn.cel.literals import PATTERNS
from airflow_provider_cloudfn.cel.program import parsed, position
from airflow_provider_cloudfn.client.url import BaseUrl
from airflow_provider_cloudfn.exceptions import (
    ConfigurationError,
    ExpressionError,
    ExpressionLimitError,
    ExpressionProblem,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_provider_cloudfn.cel import Program
    from airflow_provider_cloudfn.cel.syntax import Node, Token

__all__ = ["known_problem"]

_COMPARE: Final = "compare it with something, as in 'response.status == 200'"
#: What is known of an answer besides what stands in its body.
_NO_TRUTHS: Final = frozenset(f"response.{name}" for name in RECORDS["response"] if name != "body") | {"response"}
_LIMITS: Final = Limits(steps=10_000)
_STRING: Final = re.compile(PATTERNS["STRING"])
#: Any base URL: that which a path is appended to stands in the connection.
_BASE: Final = BaseUrl.parse("https://api.example.com")
#: How other languages, and the documentation of services, write that a value belongs there. No URI has such a thing.
_PLACEHOLDER: Final = re.compile(
    r"\$?\{[A-Za-z_][\w.-]*\}|<[A-Za-z_][\w -]*>|%[sd](?![0-9A-Fa-f])|%\([A-Za-z_]\w*\)[sd]|(?<=/):[A-Za-z_]\w*(?=[/?\"'])"
)
#: A number that is compared with digits in quotes, to which it is never equal.
_NUMBER: Final = r"(?P<number>\bresponse\.status|\brun\.(?:map_index|try_number))\b"
_DIGITS: Final = r"""(?P<text>"-?\d+"|'-?\d+')"""
_COMPARED: Final = (
    re.compile(rf"{_NUMBER}\s*(?:[=!]=|[<>]=?|in\s*\[)\s*{_DIGITS}"),
    re.compile(rf"{_DIGITS}\s*(?:[=!]=|[<>]=?)\s*{_NUMBER}"),
)
#: What is a division in Python, and a comment here.
_DIVISION: Final = re.compile(r"[\w)\]][ \t]*(//[ \t]*[0-9.]+)\s*\Z")


def known_problem(program: Program, parameter: Parameter) -> ExpressionProblem | None:
    """Say what is wrong with what an expression is known to give, None where nothing is."""
    return _known_problem(program, parameter.reading is Reading.CONDITION, parameter.name.rpartition(".")[2] == "uri")


@lru_cache(maxsize=1_024)
def _known_problem(program: Program, is_condition: bool, is_uri: bool) -> ExpressionProblem | None:
    if (division := _DIVISION.search(_STRING.sub('""', program.source))) is not None:
        message = (
            f"{division[1]} is a comment, as // begins one: a division is written a / b, and of two integers gives one; a "
            "comment that is meant has a word in it"
        )
        return ExpressionProblem(message, *position(program.source, program.source.rindex("//")))
    placed = _compared_with_text(program.source) or (_placeholder(program.source) if is_uri else None)
    if is_condition and program.source.strip() in _NO_TRUTHS:
        placed = ExpressionProblem(f"must be true or false, and {program.source.strip()} is neither: {_COMPARE}", 1, 1)
    if placed is not None or not program.is_constant:
        return placed
    wrong = _value_problem(program, is_condition=is_condition, is_uri=is_uri)
    return None if wrong is None else ExpressionProblem(wrong, 1, 1)


def _value_problem(program: Program, *, is_condition: bool, is_uri: bool) -> str | None:
    try:
        value = program.evaluate({}, limits=_LIMITS)
    except ExpressionLimitError:
        return None  # A worker has more time than a parser.
    except ExpressionError as error:
        return f"reads no variable, and has no value: {error.problems[0].message}"
    if is_condition and not isinstance(value, bool):
        return f"must be true or false, and is always {_shown(value)}: {_COMPARE}"
    return _uri_problem(value) if is_uri and isinstance(value, str) else None


def _compared_with_text(source: str) -> ExpressionProblem | None:
    for pattern in _COMPARED:
        found = pattern.search(source)
        if found is None or any(text.start() < found.start() < text.end() for text in _STRING.finditer(source)):
            continue
        message = (
            f"{found['number']} is a number, which no text is equal to: write {found['text'][1:-1]} without quotes"
        )
        return ExpressionProblem(message, *position(source, found.start("text")))
    return None


def _placeholder(source: str) -> ExpressionProblem | None:
    """Refuse what in the texts of a URI looks like a place for a value, where nothing fills it in."""
    if _PLACEHOLDER.search(source) is None:
        return None
    for literal in _result_texts(parsed(source)):
        if (found := _PLACEHOLDER.search(literal.text)) is not None:
            message = (
                f"{found[0]} is no place that a value is put into, and would be sent as it stands: write "
                f"'\"/…/\" + url.encode(params.name)'; a sign that is meant is percent-encoded, as "
                f"%{ord(found[0].lstrip('$')[0]):02X}"
            )
            return ExpressionProblem(message, *position(source, literal.at + found.start()))
    return None


def _result_texts(tree: Node) -> Iterator[Token]:
    """Yield the texts that become part of a result as they stand: not those that are compared, or given to a function."""
    from airflow_provider_cloudfn.cel.syntax import Binary, Conditional, Token

    waiting = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, Token) and node.kind == "STRING":
            yield node
        elif isinstance(node, Binary) and node.operator == "+":
            waiting += (node.right, node.left)
        elif isinstance(node, Conditional):
            waiting += (node.no, node.yes)


def _uri_problem(uri: str) -> str | None:
    if "://" in uri.partition("?")[0]:
        return None  # Where it may lead, the connection says.
    try:
        _BASE.join(uri)
    except ConfigurationError as error:
        return str(error).removeprefix("uri: ")
    return None


def _shown(value: Any) -> str:
    return repr(value) if isinstance(value, str | int | float) else f"of type {type(value).__name__}"
