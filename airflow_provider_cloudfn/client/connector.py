"""Makes connections on which an answer is read to its end and no further."""

from __future__ import annotations

from typing import Any

import aiohttp

from airflow_provider_cloudfn.client.framing import FramedResponseHandler
from airflow_provider_cloudfn.client.time_split import STOPWATCH

__all__ = ["FramingConnector"]

#: For how many seconds a connection may have been idle that is used again. Services close idle ones after 2 (gunicorn) or 5
#: (Node, uvicorn, Apache), and of a request that crosses such an end nobody knows whether it was carried out.
_LONGEST_IDLE = 1.5


class FramingConnector(aiohttp.TCPConnector):
    """A connector whose connections are :class:`FramedResponseHandler`."""

    def __init__(self, **arguments: Any) -> None:
        super().__init__(keepalive_timeout=_LONGEST_IDLE, **arguments)
        # There is no public way to say what reads an answer.
        self._factory = self._handler  # type: ignore[assignment]  # it makes a subclass

    def _handler(self) -> FramedResponseHandler:
        """Return what reads an answer. It is asked for when the TCP connection stands, before TLS' handshake."""
        if (watch := STOPWATCH.get()) is not None and watch.has_tls:
            watch.turn_to("tls")
        return FramedResponseHandler(loop=self._loop)
