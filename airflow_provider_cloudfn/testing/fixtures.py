"""Fixtures for pytest. In a conftest.py: ``from airflow_provider_cloudfn.testing import fake_service``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from airflow_provider_cloudfn.testing.loopback_service import FakeService

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["fake_service"]


@pytest.fixture
def fake_service(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeService]:
    """
    Run a real server on loopback that answers what the test tells it.

    When the test is over, it fails if anything came that was not expected, or did not come that was.
    """
    service = FakeService(monkeypatch.setenv)
    try:
        yield service
        service.verify()
    finally:
        service.stop()
