"""The request that ends a job which nobody wants any more: sent once, though nothing else may be sent by then."""

from __future__ import annotations

import contextvars
import threading
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from msgspec.structs import replace

from airflow_provider_cloudfn.client.daemon_thread import for_a_while
from airflow_provider_cloudfn.client.request import Request, Sending
from airflow_provider_cloudfn.exceptions import CloudFunctionError
from airflow_provider_cloudfn.json_encoding import encode_json
from airflow_provider_cloudfn.triggers.job_end import handed_over

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_cloudfn.client.client import Client
    from airflow_provider_cloudfn.triggers.poll import HttpPoll

__all__ = ["JobCancel"]

#: Seconds that a task which is killed has for telling the service.
_LONGEST: Final = 15.0
#: Seconds that the end of a request takes which was given up then.
_MORE: Final = 5.0


class JobCancel:
    """
    Ends a job.

    :param forget: Lets the next try start another job.
    """

    def __init__(self, client: Client, log: Any, forget: Callable[[], None]) -> None:
        self._client = replace(client, ending=None)
        self._ending = client.ending
        self._log = log
        self._forget = forget
        self._request: Request | None = None
        #: Taken by who sends the request, and never given back: it is sent once.
        self._turn = threading.Lock()
        self._is_told = threading.Event()
        self._is_cancelled = False

    @property
    def is_killed(self) -> bool:
        """Whether the task is being ended from outside."""
        return self._ending is not None and self._ending.has_come

    @property
    def is_given(self) -> bool:
        """Whether there is something to send."""
        return self._request is not None

    def give(self, request: Request | None) -> None:
        """
        Take the request while there is time to make it: the task can be killed at any moment.

        :param request: The request; None where there is none, or no job any more.
        :raises ConfigurationError: for what can't be sent.
        """
        if request is not None:
            self._client.prepare(request)
        self._request = request

    def handed_over(self, conn_id: str) -> HttpPoll | None:
        """Return the request for the triggerer, which sends it where a person ends the task meanwhile; None where it can't."""
        if self._request is None:
            return None
        given = handed_over(conn_id, self._request)
        if given is not None and self._client.redaction().text(text := encode_json(given.to_dict())) == text:
            return given
        self._log.warning(
            "poll.cancel is bytes or repeats a secret: it is not sent where a person ends the task while it waits"
        )
        return None

    def send(self) -> bool:
        """
        Tell the service, and forget the job. Whether it is cancelled.

        Whoever comes while that is under way, such as a signal that ends the task, waits for what comes of it.
        """
        if self._request is None:
            return False
        if self._turn.acquire(blocking=False):
            # In a thread of its own, which neither a signal nor the time limit of the task cuts short.
            work = partial(contextvars.copy_context().run, self._tell, self._request)
            threading.Thread(target=work, name="cloudfn-cancel", daemon=True).start()
        if not self._is_told.wait(_LONGEST + _MORE):
            self._log.error("The job could not be cancelled: nobody knows yet what came of it")
        if self._is_cancelled:
            self._forget()
        return self._is_cancelled

    def kill(self) -> None:
        """Do it while the task is being ended; where the job is only being started, it is done as soon as it is known."""
        if self._request is not None:
            # An event loop may be running here, or Airflow being asked, in the middle of which a signal has come.
            for_a_while(self.send, "cloudfn-end", _LONGEST)

    def _tell(self, request: Request) -> None:
        try:
            answer = self._client.request_sync(request, Sending(timeout=_LONGEST))
        except CloudFunctionError as error:
            self._log.error("The job could not be cancelled: %s", error)
        else:
            self._is_cancelled = True
            self._log.info("The job was cancelled: %s %s answered %s", request.method, answer.url, answer.status)
        finally:
            self._is_told.set()
