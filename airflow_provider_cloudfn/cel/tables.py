"""
The parser's tables, saved beside this module, because building them takes a tenth of a second in every process.

Lark builds them from the grammar, see :mod:`grammar`; nothing of Lark is needed to follow them. They are JSON: data that
can't run code, in the package itself, so nobody but who installed it can change them; nothing is ever written at run
time. After a change of the grammar ``python -m airflow_provider_cloudfn.cel.tables`` writes them anew, and a test
compares them with the grammar of the installed cel-python.
"""

from __future__ import annotations

import json
import re
from pkgutil import get_data
from typing import Any, Final, NamedTuple

__all__ = ["END", "FILE", "Rule", "Tables", "dump", "load"]

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


def dump() -> str:
    """Return the tables of the grammar as JSON, one rule or state a line, the same in every process."""
    from lark.parsers.lalr_analysis import Shift

    from airflow_provider_cloudfn.cel.grammar import build

    lark = build()
    table = lark.parser.parser._parse_table
    ordered = [
        terminal for terminal in lark.parser.lexer.root_lexer.terminals if terminal.name not in lark.ignore_tokens
    ]
    terminals = [*(terminal.name for terminal in ordered), END]
    numbers = {name: number for number, name in enumerate(terminals)}
    rules = lark.rules
    results = sorted({rule.origin.name for rule in rules})

    # Lark numbers states as sets happen to be ordered: number them as they are reached.
    start = table.start_states["expr"]
    reached, number_of = [start], {start: 0}
    states: list[tuple[int, list[int], list[int]]] = []

    def numbered(state: Any) -> int:
        if state not in number_of:
            number_of[state] = len(reached)
            reached.append(state)
        return number_of[state]

    for state in reached:
        actions: list[int] = []
        gotos: list[int] = []
        for symbol, (kind, target) in sorted(table.states[state].items()):
            value = numbered(target) if kind is Shift else -1 - rules.index(target)
            if symbol in numbers:
                actions += [numbers[symbol], value]
            else:
                gotos += [results.index(symbol), value]
        states.append((int("IDENT" in table.states[state]), actions, gotos))

    # Lark ends where the whole source is an expression; here that is a state of its own, which the end leads to.
    states[number_of[table.end_states["expr"]]][1].extend([numbers[END], len(states)])

    ignored = (terminal.pattern.to_regexp() for terminal in lark.terminals if terminal.name in lark.ignore_tokens)
    # Atomic: a run of white space is tried once, not in every way in which it can be divided.
    blank = f"(?>(?:{'|'.join(ignored)})*)"
    wanted = [
        {terminals[number] for expects, actions, _ in states if expects == kind for number in actions[::2]}
        for kind in (1, 0)
    ]
    saved = {
        "terminals": terminals,
        "scanners": [blank + _scanner(ordered, names) for names in wanted],
        "blank": blank,
        "end": len(states),
        "rules": "@rules",
        "states": "@states",
    }
    text = json.dumps(saved, indent=1)
    for key, rows in (("rules", [_rule(rule, results) for rule in rules]), ("states", states)):
        lines = ",\n".join(json.dumps(row, separators=(",", ":")) for row in rows)
        text = text.replace(f'"@{key}"', f"[\n{lines}\n]")
    return text + "\n"


def _scanner(terminals: list[Any], wanted: set[str]) -> str:
    """Return the pattern of a scanner: a group for each terminal, in Lark's order, which can't match if it isn't wanted."""
    groups = [f"({_pattern(terminal)})" if terminal.name in wanted else "((?!))" for terminal in terminals]
    return f"(?:{'|'.join(groups)}|(\\Z))"


def _pattern(terminal: Any) -> str:
    # A word that is an operator ends where the word ends: `a inputs` is not `a in puts`.
    pattern: str = terminal.pattern.to_regexp()
    return rf"{pattern}\b" if pattern.isalpha() else pattern


def _rule(rule: Any, results: list[str]) -> list[Any]:
    symbols = rule.expansion
    kept = [
        position
        for position, symbol in enumerate(symbols)
        if rule.options.keep_all_tokens or not (symbol.is_term and symbol.filter_out)
    ]
    spliced = [position for position in kept if not symbols[position].is_term and symbols[position].name[0] == "_"]
    is_unit = rule.options.expand1 and len(kept) == 1
    if is_unit and (len(symbols) > 1 or spliced):
        raise NotImplementedError(f"the parser leaves no child of several symbols as it is: {rule}")
    return [rule.origin.name, results.index(rule.origin.name), len(symbols), kept, spliced, is_unit]


if __name__ == "__main__":
    from pathlib import Path

    Path(__file__).with_name(FILE).write_text(dump(), encoding="utf-8")
