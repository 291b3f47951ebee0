"""Airflow's API server with our pages in it, and somebody who looks at them."""

from __future__ import annotations

import socket
import subprocess
import threading
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
import uvicorn
from kit import rights
from kit.forked import ForkedPopen

from airflow_provider_cloudfn.plugin.pages import confined

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from starlette.testclient import TestClient

ORIGIN = "http://testserver"


@pytest.fixture(scope="session")
def api_server(airflow_database: None) -> Iterator[Any]:
    """Return Airflow's own application, with the plugins that it finds."""
    from airflow.api_fastapi.app import create_app
    from airflow.configuration import conf

    conf.set("core", "auth_manager", "kit.rights.RightsByDag")
    conf.set("api_auth", "jwt_secret", "secret" * 16)
    yield create_app(apps="core")
    conf.remove_option("core", "auth_manager")
    conf.remove_option("api_auth", "jwt_secret")


@pytest.fixture(scope="module")
def airflow(api_server: Any) -> Iterator[str]:
    """Return where Airflow's API server is served."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(api_server, log_config=None))
    thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    server.should_exit = True
    thread.join()


@pytest.fixture
def visit(api_server: Any) -> Iterator[Callable[..., TestClient]]:
    """Return a function that opens a browser for somebody who may read, and trigger, some Dags."""
    from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity
    from starlette.testclient import TestClient

    def open_for(
        username: str = "reader",
        reads: tuple[str, ...] = ("d",),
        triggers: tuple[str, ...] = (),
        *,
        without: tuple[str, ...] = (),
        edits: bool = True,
        assets: bool = True,
        root_path: str = "",
    ) -> TestClient:
        rights.READS[username], rights.TRIGGERS[username] = set(reads), set(triggers)
        rights.WITHOUT[username] = {DagAccessEntity[name] for name in without}
        if not edits:
            rights.WITHOUT_EDITS.add(username)
        if not assets:
            rights.WITHOUT_ASSETS.add(username)
        client = TestClient(api_server, base_url=ORIGIN, root_path=root_path, raise_server_exceptions=False)
        client.cookies.set("_token", rights.session_of(username))
        return client

    yield open_for
    for table in (rights.READS, rights.TRIGGERS, rights.WITHOUT, rights.WITHOUT_EDITS, rights.WITHOUT_ASSETS):
        table.clear()


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let what is tried run in a fork of this process: to import Airflow takes longer than most of these tests."""

    def start(command: list[str], **options: Any) -> ForkedPopen:
        return ForkedPopen(command[command.index("cloudfn") - 1 :], confined._run, **options)

    # For this module alone: a browser is a process too.
    monkeypatch.setattr(confined, "subprocess", SimpleNamespace(**{**vars(subprocess), "Popen": start}))
