"""How requests of a connection travel: timeouts, TLS, proxy and the addresses that are allowed."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar
from urllib.parse import unquote, urlsplit

from airflow_provider_cloudfn.auth.basic import basic_credentials
from airflow_provider_cloudfn.auth.redacted import Redacted
from airflow_provider_cloudfn.client.rate_limit import Rate
from airflow_provider_cloudfn.connections.pem import is_pem, pem_text
from airflow_provider_cloudfn.connections.reading import LONGEST_SHOWN, shown
from airflow_provider_cloudfn.exceptions import ConfigurationError

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator

    from airflow_provider_cloudfn.connections.reading import ConnectionReader

__all__ = ["TransportSettings", "proxy_url", "read_rate_limit"]


class TransportSettings(Redacted, frozen=True, kw_only=True):
    """
    How requests travel; None stands for the client's default.

    :param connect_timeout: Seconds until a connection must be made.
    :param read_timeout: Seconds that the service may stay silent.
    :param total_timeout: Seconds that a request may take in all.
    :param proxy: The URL of an HTTP proxy, perhaps with user and password.
    :param ca_bundle: The path of a PEM file, or PEM text, with the certificate authorities to trust.
    :param client_cert: The path of a PEM file, or PEM text, with the client's certificate.
    :param client_key_file: The path of a PEM file with the certificate's private key.
    :param client_private_key: The private key as PEM text.
    :param client_private_key_passphrase: What opens the private key.
    :param address_guard: ``link_local``, ``private`` or ``off``: which addresses the host may not resolve to.
    :param allow_http: Whether ``http://`` is allowed to other than loopback addresses.
    :param rate_limit: How many requests may be sent in how much time, by all who call over the connection.
    """

    _hidden: ClassVar = frozenset(
        {"proxy", "ca_bundle", "client_cert", "client_private_key", "client_private_key_passphrase"}
    )

    connect_timeout: float | None = None
    read_timeout: float | None = None
    total_timeout: float | None = None
    proxy: str | None = None
    ca_bundle: str | None = None
    client_cert: str | None = None
    client_key_file: str | None = None
    client_private_key: str | None = None
    client_private_key_passphrase: str | None = None
    address_guard: str = "link_local"
    allow_http: bool = False
    rate_limit: Rate | None = None

    @classmethod
    def read(cls, reader: ConnectionReader) -> TransportSettings:
        """Read the fields of ``transport_form.py``."""
        client_cert, key_file = reader.text("client_cert"), reader.text("client_key_file")
        private_key = reader.secret("client_private_key")
        passphrase = reader.secret("client_private_key_passphrase")
        if key_file and private_key:
            raise reader.error("client_key_file", "is given, and client_private_key too: empty one of them")
        for name, value in (("client_key_file", key_file), ("client_private_key", private_key)):
            if value and not client_cert:
                raise reader.error(name, "is given without client_cert, the certificate that it belongs to")
        if passphrase and not client_cert:
            raise reader.error("client_private_key_passphrase", "is given without client_cert: empty it")
        if private_key and not is_pem(private_key):
            raise reader.error("client_private_key", "is no PEM text; it begins with '-----BEGIN … PRIVATE KEY-----'")
        if client_cert and is_pem(client_cert) and "PRIVATE KEY-----" in client_cert:
            raise reader.error(
                "client_cert", "holds a private key, and is shown to everybody: move it to client_private_key"
            )
        return cls(
            connect_timeout=reader.number("connect_timeout"),
            read_timeout=reader.number("read_timeout"),
            total_timeout=reader.number("total_timeout"),
            proxy=None if (proxy := reader.secret("proxy")) is None else proxy_url(reader, "proxy", proxy),
            ca_bundle=reader.text("ca_bundle"),
            client_cert=client_cert,
            client_key_file=key_file,
            client_private_key=private_key,
            client_private_key_passphrase=passphrase,
            address_guard=reader.choice("address_guard"),
            allow_http=reader.boolean("allow_http"),
            rate_limit=read_rate_limit(reader),
        )

    def secrets(self) -> Iterator[str]:
        """Return what must not be seen."""
        if self.proxy:
            parts = urlsplit(self.proxy)
            if parts.password:
                yield parts.password
                yield unquote(parts.password)
                yield from basic_credentials(unquote(parts.username or ""), unquote(parts.password))
        if self.client_private_key:
            yield self.client_private_key
            yield pem_text(self.client_private_key)
        if self.client_private_key_passphrase:
            yield self.client_private_key_passphrase

    def ssl_context(self) -> ssl.SSLContext | None:
        """
        Return the TLS settings, None where they are the system's.

        :raises ConfigurationError: when a certificate or key can't be read.
        """
        if not (self.ca_bundle or self.client_cert):
            return None
        from airflow_provider_cloudfn.connections.tls import client_ssl_context

        return client_ssl_context(self)


def proxy_url(reader: ConnectionReader, name: str, written: str) -> str:
    """
    Return the URL of a proxy.

    :param name: The field that it stands in.
    :param written: What stands there.
    :raises ConfigurationError: when it is none.
    """
    try:
        parts = urlsplit(written.strip())
        usable = parts.scheme in ("http", "https") and parts.hostname and not (parts.path.strip("/") or parts.query)
        _ = parts.port
    except ValueError:
        usable = False
    if not usable:
        raise reader.error(name, "is no proxy's URL; write such as 'http://user:password@proxy.example.com:3128'")
    return written.strip()


def read_rate_limit(reader: ConnectionReader) -> Rate | None:
    """
    Return the rate that a connection says; None where it says none.

    :raises ConfigurationError: when it is none.
    """
    written = reader.extras.get("rate_limit")
    if written is None:
        return None
    try:
        return Rate.parse(written)
    except ConfigurationError as error:
        said = (
            str(error) if len(str(written)) <= LONGEST_SHOWN else f"{shown(written)} is no rate; write such as '50/s'"
        )
        raise reader.error("rate_limit", said) from None
