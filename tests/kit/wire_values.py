"""Values of wire formats, made of their types: so that no field is left out which somebody adds."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

import msgspec
from hypothesis import strategies as st

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
PLAIN: dict[Any, st.SearchStrategy[Any]] = {
    int: st.integers(-(2**53), 2**53),
    float: st.floats(allow_nan=False, allow_infinity=False),
    dt.datetime: st.datetimes(timezones=st.just(dt.UTC)),
    Any: JSON,
}


def values(hint: Any, text: st.SearchStrategy[str] | None = None) -> st.SearchStrategy[Any]:
    """Return what a field can hold, by its type; what text is in it may be told."""
    if hint in PLAIN:
        return PLAIN[hint]
    if hint is str and text is not None:
        return text
    if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
        hints = get_type_hints(hint, include_extras=True)
        return st.builds(hint, **{name: values(hints[name], text) for name in hint.__struct_fields__})
    arguments = get_args(hint)
    if get_origin(hint) is Literal:
        return st.sampled_from(arguments)
    if get_origin(hint) is dict:
        return st.dictionaries(*(values(one, text) for one in arguments), max_size=3)
    if get_origin(hint) is tuple and arguments[-1] is not ...:
        return st.tuples(*(values(one, text) for one in arguments))
    if get_origin(hint) is tuple:
        return st.lists(values(arguments[0], text), max_size=3).map(tuple)
    if get_origin(hint) is Annotated:
        bounds = arguments[1]
        if arguments[0] is float:
            return st.floats(bounds.ge, bounds.le)
        return values(arguments[0], text)
    return st.one_of(*(values(one, text) for one in arguments)) if arguments else st.from_type(hint)
