"""What holds for every place where turns are kept: one table, run in the process, in a file and in a real Redis."""

from __future__ import annotations

import asyncio
import fcntl
import json
import math
import os
import stat
import struct
import subprocess
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_cloudfn.auth.token_redis import redis_client
from airflow_provider_cloudfn.client import turns_file
from airflow_provider_cloudfn.client.rate_limit import PacedLimiter, Rate
from airflow_provider_cloudfn.client.turns import Pace, ProcessTurns, Turns
from airflow_provider_cloudfn.client.turns_file import FileTurns
from airflow_provider_cloudfn.client.turns_redis import RedisTurns
from airflow_provider_cloudfn.client.turns_shared import SharedTurns, TurnsUnavailableError

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from pathlib import Path

#: One turn in a hundred seconds: what a test takes is not what a test lasts.
SLOW = Pace(100.0)

#: Opens a limit as another process does.
Opened = Callable[[str], Turns]


@pytest.fixture(params=["process", "file", "redis"])
def opened(request: pytest.FixtureRequest, tmp_path: Path) -> Opened:
    if request.param == "process":
        limits: dict[str, Turns] = {}
        return lambda key: limits.setdefault(key, ProcessTurns())
    if request.param == "file":
        return lambda key: FileTurns(tmp_path / "folder", key)
    url: str = request.getfixturevalue("redis_url")
    redis_client(url).flushall()
    return lambda key: RedisTurns(redis_client(url), key)


def result(of: Coroutine[Any, Any, Any]) -> Any:
    return asyncio.run(of)


def waits(turns: Turns, count: int, pace: Pace = SLOW, at_most: float = math.inf) -> list[float]:
    return [result(turns.take(pace, at_most)).wait for _ in range(count)]


def test_turns_follow_one_another_at_the_pace(opened: Opened) -> None:
    assert waits(opened("shop"), 4) == pytest.approx([0, 100, 200, 300], abs=20)


def test_a_burst_comes_at_once(opened: Opened) -> None:
    assert waits(opened("shop"), 5, Pace(100, tolerance=200)) == pytest.approx([0, 0, 0, 100, 200], abs=20)


def test_all_who_open_a_limit_share_it(opened: Opened) -> None:
    assert [waits(opened("shop"), 1)[0] for _ in range(3)] == pytest.approx([0, 100, 200], abs=20)


def test_another_limit_is_another(opened: Opened) -> None:
    waits(opened("shop"), 3)

    assert waits(opened("stock"), 1) == [0]


def test_a_turn_that_is_too_far_away_is_told_and_not_taken(opened: Opened) -> None:
    turns = opened("shop")
    waits(turns, 1)

    assert waits(turns, 3, at_most=10) == pytest.approx([100, 100, 100], abs=20)
    assert waits(turns, 2) == pytest.approx([100, 200], abs=20)


def test_a_pause_holds_for_all(opened: Opened) -> None:
    assert result(opened("shop").paused_for()) == 0

    result(opened("shop").pause(SLOW, 500))

    assert result(opened("shop").paused_for()) == pytest.approx(500, abs=20)
    turn = result(opened("shop").take(SLOW, math.inf))
    assert turn.wait == pytest.approx(500, abs=20)
    assert turn.is_paused


def test_after_a_pause_there_is_no_burst(opened: Opened) -> None:
    pace = Pace(100, tolerance=200)
    result(opened("shop").pause(pace, 500))

    assert waits(opened("shop"), 3, pace) == pytest.approx([500, 600, 700], abs=20)


def test_of_two_pauses_the_longer_one_holds(opened: Opened) -> None:
    result(opened("shop").pause(SLOW, 500))
    result(opened("shop").pause(SLOW, 5))

    assert result(opened("shop").paused_for()) == pytest.approx(500, abs=20)


def test_nobody_gets_the_turn_of_another_one(opened: Opened) -> None:
    async def all_at_once() -> list[float]:
        one, other = opened("shop"), opened("shop")
        taken = await asyncio.gather(*(turns.take(SLOW, math.inf) for turns in [one, other] * 20))
        return sorted(turn.wait for turn in taken)

    assert asyncio.run(all_at_once()) == pytest.approx([100 * number for number in range(40)], abs=20)


