"""Where Airflow's tables say which instance of a mapped task it is."""

from __future__ import annotations

from typing import Any

__all__ = ["map_index_column"]


def map_index_column(model: Any) -> str:
    """
    Return the name of the column of the map index: Airflow 3.4 calls it otherwise.

    :param model: Airflow's model of a table.
    """
    return "region_index" if "region_index" in model.__table__.columns else "map_index"
