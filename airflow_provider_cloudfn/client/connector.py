"""Makes connections, and says when a request has one: before that, the service can have got nothing of it."""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

import aiohttp

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["ON_CONNECTED", "TellingConnector"]

#: Called when the request that is sent in this context has a connection.
ON_CONNECTED: ContextVar[Callable[[], None] | None] = ContextVar("cloudfn_on_connected", default=None)


class TellingConnector(aiohttp.TCPConnector):
    """A connector that calls :data:`ON_CONNECTED`."""

    async def connect(self, *arguments: Any, **named: Any) -> Any:
        """Return a connection, a new one or one that was kept open."""
        connection = await super().connect(*arguments, **named)
        if (tell := ON_CONNECTED.get()) is not None:
            tell()
        return connection
