"""``poll=``: a job that takes its time: where its state is asked for, how often, and what the answers mean."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from airflow_provider_cloudfn.authoring.value_checks import count_problem, seconds
from airflow_provider_cloudfn.exceptions import ConfigurationError

if TYPE_CHECKING:
    import datetime as dt

__all__ = ["Poll", "poll_problem"]

_MONITOR: Final = 'job.headers[?"operation-location"].or(job.headers[?"azure-asyncoperation"])'
_STATUS: Final = "string(response.body.status).lowerAscii()"


class Poll(Struct, frozen=True, kw_only=True, repr_omit_defaults=True):
    """
    Wait for the job that the call has started, and take its result for the answer.

    `done_when` and `failed_when` are CEL over ``response``, the answer of the poll, ``job``, the answer of the call that
    started the job, and ``inputs``: the triggerer evaluates them too, and it knows nothing else. ``job`` is made like
    ``response``, and has the ``method`` of the call besides. All other parts can name what every expression can, and
    ``job``; `result` and `value` can name ``response``.

    :param done_when: Whether the job is done.
    :param failed_when: Whether it has failed; it is asked first.
    :param every: Seconds, or a timedelta, between two polls at the beginning. ``Retry-After`` comes before it.
    :param at_most_every: What the seconds grow to, by half each time; the same as `every` for an interval that stays.
    :param timeout: Seconds, or a timedelta, for the whole job.
    :param uri: Where its state is asked for: a path below the connection's base URL, as ``uri`` of the operator. Where neither
        this nor `link` is given it is the link in ``Operation-Location`` or ``Location``, and for a ``GET`` without
        one of these the same address. Null: the job was done at once.
    :param link: The same as a link that stands in the answer, which is read as a browser reads one.
    :param query: The query of a poll, as a dict.
    :param headers: The headers of a poll, as a dict.
    :param result: What is asked for when the job is done, and gives the answer of the step: a path below the base URL, or
        a map with ``uri`` or ``link``, and ``method``, ``query``, ``headers`` and ``body`` where they are needed. Null: the
        last poll has it.
    :param value: What of the last poll is ``response.body`` of the step, where nothing was asked for as `result`.
    :param cancel: What is sent when the task is killed, or the timeout has passed: a map as of `result`, or a path, which is
        sent a ``DELETE``.
    :param tolerate: How many polls in a row may fail for a reason that can pass, such as a 503.
    :param moves: Whether a poll's own ``Operation-Location``, or ``Location`` of a 202, is where to go on.
    :raises ConfigurationError: for numbers that make no sense.
    """

    done_when: Any
    failed_when: Any = None
    every: float | dt.timedelta = 5
    at_most_every: float | dt.timedelta = 60
    timeout: float | dt.timedelta = 3600
    uri: Any = None
    link: Any = None
    query: Any = None
    headers: Any = None
    result: Any = None
    value: Any = None
    cancel: Any = None
    tolerate: int = 5
    moves: bool = False

    @classmethod
    def location(cls, **settings: Any) -> Poll:
        """
        Wait as the answer says in ``Operation-Location`` (or ``Azure-AsyncOperation``), or in ``Location`` of a 202.

        Under ``Location`` a job is done when the answer is no 202 any more. An operation is done when its ``status`` is
        ``Succeeded``, and has failed when that is ``Failed`` or ``Canceled``; its result is at ``resourceLocation``, at the
        address of a ``PUT`` or ``PATCH``, or at ``Location``; where there is none of these it is ``result`` of the operation.

        :param settings: As of :class:`Poll`; they come before what is said here.
        """
        monitored = f"{_MONITOR}.hasValue()"
        link = f'{_MONITOR}.or(job.status == 202 ? job.headers[?"location"] : optional.none()).orValue(null)'
        place = (
            'response.body[?"resourceLocation"].or(job.method in ["PUT", "PATCH"] ? optional.of(job.url) : '
            'job.headers[?"location"]).optMap(place, {"link": place}).orValue(null)'
        )
        given: dict[str, Any] = {
            "done_when": f'{monitored} ? {_STATUS} == "succeeded" : response.status != 202',
            "failed_when": f'{monitored} && {_STATUS} in ["failed", "canceled", "cancelled"]',
            "link": link,
            "result": f"{monitored} ? {place} : null",
            "value": f'{monitored} ? response.body[?"result"].orValue(response.body) : response.body',
            "moves": True,
        }
        return cls(**{**given, **settings})

    @classmethod
    def google(cls, **settings: Any) -> Poll:
        """
        Wait for an operation of Google's kind (AIP-151).

        Its ``name`` is asked for until it is ``done``; then it has an ``error``, or the ``response``, which is the body of the
        step's answer.

        :param settings: As of :class:`Poll`; they come before what is said here. `uri` is ``"/v1/" + job.body.name`` by default.
        """
        given: dict[str, Any] = {
            "done_when": 'response.body[?"done"].orValue(false)',
            "failed_when": 'response.body[?"error"].orValue(null) != null',
            "uri": 'job.body[?"done"].orValue(false) ? null : "/v1/" + job.body.name',
            "value": 'response.body[?"response"].orValue(null)',
        }
        return cls(**{**given, **settings})

    def __post_init__(self) -> None:
        for name in ("every", "at_most_every", "timeout"):
            seconds(f"poll: {name}", getattr(self, name))
        if (problem := count_problem(self.tolerate)) is not None:
            raise ConfigurationError(f"poll: tolerate {problem}")
        if self.uri is not None and self.link is not None:
            raise ConfigurationError("poll: give uri or link, they are two ways to say where to ask")
        if self.done_when is None:
            raise ConfigurationError("poll: say when the job is done: done_when='response.body.state == \"done\"'")


def poll_problem(value: Any) -> str | None:
    """Say what is wrong with what is given as ``poll``."""
    if value is None or isinstance(value, Poll):
        return None
    return f"must be a Poll, not {type(value).__name__}: write poll=Poll(done_when=…), Poll.location() or Poll.google()"
