"""The service that a hook's connection leads to."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from kit.server import LoopbackServer

    from airflow_provider_cloudfn.sandbox import Sandbox


@pytest.fixture
def service(serve: Callable[..., LoopbackServer]) -> LoopbackServer:
    return serve()


@pytest.fixture
def sandbox(running_sandbox: Sandbox) -> Sandbox:
    return running_sandbox


@pytest.fixture
def define(connection: Callable[..., None]) -> Callable[..., None]:
    return connection
