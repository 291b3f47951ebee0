"""What the hooks share: a connection is fetched and read once, its secrets are masked, and a client is made of it."""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from contextlib import contextmanager
from functools import lru_cache, partial
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Protocol, Self, TypeVar

from airflow.sdk import BaseHook

from airflow_provider_cloudfn.client.ending import Ending
from airflow_provider_cloudfn.exceptions import ConfigurationError
from airflow_provider_cloudfn.hooks.masking import amask_secrets, appearances, mask_obtained_secret, mask_secrets
from airflow_provider_cloudfn.hooks.missing_connection import missing_connection

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from airflow_provider_cloudfn.auth.oauth2 import OAuth2ClientCredentials
    from airflow_provider_cloudfn.auth.scheme import Auth
    from airflow_provider_cloudfn.client.client import Client
    from airflow_provider_cloudfn.client.settings import ResponseLimits
    from airflow_provider_cloudfn.connections.transport import TransportSettings
    from airflow_provider_cloudfn.hooks.observation import CallWatcher

__all__ = ["ConnectionHook", "Settings"]


class Settings(Protocol):
    """A connection that has been read."""

    @property
    def transport(self) -> TransportSettings:
        """How requests travel."""

    @classmethod
    def from_connection(cls, conn: Any) -> Self:
        """Read an Airflow connection."""

    def secrets(self) -> Iterator[str]:
        """Return what must not be seen."""


SettingsT = TypeVar("SettingsT", bound=Settings)


