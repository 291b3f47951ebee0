"""An application that is imported at its first request."""

from __future__ import annotations

import logging
import subprocess
import sys
import threading
from types import ModuleType
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route
from starlette.testclient import TestClient

from airflow_provider_cloudfn.plugin.late_app import LateApp


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    made = ModuleType("made_for_a_test")
    monkeypatch.setitem(sys.modules, made.__name__, made)
    return made


def client(app: LateApp) -> TestClient:
    return TestClient(Starlette(routes=[Mount("/late", app)]))


def test_it_is_made_at_the_first_request_and_once(module: Any) -> None:
    made: list[int] = []

    def application() -> Starlette:
        made.append(1)
        return Starlette(routes=[Route("/here", lambda _: PlainTextResponse("hello"))])

    module.application = application
    asked = client(LateApp("made_for_a_test"))
    assert made == []

    assert [asked.get("/late/here").text for _ in range(2)] == ["hello", "hello"]
    assert made == [1]


def test_one_that_is_broken_is_a_503_and_is_logged_once(module: Any, caplog: pytest.LogCaptureFixture) -> None:
    def application() -> Starlette:
        raise RuntimeError("a broken installation")

    module.application = application
    asked = client(LateApp("made_for_a_test"))

    with caplog.at_level(logging.ERROR):
        answers = [asked.get("/late/here") for _ in range(2)]

    assert [answer.status_code for answer in answers] == [503, 503]
    assert "broken installation" not in answers[0].text
    assert [record.exc_text.splitlines()[-1] for record in caplog.records if record.exc_text] == [
        "RuntimeError: a broken installation"
    ]


def test_requests_that_come_at_once_find_one_application(module: Any) -> None:
    made: list[int] = []
    begun = threading.Barrier(4)

    def application() -> Starlette:
        made.append(1)
        return Starlette(routes=[Route("/here", lambda _: PlainTextResponse("hello"))])

    module.application = application
    app = LateApp("made_for_a_test")

    def load() -> None:
        begun.wait()
        app._load()

    threads = [threading.Thread(target=load) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert made == [1]


def test_what_is_imported_while_models_are_mapped_is_there_before_two_threads_can_ask_the_database() -> None:
    program = """
import sys
import airflow.settings
from airflow_provider_cloudfn.plugin.airflow_plugin import CloudFunctionPlugin
from sqlalchemy.orm import configure_mappers

airflow.settings.initialize()
for app in CloudFunctionPlugin.fastapi_apps:
    app["app"]._load()
there = set(sys.modules)
configure_mappers()
print(sorted(set(sys.modules) - there))
"""
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)

    assert done.stdout.splitlines()[-1] == "[]"
