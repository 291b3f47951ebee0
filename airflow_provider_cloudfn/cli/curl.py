"""Reads a curl command: what it would send, and with which credentials."""

from __future__ import annotations

import base64
import binascii
import json
import re
import shlex
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, quote_plus, unquote, urlsplit

from airflow_provider_cloudfn.client.secret import Secret, secret
from airflow_provider_cloudfn.exceptions import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Body", "Credentials", "CurlRequest", "read_curl"]


@dataclass(frozen=True, slots=True)
class Credentials:
    """
    How a command authenticates.

    :param kind: ``api_key``, ``basic`` or ``bearer``.
    :param name: The header or the parameter of an API key; the user name of Basic.
    :param location: ``header`` or ``query``, of an API key.
    """

    kind: str
    name: str = ""
    location: str = "header"


@dataclass(frozen=True, slots=True)
class Body:
    """
    A body.

    :param value: A JSON value, the fields of a form by name, or bytes that are sent as they are.
    :param kind: ``json``, ``form`` or ``bytes``.
    """

    value: Any
    kind: str


@dataclass(slots=True)
class CurlRequest:
    """
    What a command would send. No secret of it is kept.

    :param method: The method.
    :param base_url: Scheme, host and port.
    :param path: The path, percent-encoded.
    :param query: The query's names and values, in their order.
    :param headers: The headers, without those of credentials.
    :param body: What is sent, or None.
    :param credentials: How it authenticates, or None.
    :param secrets: The names of the further secrets, in whose places stand marks of them.
    :param timeout: Seconds for the whole call, or None.
    :param notes: What was left out, and what to do about it.
    """

    method: str
    base_url: str
    path: str
    query: list[tuple[str, str | Secret]] = field(default_factory=list)
    headers: list[tuple[str, str | Secret]] = field(default_factory=list)
    body: Body | None = None
    credentials: Credentials | None = None
    secrets: list[str] = field(default_factory=list)
    timeout: float | None = None
    notes: list[str] = field(default_factory=list)


_FLAGS = {
    "-G": "get", "--get": "get", "-I": "head", "--head": "head", "-k": "insecure", "--insecure": "insecure",
    "-L": "", "--location": "", "-s": "", "--silent": "", "-S": "", "--show-error": "", "-v": "", "--verbose": "",
    "-i": "", "--include": "", "-f": "", "--fail": "", "--fail-with-body": "", "--compressed": "", "-g": "",
    "--globoff": "", "-#": "", "--progress-bar": "", "--http1.1": "", "--http2": "", "-N": "", "--no-buffer": "",
    "--location-trusted": "", "-4": "", "-6": "", "--ipv4": "", "--ipv6": "", "--path-as-is": "", "--basic": "",
}  # fmt: skip
_OPTIONS = {
    "-X": "request", "--request": "request", "-H": "header", "--header": "header", "--url": "url",
    "-d": "data", "--data": "data", "--data-ascii": "data", "--data-raw": "data-raw", "--data-binary": "data-binary",
    "--data-urlencode": "data-urlencode", "--json": "json", "-u": "user", "--user": "user",
    "-A": "user-agent", "--user-agent": "user-agent", "-e": "referer", "--referer": "referer",
    "--oauth2-bearer": "bearer", "-m": "max-time", "--max-time": "max-time",
    "-b": "cookie", "--cookie": "cookie", "--cacert": "cacert", "-E": "cert", "--cert": "cert", "--key": "cert",
    "-x": "proxy", "--proxy": "proxy", "-F": "form", "--form": "form", "-T": "upload", "--upload-file": "upload",
    "--aws-sigv4": "sigv4", "-o": "", "--output": "", "-w": "", "--write-out": "", "-c": "", "--cookie-jar": "",
    "--connect-timeout": "", "--retry": "", "--retry-delay": "", "--retry-max-time": "",
}  # fmt: skip

_SECRET_NAME = re.compile(
    r"(?i)(^|[-_.])(api[-_]?key|apikey|key|token|secret|password|passwd|pwd|auth|authorization|signature|sig|credential)s?$"
)

#: Of fields in a body, only what can be nothing else.
_SECRET_FIELD = re.compile(r"(?i)(^|[-_.])(api[-_]?key|apikey|token|secret|password|passwd|pwd|credential)s?$")


def read_curl(command: str) -> CurlRequest:
    """
    Read a command.

    :param command: The command, as it is typed into a shell; lines that end with a backslash go on.
    :raises ConfigurationError: for what is no curl command, or has no equivalent; the message names the option.
    """
    try:
        words = shlex.split(command.replace("\\\r\n", " ").replace("\\\n", " "))
    except ValueError as error:
        raise ConfigurationError(f"the command can't be read: {error}; put it into single quotes as a whole") from None
    if not words or words[0].rpartition("/")[2] != "curl":
        raise ConfigurationError("the command must begin with curl")
    return _request(_arguments(words[1:]))


