"""What a service answers in a rehearsal: written by hand, recorded, or a failure that has a name."""

from __future__ import annotations

import base64
import binascii
import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeGuard

from airflow_provider_cloudfn.auth.message import HttpRequest, HttpResponse
from airflow_provider_cloudfn.exceptions import (
    CloudFunctionError,
    CommunicationError,
    ConfigurationError,
    RequestTimeoutError,
)
from airflow_provider_cloudfn.json_encoding import encode_json, restored
from airflow_provider_cloudfn.testing.samples import suggestion

__all__ = ["FAILURES", "Answer", "AnswerScript", "Failure", "read_answer", "read_answers"]


@dataclass(frozen=True, slots=True)
class Answer:
    """
    An answer.

    :param status: The status code.
    :param headers: Names and values.
    :param body: A JSON value; text or bytes are sent as they are. None is no body.
    """

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Any = None

    def as_http(self) -> HttpResponse:
        """Return the answer as it comes over the wire."""
        content, media_type = _content(self.body, any(name.lower() == "content-type" for name in self.headers))
        headers = tuple((name, str(value)) for name, value in self.headers.items())
        if media_type is not None:
            headers = (("Content-Type", media_type), *headers)
        return HttpResponse(self.status, headers, content)


@dataclass(frozen=True, slots=True)
class Failure:
    """No answer, for one of the reasons that :data:`FAILURES` names."""

    name: str

    def error(self, request: HttpRequest) -> CloudFunctionError:
        """Return what the transport would raise."""
        kind, reason = _ERRORS[self.name]
        where = f"{request.method} {request.url.partition('?')[0]}"
        return kind(f"{where}: {reason}", retryable=True, never_sent=self.name in _NEVER_SENT)


def read_answer(value: object, *, where: str = "responses") -> Answer | Failure:
    """
    Read one answer.

    :param value: An :class:`Answer`; a status; the name of a failure; or a map with ``status``, ``headers`` and ``body`` (or
        ``body_base64``), or with ``failure``.
    :param where: What error messages call it.
    :raises ConfigurationError: for anything else; the message says what can stand there.
    """
    if isinstance(value, Failure):
        return value
    if isinstance(value, Answer):
        return _possible(value, where)
    if isinstance(value, int) and not isinstance(value, bool):
        return read_answer({"status": value}, where=where)
    if isinstance(value, str):
        return _named(value, where)
    if not isinstance(value, Mapping):
        raise ConfigurationError(
            f"{where}: an answer is a map with status, headers and body, a status, or the name of a failure "
            f"({', '.join(FAILURES)}), not {type(value).__name__}"
        )
    if "failure" in value:
        return _named(value["failure"], where)
    unknown = [name for name in value if name not in ("status", "headers", "body", "body_base64", "milliseconds")]
    if unknown:
        raise ConfigurationError(f"{where}: an answer has status, headers and body (or body_base64), no {unknown[0]!r}")
    status, headers = value.get("status", 200), value.get("headers") or {}
    if isinstance(status, bool) or not isinstance(status, int) or not 100 <= status <= 599:
        raise ConfigurationError(f"{where}: status must be a number from 100 to 599, not {status!r}")
    _require_headers(headers, where)
    body = value.get("body")
    if "body_base64" in value:
        try:
            body = base64.b64decode(value["body_base64"], validate=True)
        except (TypeError, ValueError, binascii.Error):
            raise ConfigurationError(f"{where}: body_base64 is no base64") from None
    return _possible(Answer(status, {name: str(text) for name, text in headers.items()}, body), where)


def _require_headers(headers: object, where: str) -> None:
    if not isinstance(headers, Mapping) or not all(isinstance(name, str) for name in headers):
        raise ConfigurationError(f"{where}: headers must be a map of names and values")


def _possible(answer: Answer, where: str) -> Answer:
    """
    Return an answer that a service could give.

    :raises ConfigurationError: for another one, which would look like a fault of the step or of the network.
    """
    _require_headers(answer.headers, where)
    for name, text in answer.headers.items():
        if any(mark in f"{name}{text}" for mark in "\r\n\0"):
            raise ConfigurationError(f"{where}: header {name!r} has a line break or a control character: leave it out")
    try:
        _content(answer.body, True)
    except ConfigurationError as error:
        raise ConfigurationError(f"{where}: the body: {error.message}") from None
    return answer


