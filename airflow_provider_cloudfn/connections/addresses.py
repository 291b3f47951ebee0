"""Checks the addresses that a connection names, before anything is sent there."""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, unquote, urlsplit

from airflow_provider_cloudfn.auth.credential_names import is_secret_value
from airflow_provider_cloudfn.client.url import BaseUrl, is_loopback
from airflow_provider_cloudfn.connections.reading import LONGEST_SHOWN, shown
from airflow_provider_cloudfn.exceptions import ConfigurationError

if TYPE_CHECKING:
    from airflow_provider_cloudfn.connections.reading import ConnectionReader

__all__ = ["base_url", "checked_url"]

_NEVER_IN_A_URL = re.compile(r"[\x00-\x20\x7f-\x9f\\<>\"^`{|}\s]")
_NUMBER = re.compile(r"[0-9]+|0[xX][0-9A-Fa-f]*")
_LIKE_A_HOST = re.compile(r"[\w-]+(\.[\w-]+)+(?![^:/?#])")
#: Labels of up to 63 characters (RFC 1035, section 2.3.4), or an IPv6 address.
_HOST = re.compile(r"(?![-_])[\w-]{1,63}(\.[\w-]{1,63})*(?<![-_])\.?|\[[0-9A-Fa-f:.]+\]", re.ASCII)


def base_url(reader: ConnectionReader, *, allow_http: bool) -> str:
    """
    Return the base URL of a connection of type ``cloudfn``, without a slash at its end.

    It stands in ``host``. A URI may have its port and its path apart, as Airflow takes it to pieces.

    :param allow_http: Whether ``http://`` is allowed to other than loopback addresses.
    """
    host = reader.standard("host")
    if host is None:
        raise reader.error("host", "is missing; write the service's address, such as 'https://api.example.com'")
    written, schema = host.strip(), (reader.standard("schema") or "").strip()
    if "://" not in written:
        if schema.lower() not in ("http", "https"):
            example = _without_secrets(written) if _is_no_secret(written) else "api.example.com"
            raise reader.error(
                "host", f"got {_shown(written)}, which has no scheme; write 'https://{example.lstrip('/')}'"
            )
        written, schema = f"{schema.lower()}://{written}", ""
    written = _bracketed(written)
    parts = _split(reader, "host", written, allow_http=allow_http)
    if parts.query or "?" in written:
        raise reader.error("host", f"got {_shown(written)} with a query; a query belongs to the request: leave it away")
    netloc, path = parts.netloc, parts.path
    if (port := reader.port) is not None and port != parts.port:
        if parts.port is not None:
            raise reader.error("port", f"got {port}, and the base URL says {parts.port}: leave one of them empty")
        if not 0 < port < 65536:
            raise reader.error("port", f"got {port}; write a number from 1 to 65535")
        netloc = f"{netloc.removesuffix(':')}:{port}"
    if schema and schema.lower() != parts.scheme:
        if schema.lower() in ("http", "https"):
            raise reader.error(
                "schema",
                f"got {schema!r}, and the base URL begins with '{parts.scheme}://': empty schema, or correct the base URL; if "
                f"{schema!r} is a path, write the whole address in host",
            )
        if path.strip("/"):
            raise reader.error("schema", "must be empty: the base URL says scheme and path")
        path = "/" + schema.strip("/")
    whole = f"{parts.scheme}://{netloc}{path}".rstrip("/")
    return whole if whole == written else checked_url(reader, "host", whole, allow_http=allow_http)


def checked_url(reader: ConnectionReader, field: str, url: str, *, allow_http: bool) -> str:
    """
    Return a URL that credentials may be sent to.

    :param field: Where the URL stands.
    :param allow_http: Whether ``http://`` is allowed to other than loopback addresses.
    :raises ConfigurationError: when it is no ``https://`` address, or has user-info or a fragment.
    """
    return _split(reader, field, url, allow_http=allow_http).geturl()


