"""A MariaDB of a test's own: it speaks MySQL's language, and is what Debian has of it."""

from __future__ import annotations

import importlib.util
import shutil
from typing import Any

from kit.database_server import DatabaseServer

__all__ = ["MariaDb"]

_SERVER = shutil.which("mariadbd", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin") or "mariadbd"


class MariaDb(DatabaseServer):
    """MariaDB."""

    name = "MariaDB"
    owner = "mysql"

    @classmethod
    def missing(cls) -> str | None:
        if shutil.which(_SERVER) is None or shutil.which("mariadb-install-db") is None:
            return "MariaDB is not installed (Debian: apt-get install mariadb-server-core)"
        # Airflow asks for this one, and for the other one in its event loops.
        for module, distribution in (("MySQLdb", "mysqlclient"), ("aiomysql", "aiomysql")):
            if importlib.util.find_spec(module) is None:
                return f"{distribution} is not installed (Debian: apt-get install libmariadb-dev; pip install {distribution})"
        return None

    @property
    def url(self) -> str:
        return f"mysql+mysqldb://root@127.0.0.1:{self.port}/airflow?charset=utf8mb4"

    @property
    def command(self) -> list[str]:
        files = [f"--{name}={self.folder / name}" for name in ("socket", "pid-file")]
        listens = [f"--port={self.port}", "--bind-address=127.0.0.1"]
        # root starts it only where it is told to, which it is where the system has no user of MariaDB's.
        return [_SERVER, "--no-defaults", f"--datadir={self.data}", *files, *listens, "--user=root"]

    def make(self) -> None:
        authentication = "--auth-root-authentication-method=normal"
        self.run("mariadb-install-db", "--no-defaults", f"--datadir={self.data}", authentication, "--skip-test-db")

    def make_database(self) -> None:
        import MySQLdb  # type: ignore[import-untyped]  # it has none

        connection = MySQLdb.connect(host="127.0.0.1", port=self.port, user="root")
        connection.cursor().execute("create database airflow character set utf8mb4 collate utf8mb4_unicode_ci")
        connection.close()

    def connect(self) -> Any:
        import MySQLdb

        return MySQLdb.connect(host="127.0.0.1", port=self.port, user="root", db="airflow", charset="utf8mb4")

    def answers(self) -> bool:
        import MySQLdb

        try:
            MySQLdb.connect(host="127.0.0.1", port=self.port, user="root").close()
        except MySQLdb.Error:
            return False
        return True
