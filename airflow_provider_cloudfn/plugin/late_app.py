"""An application that is imported at its first request: a fault in it keeps no API server from starting."""

from __future__ import annotations

import asyncio
import importlib
import logging
import threading
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, TypeAlias

__all__ = ["LateApp"]

_log = logging.getLogger(__name__)

Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
Application: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]

#: One application is imported at a time.
_loading = threading.Lock()

_UNAVAILABLE = b'{"detail": "This part of Airflow is not available: the log of the API server says why."}'


class LateApp:
    """
    An ASGI application that stands for another one.

    Airflow mounts the applications of its plugins in every API server, wanted or not. This one costs nothing before
    somebody asks for it, and answers 503 where what it stands for is broken.

    :param module: The module whose function ``application`` makes it.
    """

    def __init__(self, module: str) -> None:
        self._module = module
        self._application: Application | None = None
        self._is_broken = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand a request on, as ASGI has it."""
        if self._application is None and not self._is_broken:
            # Imports take a while, and the API server's other requests don't wait for them.
            await asyncio.to_thread(self._load)
        if self._application is not None:
            await self._application(scope, receive, send)
        elif scope["type"] == "http":
            headers = [(b"content-type", b"application/json"), (b"cache-control", b"no-store")]
            await send({"type": "http.response.start", "status": 503, "headers": headers})
            await send({"type": "http.response.body", "body": _UNAVAILABLE})

    def _load(self) -> None:
        with _loading:
            if self._application is not None or self._is_broken:
                return
            try:
                _map_models()
                self._application = importlib.import_module(self._module).application()
            except Exception:
                self._is_broken = True
                _log.exception("%s of airflow-provider-cloudfn can't be loaded", self._module)


def _map_models() -> None:
    """
    Map Airflow's models, before two threads can do so at once.

    SQLAlchemy maps under a lock, and Airflow 3.3 imports its other models there: a thread that declares one of them, and so has
    the lock of its import, and a thread that asks the database first would wait for each other for ever.
    """
    from sqlalchemy.orm import configure_mappers

    configure_mappers()
