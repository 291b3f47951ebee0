"""A database server of a test's own, on 127.0.0.1: it can be stopped and started again, as in an outage."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from abc import ABC, abstractmethod
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_cloudfn.cli.demo.airflow_api import until
from airflow_provider_cloudfn.cli.demo.ports import free_ports

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["DatabaseServer"]

_PATIENCE = 60.0


class DatabaseServer(ABC):
    """A server with the database ``airflow``, in a temporary folder."""

    #: What it is called, and the system's user who has it where root starts it.
    name: ClassVar[str]
    owner: ClassVar[str]
    #: The signal that stops it at once, and leaves its files as they should be.
    stopped_by: ClassVar[signal.Signals] = signal.SIGTERM

    def __init__(self) -> None:
        # Its owner must reach it, who is not the one who runs the tests.
        self.folder = Path(tempfile.mkdtemp(prefix=f"cloudfn-{self.owner}-", dir="/tmp"))
        (self.port,) = free_ports(1)
        self._as_owner: list[str] = []
        if os.geteuid() == 0 and (user := self._user()) is not None:
            os.chown(self.folder, user.pw_uid, user.pw_gid)
            self._as_owner = ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]
        self._process: subprocess.Popen[bytes] | None = None
        self.make()
        self.start()
        self.make_database()

    @classmethod
    @abstractmethod
    def missing(cls) -> str | None:
        """Return what this machine lacks for it, None where it has all."""

    @property
    @abstractmethod
    def url(self) -> str:
        """Where the database is, for SQLAlchemy."""

    @property
    @abstractmethod
    def command(self) -> list[str]:
        """What starts the server."""

    @abstractmethod
    def make(self) -> None:
        """Make the server's files."""

    @abstractmethod
    def make_database(self) -> None:
        """Make the database in the server."""

    @abstractmethod
    def connect(self) -> Any:
        """Return a connection of the database's driver."""

    @abstractmethod
    def answers(self) -> bool:
        """Tell whether it answers."""

    @property
    def data(self) -> Path:
        """Where its files are."""
        return self.folder / "data"

    def start(self) -> None:
        """Start it, and return when it answers."""
        quiet = subprocess.DEVNULL
        self._process = subprocess.Popen(
            [*self._as_owner, *self.command], cwd=self.folder, stdout=quiet, stderr=quiet, start_new_session=True
        )
        until(lambda: True if self.answers() else None, _PATIENCE, f"{self.name} does not answer", pause=0.05)

    def stop(self) -> None:
        """Stop it at once: what is under way breaks off."""
        if self._process is not None:
            self._process.send_signal(self.stopped_by)
            self._process.wait(_PATIENCE)
            self._process = None

    @contextmanager
    def away(self) -> Iterator[None]:
        """Have it stopped for the time of the block."""
        self.stop()
        try:
            yield
        finally:
            self.start()

    def query(self, statement: str) -> list[tuple[Any, ...]]:
        """Return the rows of a query."""
        with closing(self.connect()) as connection:
            cursor = connection.cursor()
            cursor.execute(statement)
            return list(cursor.fetchall())

    def execute(self, statement: str) -> None:
        """Do what returns no rows."""
        with closing(self.connect()) as connection:
            connection.cursor().execute(statement)
            connection.commit()

    def remove(self) -> None:
        """Stop it and take its folder away."""
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def run(self, *command: str) -> None:
        """Run a program of the database's as its owner."""
        subprocess.run([*self._as_owner, *command], check=True, cwd=self.folder, capture_output=True, timeout=_PATIENCE)

    def _user(self) -> pwd.struct_passwd | None:
        try:
            return pwd.getpwnam(self.owner)
        except KeyError:
            return None
