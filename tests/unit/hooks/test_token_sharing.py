from __future__ import annotations

import re
import tempfile
from typing import TYPE_CHECKING

import pytest

from airflow_provider_cloudfn.auth.token_file import FileTokenStore
from airflow_provider_cloudfn.auth.token_redis import RedisTokenStore
from airflow_provider_cloudfn.auth.token_store import AccessToken, MemoryTokenStore
from airflow_provider_cloudfn.exceptions import ConfigurationError
from airflow_provider_cloudfn.hooks.token_sharing import configured_token_store

if TYPE_CHECKING:
    from pathlib import Path


def test_tokens_are_shared_in_the_folder_that_is_configured(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("AIRFLOW__CLOUDFN__TOKEN_STORE_FOLDER", str(tmp_path))

    store = configured_token_store()

    assert isinstance(store, FileTokenStore)
    store.put("key", AccessToken("t1"))
    assert [path.suffix for path in tmp_path.glob("cloudfn-tokens-*/*")] == [".token"]


@pytest.mark.parametrize("folder", ["tokens", "./tokens", "../tokens", "~nobody-of-this-name/tokens"])
def test_a_folder_that_is_another_one_for_each_process_is_refused(monkeypatch: pytest.MonkeyPatch, folder: str) -> None:
    monkeypatch.setenv("AIRFLOW__CLOUDFN__TOKEN_STORE_FOLDER", folder)

    with pytest.raises(
        ConfigurationError, match=rf"token_store_folder: '{re.escape(folder)}' is a place of each process's own"
    ):
        configured_token_store()


def test_they_can_be_kept_in_each_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__CLOUDFN__TOKEN_STORE", "memory")

    assert configured_token_store() is None


def test_machines_share_them_in_a_redis(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__CLOUDFN__TOKEN_STORE", "redis://user:s3cret@127.0.0.1:6379/0")

    assert isinstance(configured_token_store(), RedisTokenStore)


@pytest.mark.parametrize("wrong", ["disk", "redi://user:s3cret@cache/0", "redis://user:s3cret@cache:port"])
def test_another_word_is_refused_without_being_shown(monkeypatch: pytest.MonkeyPatch, wrong: str) -> None:
    monkeypatch.setenv("AIRFLOW__CLOUDFN__TOKEN_STORE", wrong)

    with pytest.raises(ConfigurationError, match=r"^\[cloudfn\] token_store: is ") as raised:
        configured_token_store()

    assert "s3cret" not in str(raised.value)


def test_a_store_of_ones_own_is_named_by_its_class(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__CLOUDFN__TOKEN_STORE", "airflow_provider_cloudfn.auth.token_store.MemoryTokenStore")

    assert isinstance(configured_token_store(), MemoryTokenStore)


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("no.such.module.Store", "can't be made: ModuleNotFoundError"),
        ("collections.NoStore", "can't be made: AttributeError"),
        ("collections.OrderedDict", "is no token store: it has no put and no forget and no lock"),
    ],
)
def test_what_is_no_store_is_refused(monkeypatch: pytest.MonkeyPatch, path: str, told: str) -> None:
    monkeypatch.setenv("AIRFLOW__CLOUDFN__TOKEN_STORE", path)

    with pytest.raises(ConfigurationError, match=re.escape(told)):
        configured_token_store()


def test_without_any_temporary_folder_each_process_keeps_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    def nowhere() -> str:
        raise FileNotFoundError(2, "No usable temporary directory found in ['/tmp']")

    monkeypatch.setenv("AIRFLOW__CLOUDFN__TOKEN_STORE_FOLDER", "")
    monkeypatch.setattr(tempfile, "gettempdir", nowhere)

    assert configured_token_store() is None
