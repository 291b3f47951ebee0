from __future__ import annotations

import asyncio
import math
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_provider_cloudfn.client.rate_limit import LONGEST_PAUSE, AllLimits, PacedLimiter, Rate, TurnsAhead
from airflow_provider_cloudfn.exceptions import ConfigurationError, RequestTimeoutError

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass
class Hours:
    """A clock that goes on only while somebody sleeps by it."""

    now: float = 1000.0
    slept: list[float] = field(default_factory=list)

    def clock(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        await asyncio.sleep(0)
        self.now += seconds

    def limiter(self, rate: str | None) -> PacedLimiter:
        return PacedLimiter(None if rate is None else Rate.parse(rate), clock=self.clock, sleep=self.sleep)


def most_in_any_window(moments: Sequence[float], rate: Rate) -> float:
    """Return by how many requests more than ``rate * window + burst`` were sent, in the worst window; at most 0 is right."""
    worst = -math.inf
    for i, begin in enumerate(moments):
        for j in range(i, len(moments)):
            worst = max(worst, (j - i + 1) - (moments[j] - begin) / rate.interval - rate.burst)
    return worst


RATES = st.builds(Rate, st.integers(1, 10_000), st.one_of(st.floats(0.001, 86_400), st.integers(1, 3600)))


@pytest.mark.parametrize(
    ("written", "count", "seconds"),
    [
        ("50/s", 50, 1),
        ("6000/min", 6000, 60),
        ("10/2s", 10, 2),
        ("1/1.5 s", 1, 1.5),
        (" 100 / second ", 100, 1),
        ("5000/h", 5000, 3600),
        ("1000/day", 1000, 86_400),
        ("30/5min", 30, 300),
        ("7/S", 7, 1),
    ],
)
def test_a_rate_is_written_so(written: str, count: int, seconds: float) -> None:
    assert Rate.parse(written) == Rate(count, seconds)


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("", "'' is no rate; write such as '50/s', '6000/min' or '10/2s' (s, min, h or d)"),
        ("50", "'50' is no rate"),
        ("fast", "'fast' is no rate"),
        ("50/m", "'50/m' is no rate"),
        ("50/month", "'50/month' is no rate"),
        ("50 per s", "'50 per s' is no rate"),
        ("1e3/s", "'1e3/s' is no rate"),
        ("-5/s", "'-5/s' is no rate"),
        ("\u0665\u0660/s", "'\u0665\u0660/s' is no rate"),
        ("0.5/s", "'0.5/s' is no rate"),
        (100, "100 is no rate"),
        (None, "None is no rate"),
        ("x" * 99, "'" + "x" * 39 + "… is no rate"),
        ("0/s", "a rate's count must be a whole number from 1 to 1,000,000, not 0; for less than one in a second"),
        ("1000001/s", "a rate's count must be"),
        ("5/0s", "a rate's time must be from 0.001 seconds to a day, not 0.0 seconds"),
        ("5/2d", "a rate's time must be"),
    ],
)
def test_what_makes_no_sense_is_refused(written: object, told: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        Rate.parse(written)

    assert str(raised.value).startswith(told)


@pytest.mark.parametrize(("count", "seconds"), [(True, 1), (1.5, 1), (1, True), (1, math.nan), (1, math.inf), (1, "1")])
def test_numbers_that_make_no_sense_are_refused(count: int, seconds: float) -> None:
    with pytest.raises(ConfigurationError, match="a rate's"):
        Rate(count, seconds)


@given(RATES)
def test_a_rate_is_what_it_says_of_itself(rate: Rate) -> None:
    assert Rate.parse(str(rate)) == rate


@given(st.one_of(st.text(max_size=30), st.from_regex(r"[0-9.]{1,14} ?/ ?[0-9.]{0,14} ?[a-z]{1,7}", fullmatch=True)))
def test_any_text_is_a_rate_or_an_error_that_says_what_to_do(written: str) -> None:
    try:
        found: object = Rate.parse(written)
    except ConfigurationError as error:
        found = str(error)

    if isinstance(found, Rate):
        assert 0 < found.interval < math.inf
    else:
        assert re.search("write such as|must be", str(found))


@given(RATES)
def test_a_burst_is_no_more_than_what_the_rate_allows_in_a_second(rate: Rate) -> None:
    assert 1 <= rate.burst <= max(1, rate.count / rate.seconds)
    assert rate.burst <= rate.count


@settings(deadline=None, max_examples=60)
@given(RATES, st.lists(st.tuples(st.integers(1, 12), st.floats(0, 30)), min_size=1, max_size=8), st.data())
def test_never_more_is_sent_than_the_rate_and_one_burst(
    rate: Rate, crowds: list[tuple[int, float]], data: st.DataObject
) -> None:
    hours, sent, pauses = Hours(), [], []
    limiter = PacedLimiter(rate, clock=hours.clock, sleep=hours.sleep)

    async def send() -> None:
        await limiter.acquire()
        sent.append(hours.now)
        seconds = data.draw(st.sampled_from([0.0, 0.0, 0.0, 2.5]))
        if seconds:
            await limiter.pause(seconds)
            pauses.append((hours.now, hours.now + seconds))

    async def all_of_them() -> None:
        for size, idle in crowds:
            await asyncio.gather(*(send() for _ in range(size)))
            hours.now += idle

    asyncio.run(all_of_them())

    assert len(sent) == sum(size for size, _ in crowds)
    assert most_in_any_window(sent, rate) <= 1e-6
    assert not [moment for moment in sent for begin, end in pauses if begin < moment < end - 1e-6]


@given(RATES, st.integers(1, 200))
def test_a_crowd_is_served_as_fast_as_the_rate_says(rate: Rate, crowd: int) -> None:
    hours = Hours(now=0)
    limiter = PacedLimiter(rate, clock=hours.clock, sleep=hours.sleep)

    async def all_of_them() -> None:
        await asyncio.gather(*(limiter.acquire() for _ in range(crowd)))

    asyncio.run(all_of_them())

    assert hours.now == pytest.approx(max(0, crowd - rate.burst) * rate.interval)


def test_who_comes_first_is_served_first() -> None:
    hours, order = Hours(), []
    limiter = hours.limiter("5/s")

    async def send(number: int) -> None:
        await limiter.acquire()
        order.append(number)

    async def all_of_them() -> None:
        await asyncio.gather(*(send(number) for number in range(20)))

    asyncio.run(all_of_them())

    assert order == list(range(20))


def test_a_pause_holds_up_those_who_wait_already_and_ends_without_a_burst() -> None:
    hours, sent = Hours(now=0), []
    limiter = hours.limiter("100/s")

    async def send() -> None:
        await limiter.acquire()
        sent.append(round(hours.now, 6))
        if len(sent) == 11:
            await limiter.pause(30)

    async def all_of_them() -> None:
        await asyncio.gather(*(send() for _ in range(14)))

    asyncio.run(all_of_them())

    assert sent == [0.0] * 10 + [0.01, 30.01, 30.02, 30.03]


def test_a_shorter_pause_ends_no_longer_one() -> None:
    hours = Hours(now=0)
    limiter = hours.limiter(None)

    async def send() -> None:
        await limiter.pause(60)
        await limiter.pause(1)
        await limiter.acquire()

    asyncio.run(send())

    assert hours.now == 60


def test_without_a_rate_only_pauses_hold() -> None:
    hours = Hours()
    limiter = hours.limiter(None)

    async def all_of_them() -> None:
        await asyncio.gather(*(limiter.acquire() for _ in range(1000)))

    asyncio.run(all_of_them())

    assert hours.slept == []


@pytest.mark.parametrize("seconds", [10**9, math.inf])
def test_nobody_is_held_up_for_ever(seconds: float) -> None:
    hours = Hours(now=0)
    limiter = hours.limiter("1/s")

    async def send() -> None:
        await limiter.pause(seconds)
        await limiter.acquire()

    asyncio.run(send())

    assert hours.now == LONGEST_PAUSE


@pytest.mark.parametrize("seconds", [0, -1, -math.inf])
def test_a_pause_of_no_length_is_none(seconds: float) -> None:
    hours = Hours()
    limiter = hours.limiter("1/s")

    async def send() -> None:
        await limiter.pause(seconds)
        await limiter.acquire()

    asyncio.run(send())

    assert hours.slept == []


def test_it_reads_what_an_answer_says_of_the_service_s_limit() -> None:
    hours = Hours(now=0)
    limiter = hours.limiter("100/s")

    async def send() -> None:
        await limiter.observe({"ratelimit": '"default";r=0;t=7'})
        await limiter.observe({"ratelimit": '"default";r=5;t=70'})
        await limiter.acquire()

    asyncio.run(send())

    assert hours.now == 7


def refused(limiter: PacedLimiter, at_most: float) -> RequestTimeoutError:
    with pytest.raises(RequestTimeoutError) as raised:
        asyncio.run(limiter.acquire(at_most))
    return raised.value


def test_what_would_take_too_long_is_not_waited_for() -> None:
    hours = Hours()
    limiter = hours.limiter("2/min")
    asyncio.run(limiter.acquire())

    error = refused(limiter, 10)

    assert str(error).startswith(
        "the rate limit (2/min): it lets no request be sent for 30.0 more seconds, and 10.0 seconds are left"
    )
    assert "nothing was sent" in str(error)
    assert (error.never_sent, error.retryable, error.retry_after) == (True, True, 30)
    assert hours.slept == []


def test_without_time_to_wait_it_is_now_or_not_at_all() -> None:
    limiter = PacedLimiter(Rate(1, 1000))

    asyncio.run(limiter.acquire(0))

    assert "0.0 seconds are left" in str(refused(limiter, 0))


def test_who_is_refused_takes_nobody_s_turn() -> None:
    hours = Hours(now=0)
    limiter = hours.limiter("2/min")
    asyncio.run(limiter.acquire())
    for _ in range(5):
        refused(limiter, 10)

    asyncio.run(limiter.acquire(30))

    assert hours.now == 30


def test_it_says_when_it_is_the_service_that_asked_to_wait() -> None:
    limiter = Hours().limiter("2/min")
    asyncio.run(limiter.pause(20))

    assert "the service asked to wait, and lets no request be sent for 20.0 more seconds" in str(refused(limiter, 10))


def test_those_at_the_end_of_a_long_queue_need_not_wait_in_vain() -> None:
    limiter = Hours().limiter("1/s")

    async def all_of_them() -> list[object]:
        return await asyncio.gather(*(limiter.acquire(10) for _ in range(30)), return_exceptions=True)

    outcomes = asyncio.run(all_of_them())

    assert [outcome is None for outcome in outcomes] == [True] * 11 + [False] * 19
    assert {type(outcome) for outcome in outcomes[11:]} == {RequestTimeoutError}


def test_who_is_cancelled_holds_nobody_up() -> None:
    limiter = PacedLimiter(Rate(1, 0.05))

    async def all_of_them() -> None:
        await limiter.acquire()
        first, second = asyncio.create_task(limiter.acquire()), asyncio.create_task(limiter.acquire())
        await asyncio.sleep(0)
        first.cancel()
        await asyncio.wait_for(second, 10)

    asyncio.run(all_of_them())


def test_several_event_loops_share_a_limiter() -> None:
    hours = Hours(now=0)
    limiter = hours.limiter("1/s")

    for _ in range(3):
        asyncio.run(limiter.acquire())

    assert hours.now == 2


def test_of_several_limits_all_hold() -> None:
    hours = Hours(now=0)
    both = AllLimits(hours.limiter("10/s"), hours.limiter("2/s"))

    async def send() -> None:
        for _ in range(3):
            await both.acquire()
        await both.pause(5)
        await both.observe({"ratelimit": '"p";r=0;t=9'})
        await both.acquire()

    asyncio.run(send())

    assert hours.now == 10


def test_a_turn_that_was_taken_ahead_is_for_one_request() -> None:
    hours = Hours(now=0)
    turns = TurnsAhead(hours.limiter("1/s"))

    async def call() -> None:
        turns.give()
        for _ in range(3):
            await turns.acquire()

    async def send() -> None:
        await turns.take(at_most=10)
        await asyncio.create_task(call())

    asyncio.run(send())

    assert hours.now == 2
