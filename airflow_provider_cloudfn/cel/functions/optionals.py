"""Optional values, as cel-go's; ``optMap``, ``or`` and ``orValue`` evaluate their argument only when needed: macros."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_cloudfn.cel.faults import Fault
from airflow_provider_cloudfn.cel.registry import function, method
from airflow_provider_cloudfn.cel.values import Optional

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_provider_cloudfn.cel.limits import Budget

__all__: list[str] = []


@function("optional.none")
def none() -> Optional:
    return Optional.NONE


@function("optional.of", "dyn")
def of(value: Any) -> Optional:
    return Optional(value)


@function("optional.ofNonZeroValue", "dyn")
def of_non_zero_value(value: Any) -> Optional:
    """Return an optional of a value, absent for null, false, 0, and what is empty."""
    return Optional(value) if value else Optional.NONE


@method("hasValue", "optional_type")
def has_value(optional: Optional) -> bool:
    return optional.present


@method("value", "optional_type")
def value(optional: Optional) -> Any:
    if not optional.present:
        raise Fault("value() is called on an optional that has none; use orValue(…)")
    return optional.value


@function("optional.unwrap", "list")
@method("unwrapOpt", "list")
def unwrap(budget: Budget, optionals: Sequence[Any]) -> list[Any]:
    """Return the values of those that have one."""
    budget.elements(len(optionals))
    result = []
    for optional in optionals:
        if not isinstance(optional, Optional):
            raise Fault("optional.unwrap() takes a list of optionals")
        if optional.present:
            result.append(optional.value)
    return result
