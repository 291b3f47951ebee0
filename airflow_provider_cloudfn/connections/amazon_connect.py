"""The connection type ``amazon_connect``: a region, and what the Amazon provider needs to find credentials."""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

from msgspec import field
from msgspec.structs import replace

from airflow_provider_cloudfn.auth.redacted import Redacted
from airflow_provider_cloudfn.connections.addresses import checked_url
from airflow_provider_cloudfn.connections.amazon_connect_form import AMAZON_CONNECT_FORM
from airflow_provider_cloudfn.connections.reading import ConnectionReader
from airflow_provider_cloudfn.connections.transport import TransportSettings, proxy_url
from airflow_provider_cloudfn.connections.transport_form import ALLOW_HTTP, TRANSPORT_FIELDS, UNDRAWN_TRANSPORT_FIELDS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["AmazonConnectConnection"]

_REGION = re.compile(r"[a-z]{2,}(?:-[a-z]+)+-[0-9]+")
_ROLE = re.compile(r"arn:[a-z0-9-]+:iam::\d{12}:role/.+")
_OBJECTS = ("assume_role_kwargs", "assume_role_with_saml", "config_kwargs", "service_config", "session_kwargs")
_OURS = UNDRAWN_TRANSPORT_FIELDS.union(form_field.name for form_field in (*TRANSPORT_FIELDS, ALLOW_HTTP))


class AmazonConnectConnection(Redacted, frozen=True, kw_only=True):
    """
    A connection of type ``amazon_connect``.

    :param conn_id: Its id.
    :param region: The region of the Amazon Connect instance, such as ``eu-central-1``.
    :param endpoint_url: Where to call instead of Amazon Connect's own address.
    :param access_key_id: The access key's ID; None takes what the Amazon provider finds.
    :param secret_access_key: The secret that belongs to it.
    :param extra: The extras that are the Amazon provider's own, as it reads them.
    :param transport: How requests travel.
    """

    _hidden: ClassVar = frozenset({"secret_access_key", "extra"})

    conn_id: str
    region: str
    endpoint_url: str | None = None
    access_key_id: str | None = None
    secret_access_key: str | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)
    transport: TransportSettings = field(default_factory=TransportSettings)

    @classmethod
    def from_connection(cls, conn: Any) -> AmazonConnectConnection:
        """
        Read an Airflow connection.

        :param conn: The connection, from the UI, the environment or a secrets backend.
        :raises ConfigurationError: for the first field that is missing, unknown, impossible or doesn't fit the others;
            the message names it and says what to do.
        """
        reader = ConnectionReader(conn, AMAZON_CONNECT_FORM)
        reader.require_absent(
            ["host", "schema", "port"],
            "the region decides the address; to call another, write it in the extra endpoint_url",
        )
        login, password = reader.standard("login"), reader.standard("password")
        if login is None and password is not None:
            raise reader.error("login", "is missing, and the password holds a secret access key; write both, or none")
        if password is None and login is not None:
            raise reader.error("password", "is missing, and login holds an access key ID; write both, or none")
        reader.require_trimmed("password", password)
        extra = _amazon_extras(reader)
        transport = _as_amazon_has_it(reader, extra, TransportSettings.read(reader))
        return cls(
            conn_id=reader.conn_id,
            region=_region(reader),
            endpoint_url=_endpoint_url(reader, extra, allow_http=transport.allow_http),
            access_key_id=login.strip() if login else None,
            secret_access_key=password,
            extra=MappingProxyType(extra),
            transport=transport,
        )

    @property
    def base_url(self) -> str:
        """Return where requests go, without a slash at its end."""
        if self.endpoint_url is not None:
            return self.endpoint_url
        suffix = "amazonaws.com.cn" if self.region.startswith("cn-") else "amazonaws.com"
        return f"https://connect.{self.region}.{suffix}"

    @property
    def sts_endpoint_url(self) -> str | None:
        """
        Return where to ask for the caller's identity, None for AWS itself.

        A stand-in for AWS, such as moto or LocalStack, serves every API at one address; a VPC endpoint serves one.
        """
        configured = self.extra.get("service_config", {}).get("sts", {}).get("endpoint_url")
        if configured:
            return str(configured)
        if self.endpoint_url is None or re.search(r"\.amazonaws\.com(\.cn)?(:\d+)?(/|$)", self.endpoint_url):
            return None
        return self.endpoint_url

    def secrets(self) -> Iterator[str]:
        """Return what must not be seen."""
        session = self.extra.get("session_kwargs", {})
        found = [self.secret_access_key]
        for place in (self.extra, session):
            found += [place.get("aws_secret_access_key"), place.get("aws_session_token")]
        yield from (secret for secret in found if isinstance(secret, str) and secret)
        yield from self.transport.secrets()


def _amazon_extras(reader: ConnectionReader) -> dict[str, Any]:
    extra = {name: value for name, value in reader.extras.items() if name not in _OURS}
    for name in _OBJECTS:
        if name in extra:
            extra[name] = reader.json_object(name, '{"name": "value"}')
    for service, said in extra.get("service_config", {}).items():
        if not isinstance(said, dict):
            raise reader.error(
                "service_config", f'{service!r}: write a JSON object, as {{"endpoint_url": "https://sts.example.com"}}'
            )
    for name in ("region_name", "role_arn", "profile_name", "endpoint_url"):
        if name in extra:
            extra[name] = reader.text(name)
    role = extra.get("role_arn")
    if role is not None and not _ROLE.fullmatch(role):
        raise reader.error("role_arn", f"got {role!r}; write such as 'arn:aws:iam::123456789012:role/airflow-connect'")
    return extra


def _as_amazon_has_it(
    reader: ConnectionReader, extra: Mapping[str, Any], transport: TransportSettings
) -> TransportSettings:
    """Return how requests travel, with what the Amazon provider's own extras say of it where the fields say nothing."""
    verify, proxies = extra.get("verify"), extra.get("config_kwargs", {}).get("proxies")
    if verify is False or str(verify).strip().lower() in ("false", "0", "no"):
        raise reader.error("verify", "would let anybody answer; write the CA's certificates in ca_bundle")
    if isinstance(verify, str) and verify.strip().lower() not in ("", "true", "1", "yes") and not transport.ca_bundle:
        transport = replace(transport, ca_bundle=verify.strip())
    if proxies and not transport.proxy:
        proxy = proxies.get("https") if isinstance(proxies, dict) else None
        if not isinstance(proxy, str):
            raise reader.error("config_kwargs", "its proxies have none for https; write the proxy's URL in proxy")
        transport = replace(transport, proxy=proxy_url(reader, "config_kwargs", proxy))
    return transport


def _region(reader: ConnectionReader) -> str:
    region = reader.required_text("region_name", "the address of Amazon Connect")
    if not _REGION.fullmatch(region):
        raise reader.error("region_name", f"got {region!r}; write a region's code, such as 'eu-central-1'")
    return region


def _endpoint_url(reader: ConnectionReader, extra: Mapping[str, Any], *, allow_http: bool) -> str | None:
    written = extra.get("service_config", {}).get("connect", {}).get("endpoint_url") or extra.get("endpoint_url")
    if not written:
        return None
    return checked_url(reader, "endpoint_url", str(written), allow_http=allow_http).rstrip("/")
