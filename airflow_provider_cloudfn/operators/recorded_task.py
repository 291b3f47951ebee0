"""A task that leaves a record of its calls in XCom, however it ends, and never fails for it."""

from __future__ import annotations

import datetime as dt
import time
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Any, ClassVar, Final

from airflow.sdk.exceptions import (
    AirflowRescheduleException,
    AirflowSkipException,
    AirflowTaskTimeout,
    TaskDeferred,
)

from airflow_provider_cloudfn.authoring.airflow_masker import masked
from airflow_provider_cloudfn.authoring.rendering import TemplatedTask
from airflow_provider_cloudfn.authoring.variables import SAMPLE_RUN
from airflow_provider_cloudfn.configuration import options
from airflow_provider_cloudfn.exceptions import ConfigurationError
from airflow_provider_cloudfn.journal.outage import outlast
from airflow_provider_cloudfn.operators.call_link import CallLink

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from airflow.sdk import BaseOperatorLink
    from airflow.sdk.definitions.context import Context

    from airflow_provider_cloudfn.hooks.base import ConnectionHook
    from airflow_provider_cloudfn.records.call_record import CallRecord, Kind, TryOutcome
    from airflow_provider_cloudfn.records.recorder import CallRecorder

__all__ = ["RecordedTask", "call_records"]

_CHOICES: Final = ("all", "failures", "none")
#: Seconds for which Airflow is asked again: the step itself is done by then.
_PATIENCE: Final = 20.0


class RecordedTask(TemplatedTask):
    """A task that makes calls, of which it leaves a record: see :mod:`airflow_provider_cloudfn.records`."""

    operator_extra_links: Sequence[BaseOperatorLink] = (CallLink(),)
    #: The parameter that names the connection, and what the task does.
    call_connection: ClassVar[str] = "cloudfn_conn_id"
    call_kind: ClassVar[Kind] = "call"

    #: Whether this try has left a record.
    call_is_recorded = False
    _recorder: CallRecorder | None = None
    _is_recording = False
    #: Over what the calls of this try go, and whether it is being ended from outside.
    _calls_over: ConnectionHook[Any] | None = None
    _is_ended = False

    def _called(self) -> str:
        """Return the name of what it calls, in its records and its log."""
        return self.task_id

    @property
    def recorder(self) -> CallRecorder:
        """What the record of this try is made of; where none is left, nobody reads it."""
        if self._recorder is None:
            from airflow_provider_cloudfn.records.recorder import CallRecorder

            self._recorder = CallRecorder(self.call_kind, masked)
        return self._recorder

    def resume_execution(self, next_method: str, next_kwargs: dict[str, Any] | None, context: Context) -> Any:
        """Go on after a deferral, with the record that was begun before it."""
        with self._recorded(context, goes_on=True):
            return super().resume_execution(next_method, next_kwargs, context)

    def on_kill(self) -> None:
        """Let nothing more be sent: Airflow tells a task that it is ended, and lets it go on for some seconds."""
        self._is_ended = True
        if self._calls_over is not None:
            self._calls_over.end_calls()

    def _watched(self, hook: ConnectionHook[Any]) -> Any:
        """Return a hook whose calls are recorded, where they are to be, and end with the task."""
        self._calls_over = hook
        if self._is_ended:
            # That came while the parameters were rendered.
            hook.end_calls()
        if self._is_recording:
            hook.watch_calls(self.recorder)
        return hook

    @contextmanager
    def _recorded(self, context: Context, *, goes_on: bool = False, only_begun: bool = False) -> Iterator[None]:
        """
        Leave a record of what is done in this block.

        A worker that is killed leaves none: what is pushed then could stand beside another try's.

        :param goes_on: Whether it goes on with a record that was begun before a deferral.
        :param only_begun: Whether the step goes on behind the block, so that a record is left only where it ends in it: the
            parameters are rendered before the step is carried out.
        """
        if self._is_recording or not (wanted := self._records_wanted(context)):
            yield
            return
        self._recorder, self.call_is_recorded, self._is_recording = None, False, True
        record = _Recording(self, context, only_failures=wanted == "failures", goes_on=goes_on)
        try:
            yield
        except TaskDeferred:
            record.end("waiting")
            raise
        except AirflowRescheduleException:
            # Airflow clears what it leaves before the next process asks, which records what that asks.
            raise
        except AirflowSkipException as error:
            record.end("skipped", error)
            raise
        except (Exception, AirflowTaskTimeout) as error:
            record.end("failed", error)
            raise
        else:
            if not only_begun:
                record.end("success")
        finally:
            self._is_recording = False

    def _do_render_template_fields(
        self, parent: Any, template_fields: Iterable[str], context: Context, *others: Any, **named: Any
    ) -> None:
        """Render the template fields; a step that fails for that leaves a record that says why."""
        # Airflow renders the values that a task holds by this, too.
        with self._recorded(context, only_begun=True) if parent is self else nullcontext():
            super()._do_render_template_fields(parent, template_fields, context, *others, **named)

    def _records_wanted(self, context: Context) -> str | None:
        """Return which records are wanted; None for none."""
        if SAMPLE_RUN in context or not self.do_xcom_push or not hasattr(context.get("ti"), "xcom_push"):
            return None
        try:
            chosen = call_records()
        except ConfigurationError as error:
            self.log.warning("%s; a record of each call is left", error)
            return _CHOICES[0]
        return None if chosen == "none" else chosen


