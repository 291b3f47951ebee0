"""
The parser's tables, saved beside this module, because building them takes a tenth of a second in every process.

They are JSON: data that can't run code, in the package itself, so nobody but who installed it can change them; nothing
is ever written at run time. They hold for the versions of Lark that they were compared with; with another one the
parser is built from the grammar. After a change of the grammar ``python -m airflow_provider_cloudfn.cel.tables`` writes
them anew, and a test compares them with it.
"""

from __future__ import annotations

import json
from pkgutil import get_data
from typing import Any, Final

__all__ = ["FILE", "LARK_VERSIONS", "dump", "load"]

#: The saved tables' file, beside this one.
FILE: Final = "tables.json"

#: The versions of Lark whose tables are the saved ones.
LARK_VERSIONS: Final = ("1.2.1", "1.2.2", "1.3.0", "1.3.1")

#: What Lark needs to know of how the tables were made; the other options have the same defaults in those versions.
_OPTIONS: Final = ("parser", "lexer", "start", "maybe_placeholders")


def load(transformer: Any) -> Any:
    """
    Return the parser, from the saved tables where they fit the installed Lark.

    :param transformer: What makes a node of each rule, see :class:`lark.Lark`.
    :returns: A ``lark.Lark``.
    """
    import lark

    text = get_data(__package__, FILE) if lark.__version__ in LARK_VERSIONS else None
    if text is None:
        from airflow_provider_cloudfn.cel.grammar import build

        return build(transformer)
    saved = json.loads(text)
    table = saved["data"]["parser"]["parser"]
    # JSON has no integers as keys, of which the tables are made.
    table["states"] = {
        int(state): {int(token): action for token, action in actions.items()}
        for state, actions in table["states"].items()
    }
    table["tokens"] = dict(enumerate(table["tokens"]))
    memo = {int(number): value for number, value in saved["memo"].items()}
    restore: Any = lark.Lark._load_from_dict
    return restore(saved["data"], memo, transformer=transformer)


def dump() -> str:
    """Return the tables of the grammar as JSON, one state a line, the same in every process and version of Lark."""
    from lark.grammar import Rule
    from lark.lexer import TerminalDef

    from airflow_provider_cloudfn.cel.grammar import build

    data, memo = build().memo_serialize([TerminalDef, Rule])
    data["options"] = {name: data["options"][name] for name in _OPTIONS}
    table = data["parser"]["parser"]
    tokens: dict[int, str] = dict(table["tokens"])
    # Lark numbers states and tokens as sets happen to be ordered: number them as they are reached.
    table["tokens"] = sorted(tokens.values())
    token_numbers = {name: number for number, name in enumerate(table["tokens"])}
    start = table["start_states"]["expr"]
    numbers, reached, lines = {start: 0}, [start], []
    for state in reached:
        actions = {}
        for token, (is_reduction, target) in sorted(table["states"][state].items(), key=lambda item: tokens[item[0]]):
            if not is_reduction and target not in numbers:
                numbers[target] = len(reached)
                reached.append(target)
            actions[str(token_numbers[tokens[token]])] = [is_reduction, target if is_reduction else numbers[target]]
        lines.append(f"{json.dumps(str(numbers[state]))}:{json.dumps(actions, separators=(',', ':'))}")
    table["start_states"] = {"expr": 0}
    table["end_states"] = {"expr": numbers[table["end_states"]["expr"]]}
    table["states"] = "@states"
    rest = json.dumps({"memo": memo, "data": data}, separators=(",", ":"))
    return rest.replace('"@states"', "{\n" + ",\n".join(lines) + "\n}") + "\n"


if __name__ == "__main__":
    from pathlib import Path

    Path(__file__).with_name(FILE).write_text(dump(), encoding="utf-8")