def _arguments(words: list[str]) -> list[tuple[str, str]]:
    """Return the options by the names of :data:`_OPTIONS` and :data:`_FLAGS`, in their order."""
    found: list[tuple[str, str]] = []
    rest = iter(words)
    for word in rest:
        if word == "--":
            found.extend(("url", one) for one in rest)
        elif not word.startswith("-") or word == "-":
            found.append(("url", word))
        elif word.startswith("--"):
            name, equals, value = word.partition("=")
            if name in _FLAGS:
                found.append((_FLAGS[name], ""))
            elif name in _OPTIONS:
                found.append((_OPTIONS[name], value if equals else _next(rest, name)))
            else:
                raise ConfigurationError(f"{name}: this option of curl is not known here: leave it out")
        else:
            _short(word, rest, found)
    return found


def _short(word: str, rest: object, found: list[tuple[str, str]]) -> None:
    """Read short options, of which several can stand in one word, and the last can have its value there, too."""
    for index in range(1, len(word)):
        name = f"-{word[index]}"
        if name in _FLAGS:
            found.append((_FLAGS[name], ""))
        elif name in _OPTIONS:
            found.append((_OPTIONS[name], word[index + 1 :] or _next(rest, name)))
            return
        else:
            raise ConfigurationError(f"{name}: this option of curl is not known here: leave it out")


def _next(rest: object, name: str) -> str:
    value: str | None = next(rest, None)  # type: ignore[call-overload]  # an iterator of words
    if value is None:
        raise ConfigurationError(f"{name}: its value is missing")
    return value


class _Reading:
    """What has been read so far."""

    def __init__(self) -> None:
        self.url: str | None = None
        self.method: str | None = None
        self.headers: list[tuple[str, str | Secret]] = []
        self.data: list[str] = []
        self.is_get = False
        self.is_json = False
        self.credentials: Credentials | None = None
        self.timeout: float | None = None
        self.notes: list[str] = []

        self.secrets: list[str] = []

    def authenticate(self, credentials: Credentials) -> bool:
        """Take the first credentials; tell whether these are it."""
        if self.credentials is not None:
            return False
        self.credentials = credentials
        return True

    def mark(self, name: str) -> Secret:
        """Return what stands for a further secret."""
        marked = re.sub(r"\W+", "_", name, flags=re.ASCII).strip("_").lower()
        if marked not in self.secrets:
            self.secrets.append(marked)
        return secret(marked)


def _request(arguments: list[tuple[str, str]]) -> CurlRequest:
    reading = _Reading()
    for name, value in arguments:
        _take(reading, name, value)
    if reading.url is None:
        raise ConfigurationError("the command names no URL")
    url = reading.url if "://" in reading.url else f"http://{reading.url}"
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ConfigurationError(f"the URL must begin with https:// or http://, not {parts.scheme or 'nothing'}://")
    if parts.username is not None and not reading.authenticate(Credentials("basic", unquote(parts.username))):
        reading.notes.append("the password in the URL was left out: the command authenticates otherwise, too")
    host = parts.netloc.rpartition("@")[2]
    text = "&".join(reading.data)
    query = parse_qsl(parts.query, keep_blank_values=True)
    if reading.is_get:
        query += parse_qsl(text, keep_blank_values=True)
    body = None
    if reading.data and not reading.is_get:
        declared = next((value for name, value in reading.headers if name.lower() == "content-type"), None)
        if declared is None:
            declared = "application/json" if reading.is_json else "application/x-www-form-urlencoded"
            reading.headers.append(("Content-Type", declared))
        body = _body(reading, text, str(declared).partition(";")[0].strip().lower())
    return CurlRequest(
        method=reading.method or ("POST" if body is not None else "GET"),
        base_url=f"{parts.scheme}://{host}",
        path=parts.path or "/",
        query=list(_query(reading, query)),
        headers=reading.headers,
        body=body,
        credentials=reading.credentials,
        secrets=reading.secrets,
        timeout=reading.timeout,
        notes=reading.notes,
    )


def _query(reading: _Reading, pairs: list[tuple[str, str]]) -> Iterator[tuple[str, str | Secret]]:
    for name, value in pairs:
        if not _SECRET_NAME.search(name):
            yield name, value
        elif not reading.authenticate(Credentials("api_key", name, "query")):
            yield name, reading.mark(name)


