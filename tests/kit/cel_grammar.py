r"""
The grammar: that of the installed cel-python, with the definitions below in place of its own.

cel-python's grammar is used as it is installed, not copied, through an own :class:`lark.Lark`: cel-python's parser is
a singleton per process and raises the recursion limit. The edits, and what each is for:

* ``?`` before the rules of precedence: a rule that adds nothing to its one child leaves no node.
* ``!`` before rules with an operator: the operator stays in the tree, since its position is where an error points.
* ``member`` and its kin, ``list_lit`` and ``map_lit``: the optional syntax ``a.?b``, ``a[?b]``, ``[?a]`` and
  ``{?"k": v}``, back-quoted field names, and a comma after the last element.
* The terminals of literals: cel-python's take exponential time on an unterminated string, drop the newlines of
  triple-quoted strings, and make the sign a part of the number.
"""

from __future__ import annotations

import re
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from airflow_provider_cloudfn.cel.literals import PATTERNS

__all__ = ["build", "derive"]

#: Definitions that replace those of cel-python, or are new, by name.
DEFINITIONS: Final[dict[str, str]] = {
    "?member": "primary | member_dot | member_dot_arg | member_index | member_object"
    " | member_opt_dot | member_opt_index",
    "!member_dot": 'member "." (IDENT | QUOTED)',
    "!member_opt_dot": 'member "." "?" (IDENT | QUOTED)',
    "!member_dot_arg": 'member "." IDENT "(" [exprlist] ")"',
    "!member_index": 'member "[" expr "]"',
    "!member_opt_index": 'member "[" "?" expr "]"',
    "!member_object": 'member "{" [fieldinits] "}"',
    "?primary": "literal | dot_ident_arg | dot_ident | ident_arg | paren_expr | list_lit | map_lit | ident",
    "!list_lit": '"[" "]" | "[" listitems "]" | "[" listitems "," "]"',
    "listitems": 'listitem | listitems "," listitem',
    "?listitem": "expr | opt_item",
    "opt_item": '"?" expr',
    "!map_lit": '"{" "}" | "{" mapinits "}" | "{" mapinits "," "}"',
    "mapinits": 'mapinit | mapinits "," mapinit',
    "?mapinit": "entry | opt_entry",
    "!entry": 'expr ":" expr',
    "!opt_entry": '"?" expr ":" expr',
    "literal": "UINT | DOUBLE | INT | STRING | BYTES",
    "BYTES.6": f"/{PATTERNS['BYTES']}/",
    "STRING.5": f"/{PATTERNS['STRING']}/",
    "DOUBLE.4": f"/{PATTERNS['DOUBLE']}/",
    "UINT.3": f"/{PATTERNS['UINT']}/",
    "INT.2": f"/{PATTERNS['INT']}/",
    "QUOTED": r"/`[a-zA-Z0-9_.\-\/ ]+`/",
}

#: cel-python's rules and terminals that stay, by the modifier that they get.
KEPT: Final[dict[str, str]] = {
    "!?": "expr conditionalor conditionaland",
    "?": "relation addition multiplication unary",
    "!": "relation_lt relation_le relation_gt relation_ge relation_eq relation_ne relation_in addition_add addition_sub "
    "multiplication_mul multiplication_div multiplication_mod unary_not unary_neg",
    "": "dot_ident_arg dot_ident ident_arg ident paren_expr exprlist fieldinits IDENT WHITESPACE COMMENT",
}

_DEFINITION: Final = re.compile(r"^(?P<name>[a-zA-Z_]+)(?:\.\d+)?[ \t]*:(?P<body>.*(?:\n[ \t]+\|.*)*)", re.MULTILINE)


def derive() -> str:
    """
    Return the grammar in Lark's notation.

    :raises RuntimeError: when the installed cel-python's grammar has lost a definition that is used.
    """
    spec = find_spec("celpy")  # its directory; the package itself takes 30 ms to import and is not needed
    if spec is None or not spec.submodule_search_locations:
        raise RuntimeError("cel-python is not installed; install cel-python>=0.5,<0.6")
    text = (Path(spec.submodule_search_locations[0]) / "cel.lark").read_text(encoding="utf-8")
    bodies = {match["name"]: match["body"].strip() for match in _DEFINITION.finditer(text)}
    kept = {name: modifier for modifier, names in KEPT.items() for name in names.split()}
    missing = kept.keys() - bodies.keys()
    if missing:
        raise RuntimeError(f"the grammar of the installed cel-python has no {', '.join(sorted(missing))}; install 0.5")
    lines = [f"{modifier}{name}: {bodies[name]}" for name, modifier in kept.items()]
    lines += [f"{name}: {body}" for name, body in DEFINITIONS.items()]
    return "\n".join([*lines, "%ignore WHITESPACE", "%ignore COMMENT"])


def build(transformer: Any = None) -> Any:
    """
    Build the parser from the grammar, which takes a tenth of a second or two.

    :param transformer: What makes a node of each rule, see :class:`lark.Lark`.
    :returns: A ``lark.Lark``.
    """
    import lark

    return lark.Lark(derive(), parser="lalr", start="expr", maybe_placeholders=False, transformer=transformer)
