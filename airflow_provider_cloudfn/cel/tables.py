"""First version: builds the parser; the saved tables follow."""

from __future__ import annotations

from typing import Any

from airflow_provider_cloudfn.cel.grammar import build

__all__ = ["load"]


def load(transformer: Any) -> Any:
    return build(transformer)
