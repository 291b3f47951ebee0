"""The parameters of somebody else's function, whatever its annotations name."""

from __future__ import annotations

import inspect
import sys
from functools import partial
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["parameters_of"]

if sys.version_info >= (3, 14):
    from annotationlib import Format

    # There an annotation is evaluated when it is asked for, and may name what is imported for a type checker only.
    _signature = partial(inspect.signature, annotation_format=Format.STRING)
else:
    _signature = inspect.signature


def parameters_of(function: Callable[..., Any]) -> Mapping[str, inspect.Parameter]:
    """Return the parameters of a function by name, without their annotations' being evaluated."""
    return _signature(function).parameters
