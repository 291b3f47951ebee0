"""The room of a record: what does not fit is cut, the bodies first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import Struct
from msgspec.structs import replace

from airflow_provider_cloudfn.records.call_record import MOST_BYTES, size_of
from airflow_provider_cloudfn.records.shown import cut

if TYPE_CHECKING:
    from airflow_provider_cloudfn.records.call_record import CallRecord, Excerpt, Exchange, ManyCalls

__all__ = ["fitted"]


class _Room(Struct, frozen=True):
    """
    How much of a record stays.

    :param body: Characters of a body.
    :param headers: How many headers of a message.
    :param text: Characters of a header's value, and of any other text.
    :param attempts: How many attempts.
    :param failures: How many failures, and how many of the slowest calls.
    """

    body: int
    headers: int
    text: int
    attempts: int
    failures: int


#: From the widest on. The last one holds anything: some hundred characters, each of which JSON can write as six.
_ROOMS: Final = (
    _Room(2_000, 40, 500, 15, 10),
    _Room(1_000, 40, 500, 15, 10),
    _Room(500, 30, 300, 10, 10),
    _Room(250, 20, 200, 10, 5),
    _Room(100, 10, 100, 6, 3),
    _Room(0, 5, 60, 4, 1),
    _Room(0, 0, 60, 2, 0),
)


def fitted(record: CallRecord) -> CallRecord:
    """Return a record that has no more than :data:`MOST_BYTES` of JSON: as it is, or with less of what is long."""
    if size_of(record) <= MOST_BYTES:
        return record
    for room in _ROOMS:
        smaller = _within(record, room)
        if size_of(smaller) <= MOST_BYTES:
            break
    return smaller


def _within(record: CallRecord, room: _Room) -> CallRecord:
    shown = record.attempts
    if len(shown) > room.attempts:
        half = room.attempts // 2
        shown = (*shown[:half], *shown[-half:])
    attempts = tuple(replace(one, error=None if one.error is None else cut(one.error, room.text)) for one in shown)
    error = record.error
    return replace(
        record,
        function=cut(record.function, room.text),
        conn_id=cut(record.conn_id, room.text),
        idempotency_key=_text(record.idempotency_key, room),
        event=_text(record.event, room),
        exchange=_exchange(record.exchange, room),
        last=_exchange(record.last, room),
        attempts=attempts,
        attempts_left_out=record.attempts_left_out + len(record.attempts) - len(attempts),
        many=None if record.many is None else _many(record.many, room),
        error=None
        if error is None
        else replace(error, message=cut(error.message, max(room.text, 200)), request_id=_text(error.request_id, room)),
    )


def _exchange(exchange: Exchange | None, room: _Room) -> Exchange | None:
    if exchange is None:
        return None
    sent, answered = exchange.sent, exchange.answered
    headers = _headers(sent.headers, room)
    sent = replace(
        sent,
        url=cut(sent.url, max(room.text, 120)),
        headers=headers,
        headers_left_out=sent.headers_left_out + len(sent.headers) - len(headers),
        body=_body(sent.body, room),
    )
    if answered is not None:
        headers = _headers(answered.headers, room)
        answered = replace(
            answered,
            headers=headers,
            headers_left_out=answered.headers_left_out + len(answered.headers) - len(headers),
            body=_body(answered.body, room),
            request_id=_text(answered.request_id, room),
        )
    return replace(exchange, sent=sent, answered=answered)


def _headers(headers: tuple[tuple[str, str], ...], room: _Room) -> tuple[tuple[str, str], ...]:
    return tuple((cut(name, room.text), cut(value, room.text)) for name, value in headers[: room.headers])


def _body(body: Excerpt | None, room: _Room) -> Excerpt | None:
    if body is None or body.text is None or len(body.text) <= room.body:
        return body
    return replace(body, text=cut(body.text, room.body), is_cut=True)


def _many(many: ManyCalls, room: _Room) -> ManyCalls:
    failures = many.failures[: room.failures]
    return replace(
        many,
        slowest=tuple(replace(one, url=cut(one.url, room.text)) for one in many.slowest[: room.failures]),
        failures=tuple(
            replace(
                one, key=_text(one.key, room), error=cut(one.error, room.text), request_id=_text(one.request_id, room)
            )
            for one in failures
        ),
        failures_left_out=many.failures_left_out + len(many.failures) - len(failures),
    )


def _text(text: str | None, room: _Room) -> str | None:
    return None if text is None else cut(text, room.text)
