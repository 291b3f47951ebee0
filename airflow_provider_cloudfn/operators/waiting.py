"""A call that is waited for: the place where the wait begins is kept before it is sent, and what came is the step's result."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final, NoReturn

from airflow.sdk import conf
from msgspec.structs import replace

from airflow_provider_cloudfn.authoring.stable_ids import task_instance_key
from airflow_provider_cloudfn.authoring.value_checks import seconds
from airflow_provider_cloudfn.authoring.variables import SAMPLE_RUN
from airflow_provider_cloudfn.authoring.wait_for import Callback, WaitFor
from airflow_provider_cloudfn.events.place import Arrivals, place_now
from airflow_provider_cloudfn.events.signature import CallbackAddress
from airflow_provider_cloudfn.exceptions import ConfigurationError, ExpressionError, RequestTimeoutError, seconds_text
from airflow_provider_cloudfn.journal.entries import CALLBACK, CallbackEntry, WaitEntry
from airflow_provider_cloudfn.journal.task_journal import TaskJournal
from airflow_provider_cloudfn.json_encoding import encode_json, restored, timestamp_text
from airflow_provider_cloudfn.operators.poll_parts import condition_source, read_afterwards
from airflow_provider_cloudfn.operators.storable import KeptBytes
from airflow_provider_cloudfn.triggers.deferral import defer
from airflow_provider_cloudfn.triggers.wait import Wait, WaitEvent
from airflow_provider_cloudfn.triggers.written_down import named_by, read_back, written_down

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from airflow.sdk.definitions.context import Context

    from airflow_provider_cloudfn.authoring.variables import SampleRun, TaskVariables
    from airflow_provider_cloudfn.client.redaction import Redaction
    from airflow_provider_cloudfn.client.response import Response
    from airflow_provider_cloudfn.operators.waiting_task import WaitingTask

__all__ = ["WaitedCall", "callback_url"]

#: Seconds between two looks of a worker: at first, by what they grow, and to what.
_SHORTEST: Final = 1.0
_GROWTH: Final = 1.5
_LONGEST: Final = 10.0
_WAIT: Final = "wait"
#: What a rehearsal calls a callback among its samples, and gives for its address.
_SAMPLE: Final = "callback"
_SAMPLE_URL: Final = "https://airflow.example.com/cloudfn/callbacks/rehearsed"


class WaitedCall:
    """The call of a task with ``wait_for=``, and the wait."""

    def __init__(self, task: WaitingTask, context: Context) -> None:
        self._task = task
        self._context = context
        self._journal = TaskJournal.of(context, task.log)
        self._defers = task.deferrable
        #: Whether the triggerer says that it came.
        self._was_found = False

    def settle(
        self, call: Callable[[], Response], variables: TaskVariables, redaction: Callable[[], Redaction]
    ) -> TaskVariables:
        """
        Make the call, unless an earlier try has, wait, and return what expressions can name then: ``response`` and ``event``.

        :param variables: What expressions can name before it.
        :param redaction: What hides the secrets that are known by then.
        :raises CloudFunctionError: when the call fails, or nothing comes in time.
        """
        given: Mapping[str, Any] = self._context
        if (sample_run := given.get(SAMPLE_RUN)) is not None:
            variables = variables.with_response(call().as_variable())
            return variables.with_more(event=self._sampled(sample_run, variables))
        if self._task.trigger_event is not None:
            told = WaitEvent.from_dict(self._task.trigger_event)
            told.tell(self._task.log)
            self._was_found = told.outcome == "found"
            return self._gone_on(Wait.from_dict(told.wait), told.seconds, variables, told.looks)
        wait = self.begun()
        if not wait.answered:
            response = call().as_variable()
            wait = self._answered(wait, variables.with_response(response), redaction())
        else:
            self._task.log.info("An earlier try has made the call: nothing is sent, and the wait goes on")
        return self._gone_on(wait, self._seconds_left(wait), variables, 0)

    def begun(self) -> Wait:
        """
        Return the wait, which begins here where no earlier try has begun it: before anything is sent.

        :raises ConfigurationError: for a callback where Airflow keeps no task state.
        """
        entry = self._journal.read(_WAIT, WaitEntry)
        if entry is not None:
            return Wait.from_dict(entry.wait)
        wait, option = Wait(begun=time.time()), self._task.wait_for
        if isinstance(option, WaitFor):
            match, event = condition_source(option.match), option.event
            wait = replace(wait, event=event.name, uri=event.uri, place=place_now(self._context, event), match=match)
        else:
            if not self._journal.is_kept:
                raise ConfigurationError(
                    "wait_for: a Callback needs Airflow's task state, which this Airflow does not have: upgrade to Airflow "
                    "3.3, or wait with poll=Poll(…) or WaitFor(…)"
                )
            # Of before a Clear: none of this wait can be there, whose address nobody knows yet.
            self._journal.forget(CALLBACK)
            wait = replace(wait, callback=self._address(wait))
        self._journal.write(_WAIT, WaitEntry(wait=wait.to_dict()))
        return wait

    def url(self) -> str:
        """
        Return the address at which the task is called back; the same on every try, until the task is cleared.

        :raises ConfigurationError: where nobody has said at which address Airflow is reached.
        """
        base = (conf.get("api", "base_url", fallback="") or "").rstrip("/")
        if not base.startswith(("http://", "https://")):
            raise ConfigurationError(
                "wait_for: [api] base_url is not set, or is no URL, and a Callback needs it: write the address at which the "
                "service reaches Airflow, such as https://airflow.example.com, in the configuration of the workers too"
            )
        return f"{base}/cloudfn/callbacks/{self._address(self.begun()).token()}"

    def _address(self, wait: Wait) -> CallbackAddress:
        key = task_instance_key(self._context)
        deadline = int(wait.begun + self._limit())
        return CallbackAddress(key.dag_id, key.run_id, key.task_id, key.map_index, self._journal.generation, deadline)

    def _answered(self, wait: Wait, variables: TaskVariables, redaction: Redaction) -> Wait:
        """Keep of the answer what is read of it later: for the triggerer, and for the next try."""
        sources = [] if wait.match is None else [wait.match]
        known = {name: written_down(named_by(sources, name, variables[name])) for name in ("response", "inputs")}
        answer = named_by(read_afterwards(self._task), "response", variables["response"])
        has_bytes = KeptBytes.of(answer or {}, None) is not None
        wait = replace(
            wait,
            known={name: value for name, value in known.items() if value is not None},
            answer=written_down(answer),
            content_type=variables["response"]["headers"].get("content-type") if has_bytes else None,
            answered=True,
        )
        text = encode_json(wait.to_dict())
        if redaction.text(text) == text:
            self._journal.write(_WAIT, WaitEntry(wait=wait.to_dict()))
        elif self._defers:
            # What is handed over to the triggerer, or to another try, stands in the database.
            self._task.log.warning("The answer repeats a secret of the connection: the wait stays in this process")
            self._defers = False
        return wait

    def _gone_on(self, wait: Wait, left: float, variables: TaskVariables, looks: int) -> TaskVariables:
        end, pause = time.monotonic() + left, _SHORTEST
        while True:
            record, wait = self._arrived(wait)
            if record is not None:
                self._task.log.info("It came: %s, id %s", wait.event or "the callback", record["metadata"].get("id"))
                answer = read_back(wait.answer) or {}
                self._task.keep_bytes(KeptBytes.of(answer, wait.content_type))
                return variables.with_more(response=answer, event=record)
            left = end - time.monotonic()
            if left <= 0:
                self._end_late(wait)
            if self._defers and self._was_found:
                # The triggerer would say so at once, again and again.
                self._task.log.warning(
                    "It came, says the triggerer, and is not here yet: the wait goes on in this process"
                )
                self._defers = False
            if self._defers:
                self._defer(wait, left, looks)
            time.sleep(min(pause, left))
            pause = min(pause * _GROWTH, _LONGEST)

    def _arrived(self, wait: Wait) -> tuple[Mapping[str, Any] | None, Wait]:
        """Return what came, if it did, and the wait from where on it goes on."""
        if wait.callback is not None:
            entry = self._journal.read(CALLBACK, CallbackEntry)
            return None if entry is None else _as_record(entry), wait
        option = self._task.wait_for
        if not isinstance(option, WaitFor) or wait.place is None:
            raise ConfigurationError("wait_for: was another one when the call was made: clear the task, to begin anew")
        arrivals = Arrivals(self._context, option.event, wait.place)
        for record in arrivals.records():
            if wait.matches(record):
                return record, wait
        return None, replace(wait, place=arrivals.place)

    def _defer(self, wait: Wait, left: float, looks: int) -> NoReturn:
        from airflow_provider_cloudfn.triggers.event_wait import EventWaitTrigger

        defer(self._task, EventWaitTrigger(wait=wait, seconds=left, looks=looks), left)

    def _end_late(self, wait: Wait) -> NoReturn:
        what = "no callback came"
        if wait.callback is None:
            what = f"no event {wait.event!r} came" + ("" if wait.match is None else " for which match is true")
        raise RequestTimeoutError(
            f"wait_for: {what} within {seconds_text(self._limit())} (timeout); what the call has begun may go on at the service"
        )

    def _sampled(self, sample_run: SampleRun, variables: TaskVariables) -> Mapping[str, Any]:
        option = self._task.wait_for
        name = option.event.name if isinstance(option, WaitFor) else _SAMPLE
        if name not in sample_run.payloads:
            raise ExpressionError(
                f"wait_for: there is no sample of what is waited for: give its payload under 'context', as {name!r}"
            )
        record = {"metadata": {"type": name, "source": "sample"}, "result": sample_run.payloads[name]}
        variables = variables.with_more(event=record)
        has_match = isinstance(option, WaitFor) and option.match is not None
        if has_match and not self._task.truth_after_call("wait_for.match", variables):
            raise ExpressionError(f"is false for the sample of {name!r} under 'context'", field="wait_for.match")
        return record

    def _limit(self) -> float:
        option = self._task.wait_for
        return seconds("wait_for: timeout", option.timeout if isinstance(option, (WaitFor, Callback)) else None)

    def _seconds_left(self, wait: Wait) -> float:
        limit = self._limit()
        return min(limit, max(0.0, limit - (time.time() - wait.begun)))


def _as_record(entry: CallbackEntry) -> dict[str, Any]:
    metadata = {"id": entry.id, "type": "callback", "source": "callback", "occurredAt": timestamp_text(entry.came_at)}
    return {"metadata": metadata, "result": restored(entry.payload)}


def callback_url(task: WaitingTask, context: Context) -> str:
    """
    Return the address at which a task is called back, which nothing that is logged or shown has in it.

    :raises ConfigurationError: where there can be none.
    """
    if SAMPLE_RUN in context:
        return _SAMPLE_URL
    from airflow_provider_cloudfn.hooks.masking import mask_secrets

    url = WaitedCall(task, context).url()
    mask_secrets([url.rpartition("/")[2]])
    return url
