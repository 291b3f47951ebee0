"""Tells what happened, for people: each step, the request that it sent, its answer, and what that started."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any, TextIO

from airflow_provider_cloudfn.cli.demo.order_to_cash import CONSUMER

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_provider_cloudfn.cli.demo.order_to_cash import Outcome, RunStory, StepStory
    from airflow_provider_cloudfn.sandbox import Process, RecordedRequest

__all__ = ["Report"]

# What every HTTP client sends, and says nothing about the call.
_UNTOLD = frozenset({"accept", "accept-encoding", "connection", "content-length", "host", "user-agent", "date"})
_WIDEST = 160


class Report:
    """
    Writes to a stream; in colour, where that is a terminal and nobody has set ``NO_COLOR``.

    :param stream: Where to write.
    :param url: Of Airflow's UI, without a slash at the end.
    """

    def __init__(self, stream: TextIO, url: str) -> None:
        self._stream = stream
        self._url = url
        self._colour = stream.isatty() and not os.environ.get("NO_COLOR")

    def tell(self, outcome: Outcome) -> None:
        """Tell all of it."""
        self._run("1. The producer", outcome.producer)
        for event in outcome.events:
            self._event(event)
        for consumer in outcome.consumers:
            self._run(f"3. The consumer, Dag {CONSUMER}", consumer)
        for process in outcome.processes:
            self._process(process)

    def _run(self, title: str, story: RunStory) -> None:
        run = story.run
        self._heading(f"{title}: run {run['dag_run_id']} - {run['state']}")
        self._line(1, f"{self._url}/dags/{run['dag_id']}/runs/{run['dag_run_id']}")
        if run.get("partition_key"):
            self._line(1, f"partition key: {run['partition_key']}")
        for step in story.steps:
            self._step(step)

    def _step(self, step: StepStory) -> None:
        instance = step.instance
        self._line()
        self._line(1, self._bold(f"Step {instance['task_id']} ({instance['operator_name']}) - {instance['state']}"))
        for request in step.requests:
            self._request(request)
        if step.requests and step.returned == _json_of(step.requests[-1].response_body):
            self._line(2, "returned to XCom: the answer's body")
        elif step.returned is not None:
            self._line(2, "returned to XCom:")
            self._json(3, step.returned)
        for line in step.log:
            self._line(2, f"| {line}")

    def _request(self, request: RecordedRequest) -> None:
        query = f"?{request.query}" if request.query else ""
        self._line(2, self._bold(f"-> {request.method} {request.path}{query}"))
        for name, value in request.headers:
            if name not in _UNTOLD:
                self._line(3, f"{name}: {value}")
        self._body(request.body)
        self._line(2, self._bold(f"<- {request.status}"))
        self._body(request.response_body)

    def _event(self, event: Mapping[str, Any]) -> None:
        self._heading(f"2. The completion event {event['name'] or event['uri']}")
        self._line(1, "extra of the asset event:")
        self._json(2, event["extra"])
        for run in event["created_dagruns"]:
            self._line(1, self._bold(f"It started Dag {run['dag_id']}, run {run['run_id']}"))

    def _process(self, process: Process) -> None:
        self._heading(f"4. The process in Emporix: {process.instance_id}")
        event = process.events[0]
        self._line(1, f"started by event {event.type}, case {event.case_id}, subject {event.subject!r}; its context:")
        self._json(2, process.context)

    def _body(self, content: bytes) -> None:
        value = _json_of(content)
        if value is not None:
            self._json(3, value)
        elif content:
            self._line(3, content.decode("utf-8", "replace"))

    def _json(self, depth: int, value: object) -> None:
        text = json.dumps(value, ensure_ascii=False)
        if len(text) + 2 * depth > _WIDEST // 2:
            text = json.dumps(value, ensure_ascii=False, indent=2)
        for line in text.splitlines():
            self._line(depth, line)

    def _heading(self, text: str) -> None:
        self._line()
        self._line(0, self._bold(text))

    def _line(self, depth: int = 0, text: str = "") -> None:
        shown = text if len(text) <= _WIDEST else text[:_WIDEST] + "..."
        print("  " * depth + shown, file=self._stream)

    def _bold(self, text: str) -> str:
        return f"\x1b[1m{text}\x1b[0m" if self._colour else text


def _json_of(content: bytes) -> Any:
    """Return a body as JSON, or None where it is none."""
    try:
        return json.loads(content)
    except ValueError:
        return None