def _body(reading: _Reading, text: str, media_type: str) -> Body:
    if media_type == "application/json" or media_type.endswith("+json"):
        try:
            return Body(_marked(reading, json.loads(text), ""), "json")
        except ValueError:
            return Body(text.encode(), "bytes")
    if media_type == "application/x-www-form-urlencoded":
        form: dict[str, Any] = {}
        for name, value in parse_qsl(text, keep_blank_values=True):
            form.setdefault(name, []).append(_marked(reading, value, name))
        if form:
            return Body({name: values if len(values) > 1 else values[0] for name, values in form.items()}, "form")
    return Body(text.encode(), "bytes")


def _marked(reading: _Reading, value: Any, name: str) -> Any:
    """Return a value with marks where its secrets stood."""
    if isinstance(value, dict):
        return {key: _marked(reading, item, key) for key, item in value.items()}
    if isinstance(value, list):
        return [_marked(reading, item, name) for item in value]
    return reading.mark(name) if isinstance(value, str) and _SECRET_FIELD.search(name) else value


def _take(reading: _Reading, name: str, value: str) -> None:
    if name in ("data", "data-raw", "data-binary", "data-urlencode", "json"):
        _take_data(reading, name, value)
    elif name == "header":
        _take_header(reading, value)
    elif name == "url":
        if reading.url is not None:
            raise ConfigurationError("the command names two URLs: give one request at a time")
        reading.url = value
    elif name in ("request", "head"):
        reading.method = value.upper() if name == "request" else "HEAD"
    elif name == "get":
        reading.is_get = True
    elif name == "user":
        _take_authorization(reading, f"Basic {base64.b64encode(value.encode()).decode()}")
    elif name == "bearer":
        _take_authorization(reading, f"Bearer {value}")
    elif name in _AS_HEADERS:
        reading.headers.append((_AS_HEADERS[name], value))
    else:
        _take_setting(reading, name, value)


_AS_HEADERS = {"user-agent": "User-Agent", "referer": "Referer"}


def _take_setting(reading: _Reading, name: str, value: str) -> None:
    if name == "max-time":
        try:
            reading.timeout = float(value)
        except ValueError:
            raise ConfigurationError("--max-time: must be seconds") from None
    elif name in _UNSUPPORTED:
        raise ConfigurationError(_UNSUPPORTED[name])
    elif name in _NOTES:
        reading.notes.append(_NOTES[name])


_UNSUPPORTED = {
    "form": "--form: multipart forms are not imported; write the operator by hand",
    "upload": "--upload-file: files are not imported; write the operator by hand",
    "sigv4": "--aws-sigv4: make the connection by hand, with auth_type sigv4, aws_service and aws_region; import it without this",
}
_NOTES = {
    "cookie": "the cookies were left out: a cloud function keeps none",
    "insecure": "-k was left out: to trust a certificate of your own, give its authority in ca_bundle of the connection",
    "cacert": "--cacert: give that file in ca_bundle of the connection",
    "cert": "the client certificate belongs into the connection",
    "proxy": "the proxy belongs into the connection",
}


def _take_data(reading: _Reading, name: str, value: str) -> None:
    if value.startswith("@") and name != "data-raw":
        raise ConfigurationError(f"--{name} {value}: reads a file; put what is in it in its place")
    if name == "data-urlencode":
        key, equals, text = value.partition("=")
        value = f"{key}{equals}{quote_plus(text)}" if equals else quote_plus(value)
        value = value.removeprefix("=")
    elif name == "data":
        value = value.replace("\r", "").replace("\n", "")
    reading.is_json = reading.is_json or name == "json"
    reading.data.append(value)


def _take_header(reading: _Reading, value: str) -> None:
    name, colon, text = value.partition(":")
    name, text = name.strip(), text.strip()
    lower = name.lower()
    if not colon or not text or lower in ("host", "content-length", "accept-encoding", "connection"):
        return
    if lower == "cookie":
        reading.notes.append(_NOTES["cookie"])
    elif lower == "authorization":
        _take_authorization(reading, text)
    elif _SECRET_NAME.search(name):
        if not reading.authenticate(Credentials("api_key", name)):
            reading.headers.append((name, reading.mark(name)))
    else:
        reading.headers.append((name, text))


def _take_authorization(reading: _Reading, text: str) -> None:
    scheme, _, value = text.partition(" ")
    credentials = Credentials("api_key", "Authorization")
    if scheme.lower() == "bearer":
        credentials = Credentials("bearer")
    elif scheme.lower() == "basic":
        try:
            user = base64.b64decode(value, validate=True).decode("utf-8", "replace").partition(":")[0]
        except (ValueError, binascii.Error):
            user = ""
        credentials = Credentials("basic", user)
    if reading.credentials is not None and reading.credentials.kind == "api_key":
        # Authorization can be set by the connection alone, any other header by the operator, too.
        reading.headers.append((reading.credentials.name, reading.mark(reading.credentials.name)))
        reading.credentials = None
    if not reading.authenticate(credentials):
        reading.notes.append("a second way to authenticate was left out: a request has one")
