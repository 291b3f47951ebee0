"""Expressions for Hypothesis, and what of one means something."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from msgspec import Struct

from airflow_provider_cloudfn.cel import functions
from airflow_provider_cloudfn.cel.macros import MACROS
from airflow_provider_cloudfn.cel.parser import parse

__all__ = ["expressions", "meaning"]


def expressions() -> st.SearchStrategy[str]:
    """Sources that parse: every function, method, macro and operator, over variables and literals."""
    leaves = st.sampled_from(
        ["a", "b", "a.x", "b[0]", "1", "-1", "2u", "1.5", "0.0", "true", "null", '"é"', 'b"x"', "[]", "{}", '"%s %d"']
    )
    names = st.sampled_from(sorted(functions.names()))
    methods = st.sampled_from(sorted(functions.names(methods=True)))
    macros = st.sampled_from(sorted(name for name, macro in MACROS.items() if macro.is_method and "." not in name))
    operators = st.sampled_from(["+", "-", "*", "/", "%", "<", "<=", ">", ">=", "==", "!=", "in", "&&", "||"])

    def grow(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
        arguments = st.lists(inner, max_size=3).map(", ".join)
        return (
            st.builds("({} {} {})".format, inner, operators, inner)
            | st.builds("({} ? {} : {})".format, inner, inner, inner)
            | st.builds("{}({})".format, names, arguments)
            | st.builds("{}.{}({})".format, inner, methods, arguments)
            | st.builds("{}.{}(a, {})".format, inner, macros, inner)
            | st.builds("{}.{}(a, b, {})".format, inner, macros, inner)
            | st.builds("[{}, {}]".format, inner, inner)
            | st.builds('{{"k": {}, ?"o": {}}}'.format, inner, inner)
            | st.builds("{}[{}]".format, inner, inner)
            | st.builds("{}[?{}]".format, inner, inner)
            | st.builds("{}.x".format, inner)
            | st.builds("{}.?x".format, inner)
            | st.builds("has({}.x)".format, inner)
            | st.builds("(!{})".format, inner)
            | st.builds("(-{})".format, inner)
        )

    return st.recursive(leaves, grow, max_leaves=10)


def meaning(source: str) -> Any:
    """Return the syntax tree of an expression without its places, and without the depth that parentheses add."""
    return _bare(parse(source))


def _bare(node: Any) -> Any:
    if isinstance(node, list):
        return [_bare(one) for one in node]
    if not isinstance(node, Struct):
        return node
    fields = [name for name in node.__struct_fields__ if name not in ("at", "depth")]
    return (type(node).__name__, *(_bare(getattr(node, name)) for name in fields))
