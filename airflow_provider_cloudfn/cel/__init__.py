"""
CEL, the Common Expression Language: compiled once into closures over native Python values.

The package is a function, too: ``cel("steps.fetch.id")`` marks an expression where a string would be text.

========================  =============================================================================================
:func:`compile`           source to :class:`Program`, which reports what it reads and evaluates over lazy variables
:func:`check`             all problems of a source, without an exception
:func:`evaluate`          compile and evaluate, unchecked
:func:`to_text`           the text of a scalar, as in a query
``cel("…")``, ``lit()``   the marks in Dag files
========================  =============================================================================================

Importing it loads neither parser nor functions; the first expression that is no plain literal does. How it works:
:mod:`parser` makes a tree (:mod:`syntax`), :mod:`compiler` makes closures of it (:mod:`access`,
:mod:`calls`, :mod:`displays`, :mod:`logic`, :mod:`macros`), and :mod:`functions` holds what they call.
"""

from __future__ import annotations

import sys
from types import ModuleType

from airflow_provider_cloudfn.cel.checking import Check, check
from airflow_provider_cloudfn.cel.limits import DEFAULT_LIMITS, Limits
from airflow_provider_cloudfn.cel.marks import Expression, Literal, lit
from airflow_provider_cloudfn.cel.program import Program, Reference, compile, evaluate  # noqa: A004  # its name in CEL
from airflow_provider_cloudfn.cel.text import to_text
from airflow_provider_cloudfn.cel.values import CelType, Optional, UInt

__all__ = [
    "DEFAULT_LIMITS",
    "CelType",
    "Check",
    "Expression",
    "Limits",
    "Literal",
    "Optional",
    "Program",
    "Reference",
    "UInt",
    "check",
    "compile",
    "evaluate",
    "lit",
    "to_text",
]


class _CallablePackage(ModuleType):
    """The class of this module object, so that ``from airflow_provider_cloudfn import cel`` gives both."""

    def __call__(self, source: str) -> Expression:
        """
        Mark a string as a CEL expression.

        :param source: The expression.
        """
        return Expression(source)


sys.modules[__name__].__class__ = _CallablePackage
