"""What stands in a journal about a call: wire formats, read by another process, perhaps by another version."""

from __future__ import annotations

import datetime as dt  # noqa: TC003 - msgspec reads the annotations
from typing import TYPE_CHECKING, Any, ClassVar, Final

from airflow_provider_cloudfn.auth.redacted import Redacted

if TYPE_CHECKING:
    from airflow_provider_cloudfn.client.response import Response

__all__ = [
    "BATCH",
    "CALLBACK",
    "FORGET",
    "BatchEntry",
    "CallEntry",
    "CallbackEntry",
    "FailuresEntry",
    "ItemFailure",
    "ItemResult",
    "JobEntry",
    "JournalEntry",
    "KeptAnswer",
    "PagesEntry",
    "PartEntry",
    "StoredFile",
    "WaitEntry",
]

#: The name of a batch's entry, and the beginning of those of its parts. They are left by a Clear as they are.
BATCH: Final = "batch"
#: What makes a batch begin anew.
FORGET: Final = "`airflow cloudfn progress <dag_id> <task_id> --run-id <run_id> --forget`"
#: What was called back stands in the journal under this name; the API server writes it there.
CALLBACK: Final = "callback"


class JournalEntry(Redacted, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """
    The base of all that stands in a journal. No entry holds credentials, or a request's headers or body.

    It is a frozen value of plain ones: what JSON holds, bytes and points in time with their zone.
    """


class StoredFile(JournalEntry, frozen=True):
    """
    An answer's body that went into a file.

    :param path: Where that is.
    :param size: Bytes.
    :param media_type: What the service said that it is.
    :param sha256: The digest of the bytes, in hexadecimal digits.
    """

    path: str
    size: int
    media_type: str | None
    sha256: str


class KeptAnswer(JournalEntry, frozen=True):
    """
    What a service answered.

    :param status: The status code.
    :param headers: Names in lower case; without ``set-cookie``.
    :param url: Where it came from, without secrets.
    :param content: The bytes of its body, decompressed; None where they were not kept.
    :param stored: The file that the body went into.
    :param confirmed: Whether it is not the answer to the request, but to the question whether that was carried out.
    """

    _hidden: ClassVar = frozenset({"content", "headers"})

    status: int
    headers: dict[str, str]
    url: str
    content: bytes | None
    stored: StoredFile | None = None
    confirmed: bool = False

    def response(self, *, as_it_came: bool = False) -> Response:
        """
        Return the answer as it was read when it came.

        :param as_it_came: Whether the body stays bytes, whatever its Content-Type says.
        :raises CloudFunctionError: where it is not what it says it is, as when it came.
        """
        from airflow_provider_cloudfn.auth.message import HttpResponse
        from airflow_provider_cloudfn.client.response import read_response
        from airflow_provider_cloudfn.client.sink import StoredBody

        file = self.stored
        stored = None if file is None else StoredBody(file.size, file.media_type, file.sha256)
        raw = HttpResponse(self.status, tuple(self.headers.items()), self.content or b"")
        return read_response(raw, self.url, stored, as_it_came=as_it_came)


class CallEntry(JournalEntry, frozen=True):
    """
    A call that may not be repeated: written before it is sent, and again when its answer is there.

    :param sent_at: When it was about to be sent.
    :param method: The request's method.
    :param url: Where it went, without secrets.
    :param fingerprint: Tells whether another request is the same.
    :param idempotency_key: The idempotency key of the step, or an event's id, where the request carries it.
    :param answer: What came back; None where nobody knows.
    """

    sent_at: dt.datetime
    method: str
    url: str
    fingerprint: str
    idempotency_key: str | None = None
    answer: KeptAnswer | None = None


class FailuresEntry(JournalEntry, frozen=True):
    """
    The questions of a sensor that have failed in a row, where each is another process's.

    :param count: How many.
    """

    count: int


class JobEntry(JournalEntry, frozen=True):
    """
    A job that was started, and how it is asked for.

    :param job: Its own wire format.
    """

    _hidden: ClassVar = frozenset({"job"})

    job: dict[str, Any]


class WaitEntry(JournalEntry, frozen=True):
    """
    What a step waits for.

    :param wait: Its own wire format.
    """

    _hidden: ClassVar = frozenset({"wait"})

    wait: dict[str, Any]


class CallbackEntry(JournalEntry, frozen=True):
    """
    What a service has called back.

    :param id: A name for it.
    :param came_at: When it came.
    :param payload: What it carried, a JSON value.
    """

    _hidden: ClassVar = frozenset({"payload"})

    id: str
    came_at: dt.datetime
    payload: Any = None


class PartEntry(JournalEntry, frozen=True):
    """
    Some of the results of many calls.

    :param text: JSON Lines.
    """

    _hidden: ClassVar = frozenset({"text"})

    text: str


class ItemFailure(JournalEntry, frozen=True):
    """
    An item whose call has failed.

    :param index: The item's position, from 0.
    :param key: The item's name.
    :param error: What went wrong.
    :param status: The status of the answer, if one came.
    :param request_id: The service's own name for the request.
    """

    index: int
    key: str
    error: str
    status: int | None = None
    request_id: str | None = None


class ItemResult(JournalEntry, frozen=True):
    """
    What a call for an item has returned, where one before it has failed.

    :param index: The item's position, from 0.
    :param key: The item's name.
    :param result: The result.
    """

    _hidden: ClassVar = frozenset({"result"})

    index: int
    key: str
    result: Any


class BatchEntry(JournalEntry, frozen=True):
    """
    How far the calls for the items of a list got.

    :param generation: The tries that wrote it: what is unknown to them was decided by whoever has cleared the task.
    :param fingerprint: Tells whether the calls are defined as they were.
    :param started_at: When the first of them was made.
    :param done: The items before this one are done, and their results kept.
    :param begun: The items before this one may have been sent.
    :param sent: Of each item that may have been sent and is not done, its position and a digest of its key.
    :param ahead: Those that are done behind one that is not.
    :param uncertain: Those of which nobody knows whether they were carried out, though they were waited for.
    :param parts: How many parts their results are in.
    :param keys: A digest of the keys of the items that are done.
    :param ok: How many have succeeded.
    :param failed: How many have failed.
    :param unknown: Of how many nobody knows whether they were carried out; they are among those that have failed.
    :param failures: What is told of those.
    :param put_off: What is told of those that have failed and that the next try calls for again; they are not among ``failures``.
    :param total: How many items there are, where that is known.
    :param stored: The file that the results are in; None before the end, and where they are a list.
    :param finished: Whether all is done.
    """

    generation: int
    fingerprint: str
    started_at: dt.datetime
    done: int = 0
    begun: int = 0
    sent: tuple[tuple[int, str], ...] = ()
    ahead: tuple[ItemResult, ...] = ()
    uncertain: tuple[int, ...] = ()
    parts: int = 0
    keys: str = ""
    ok: int = 0
    failed: int = 0
    unknown: int = 0
    failures: tuple[ItemFailure, ...] = ()
    put_off: tuple[ItemFailure, ...] = ()
    total: int | None = None
    stored: dict[str, Any] | None = None
    finished: bool = False

    @property
    def unsettled(self) -> set[int]:
        """The items that may have been sent, and of which no outcome is written down."""
        return {*range(self.done, self.begun), *self.uncertain} - {one.index for one in self.ahead}

    @property
    def progress(self) -> str:
        """How far the calls got, as a person is told."""
        of = "" if self.total is None else f" of {self.total:,}"
        again = f", {len(self.put_off):,} to be called for again" if self.put_off else ""
        state = "all done" if self.finished else "not finished"
        return f"{self.done:,}{of} items done, {self.failed:,} failed, {self.unknown:,} unknown{again}: {state}"


class PagesEntry(JournalEntry, frozen=True):
    """
    How far a read of many pages got.

    :param place: What of the next page's request is other than of the first one's.
    :param parts: How many parts the items before it are in.
    :param count: How many items these are.
    :param fingerprint: Tells whether it is the same read.
    """

    _hidden: ClassVar = frozenset({"place"})

    place: dict[str, Any]
    parts: int
    count: int
    fingerprint: str = ""
