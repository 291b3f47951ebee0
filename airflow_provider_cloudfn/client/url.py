"""The base URL of a connection, and what may be appended to it."""

from __future__ import annotations

import ipaddress
import re
from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, quote, unquote, unquote_plus, urlsplit

from msgspec import Struct

from airflow_provider_cloudfn.exceptions import ConfigurationError, in_words

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

__all__ = ["BaseUrl", "Origin", "encoded_reference", "is_loopback", "split_url", "without_parameters"]

#: What may stand in a path (RFC 3986, section 3.3), and the percent sign of what is encoded already.
_LONE_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
_PATH_SAFE = "/%:@!$&'()*+,;=-._~"
_QUERY_SAFE = _PATH_SAFE + "?"
_DEFAULT_PORTS = {"http": 80, "https": 443}
#: A URL in which nothing can be meant otherwise: scheme, authority, path and query.
_PLAIN_URL = re.compile(r"(https?)://([a-z0-9.-]+(?::[0-9]{1,5})?)(/[!\"$->@-~]*)?(?:\?([!\"$-~]*))?")


class Origin(Struct, frozen=True):
    """
    Where a request goes (RFC 6454): credentials never leave it.

    :param scheme: ``https`` or ``http``.
    :param host: In lower case.
    :param port: The port, the scheme's own where none is written.
    """

    scheme: str
    host: str
    port: int

    @classmethod
    def of(cls, url: str) -> Origin:
        """
        Return the origin of a URL.

        :param url: An absolute URL.
        :raises ConfigurationError: for one that has none.
        """
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            raise ConfigurationError(f"{url!r} is no URL: its host or its port can't be read") from None
        if parts.scheme not in _DEFAULT_PORTS or not parts.hostname:
            raise ConfigurationError(f"{url!r} is no absolute http or https URL")
        return cls(parts.scheme, parts.hostname.lower(), _DEFAULT_PORTS[parts.scheme] if port is None else port)

    @property
    def is_loopback(self) -> bool:
        """Whether it is this very machine."""
        return is_loopback(self.host)


@lru_cache(maxsize=256)
def is_loopback(host: str) -> bool:
    """
    Return whether a host is this machine (RFC 6761, section 6.3).

    :param host: A name or an address, in any case.
    """
    name = host.lower().rstrip(".")
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


