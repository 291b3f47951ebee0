"""What the tests of auth schemes share: they drive a scheme by hand, with ``next()`` and ``send()``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_cloudfn.auth.message import HttpResponse

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def answer() -> Callable[..., HttpResponse]:
    """Return what makes an answer in JSON, of one object or of keywords."""

    def make(fields: object = None, *, status: int = 200, **more: Any) -> HttpResponse:
        content = json.dumps(more if fields is None else fields).encode()
        return HttpResponse(status, (("content-type", "application/json"),), content)

    return make
