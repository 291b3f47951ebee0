"""The table of functions: how a call finds its overload, and that the libraries stay apart."""

from __future__ import annotations

import pytest

from airflow_provider_cloudfn import cel
from airflow_provider_cloudfn.cel import functions
from airflow_provider_cloudfn.cel.registry import FUNCTIONS, METHODS, function
from airflow_provider_cloudfn.exceptions import ExpressionError

OURS = {
    "hash.md5",
    "hash.sha256",
    "json.decode",
    "json.encode",
    "regex.extract",
    "regex.extractAll",
    "regex.replace",
    "time.format",
    "time.iso",
    "time.parse",
    "url.encode",
    "url.query",
    "uuid.v5",
}


def test_our_functions_are_there_under_their_public_names():
    assert functions.names() >= OURS


def test_every_function_of_a_library_has_a_namespace():
    bare = {name for name in functions.names() if "." not in name}
    assert bare == {
        "bool", "bytes", "double", "duration", "dyn", "int", "matches", "size", "string", "timestamp", "type", "uint",
    }  # fmt: skip


def test_nothing_random_no_clock_and_no_key_material():
    forbidden = ("now", "random", "uuid.v4", "hmac", "secret", "env", "file", "today")
    assert not [
        name
        for name in functions.names() | functions.names(methods=True)
        if any(word in name.lower() for word in forbidden)
    ]


def test_all_overloads_of_a_name_agree_on_the_budget():
    with pytest.raises(TypeError, match="must take the budget"):

        @function("size", "int")
        def size_of_int(budget: object, value: int) -> int:
            return value


@pytest.mark.parametrize("table", [FUNCTIONS, METHODS])
def test_no_two_overloads_take_the_same_types(table):
    functions.names()
    for name, arities in table.items():
        for overloads in arities.values():
            signatures = [signature for signature, _ in overloads.declared]
            assert len(set(signatures)) == len(signatures), name


@pytest.mark.parametrize(
    "source", ["_+_(1, 2)", "x._+_(1)", "__import__('os')", "x.__class__", "x.format.__globals__", "x.__len__()"]
)
def test_operators_and_python_itself_can_not_be_called(source: str):
    with pytest.raises(ExpressionError):
        cel.evaluate(source, {"x": "text"})