class BaseUrl(Struct, frozen=True):
    """
    Where a service is: an origin, and perhaps a path that everything begins with.

    :param origin: The origin.
    :param authority: Host and port as they were written.
    :param path: The path without a slash at its end; ``""`` for none.
    """

    origin: Origin
    authority: str
    path: str

    @classmethod
    @lru_cache(maxsize=256)
    def parse(cls, text: str, *, allow_http: bool = False) -> BaseUrl:
        """
        Read a base URL.

        :param text: Such as ``https://api.example.com/v2``.
        :param allow_http: Whether it may go without TLS to other machines than this one.
        :raises ConfigurationError: for anything else; the message says what to write.
        """
        if " " in text or not text.isprintable():
            raise ConfigurationError("the base URL has white space or control characters: write https://<your-domain>")
        origin = Origin.of(text)
        parts = urlsplit(text)
        if parts.username is not None or parts.password is not None:
            raise ConfigurationError(
                "the base URL has a user name in it: give credentials in the connection's own fields"
            )
        if "?" in text or "#" in text:
            raise ConfigurationError(
                "the base URL has a query or a fragment: give the query with each request, and no fragment"
            )
        if origin.scheme == "http" and not (allow_http or origin.is_loopback):
            raise ConfigurationError(
                f"the base URL goes to {origin.host} without TLS: write https://, or set allow_http on the connection"
            )
        path = _normal_path(parts.path.rstrip("/"))
        if not parts.netloc.isascii():
            authority = _ascii_authority(text)
            return cls(Origin.of(f"{origin.scheme}://{authority}"), authority, quote(path, safe=_PATH_SAFE))
        return cls(origin, parts.netloc, quote(path, safe=_PATH_SAFE))

    def __str__(self) -> str:
        return f"{self.origin.scheme}://{self.authority}{self.path}"

    def join(self, uri: str, query: Iterable[tuple[str, str]] = ()) -> str:
        """
        Append a URI and a query.

        What is percent-encoded stays so; other characters beyond ASCII become UTF-8, percent-encoded.

        :param uri: A path, perhaps with a query: ``/v1/charges?expand=1``. Exactly one slash comes between. Or a whole URL below
            this one, as services write links.
        :param query: Names and values as text; they are added to the URI's own query.
        :raises ConfigurationError: for a URI that could lead elsewhere, or that can't be one.
        """
        if not isinstance(uri, str):
            raise ConfigurationError(f"uri: must be text, not {in_words(uri)}")
        is_whole = _has_scheme(uri.partition("?")[0])
        if is_whole:
            uri = self._relative(uri)
        _refuse_unsafe(uri)
        path, mark, own_query = uri.partition("?")
        normal = _below(self.path, path, has_steps=is_whole)
        pairs = "&".join([f"{_quoted_name(name)}={quote(value, safe='')}" for name, value in query])
        encoded = quote(_whole_escapes(own_query), safe=_QUERY_SAFE) if mark else ""
        whole = "&".join(part for part in (encoded, pairs) if part)
        url = f"{self.origin.scheme}://{self.authority}{normal}" + (f"?{whole}" if whole else "")
        if not normal.startswith("/"):
            # Only a slash ends host and port, which are those of the base URL.
            raise ConfigurationError(f"uri: {uri!r} leads to another host than the connection's base URL")
        return url

    def over_tls(self, url: str) -> str:
        """
        Return a URL of this origin with ``https://``: a service behind what ends TLS writes ``http://`` for all that it knows.

        :param url: A URL that a service wrote. One that leads elsewhere stays as it is.
        """
        scheme, _, rest = url.partition("://")
        authority = re.split("[/?#]", rest, maxsplit=1)[0]
        host, _, port = authority.lower().rpartition(":") if ":" in authority else (authority.lower(), "", "")
        ours = Origin("https", host, _DEFAULT_PORTS["https"])
        if scheme != "http" or self.origin != ours or port not in ("", "80", "443"):
            return url
        return f"https://{self.authority}{rest[len(authority) :]}"

    def _relative(self, url: str) -> str:
        """Return what of a whole URL stands behind this one."""
        base = str(self)
        if url.startswith(f"{base}/") and url.isprintable() and "\\" not in url:
            # As it is written, which is how services write the links to their own pages.
            return url[len(base) :]
        try:
            if not url.isprintable() or "\\" in url:
                # Parsers leave such characters out, each in its own way.
                raise ValueError("no URL")
            origin, parts = Origin.of(url), urlsplit(url)
        except (ConfigurationError, ValueError):
            raise ConfigurationError(
                "uri: is a whole URL, and none that can be read: write the path below the connection's base URL"
            ) from None
        if origin == self.origin and "@" in parts.netloc:
            raise ConfigurationError(
                "uri: is a whole URL with credentials in it, and those of a call are the connection's: leave out what stands "
                "before the @"
            )
        if origin != self.origin:
            raise ConfigurationError(
                f"uri: is a whole URL that leads to {origin.scheme}://{ascii(origin.host)[1:-1]}:{origin.port}, and not to the "
                f"connection's own {self}: credentials stay there; write a path, or make a connection for that one"
            )
        if parts.path != self.path and not parts.path.startswith(f"{self.path}/"):
            raise ConfigurationError(
                f"uri: is a whole URL that does not lie below the connection's base URL, {self}: write the path below it"
            )
        return url[url.index(parts.netloc) + len(parts.netloc) :].removeprefix(self.path) or "/"


def split_url(url: str) -> SplitResult:
    """
    Return what :func:`urllib.parse.urlsplit` does, at once for the plain URLs that nearly all are.

    :param url: A whole URL.
    :raises ValueError: as it does.
    """
    plain = _PLAIN_URL.fullmatch(url)
    return urlsplit(url) if plain is None else SplitResult(plain[1], plain[2], plain[3] or "", plain[4] or "", "")


def encoded_reference(written: str) -> str:
    """
    Return a reference that a service wrote with all percent-encoded that RFC 3986 does not let stand, and nothing twice.

    :param written: A URL, or a part of one.
    """
    return quote(written.encode("utf-8", "surrogateescape"), safe="%:/?#[]@!$&'()*+,;=-._~")


def without_parameters(url: str, names: Collection[str]) -> str:
    """
    Return a URL without some of its parameters, and otherwise as it is written.

    :param url: A URL without a fragment, or a reference to one.
    :param names: The parameters' names.
    """
    head, mark, query = url.partition("?")
    if not names or not mark:
        return url
    kept = [pair for pair in query.split("&") if unquote_plus(pair.partition("=")[0]) not in names]
    return f"{head}?{'&'.join(kept)}" if kept else head


