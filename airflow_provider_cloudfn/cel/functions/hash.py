"""Ours: ``hash.sha256`` and ``hash.md5``, in hexadecimal. Checksums only: nothing here takes a key."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from airflow_provider_cloudfn.cel.registry import function

if TYPE_CHECKING:
    from airflow_provider_cloudfn.cel.limits import Budget

__all__: list[str] = []


#: How much is hashed at once.
_PIECE: Final = 1 << 20


def _digest(budget: Budget, checksum: Any, data: str | bytes) -> str:
    budget.spend(len(data) >> 7)
    for begin in range(0, len(data), _PIECE):
        piece = data[begin : begin + _PIECE]
        checksum.update(piece.encode("utf-8") if isinstance(piece, str) else piece)
    return str(checksum.hexdigest())


@function("hash.sha256", "string")
@function("hash.sha256", "bytes")
def sha256(budget: Budget, data: str | bytes) -> str:
    import hashlib

    return _digest(budget, hashlib.sha256(), data)


@function("hash.md5", "string")
@function("hash.md5", "bytes")
def md5(budget: Budget, data: str | bytes) -> str:
    """Return the MD5, for services that still ask for it."""
    import hashlib

    return _digest(budget, hashlib.md5(usedforsecurity=False), data)
