"""The service that a sensor asks."""

from __future__ import annotations

from typing import Any

import pytest


@pytest.fixture
def service(connected: Any) -> Any:
    """Return the server behind the connection ``service``, whose key is a secret."""
    return connected(password="s3cret-key", extra={"auth_type": "api_key", "key_name": "X-Api-Key"})
