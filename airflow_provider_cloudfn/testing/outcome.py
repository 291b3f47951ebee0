"""What a rehearsal shows: the request as it would be sent, and what came of it. Values that compare and print well."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit, urlunsplit

from airflow_provider_cloudfn.auth.media_type import is_json, media_type_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_provider_cloudfn.auth.message import HttpRequest, HttpResponse
    from airflow_provider_cloudfn.client.attempt import Attempt
    from airflow_provider_cloudfn.client.redaction import Redaction
    from airflow_provider_cloudfn.events.record import CompletionRecord

__all__ = ["RenderedRequest", "StepResult", "redacted"]


@dataclass(frozen=True, slots=True)
class RenderedRequest:
    """
    A request as it would be sent, secrets as ``***``.

    :param method: The method.
    :param url: Where to, without the query.
    :param query: The query by name, as text; a list where a name is repeated.
    :param headers: The headers by name, as the step writes them; those that authentication sets in lower case.
    :param body: A JSON value where the Content-Type says so, else text, else bytes; None where there is none.
    """

    method: str
    url: str
    query: Mapping[str, str | list[str]] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Any = None

    @property
    def path(self) -> str:
        """The path of the URL, as it is sent."""
        return urlsplit(self.url).path

    @classmethod
    def of(cls, request: HttpRequest, redaction: Redaction) -> RenderedRequest:
        """Read a request as it goes to the transport."""
        parts = urlsplit(request.url)
        query: dict[str, str | list[str]] = {}
        for name, value in parse_qsl(parts.query, keep_blank_values=True):
            text = redaction.text(value)
            before = query.get(name)
            query[name] = text if before is None else [*(before if isinstance(before, list) else [before]), text]
        return cls(
            method=request.method,
            url=redaction.text(urlunsplit(parts._replace(query=""))),
            query=query,
            headers={name: redaction.text(value) for name, value in request.headers},
            body=_body(request, redaction),
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the request as JSON shows it; bytes as text."""
        body = self.body.decode("utf-8", "replace") if isinstance(self.body, bytes) else self.body
        return asdict(self) | {"body": body}


@dataclass(frozen=True, slots=True)
class StepResult:
    """
    What came of a step.

    :param requests: What was sent, in its order; retries are requests of their own.
    :param returned: What the step returns to XCom; None when it failed.
    :param completion_events: The records of its completion events; none when it declares none, emits none, or failed.
    :param error: Why it failed, or None.
    :param responses_left: How many of the given responses no request asked for.
    :param sent: The requests as they went to the transport, ``***`` for what authentication sets.
    :param answers: What each request was answered; None where no answer came.
    :param attempts: What became of each attempt, and how long the next one would wait.
    """

    requests: tuple[RenderedRequest, ...]
    returned: Any = None
    completion_events: tuple[CompletionRecord, ...] = ()
    error: Exception | None = None
    responses_left: int = 0
    sent: tuple[HttpRequest, ...] = field(default=(), repr=False, compare=False)
    answers: tuple[HttpResponse | None, ...] = field(default=(), repr=False, compare=False)
    attempts: tuple[Attempt, ...] = field(default=(), repr=False, compare=False)

    @property
    def completion_event(self) -> CompletionRecord | None:
        """The record of its completion event, or of the first of several; None where there is none."""
        return self.completion_events[0] if self.completion_events else None

    @property
    def request(self) -> RenderedRequest:
        """The only request; an AssertionError says how many there were instead."""
        if len(self.requests) != 1:
            raise AssertionError(f"the step sent {len(self.requests)} requests, not one")
        return self.requests[0]


def _body(request: HttpRequest, redaction: Redaction) -> Any:
    if not request.body:
        return None
    media_type = media_type_of(request.header("content-type") or "")
    try:
        text = request.body.decode("utf-8")
    except UnicodeDecodeError:
        return request.body
    if is_json(media_type):
        try:
            return redacted(json.loads(text), redaction)
        except ValueError:
            return redaction.text(text)
    return redaction.text(text) if media_type != "application/octet-stream" else redaction.text(text).encode()


def redacted(value: Any, redaction: Redaction) -> Any:
    """Return a JSON value with the secrets in its texts hidden: a secret may be written otherwise in JSON."""
    if isinstance(value, str):
        return redaction.text(value)
    if isinstance(value, list):
        return [redacted(item, redaction) for item in value]
    if isinstance(value, dict):
        return {redaction.text(name): redacted(item, redaction) for name, item in value.items()}
    return value
