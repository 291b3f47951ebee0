from __future__ import annotations

import asyncio
import tempfile
from typing import TYPE_CHECKING

import pytest

from airflow_provider_cloudfn.auth.token_redis import redis_client
from airflow_provider_cloudfn.client.rate_limit import Rate, RateLimiter
from airflow_provider_cloudfn.exceptions import ConfigurationError, RequestTimeoutError
from airflow_provider_cloudfn.hooks import rate_sharing
from airflow_provider_cloudfn.hooks.rate_sharing import limiter_of

if TYPE_CHECKING:
    from pathlib import Path

URL = "https://api.example.com"
SLOW = Rate(1, 1000)


def in_this_process() -> RateLimiter:
    found = limiter_of("shop", URL, SLOW)
    assert found is not None
    return found


def in_another_process() -> RateLimiter:
    """Return the limiter as a process has it that knows of none yet."""
    rate_sharing._limiter.cache_clear()
    return in_this_process()


def sends(limiter: RateLimiter) -> bool:
    """Return whether a request may be sent at once."""
    try:
        asyncio.run(limiter.acquire(0))
    except RequestTimeoutError:
        return False
    return True


@pytest.fixture
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("AIRFLOW__CLOUDFN__TOKEN_STORE_FOLDER", str(tmp_path))
    return tmp_path


def test_a_connection_without_a_limit_has_no_limiter() -> None:
    assert limiter_of("shop", URL, None) is None


@pytest.mark.usefixtures("folder")
def test_a_process_has_one_limiter_for_each_connection() -> None:
    assert limiter_of("shop", URL, SLOW) is limiter_of("shop", URL, Rate(1, 1000))
    assert limiter_of("shop", URL, SLOW) is not limiter_of("shop", URL, Rate(2, 1000))


@pytest.mark.parametrize(("conn_id", "url"), [("stock", URL), ("shop", "https://test.example.com")])
def test_another_connection_or_another_service_has_another_limit(folder: Path, conn_id: str, url: str) -> None:
    other = limiter_of(conn_id, url, SLOW)
    assert other is not None

    assert sends(in_this_process())
    assert sends(other)
    assert len([*folder.glob("cloudfn-tokens-*/*.rate")]) == 2


@pytest.mark.parametrize("store", ["file", "airflow_provider_cloudfn.auth.token_store.MemoryTokenStore"])
def test_the_processes_of_a_machine_share_a_limit_beside_its_tokens(
    monkeypatch: pytest.MonkeyPatch, folder: Path, store: str
) -> None:
    monkeypatch.setenv("AIRFLOW__CLOUDFN__TOKEN_STORE", store)

    assert sends(in_this_process())
    assert not sends(in_this_process())
    assert not sends(in_another_process())
    assert [path.suffix for path in folder.glob("cloudfn-tokens-*/*")] == [".rate"]


def test_machines_share_it_in_a_redis(monkeypatch: pytest.MonkeyPatch, folder: Path, redis_url: str) -> None:
    redis_client(redis_url).flushall()
    monkeypatch.setenv("AIRFLOW__CLOUDFN__TOKEN_STORE", redis_url)

    assert sends(in_this_process())
    assert not sends(in_another_process())
    assert list(folder.iterdir()) == []


def test_with_memory_each_process_has_its_own(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    monkeypatch.setenv("AIRFLOW__CLOUDFN__TOKEN_STORE", "memory")

    assert sends(in_this_process())
    assert not sends(in_this_process())
    assert sends(in_another_process())
    assert list(folder.iterdir()) == []


def test_without_any_temporary_folder_each_process_has_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    def nowhere() -> str:
        raise FileNotFoundError(2, "No usable temporary directory found in ['/tmp']")

    monkeypatch.setenv("AIRFLOW__CLOUDFN__TOKEN_STORE_FOLDER", "")
    monkeypatch.setattr(tempfile, "gettempdir", nowhere)

    assert sends(in_this_process())
    assert not sends(in_this_process())


def test_a_store_that_is_none_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__CLOUDFN__TOKEN_STORE", "disk")

    with pytest.raises(ConfigurationError, match=r"^\[cloudfn\] token_store: is neither"):
        in_this_process()


@pytest.mark.usefixtures("folder")
def test_an_error_names_the_connection_s_field() -> None:
    limiter = in_this_process()
    sends(limiter)

    with pytest.raises(
        RequestTimeoutError, match=r"^rate_limit of connection 'shop' \(1/1000s\): it lets no request be"
    ):
        asyncio.run(limiter.acquire(1))
