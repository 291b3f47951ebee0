"""A recorded call as a command for a terminal: the places of credentials are variables, which whoever runs it sets."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote_plus

from airflow_provider_cloudfn.auth.message import METHODS_WITHOUT_BODY
from airflow_provider_cloudfn.auth.spellings import MASK
from airflow_provider_cloudfn.client.charset import charset_of
from airflow_provider_cloudfn.client.default_headers import DEFAULT_HEADERS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from airflow_provider_cloudfn.records.call_record import Excerpt, Exchange, Sent

__all__ = ["COMMANDS", "curl", "hurl"]

#: What stands in a query for a secret: the parameter's name before it says what it is.
_IN_QUERY: Final = re.compile(rf"(?<=[?&])([^=&]*)={re.escape(MASK)}")


def curl(exchange: Exchange) -> str:
    """
    Return a call as a command of curl, for a POSIX shell.

    :param exchange: The call.
    """
    sent = exchange.sent
    how = "--head" if sent.method == "HEAD" else f"--request {shlex.quote(sent.method)}"
    # Of a URL curl would take brackets and braces for patterns, and dots for folders.
    lines = ["curl --globoff --path-as-is", how, f"--url {_for_shell(_marked_url(sent.url))}"]
    for name, value in sent.headers:
        # Another curl may know other compressions: it asks for those, and undoes them.
        is_usual = (name, value) == ("Accept-Encoding", DEFAULT_HEADERS["Accept-Encoding"])
        lines.append("--compressed" if is_usual else f"--header {_for_shell(_marked_header(name, value))}")
    remarks = _remarks(sent, "environment")
    if sent.body is None:
        lines += [] if sent.method in METHODS_WITHOUT_BODY else ["--header 'Content-Length: 0'"]
        return "\n".join((*remarks, " \\\n  ".join(lines)))
    if not sent.headers_left_out and "content-type" not in {name.lower() for name, _ in sent.headers}:
        lines.append("--header Content-Type:")  # Else curl says that it is a form.
    if sent.body.text is not None:
        lines.append(f"--data-raw {_for_shell(_marked(sent.body.text, 'SECRET'))}")
    else:
        # Without it nothing is sent: an empty body would be another request.
        remarks.append("# set BODY_FILE in the environment to the name of a file that has it")
        lines.append('--data-binary "@${BODY_FILE:?names a file with the body}"')
    return "\n".join((*remarks, " \\\n  ".join(lines)))


def hurl(exchange: Exchange) -> str:
    """
    Return a call as a file of Hurl, which expects the status that came back.

    :param exchange: The call.
    """
    sent = exchange.sent
    lines = [*_remarks(sent, "variables"), f"{sent.method} {_for_hurl(_marked_url(sent.url))}"]
    lines += [f"{name}: {_for_hurl(_marked(value, _variable(name)))}" for name, value in sent.headers]
    if sent.body is not None and sent.body.text is not None:
        lines.append(f"`{_for_hurl(_marked(sent.body.text, 'SECRET'))}`")
    if exchange.answered is not None:
        lines.append(f"HTTP {exchange.answered.status}")
    return "\n".join(lines)


#: By what ``--as`` calls them.
COMMANDS: Final[dict[str, Callable[[Exchange], str]]] = {"curl": curl, "hurl": hurl}


def _variable(name: str) -> str:
    """Return a variable's name for what stands under a name: in a shell none begins with a digit."""
    found = re.sub(r"\W+", "_", name, flags=re.ASCII).strip("_").upper() or "SECRET"
    return f"SECRET_{found}" if found[0].isdigit() else found


def _marked(text: str, variable: str) -> list[tuple[str, str]]:
    """Return the parts of a text, each with the variable behind it; an empty name where there is none."""
    parts = text.split(MASK)
    return [(part, variable if at < len(parts) - 1 else "") for at, part in enumerate(parts)]


def _marked_header(name: str, value: str) -> list[tuple[str, str]]:
    (first, variable), *others = _marked(value, _variable(name))
    if not (first.strip() or variable):
        return [(f"{name};", "")]  # So curl sends one that is empty, which it would leave out otherwise.
    return [(f"{name}: {first}", variable), *others]


def _marked_url(url: str) -> list[tuple[str, str]]:
    parts: list[tuple[str, str]] = []
    end = 0
    for found in _IN_QUERY.finditer(url):
        *hidden, (text, _) = _marked(url[end : found.start()], "SECRET")
        parts += [*hidden, (f"{text}{found[1]}=", _variable(unquote_plus(found[1])))]
        end = found.end()
    return parts + _marked(url[end:], "SECRET")


def _remarks(sent: Sent, where: str) -> list[str]:
    named = [*_marked_url(sent.url), *(part for name, value in sent.headers for part in _marked_header(name, value))]
    if sent.body is not None and sent.body.text is not None:
        named += _marked(sent.body.text, "SECRET")
    remarks = []
    if variables := sorted({variable for _, variable in named if variable}):
        remarks.append(f"# credentials are not recorded: set {', '.join(variables)} in the {where}")
    if sent.headers_left_out:
        remarks.append(f"# {sent.headers_left_out} headers were not recorded")
    if sent.body is not None and sent.body.text is None:
        remarks.append(f"# the body, {sent.body.size:,} bytes, was not recorded: it is no text, or may hold a secret")
    elif sent.body is not None:
        remarks += _remarks_about(sent.body, sent.headers)
    return remarks


def _remarks_about(body: Excerpt, headers: Iterable[tuple[str, str]]) -> list[str]:
    """Return in what a body that is shown differs from the one that was sent."""
    remarks = [f"# the body is cut: it had {body.size:,} bytes"] if body.is_cut else []
    if body.replaced:
        remarks.append(f"# {body.replaced:,} signs of the body can't be shown, and stand as ·")
    content_type = next((value for name, value in headers if name.lower() == "content-type"), None)
    charset = charset_of(content_type) or "utf-8"
    if body.text and not body.text.isascii() and charset.lower() not in ("utf-8", "utf8"):
        remarks.append(f"# the body was sent in {_one_line(charset)}, and is written in UTF-8 here")
    return remarks


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _for_shell(parts: list[tuple[str, str]]) -> str:
    quoted = (
        (shlex.quote(text) if text else "") + (f'"${{{variable}}}"' if variable else "") for text, variable in parts
    )
    return "".join(quoted) or "''"


def _for_hurl(parts: list[tuple[str, str]]) -> str:
    return "".join(_escaped(text, is_before=bool(variable)) + _filled(variable) for text, variable in parts)


def _escaped(text: str, *, is_before: bool) -> str:
    r"""Return text as Hurl reads it back: ``#`` begins a comment, two braces a variable, and a backtick ends a body."""
    signs = r"[#\\`\n\r\t]|\{(?=\{|\Z)" if is_before else r"[#\\`\n\r\t]|\{(?=\{)"
    return re.sub(signs, lambda found: f"\\u{{{ord(found[0]):x}}}", text)


def _filled(variable: str) -> str:
    return f"{{{{{variable}}}}}" if variable else ""
