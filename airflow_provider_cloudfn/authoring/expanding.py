"""What a mapped step may be mapped over: Airflow counts that before any expression is evaluated."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from airflow_provider_cloudfn import cel
from airflow_provider_cloudfn.exceptions import ConfigurationError

if TYPE_CHECKING:
    from airflow.sdk.definitions.mappedoperator import OperatorPartial

__all__ = ["refuse_expressions"]

_REMEDY = (
    "Airflow counts the instances before any expression is evaluated. Give the output of the step before, as in "
    "expand(inputs=fetch.output), whose returns= gives the list; or a list, or a dict"
)


def refuse_expressions(partial: OperatorPartial) -> None:
    """
    Let what ``partial(…)`` has returned refuse to be mapped over an expression or text with what to write instead.

    :param partial: Airflow's own object, which stays as it is in all else.
    """
    kind: Any = type(partial)
    partial.__class__ = _refusing(kind)


@lru_cache(maxsize=8)
def _refusing(kind: Any) -> Any:
    def expand(self: OperatorPartial, **mapped: Any) -> Any:
        for name, value in mapped.items():
            _refuse(f"expand({name}=…)", value)
        return kind.expand(self, **mapped)

    def expand_kwargs(self: OperatorPartial, kwargs: Any, *, strict: bool = True) -> Any:
        _refuse("expand_kwargs(…)", kwargs)
        return kind.expand_kwargs(self, kwargs, strict=strict)

    # Without slots of its own, an object of Airflow's class can become one of this.
    members = {"__slots__": (), "__doc__": kind.__doc__, "expand": expand, "expand_kwargs": expand_kwargs}
    return type(kind.__name__, (kind,), members)


def _refuse(what: str, value: Any) -> None:
    if isinstance(value, (str, cel.Expression, cel.Literal)):
        found = "text" if isinstance(value, str) else "an expression"
        raise ConfigurationError(f"{what}: can't be {found}: {_REMEDY}")
