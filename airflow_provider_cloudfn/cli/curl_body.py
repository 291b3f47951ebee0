"""What curl sends as a body: data, files and forms of several parts."""

from __future__ import annotations

import hashlib
import mimetypes
import re
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import parse_qsl, quote_from_bytes, urlencode

from airflow_provider_cloudfn.auth.credential_names import holds_secret, is_secret_name, secret_members
from airflow_provider_cloudfn.auth.media_type import FORM_TYPE, is_json, media_type_of
from airflow_provider_cloudfn.authoring.jinja import jinja_at
from airflow_provider_cloudfn.client.body import Json
from airflow_provider_cloudfn.client.charset import charset_of, charset_to_send
from airflow_provider_cloudfn.client.secret import Secret
from airflow_provider_cloudfn.exceptions import ConfigurationError
from airflow_provider_cloudfn.json_encoding import RepeatedKeyError, encode_json, read_json, to_json_value
from airflow_provider_cloudfn.operators.request_values import content_of

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Body", "FormPart", "data_piece", "form_part", "multipart_body", "read_body"]

_LARGEST_FILE = 1024 * 1024
_BLANKS = " \t\n\r\f\v"
#: curl's own list of what a file is by its name; any other is bytes.
_CURL_TYPES = {
    ".gif": "image/gif", ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".png": "image/png", ".svg": "image/svg+xml",
    ".txt": "text/plain", ".htm": "text/html", ".html": "text/html", ".pdf": "application/pdf", ".xml": "application/xml",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Body:
    """
    A body as the operator has it.

    :param value: A JSON value; JSON text; the fields of a form by name; text; bytes; or a secret that is all of it.
    :param kind: Which of these it is: bytes and text are sent as they are.
    :param files: Files of a form, by field.
    """

    value: Any
    kind: Literal["json", "json_text", "form", "text", "bytes"]
    files: dict[str, list[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class FormPart:
    """
    A part of a form.

    :param name: The field's name.
    :param content: Its bytes; of a file the path.
    :param is_file: Whether it is a file.
    :param media_type: What it is said to be, or None.
    """

    name: str
    content: bytes
    is_file: bool = False
    media_type: str | None = None


def data_piece(option: str, value: str) -> bytes:
    """
    Return what an option such as ``--data`` adds to the body.

    :param option: Its name, without hyphens.
    :raises ConfigurationError: for a file that can't be read.
    """
    if option == "data-urlencode":
        return _encoded_piece(value)
    if value.startswith("@") and option != "data-raw":
        content = _file(f"--{option}", value[1:])
        # curl takes line breaks and NULs out of a file, and out of nothing else.
        return re.sub(rb"[\r\n\0]", b"", content) if option == "data" else content
    return _bytes(value)


def _encoded_piece(value: str) -> bytes:
    """Read one of the forms ``content``, ``=content``, ``name=content``, ``@file`` and ``name@file``."""
    mark = "=" if "=" in value else "@"
    name, found, content = value.partition(mark)
    if not found:
        name, content = "", value
    raw = _file("--data-urlencode", content) if found == "@" else _bytes(content)
    encoded = quote_from_bytes(raw, safe="~").replace("%20", "+").encode()
    return _bytes(name) + b"=" + encoded if name else encoded


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _file(option: str, name: str) -> bytes:
    refusal = f"{option} @{name}: reads a file; put what is in it in its place"
    path = Path(name)
    try:
        if name == "-" or not path.is_file() or path.stat().st_size > _LARGEST_FILE:
            raise ConfigurationError(refusal)
        return path.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"{refusal} ({type(error).__name__})") from None


#: What a file is called in the form, instead of its own name.
_FILE_NAME = re.compile(r""";\s*filename=(?:"([^"\\]*)"|([^;"\s]+))""")


def form_part(value: str, *, literal: bool) -> FormPart:
    """
    Read the value of ``--form``, or of ``--form-string``, whose content is as it is written.

    :param value: ``name=content``, ``name=@file`` or ``name=<file``, perhaps with ``;type=…``, less white space at its ends.
    :param literal: Whether the content is nothing else than text.
    :raises ConfigurationError: for what can't be said to the operator.
    """
    name, equals, content = value.partition("=")
    if not equals:
        raise ConfigurationError(f"--form {name}: must be name=content")
    if literal:
        return FormPart(name, _bytes(content))
    sign = content[:1] if content[:1] in ("@", "<") else ""
    if content[:1] == "(" or (not name and content == ")"):
        raise ConfigurationError(f"--form {name}: begins a form within the form: give what is in it with --data-binary")
    content = content[len(sign) :].lstrip(_BLANKS)
    quoted = re.match(r'"((?:[^"\\]|\\.)*)"(.*)', content, re.DOTALL)
    if quoted:
        content, settings = re.sub(r'\\(["\\])', r"\1", quoted[1]), quoted[2]
    else:
        content, mark, settings = content.partition(";")
        content, settings = content.rstrip(_BLANKS), mark + settings
    media_type = None
    settings = _without_own_name(f"--form {name}", settings, content.rpartition("/")[2] if sign == "@" else None)
    if settings.strip(" ;"):
        if not (found := re.fullmatch(r";\s*type=([^;,\s]+(?:;\s*charset=[\w-]+)?)", settings.strip())):
            raise ConfigurationError(
                f"--form {name}: {settings.strip(' ;')}: a part has a type and no other setting: leave it out"
            )
        media_type = found[1]
    if sign == "<":
        return FormPart(name, _file(f"--form {name}", content), media_type=media_type)
    if not sign:
        return FormPart(name, _bytes(content), media_type=media_type)
    if "," in content and not quoted:
        raise ConfigurationError(f"--form {name}: names several files: give each with a --form of its own")
    if content == "-":
        raise ConfigurationError(f"--form {name}: reads what is piped into curl: name a file")
    path = Path(content).absolute()
    _refuse_jinja(f"--form {name}", str(path))
    guessed = _CURL_TYPES.get(path.suffix.lower(), "application/octet-stream")
    ours = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    if media_type not in (None, ours):
        raise ConfigurationError(
            f"--form {name}: the operator takes a file's type from its name, here {ours}: leave ;type={media_type} out, or give "
            "the file another ending"
        )
    return FormPart(name, str(path).encode(), is_file=True, media_type=None if guessed == ours else ours)


def _without_own_name(option: str, settings: str, own: str | None) -> str:
    """Return what else is said of a part that is a file of some name, or none."""
    found = _FILE_NAME.search(settings)
    if found is None:
        return settings
    called = found[1] or found[2]
    if called != own:
        remedy = "give what it is sent as with @" if own is None else f"call it {called}"
        raise ConfigurationError(
            f"{option}: the operator sends a file under its own name: {remedy}, and leave ;filename= out"
        )
    return settings.replace(found[0], "")


def _refuse_jinja(option: str, text: str) -> None:
    if jinja_at(text) is not None:
        raise ConfigurationError(f"{option}: {text!r} would be rendered as Jinja: give it another name")


def multipart_body(
    parts: list[FormPart], mark: Callable[[str, str], Secret], notes: list[str]
) -> tuple[Body, str | None]:
    """
    Return a form of several parts, and the Content-Type that the operator must name for it.

    :param mark: Returns what stands for a secret, of its name and its text.
    :param notes: Where it is noted what differs.
    :raises ConfigurationError: for parts that can't go together.
    """
    files: dict[str, list[str]] = {}
    fields: dict[str, Any] = {}
    for part in parts:
        if part.is_file:
            files.setdefault(part.name, []).append(f"file://{part.content.decode()}")
            if part.media_type:
                notes.append(f"the file of {part.name} is sent as {part.media_type}, which curl would not know")
        else:
            text = _text(part.content)
            if files or any(other.is_file for other in parts):
                if text is None or part.media_type:
                    raise ConfigurationError(
                        f"--form {part.name}: beside files a field is text without a type of its own"
                    )
                _refuse_jinja("--form", part.name)
                is_secret = is_secret_name(part.name, "body")
                fields.setdefault(part.name, []).append(_marked_json(text, part.name, mark, is_secret=is_secret))
    if files:
        notes.append("the files are read by the worker: put them where it finds them, as in an object storage")
        return Body({name: one_or_all(values) for name, values in fields.items()}, "form", files), None
    content, media_type = _multipart(parts)
    if any(is_secret_name(part.name, "body") or holds_secret(_text(part.content) or "") for part in parts):
        notes.append(
            "the whole form is a secret of the connection, since one of its fields is: put the text of the form there"
        )
        return Body(mark("body", content.decode("utf-8", "replace")), "text"), media_type
    return Body(content, "bytes"), media_type


def _multipart(parts: list[FormPart]) -> tuple[bytes, str]:
    boundary = hashlib.sha256(b"\0".join(part.name.encode() + part.content for part in parts)).hexdigest()[:32]
    lines: list[bytes] = []
    for part in parts:
        name = part.name.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")
        lines += [b"--" + boundary.encode(), f'Content-Disposition: form-data; name="{name}"'.encode()]
        if part.media_type:
            lines.append(f"Content-Type: {part.media_type}".encode())
        lines += [b"", part.content]
    return b"\r\n".join([*lines, f"--{boundary}--".encode(), b""]), f"multipart/form-data; boundary={boundary}"


def one_or_all(values: list[Any]) -> Any:
    """Return the values of one name as a query and a form have them."""
    return values if len(values) > 1 else values[0]


def read_body(content: bytes, content_type: str, mark: Callable[[str, str], Secret], notes: list[str]) -> Body:
    """
    Return a body in the form that is best to read and to change, of those that are sent as the same bytes.

    JSON may get other white space between its values, which means nothing; nothing else changes.

    :param content: The bytes that curl sends.
    :param mark: Returns what stands for a secret, of its name and its text.
    :param notes: Where it is noted what the author has to do.
    :raises ConfigurationError: for a secret in a body that can't be parted from it.
    """
    media_type = media_type_of(content_type)
    text = _text(content, content_type)
    if text is None:
        if holds_secret(content.decode("latin-1")):
            raise ConfigurationError(
                "the body holds what looks like a secret, and is no text in UTF-8, as the connection's secrets are: import the "
                "command without the secret"
            )
        return Body(content, "bytes")
    if is_json(media_type):
        body = _json_body(text, mark)
    elif media_type == FORM_TYPE and charset_of(content_type) is None:
        body = _form_body(text, mark)
    else:
        body = None
    if body is not None:
        return body
    if holds_secret(text):
        if isinstance(content_of(Secret("body"), {"Content-Type": content_type}), Json):
            raise ConfigurationError(
                f"the body holds what looks like a secret, and is not what {media_type or 'its type'} must be: correct it, or "
                "import the command without the secret"
            )
        notes.append("the whole body is a secret of the connection, since it holds one: put its text there")
        return Body(mark("body", text), "text")
    if is_json(media_type) and not _is_json(text):
        notes.append(
            f"the body is no JSON, though its Content-Type is {media_type}; it is sent as it stands: look whether the command is "
            "quoted for another shell"
        )
    is_sent_as_text = not isinstance(content_of(text, {"Content-Type": content_type}), Json)
    return Body(text, "text") if is_sent_as_text else Body(content, "bytes")


def _text(content: bytes, content_type: str = "") -> str | None:
    """Return bytes as the text that would be sent as these bytes, or None."""
    try:
        text = content.decode()
        return text if text.encode(charset_to_send(content_type, content) or "utf-8") == content else None
    except (UnicodeError, LookupError):
        return None


def _json_body(text: str, mark: Callable[[str, str], Secret]) -> Body | None:
    try:
        value = read_json(text)
        encoded = encode_json(value)
        encoded.encode()
    except (ValueError, RepeatedKeyError, ConfigurationError):
        return None
    if _has_jinja_key(value):
        return None
    is_same = encoded == re.sub(r'("(?:[^"\\]|\\.)*")|\s+', r"\1", text)
    marked = _marked_json(value, "", mark)
    if marked != value:
        return Body(_plain(marked), "json")
    if not is_same or value is None:
        return None
    if encode_json(_plain(value)) == encoded and not _has_decimal(_plain(value)):
        return Body(_plain(value), "json")
    # The operator's JSON has no zeros at the end of a fraction, which JSON text may have.
    keeps_digits = encode_json(to_json_value(value, exact=True)) == encoded
    return Body(text, "json_text") if keeps_digits and jinja_at(text) is None else None


def _is_json(text: str) -> bool:
    try:
        read_json(text)
    except (ValueError, ConfigurationError):
        return False
    except RepeatedKeyError:
        return True
    return True


def _plain(value: Any) -> Any:
    """Return a value with floats for those numbers that they hold exactly as they are written."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, Decimal) and repr(float(value)) == str(value):
        return float(value)
    return value


def _has_decimal(value: Any) -> bool:
    if isinstance(value, (dict, list)):
        return any(_has_decimal(item) for item in (value.values() if isinstance(value, dict) else value))
    return isinstance(value, Decimal)


def _has_jinja_key(value: Any) -> bool:
    """Return whether a name in it would be taken for Jinja; nothing marks a name as text."""
    if isinstance(value, dict):
        return any(jinja_at(key) is not None or _has_jinja_key(item) for key, item in value.items())
    return isinstance(value, list) and any(_has_jinja_key(item) for item in value)


def _marked_json(value: Any, name: str, mark: Callable[[str, str], Secret], *, is_secret: bool = False) -> Any:
    """Return a value with marks where its secrets stood: what a secret's name holds is secret at any depth."""
    if isinstance(value, dict):
        secrets = secret_members(value)
        return {
            key: _marked_json(
                item, name if is_secret and key not in secrets else key, mark, is_secret=is_secret or key in secrets
            )
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [_marked_json(item, name, mark, is_secret=is_secret) for item in value]
    if isinstance(value, str):
        return mark(name or "body", value) if value and (is_secret or holds_secret(value)) else value
    if value is not None and not isinstance(value, bool) and is_secret:
        raise ConfigurationError(
            f"{name}: is a number, and the connection's secrets are texts: write it as text, or import it without"
        )
    return value


def _form_body(text: str, mark: Callable[[str, str], Secret]) -> Body | None:
    try:
        pairs = parse_qsl(text, keep_blank_values=True, strict_parsing=True, errors="strict")
    except ValueError:
        return None
    form: dict[str, list[Any]] = {}
    for name, value in pairs:
        form.setdefault(name, []).append(value)
    if urlencode(form, doseq=True) != text or _has_jinja_key(form):
        return None
    secrets = secret_members(form)
    marked = {
        name: one_or_all(_marked_json(values, name, mark, is_secret=name in secrets)) for name, values in form.items()
    }
    return Body(marked, "form")