TAKING = """
import asyncio, json, math, pathlib, sys
from airflow_provider_cloudfn.client.turns import Pace
from airflow_provider_cloudfn.client.turns_file import FileTurns

async def take():
    turns = FileTurns(pathlib.Path(sys.argv[1]), "shop", clock=lambda: 1000.0)
    print(json.dumps([(await turns.take(Pace(1.0), math.inf)).wait for _ in range(500)]))

print("ready", flush=True)
sys.stdin.readline()
asyncio.run(take())
"""


def test_processes_share_a_file_and_lose_no_turn(tmp_path: Path) -> None:
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", TAKING, str(tmp_path / "folder")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    taken = [json.loads(process.communicate(timeout=60)[0]) for process in processes]

    assert sorted(taken[0] + taken[1]) == list(range(1000))


def rate_file(folder: Path) -> Path:
    (found,) = folder.glob("*.rate")
    return found


def at(folder: Path, moment: float) -> FileTurns:
    return FileTurns(folder, "shop", clock=lambda: moment)


def test_a_file_is_small_and_its_user_s_alone(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    waits(FileTurns(folder, "shop"), 50)

    assert rate_file(folder).stat().st_size == 32
    assert stat.S_IMODE(rate_file(folder).stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert "shop" not in rate_file(folder).name


def written(due: float, paused_until: float, written_at: float, magic: bytes = b"cf-rate1") -> bytes:
    return struct.pack("<8s3d", magic, due, paused_until, written_at)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"half of it", id="too short"),
        pytest.param(written(1500, 0, 1000) + b"x", id="too long"),
        pytest.param(written(1500, 0, 1000, b"cf-rate2"), id="another form"),
        pytest.param(written(math.nan, 0, 1000), id="no number"),
        pytest.param(written(math.inf, 0, 1000), id="for ever"),
        pytest.param(written(1e9, 0, 1000), id="for years"),
        pytest.param(written(1500, 1e9, 1000), id="a pause of years"),
    ],
)
def test_what_is_no_schedule_counts_as_none(tmp_path: Path, content: bytes) -> None:
    waits(at(tmp_path / "folder", 1000), 1)
    rate_file(tmp_path / "folder").write_bytes(content)

    assert waits(at(tmp_path / "folder", 1000), 2) == [0, 100]


def test_a_clock_that_is_set_back_makes_nobody_wait_for_the_difference(tmp_path: Path) -> None:
    waits(at(tmp_path / "folder", 1_000_000), 1)

    assert waits(at(tmp_path / "folder", 900_000), 2) == [100, 200]


def test_a_pause_comes_to_its_end_though_the_clock_was_set_back(tmp_path: Path) -> None:
    """Nobody takes a turn meanwhile, as nobody has the time: each look would find it as far away."""
    result(at(tmp_path / "folder", 1_000_000).pause(SLOW, 30))

    assert waits(at(tmp_path / "folder", 900_000), 1, at_most=5) == [30]
    assert result(at(tmp_path / "folder", 900_020).paused_for()) == 10
    assert waits(at(tmp_path / "folder", 900_030), 1, at_most=5) == [0]


def test_a_redis_whose_clock_was_set_back_makes_nobody_wait_for_the_difference(redis_url: str) -> None:
    """As one that takes over from another can have another clock."""
    client = redis_client(redis_url)
    client.flushall()
    result(RedisTurns(client, "shop").pause(SLOW, 30))
    (name,) = client.keys("*")
    for field, value in client.hgetall(name).items():
        client.hset(name, field, f"{float(value) + 3600e6:.3f}")

    assert waits(RedisTurns(client, "shop"), 1, at_most=5) == pytest.approx([30], abs=5)
    assert float(client.hget(name, "paused_until")) / 1e6 == pytest.approx(client.time()[0] + 30, abs=5)


def test_who_had_the_file_when_it_was_swept_away_takes_the_new_one(tmp_path: Path) -> None:
    turns = at(tmp_path / "folder", 1000)
    waits(turns, 3)
    rate_file(tmp_path / "folder").unlink()

    assert waits(turns, 2) == [0, 100]


def broken_folders(tmp_path: Path) -> dict[str, Path]:
    for_all = tmp_path / "for-all"
    for_all.mkdir(mode=0o755)
    file = tmp_path / "file"
    file.touch()
    linked, piped = tmp_path / "linked", tmp_path / "piped"
    for folder in (linked, piped):
        waits(FileTurns(folder, "shop"), 1)
    victim = rate_file(linked).rename(tmp_path / "victim")
    (linked / rate_file_name(piped)).symlink_to(victim)
    name = rate_file(piped)
    name.unlink()
    os.mkfifo(name)
    return {"for all": for_all, "no folder": file, "below a file": file / "x", "a link": linked, "a pipe": piped}


