"""Reads a curl command: what it would send, and with which credentials."""

from __future__ import annotations

import base64
import binascii
import re
import shlex
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, quote_plus, unquote, urlsplit

from airflow_provider_cloudfn.exceptions import ConfigurationError

__all__ = ["Credentials", "CurlRequest", "read_curl"]


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


@dataclass(slots=True)
class CurlRequest:
    """
    What a command would send. No secret of it is kept.

    :param method: The method.
    :param base_url: Scheme, host and port.
    :param path: The path, percent-encoded.
    :param query: The query's names and values, in their order.
    :param headers: The headers, without those of credentials.
    :param body: The bytes of the body, or None.
    :param credentials: How it authenticates, or None.
    :param timeout: Seconds for the whole call, or None.
    :param notes: What was left out, and what to do about it.
    """

    method: str
    base_url: str
    path: str
    query: list[tuple[str, str]] = field(default_factory=list)
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes | None = None
    credentials: Credentials | None = None
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
        self.headers: list[tuple[str, str]] = []
        self.data: list[str] = []
        self.is_get = False
        self.is_json = False
        self.credentials: Credentials | None = None
        self.timeout: float | None = None
        self.notes: list[str] = []

    def authenticate(self, credentials: Credentials, what: str) -> None:
        if self.credentials is None:
            self.credentials = credentials
        else:
            self.notes.append(
                f"{what} is a second secret, and was left out: mark its place with secret(…), and put it into secret_values of "
                "the connection"
            )


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
    if parts.username is not None:
        reading.authenticate(Credentials("basic", unquote(parts.username)), "the password in the URL")
    host = parts.netloc.rpartition("@")[2]
    text = "&".join(reading.data)
    query = parse_qsl(parts.query, keep_blank_values=True)
    if reading.is_get:
        query += parse_qsl(text, keep_blank_values=True)
    body = text.encode() if reading.data and not reading.is_get else None
    if body is not None and not any(name.lower() == "content-type" for name, _ in reading.headers):
        media_type = "application/json" if reading.is_json else "application/x-www-form-urlencoded"
        reading.headers.append(("Content-Type", media_type))
    return CurlRequest(
        method=reading.method or ("POST" if body is not None else "GET"),
        base_url=f"{parts.scheme}://{host}",
        path=parts.path or "/",
        query=[pair for pair in query if not _is_key(reading, pair)],
        headers=reading.headers,
        body=body,
        credentials=reading.credentials,
        timeout=reading.timeout,
        notes=reading.notes,
    )


def _is_key(reading: _Reading, pair: tuple[str, str]) -> bool:
    if not _SECRET_NAME.search(pair[0]):
        return False
    reading.authenticate(Credentials("api_key", pair[0], "query"), f"the parameter {pair[0]}")
    return True


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
        reading.authenticate(Credentials("basic", value.partition(":")[0]), "the password of --user")
    elif name == "bearer":
        reading.authenticate(Credentials("bearer"), "the token of --oauth2-bearer")
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
        reading.authenticate(Credentials("api_key", name), f"the header {name}")
    else:
        reading.headers.append((name, text))


def _take_authorization(reading: _Reading, text: str) -> None:
    scheme, _, value = text.partition(" ")
    if scheme.lower() == "bearer":
        reading.authenticate(Credentials("bearer"), "the bearer token")
    elif scheme.lower() == "basic":
        try:
            user = base64.b64decode(value, validate=True).decode("utf-8", "replace").partition(":")[0]
        except (ValueError, binascii.Error):
            user = ""
        reading.authenticate(Credentials("basic", user), "the password of the header Authorization")
    else:
        reading.authenticate(Credentials("api_key", "Authorization"), "the header Authorization")
