"""The connection type ``cloudfn``: a base URL, and what authenticates there."""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

from msgspec import field

from airflow_provider_cloudfn.auth.credential_names import query_secrets
from airflow_provider_cloudfn.auth.redacted import Redacted
from airflow_provider_cloudfn.connections.addresses import base_url
from airflow_provider_cloudfn.connections.cloudfn_form import CLOUDFN_FORM
from airflow_provider_cloudfn.connections.form import AUTHENTICATION_TYPE
from airflow_provider_cloudfn.connections.kinds import KINDS
from airflow_provider_cloudfn.connections.reading import ConnectionReader
from airflow_provider_cloudfn.connections.transport import TransportSettings

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from airflow_provider_cloudfn.connections.kinds.kind import Authentication

__all__ = ["CloudFunctionConnection"]

# Airflow's HttpHook takes this one for itself and sends the others, if all are text, as request headers.
_TAKEN_BY_HTTP_HOOK = frozenset({"proxy"})

_KINDS = {kind.kind: kind for kind in KINDS}


class CloudFunctionConnection(Redacted, frozen=True, kw_only=True):
    """
    A connection of type ``cloudfn``.

    :param conn_id: Its id.
    :param base_url: Scheme, host, port and path prefix, without a slash at its end.
    :param authentication: What authenticates.
    :param transport: How requests travel.
    :param health_path: Where the connection test sends its request, below the base URL.
    :param secret_values: What ``secret("name")`` stands for in a request.
    """

    _hidden: ClassVar = frozenset({"health_path", "secret_values"})

    conn_id: str
    base_url: str
    authentication: Authentication
    transport: TransportSettings
    health_path: str | None = None
    secret_values: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def from_connection(cls, conn: Any) -> CloudFunctionConnection:
        """
        Read an Airflow connection.

        :param conn: The connection, from the UI, the environment or a secrets backend.
        :raises ConfigurationError: for the first field that is missing, unknown, impossible or doesn't fit the others;
            the message names it and says what to do.
        """
        reader = ConnectionReader(conn, CLOUDFN_FORM)
        reader.require_absent(
            ["login"],
            "Airflow's own HTTP hooks would send it with the password; the user name of auth_type 'basic' is the extra "
            "field username, an access key ID is aws_key_id",
        )
        _refuse_secrets_that_travel(reader)
        transport = TransportSettings.read(reader)
        kind = _KINDS[reader.choice(AUTHENTICATION_TYPE)]
        _refuse_fields_of_other_kinds(reader, kind)
        return cls(
            conn_id=reader.conn_id,
            base_url=base_url(reader, allow_http=transport.allow_http),
            authentication=kind.read(reader),
            transport=transport,
            health_path=_health_path(reader),
            secret_values=MappingProxyType(reader.texts("secret_values", '{"tenant_key": "…"}')),
        )

    def secrets(self) -> Iterator[str]:
        """Return what must not be seen."""
        yield from self.authentication.secrets()
        yield from self.transport.secrets()
        yield from self.secret_values.values()
        yield from query_secrets(self.health_path)


def _refuse_secrets_that_travel(reader: ConnectionReader) -> None:
    """
    Refuse extras of which Airflow's own HTTP hooks would give a secret away.

    They send each extra as a request header, in the order in which the extras stand, unless one can't be a header: then
    they send nothing, and quote that one in their error.
    """
    secret_texts = []
    for name, value in reader.extras.items():
        is_secret = CLOUDFN_FORM.is_secret(name) and name not in _TAKEN_BY_HTTP_HOOK
        if is_secret and isinstance(value, str):
            secret_texts.append(name)
        if not isinstance(value, str) and name not in _TAKEN_BY_HTTP_HOOK:
            return
        if is_secret and re.search(r"[\r\n]|^\s", value):
            break
    if secret_texts:
        raise reader.error(
            secret_texts[-1],
            "Airflow's HttpSensor and HTTP triggers, which ignore this type's hook, would send it as a request header, or show "
            'it in an error. Write "allow_http": false before it in the extra JSON, as JSON without quotes round false: there '
            "they stop. Connections made with the form have it; a URI holds JSON in __extra__",
        )


def _refuse_fields_of_other_kinds(reader: ConnectionReader, kind: type[Authentication]) -> None:
    for name, value in reader.extras.items():
        form_field = CLOUDFN_FORM.fields.get(name)
        owners = [one.kind for one in KINDS if form_field in one.fields]
        if form_field and owners and kind.kind not in owners and value != form_field.default:
            needed = " or ".join(repr(owner) for owner in owners)
            raise reader.error(
                name, f"belongs to auth_type {needed}, and auth_type is {kind.kind!r}: empty it, or correct auth_type"
            )


def _health_path(reader: ConnectionReader) -> str | None:
    path = reader.text("health_path")
    if path is not None and (re.search(r"[\s#\\]|^//|://", path) or not path.isprintable()):
        raise reader.error(
            "health_path", "must be a path below the base URL, perhaps with a query; write such as '/health'"
        )
    return path
