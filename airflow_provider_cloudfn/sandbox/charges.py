"""The charges that the shop has stored, each idempotency key once."""

from __future__ import annotations

import copy
import datetime as dt
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Charges", "KeyedCharge"]


@dataclass(frozen=True, slots=True)
class KeyedCharge:
    """
    What came with an idempotency key.

    :param fingerprint: A digest of the request that came with the key first.
    :param charge: What it was answered.
    """

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
        """
        Return what an idempotency key was used for, if it was.

        :param key: The key.
        """
        return self._keys.get(key)

    def add(self, wanted: Mapping[str, Any], *, environment: str, key: str | None, fingerprint: str) -> dict[str, Any]:
        """
        Store a charge.

        :param wanted: What the caller wants charged.
        :param environment: Such as ``production``.
        :param key: The idempotency key.
        :param fingerprint: A digest of the request.
        """
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
