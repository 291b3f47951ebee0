from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_cloudfn.client.rate_headers import seconds_of_pause

AT_NOON = "Fri, 27 Nov 2026 12:00:00 GMT"
NOON = 1795780800


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        pytest.param({"ratelimit": '"default";r=0;t=5'}, 5, id="nothing remains"),
        pytest.param({"ratelimit": '"default";r=1;t=5'}, None, id="something remains"),
        pytest.param({"ratelimit": '"default";r=0'}, None, id="until when is not said"),
        pytest.param({"ratelimit": '"default";t=5'}, None, id="what remains is not said"),
        pytest.param({"ratelimit": '"default";r=0;t=0'}, None, id="it begins anew just now"),
        pytest.param({"ratelimit": '"second";r=0;t=1, "day";r=0;t=900'}, 900, id="the longest of several"),
        pytest.param({"ratelimit": '"second";r=9;t=1, "day";r=0;t=60'}, 60, id="only what is used up"),
        pytest.param({"ratelimit": '"a;r=0, \\"b";r=5;t=9'}, None, id="a name that looks like parameters"),
        pytest.param({"ratelimit": '"p";pk=:cHsdsRa894==:;r=0;t=7'}, 7, id="a partition key"),
        pytest.param({"ratelimit": "default; r=0; t=5"}, 5, id="a token, and spaces"),
        pytest.param({"ratelimit": '"default";r=0;t=5 and more'}, None, id="no structured field"),
        pytest.param({"ratelimit": '"default";r=0;t=5' + " " * 5000 + "x"}, None, id="too long"),
        pytest.param({"ratelimit": "limit=100, remaining=0, reset=30"}, 30, id="an older draft"),
        pytest.param({"ratelimit": "limit=100, remaining=7, reset=30"}, None, id="an older draft, with something left"),
        pytest.param({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "30"}, 30, id="three fields"),
        pytest.param({"x-rate-limit-remaining": "0", "x-rate-limit-reset": "30"}, 30, id="with one more hyphen"),
        pytest.param({"ratelimit-remaining": "0", "ratelimit-reset": "2.5"}, 2.5, id="without X"),
        pytest.param(
            {"x-ratelimit-limit": "5", "x-ratelimit-remaining": "5", "x-ratelimit-reset": "9"}, None, id="left"
        ),
        pytest.param({"x-ratelimit-remaining": "-3", "x-ratelimit-reset": "30"}, 30, id="more than used up"),
        pytest.param({"ratelimit": '"default";r=-1;t=5'}, 5, id="a policy that is more than used up"),
        pytest.param({"ratelimit": "limit=9, remaining=-1, reset=5"}, 5, id="an older draft, more than used up"),
        pytest.param({"ratelimit": '"default";r=0;t=-5'}, None, id="a policy that begins anew before now"),
        pytest.param({"x-ratelimit-remaining": "0"}, None, id="no reset"),
        pytest.param({"x-ratelimit-remaining": "none", "x-ratelimit-reset": "9"}, None, id="no number"),
        pytest.param({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "-9"}, None, id="a negative one"),
        pytest.param(
            {"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(NOON + 60), "date": AT_NOON}, 60, id="a moment"
        ),
        pytest.param(
            {"x-ratelimit-remaining": "0", "x-ratelimit-reset": f"{NOON + 60}500", "date": AT_NOON},
            60.5,
            id="a moment in milliseconds",
        ),
        pytest.param(
            {"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(NOON - 1), "date": AT_NOON},
            None,
            id="a past moment",
        ),
        pytest.param({}, None, id="nothing"),
    ],
)
def test_nothing_is_sent_until_a_limit_that_is_used_up_begins_anew(
    headers: dict[str, str], seconds: float | None
) -> None:
    assert seconds_of_pause(headers) == (None if seconds is None else pytest.approx(seconds))


@pytest.mark.parametrize(
    ("reset", "seconds"),
    [
        ("20s", 20),
        ("6m0s", 360),
        ("1h0m0.5s", 3600.5),
        ("350ms", 0.35),
        ("1m", 60),
        ("2026-11-27T12:01:30Z", 90),
        ("2026-11-27T13:00:30+01:00", 30),
        ("Fri, 27 Nov 2026 12:00:10 GMT", 10),
        ("2026-11-27T12:01:30", None),
        ("2026-11-27T11:00:00Z", None),
        ("soon", None),
        ("20 s", None),
        ("s", None),
        ("", None),
        ("9" * 1_000 + "s", None),
    ],
)
@pytest.mark.parametrize("end", ["", "-requests", "-tokens"])
def test_a_reset_is_a_duration_or_a_moment_too(reset: str, seconds: float | None, end: str) -> None:
    headers = {f"x-ratelimit-remaining{end}": "0", f"x-ratelimit-reset{end}": reset, "date": AT_NOON}

    assert seconds_of_pause(headers) == (None if seconds is None else pytest.approx(seconds))


@pytest.mark.parametrize("date", [{}, {"date": "today"}])
def test_without_the_service_s_clock_a_moment_is_by_the_worker_s(date: dict[str, str]) -> None:
    headers = {"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(int(time.time()) + 100), **date}

    assert seconds_of_pause(headers) == pytest.approx(100, abs=5)


@given(st.text(st.sampled_from('";=:?@rt05 ,ab\\*'), max_size=60), st.text(max_size=20), st.text(max_size=20))
def test_whatever_stands_there_is_read_or_ignored(field: str, remaining: str, reset: str) -> None:
    found = seconds_of_pause({"ratelimit": field, "x-ratelimit-remaining": remaining, "x-ratelimit-reset": reset})

    assert found is None or found > 0


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 10_000)), min_size=1, max_size=5))
def test_of_several_policies_the_longest_pause_counts(policies: list[tuple[int, int]]) -> None:
    field = ", ".join(f'"p{index}";r={rest};t={reset}' for index, (rest, reset) in enumerate(policies))

    longest = max((reset for rest, reset in policies if rest == 0), default=0)
    assert seconds_of_pause({"ratelimit": field}) == (longest or None)