def _bracketed(url: str) -> str:
    """Return a URL whose IPv6 address has the brackets that Airflow takes away when it reads a connection's URI."""
    scheme, _, rest = url.partition("://")
    host, slash, path = rest.partition("/")
    if host.count(":") < 2:
        return url
    try:
        ipaddress.IPv6Address(host)
    except ValueError:
        return url
    return f"{scheme}://[{host}]{slash}{path}"


def _split(reader: ConnectionReader, field: str, url: str, *, allow_http: bool) -> SplitResult:
    written = url.strip()

    def refused(why: str) -> ConfigurationError:
        return reader.error(field, f"got {_shown(written)}{why}")

    if _NEVER_IN_A_URL.search(written):
        raise refused(" with a character that no URL can hold; percent-encode it, or leave it away")
    try:
        parts = urlsplit(written)
        port = parts.port
    except ValueError:
        raise refused(", which is no URL; write such as 'https://api.example.com'") from None
    if parts.scheme not in ("https", "http"):
        raise refused("; it must begin with https://")
    if "@" in parts.netloc:
        raise refused(" with user and password in it; credentials have fields of their own")
    parts = _in_ascii(reader, field, parts)
    host = parts.hostname
    if not host or not _HOST.fullmatch(parts.netloc.removesuffix(f":{port}" if port is not None else ":")):
        raise refused(", which names no host; write such as 'https://api.example.com'")
    if _is_odd_number(host):
        raise refused(
            ", whose host is a number that is no IPv4 address as it is usually written; write a name, or four decimal numbers "
            "without zeros before them, such as '192.0.2.7'"
        )
    if port == 0:
        raise refused("; a port is a number from 1 to 65535")
    if parts.fragment or "#" in written:
        raise refused(" with a fragment, which is never sent: leave '#' and what follows it away")
    if parts.scheme == "http" and not allow_http and not is_loopback(host):
        raise refused(
            ", which would send credentials unencrypted; write https://, or set allow_http to true if the way there is "
            "protected otherwise"
        )
    if any(unquote(segment) in (".", "..") for segment in parts.path.split("/")):
        raise refused(" with '.' or '..' in its path; write the path that is meant, without them")
    return parts


def _in_ascii(reader: ConnectionReader, field: str, parts: SplitResult) -> SplitResult:
    """Return a URL whose international host name is as it goes over the wire (RFC 5891), before anything is judged by it."""
    if parts.netloc.isascii():
        return parts
    address = f"{parts.scheme}://{parts.netloc}"
    try:
        authority = BaseUrl.parse(address, allow_http=True).authority
    except ConfigurationError:
        raise reader.error(
            field,
            f"got {_shown(address)}, whose host is no international name (RFC 5891); correct it, or write its ASCII form, which "
            "begins with 'xn--'",
        ) from None
    return parts._replace(netloc=authority)


def _is_odd_number(host: str) -> bool:
    """Return whether a host is one of the ways to write an IPv4 address that some resolvers read, each in its own way."""
    name = host.removesuffix(".")
    if ":" in name or not _NUMBER.fullmatch(name.rpartition(".")[2]):
        return False
    try:
        ipaddress.IPv4Address(name)
    except ValueError:
        return True
    return False


def _without_secrets(url: str) -> str:
    """Return a URL without user-info, query and fragment, where secrets stand."""
    bare = re.split(r"[?#]", url, maxsplit=1)[0]
    scheme, separator, rest = bare.rpartition("://")
    authority, slash, path = rest.partition("/")
    return scheme + separator + authority.rpartition("@")[2] + slash + path


def _is_no_secret(url: str) -> bool:
    """Return whether it is an address, or short enough for one: in its place may stand the secret that belongs elsewhere."""
    return (
        len(url) <= LONGEST_SHOWN or "://" in url or (_LIKE_A_HOST.match(url) is not None and not is_secret_value(url))
    )


def _shown(url: str) -> str:
    if not _is_no_secret(url):
        return shown(url)
    bare = _without_secrets(url)
    return repr(bare if len(bare) <= 100 else bare[:100] + "…")
