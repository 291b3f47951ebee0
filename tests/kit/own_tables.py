"""How our tables in a database differ from those that the code reads."""

from __future__ import annotations

from typing import Any

from airflow_provider_cloudfn.deliveries.tables import metadata

__all__ = ["differences"]


def differences(session: Any) -> list[Any]:
    """
    Return what Alembic would change.

    :param session: Airflow's database.
    """
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    ours = {"include_name": lambda name, kind, _: kind != "table" or name in metadata.tables, "compare_type": True}
    return list(compare_metadata(MigrationContext.configure(session.connection(), opts=ours), metadata))
