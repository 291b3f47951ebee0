"""Ours: ``hash.sha256`` and ``hash.md5``, in hexadecimal. Checksums only: nothing here takes a key."""

from __future__ import annotations

from airflow_provider_cloudfn.cel.registry import function

__all__: list[str] = []


def _bytes(data: str | bytes) -> bytes:
    return data.encode("utf-8") if isinstance(data, str) else data


@function("hash.sha256", "string")
@function("hash.sha256", "bytes")
def sha256(data: str | bytes) -> str:
    import hashlib

    return hashlib.sha256(_bytes(data)).hexdigest()


@function("hash.md5", "string")
@function("hash.md5", "bytes")
def md5(data: str | bytes) -> str:
    """Return the MD5, for services that still ask for it."""
    import hashlib

    return hashlib.md5(_bytes(data), usedforsecurity=False).hexdigest()
