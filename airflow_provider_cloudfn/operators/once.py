"""
Nothing twice: a request that may not be repeated, over the tries of its task.

It is written into the task's journal before it is sent, and again when its answer is there. So the next try knows one of
three things: it was not sent, it was answered, or nobody knows.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from typing import TYPE_CHECKING, Any, Final

from airflow.sdk.exceptions import AirflowFailException, AirflowRuntimeError
from msgspec import Struct
from msgspec.structs import replace

from airflow_provider_cloudfn.exceptions import (
    AuthenticationError,
    CloudFunctionError,
    ExpressionError,
    OutcomeUnknownError,
)
from airflow_provider_cloudfn.journal.entries import CallEntry, KeptAnswer, StoredFile
from airflow_provider_cloudfn.operators.settled import Settled
from airflow_provider_cloudfn.operators.storable import xcom_limit

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_cloudfn.client.client import Client
    from airflow_provider_cloudfn.client.prepared import PreparedRequest
    from airflow_provider_cloudfn.client.redaction import Redaction
    from airflow_provider_cloudfn.client.request import Reached, Sending
    from airflow_provider_cloudfn.client.response import Response
    from airflow_provider_cloudfn.journal.task_journal import TaskJournal

__all__ = ["CALL", "Judges", "Once", "TaskOutcomeUnknownError", "fingerprint_of", "is_unknown_after", "unknown_call"]

#: The journal has the call under this name.
CALL: Final = "call"
#: A gateway answers so when it has heard nothing, or nothing of use, from the service behind it; from 520 on those of
#: content delivery networks and proxies.
_FROM_A_GATEWAY: Final = frozenset({502, 504, 520, 522, 524, 598, 599})


class TaskOutcomeUnknownError(OutcomeUnknownError, AirflowFailException):
    """What :class:`OutcomeUnknownError` is in a task: it fails for good, whatever its retries are."""


class Judges(Struct, frozen=True):
    """
    What the author of a call has said about its outcomes.

    :param require_success: Raises for an answer that is no success.
    :param wants_again: Whether ``retry_when`` asked for the last answer's request to be sent again.
    :param begin: Is told that the request is being sent: what was said of an earlier answer says nothing of this one.
    :param resend: Whether a request is sent again of which nobody knows whether it was carried out.
    :param confirm: Asks the service: returns its answer where it was carried out, None where it was not.
    """

    require_success: Callable[[Response], None]
    wants_again: Callable[[], bool] = lambda: False
    begin: Callable[[], object] = lambda: None
    resend: bool = False
    confirm: Callable[[], Response | None] | None = None


def is_unknown_after(error: CloudFunctionError, *, sent: bool, carried_out: bool = False) -> bool:
    """
    Return whether a request that failed may have been carried out without an answer that says so.

    :param sent: Whether the service may have got it.
    :param carried_out: Whether a redirect said that it was carried out, and its result is elsewhere.
    """
    if carried_out:
        return True
    if not sent or error.never_sent or isinstance(error, AuthenticationError):
        return False
    # A success that can't be read is one.
    return error.status is None or 200 <= error.status < 300 or error.status in _FROM_A_GATEWAY


class Once:
    """
    Sends a request that may not be repeated.

    :param client: What sends it.
    :param journal: What the tries of the task tell one another.
    :param judges: What its author said.
    :param key: The id that the request is to be found by, where it carries it.
    :param path: The file that the body of a success goes into.
    """

    def __init__(
        self, client: Client, journal: TaskJournal, judges: Judges, log: Any, *, key: str, path: str | None = None
    ) -> None:
        self._client = client
        self._journal = journal
        self._judges = judges
        self._log = log
        self._key = key
        self._path = path
        #: Whether the request was carried out by this try, and the next one could not know.
        self.leaves_no_trace = False

    def settle(self, prepared: PreparedRequest, sending: Sending) -> Settled:
        """
        Send a request, unless an earlier try has its answer.

        :raises OutcomeUnknownError: when nobody knows whether it was carried out, and the author gave no way to find out.
        :raises CloudFunctionError: as the client does, and for an answer that is no success.
        """
        entry = CallEntry(
            sent_at=dt.datetime.now(tz=dt.UTC),
            method=prepared.method,
            url=self._client.redaction().url(prepared.url),
            fingerprint=fingerprint_of(prepared),
            idempotency_key=self._key if _carries(prepared, self._key) else None,
        )
        earlier = self._journal.read(CALL, CallEntry)
        settled = None if earlier is None else self._known(earlier, entry, as_it_came=sending.as_it_came)
        if settled is None:
            settled = self._sent(prepared, sending, entry)
        return settled

    def _known(self, earlier: CallEntry, entry: CallEntry, *, as_it_came: bool) -> Settled | None:
        """Return what came of a request that an earlier try has sent; None where it is to be sent."""
        if earlier.fingerprint != entry.fingerprint:
            self._log.warning(
                "An earlier try has sent another request than this one would be, so something changed in between: what "
                "counts is what came of that one"
            )
        answer = earlier.answer
        if answer is None:
            return self._unknown(earlier, "and the try that sent it ended before its answer was there")
        if answer.content is None:
            return self._unknown(earlier, f"and was answered {answer.status}, but the answer could not be kept")
        response = answer.response(as_it_came=as_it_came and not answer.confirmed)
        if not answer.confirmed:
            try:
                self._judges.require_success(response)
            except ExpressionError:
                raise
            except CloudFunctionError as error:
                if is_unknown_after(error, sent=True) and not response.ok:
                    return self._unknown(earlier, f"and a gateway answered {answer.status}")
                self._log.info("An earlier try was answered %d, which is no success: it is sent again", answer.status)
                return None
        self._log.info(
            "An earlier try has sent this at %s, and %s %d (request id %s): this is what the step goes on with, and nothing "
            "is sent",
            _moment(earlier),
            "the service confirmed it with" if answer.confirmed else "was answered",
            answer.status,
            response.request_id or "none",
        )
        return Settled(response, None if answer.stored is None else answer.stored.path, answer.confirmed, "earlier")

    def _unknown(self, earlier: CallEntry, why: str) -> Settled | None:
        """Do what the author wants done about a request that may have been carried out in an earlier try."""
        judges = self._judges
        if judges.confirm is not None:
            response = judges.confirm()
            if response is None:
                self._log.info("It was sent at %s, %s; it was not carried out: it is sent", _moment(earlier), why)
                return None
            self._log.info("It was sent at %s, %s; it was carried out: nothing is sent", _moment(earlier), why)
            self._write_answer(earlier, response, confirmed=True)
            return Settled(response, confirmed=True, journal="earlier")
        if judges.resend:
            self._log.warning(
                "It was sent at %s, %s: whether it was carried out is not known, and it is sent again, as on_unknown says",
                _moment(earlier),
                why,
            )
            return None
        raise unknown_call(earlier, why)

    def _sent(self, prepared: PreparedRequest, sending: Sending, entry: CallEntry) -> Settled:
        reached: set[str] = set()

        def reach(how: Reached) -> None:
            reached.add(how)
            if how == "sent":
                self._judges.begin()

        self._journal.write(CALL, entry)
        try:
            response = self._client.send_sync(prepared, replace(sending, tell=reach))
        except CloudFunctionError as error:
            unknown = is_unknown_after(error, sent="sent" in reached, carried_out="carried_out" in reached)
            if not unknown or (self._judges.wants_again() and "carried_out" not in reached):
                self._journal.forget(CALL)
                raise
            self._refuse_to_repeat(entry, error)
            raise
        self._write_answer(entry, response)
        self.leaves_no_trace = not (self._journal.is_kept or self._judges.resend)
        try:
            self._judges.require_success(response)
        except ExpressionError:
            raise
        except CloudFunctionError as error:
            # What is no success is sent again, as ever.
            self.leaves_no_trace = False
            if not response.ok and is_unknown_after(error, sent=True) and not self._judges.wants_again():
                self._refuse_to_repeat(entry, error)
            raise
        return Settled(response, self._path, journal="sent")

    def _refuse_to_repeat(self, entry: CallEntry, error: CloudFunctionError) -> None:
        """Fail for good where the task's next try would send the request again without knowing."""
        # Without a journal, the next try would not know that there is something to ask.
        asks = self._judges.confirm is not None and self._journal.is_kept
        if error.retryable and not asks and not self._judges.resend:
            raise unknown_call(entry, f"and {error.message}", error) from error

    def _write_answer(self, entry: CallEntry, response: Response, *, confirmed: bool = False) -> None:
        if not self._journal.is_kept:
            return
        # Of the secrets that are known by now: the call itself may have got an access token.
        redaction, stored = self._client.redaction(), response.stored
        answer = KeptAnswer(
            status=response.status,
            headers={name: redaction.text(value) for name, value in response.headers.items()},
            url=redaction.url(response.url),
            content=self._kept(response.content, redaction),
            stored=None
            if stored is None or self._path is None
            else StoredFile(path=self._path, size=stored.size, media_type=stored.media_type, sha256=stored.sha256),
            confirmed=confirmed,
        )
        try:
            self._journal.write(CALL, replace(entry, answer=answer))
        except AirflowRuntimeError as error:
            # It stays unknown to the next try, which is no reason to throw away the answer that is here.
            self._log.warning("The answer could not be written down for the next try: %s", error)

    def _kept(self, content: bytes, redaction: Redaction) -> bytes | None:
        """Return what may be kept of a body: nothing that is too large, or repeats a secret of the connection."""
        limit = xcom_limit()
        if limit and len(content) > limit:
            self._log.warning("The answer has %s bytes, too many to be kept for a next try", f"{len(content):,}")
            return None
        text = content.decode("utf-8", "replace")
        if redaction.text(text) != text:
            self._log.warning("The answer repeats a secret of the connection: it is not kept for a next try")
            return None
        return content


