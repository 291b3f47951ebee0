"""Reads a curl command: what it would send, and how it authenticates."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, unquote, unquote_plus, urlsplit

from airflow_provider_cloudfn.auth.credential_names import holds_secret, is_secret_name
from airflow_provider_cloudfn.auth.header_fields import PROTOCOL_HEADERS, is_token
from airflow_provider_cloudfn.auth.media_type import FORM_TYPE
from airflow_provider_cloudfn.auth.spellings import MASK
from airflow_provider_cloudfn.cli.curl_authentication import (
    ENCODED_BASIC_NOTE,
    SIGNATURE_HEADERS,
    Authentication,
    authorization,
    aws_signature,
    basic,
    refuse_secret_path,
)
from airflow_provider_cloudfn.cli.curl_body import (
    Body,
    FormPart,
    data_piece,
    form_part,
    multipart_body,
    one_or_all,
    read_body,
)
from airflow_provider_cloudfn.cli.curl_options import CONNECTION_NOTES, read_options
from airflow_provider_cloudfn.cli.curl_url import by_name, escaped, note_variables, refuse_patterns, without_dots
from airflow_provider_cloudfn.cli.shell_words import ShellCommand, split_command
from airflow_provider_cloudfn.client.secret import Secret, secret
from airflow_provider_cloudfn.exceptions import ConfigurationError

__all__ = ["Authentication", "Body", "CurlRequest", "read_curl"]


@dataclass(slots=True)
class CurlRequest:
    """
    What a command would send. No secret of it is kept.

    :param method: The method.
    :param base_url: Scheme, host and port.
    :param path: The path, percent-encoded, with that part of the query which names and values can't say byte for byte.
    :param query: The query's values by name, in their order.
    :param headers: The headers, without those of credentials.
    :param body: What is sent, or None.
    :param authentication: How it authenticates, or None.
    :param secrets: The names of the further secrets, in whose places stand marks of them.
    :param settings: Further fields of the connection.
    :param options: Further parameters of the operator.
    :param notes: What was left out, and what to do about it.
    """

    method: str
    base_url: str
    path: str
    query: dict[str, Any] = field(default_factory=dict)
    headers: dict[str, str | Secret] = field(default_factory=dict)
    body: Body | None = None
    authentication: Authentication | None = None
    secrets: list[str] = field(default_factory=list)
    settings: dict[str, Any] = field(default_factory=dict)
    options: dict[str, float] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def read_curl(command: str) -> CurlRequest:
    """
    Read a command.

    :param command: The command, as it is typed into a shell.
    :raises ConfigurationError: for what is no curl command, or has no equivalent; the message names the option.
    """
    split = split_command(command)
    words = split.words[1:] if split.words[:1] == ["$"] else split.words
    if not words or words[0].rpartition("/")[2] not in ("curl", "curl.exe"):
        raise ConfigurationError(
            "the command must begin with curl: leave out what stands before it, and copy one of a browser's as cURL (bash)"
        )
    reading = _Reading()
    for name, value in read_options(words[1:]):
        reading.take(name, value)
    return _without_shell(reading.request(), split)


def _without_shell(request: CurlRequest, split: ShellCommand) -> CurlRequest:
    """Refuse what a shell would have filled in, and note what it would have done with the answer."""
    sent = repr(request)
    for variable in split.variables:
        if repr(variable)[1:-1] in sent or quote(variable, safe="$") in sent:
            raise ConfigurationError(f"{variable}: the shell fills this in: write its value in its place")
    note_variables(sent, request.notes)
    if split.output:
        request.notes.append(CONNECTION_NOTES["output"])
    if split.following:
        shown = split.following if len(split.following) <= 60 else f"{split.following[:60]}…"
        shown = MASK if holds_secret(split.following) else shown
        request.notes.append(
            f"what the shell does with the answer was left out ({shown}): write what the step is to return as CEL, such as "
            "returns='response.body.items'"
            if split.following.startswith("| ")
            else "what follows the command was left out: each request becomes a task of its own"
        )
    return request


#: Headers of curl's options.
_AS_HEADERS = {"user-agent": "User-Agent: ", "referer": "Referer: ", "range": "Range: bytes="}
#: Options of which the last one counts.
_KEPT = frozenset({"request", "user", "bearer", "sigv4", "request-target", *_AS_HEADERS})
#: What the connection or the client sets as curl does.
_OWN_HEADERS = frozenset({"content-length", "accept-encoding", "connection", "keep-alive", "expect"})
_DATA = frozenset({"data", "data-raw", "data-binary", "data-urlencode", "json"})


class _Reading:
    """What has been read so far."""

    def __init__(self) -> None:
        self.url: str | None = None
        self.flags: set[str] = set()
        self.headers: list[tuple[str, str]] = []
        self.removed_headers: set[str] = set()
        self.cookies: list[str] = []
        self.data: bytes | None = None
        self.url_query: list[bytes] = []
        self.parts: list[FormPart] = []
        self.given: dict[str, str] = {}
        self.authentication: Authentication | None = None
        self.settings: dict[str, Any] = {}
        self.options: dict[str, float] = {}
        self.notes: list[str] = []
        self.secrets: dict[str, str] = {}

    def take(self, name: str, value: str) -> None:
        """Take one option."""
        if name in _DATA:
            piece = data_piece(name, value)
            between = b"" if not self.data or name == "json" else b"&"
            self.data = (self.data or b"") + between + piece
            self.flags.add("json" if name == "json" else "form")
        elif name in ("form", "form-string"):
            self.parts.append(form_part(value, literal=name == "form-string"))
        elif name == "header":
            self.take_header(value)
        elif name == "url":
            if self.url is not None:
                raise ConfigurationError("the command names two URLs: give one request at a time")
            self.url = value
        elif name == "url-query":
            self.url_query.append(value[1:].encode() if value.startswith("+") else data_piece("data-urlencode", value))
        elif name in _KEPT:
            self.given[name] = value
        elif name == "cookie":
            self.take_cookie(value)
        else:
            self.take_setting(name, value)

    def take_setting(self, name: str, value: str) -> None:
        """Take what concerns the connection, or how long and how often to try."""
        if name in _SECONDS:
            place, parameter = _SECONDS[name]
            (self.settings if place == "connection" else self.options)[parameter] = _number(name, value)
        elif name == "retry":
            self.options["retry_attempts"] = int(_number(name, value)) + 1
        elif name == "cacert":
            self.settings["ca_bundle"] = value
        elif name == "cert":
            path, _, passphrase = value.partition(":")
            self.settings["client_cert"] = path
            if passphrase:
                self.settings["client_private_key_passphrase"] = "<the passphrase>"  # noqa: S105 - a placeholder
        elif name == "key":
            self.settings["client_key_file"] = value
        elif name == "proxy":
            scheme, _, rest = value.rpartition("://")
            _, at, host = rest.rpartition("@")
            self.settings["proxy"] = f"{scheme or 'http'}://{'user:password@' if at else ''}{host}"
        elif name in CONNECTION_NOTES:
            self.notes.append(CONNECTION_NOTES[name])
        self.flags.add(name)

    def take_header(self, value: str) -> None:
        """Take a header; ``Name:`` takes one of curl's own out, ``Name;`` is one without a value."""
        if value.startswith("@"):
            raise ConfigurationError(f"--header {value}: reads a file; put what is in it in its place")
        name, colon, text = value.partition(":")
        name, text = name.strip(), text.strip()
        if not colon and value.endswith(";"):
            name = value.rstrip("; ")
        elif not text:
            self.removed_headers.add(name.lower())
            return
        if not is_token(name):
            raise ConfigurationError("--header: has no name before its colon, or one that no header can have")
        if not text.isascii() or not text.replace("\t", "").isprintable():
            raise ConfigurationError(
                f"--header {name}: has control characters, or characters outside of ASCII, which no header carries the same way "
                "everywhere: encode them"
            )
        if name.lower() == "cookie":
            self.cookies.append(text)
        else:
            self.headers.append((name, text))

    def take_headers_of_options(self) -> None:
        """Take what options say in headers, where no header says it: that is sent instead."""
        given = {name.lower() for name, _ in self.headers} | self.removed_headers
        for option, start in _AS_HEADERS.items():
            if option in self.given and start.partition(":")[0].lower() not in given:
                self.take_header(start + self.given[option].removesuffix(";auto"))

    def take_cookie(self, value: str) -> None:
        """Take cookies; without an equals sign it is a file of them."""
        if "=" in value:
            self.cookies.append(value)
        else:
            self.notes.append("the file of cookies was left out: give the cookies themselves, as in -b 'name=value'")

    def mark(self, name: str, value: str) -> Secret:
        """Return what stands for a further secret; two of one name are two."""
        base = re.sub(r"\W+", "_", name, flags=re.ASCII).strip("_").lower() or "secret"
        marked, number = base, 1
        while self.secrets.setdefault(marked, value) != value:
            number += 1
            marked = f"{base}_{number}"
        return secret(marked)

    def request(self) -> CurlRequest:
        """Return what all options together make."""
        if self.url is None:
            raise ConfigurationError("the command names no URL")
        base_url, path, raw_query = self.address(self.url)
        self.take_headers_of_options()
        self.authenticate()
        headers = self.all_headers()
        body = self.body(headers)
        path, query = self.query(path, raw_query)
        is_sending = self.data is not None and "get" not in self.flags
        default = "HEAD" if "head" in self.flags else "POST" if is_sending or self.parts else "GET"
        return CurlRequest(
            method=self.given.get("request", default).upper(),
            base_url=base_url,
            path=path,
            query=query,
            headers=headers,
            body=body,
            authentication=self.authentication,
            secrets=list(self.secrets),
            settings=self.settings,
            options=self.options,
            notes=list(dict.fromkeys(self.notes)),
        )

    def address(self, url: str) -> tuple[str, str, str]:
        """Return base URL, path and query; a user name in the URL is the command's."""
        url = url if "://" in url else f"http://{url}"
        try:
            parts = urlsplit(url)
            host, _ = parts.hostname, parts.port
            if re.search(r"[\s{}]" if "globoff" in self.flags else r"\s", parts.netloc):
                raise ValueError
        except ValueError:
            raise ConfigurationError("the URL can't be read: its host or its port is none") from None
        if parts.scheme not in ("http", "https") or not host:
            raise ConfigurationError(f"the URL must begin with https:// or http://, not {parts.scheme or 'nothing'}://")
        refuse_secret_path(host, parts.path)
        rest = url.partition("://")[2]
        if "globoff" not in self.flags:
            refuse_patterns(parts.netloc.rpartition("@")[2] + parts.path + parts.query)
        if parts.username is not None and "user" not in self.given:
            user = rest.partition("/")[0].rpartition("@")[0]
            # From a URL curl takes a name alone, and asks for no password.
            self.given["user"] = unquote(user if ":" in user else f"{user}:")
        target = self.given.get("request-target")
        path, query = (parts.path or "/", parts.query) if target is None else target.partition("?")[::2]
        path = without_dots(path, as_is=target is not None or "path-as-is" in self.flags)
        if path.startswith("//"):
            raise ConfigurationError("the path begins with two slashes: write one")
        if not path.startswith("/"):
            raise ConfigurationError(f"--request-target: must begin with a slash, not be {path!r}")
        return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}", escaped(path), query

    def authenticate(self) -> None:
        """Find how the command authenticates: a header comes before the options, as it does for curl."""
        given = [text for name, text in self.headers if name.lower() == "authorization"]
        self.headers = [(name, text) for name, text in self.headers if name.lower() != "authorization"]
        ways = len(given) + ("bearer" in self.given) + ("user" in self.given)
        if "sigv4" in self.given:
            names = {name.lower() for name, _ in self.headers}
            self.authentication = aws_signature(self.given["sigv4"], self.url or "", self.given.get("user"), names)
            self.headers = [(name, text) for name, text in self.headers if name.lower() not in SIGNATURE_HEADERS]
            ways = 1 + len(given)
        elif given:
            self.authentication = authorization(given[0])
        elif "bearer" in self.given:
            self.authentication = Authentication("bearer")
        elif "user" in self.given:
            self.authentication = basic(self.given["user"])
        if self.authentication is not None and self.authentication.prefix == "Basic":
            self.notes.append(ENCODED_BASIC_NOTE)
        if ways > 1:
            self.notes.append("a second way to authenticate was left out: a request has one")

    def all_headers(self) -> dict[str, str | Secret]:
        """Return the headers; what is a secret goes into the connection, the first as its API key."""
        found: dict[str, tuple[str, str]] = {}
        for name, text in self.headers:
            lower = name.lower()
            if lower in PROTOCOL_HEADERS | _OWN_HEADERS:
                if lower not in _OWN_HEADERS:
                    self.notes.append(f"the header {name} was left out: the connection sets it")
            elif lower in found:
                # A header that comes twice is one whose values are joined (RFC 9110, section 5.3).
                found[lower] = (found[lower][0], f"{found[lower][1]}, {text}")
            else:
                found[lower] = (name, text)
        headers: dict[str, str | Secret] = {}
        for name, text in found.values():
            if not text or not (is_secret_name(name, "header") or holds_secret(text)):
                headers[name] = text
            elif self.authentication is None and is_secret_name(name, "header"):
                self.authentication = Authentication("api_key", name)
            else:
                headers[name] = self.mark(name, text)
        if self.cookies:
            headers["Cookie"] = self.mark("cookie", ";".join(self.cookies))
        return headers

    def body(self, headers: dict[str, str | Secret]) -> Body | None:
        """Return the body, and add to the headers what curl says of it."""
        names = {name.lower() for name in headers} | self.removed_headers
        if self.parts:
            if self.data is not None:
                raise ConfigurationError("--form and --data: curl sends one of them: leave one out")
            body, media_type = multipart_body(self.parts, self.mark, self.notes)
            given = next((name for name in headers if name.lower() == "content-type"), None)
            if given is not None and re.fullmatch(r"multipart/form-data\s*;?", str(headers[given]), re.IGNORECASE):
                del headers[given]  # curl completes it with the boundary
            elif "content-type" in names:
                raise ConfigurationError("--form: has a Content-Type of its own: leave that header out")
            if media_type is not None:
                headers["Content-Type"] = media_type
            return body
        is_json, is_getting = "json" in self.flags, "get" in self.flags
        if self.data is None or (is_getting and not is_json):
            return None
        if is_json and "accept" not in names:
            headers["Accept"] = "application/json"
        if "content-type" not in names:
            headers["Content-Type"] = "application/json" if is_json else FORM_TYPE
        if is_getting:
            return None
        declared = next((str(text) for name, text in headers.items() if name.lower() == "content-type"), None)
        if declared is None:
            self.notes.append("a body always has a Content-Type here: it is sent as application/octet-stream")
        return read_body(self.data, declared or "", self.mark, self.notes) if self.data else None

    def query(self, path: str, raw: str) -> tuple[str, dict[str, Any]]:
        """Return the path and the query: by names and values, if these are sent as the same bytes, else with the path."""
        pieces = [raw] if raw else []
        if self.data and "get" in self.flags:
            pieces.append(self.data.decode("utf-8", "surrogateescape"))
        pieces += [piece.decode("utf-8", "surrogateescape") for piece in self.url_query]
        plain: list[str] = []
        query: dict[str, list[Any]] = {}
        for pair in escaped("&".join(pieces)).split("&") if pieces else ():
            name, _, value = pair.partition("=")
            name, value = unquote_plus(name), unquote_plus(value)
            if not value or not (is_secret_name(name, "query") or holds_secret(value)):
                plain.append(pair)
            elif self.authentication is None and not re.search(r"[\s&=#]", name):
                self.authentication = Authentication("api_key", name, "query")
            else:
                query.setdefault(name, []).append(self.mark(name, value))
        named = by_name(plain)
        if named is None:
            path += "?" + "&".join(plain)
        for name, values in (named or {}).items():
            query.setdefault(name, []).extend(values)
        return path, {name: one_or_all(values) for name, values in query.items()}


_SECONDS = {
    "max-time": ("operator", "request_timeout"),
    "retry-max-time": ("operator", "retry_total"),
    "connect-timeout": ("connection", "connect_timeout"),
}


def _number(name: str, value: str) -> float:
    if not re.fullmatch(r"\d+(\.\d+)?", value):
        raise ConfigurationError(f"--{name}: must be {'a number' if name == 'retry' else 'seconds'}")
    return float(value) if "." in value else int(value)
