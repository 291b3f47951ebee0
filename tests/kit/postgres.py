"""A PostgreSQL of a test's own."""

from __future__ import annotations

import importlib.util
import signal
import subprocess
from typing import Any

from kit.cluster import postgres_program
from kit.database_server import DatabaseServer

__all__ = ["Postgres"]


class Postgres(DatabaseServer):
    """PostgreSQL."""

    name = "PostgreSQL"
    owner = "postgres"
    stopped_by = signal.SIGINT

    @classmethod
    def missing(cls) -> str | None:
        if postgres_program("initdb") is None:
            return "PostgreSQL is not installed (Debian: apt-get install postgresql)"
        if importlib.util.find_spec("psycopg2") is None:
            return "psycopg2 is not installed (pip install psycopg2-binary)"
        return None

    @property
    def url(self) -> str:
        return f"postgresql+psycopg2://airflow@127.0.0.1:{self.port}/airflow"

    @property
    def command(self) -> list[str]:
        given = ["-D", str(self.data), "-k", str(self.folder), "-h", "127.0.0.1", "-p", str(self.port), "-F"]
        return [_program("postgres"), *given]

    def make(self) -> None:
        self.run(_program("initdb"), "-D", str(self.data), "-U", "airflow", "--auth=trust", "--no-sync")

    def make_database(self) -> None:
        self.run(_program("createdb"), "-h", "127.0.0.1", "-p", str(self.port), "-U", "airflow", "airflow")

    def connect(self) -> Any:
        import psycopg2  # type: ignore[import-untyped]  # it has none

        return psycopg2.connect(host="127.0.0.1", port=self.port, user="airflow", dbname="airflow")

    def answers(self) -> bool:
        ready = [_program("pg_isready"), "-h", "127.0.0.1", "-p", str(self.port), "-q"]
        return subprocess.run(ready, check=False).returncode == 0


def _program(name: str) -> str:
    return postgres_program(name) or name