def _ascii_authority(text: str) -> str:
    """Return host and port as they go over the wire (RFC 5891): ``xn--bcher-kva.example``."""
    from yarl import URL

    try:
        return URL(text).host_port_subcomponent or ""
    except ValueError:
        raise ConfigurationError(f"the base URL {text!r} has a host that is no name (RFC 5891)") from None


def _refuse_unsafe(uri: str) -> None:
    shown = uri if len(uri) <= 200 else uri[:200] + "…"
    for character in () if uri.isprintable() and " " not in uri and "\\" not in uri else uri:
        if character.isspace():
            raise ConfigurationError(
                f"uri: {shown!r} has white space: write url.encode(…) around what comes from elsewhere"
            )
        if not character.isprintable() or character == "\\":
            raise ConfigurationError(
                f"uri: {shown!r} has a control character or a backslash: encode it with url.encode(…)"
            )
    if "#" in uri:
        raise ConfigurationError(
            f"uri: {shown!r} has a fragment (#), which is never sent: leave it out, or encode it as %23"
        )
    if uri.startswith("//"):
        raise ConfigurationError(
            f"uri: {shown!r} names another host (//): write the path below the connection's base URL"
        )
    path = uri.partition("?")[0]
    if _has_scheme(path):
        raise ConfigurationError(f"uri: {shown!r} is a whole URL: write the path below the connection's base URL")
    if path.startswith("@"):
        raise ConfigurationError(
            f"uri: {shown!r} begins with '@', which would make the host a user name: begin with '/'"
        )
    try:
        uri.encode("utf-8")
    except UnicodeEncodeError:
        raise ConfigurationError("uri: has a lone surrogate, which is no character") from None


@lru_cache(maxsize=256)
def _quoted_name(name: str) -> str:
    return quote(name, safe="")


def _has_scheme(path: str) -> bool:
    scheme, colon, rest = path.partition(":")
    return bool(colon) and rest.startswith("//") and scheme.isascii() and scheme[:1].isalpha()


def _below(base: str, path: str, *, has_steps: bool) -> str:
    """
    Return the whole path, without dot segments (RFC 3986, section 5.2.4), as long as they stay below the base.

    :param has_steps: Whether it may have such segments: those of a link that a service has written, whole, mean what they say.
    """
    if "." not in path and "%" not in path and path.strip("/"):
        # No segment of it can be one.
        return f"{base}/{quote(path.lstrip('/'), safe=_PATH_SAFE)}"
    kept: list[str] = []
    segments = path.lstrip("/").split("/") if path.strip("/") else []
    for index, segment in enumerate(segments):
        # A server decodes %2e before it looks at dots, so this does too.
        dots = unquote(segment)
        if dots in (".", "..") and not has_steps and (dots == "." or kept):
            # Such as the id of an order, which is data: a DELETE would be sent to all orders.
            raise ConfigurationError(
                f"uri: {path!r} has '{dots}' in its path, a step to another one: write the path that is meant, and make sure "
                "that no data is one"
            )
        if dots == "..":
            if not kept:
                raise ConfigurationError(f"uri: {path!r} climbs with '..' above the path of the connection's base URL")
            kept.pop()
        elif dots == ".":
            pass
        else:
            _refuse_hidden_climb(segment, path)
            kept.append(segment)
            continue
        if index == len(segments) - 1:
            kept.append("")
    tail = "/".join(kept)
    if not segments:
        # No path at all is the base itself; a bare slash asks for what is below it.
        return (base + ("/" if path or not base else "")) or "/"
    return f"{base}/{quote(_whole_escapes(tail), safe=_PATH_SAFE)}"


def _whole_escapes(text: str) -> str:
    """Return text in which a percent sign that begins no escape is one itself (RFC 3986, section 2.4)."""
    return _LONE_PERCENT.sub("%25", text) if "%" in text else text


def _refuse_hidden_climb(segment: str, path: str) -> None:
    r"""Refuse what is '..' to a server that decodes more than once, takes ``\`` for a slash, or drops what follows ``;``."""
    if "%" not in segment and ".." not in segment:
        return
    for decoded in (unquote(segment), unquote(unquote(segment))):
        if any(part.partition(";")[0] == ".." for part in re.split(r"[/\\]", decoded)):
            raise ConfigurationError(f"uri: {path!r} hides a '..', with which a server could climb: leave it out")


def _normal_path(path: str) -> str:
    for segment in path.split("/"):
        if unquote(segment) in (".", ".."):
            raise ConfigurationError("the base URL has '.' or '..' in its path: write the path that is meant")
    return path
