"""
Makes the tables of the expression language's parser: ``PYTHONPATH=.:tests python tests/kit/cel_tables.py`` writes them.

They ship with the package, see :mod:`airflow_provider_cloudfn.cel.tables`; a test compares them with the grammar.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from lark.parsers.lalr_analysis import Shift

from airflow_provider_cloudfn.cel import tables
from airflow_provider_cloudfn.cel.tables import END, FILE
from kit.cel_grammar import build

__all__ = ["dump"]


def dump() -> str:
    """Return the tables of the grammar as JSON, one rule or state a line, the same in every process."""
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
    Path(tables.__file__).with_name(FILE).write_text(dump(), encoding="utf-8")
