from __future__ import annotations

import tempfile
from typing import TYPE_CHECKING

import pytest

from airflow_provider_cloudfn.auth.token_file import SharedTokenStore
from airflow_provider_cloudfn.auth.token_store import AccessToken
from airflow_provider_cloudfn.exceptions import ConfigurationError
from airflow_provider_cloudfn.hooks.token_sharing import configured_token_store

if TYPE_CHECKING:
    from pathlib import Path


def test_tokens_are_shared_in_the_folder_that_is_configured(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("AIRFLOW__CLOUDFN__TOKEN_STORE_FOLDER", str(tmp_path))

    store = configured_token_store()

    assert isinstance(store, SharedTokenStore)
    store.put("key", AccessToken("t1"))
    assert [path.suffix for path in tmp_path.glob("cloudfn-tokens-*/*")] == [".token"]


def test_they_can_be_kept_in_each_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__CLOUDFN__TOKEN_STORE", "memory")

    assert configured_token_store() is None


def test_another_word_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__CLOUDFN__TOKEN_STORE", "disk")

    with pytest.raises(ConfigurationError, match=r"\[cloudfn\] token_store: 'disk' is neither 'file' nor 'memory'"):
        configured_token_store()


def test_without_any_temporary_folder_each_process_keeps_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    def nowhere() -> str:
        raise FileNotFoundError(2, "No usable temporary directory found in ['/tmp']")

    monkeypatch.setenv("AIRFLOW__CLOUDFN__TOKEN_STORE_FOLDER", "")
    monkeypatch.setattr(tempfile, "gettempdir", nowhere)

    assert configured_token_store() is None
