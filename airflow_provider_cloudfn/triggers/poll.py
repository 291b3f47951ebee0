"""A question that is put to a service again and again, and what its answers mean: the same on a worker and in the triggerer."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from msgspec import Struct, field
from msgspec.structs import asdict, replace

from airflow_provider_cloudfn import cel
from airflow_provider_cloudfn.auth.redacted import Redacted
from airflow_provider_cloudfn.auth.repeatable import is_put_off
from airflow_provider_cloudfn.client.query import ListStyle  # noqa: TC001 - the wire format has its types
from airflow_provider_cloudfn.client.request import Request, Sending
from airflow_provider_cloudfn.client.retry import NO_RETRY
from airflow_provider_cloudfn.client.secret import Secret
from airflow_provider_cloudfn.exceptions import (
    AuthenticationError,
    CloudFunctionError,
    ExpressionError,
    RequestTimeoutError,
    require_truth,
)
from airflow_provider_cloudfn.hooks.request_options import body_of
from airflow_provider_cloudfn.triggers.wire_format import require_wire_format

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_cloudfn.client.client import Client
    from airflow_provider_cloudfn.client.response import Response
    from airflow_provider_cloudfn.hooks.request import RequestHook

__all__ = ["LARGEST", "HttpPoll", "NotYet", "bounded", "in_condition_thread"]

#: The largest body, in bytes, that is read where other triggers are at work: what reads it, in C, stops them all meanwhile.
LARGEST = 1024 * 1024
_T = TypeVar("_T")
#: By process: a fork inherits an executor, and none of its threads.
_executors: dict[int, ThreadPoolExecutor] = {}

#: What a secret's name is written under. A map from elsewhere that looks so is written with one more "$" behind its key.
_PLACEHOLDER = "$cloudfn.secret"


async def in_condition_thread(function: Callable[..., _T], *arguments: Any) -> _T:
    """
    Return what a function gives that can take as long as a condition may, while an event loop goes on with all else.

    Its threads are few, for they have one interpreter.
    """
    process = os.getpid()
    if process not in _executors:
        _executors[process] = ThreadPoolExecutor(2, "cloudfn-condition")
    return await asyncio.get_running_loop().run_in_executor(_executors[process], function, *arguments)


class NotYet(Struct, frozen=True):
    """
    What was asked for is not there yet.

    :param seconds: How long the service asks to wait.
    :param status: The status of the answer.
    """

    seconds: float = 0.0
    status: int | None = None


class HttpPoll(Redacted, frozen=True, kw_only=True):
    """
    The question, as a wire format: it is kept in the trigger's row. What authenticates it stays in the connection.

    :param conn_id: A connection of type ``cloudfn`` or ``amazon_connect``.
    :param method: The method.
    :param uri: The path below the base URL, perhaps with a query.
    :param query: Names and values; a list repeats its name.
    :param headers: Names and values.
    :param json: What is sent as JSON; None sends none.
    :param data: Text to send as it is, or a map to send as a form.
    :param timeout: Seconds for one question; None as the connection says.
    :param waiting: The statuses that mean "not yet".
    :param any_status: Whether every other status is an answer too; else one that is no success is an error.
    :param until: CEL over ``response``: what must be true of the answer; None takes any.
    :param once: Whether a question is one request, not sent again within it.
    :param list_style: How lists are written in the query.
    :param as_it_came: Whether the body of an answer is left as bytes, whatever its Content-Type says; where a question can be
        sent again, `until` says whether it must be.
    """

    _hidden: ClassVar = frozenset({"headers", "json", "data"})

    conn_id: str
    method: str = "GET"
    uri: str = ""
    query: Mapping[str, Any] | None = None
    headers: Mapping[str, Any] = field(default_factory=dict)
    json: Any = None
    data: str | Mapping[str, Any] | None = None
    timeout: float | None = None
    waiting: tuple[int, ...] = ()
    any_status: bool = False
    until: str | None = None
    once: bool = False
    list_style: ListStyle = "repeat"
    as_it_came: bool = False

    def ask(self, hook: RequestHook[Any]) -> Response | NotYet:
        """
        Ask once.

        :raises CloudFunctionError: for an answer that is neither yes nor "not yet".
        """
        try:
            return self._judged(hook.send(self.request(), self._sending()))
        except CloudFunctionError as error:
            return self._put_off(error)

    async def aask(self, hook: RequestHook[Any]) -> Response | NotYet:
        """
        Do what :meth:`ask` does, in an event loop, and hold up nothing else that goes on in it.

        :raises LimitError: for an answer that is larger than :data:`LARGEST`, unless an open session allows more.
        """
        client = await hook.aclient()
        try:
            response = await bounded(client).request(self.request(), self._sending())
            if self.until is None:
                return self._judged(response)
            return await in_condition_thread(self._judged, response)
        except CloudFunctionError as error:
            return self._put_off(error)

    def request(self) -> Request:
        """Return what is sent."""
        body = body_of(self.json, self.data)
        return Request(self.method, self.uri, self.query, self.headers, body, self.list_style)

    def to_dict(self) -> dict[str, Any]:
        """Return the question as JSON."""
        return {**{name: _named(value) for name, value in asdict(self).items()}, "waiting": list(self.waiting)}

    @classmethod
    def from_dict(cls, written: Any) -> HttpPoll:
        """
        Return the question that :meth:`to_dict` wrote.

        :raises ConfigurationError: when it is nothing of the kind.
        """
        require_wire_format("poll", written, cls)
        read = {name: _standing_in(value) for name, value in written.items()}
        return cls(**{**read, "waiting": tuple(written.get("waiting", ()))})

    def _sending(self) -> Sending:
        from airflow_provider_cloudfn.client.response import reads_body

        return Sending(
            timeout=self.timeout,
            retry=NO_RETRY if self.once else None,
            check_status=not self.any_status,
            as_it_came=self.as_it_came
            if self.once
            else self.until is None or not reads_body(self._program(self.until).paths),
        )

    def _program(self, until: str) -> cel.Program:
        return cel.compile(until, variables={"response"})

    def _judged(self, response: Response) -> Response | NotYet:
        if self.any_status and response.status in self.waiting:
            return NotYet(status=response.status)
        if self.until is None:
            return response
        try:
            found = require_truth(self._program(self.until).evaluate({"response": response.as_variable()}))
        except ExpressionError as error:
            raise error.in_field("response_check") from None
        return response if found else NotYet(status=response.status)

    def _put_off(self, error: CloudFunctionError) -> NotYet:
        """Return what "not yet" an error is, or raise it."""
        if isinstance(error, RequestTimeoutError) and error.never_sent and error.retry_after is not None:
            # The connection's rate limit let no question go: that says nothing about what is asked for.
            return NotYet(error.retry_after)
        # What a token endpoint answered says nothing about what is asked for.
        about_credentials = isinstance(error, AuthenticationError) and error.status not in (401, 407)
        if not about_credentials:
            if error.status in self.waiting:
                return NotYet(error.retry_after or 0.0, error.status)
            if is_put_off(error):
                return NotYet(error.retry_after or 0.0, error.status)
        raise error


def bounded(client: Client) -> Client:
    """Return a client that reads no more of an answer than :data:`LARGEST`; one whose session is open was bounded before."""
    return replace(client, limits=replace(client.limits, body=min(client.limits.body, LARGEST)))


def _named(value: Any) -> Any:
    """Return a value in which the name stands in place of each secret: no secret is ever in a trigger's row."""
    if isinstance(value, Secret):
        return {_PLACEHOLDER: value.name}
    if isinstance(value, Mapping):
        if _is_like_placeholder(value):
            ((key, inner),) = value.items()
            return {f"{key}$": _named(inner)}
        return {key: _named(inner) for key, inner in value.items()}
    return [_named(inner) for inner in value] if isinstance(value, (list, tuple)) else value


def _standing_in(value: Any) -> Any:
    """Return what :func:`_named` was given."""
    if isinstance(value, Mapping):
        if _is_like_placeholder(value):
            ((key, inner),) = value.items()
            return Secret(inner) if key == _PLACEHOLDER else {key[:-1]: _standing_in(inner)}
        return {key: _standing_in(inner) for key, inner in value.items()}
    return [_standing_in(inner) for inner in value] if isinstance(value, (list, tuple)) else value


def _is_like_placeholder(value: Mapping[Any, Any]) -> bool:
    """Tell whether a map is a secret's place, or data that was or will be marked as being none."""
    return len(value) == 1 and all(isinstance(key, str) and key.rstrip("$") == _PLACEHOLDER for key in value)
