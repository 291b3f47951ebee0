"""The archive is one as HAR 1.2 says, so that a browser opens it."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import pytest
from hypothesis import given
from kit.wire_values import values
from msgspec.structs import replace

from airflow_provider_cloudfn.client.time_split import TimeSplit
from airflow_provider_cloudfn.records.call_record import (
    Answered,
    AttemptRecord,
    CallRecord,
    Excerpt,
    Exchange,
    Sent,
)
from airflow_provider_cloudfn.records.har import har_of

NOW = dt.datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=dt.UTC)
SENT = Sent(
    method="POST",
    url="https://shop.test/v1/charges?a=1&b=",
    headers=(("Content-Type", "application/json"), ("X-Api-Key", "***")),
    body=Excerpt(text='{"amount": 5}', size=13),
)
ANSWERED = Answered(
    status=201,
    headers=(("content-type", "application/json"), ("location", "/v1/charges/7")),
    body=Excerpt(text='{"id": 7…', size=900, is_cut=True),
)
SPLIT = TimeSplit(credentials=0.25, name=0.01, connect=0.02, tls=0.03, first_byte=0.04, download=0.005)
RECORD = CallRecord(
    function="charge",
    conn_id="payments",
    conn_type="cloudfn",
    kind="call",
    outcome="success",
    started_at=NOW,
    seconds=1.5,
    exchange=Exchange(sent=SENT, answered=ANSWERED),
    attempts=(
        AttemptRecord(
            number=1, started_at=NOW, seconds=0.1, error_type="CommunicationError", error="broken", next_in=1.0
        ),
        AttemptRecord(number=2, started_at=NOW, seconds=0.355, status=201, rate_limit=0.5, split=SPLIT),
    ),
)

#: What HAR 1.2 wants in each of its objects, by type (http://www.softwareishard.com/blog/har-12-spec/).
NUMBER = (int, float)
PAIRS = [{"name": str, "value": str}]
HAR: dict[str, Any] = {
    "log": {
        "version": str,
        "creator": {"name": str, "version": str},
        "pages": [{"startedDateTime": str, "id": str, "title": str, "pageTimings": {}}],
        "entries": [
            {
                "startedDateTime": str,
                "time": NUMBER,
                "request": {
                    "method": str,
                    "url": str,
                    "httpVersion": str,
                    "cookies": [],
                    "headers": PAIRS,
                    "queryString": PAIRS,
                    "headersSize": int,
                    "bodySize": int,
                },
                "response": {
                    "status": int,
                    "statusText": str,
                    "httpVersion": str,
                    "cookies": [],
                    "headers": PAIRS,
                    "content": {"size": int, "mimeType": str},
                    "redirectURL": str,
                    "headersSize": int,
                    "bodySize": int,
                },
                "cache": {},
                "timings": dict.fromkeys(("blocked", "dns", "connect", "ssl", "send", "wait", "receive"), NUMBER),
            }
        ],
    }
}


def require(shape: Any, found: Any, where: str = "") -> None:
    if isinstance(shape, dict):
        assert isinstance(found, dict), where
        for name, inner in shape.items():
            assert name in found, f"{where}.{name}"
            require(inner, found[name], f"{where}.{name}")
    elif isinstance(shape, list):
        assert isinstance(found, list), where
        for at, one in enumerate(found):
            require(shape[0] if shape else {}, one, f"{where}[{at}]")
    else:
        assert isinstance(found, shape), where


@given(values(CallRecord))
def test_whatever_the_record_is_the_archive_has_what_har_wants(record: CallRecord) -> None:
    archive = json.loads(json.dumps(har_of({"a": record})))

    require(HAR, archive)
    assert all(entry["pageref"] == "a" for entry in archive["log"]["entries"])


@pytest.mark.parametrize("year", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
def test_a_record_that_somebody_made_up_spoils_no_archive(year: str) -> None:
    made_up = replace(RECORD, started_at=dt.datetime.fromisoformat(year), attempts=(), exchange=Exchange(sent=SENT))
    sent = replace(SENT, url="http://[no address?a=1")

    log = har_of({"r s": made_up, "r t": replace(RECORD, exchange=Exchange(sent=sent))})["log"]

    assert log["pages"][0]["startedDateTime"].startswith(year[:19])
    assert log["entries"][-1]["request"]["queryString"] == [{"name": "a", "value": "1"}]


def test_each_attempt_is_an_entry_and_the_last_has_the_answer() -> None:
    first, second = har_of({"charge": RECORD})["log"]["entries"]

    assert (first["response"]["status"], first["comment"]) == (0, "CommunicationError: broken")
    assert second["request"]["queryString"] == [{"name": "a", "value": "1"}, {"name": "b", "value": ""}]
    assert second["request"]["postData"]["text"] == '{"amount": 5}'
    assert (second["response"]["status"], second["response"]["statusText"]) == (201, "Created")
    assert second["response"]["redirectURL"] == "/v1/charges/7"
    assert second["response"]["content"] == {
        "size": 900,
        "mimeType": "application/json",
        "text": '{"id": 7…',
        "comment": "the beginning of 900 bytes",
    }


def test_the_times_add_up_as_har_counts_them() -> None:
    _, entry = har_of({"charge": RECORD})["log"]["entries"]

    timings = entry["timings"]
    assert timings == {
        "blocked": 750.0,
        "dns": 10.0,
        "connect": 50.0,
        "ssl": 30.0,
        "send": 0,
        "wait": 40.0,
        "receive": 5.0,
    }
    assert entry["time"] == pytest.approx(sum(timings.values()) - timings["ssl"])
    # The wait for the rate limit is a part of it, and comes before the attempt.
    assert entry["startedDateTime"] == "2026-01-02T03:04:05.178Z"
