"""Where Alembic writes down which revision our tables have."""

from __future__ import annotations

from typing import Final

__all__ = ["VERSION_TABLE"]

VERSION_TABLE: Final = "alembic_version_cloudfn"
