"""Ours: ``uuid.v5``, the UUID of a name, which is the same whenever it is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from uuid import NAMESPACE_DNS, NAMESPACE_OID, NAMESPACE_URL, NAMESPACE_X500, UUID, uuid5

from airflow_provider_cloudfn.cel.faults import Fault
from airflow_provider_cloudfn.cel.registry import function

if TYPE_CHECKING:
    from airflow_provider_cloudfn.cel.limits import Budget

__all__: list[str] = []

_NAMESPACES: Final = {"dns": NAMESPACE_DNS, "url": NAMESPACE_URL, "oid": NAMESPACE_OID, "x500": NAMESPACE_X500}


@function("uuid.v5", "string", "string")
def v5(budget: Budget, namespace: str, name: str) -> str:
    """Return the UUID of a name in a namespace: ``dns``, ``url``, ``oid``, ``x500``, or a UUID."""
    budget.text(len(name))
    known = _NAMESPACES.get(namespace.lower())
    if known is None:
        try:
            known = UUID(namespace)
        except ValueError:
            raise Fault("uuid.v5() needs a namespace: dns, url, oid, x500, or a UUID") from None
    return str(uuid5(known, name))
