"""The call record, a wire format: what a try of a task has sent, what came back, and where the time went."""

from __future__ import annotations

import datetime as dt
import json
import re
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Final, Literal, TypeAlias

import msgspec

from airflow_provider_cloudfn.auth.redacted import Redacted
from airflow_provider_cloudfn.auth.token_store import TokenSource  # noqa: TC001 - msgspec reads the annotations
from airflow_provider_cloudfn.client.time_split import TimeSplit
from airflow_provider_cloudfn.exceptions import ConfigurationError
from airflow_provider_cloudfn.records.visible import NO_TEXT

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "CALL_RECORD_KEY",
    "MOST_BYTES",
    "Answered",
    "AttemptRecord",
    "Bucket",
    "CallRecord",
    "ErrorRecord",
    "Excerpt",
    "Exchange",
    "FailedCall",
    "FailuresOfStatus",
    "Journal",
    "Kind",
    "ManyCalls",
    "Moment",
    "Seconds",
    "Sent",
    "SlowCall",
    "TimeSplit",
    "Totals",
    "TryOutcome",
    "size_of",
]

#: The XCom key of a task instance's call record.
CALL_RECORD_KEY: Final = "cloudfn_call"
#: How many bytes of JSON a record has at most.
MOST_BYTES: Final = 16 * 1024

#: What a step does: one call; the pages behind one; a call for each item; a job that is started and waited for; questions that
#: are put until the answer is there.
Kind: TypeAlias = Literal["call", "pages", "batch", "job", "wait"]
#: How the try ended; ``waiting`` where the triggerer waits for it.
TryOutcome: TypeAlias = Literal["success", "failed", "skipped", "waiting"]
#: What the journal knows of a request that may not be repeated: it was sent by this try; an earlier one has its answer;
#: nobody knows whether it was carried out.
Journal: TypeAlias = Literal["sent", "earlier", "unknown"]


#: Times with a zone, and spans that clocks can count: whoever may write an XCom can write anything.
Moment: TypeAlias = Annotated[dt.datetime, msgspec.Meta(tz=True)]
Seconds: TypeAlias = Annotated[float, msgspec.Meta(ge=0, le=1e9)]


_NO_TEXT: Final = re.compile(f"[{NO_TEXT}]")


class _Part(Redacted, frozen=True, kw_only=True, omit_defaults=True):
    """A part of a record. Secrets are taken out before it is made; what a record does not say is not written."""


class Excerpt(_Part, frozen=True):
    """
    The beginning of a body.

    :param text: As it was written, with its lines; None where it is no text.
    :param size: Bytes of the whole body, after decompression.
    :param is_cut: Whether there is more of it.
    :param replaced: How many of its signs can't be shown, and stand as ``·``.
    """

    _hidden: ClassVar = frozenset({"text"})

    text: str | None = None
    size: int = 0
    is_cut: bool = False
    replaced: int = 0


class Sent(_Part, frozen=True):
    """
    A request as it was sent.

    :param url: The whole URL; what the connection's authentication puts into the query is ``***``.
    :param headers: Names and values in their order; what the authentication sets is ``***``.
    :param headers_left_out: How many there were besides.
    :param body: The beginning of its body; None where it had none.
    """

    _hidden: ClassVar = frozenset({"headers", "body"})

    method: str
    url: str
    headers: tuple[tuple[str, str], ...] = ()
    headers_left_out: int = 0
    body: Excerpt | None = None


class Answered(_Part, frozen=True):
    """
    An answer.

    :param headers: Names in lower case and values; without ``set-cookie``.
    :param headers_left_out: How many there were besides.
    :param body: The beginning of its body; None where it had none, or where that went into a file.
    :param request_id: The service's own name for the request, where it gives one.
    """

    _hidden: ClassVar = frozenset({"headers", "body"})

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    headers_left_out: int = 0
    body: Excerpt | None = None
    request_id: str | None = None