def rate_file_name(folder: Path) -> str:
    return rate_file(folder).name


@pytest.mark.parametrize("fault", ["for all", "no folder", "below a file", "a link", "a pipe"])
def test_a_file_that_cannot_be_used_is_told(tmp_path: Path, fault: str) -> None:
    turns = FileTurns(broken_folders(tmp_path)[fault], "shop")

    with pytest.raises(TurnsUnavailableError):
        waits(turns, 1)


def test_a_process_that_hangs_with_the_file_stops_neither_the_loop_nor_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turns_file, "_PATIENCE", 0.2)
    turns = FileTurns(tmp_path / "folder", "shop")
    waits(turns, 1)
    held = os.open(rate_file(tmp_path / "folder"), os.O_RDWR)
    fcntl.flock(held, fcntl.LOCK_EX)

    async def take() -> int:
        asked = asyncio.create_task(turns.take(SLOW, math.inf))
        rounds = 0
        while not asked.done():
            await asyncio.sleep(0)
            rounds += 1
        with pytest.raises(TurnsUnavailableError, match="another process keeps the file locked"):
            await asked
        return rounds

    assert asyncio.run(take()) > 100
    os.close(held)
    assert waits(turns, 1) == pytest.approx([100], abs=20)


def test_redis_forgets_a_limit_that_nobody_uses(redis_url: str) -> None:
    client = redis_client(redis_url)
    client.flushall()

    waits(RedisTurns(client, "shop"), 2)
    result(RedisTurns(client, "stock").pause(SLOW, 50))

    lives = sorted(client.ttl(name) for name in client.keys("*"))
    assert lives == pytest.approx([51, 201], abs=20)
    assert not any(b"shop" in name for name in client.keys("*"))


def unreachable(tmp_path: Path, kind: str) -> Turns:
    if kind == "file":
        (tmp_path / "file").touch()
        return FileTurns(tmp_path / "file", "shop")
    return RedisTurns(redis_client(f"unix://{tmp_path}/s3cret.sock"), "shop")


@pytest.mark.parametrize("kind", ["file", "redis"])
def test_without_its_store_each_process_keeps_to_the_limit_and_says_so_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, kind: str
) -> None:
    turns = SharedTurns(unreachable(tmp_path, kind), "rate_limit of connection 'shop'")

    assert waits(turns, 3) == pytest.approx([0, 100, 200], abs=20)
    result(turns.pause(SLOW, 500))
    assert result(turns.paused_for()) == pytest.approx(500, abs=20)

    warnings = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert len(warnings) == 1
    assert warnings[0].startswith("rate_limit of connection 'shop' can't be shared (")
    assert warnings[0].endswith("; each process keeps to it by itself")
    assert "s3cret" not in caplog.text


class Flaky(ProcessTurns):
    """A store that can be out of reach."""

    is_away = False
    asked = 0

    async def take(self, pace: Pace, at_most: float) -> Any:
        self.asked += 1
        if self.is_away:
            raise TurnsUnavailableError("gone")
        return await super().take(pace, at_most)


def test_a_store_that_is_away_is_left_alone_for_a_while_and_then_used_again() -> None:
    now, store = [0.0], Flaky()
    turns = SharedTurns(store, "the limit", clock=lambda: now[0])
    waits(turns, 1)
    store.is_away = True
    waits(turns, 3)
    assert store.asked == 2

    store.is_away, now[0] = False, 10.0

    assert waits(turns, 1) == pytest.approx([100], abs=20)
    assert store.asked == 3


def test_a_pause_outlasts_the_store_that_knew_it() -> None:
    store = Flaky()
    turns = SharedTurns(store, "the limit")
    result(turns.pause(SLOW, 500))
    store.is_away = True

    assert waits(turns, 1) == pytest.approx([500], abs=20)


def test_a_limiter_waits_for_turns_from_anywhere(opened: Opened) -> None:
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    async def send() -> None:
        for limiter in [PacedLimiter(Rate(1, 100), opened("shop"), sleep=sleep) for _ in range(3)]:
            await limiter.acquire()

    asyncio.run(send())

    assert slept == pytest.approx([100, 200], abs=20)
