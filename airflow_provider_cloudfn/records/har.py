"""Call records as an HTTP Archive (HAR 1.2), which the network tools of browsers open."""

from __future__ import annotations

import datetime as dt
from contextlib import suppress
from http.client import responses
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl

from airflow_provider_cloudfn import __version__

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from airflow_provider_cloudfn.records.call_record import Answered, AttemptRecord, CallRecord, Excerpt, Exchange

__all__ = ["har_of"]

_HTTP: Final = "HTTP/1.1"
#: A time that is not known.
_UNKNOWN: Final = -1.0


def har_of(records: Mapping[str, CallRecord]) -> dict[str, Any]:
    """
    Return an archive: a page for each record, an entry for each attempt that it tells of.

    Like the records, it has no secrets in it, and of long bodies the beginning.

    :param records: By what names the task instance.
    """
    return {
        "log": {
            "version": "1.2",
            "creator": {"name": "airflow-provider-cloudfn", "version": __version__},
            "pages": [
                {"startedDateTime": _moment(one.started_at), "id": name, "title": name, "pageTimings": {}}
                for name, one in records.items()
            ],
            "entries": [entry for name, one in records.items() for entry in _entries(name, one)],
        }
    }


def _entries(page: str, record: CallRecord) -> Iterator[dict[str, Any]]:
    if record.exchange is not None:
        *repeated, newest = record.attempts or (None,)
        for attempt in repeated:
            # What was sent again is told of the last time alone.
            yield _entry(page, record, record.exchange, attempt, answered=None)
        yield _entry(page, record, record.exchange, newest, answered=record.exchange.answered)
    if record.last is not None:
        yield _entry(page, record, record.last, None, answered=record.last.answered)


def _entry(
    page: str, record: CallRecord, exchange: Exchange, attempt: AttemptRecord | None, *, answered: Answered | None
) -> dict[str, Any]:
    timings = _timings(attempt)
    # The handshake is a part of what HAR calls connecting.
    spent = sum(time for name, time in timings.items() if time > 0 and name != "ssl")
    entry = {
        "pageref": page,
        "startedDateTime": _moment(record.started_at if attempt is None else _begun(attempt)),
        "time": spent,
        "request": _request(exchange),
        "response": _response(answered, 0 if attempt is None else attempt.status or 0),
        "cache": {},
        "timings": timings,
    }
    if attempt is not None and attempt.error is not None:
        entry["comment"] = f"{attempt.error_type}: {attempt.error}"
    return entry


def _request(exchange: Exchange) -> dict[str, Any]:
    sent = exchange.sent
    request: dict[str, Any] = {
        "method": sent.method,
        "url": sent.url,
        "httpVersion": _HTTP,
        "cookies": [],
        "headers": _pairs(sent.headers),
        "queryString": _pairs(parse_qsl(sent.url.partition("?")[2], keep_blank_values=True)),
        "headersSize": -1,
        "bodySize": 0 if sent.body is None else sent.body.size,
    }
    if sent.body is not None:
        request["postData"] = {
            "mimeType": _media_type(sent.headers),
            "text": sent.body.text or "",
            **_comment(sent.body),
        }
    return request


def _response(answered: Answered | None, status: int) -> dict[str, Any]:
    status = status if answered is None else answered.status
    headers = () if answered is None else answered.headers
    body = None if answered is None else answered.body
    content: dict[str, Any] = {"size": 0 if body is None else body.size, "mimeType": _media_type(headers)}
    if body is not None and body.text is not None:
        content |= {"text": body.text, **_comment(body)}
    return {
        "status": status,
        "statusText": responses.get(status, ""),
        "httpVersion": _HTTP,
        "cookies": [],
        "headers": _pairs(headers),
        "content": content,
        "redirectURL": next((value for name, value in headers if name.lower() == "location"), ""),
        "headersSize": -1,
        "bodySize": -1,
    }


def _timings(attempt: AttemptRecord | None) -> dict[str, float]:
    if attempt is None:
        return {**dict.fromkeys(("blocked", "dns", "connect", "ssl"), _UNKNOWN), "send": 0, "wait": 0, "receive": 0}
    split = attempt.split
    return {
        # Whatever comes before the request itself: the rate limit's wait, and an access token.
        "blocked": _milliseconds(attempt.rate_limit + split.credentials),
        "dns": _milliseconds(split.name),
        "connect": _milliseconds(split.connect + split.tls),
        "ssl": _milliseconds(split.tls),
        "send": 0,
        "wait": _milliseconds(split.first_byte),
        "receive": _milliseconds(split.download),
    }


def _pairs(pairs: Iterable[tuple[str, str]]) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in pairs]


def _media_type(headers: Iterable[tuple[str, str]]) -> str:
    return next((value for name, value in headers if name.lower() == "content-type"), "")


def _comment(body: Excerpt) -> dict[str, str]:
    remarks = [f"the beginning of {body.size:,} bytes"] if body.is_cut else []
    if body.replaced:
        remarks.append(f"{body.replaced:,} signs that can't be shown stand as ·")
    return {"comment": "; ".join(remarks)} if remarks else {}


def _begun(attempt: AttemptRecord) -> dt.datetime:
    """Return when an attempt began as HAR counts, with the wait for the rate limit."""
    try:
        return attempt.started_at - dt.timedelta(seconds=attempt.rate_limit)
    except (OverflowError, ValueError):
        return attempt.started_at  # Whoever may write an XCom can write anything.


def _milliseconds(seconds: float) -> float:
    return round(seconds * 1000, 3)


def _moment(moment: dt.datetime) -> str:
    with suppress(OverflowError):  # At either end of time.
        moment = moment.astimezone(dt.UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