def read_answers(value: object, *, where: str = "responses") -> list[Answer | Failure]:
    """
    Read the answers to the requests of one step, in their order.

    :param value: One answer, a list of them, or what ``--record`` kept: ``{"exchanges": [{"request": …, "response": …}]}``.
    :param where: What error messages call it.
    :raises ConfigurationError: for anything else.
    """
    if not _are_several(value):
        return [read_answer(value, where=where)]
    if isinstance(value, Mapping):
        exchanges = value["exchanges"]
        if not isinstance(exchanges, list) or not all(
            isinstance(one, Mapping) and "response" in one for one in exchanges
        ):
            raise ConfigurationError(f'{where}: exchanges must be a list of {{"request": …, "response": …}}')
        value = [one["response"] for one in exchanges]
    return [read_answer(one, where=where) for one in value]


def _are_several(value: object) -> TypeGuard[Mapping[str, Any] | Sequence[Any]]:
    if isinstance(value, Mapping):
        return "exchanges" in value
    return isinstance(value, Sequence) and not isinstance(value, (str, bytes))


def _named(name: object, where: str) -> Answer | Failure:
    if isinstance(name, str) and name.isascii() and name.isdigit():
        return read_answer({"status": int(name)}, where=where)
    if name not in FAILURES:
        raise ConfigurationError(
            f"{where}: {name!r} is no failure that has a name; there are {', '.join(FAILURES)}{suggestion(name, FAILURES)}"
        )
    return FAILURES[str(name)]


def _content(body: Any, is_typed: bool) -> tuple[bytes, str | None]:
    if body is None:
        return b"", None
    if isinstance(body, bytes):
        return body, None if is_typed else "application/octet-stream"
    if isinstance(body, str):
        return body.encode(), None if is_typed else "text/plain; charset=utf-8"
    return encode_json(restored(body)).encode(), None if is_typed else "application/json"


_ERRORS: dict[str, tuple[type[CloudFunctionError], str]] = {
    "timeout": (
        RequestTimeoutError,
        "the service stayed silent for too long; it may have taken the request all the same",
    ),
    "connect_timeout": (RequestTimeoutError, "no connection was made in time; the service may be down"),
    "refused": (
        CommunicationError,
        "no connection could be made (connection refused); check the base URL and the network",
    ),
    "reset": (
        CommunicationError,
        "the connection broke, or what came over it was no whole HTTP answer (ConnectionResetError)",
    ),
}

#: Those in which the service provably got nothing.
_NEVER_SENT = frozenset({"connect_timeout", "refused"})

#: What can go wrong, by name.
FAILURES: dict[str, Answer | Failure] = {
    **{name: Failure(name) for name in _ERRORS},
    "rate_limited": Answer(429, {"Retry-After": "1"}, {"error": "rate limited"}),
    "unavailable": Answer(503, {"Retry-After": "1"}, {"error": "unavailable"}),
    "server_error": Answer(500, {}, {"error": "server error"}),
    "unauthorized": Answer(401, {}, {"error": "unauthorized"}),
    "forbidden": Answer(403, {}, {"error": "forbidden"}),
    "not_found": Answer(404, {}, {"error": "not found"}),
    "not_json": Answer(200, {"Content-Type": "application/json"}, "<html>maintenance</html>"),
}


class AnswerScript:
    """
    What is answered, request by request.

    :param answers: What :func:`read_answers` reads; a single one that stands in no list is given to every request.
    """

    def __init__(self, answers: object) -> None:
        read = read_answers(answers)
        are_several = _are_several(answers)
        self._answers: Iterator[Answer | Failure] = iter(read) if are_several else itertools.repeat(read[0])
        self.left = len(read) if are_several else 0

    def answer(self, request: HttpRequest) -> HttpResponse:
        """
        Return the next answer, or raise what the transport would.

        :raises AssertionError: when none is left.
        """
        try:
            given = next(self._answers)
        except StopIteration:
            raise AssertionError(
                f"the step sends one more request, {request.method} {request.url}, and there is no response left for it: "
                "give as many responses as it makes requests, retries included, or a single one outside of a list for all"
            ) from None
        self.left = max(0, self.left - 1)
        if isinstance(given, Failure):
            raise given.error(request)
        return given.as_http()
