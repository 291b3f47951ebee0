"""A small server that stands in for Airflow's."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from kit.server import Answer, LoopbackServer, Received

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Answers = dict[str, tuple[int, Any] | list[tuple[int, Any]]]


@pytest.fixture
def serve() -> Iterator[Callable[[Answers], str]]:
    """Return a function that serves answers (status and JSON, or text) by ``METHOD path``, several in turn; it returns the URL."""
    servers: list[LoopbackServer] = []

    def start(answers: Answers) -> str:
        def reply(request: Received) -> Answer:
            answer = answers.get(f"{request.method} {request.target}", (404, {"detail": "Not Found"}))
            status, value = answer.pop(0) if isinstance(answer, list) else answer
            return Answer(status, (value if isinstance(value, str) else json.dumps(value)).encode(), {})

        servers.append(LoopbackServer(reply=reply))
        return servers[-1].url

    yield start
    for server in servers:
        server.stop()
