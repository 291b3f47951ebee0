"""The digital processes that events have started, and the context of each."""

from __future__ import annotations

import copy
import datetime as dt
import secrets
import time
import uuid
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Process", "ProcessEngine", "ReceivedEvent"]

_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


@dataclass(frozen=True, slots=True)
class ReceivedEvent:
    """
    A CloudEvent that was accepted.

    :param id: ``ce-id``.
    :param type: ``ce-type``, the event's key.
    :param source: ``ce-source``.
    :param subject: ``ce-subject``, percent-decoded, or None.
    :param case_id: ``ce-caseid``, percent-decoded, or None.
    :param time: ``ce-time``, or None.
    :param instance_id: ``ce-instanceid``, or None for an event that starts a process.
    :param request_id: What the sender was told to look for.
    :param payload: The body as JSON.
    :param execution_id: ``ce-executionid``, or None for an event that completes no step.
    :param scenario_id: ``ce-scenarioid``, or None.
    :param impact: ``ce-npsprojection``, or None.
    """

    id: str
    type: str
    source: str
    subject: str | None
    case_id: str | None
    time: str | None
    instance_id: str | None
    request_id: str
    payload: Any
    execution_id: str | None = None
    scenario_id: str | None = None
    impact: str | None = None

    def as_json(self) -> dict[str, Any]:
        """Return everything as JSON values."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Process:
    """
    One instance of a digital process.

    :param document: Its context document, in Emporix' shape: ``metadata``, ``context`` and ``status``.
    :param events: What it received, the event that started it first.
    """

    document: dict[str, Any]
    events: tuple[ReceivedEvent, ...]

    @property
    def context(self) -> dict[str, Any]:
        """The context: reserved keys, and each event's payload under the event's key."""
        found: dict[str, Any] = self.document["context"]
        return found

    @property
    def instance_id(self) -> str:
        """What a later event names to reach this instance."""
        return str(self.context["instanceid"])

    @property
    def completions(self) -> tuple[ReceivedEvent, ...]:
        """Those of its events that completed a step."""
        return tuple(event for event in self.events if event.execution_id is not None)

    def as_json(self) -> dict[str, Any]:
        """Return everything as JSON values."""
        return asdict(self) | {"events": [event.as_json() for event in self.events]}


class ProcessEngine:
    """Starts one process for each event without an instance id, and hands the others to theirs."""

    def __init__(self) -> None:
        #: What a process does last, when it has been resumed: it is told the process, which is finished then. Without it,
        #: processes wait for ever.
        self.last_step: Callable[[Process], None] | None = None
        self._tenant = _ulid()
        self._template = _ulid()
        self._version = _ulid()
        self._processes: dict[str, Process] = {}

    @property
    def all(self) -> list[Process]:
        """All processes, oldest first; the caller may change them."""
        return [Process(copy.deepcopy(one.document), one.events) for one in list(self._processes.values())]

    def start(self, event: ReceivedEvent) -> Process:
        """Start an instance: a second event with the same id starts a second one, as nothing else is documented."""
        now = _now()
        document: dict[str, Any] = {
            "metadata": {"tenant": self._tenant, "createdAt": now, "updatedAt": now},
            "context": {
                "_draft": False,
                "_executionEnvironment": "production",
                "executionTemplateID": self._template,
                "executionTemplateVersionID": self._version,
                "instanceid": str(uuid.uuid4()),
                "processid": f"{self._version}-{self._tenant}-{_ulid()}",
                "metadata": {"externalID": event.id, "scenarioid": ""},
                event.type: event.payload,
            },
            "status": "running",
        }
        process = Process(document, (event,))
        self._processes[process.instance_id] = process
        return process

    def resume(self, event: ReceivedEvent) -> Process | None:
        """Hand an event to the running instance that it names; return None when there is none."""
        running = self._processes.get(event.instance_id or "")
        if running is None or running.document["status"] != "running":
            return None
        document = copy.deepcopy(running.document)
        document["context"][event.type] = event.payload
        document["metadata"]["updatedAt"] = _now()
        if self.last_step is not None:
            document["status"] = "finished"
        process = Process(document, (*running.events, event))
        self._processes[process.instance_id] = process
        if self.last_step is not None:
            self.last_step(process)
        return process

    def get(self, name: str) -> Process | None:
        """
        Return an instance, whether it is running or finished; None when there is none.

        :param name: Its id, or its external id: that of the event which has started it.
        """
        if (process := self._processes.get(name)) is not None:
            return process
        return next((one for one in list(self._processes.values()) if one.events[0].id == name), None)

    def clear(self) -> None:
        """Forget all processes."""
        self._processes.clear()


def _now() -> str:
    return dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _ulid() -> str:
    value = (time.time_ns() // 1_000_000) << 80 | secrets.randbits(80)
    return "".join(_CROCKFORD[value >> shift & 31] for shift in range(125, -5, -5))
