"""Tokens shared by processes: who can't log in can't read them, and no disk can break a call."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest
import time_machine

from airflow_provider_cloudfn.auth.client_authentication import OAuth2Client
from airflow_provider_cloudfn.auth.oauth2 import OAuth2ClientCredentials
from airflow_provider_cloudfn.auth.token_file import FileTokenStore
from airflow_provider_cloudfn.auth.token_store import AccessToken, MemoryTokenStore

KEY = "00" * 32
TOKEN = AccessToken("acc3ss-token", expires_at=4e9, refresh_token="r3fresh-token", lifetime=3600.0)


def store_of(folder: Path) -> FileTokenStore:
    """Return the store as another process has it: with an empty memory."""
    return FileTokenStore(folder, MemoryTokenStore())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "deep" / "tokens"


def token_file(folder: Path) -> Path:
    (found,) = (file for file in folder.glob("*.token") if file.is_file() and not file.is_symlink())
    return found


def test_nobody_else_can_read_a_file_or_its_folder(folder: Path) -> None:
    store_of(folder).put(KEY, TOKEN)

    assert stat.S_IMODE(token_file(folder).stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_file_holds_nothing_that_can_be_read(folder: Path) -> None:
    store_of(folder).put(KEY, TOKEN)

    content = token_file(folder).read_bytes()
    assert not any(text in content for text in (b"acc3ss", b"r3fresh", b"expires", KEY.encode()))
    assert KEY[:8] not in token_file(folder).name


def test_every_writing_is_another_ciphertext(folder: Path) -> None:
    store = store_of(folder)
    store.put(KEY, TOKEN)
    before = token_file(folder).read_bytes()
    store.put(KEY, TOKEN)

    assert token_file(folder).read_bytes() != before


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\0",
        b"cloudfn-token-1\n",
        b"cloudfn-token-1\nshort",
        b"cloudfn-token-1\n" + b"x" * 100,
        b'{"value": "evil"}',
    ],
)
def test_what_is_no_token_is_ignored_and_replaced(folder: Path, content: bytes) -> None:
    store_of(folder).put(KEY, TOKEN)
    token_file(folder).write_bytes(content)

    assert store_of(folder).get(KEY) is None
    store_of(folder).put(KEY, TOKEN)
    assert store_of(folder).get(KEY) == TOKEN


def test_a_changed_file_is_ignored(folder: Path) -> None:
    store_of(folder).put(KEY, TOKEN)
    content = bytearray(token_file(folder).read_bytes())
    content[-1] ^= 1
    token_file(folder).write_bytes(content)

    assert store_of(folder).get(KEY) is None


def test_a_token_of_other_credentials_under_this_name_is_ignored(folder: Path) -> None:
    store_of(folder).put(KEY, TOKEN)
    name = token_file(folder)
    other = folder.with_name("other")
    store_of(other).put("01" * 32, TOKEN)
    name.write_bytes(token_file(other).read_bytes())

    assert store_of(folder).get(KEY) is None


def test_a_link_is_not_followed(folder: Path, tmp_path: Path) -> None:
    store_of(folder).put(KEY, TOKEN)
    elsewhere = tmp_path / "elsewhere"
    token_file(folder).rename(elsewhere)
    (folder / store_of(folder)._path(KEY).name).symlink_to(elsewhere)

    assert store_of(folder).get(KEY) is None


def test_a_folder_that_others_can_write_to_is_not_used(folder: Path) -> None:
    folder.mkdir(parents=True)
    folder.chmod(0o777)

    store_of(folder).put(KEY, TOKEN)

    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("kind", ["file", "unwritable"])
def test_without_a_usable_folder_it_works_within_the_process_and_says_so_once(
    tmp_path: Path, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    blocked = tmp_path / "blocked"
    blocked.write_bytes(b"")
    store = store_of(blocked if kind == "file" else blocked / "below")
    lock = store.lock(KEY)

    assert lock.try_acquire()
    store.put(KEY, TOKEN)
    lock.release()
    assert store.get(KEY) == TOKEN
    store.forget(KEY, TOKEN)
    assert store.get(KEY) is None
    store.put(KEY, TOKEN)
    (said,) = caplog.messages
    assert f"nothing can be kept in {blocked}" in said
    assert "each process asks for tokens of its own" in said


def test_on_a_full_disk_it_works_within_the_process(folder: Path) -> None:
    code = (
        "import resource, signal, pathlib, sys\n"
        "from airflow_provider_cloudfn.auth.token_file import FileTokenStore\n"
        "from airflow_provider_cloudfn.auth.token_store import AccessToken\n"
        "store = FileTokenStore(pathlib.Path(sys.argv[1]))\n"
        "store.put('k', AccessToken('first', expires_at=4e9))\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (4, 4))\n"
        "store.put('k', AccessToken('second', expires_at=5e9))\n"
        "assert store.get('k').value == 'second'\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(folder)], capture_output=True, text=True, check=False)

    assert done.returncode == 0
    assert "(File too large)" in done.stderr
    assert [path.suffix for path in folder.iterdir()] == [".token"]
    found = store_of(folder).get("k")
    assert found is not None
    assert found.value == "first"


def test_the_lock_of_a_process_that_dies_is_free_again(folder: Path) -> None:
    code = (
        "import os, pathlib, sys\n"
        "from airflow_provider_cloudfn.auth.token_file import FileTokenStore\n"
        "lock = FileTokenStore(pathlib.Path(sys.argv[1])).lock(sys.argv[2])\n"
        "assert lock.try_acquire()\n"
        "os._exit(9)\n"
    )
    assert subprocess.run([sys.executable, "-c", code, str(folder), KEY], check=False).returncode == 9

    lock = store_of(folder).lock(KEY)
    assert lock.try_acquire()
    lock.release()


def test_a_lock_leaves_no_descriptor_open(folder: Path) -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(20):
        lock = store_of(folder).lock(KEY)
        lock.try_acquire()
        lock.release()

    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_a_client_without_a_secret_shares_with_nobody(folder: Path) -> None:
    auth = OAuth2ClientCredentials(
        OAuth2Client(
            token_url="https://auth.example.com/token", client_id="ann", client_secret="", client_auth_method="none"
        ),
        store=store_of(folder),
    )
    auth._store.put(auth.key, TOKEN)
    auth._store.forget(auth.key, TOKEN)

    assert not folder.exists()


def test_a_lock_is_free_again_though_a_process_was_forked_meanwhile(folder: Path) -> None:
    lock = store_of(folder).lock(KEY)
    assert lock.try_acquire()
    read_end, write_end = os.pipe()
    child = os.fork()
    if child == 0:  # It has the descriptor of the lock too, and lives on.
        os.close(write_end)
        os.read(read_end, 1)
        os._exit(0)
    try:
        lock.release()

        assert store_of(folder).lock(KEY).try_acquire()
    finally:
        os.close(write_end)
        os.close(read_end)
        os.waitpid(child, 0)


OLD = time.time() - 30 * 24 * 3600
OTHER_KEY = "01" * 32


def aged(folder: Path) -> list[Path]:
    """Make all files of a folder old, and return them."""
    files = sorted(folder.iterdir())
    for file in files:
        os.utime(file, (OLD, OLD))
    return files


def with_a_lock(folder: Path, key: str) -> None:
    store = store_of(folder)
    lock = store.lock(key)
    assert lock.try_acquire()
    store.put(key, TOKEN)
    lock.release()


def test_what_nobody_has_written_for_long_is_swept_away(folder: Path) -> None:
    with_a_lock(folder, KEY)
    left_by_one_that_died = token_file(folder).with_name(f"{token_file(folder).name}.0123456789abcdef")
    left_by_one_that_died.write_bytes(b"half")
    (folder / f"{'0' * 32}.rate").write_bytes(b"a rate limit")
    old = aged(folder)

    with_a_lock(folder, OTHER_KEY)

    assert len(old) == 4
    assert sorted(file.suffix for file in folder.iterdir()) == [".lock", ".token"]
    assert not set(old) & set(folder.iterdir())
    assert store_of(folder).get(OTHER_KEY) == TOKEN


def test_what_is_in_use_is_not_swept_away(folder: Path) -> None:
    with_a_lock(folder, KEY)
    aged(folder)
    lock = store_of(folder).lock(KEY)
    assert lock.try_acquire()

    with_a_lock(folder, OTHER_KEY)

    assert store_of(folder).get(KEY) == TOKEN
    assert not store_of(folder).lock(KEY).try_acquire()
    lock.release()


def test_a_lock_that_was_taken_long_ago_is_not_swept_away(folder: Path) -> None:
    with_a_lock(folder, KEY)
    lock = store_of(folder).lock(KEY)
    assert lock.try_acquire()
    old = aged(folder)

    with_a_lock(folder, OTHER_KEY)

    assert set(old) <= set(folder.iterdir())
    assert not store_of(folder).lock(KEY).try_acquire()
    lock.release()


def test_foreign_files_are_not_swept_away(folder: Path, tmp_path: Path) -> None:
    with_a_lock(folder, KEY)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_bytes(b"mine")
    (folder / "notes.txt").write_bytes(b"mine")
    (folder / f"{'0' * 32}.token.bak").write_bytes(b"mine")
    (folder / f"{'1' * 32}.token").symlink_to(elsewhere)
    (folder / f"{'2' * 32}.token").mkdir()
    foreign = {file for file in aged(folder) if file != token_file(folder) and file.suffix != ".lock"}

    with_a_lock(folder, OTHER_KEY)

    assert len(foreign) == 4
    assert foreign <= set(folder.iterdir())
    assert elsewhere.read_bytes() == b"mine"


def test_a_process_sweeps_once_in_a_while(folder: Path) -> None:
    store = store_of(folder)
    with time_machine.travel("2026-01-01T00:00:00Z", tick=False) as clock:
        store.put(OTHER_KEY, TOKEN)
        store_of(folder).put(KEY, TOKEN)
        (ours,) = (file for file in folder.glob("*.token") if file != store._path(OTHER_KEY))
        os.utime(ours, (0, 0))
        store.put(OTHER_KEY, TOKEN)
        before = ours.exists()
        clock.shift(3601)
        store.put(OTHER_KEY, TOKEN)

    assert (before, ours.exists()) == (True, False)


def test_a_lock_that_is_swept_away_while_it_is_waited_for_gives_no_lock(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever locks what is gone would have the lock together with the next one, who makes the file anew."""
    store = store_of(folder)
    opened = store.open_lock

    def open_and_lose(key: str) -> int | None:
        descriptor = opened(key)
        store._path(key, ".lock").unlink()
        return descriptor

    monkeypatch.setattr(store, "open_lock", open_and_lose)
    late = store.lock(KEY)
    assert not late.try_acquire()
    monkeypatch.undo()

    assert late.try_acquire()
    late.release()
