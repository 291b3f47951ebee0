"""A question that is put to a service again and again, and what its answers mean: the same on a worker and in the triggerer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from msgspec import Struct, field
from msgspec.structs import asdict

from airflow_provider_cloudfn import cel
from airflow_provider_cloudfn.auth.redacted import Redacted
from airflow_provider_cloudfn.auth.repeatable import is_put_off
from airflow_provider_cloudfn.client.request import Request, Sending
from airflow_provider_cloudfn.client.secret import Secret
from airflow_provider_cloudfn.exceptions import (
    AuthenticationError,
    CloudFunctionError,
    ConfigurationError,
    ExpressionError,
)
from airflow_provider_cloudfn.hooks.request import body_of

if TYPE_CHECKING:
    from airflow_provider_cloudfn.client.response import Response
    from airflow_provider_cloudfn.hooks.request import RequestHook

__all__ = ["HttpPoll", "NotYet"]

#: What a secret's name is written under. A map from elsewhere that looks so is written with one more "$" behind its key.
_PLACEHOLDER = "$cloudfn.secret"


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

    def ask(self, hook: RequestHook[Any]) -> Response | NotYet:
        """
        Ask once.

        :param hook: The connection's hook.
        :raises CloudFunctionError: for an answer that is neither yes nor "not yet".
        """
        try:
            return self._judged(hook.send(self._request(), self._sending()))
        except CloudFunctionError as error:
            return self._put_off(error)

    async def aask(self, hook: RequestHook[Any]) -> Response | NotYet:
        """
        Do what :meth:`ask` does, in an event loop.

        :param hook: The connection's hook.
        """
        try:
            return self._judged(await hook.asend(self._request(), self._sending()))
        except CloudFunctionError as error:
            return self._put_off(error)

    def to_dict(self) -> dict[str, Any]:
        """Return the question as JSON."""
        return {**{name: _named(value) for name, value in asdict(self).items()}, "waiting": list(self.waiting)}

    @classmethod
    def from_dict(cls, written: Any) -> HttpPoll:
        """
        Return the question that :meth:`to_dict` wrote.

        :param written: What it wrote.
        :raises ConfigurationError: when it is nothing of the kind.
        """
        if not isinstance(written, Mapping):
            raise ConfigurationError(f"poll: must be a map, not {type(written).__name__}")
        if unknown := sorted(set(written) - set(cls.__struct_fields__)):
            raise ConfigurationError(
                f"poll: {unknown[0]!r} is not known here; run the worker and the triggerer with the same version"
            )
        for name, kinds in _KINDS.items():
            if name in written and not isinstance(written[name], kinds):
                raise ConfigurationError(f"poll: {name} can't be of type {type(written[name]).__name__}")
        if "conn_id" not in written:
            raise ConfigurationError("poll: conn_id is missing")
        read = {name: _standing_in(value) for name, value in written.items()}
        return cls(**{**read, "waiting": tuple(written.get("waiting", ()))})

    def _request(self) -> Request:
        return Request(self.method, self.uri, self.query, self.headers, body_of(self.json, self.data))

    def _sending(self) -> Sending:
        return Sending(timeout=self.timeout, check_status=not self.any_status)

    def _judged(self, response: Response) -> Response | NotYet:
        if self.any_status and response.status in self.waiting:
            return NotYet(status=response.status)
        if self.until is None:
            return response
        try:
            found = cel.compile(self.until, variables={"response"}).evaluate({"response": response.as_variable()})
            if not isinstance(found, bool):
                raise ExpressionError(f"must give true or false, not {type(found).__name__}")
        except ExpressionError as error:
            raise error.in_field("response_check") from None
        return response if found else NotYet(status=response.status)

    def _put_off(self, error: CloudFunctionError) -> NotYet:
        """Return what "not yet" an error is, or raise it."""
        # What a token endpoint answered says nothing about what is asked for.
        about_credentials = isinstance(error, AuthenticationError) and error.status not in (401, 407)
        if not about_credentials:
            if error.status in self.waiting:
                return NotYet(error.retry_after or 0.0, error.status)
            if is_put_off(error):
                return NotYet(error.retry_after or 0.0, error.status)
        raise error


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


_KINDS: dict[str, tuple[type, ...]] = {
    "conn_id": (str,),
    "method": (str,),
    "uri": (str,),
    "query": (Mapping, type(None)),
    "headers": (Mapping,),
    "data": (str, Mapping, type(None)),
    "timeout": (int, float, type(None)),
    "waiting": (list, tuple),
    "any_status": (bool,),
    "until": (str, type(None)),
}
