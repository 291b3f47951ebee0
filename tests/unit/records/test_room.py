"""A record has no more than 16 KiB, whatever is in it, and stays one."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kit.wire_values import values
from msgspec.structs import replace

from airflow_provider_cloudfn.client.time_split import TimeSplit
from airflow_provider_cloudfn.records.call_record import (
    MOST_BYTES,
    Answered,
    AttemptRecord,
    Bucket,
    CallRecord,
    ErrorRecord,
    Excerpt,
    Exchange,
    FailedCall,
    ManyCalls,
    Sent,
    SlowCall,
    size_of,
)
from airflow_provider_cloudfn.records.recorder import DURATIONS, FAILURES, FIRST, LAST, SLOWEST
from airflow_provider_cloudfn.records.room import fitted
from airflow_provider_cloudfn.records.shown import BODY, HEADER, HEADERS, NAME, TEXT, URL

NOW = dt.datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=dt.UTC)


def largest(sign: str) -> CallRecord:
    """Return a record with as much in it as there can be."""
    headers = tuple((sign * NAME, sign * HEADER) for _ in range(HEADERS))
    body = Excerpt(text=sign * BODY, size=10**12)
    sent = Sent(method="OPTIONS", url=sign * URL, headers=headers, body=body)
    exchange = Exchange(sent=sent, answered=Answered(status=599, headers=headers, body=body, request_id=sign * NAME))
    attempt = AttemptRecord(
        number=100,
        started_at=NOW,
        seconds=123456.123456,
        rate_limit=123456.123456,
        error_type="RequestTimeoutError",
        error=sign * 300,
        next_in=123.456,
        bytes_out=10**12,
        bytes_in=10**12,
        credentials="fetched",
        split=TimeSplit(**dict.fromkeys(TimeSplit.__struct_fields__, 12345.123456)),
    )
    return CallRecord(
        function=sign * NAME,
        conn_id=sign * NAME,
        conn_type="amazon_connect",
        kind="batch",
        outcome="failed",
        started_at=NOW,
        seconds=123456.123456,
        exchange=exchange,
        last=exchange,
        attempts=(attempt,) * (FIRST + LAST),
        many=ManyCalls(
            items=10**9,
            ok=10**9,
            failed=10**9,
            unknown=10**9,
            earlier=10**9,
            durations=tuple(Bucket(below=bound, count=10**9) for bound in DURATIONS),
            slowest=(SlowCall(seconds=123456.123456, method="OPTIONS", url=sign * (URL // 10), attempts=100),)
            * SLOWEST,
            failures=(FailedCall(key=sign * NAME, error=sign * 300, request_id=sign * NAME),) * FAILURES,
        ),
        idempotency_key=sign * NAME,
        event=sign * NAME,
        event_id="0" * 36,
        error=ErrorRecord(type="OutcomeUnknownError", message=sign * TEXT, request_id=sign * NAME),
    )


@pytest.mark.parametrize("sign", ["a", "ü", "\U0001f600", '"', "\u2028"])
def test_the_largest_record_is_cut_to_its_room(sign: str) -> None:
    record = fitted(largest(sign))

    assert size_of(record) <= MOST_BYTES
    assert CallRecord.from_dict(record.to_dict()) == record
    assert record.error is not None
    assert record.error.type == "OutcomeUnknownError"
    assert record.attempts[0].number == 100
    assert record.exchange is not None


def test_what_is_left_out_is_counted() -> None:
    record = fitted(largest("\U0001f600"))

    assert record.exchange is not None
    sent = record.exchange.sent
    assert len(sent.headers) + sent.headers_left_out == HEADERS
    assert len(record.attempts) + record.attempts_left_out == FIRST + LAST
    assert record.many is not None
    assert len(record.many.failures) + record.many.failures_left_out == FAILURES
    assert sent.body is not None
    assert sent.body.is_cut


def test_a_small_record_stays_as_it_is() -> None:
    record = replace(largest(""), attempts=())

    assert fitted(record) is record


@settings(max_examples=40)
@given(values(CallRecord), st.integers(0, 9))
def test_bodies_give_way_before_all_else(record: CallRecord, times: int) -> None:
    body: Any = Excerpt(text="x" * 4_000 * times, size=1)
    sent = Sent(method="POST", url="/v1", body=body)

    small = fitted(replace(record, exchange=Exchange(sent=sent), last=None))

    assert small.outcome == record.outcome
    assert small.totals == record.totals
