"""What holds for every token store that processes share: one table, run against a folder and against a real Redis."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
import time_machine

from airflow_provider_cloudfn.auth.shared_tokens import SharedTokenStore
from airflow_provider_cloudfn.auth.token_file import FileTokenStore
from airflow_provider_cloudfn.auth.token_redis import RedisTokenStore, redis_client
from airflow_provider_cloudfn.auth.token_store import AccessToken, MemoryTokenStore
from airflow_provider_cloudfn.client import token_locks

if TYPE_CHECKING:
    from pathlib import Path

KEY = "00" * 32
TOKEN = AccessToken("acc3ss-token", expires_at=4e9, refresh_token="r3fresh-token", lifetime=3600.0)

#: Makes a store as another process has it: with an empty memory.
Opened = Callable[[], SharedTokenStore]


@pytest.fixture(params=["file", "redis"])
def opened(request: pytest.FixtureRequest, tmp_path: Path) -> Opened:
    if request.param == "file":
        return lambda: FileTokenStore(tmp_path / "tokens", MemoryTokenStore())
    url: str = request.getfixturevalue("redis_url")
    redis_client(url).flushall()
    return lambda: RedisTokenStore(url, MemoryTokenStore())


def test_another_process_finds_a_token(opened: Opened) -> None:
    opened().put(KEY, TOKEN)

    assert opened().get(KEY) == TOKEN


def test_there_is_none_for_other_credentials(opened: Opened) -> None:
    opened().put(KEY, TOKEN)

    assert opened().get("01" * 32) is None


def test_the_token_that_lives_longer_wins(opened: Opened) -> None:
    longer = AccessToken("new", expires_at=5e9)
    one, other = opened(), opened()
    one.put(KEY, AccessToken("old", expires_at=time.time() + 30))
    other.put(KEY, longer)

    assert one.get(KEY) == longer


def test_a_refused_token_is_forgotten_by_all_and_a_newer_one_kept(opened: Opened) -> None:
    newer = AccessToken("newer", expires_at=5e9)
    one, other = opened(), opened()
    one.put(KEY, TOKEN)
    one.forget(KEY, TOKEN)
    assert opened().get(KEY) is None

    one.put(KEY, TOKEN)
    other.put(KEY, newer)
    one.forget(KEY, TOKEN)
    assert opened().get(KEY) == newer


def test_a_token_of_unknown_lifetime_is_not_kept_for_ever(opened: Opened) -> None:
    opened().put(KEY, AccessToken("for how long?"))
    assert opened().get(KEY) is not None

    with time_machine.travel(time.time() + 3601, tick=True):
        assert opened().get(KEY) is None


def test_one_at_a_time_has_the_lock(opened: Opened) -> None:
    one, other = opened().lock(KEY), opened().lock(KEY)

    assert one.try_acquire()
    assert one.try_acquire()
    assert not other.try_acquire()
    one.release()
    assert other.try_acquire()
    other.release()


def test_other_credentials_have_a_lock_of_their_own(opened: Opened) -> None:
    one, other = opened().lock(KEY), opened().lock("01" * 32)

    assert one.try_acquire()
    assert other.try_acquire()


def test_a_lock_that_another_one_has_is_not_given_back(opened: Opened) -> None:
    one, other = opened().lock(KEY), opened().lock(KEY)
    assert one.try_acquire()

    other.release()

    assert not other.try_acquire()
    one.release()


def test_the_lock_of_one_who_died_is_free_before_those_give_up_who_wait_for_it(redis_url: str) -> None:
    """Else all of them would ask for a token at once."""
    client = redis_client(redis_url)
    client.flushall()
    assert RedisTokenStore(redis_url, MemoryTokenStore()).lock(KEY).try_acquire()

    (name,) = client.keys("*")
    assert 0 < client.ttl(name) < token_locks._LONGEST


def test_a_redis_holds_nothing_that_can_be_read(redis_url: str) -> None:
    RedisTokenStore(redis_url, MemoryTokenStore()).put(KEY, TOKEN)

    client = redis_client(redis_url)
    names = client.keys("*")
    held = b"".join([*names, *(client.get(name) or b"" for name in names)])
    assert not any(text in held for text in (b"acc3ss", b"r3fresh", b"expires", KEY.encode()))
    assert all(client.ttl(name) > 0 for name in names)


@pytest.mark.parametrize("content", [b"", b"\0", b"cloudfn-token-1\nshort", b"x" * 300_000])
def test_what_is_no_token_in_a_redis_is_ignored_and_replaced(redis_url: str, content: bytes) -> None:
    client = redis_client(redis_url)
    client.flushall()
    RedisTokenStore(redis_url, MemoryTokenStore()).put(KEY, TOKEN)
    (name,) = client.keys("*")
    client.set(name, content)

    assert RedisTokenStore(redis_url, MemoryTokenStore()).get(KEY) is None
    RedisTokenStore(redis_url, MemoryTokenStore()).put(KEY, TOKEN)
    assert RedisTokenStore(redis_url, MemoryTokenStore()).get(KEY) == TOKEN


def test_without_its_redis_a_store_works_within_the_process_and_says_so_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    store = RedisTokenStore(f"unix://{tmp_path}/s3cret.sock", MemoryTokenStore())

    assert store.get(KEY) is None
    store.put(KEY, TOKEN)
    lock = store.lock(KEY)
    assert lock.try_acquire()
    lock.release()

    assert store.get(KEY) == TOKEN
    warnings = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert len(warnings) == 1
    assert "token_store: Redis can't be asked (ConnectionError)" in warnings[0]
    assert "s3cret" not in caplog.text


def test_the_lock_of_a_machine_that_dies_is_free_again(redis_url: str) -> None:
    client = redis_client(redis_url)
    client.flushall()
    program = (
        "import os, sys\n"
        "from airflow_provider_cloudfn.auth.token_redis import RedisTokenStore\n"
        "assert RedisTokenStore(sys.argv[1]).lock(sys.argv[2]).try_acquire()\n"
        "os._exit(0)\n"
    )
    subprocess.run([sys.executable, "-c", program, redis_url, KEY], check=True)
    lock = RedisTokenStore(redis_url, MemoryTokenStore()).lock(KEY)
    assert not lock.try_acquire()

    # Sixty seconds later, as Redis counts them.
    (name,) = client.keys("*")
    assert 0 < client.ttl(name) <= 60
    client.pexpire(name, 0)
    assert lock.try_acquire()
