"""
The parser's tables, saved beside this module, because building them takes a tenth of a second in every process.

Lark builds them from cel-python's grammar; nothing of either is needed to follow them. They are JSON: data that can't run
code, in the package itself, so nobody but who installed it can change them; nothing is ever written at run time. After a
change of the grammar ``tests/kit/cel_tables.py`` writes them anew, and a test compares them with the grammar of the installed
cel-python.
"""

from __future__ import annotations

import json
import re
from pkgutil import get_data
from typing import Final, NamedTuple

__all__ = ["END", "FILE", "Rule", "Tables", "load"]

#: The saved tables' file, beside this one.
FILE: Final = "tables.json"

#: The terminal that stands for the end of the source.
END: Final = "$END"


class Rule(NamedTuple):
    """
    A rule of the grammar, as the parser applies it.

    :param name: What it makes, a method of the tree's builder, unless it begins with an underscore.
    :param result: The number of what it makes.
    :param size: How many symbols it is made of.
    :param kept: Which of them are its children.
    :param spliced: Which of them are lists, whose elements are its children.
    :param is_unit: Whether it leaves its one child as it is.
    """

    name: str
    result: int
    size: int
    kept: tuple[int, ...]
    spliced: tuple[int, ...]
    is_unit: bool


class Tables(NamedTuple):
    """
    What an LALR parser does.

    :param terminals: The names of the terminals, by number.
    :param scanners: Patterns that match the next terminal in a source, and white space and comments before it: the
        first where a value can begin, the second where an operator can follow one. The group that matched is the
        terminal's number, counted from 1.
    :param blank: What matches white space and comments.
    :param rules: The rules, by number.
    :param expects_value: Which scanner a state wants, by state.
    :param actions: What a state does at a terminal: a state to go to, or -1 - the number of a rule to apply.
    :param gotos: The state to go to once a rule has made its result, by state and result.
    :param end: The state in which the source is an expression.
    """

    terminals: tuple[str, ...]
    scanners: tuple[re.Pattern[str], re.Pattern[str]]
    blank: re.Pattern[str]
    rules: tuple[Rule, ...]
    expects_value: tuple[bool, ...]
    actions: tuple[dict[int, int], ...]
    gotos: tuple[dict[int, int], ...]
    end: int


def load() -> Tables:
    """Return the saved tables."""
    text = get_data(__package__, FILE)
    if text is None:
        raise FileNotFoundError(f"{FILE} is missing from {__package__}: install the package again")
    saved = json.loads(text)
    return Tables(
        terminals=tuple(saved["terminals"]),
        scanners=(re.compile(saved["scanners"][0]), re.compile(saved["scanners"][1])),
        blank=re.compile(saved["blank"]),
        rules=tuple(
            Rule(name, result, size, tuple(kept), tuple(spliced), is_unit)
            for name, result, size, kept, spliced, is_unit in saved["rules"]
        ),
        expects_value=tuple(bool(expects_value) for expects_value, _, _ in saved["states"]),
        actions=tuple(_pairs(actions) for _, actions, _ in saved["states"]),
        gotos=tuple(_pairs(gotos) for _, _, gotos in saved["states"]),
        end=saved["end"],
    )


def _pairs(flat: list[int]) -> dict[int, int]:
    return dict(zip(flat[::2], flat[1::2], strict=True))
