"""Records every request that the sandbox got and how it answered, as an ASGI application around another one."""

from __future__ import annotations

import base64
import datetime as dt
import json
import logging
import secrets
import string
from collections import deque
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from airflow_provider_cloudfn.json_encoding import encode_json

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from airflow_provider_cloudfn.sandbox.masking import Masking


__all__ = ["Journal", "RecordedRequest"]

_log = logging.getLogger(__name__)
_KEPT = 10_000
_LARGEST_BODY = 10 * 1024 * 1024
_ALPHABET = string.ascii_letters + string.digits


@dataclass(frozen=True, slots=True)
class RecordedRequest:
    """
    One request and its answer, secrets replaced by ``***``.

    :param number: 1 for the first request of this sandbox.
    :param received_at: When it came, UTC.
    :param method: Such as ``POST``.
    :param path: As it was sent, percent-encoding included, without the query.
    :param query: As it was sent, without the ``?``.
    :param headers: Names in lower case, in the order in which they came.
    :param body: The bytes that came.
    :param caller: How the caller showed who he is (``api_key``, ``oauth2``, ``hmac``, ``sigv4``), or None where he didn't.
    :param request_id: The sandbox's own name for the request, also answered as ``x-request-id``.
    :param status: The status code that was answered.
    :param response_headers: The headers that were answered.
    :param response_body: The bytes that were answered.
    """

    number: int
    received_at: dt.datetime
    method: str
    path: str
    query: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    caller: str | None
    request_id: str
    status: int
    response_headers: tuple[tuple[str, str], ...]
    response_body: bytes

    def header(self, name: str) -> str | None:
        """Return a header's value, repeated ones joined by ``", "``, or None."""
        values = [value for key, value in self.headers if key == name.lower()]
        return ", ".join(values) if values else None

    @property
    def parameters(self) -> list[tuple[str, str]]:
        """The query's names and values, decoded."""
        return parse_qsl(self.query, keep_blank_values=True)

    def json(self) -> Any:
        """
        Return the request's body as JSON.

        :raises ValueError: when it is none.
        """
        return json.loads(self.body)

    def response_json(self) -> Any:
        """
        Return the answer's body as JSON.

        :raises ValueError: when it is none.
        """
        return json.loads(self.response_body)

    def as_json(self) -> dict[str, Any]:
        """Return everything as JSON values; a body that is no UTF-8 text as ``{"base64": …}``."""
        return asdict(self) | {
            "received_at": self.received_at.isoformat(),
            "headers": [list(header) for header in self.headers],
            "body": _shown(self.body),
            "response_headers": [list(header) for header in self.response_headers],
            "response_body": _shown(self.response_body),
        }


def _shown(content: bytes) -> str | dict[str, str]:
    try:
        return content.decode()
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(content).decode()}


class Journal:
    """The last 10,000 requests. A request stands in it before its answer is sent, so that who has the answer finds it."""

    def __init__(self, masking: Masking) -> None:
        self._masking = masking
        self._requests: deque[RecordedRequest] = deque(maxlen=_KEPT)
        self._count = 0

    @property
    def requests(self) -> list[RecordedRequest]:
        """What was recorded, oldest first."""
        return list(self._requests)

    def clear(self) -> None:
        """Forget all requests."""
        self._requests.clear()
        self._count = 0

    def around(self, app: ASGIApp) -> ASGIApp:
        """Return an application that records what another one is asked and answers."""

        async def recorded(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] != "http" or scope["path"].startswith("/_sandbox/"):
                await app(scope, receive, send)
                return
            held = _HeldAnswer(scope, await _read(receive))
            if held.body is None:
                await held.fail(413, "too_large", "The sandbox takes bodies of 10 MiB at most")
            else:
                try:
                    await app(scope, held.receive, held.keep)
                except Exception:
                    _log.exception("The sandbox failed at request %s", scope["state"]["request_id"])
                    await held.fail(500, "internal_error", "The sandbox failed; its log says how")
            self._record(held)
            for message in held.answer:
                await send(message)

        return recorded

    def _record(self, held: _HeldAnswer) -> None:
        scope, mask = held.scope, self._masking
        start, *rest = held.answer
        self._count += 1
        request_headers = _text(scope["headers"])
        response_headers = _text(start["headers"])
        self._requests.append(
            RecordedRequest(
                number=self._count,
                received_at=held.received_at,
                method=scope["method"],
                path=mask.text(scope["raw_path"].decode("latin-1").partition("?")[0]),
                query=mask.form(scope["query_string"].decode("latin-1")),
                headers=tuple((name, mask.header(name, value)) for name, value in request_headers),
                body=mask.body(held.body or b"", dict(request_headers).get("content-type", "")),
                caller=scope["state"].get("caller"),
                request_id=scope["state"]["request_id"],
                status=start["status"],
                response_headers=tuple((name, mask.header(name, value)) for name, value in response_headers),
                response_body=mask.body(b"".join(message.get("body", b"") for message in rest), ""),
            )
        )


@dataclass(slots=True)
class _HeldAnswer:
    """One request, read whole, and the messages of its answer, held back until it is complete."""

    scope: Scope
    body: bytes | None
    received_at: dt.datetime = field(default_factory=lambda: dt.datetime.now(dt.UTC))
    answer: list[Message] = field(default_factory=list)

    def __post_init__(self) -> None:
        request_id = "req_" + "".join(secrets.choice(_ALPHABET) for _ in range(20))
        self.scope["state"] = {**self.scope.get("state", {}), "request_id": request_id}

    async def receive(self) -> Message:
        return {"type": "http.request", "body": self.body, "more_body": False}

    async def keep(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            request_id = self.scope["state"]["request_id"].encode()
            message["headers"] = [*message["headers"], (b"x-request-id", request_id)]
        self.answer.append(message)

    async def fail(self, status: int, code: str, message: str) -> None:
        self.answer.clear()
        error = {"error": {"code": code, "message": message}, "request_id": self.scope["state"]["request_id"]}
        headers = [(b"content-type", b"application/json"), (b"connection", b"close")]
        await self.keep({"type": "http.response.start", "status": status, "headers": headers})
        await self.keep({"type": "http.response.body", "body": encode_json(error).encode()})


async def _read(receive: Receive) -> bytes | None:
    """Return the whole body, or None when it is larger than the sandbox takes."""
    content = bytearray()
    while True:
        message = await receive()
        content += message.get("body", b"")
        if len(content) > _LARGEST_BODY:
            return None
        if not message.get("more_body", False):
            return bytes(content)


def _text(headers: list[tuple[bytes, bytes]]) -> list[tuple[str, str]]:
    return [(name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in headers]
