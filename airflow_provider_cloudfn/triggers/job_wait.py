"""Waits for a job's end in the triggerer, without a worker."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from airflow.triggers.base import BaseTrigger, TriggerEvent
from msgspec.structs import asdict, replace

from airflow_provider_cloudfn.auth.redacted import Redacted
from airflow_provider_cloudfn.triggers.job import Job, wait_for_end
from airflow_provider_cloudfn.triggers.job_end import end_job
from airflow_provider_cloudfn.triggers.poll import HttpPoll, in_condition_thread
from airflow_provider_cloudfn.triggers.shared_hooks import shared_hook
from airflow_provider_cloudfn.triggers.wire_format import TriggerPayload, require_event

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from airflow_provider_cloudfn.client.response import Response
    from airflow_provider_cloudfn.triggers.job import JobOutcome, JobPoll
    from airflow_provider_cloudfn.triggers.poll import NotYet

__all__ = ["JobEvent", "JobTrigger"]


class JobEvent(Redacted, frozen=True):
    """
    Why a trigger has stopped waiting for a job, as a wire format. It has no answer in it: the worker asks once more itself.

    :param outcome: ``ended``: the job is done, or has failed. ``error``: a poll failed in a way that is not tolerated.
        ``late``: it was time to stop.
    :param seconds: How many were left by then.
    :param job: What the trigger was given: a Dag that is tested hands nothing else over.
    :param reason: The error's class.
    """

    _hidden: ClassVar = frozenset({"job"})

    outcome: Literal["ended", "error", "late"]
    seconds: float
    job: Mapping[str, Any]
    reason: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the event as JSON."""
        return TriggerPayload(asdict(self))

    @classmethod
    def from_dict(cls, written: Any) -> JobEvent:
        """
        Return the event that :meth:`to_dict` wrote.

        :raises ConfigurationError: when it is nothing of the kind.
        """
        told = require_event(written, ("ended", "error", "late"))
        return cls(told["outcome"], float(told["seconds"]), told.get("job") or {}, told.get("reason"))


class JobTrigger(BaseTrigger):
    """
    Ask after a job until it has ended.

    It can run twice, or again after the triggerer has restarted: all else that it sends is what ends the job when a person has
    ended the task. All waits on one connection share its open connections and its token.

    :param job: The job, a :class:`~airflow_provider_cloudfn.triggers.job.Job` or what its ``to_dict`` wrote.
    :param seconds: How many are left for the job. They count from here, so that no two clocks need agree; after a restart
        of the triggerer they begin anew, up to the timeout that Airflow has been given for the trigger.
    :param first_wait: Seconds until the first poll.
    :param cancel: What ends the job, a :class:`~airflow_provider_cloudfn.triggers.poll.HttpPoll` or what its ``to_dict`` wrote;
        None where nothing does.
    """

    def __init__(
        self,
        *,
        job: Job | Mapping[str, Any],
        seconds: float,
        first_wait: float,
        cancel: HttpPoll | Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # Airflow's has no types
        self.job = job if isinstance(job, Job) else Job.from_dict(job)
        self.seconds = seconds
        self.first_wait = first_wait
        self.cancel = cancel if cancel is None or isinstance(cancel, HttpPoll) else HttpPoll.from_dict(cancel)

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return what the trigger's row holds."""
        return f"{type(self).__module__}.{type(self).__qualname__}", {
            "job": self.job.to_dict(),
            "seconds": self.seconds,
            "first_wait": self.first_wait,
            "cancel": None if self.cancel is None else self.cancel.to_dict(),
        }

    async def on_kill(self) -> None:
        """Send ``cancel`` where a person has ended the task, of which no worker hears; Airflow calls it from 3.3 on."""
        if self.cancel is not None:
            await end_job(self.job, self.cancel, self.task_instance, self.log)

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Wait; yields one :class:`JobEvent`, as its ``to_dict``."""
        end = time.monotonic() + self.seconds
        try:
            async with shared_hook(self.job.poll.question.conn_id) as shared:

                async def ask(question: HttpPoll) -> Response | NotYet:
                    async with shared.asking() as hook:
                        return await question.aask(hook)

                async def resolve(question: HttpPoll, link: str) -> str:
                    async with shared.asking() as hook:
                        return (await hook.aclient()).resolve(question.request(), link)

                async def judge(poll: JobPoll, response: Response) -> JobOutcome:
                    return await in_condition_thread(poll.judged, response)

                ended = await wait_for_end(
                    self.job.poll,
                    ask,
                    first_wait=self.first_wait,
                    seconds=self.seconds,
                    sleep=asyncio.sleep,
                    tell=self.log.warning,
                    resolve=resolve,
                    was_started=True,
                    judge=judge,
                )
        except Exception as error:  # whatever it is, the worker meets it too, where the user looks for it
            name = type(error).__name__
            self.log.warning("Asking %s failed: %s", self.job.poll.question.conn_id, name)
            event = JobEvent("error", max(0.0, end - time.monotonic()), self.job.to_dict(), name)
        else:
            left = max(0.0, end - time.monotonic())
            job = replace(self.job, poll=ended.poll)
            event = JobEvent("late" if ended.outcome == "late" else "ended", left, job.to_dict())
        yield TriggerEvent(event.to_dict())  # type: ignore[no-untyped-call]  # Airflow's has no types
