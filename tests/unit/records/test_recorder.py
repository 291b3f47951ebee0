"""What is kept of a step's calls while they are made, and what its record says of them."""

from __future__ import annotations

import asyncio
import datetime as dt
from typing import TYPE_CHECKING, Any

import pytest
from msgspec.structs import replace

from airflow_provider_cloudfn.auth.message import HttpRequest, HttpResponse
from airflow_provider_cloudfn.client.attempt import Attempt
from airflow_provider_cloudfn.client.client import Client
from airflow_provider_cloudfn.client.url import BaseUrl
from airflow_provider_cloudfn.exceptions import OutcomeUnknownError, RequestTimeoutError, ResponseError
from airflow_provider_cloudfn.records.call_record import Totals
from airflow_provider_cloudfn.records.joining import joined
from airflow_provider_cloudfn.records.recorder import FIRST, LAST, SLOWEST, CallRecorder

if TYPE_CHECKING:
    from airflow_provider_cloudfn.records.call_record import CallRecord, Journal, Kind

URL = "https://shop.test/v1"
STARTED = dt.datetime(2026, 1, 2, tzinfo=dt.UTC)


def recorder(kind: Kind = "call") -> CallRecorder:
    made = CallRecorder(kind)
    made.over("shop", "cloudfn", Client(base_url=BaseUrl.parse("https://shop.test")))
    return made


def attempt(number: int = 1, **changes: Any) -> Attempt:
    given = Attempt(number, "GET", URL, 1.0, duration=0.02, status=200, sent=3, received=5, elapsed=0.02)
    return replace(given, **changes)


def call(made: CallRecorder, path: str = "", *attempts: Attempt, status: int = 200) -> None:
    """Tell of a call, with an exchange in each attempt."""
    for one in attempts or (attempt(status=status),):
        made.exchanged(HttpRequest("GET", URL + path), HttpResponse(one.status, (), b"12345") if one.status else None)
        made.ended(one)


def told(made: CallRecorder, error: BaseException | None = None) -> CallRecord:
    outcome = "success" if error is None else "failed"
    return made.record(outcome, started_at=STARTED, seconds=1.0, try_number=1, error=error)  # type: ignore[arg-type]  # either


def test_retries_are_of_one_call() -> None:
    made = recorder()
    call(
        made,
        "",
        attempt(status=503, next_in=0.5, rate_limit=0.25, token_requests=1, token_source="fetched"),
        attempt(2, token_source="kept", elapsed=0.7),
    )

    record = told(made)

    assert record.totals == Totals(
        calls=1, attempts=2, retries=1, bytes_out=6, bytes_in=10, credential_requests=1, rate_limit=0.25
    )
    assert [one.next_in for one in record.attempts] == [0.5, None]
    assert record.credentials == "fetched"
    assert record.many is None


def test_of_many_attempts_the_first_and_the_last_are_told() -> None:
    made = recorder()
    call(made, "", *(attempt(number, status=503, next_in=0.1) for number in range(1, 41)))

    record = told(made)

    assert [one.number for one in record.attempts] == [*range(1, FIRST + 1), *range(41 - LAST, 41)]
    assert record.attempts_left_out == 40 - FIRST - LAST


@pytest.mark.parametrize(
    ("kind", "shown", "last"),
    [("call", "/c", None), ("wait", "/c", None), ("pages", "/a", "/c"), ("job", "/a", "/c"), ("batch", "/b", None)],
)
def test_which_of_several_calls_is_shown(kind: Kind, shown: str, last: str | None) -> None:
    made = recorder(kind)
    call(made, "/a")
    call(made, "/b", status=404)
    call(made, "/c")

    record = told(made)

    assert record.exchange is not None
    assert record.exchange.sent.url == URL + shown
    assert (None if record.last is None else record.last.sent.url) == (None if last is None else URL + last)


def test_calls_at_the_same_time_are_kept_apart() -> None:
    made = recorder("batch")

    async def one(number: int) -> None:
        made.exchanged(HttpRequest("GET", f"{URL}/{number}"), HttpResponse(200, (), b""))
        await asyncio.sleep(0)
        made.ended(attempt(status=503 if number == 3 else 200, received=0, elapsed=number / 10))

    async def run() -> None:
        await asyncio.gather(*(asyncio.create_task(one(number)) for number in range(20)))

    asyncio.run(run())
    record = told(made)

    assert record.exchange is not None
    assert record.exchange.sent.url == f"{URL}/3"
    assert record.many is not None
    assert [one.seconds for one in record.many.slowest] == [1.9, 1.8, 1.7, 1.6, 1.5]
    assert len(record.many.slowest) == SLOWEST
    assert [(one.below, one.count) for one in record.many.durations] == [
        (0.01, 1),
        (0.25, 2),
        (0.5, 2),
        (1.0, 5),
        (2.5, 10),
    ]


def test_behind_a_redirect_are_the_first_request_and_the_last_answer() -> None:
    made = recorder()
    made.exchanged(HttpRequest("POST", URL), HttpResponse(303, (("Location", "/v1/7"),)))
    made.exchanged(HttpRequest("GET", f"{URL}/7"), HttpResponse(200, (), b"12345"))
    made.ended(attempt())

    exchange = told(made).exchange

    assert exchange is not None
    assert exchange.answered is not None
    assert (exchange.sent.method, exchange.answered.status) == ("POST", 200)


@pytest.mark.parametrize(
    ("error", "journal"),
    [
        (None, "sent"),
        (ResponseError("no", status=400), "sent"),
        (RequestTimeoutError("never", never_sent=True), None),
        (OutcomeUnknownError("?", sent_at=STARTED, method="POST", url=URL), "unknown"),
    ],
)
def test_what_the_journal_knows_follows_from_the_error(error: BaseException | None, journal: Journal | None) -> None:
    made = recorder()
    made.journal = "sent"

    assert told(made, error).journal == journal


def test_what_the_triggerer_interrupted_is_one_record() -> None:
    before, after = recorder("job"), recorder("job")
    call(before, "/start")
    call(after, "/question")
    after.function = "report"

    record = joined(told(before), told(after))

    assert (record.function, record.seconds, record.totals.calls) == ("report", 2.0, 2)
    assert record.exchange is not None
    assert record.exchange.sent.url == f"{URL}/start"
    assert record.last is not None
    assert record.last.sent.url == f"{URL}/question"


def test_a_single_call_before_or_after_a_deferral_counts_among_the_others() -> None:
    before, after = recorder("wait"), recorder("wait")
    call(before, "/1", attempt(duration=0.3, elapsed=0.3))
    call(after, "/2", attempt(duration=3.0, elapsed=3.0))

    many = joined(told(before), told(after)).many

    assert many is not None
    assert [(one.below, one.count) for one in many.durations] == [(0.5, 1), (5.0, 1)]
    assert [(one.url, one.seconds) for one in many.slowest] == [(f"{URL}/2", 3.0), (f"{URL}/1", 0.3)]


def test_a_single_call_on_either_side_of_a_deferral_is_not_many() -> None:
    before, after = recorder("wait"), recorder("wait")
    call(before)

    assert joined(told(before), told(after)).many is None


def test_what_was_sent_before_a_deferral_is_not_an_earlier_try_s() -> None:
    before, after = recorder(), recorder()
    call(before, "/start")
    before.journal, after.journal = "sent", "earlier"

    record = joined(told(before), told(after))

    assert record.journal == "sent"
    assert record.exchange is not None
    assert record.exchange.sent.url == f"{URL}/start"
