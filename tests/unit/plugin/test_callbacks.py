"""What is seen of the addresses of callbacks."""

from __future__ import annotations

import time
from importlib.util import find_spec

import pytest
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.testclient import TestClient
from structlog.testing import capture_logs

from airflow_provider_cloudfn.events.signature import CallbackAddress
from airflow_provider_cloudfn.plugin.late_app import LateApp


@pytest.mark.skipif(
    find_spec("airflow.api_fastapi.common.http_access_log") is None, reason="this Airflow has no access log of its own"
)
@pytest.mark.parametrize("behind", ["", "/more"])
def test_the_access_log_has_no_address_that_may_be_good_still(behind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from airflow.api_fastapi.common.http_access_log import HttpAccessLogMiddleware

    monkeypatch.setenv("AIRFLOW__API__SECRET_KEY", "a secret of all of this Airflow")
    mounted = Mount("/cloudfn/callbacks", LateApp("airflow_provider_cloudfn.plugin.callbacks"))
    client = TestClient(HttpAccessLogMiddleware(Starlette(routes=[mounted])))
    token = CallbackAddress("d", "r", "t", -1, 0, int(time.time()) + 60).token()

    with capture_logs() as logged:
        answer = client.post(f"/cloudfn/callbacks/{token}{behind}", content=b"x", headers={"Content-Type": "image/png"})

    assert answer.status_code == (404 if behind else 415)
    assert [line["path"] for line in logged if "path" in line] == ["/cloudfn/callbacks/***"]
    assert token not in str(logged)


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS"])
@pytest.mark.parametrize(
    ("seconds", "forged", "status"), [(60, "", 200), (-60, "", 410), (60, "x", 401)], ids=["good", "late", "forged"]
)
def test_who_looks_whether_an_address_is_good_learns_it(
    method: str, seconds: int, forged: str, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW__API__SECRET_KEY", "a secret of all of this Airflow")
    client = TestClient(LateApp("airflow_provider_cloudfn.plugin.callbacks"))
    token = CallbackAddress("d", "r", "t", -1, 0, int(time.time()) + seconds).token()

    assert client.request(method, f"/{forged}{token}").status_code == status