class Exchange(_Part, frozen=True):
    """
    A request and its answer.

    :param answered: The answer; None where none came.
    """

    sent: Sent
    answered: Answered | None = None


class AttemptRecord(_Part, frozen=True):
    """
    One attempt of a call.

    :param number: Counted from 1, in its call.
    :param started_at: When it began.
    :param seconds: How long it took.
    :param rate_limit: How many seconds it waited before for the rate limit; they are not in `seconds`.
    :param status: The status of the answer; None where none came.
    :param error_type: The class of what went wrong, where no answer came.
    :param error: What went wrong then.
    :param next_in: After how many seconds another attempt followed; None where this was the last.
    :param bytes_out: Bytes of the body that was sent.
    :param bytes_in: Bytes of the body that came, after decompression.
    :param credentials: Where its access token came from; None where it has none.
    :param split: Where the time went.
    """

    number: int
    started_at: Moment
    seconds: Seconds
    rate_limit: Seconds = 0.0
    status: int | None = None
    error_type: str | None = None
    error: str | None = None
    next_in: Seconds | None = None
    bytes_out: int = 0
    bytes_in: int = 0
    credentials: TokenSource | None = None
    split: TimeSplit = TimeSplit()


class Totals(_Part, frozen=True):
    """
    All calls of the try together.

    :param calls: How many there were; what was sent again within one is the same call.
    :param attempts: How often something was sent.
    :param retries: How often it was sent again.
    :param bytes_out: Bytes of the bodies that were sent.
    :param bytes_in: Bytes of the bodies that came.
    :param credential_requests: How many requests were sent to get an access token.
    :param rate_limit: How many seconds were waited for the rate limit.
    """

    calls: int = 0
    attempts: int = 0
    retries: int = 0
    bytes_out: int = 0
    bytes_in: int = 0
    credential_requests: int = 0
    rate_limit: Seconds = 0.0


class Bucket(_Part, frozen=True):
    """
    A bar of the histogram of durations.

    :param below: The calls that took less than so many seconds, and no less than the bucket before; None for the rest.
    :param count: How many.
    """

    below: Seconds | None = None
    count: int = 0


class SlowCall(_Part, frozen=True):
    """
    One of the slowest calls.

    :param seconds: How long it took, with all attempts and the waits between them.
    :param url: Where it went.
    :param status: The status of its answer; None where none came.
    :param attempts: How often it was sent.
    """

    seconds: Seconds
    method: str
    url: str
    status: int | None = None
    attempts: int = 1


class FailedCall(_Part, frozen=True):
    """
    An item, or a question, that failed.

    :param key: The item's key; None for a question.
    :param error: What went wrong.
    :param status: The status of the answer; None where none came.
    :param request_id: The service's own name for the request.
    """

    key: str | None = None
    error: str = ""
    status: int | None = None
    request_id: str | None = None


class FailuresOfStatus(_Part, frozen=True):
    """
    How many items failed in the same way.

    :param status: The status of their answers; None where none came.
    :param count: How many.
    """

    status: int | None = None
    count: int = 0


class ManyCalls(_Part, frozen=True):
    """
    What is told of many calls instead of each.

    :param items: How many items a batch had; None where there are none.
    :param ok: How many of them have succeeded, over all tries.
    :param failed: How many have failed.
    :param unknown: Of how many of those nobody knows whether they were carried out.
    :param earlier: How many were done by an earlier try.
    :param durations: The histogram of how long the calls took, the buckets in which there are any.
    :param slowest: The slowest, at most five.
    :param failures: The first that failed.
    :param failures_left_out: How many failed besides.
    :param by_status: How often each status was why; of many failures, of the first thousand.
    """

    items: int | None = None
    ok: int = 0
    failed: int = 0
    unknown: int = 0
    earlier: int = 0
    durations: tuple[Bucket, ...] = ()
    slowest: tuple[SlowCall, ...] = ()
    failures: tuple[FailedCall, ...] = ()
    failures_left_out: int = 0
    by_status: tuple[FailuresOfStatus, ...] = ()


