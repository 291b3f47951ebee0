"""What may be repeated, and how long a service, or a token endpoint, asks to wait."""

from __future__ import annotations

import datetime as dt
from email.utils import format_datetime

import pytest
import time_machine
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_cloudfn.auth.client_authentication import OAuth2Client
from airflow_provider_cloudfn.auth.message import HttpResponse
from airflow_provider_cloudfn.auth.oauth2 import OAuth2ClientCredentials
from airflow_provider_cloudfn.auth.repeatable import (
    can_succeed_later,
    is_put_off,
    is_put_off_for_long,
    may_repeat_after,
    seconds_to_wait,
)
from airflow_provider_cloudfn.auth.token_answer import read_token
from airflow_provider_cloudfn.auth.token_store import MemoryTokenStore
from airflow_provider_cloudfn.client.response import Response
from airflow_provider_cloudfn.client.status import retry_after_seconds
from airflow_provider_cloudfn.exceptions import AuthenticationError, CloudFunctionError, ResponseError

NOW = dt.datetime(2026, 11, 21, 6, 0, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0.0),
        ("120", 120.0),
        (" 5 ", 5.0),
        ("9" * 400, 1e9),
        ("Sat, 21 Nov 2026 06:01:30 GMT", 90.0),
        ("Saturday, 21-Nov-26 06:01:30 GMT", 90.0),
        ("Sat Nov 21 06:01:30 2026", 90.0),
        ("Sat, 21 Nov 2026 08:01:30 +0200", 90.0),
        ("Fri, 20 Nov 2026 06:00:00 GMT", 0.0),
        (None, None),
        ("", None),
        ("-5", None),
        ("1.5", 1.5),
        ("2.0", 2.0),
        ("60, 120.5, 5", 120.5),
        ("1e3", None),
        # A moment, in seconds and in milliseconds since 1970.
        (f"{NOW.timestamp() + 90:.0f}", 90.0),
        (f"{NOW.timestamp() * 1000 + 1500:.0f}", 1.5),
        (f"{NOW.timestamp() - 90:.0f}", 0.0),
        ("999999999", 999999999.0),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 1e9),
        ("soon", None),
        ("Mon, 01 Jan 2030 00:00:00 +99999999999999", None),
        ("Mon, 99999999999999999999 Jan 2030 00:00:00 GMT", None),
        ("٣", None),
    ],
)
@time_machine.travel(NOW, tick=False)
def test_it_is_seconds_or_a_date(text: str | None, seconds: float | None) -> None:
    assert seconds_to_wait(text) == seconds


@pytest.mark.parametrize(
    ("date", "seconds"),
    [
        ("Sat, 21 Nov 2026 06:01:00 GMT", 30.0),  # a minute ahead of this machine
        ("Sat, 21 Nov 2026 05:56:30 GMT", 300.0),
        ("Sat, 21 Nov 2026 06:01:00 -0000", 30.0),
        ("Sat, 21 Nov 2026 09:00:00 GMT", 0.0),
        ("now", 90.0),
        ("", 90.0),
        (None, 90.0),
    ],
)
@time_machine.travel(NOW, tick=False)
def test_a_date_counts_from_the_answer_s_own(date: str | None, seconds: float) -> None:
    assert seconds_to_wait("Sat, 21 Nov 2026 06:01:30 GMT", date) == seconds
    assert seconds_to_wait("7", date) == 7.0


@pytest.mark.parametrize("ahead", [-300, 300])
@time_machine.travel(NOW, tick=False)
def test_a_service_whose_clock_is_off_is_waited_for_as_long_as_it_says(ahead: int) -> None:
    there = NOW + dt.timedelta(seconds=ahead)
    headers = {
        "date": format_datetime(there, usegmt=True),
        "retry-after": format_datetime(there + dt.timedelta(seconds=30), usegmt=True),
    }

    with pytest.raises(AuthenticationError) as raised:
        read_token(HttpResponse(503, tuple(headers.items())), "https://auth.example.com/token", ())

    answer = Response(503, headers, None, b"", "https://h/", None)
    assert retry_after_seconds(answer) == raised.value.retry_after == 30.0


@given(st.text(), st.none() | st.text())
def test_whatever_a_service_writes_is_a_time_or_nothing(text: str, date: str | None) -> None:
    seconds = seconds_to_wait(text, date)

    assert seconds is None or seconds >= 0


@pytest.mark.parametrize("status", [429, 503])
def test_a_token_endpoint_that_asks_to_wait_is_waited_for(status: int) -> None:
    auth = OAuth2ClientCredentials(
        OAuth2Client(token_url="https://auth.example.com/token", client_id="ann", client_secret="s"),
        store=MemoryTokenStore(),
    )
    flow = auth.token_flow()
    next(flow)

    with pytest.raises(AuthenticationError) as caught:
        flow.send(HttpResponse(status, (("Retry-After", "17"),), b""))

    assert (caught.value.retryable, caught.value.retry_after) == (True, 17.0)


@pytest.mark.parametrize(
    ("status", "retry_after", "expected"),
    [
        (400, None, False),
        (403, None, False),
        (403, 60.0, True),
        (404, 0.0, True),
        (408, None, True),
        (425, None, True),
        (429, None, True),
        (500, None, True),
        (501, None, False),
        (502, None, True),
        (505, None, False),
        (520, None, True),
        (529, None, True),
        (599, None, True),
        (501, 5.0, True),
        (302, 5.0, False),
        (202, 5.0, False),
    ],
)
def test_a_task_is_tried_again_after_what_can_be_otherwise(
    status: int, retry_after: float | None, expected: bool
) -> None:
    assert can_succeed_later(status, retry_after) is expected


@pytest.mark.parametrize(
    ("status", "retry_after", "idempotent", "otherwise"),
    [
        (429, None, True, True),
        (503, None, True, True),
        (502, None, True, False),
        (504, None, True, False),
        (500, None, False, False),
        (520, None, False, False),
        (500, 1.0, True, False),
        (403, 1.0, True, True),
        (403, None, False, False),
    ],
)
def test_a_call_is_repeated_where_that_does_no_harm(
    status: int, retry_after: float | None, idempotent: bool, otherwise: bool
) -> None:
    assert may_repeat_after(status, retry_after, idempotent=True) is idempotent
    assert may_repeat_after(status, retry_after, idempotent=False) is otherwise


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (ResponseError("x", status=429, retry_after=1), True),
        (ResponseError("x", status=403, retry_after=0), True),
        (ResponseError("x", status=429), False),
        (CloudFunctionError("x", retry_after=1), False),
    ],
)
def test_a_service_that_says_when_to_come_back_has_put_off(error: CloudFunctionError, expected: bool) -> None:
    assert is_put_off(error) is expected


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (ResponseError("x", status=429, retry_after=30), True),
        (ResponseError("x", status=503, retry_after=3600), True),
        (ResponseError("x", status=429, retry_after=29), False),
        (ResponseError("x", status=429), False),
        # It may have been carried out.
        (ResponseError("x", status=500, retry_after=3600), False),
        (CloudFunctionError("x", retry_after=1, never_sent=True), True),
        (CloudFunctionError("x", never_sent=True), False),
    ],
)
def test_what_was_not_carried_out_is_put_off_where_nobody_waits_so_long(
    error: CloudFunctionError, expected: bool
) -> None:
    assert is_put_off_for_long(error, 30) is expected
