"""How Alembic reaches Airflow's database. It runs this file by its path."""

from __future__ import annotations

from typing import Any

from airflow import settings
from alembic import context

from airflow_provider_cloudfn.deliveries.tables import VERSION_TABLE, metadata


def _offline() -> None:
    context.configure(
        url=settings.SQL_ALCHEMY_CONN, target_metadata=metadata, literal_binds=True, version_table=VERSION_TABLE
    )
    with context.begin_transaction():
        context.run_migrations()


def _online() -> None:
    engine: Any = settings.get_engine()  # type: ignore[no-untyped-call]  # Airflow has not typed it
    with engine.connect() as connection:
        # Without batches SQLite can't change a table.
        context.configure(
            connection=connection, target_metadata=metadata, render_as_batch=True, version_table=VERSION_TABLE
        )
        with context.begin_transaction():
            context.run_migrations()


if context.is_offline_mode():
    _offline()
else:
    _online()