class ConnectionHook(BaseHook, Generic[SettingsT]):
    """
    A hook that makes a client of a connection.

    :param conn_id: The connection.
    """

    settings_class: ClassVar[type[Any]]
    #: The parameter that names the connection, and the connection's type.
    conn_name_attr: ClassVar[str]
    conn_type: ClassVar[str]

    def __init__(self, conn_id: str, *, logger_name: str | None = None, **others: Any) -> None:
        if others:
            # Airflow's HttpOperator makes the hook of whatever connection it is given.
            raise ConfigurationError(
                f"connection {conn_id!r}: the hook of a connection of type {self.conn_type!r} takes no {', '.join(others)}; "
                "where Airflow's HttpOperator was given this connection, write a CloudFunctionOperator, or one for Emporix"
            )
        super().__init__(logger_name=logger_name)
        self._conn_id = conn_id
        self._function: str | None = None
        self._many = False
        self._watcher: CallWatcher | None = None
        self._settings: SettingsT | None = None
        self._client: Client | None = None
        self._ending = Ending()

    def name_calls(self, function: str, *, many: bool = False) -> None:
        """
        Name the cloud function whose calls these are: the log's line of each attempt says it.

        :param function: The cloud function's name. It holds for a client that is not made yet.
        :param many: Whether there are so many calls that only those are told that did not succeed at once.
        """
        self._function = function
        self._many = many

    def watch_calls(self, watcher: CallWatcher) -> None:
        """
        Tell somebody else, too, of the calls of a client that is not made yet.

        :param watcher: Who is told.
        """
        self._watcher = watcher

    def end_calls(self) -> None:
        """Let no attempt of a call begin any more, nor wait for that, as whoever makes the calls is being ended."""
        self._ending.come()

    @property
    def is_ended(self) -> bool:
        """Whether no attempt may begin any more."""
        return self._ending.has_come

    def settings(self) -> SettingsT:
        """
        Return what the connection says; it is fetched once.

        :raises ConfigurationError: when the connection is wrong.
        """
        if self._settings is None:
            self._refuse_event_loop("settings", "asettings")
            with missing_connection(self._conn_id, self.conn_name_attr, (self.conn_type,)):
                found = self.get_connection(self._conn_id)
            return self.accept(found)
        return self._settings

    async def asettings(self) -> SettingsT:
        """Do what :meth:`settings` does, in an event loop."""
        if self._settings is None:
            with missing_connection(self._conn_id, self.conn_name_attr, (self.conn_type,)):
                found = await self.aget_connection(self._conn_id)
            return await self.aaccept(found)
        return self._settings

    def accept(self, conn: Any) -> SettingsT:
        """Read a connection that was fetched already, instead of fetching it."""
        settings: SettingsT
        settings, secrets = _settings_of(self.settings_class, conn)
        mask_secrets(secrets)
        self._settings = settings
        return settings

    async def aaccept(self, conn: Any) -> SettingsT:
        """Do what :meth:`accept` does, in an event loop."""
        settings: SettingsT
        settings, secrets = _settings_of(self.settings_class, conn)
        await amask_secrets(secrets)
        self._settings = settings
        return settings

    def client(self) -> Client:
        """
        Return the client of the connection; there is one for each hook.

        :raises ConfigurationError: when the connection is wrong.
        """
        if self._client is None:
            settings = self.settings()
            self._client = self._make_client(settings, self._scheme(settings))
        return self._client

    async def aclient(self) -> Client:
        """Do what :meth:`client` does, in an event loop."""
        if self._client is None:
            settings = await self.asettings()
            self._client = self._make_client(settings, await self._ascheme(settings))
        return self._client

    @contextmanager
    def sending_over(self, client: Client) -> Iterator[None]:
        """Use another client for as long as the block lasts, such as one whose transport is scripted."""
        before, self._client = self._client, client
        try:
            yield
        finally:
            self._client = before

    def get_conn(self) -> Client:
        """Return the client of the connection, as every hook's ``get_conn`` does."""
        return self.client()

    @abstractmethod
    def _scheme(self, settings: SettingsT) -> Auth:
        """Return what puts credentials on the requests."""

    async def _ascheme(self, settings: SettingsT) -> Auth:
        """Return what puts credentials on the requests, without blocking the event loop."""
        return self._scheme(settings)

    @abstractmethod
    def _make_client(self, settings: SettingsT, scheme: Auth) -> Client:
        """Return a client."""

    def _client_for(
        self,
        base_url: str,
        scheme: Auth,
        transport: TransportSettings,
        *,
        secret_values: Mapping[str, str] | None = None,
        secrets: Iterable[str] = (),
        limits: ResponseLimits | None = None,
    ) -> Client:
        from airflow_provider_cloudfn.client.client import Client
        from airflow_provider_cloudfn.client.settings import ResponseLimits, Timeouts
        from airflow_provider_cloudfn.client.url import BaseUrl
        from airflow_provider_cloudfn.connections.address_guard import is_allowed
        from airflow_provider_cloudfn.connections.pem import is_pem
        from airflow_provider_cloudfn.hooks.observation import Observation
        from airflow_provider_cloudfn.hooks.rate_sharing import limiter_of

        watcher = self._watcher
        # A private key is never sent. It is so long that the excerpt of an answer could not be shown for fear of a part of it.
        echoed = (secret for secret in transport.secrets() if not is_pem(secret))
        observation = Observation(self._conn_id, self._function, self._many, watcher)
        given = {
            "connect": transport.connect_timeout,
            "read": transport.read_timeout,
            "total": transport.total_timeout,
        }
        try:
            client = Client(
                base_url=BaseUrl.parse(base_url, allow_http=transport.allow_http),
                auth=scheme,
                timeouts=Timeouts(**{name: seconds for name, seconds in given.items() if seconds is not None}),
                limits=limits or ResponseLimits(),
                limiter=limiter_of(self._conn_id, base_url, transport.rate_limit),
                tls=transport.ssl_context(),
                proxy=transport.proxy,
                on_secret=mask_obtained_secret,
                is_allowed=None
                if transport.address_guard == "off"
                else partial(is_allowed, guard=transport.address_guard),
                secret_values=secret_values or {},
                secrets=(*echoed, *secrets),
                on_attempt=observation.end,
                on_exchange=None if watcher is None else watcher.exchanged,
                headers_for_attempt=observation.begin,
                ending=self._ending,
            )
        except ConfigurationError as error:
            raise ConfigurationError(f": {error}", connection=self._conn_id) from None
        if watcher is not None:
            watcher.over(self._conn_id, self.conn_type, client)
        return client

    def _obtain_token(self, scheme: OAuth2ClientCredentials, base_url: str, transport: TransportSettings) -> None:
        """Get an access token, whether or not there is one already."""
        from airflow_provider_cloudfn.client.client import run

        client = self._client_for(base_url, scheme, transport)
        run(lambda: client.obtain_credentials(scheme.token_flow()))

    def _refuse_event_loop(self, name: str, instead: str) -> None:
        """Refuse to block an event loop, which could wait for itself: Airflow fetches connections over one channel."""
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            return
        raise ConfigurationError(f"{type(self).__name__}.{name} was called in an event loop: await {instead} instead")


def _settings_of(settings_class: type[Any], conn: Any) -> tuple[Any, tuple[str, ...]]:
    """
    Return what a connection says, and what of it must not be seen.

    A process makes many hooks of one connection: it is read again when it has changed.
    """
    said = {name: getattr(conn, name, None) for name in _FIELDS}
    if all(value is None or isinstance(value, (str, int)) for value in said.values()):
        return _read(settings_class.from_connection, **said)
    return _with_secrets(settings_class.from_connection(conn))


#: All that is read of a connection.
_FIELDS = ("conn_id", "conn_type", "host", "schema", "login", "password", "port", "extra")


@lru_cache(maxsize=64)
def _read(from_connection: Callable[[Any], Any], **said: str | int | None) -> tuple[Any, tuple[str, ...]]:
    return _with_secrets(from_connection(SimpleNamespace(**said)))


def _with_secrets(settings: Settings) -> tuple[Settings, tuple[str, ...]]:
    return settings, tuple(text for secret in settings.secrets() for text in appearances(secret))
