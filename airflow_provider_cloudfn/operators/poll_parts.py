"""What the parts of a ``poll=`` give, once the job has begun: values, conditions and requests."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from airflow_provider_cloudfn.authoring.emit import parts_of_events
from airflow_provider_cloudfn.authoring.options import EVENT_PARAMETERS
from airflow_provider_cloudfn.authoring.reading import read
from airflow_provider_cloudfn.authoring.shapes import header_text, query_text, uri_text
from airflow_provider_cloudfn.authoring.value_checks import method_problem
from airflow_provider_cloudfn.authoring.written import formulas
from airflow_provider_cloudfn.client.request import Request
from airflow_provider_cloudfn.exceptions import ExpressionError, ResponseError, in_words
from airflow_provider_cloudfn.operators.request_values import content_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_provider_cloudfn.authoring.poll import Poll
    from airflow_provider_cloudfn.authoring.variables import TaskVariables
    from airflow_provider_cloudfn.client.client import Client
    from airflow_provider_cloudfn.client.response import Response
    from airflow_provider_cloudfn.operators.base import ExpressionOperator
    from airflow_provider_cloudfn.operators.waiting_task import WaitingTask
    from airflow_provider_cloudfn.triggers.job import JobPoll
    from airflow_provider_cloudfn.triggers.poll import HttpPoll

__all__ = ["PollParts", "condition_source", "read_afterwards"]


class PollParts:
    """Evaluates the parts of a poll."""

    def __init__(self, task: WaitingTask, poll: Poll, client: Client) -> None:
        self._task = task
        self._poll = poll
        self._client = client

    def value(self, name: str, variables: TaskVariables) -> Any:
        """Return what a part gives; None where it is not given."""
        if getattr(self._poll, name) is None:
            return None
        return self._task.evaluate_after_call(f"poll.{name}", variables)

    def placeless(self, confirmed: Response) -> ResponseError:
        """
        Return the error of a job that is known to have been started, and not where it is asked for.

        :param confirmed: What the service has answered to the question whether it was.
        """
        return ResponseError(
            f"poll: the job was started, says the answer {confirmed.status} of {confirmed.url}, and not where to ask: say it "
            "with uri=, which reads the answer to on_unknown=Confirm(…) as job"
        )

    def tell_changed(self, kept: JobPoll) -> None:
        """
        Tell that a job is judged as it was when it was started, where its conditions are other ones by now.

        :param kept: How an earlier try has asked for it.
        """
        for name in ("done_when", "failed_when"):
            if condition_source(getattr(self._poll, name)) != getattr(kept, name):
                self._task.log.warning(
                    "poll.%s is another one than when the job was started, and that one counts: %s. Clear the task to start "
                    "another job",
                    name,
                    getattr(kept, name),
                )

    def later(self) -> Iterator[str]:
        """Yield the expressions that may name ``job`` later."""
        of_poll = (f"poll.{name}" for name in ("result", "value", "cancel") if getattr(self._poll, name) is not None)
        return read_afterwards(self._task, "success_when", *of_poll)

    def request(self, name: str, wanted: Any, question: HttpPoll, method: str) -> Request:
        """
        Return the request that a part describes.

        :param question: The poll's question, from which a link leads on.
        :param method: The method where none is given.
        :raises ExpressionError: for what is no request.
        """
        place = f"poll.{name}"
        if isinstance(wanted, str):
            return Request(method, wanted)
        if not isinstance(wanted, Mapping):
            raise ExpressionError(f"must give text or a map, not {in_words(wanted)}", field=place)
        known = ("method", "uri", "link", "query", "headers", "body")
        if unknown := sorted(str(key) for key in wanted if key not in known):
            raise ExpressionError(f"{unknown[0]!r} is none of {', '.join(known)}", field=place)
        method = wanted.get("method", method)
        if (problem := method_problem(method)) is not None:
            raise ExpressionError(f"method: {problem}", field=place)
        if wanted.get("link") is not None:
            uri = self._client.resolve(question.request(), uri_text(f"{place}.link", wanted["link"]))
        else:
            uri = uri_text(f"{place}.uri", wanted.get("uri"))
        headers = header_text(f"{place}.headers", wanted.get("headers"))
        body = wanted.get("body")
        content = None if body is None else content_of(body, headers)
        query = query_text(f"{place}.query", wanted.get("query"))
        return Request(method, uri, query, headers, content, self._task.list_style)


def read_afterwards(task: ExpressionOperator, *others: str) -> Iterator[str]:
    """
    Yield the expressions that say what a step returns and emits, when what it waits for is there.

    :param others: Which parameters are evaluated then besides, or parts of one.
    """
    events = (part.name for part, _ in parts_of_events(task.completion_events))
    for name in ("returns", *EVENT_PARAMETERS, *events, *others):
        for formula in formulas(read(*task.written(name))):
            yield formula.source


def condition_source(written: Any) -> Any:
    """
    Return the source of a condition; None for one that is not given.

    :param written: CEL, marked or not, or a bool.
    """
    if written is None:
        return None
    return str(written).lower() if isinstance(written, bool) else str(getattr(written, "source", written))
