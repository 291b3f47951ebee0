"""How a parameter is declared: what text in it means, what its value becomes, and what is wrong with a value of it."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Any, NamedTuple

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["EntryProblem", "Parameter", "Reading"]


class Reading(Enum):
    """What a ``str`` in the Dag file means in a parameter."""

    #: An expression whose value becomes text: ``uri``.
    TEXT = "text"
    #: A map of such expressions, whose keys are text unless they begin with a quote: ``query``, ``headers``.
    PAIRS = "pairs"
    #: An expression, or JSON text; inside a dict or a list, text: ``body``, ``event_payload``.
    DOCUMENT = "document"
    #: An expression of any value; inside a dict or a list, text: ``returns``.
    VALUE = "value"
    #: An expression that is true or false: ``success_when``, ``retry_when``.
    CONDITION = "condition"
    #: A function, or ``cel("…")``: the ``response_check`` of the sensor.
    CHECK = "check"
    #: Text; ``cel("…")`` marks an expression, at any depth: every parameter of the operators for Emporix.
    MARKED = "marked"


class EntryProblem(NamedTuple):
    """What is wrong with one entry of a map: its name, and the message."""

    entry: str
    message: str


class Parameter(Struct, frozen=True):
    """
    A parameter about which there is a rule.

    :param name: The parameter's name.
    :param reading: What a ``str`` in it means; None for one that holds no expression.
    :param after_call: Whether it is evaluated when the answer is there, and so can read ``response``.
    :param authored: Whether its value must stand in the Dag file, and can't come from another step.
    :param jinja: Whether its text is run through Jinja before. Never where text is an expression.
    :param shape: Returns what a rendered value becomes, given the parameter's name and the value.
    :param check: Says what is wrong with a value as it is written, None where nothing is.
    :param per_item: Whether it is evaluated for each item under ``for_each``.
    :param also: What its expressions can name besides what all can.
    :param only: The only variables that its expressions can name; None for all of those.
    :param answer: What the answer is called that its expressions can name, where it is evaluated after the call.
    :param excludes: The parameters that can't be given beside this one, and what to do instead.
    :param instead_of: Another parameter that can't be given beside this one.
    :param takes_secrets: Whether ``secret("…")`` is filled in where it is a whole value in it; in pairs it always is.
    :param or_else: Another parameter that must be given where this one is not.
    """

    name: str
    reading: Reading | None = None
    after_call: bool = False
    authored: bool = False
    jinja: bool = False
    shape: Callable[[str, Any], Any] | None = None
    check: Callable[[Any], str | EntryProblem | None] | None = None
    instead_of: str | None = None
    or_else: str | None = None
    takes_secrets: bool = False
    per_item: bool = False
    excludes: Mapping[str, str] = {}
    also: frozenset[str] = frozenset()
    only: frozenset[str] | None = None
    answer: str = "response"