def fingerprint_of(prepared: PreparedRequest) -> str:
    """Return what tells whether another request is the same."""
    digest = hashlib.sha256(f"{prepared.method} {prepared.url}\n".encode())
    digest.update(prepared.body)
    return digest.hexdigest()


def _carries(prepared: PreparedRequest, key: str) -> bool:
    return key in prepared.url or any(key in value for _, value in prepared.headers) or key.encode() in prepared.body


def _moment(entry: CallEntry) -> str:
    return entry.sent_at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def unknown_call(entry: CallEntry, why: str, error: CloudFunctionError | None = None) -> TaskOutcomeUnknownError:
    """Return the error of a request of which nobody knows whether it was carried out."""
    request_id = None if error is None else error.request_id
    if request_id is None and entry.answer is not None:
        request_id = entry.answer.response(as_it_came=True).request_id
    named = [
        f"request id {request_id}" if request_id else "",
        f"id {entry.idempotency_key}, which it carries" if entry.idempotency_key else "",
        f"a time of {_moment(entry)}",
    ]
    return TaskOutcomeUnknownError(
        f"{entry.method} {entry.url}: nobody knows whether it was carried out, so it is not sent again by itself. It was sent "
        f"at {_moment(entry)}, {why}. Look in the service for {', '.join(one for one in named if one)}. If it was carried out, "
        "mark the task as success; if not, clear the task, which sends it anew. So that nobody has to look next time: "
        "idempotency_key=True where the service knows such keys, on_unknown=Confirm(…) to ask it, or on_unknown='resend' "
        "where twice does no harm",
        sent_at=entry.sent_at,
        method=entry.method,
        url=entry.url,
        idempotency_key=entry.idempotency_key,
        status=None if error is None else error.status,
        request_id=request_id,
    )
