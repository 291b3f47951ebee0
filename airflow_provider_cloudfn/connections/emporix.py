"""The connection type ``emporix_oe``: an event source and its secret, and an API client; or a package in the Celonis Platform."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import urlsplit

from msgspec import field

from airflow_provider_cloudfn.auth.redacted import Redacted
from airflow_provider_cloudfn.connections.addresses import checked_url
from airflow_provider_cloudfn.connections.emporix_form import EMPORIX_FORM
from airflow_provider_cloudfn.connections.kinds.oauth2 import OAuth2
from airflow_provider_cloudfn.connections.reading import ConnectionReader
from airflow_provider_cloudfn.connections.transport import TransportSettings
from airflow_provider_cloudfn.exceptions import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["SIGNATURE_HEADER", "EmporixConnection"]

#: base64 of HMAC-SHA256 over the exact bytes of the body, keyed with the event source's secret.
SIGNATURE_HEADER = "x-emporix-hmac"

_EVENT_RECEIVER = "https://signals.emporix.io/e"
_APIS = {"production": "https://api.emporix.io", "stage": "https://api-stage.emporix.io"}
_UUID = re.compile(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
_INSTANCE = "{instance_id}"
_SOURCE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.~-]*")


class EmporixConnection(Redacted, frozen=True, kw_only=True):
    """
    A connection of type ``emporix_oe``.

    :param conn_id: Its id.
    :param event_url: Where events go that start a process: the event receiver with the Event Source ID.
    :param instance_url: Where events for a running instance go.
    :param secret: What events are signed with; None where an access token goes with them.
    :param signature_header: The header in which the signature goes.
    :param api_url: Where the Emporix API is; None where the environment is ``custom`` and has none.
    :param context_path: Where the API has the context of an instance, with ``{instance_id}`` in it; None where that is not
        known.
    :param client_id: The API client; None where there is none.
    :param client_secret: The API client's secret.
    :param transport: How requests travel.
    """

    _hidden: ClassVar = frozenset({"secret", "client_secret"})

    conn_id: str
    event_url: str
    instance_url: str
    secret: str | None
    signature_header: str = SIGNATURE_HEADER
    api_url: str | None = None
    context_path: str | None = None
    client_id: str | None = None
    client_secret: str | None = None
    transport: TransportSettings = field(default_factory=TransportSettings)

    @classmethod
    def from_connection(cls, conn: Any) -> EmporixConnection:
        """
        Read an Airflow connection.

        :param conn: The connection, from the UI, the environment or a secrets backend.
        :raises ConfigurationError: for the first field that is missing, unknown, impossible or doesn't fit the others;
            the message names it and says what to do.
        """
        reader = ConnectionReader(conn, EMPORIX_FORM)
        reader.require_absent(
            ["host", "schema", "port"],
            "the environment decides the addresses; for others, choose the environment 'custom'",
        )
        transport = TransportSettings.read(reader)
        environment = reader.choice("environment")
        for name, theirs in (("event_receiver_url", ("custom",)), ("api_url", ("custom", "celonis"))):
            if environment not in theirs and reader.text(name) is not None:
                raise reader.error(name, f"belongs to the environment 'custom', and that is {environment!r}: empty it")
        client_id, client_secret = reader.text("client_id"), reader.secret("client_secret")
        if (client_id is None) != (client_secret is None):
            missing = "client_id" if client_id is None else "client_secret"
            raise reader.error(
                missing, "is missing, and the other of Client ID and Client secret is given; write both, or none"
            )
        if environment == "celonis":
            return cls._of_celonis(reader, client_id, client_secret, transport)
        api_url = reader.text("api_url") or _APIS.get(environment)
        secret = reader.required_password(
            "events are signed with it; copy it from Orchestration Engine, Admin, Settings"
        )
        reader.require_trimmed("password", secret)
        reader.require_trimmed("client_secret", client_secret)
        event_url = _event_url(reader, environment, allow_http=transport.allow_http)
        return cls(
            conn_id=reader.conn_id,
            event_url=event_url,
            instance_url=event_url,
            secret=secret,
            signature_header=_signature_header(reader),
            api_url=_url(reader, "api_url", api_url, allow_http=transport.allow_http) if api_url else None,
            context_path=_context_path(reader),
            client_id=client_id,
            client_secret=client_secret,
            transport=transport,
        )

    @classmethod
    def _of_celonis(
        cls, reader: ConnectionReader, client_id: str | None, client_secret: str | None, transport: TransportSettings
    ) -> EmporixConnection:
        reader.require_absent(
            ["password"], "events to the Celonis Platform are not signed: write the client's in client_secret"
        )
        if reader.text("signature_header") is not None:
            raise reader.error("signature_header", "must be empty: events to the Celonis Platform are not signed")
        if client_id is None:
            raise reader.error("client_id", "is missing, and the environment 'celonis' needs an OAuth client")
        reader.require_trimmed("client_secret", client_secret)
        team = _url(
            reader,
            "api_url",
            reader.required_text("api_url", "the environment 'celonis'"),
            allow_http=transport.allow_http,
        )
        if urlsplit(team).path:
            raise reader.error(
                "api_url", "may hold no path with the environment 'celonis': write the team's address only"
            )
        key = (reader.standard("login") or "").strip()
        if not _SOURCE_ID.fullmatch(key) or _UUID.fullmatch(key):
            raise reader.error(
                "login",
                "is no package key, which the environment 'celonis' needs; write the key, not the UUID in an address",
            )
        package = f"{team}/oe/api/packages/{key}"
        return cls(
            conn_id=reader.conn_id,
            event_url=f"{package}/signals",
            instance_url=f"{package}/messages",
            secret=None,
            api_url=team,
            context_path=_context_path(reader),
            client_id=client_id,
            client_secret=client_secret,
            transport=transport,
        )

    def api_authentication(self) -> OAuth2:
        """
        Return what gets an API token, at ``/oauth/token`` of Emporix' API, or ``/oauth2/token`` of the Celonis Platform.

        :raises ConfigurationError: when the connection has no API client, or no API.
        """
        if self.client_id is None or self.api_url is None:
            missing = "client_id and client_secret" if self.client_id is None else "api_url"
            raise ConfigurationError(f": the Emporix API needs {missing}, which is empty", connection=self.conn_id)
        if self.secret is None:
            return OAuth2(
                token_url=f"{self.api_url}/oauth2/token",
                client_id=self.client_id,
                client_secret=self.client_secret or "",
                scopes=("orchestration-engine",),
            )
        return OAuth2(
            token_url=f"{self.api_url}/oauth/token",
            client_id=self.client_id,
            client_secret=self.client_secret or "",
            client_auth_method="client_secret_post",
        )

    def secrets(self) -> Iterator[str]:
        """Return what must not be seen."""
        if self.secret is not None:
            yield self.secret
        if self.client_secret:
            yield self.client_secret
        if self.secret is None:
            yield from self.api_authentication().secrets()
        yield from self.transport.secrets()


def _signature_header(reader: ConnectionReader) -> str:
    header = reader.text("signature_header")
    if header is None:
        return SIGNATURE_HEADER
    reader.require_header_name("signature_header", header)
    if header.lower().startswith("ce-"):
        raise reader.error(
            "signature_header", f"got {header!r}, which holds an attribute of the event; write another one"
        )
    return header


def _context_path(reader: ConnectionReader) -> str | None:
    path = reader.text("context_path")
    if path is None:
        return None
    if (
        not path.startswith("/")
        or path.startswith("//")
        or path.count(_INSTANCE) != 1
        or "{" in path.replace(_INSTANCE, "")
    ):
        raise reader.error(
            "context_path", f"must be a path below the API URL with {_INSTANCE} in it, such as '/contexts/{_INSTANCE}'"
        )
    return path


def _event_url(reader: ConnectionReader, environment: str, *, allow_http: bool) -> str:
    login = reader.standard("login")
    if login is None:
        raise reader.error("login", "is missing; write the Event Source ID, such as 'src_w34a44rft567'")
    source = login.strip()
    receiver = reader.text("event_receiver_url")
    if "://" in source:
        if receiver is not None:
            raise reader.error(
                "event_receiver_url", "is given, and login holds a full URL too: empty one, or write the bare ID"
            )
        url = _url(reader, "login", source, allow_http=allow_http)
        receiver_path, _, last = urlsplit(url).path.rpartition("/")
        # The receiver's own path is `/e`; other ways to it may have another.
        goes_on = "/e/" in f"{receiver_path}/" and not receiver_path.endswith("/e")
        if last == "e" or goes_on or not _SOURCE_ID.fullmatch(last):
            raise reader.error(
                "login",
                "is a URL that doesn't end with the Event Source ID; copy it from Admin, Settings, or write the bare ID",
            )
        return url
    if not _SOURCE_ID.fullmatch(source):
        raise reader.error("login", "is no Event Source ID; write such as 'src_w34a44rft567', or the full URL")
    if environment == "custom" and receiver is None:
        raise reader.error("event_receiver_url", "is missing, and the environment 'custom' needs it")
    url = _url(reader, "event_receiver_url", receiver or _EVENT_RECEIVER, allow_http=allow_http)
    last = urlsplit(url).path.rpartition("/")[2]
    if receiver is not None and (last == source or last.startswith("src_")):
        raise reader.error(
            "event_receiver_url",
            f"ends with an Event Source ID, and login holds {source!r}, which is appended to it; write "
            f"{url.removesuffix(f'/{last}')!r}",
        )
    return f"{url}/{source}"


def _url(reader: ConnectionReader, field_name: str, url: str, *, allow_http: bool) -> str:
    checked = checked_url(reader, field_name, url, allow_http=allow_http)
    if "?" in checked:
        raise reader.error(field_name, "may hold no query; leave '?' and what follows it away")
    return checked.rstrip("/")
