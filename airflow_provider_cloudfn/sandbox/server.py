"""The sandbox as a running server."""

from __future__ import annotations

import socket
import threading
from typing import TYPE_CHECKING, Any

import uvicorn

from airflow_provider_cloudfn.exceptions import ConfigurationError
from airflow_provider_cloudfn.sandbox.application import SandboxApplication
from airflow_provider_cloudfn.sandbox.connections import connections
from airflow_provider_cloudfn.sandbox.credentials import Credentials
from airflow_provider_cloudfn.sandbox.last_step import Delivery, LastStep

if TYPE_CHECKING:
    from types import TracebackType

    from airflow_provider_cloudfn.sandbox.journal import RecordedRequest
    from airflow_provider_cloudfn.sandbox.processes import Process

__all__ = ["Sandbox"]

_GRACE = 2


class Sandbox:
    """
    A sandbox that is running, in a thread of this process. Get one from :meth:`start`.

    ::

        with Sandbox.start() as sandbox:
            ...  # sandbox.url, sandbox.credentials, sandbox.requests, sandbox.charges, sandbox.processes
    """

    def __init__(self, application: SandboxApplication, credentials: Credentials, listener: socket.socket) -> None:
        host, port = listener.getsockname()[:2]
        self.port: int = port
        self.url = f"http://{host}:{port}"
        self.credentials = credentials
        self._application = application
        # `asyncio` and `h11` are what uvicorn always has; its faster alternatives differ in how strictly they read.
        config = uvicorn.Config(
            application.asgi,
            loop="asyncio",
            http="h11",
            ws="none",
            lifespan="off",
            log_config=None,
            log_level="warning",
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=_GRACE,
        )
        self._server = _AnnouncedServer(config)
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [listener]}, name="cloudfn-sandbox", daemon=True
        )

    @classmethod
    def start(
        cls,
        port: int = 0,
        *,
        host: str = "127.0.0.1",
        credentials: Credentials | None = None,
        token_seconds: int = 300,
        callback_url: str | None = None,
        callback_event: str = "process.finished",
    ) -> Sandbox:
        """
        Start a sandbox and return when it answers.

        :param port: Where it listens; 0 for any free port.
        :param host: The address on which it listens; loopback, for what it remembers is shown to whoever asks.
        :param credentials: What callers must show; random secrets by default.
        :param token_seconds: How long the shop's access tokens live.
        :param callback_url: Where a process posts its event last, when it has been resumed, signed with the event source's
            secret: Airflow's receiver. Without it, processes wait for ever.
        :param callback_event: The type of that event.
        :raises ConfigurationError: when it can't listen there.
        """
        credentials = credentials or Credentials()
        try:
            listener = _listen(host, port)
        except (OSError, OverflowError) as error:
            raise ConfigurationError(
                f"port: the sandbox can't listen on {host}:{port} ({error}); choose another, or 0 for any that is free"
            ) from error
        sandbox = cls(SandboxApplication(credentials, token_seconds), credentials, listener)
        if callback_url is not None:
            sandbox.call_back(callback_url, callback_event)
        sandbox._thread.start()
        sandbox._server.announced.wait()
        return sandbox

    def __enter__(self) -> Sandbox:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Stop listening, let requests under way end (2 seconds at most), and return when the thread has ended."""
        self._server.should_exit = True
        self._thread.join()

    def call_back(self, url: str, event_type: str = "process.finished") -> None:
        """
        Let each process that is resumed from now on end by posting its event, as with `callback_url` of :meth:`start`.

        :param url: Where to: Airflow's receiver, whose address is known when it has started.
        :param event_type: The type of that event.
        """
        self._application.end_processes_by(LastStep(url, self.credentials.event_secret, event_type))

    @property
    def requests(self) -> list[RecordedRequest]:
        """All requests to the shop, the token endpoints and Emporix, oldest first, secrets masked."""
        return self._application.journal.requests

    @property
    def charges(self) -> list[dict[str, Any]]:
        """The charges that the shop has stored, oldest first."""
        return self._application.charges.all

    @property
    def processes(self) -> list[Process]:
        """The processes that events have started, oldest first."""
        return self._application.processes.all

    @property
    def deliveries(self) -> list[Delivery]:
        """What became of the events of finished processes."""
        last_step = self._application.last_step
        return [] if last_step is None else list(last_step.deliveries)

    def secrets(self) -> frozenset[str]:
        """Return all that must not be seen anywhere: the credentials, and every token that was issued."""
        return frozenset(self._application.masking.secrets)

    def connections(self) -> dict[str, dict[str, Any]]:
        """Return Airflow connections to this sandbox by their ids: each is what ``AIRFLOW_CONN_…`` takes as JSON."""
        return connections(self.url, self.credentials)

    def expire_tokens(self) -> None:
        """Let all access tokens of the shop be expired from now on."""
        self._application.tokens.expire()

    def reset(self) -> None:
        """Forget requests, charges, processes and tokens."""
        self._application.reset()


def _listen(host: str, port: int) -> socket.socket:
    # Said to be TCP, which `socket.create_server` leaves open: asyncio turns Nagle's algorithm off for such sockets only,
    # and each answer would wait 40 ms.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(2048)
    except BaseException:
        listener.close()
        raise
    return listener


class _AnnouncedServer(uvicorn.Server):
    """A server that tells when it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.announced = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        try:
            await super().startup(sockets)
        finally:
            self.announced.set()