class ErrorRecord(_Part, frozen=True):
    """
    Why a step failed.

    :param type: The class of the error.
    :param message: What it says.
    :param status: The status of the answer that it is about; None where none came.
    :param request_id: The service's own name for the request.
    :param retryable: Whether another try can help; None where that can't be told.
    """

    type: str
    message: str = ""
    status: int | None = None
    request_id: str | None = None
    retryable: bool | None = None


class CallRecord(_Part, frozen=True):
    """
    What a try of a task has sent, what came back, and where the time went.

    It stands in XCom under :data:`CALL_RECORD_KEY`, at most :data:`MOST_BYTES` of JSON, without any secret: everything in it
    went through :class:`~airflow_provider_cloudfn.client.redaction.Redaction` and Airflow's masker.

    :param function: The cloud function's name.
    :param conn_type: Its type.
    :param kind: What the step does.
    :param outcome: How the try ended.
    :param started_at: When it began.
    :param seconds: How long it took, in this process and those before a deferral; what the triggerer waited is not in it.
    :param try_number: Which try it is.
    :param totals: All its calls together.
    :param exchange: The call. Of pages the first; of a batch the first that failed, or else that ended; of a job the one
        that started it; of questions the last. None where nothing was sent.
    :param last: The last page, or the last question about a job.
    :param attempts: Those of the call that `exchange` is, the first and the last of many.
    :param attempts_left_out: How many there were between them.
    :param many: What is told of many calls; None of a single one.
    :param credentials: Where the access token came from, the costliest of all attempts.
    :param idempotency_key: The idempotency key, or the id of an event, that the request carries.
    :param journal: What the journal knows of a request that may not be repeated.
    :param event: The completion event's name.
    :param event_id: Its id; None where none was emitted.
    :param error: Why the step failed.
    :param version: Of this format.
    """

    function: str
    conn_id: str
    conn_type: str
    kind: Kind
    outcome: TryOutcome
    started_at: Moment
    seconds: Seconds
    try_number: int = 1
    totals: Totals = Totals()
    exchange: Exchange | None = None
    last: Exchange | None = None
    attempts: tuple[AttemptRecord, ...] = ()
    attempts_left_out: int = 0
    many: ManyCalls | None = None
    credentials: TokenSource | None = None
    idempotency_key: str | None = None
    journal: Journal | None = None
    event: str | None = None
    event_id: str | None = None
    error: ErrorRecord | None = None
    version: int = 1

    def to_dict(self) -> dict[str, Any]:
        """Return the record as it stands in XCom."""
        # By way of JSON: Airflow would write a tuple with a mark of its own.
        written: dict[str, Any] = json.loads(msgspec.json.encode(self))
        return written

    @classmethod
    def from_dict(cls, written: Any) -> CallRecord:
        """
        Read a record as :meth:`to_dict` writes it. What is there besides is ignored, so that a later version can add to it.

        :raises ConfigurationError: for anything else; the message names the field.
        """
        if any(_NO_TEXT.search(text) for text in _texts(written)):
            raise ConfigurationError(
                "a call record can't be read: it holds signs that are no text, which none of ours does"
            )
        try:
            return msgspec.convert(written, cls)
        except msgspec.ValidationError as error:
            raise ConfigurationError(f"a call record can't be read: {error}") from None


def _texts(value: Any) -> Iterator[str]:
    left = [value]
    while left:
        part = left.pop()
        if isinstance(part, str):
            yield part
        elif isinstance(part, dict):
            left += [*part, *part.values()]
        elif isinstance(part, list | tuple):
            left += part


def size_of(record: CallRecord) -> int:
    """Return how many bytes of JSON a record has, as Airflow's database keeps it."""
    return len(json.dumps(record.to_dict()))
