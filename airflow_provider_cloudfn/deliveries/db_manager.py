"""Creates and changes the tables of this package when somebody runs ``airflow db migrate``."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from airflow.utils.db_manager import BaseDBManager

from airflow_provider_cloudfn.deliveries.tables import VERSION_TABLE, metadata

__all__ = ["CloudFunctionDBManager"]

_HERE: Final = Path(__file__).parent


class CloudFunctionDBManager(BaseDBManager):
    """The DB manager that the provider info names."""

    metadata = metadata
    migration_dir = str(_HERE / "migrations")
    alembic_file = str(_HERE / "alembic.ini")
    version_table_name = VERSION_TABLE
    supports_table_dropping = True
    #: For ``airflow db-manager migrate --to-version``: our version, and the last revision that it brought.
    revision_heads_map = {"0.1.0": "0002"}  # noqa: RUF012 - Airflow's own attribute

    def downgrade(self, to_revision: str, from_revision: str | None = None, show_sql_only: bool = False) -> None:
        """
        Take revisions back: what their tables hold is lost.

        :param to_revision: Such as ``0001``, or ``base`` for no table at all.
        :param from_revision: Where to begin, for ``show_sql_only``.
        :param show_sql_only: Print the statements instead.
        """
        from alembic import command

        config: Any = self.get_alembic_config()  # type: ignore[no-untyped-call]  # Airflow has not typed it
        # What the session has read would keep another connection from changing tables.
        self.session.commit()
        revision = f"{from_revision}:{to_revision}" if show_sql_only and from_revision else to_revision
        command.downgrade(config, revision=revision, sql=show_sql_only)