def call_records() -> str:
    """
    Return which steps leave a record of their calls, as ``[cloudfn] call_records`` says: ``all``, ``failures`` or ``none``.

    :raises ConfigurationError: where it says something else.
    """
    return options.choice("call_records", _CHOICES)


class _Recording:
    """
    The record of a try, while that goes on.

    :param task: The task.
    :param only_failures: Whether a record is left of a try that fails alone.
    :param goes_on: Whether one was begun before a deferral.
    """

    def __init__(self, task: RecordedTask, context: Context, *, only_failures: bool, goes_on: bool) -> None:
        self._task = task
        self._instance: Any = context["ti"]
        self._only_failures = only_failures
        self._goes_on = goes_on
        self._started_at = dt.datetime.now(tz=dt.UTC)
        self._begun = time.monotonic()

    def end(self, outcome: TryOutcome, error: BaseException | None = None) -> None:
        """Write the record."""
        if self._only_failures and outcome != "failed":
            return
        try:
            self._push(self._record(outcome, error))
        except (Exception, AirflowTaskTimeout) as failure:
            # The step itself is done: that no time was left for this is no reason to do it again. The text of what went
            # wrong could hold what the record does.
            self._task.log.warning("The record of the calls could not be written (%s)", type(failure).__name__)
        else:
            self._task.call_is_recorded = True

    def _record(self, outcome: TryOutcome, error: BaseException | None) -> CallRecord:
        task, recorder = self._task, self._task.recorder
        recorder.function = task._called()
        recorder.conn_id = recorder.conn_id or str(getattr(task, task.call_connection, ""))
        record = recorder.record(
            outcome,
            started_at=self._started_at,
            seconds=time.monotonic() - self._begun,
            try_number=getattr(self._instance, "try_number", None) or 1,
            error=error,
        )
        if (before := self._before()) is None:
            return record
        from airflow_provider_cloudfn.records.joining import joined

        return joined(before, record)

    def _before(self) -> CallRecord | None:
        """Return what was recorded before the deferral."""
        if not self._goes_on:
            return None
        from airflow_provider_cloudfn.records.call_record import CALL_RECORD_KEY, CallRecord

        try:
            pulled = outlast(
                lambda: self._instance.xcom_pull(
                    task_ids=self._task.task_id, key=CALL_RECORD_KEY, map_indexes=self._instance.map_index
                ),
                "what the step's calls were before it was deferred",
                self._task.log,
                patience=_PATIENCE,
            )
            return None if pulled is None else CallRecord.from_dict(pulled)
        except ConfigurationError:
            return None  # Another version's, during an upgrade.

    def _push(self, record: CallRecord) -> None:
        from airflow_provider_cloudfn.records.call_record import CALL_RECORD_KEY
        from airflow_provider_cloudfn.records.room import fitted

        written = fitted(record).to_dict()
        outlast(
            lambda: self._instance.xcom_push(key=CALL_RECORD_KEY, value=written),
            "the record of the step's calls",
            self._task.log,
            patience=_PATIENCE,
        )
