"""The charges that the shop has stored, each idempotency key once."""

from __future__ import annotations

import copy
import datetime as dt
import secrets
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Charges", "KeyedCharge"]


class KeyedCharge(NamedTuple):
    """A digest of the request that came with an idempotency key first, and what it was answered."""

    fingerprint: str
    charge: dict[str, Any]


class Charges:
    """Stores charges, oldest first."""

    def __init__(self) -> None:
        self._charges: list[dict[str, Any]] = []
        self._keys: dict[str, KeyedCharge] = {}

    @property
    def all(self) -> list[dict[str, Any]]:
        """All charges, oldest first; the caller may change them."""
        return copy.deepcopy(self._charges)

    def earlier(self, key: str) -> KeyedCharge | None:
        """Return what an idempotency key was used for, if it was."""
        return self._keys.get(key)

    def add(self, wanted: Mapping[str, Any], *, environment: str, key: str | None, fingerprint: str) -> dict[str, Any]:
        """Store a charge, and what its idempotency key, if it has one, was used for."""
        charge = {
            **wanted,
            "id": f"ch_{secrets.token_hex(8)}",
            "status": "succeeded",
            "environment": environment,
            "created_at": dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        }
        self._charges.append(charge)
        if key is not None:
            self._keys[key] = KeyedCharge(fingerprint, charge)
        return charge

    def clear(self) -> None:
        """Forget all charges and keys."""
        self._charges.clear()
        self._keys.clear()
