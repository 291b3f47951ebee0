"""Where Airflow's tables say which instance of a mapped task it is."""

from __future__ import annotations

from typing import Any

__all__ = ["map_index_column", "region_of"]


def map_index_column(model: Any) -> str:
    """
    Return the name of the column of the map index: Airflow 3.4 calls it otherwise.

    :param model: Airflow's model of a table.
    """
    return "region_index" if "region_index" in model.__table__.columns else "map_index"


def region_of(instance: Any, model: Any) -> dict[str, Any]:
    """
    Return what else tells rows of a mapped task instance from those of another, from Airflow 3.4 on: which mapping it is of.

    :param instance: A row of Airflow's table of task instances.
    :param model: Airflow's model of the rows' table.
    """
    return {"region_id": instance.region_id} if "region_id" in model.__table__.columns else {}
