"""A recorded call as a command for a terminal: the places of credentials are variables, which whoever runs it sets."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING, Final
from urllib.parse import quote, unquote_plus

from airflow_provider_cloudfn.auth.message import METHODS_WITHOUT_BODY
from airflow_provider_cloudfn.auth.spellings import MASK
from airflow_provider_cloudfn.client.charset import declared_charset
from airflow_provider_cloudfn.client.default_headers import DEFAULT_HEADERS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from airflow_provider_cloudfn.records.call_record import Excerpt, Exchange, Sent

__all__ = ["COMMANDS", "curl", "hurl"]

#: What a client may take for folders, and leave out of a path.
_DOTS: Final = re.compile(r"/(?:\.|%2e)", re.IGNORECASE)
#: What stands in a query for a secret: the parameter's name before it says what it is.
_IN_QUERY: Final = re.compile(rf"(?<=[?&])([^=&]*)={re.escape(MASK)}")


def curl(exchange: Exchange) -> str:
    """Return a call as a command of curl, for a POSIX shell."""
    sent = exchange.sent
    how = "--head" if sent.method == "HEAD" else f"--request {shlex.quote(sent.method)}"
    # Of a URL curl would take brackets and braces for patterns, and dots for folders.
    lines = ["curl --globoff --path-as-is", how, f"--url {_for_shell(_marked_url(sent.url))}"]
    for name, value in sent.headers:
        lines.append(
            "--compressed" if _is_usual(name, value) else f"--header {_for_shell(_marked_header(name, value))}"
        )
    if sent.body is None:
        lines += ["--header 'Content-Length: 0'"] if _says_that_it_has_none(sent) else []
    elif not sent.headers_left_out and "content-type" not in {name.lower() for name, _ in sent.headers}:
        lines.append("--header Content-Type:")  # Else curl says that it is a form.
    if sent.body is not None and sent.body.text is not None:
        lines.append(f"--data-raw {_for_shell(_marked(sent.body.text, 'SECRET'))}")
    elif sent.body is not None:
        # Without it nothing is sent: an empty body would be another request.
        lines.append('--data-binary "@${BODY_FILE:?names a file with the body}"')
    return "\n".join((*_remarks(sent, "in the environment", "in the environment"), " \\\n  ".join(lines)))


def hurl(exchange: Exchange) -> str:
    """Return a call as a file of Hurl, which expects the status that came back."""
    sent = exchange.sent
    # A variable that is no secret may become a number: 0123 would be sent as 123.
    lines = _remarks(sent, "with --secret NAME=VALUE", "with --variable NAME=VALUE")
    # Hurl reads this remark: the calls of a Dag are printed into one file, and each was made without the others' cookies.
    lines.append("# @cookie_storage_clear")
    lines.append(f"{_name_for_hurl(sent.method)} {_url_for_hurl(_marked_url(sent.url))}")
    options = ["path-as-is: true"] if _DOTS.search(sent.url) else []
    for name, value in sent.headers:
        if _is_usual(name, value):
            options.append("compressed: true")
        else:
            lines.append(f"{_name_for_hurl(name)}: {_for_hurl(_marked(value, _variable(name)))}")
    lines += ["Content-Length: 0"] if _says_that_it_has_none(sent) else []
    lines += ["[Options]", *options] if options else []
    if sent.body is not None:
        text = sent.body.text
        lines.append("file,{{BODY_FILE}};" if text is None else f"`{_for_hurl(_marked(text, 'SECRET'))}`")
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


def _is_usual(name: str, value: str) -> bool:
    """Whether a header says which compressions we know: another client asks for those that it knows, and undoes them."""
    return (name, value) == ("Accept-Encoding", DEFAULT_HEADERS["Accept-Encoding"])


def _says_that_it_has_none(sent: Sent) -> bool:
    return sent.body is None and sent.method not in METHODS_WITHOUT_BODY


def _remarks(sent: Sent, where: str, where_of_file: str) -> list[str]:
    encoded = _variables(_marked_url(sent.url))
    if sent.body is not None and sent.body.text is not None:
        encoded |= _variables(_marked(sent.body.text, "SECRET"))
    named = encoded.union(*(_variables(_marked_header(name, value)) for name, value in sent.headers))
    remarks = []
    if named:
        remarks.append(f"# credentials are not recorded: set {', '.join(sorted(named))} {where}")
    if encoded:
        remarks.append(f"# encode for the URL or the body: {', '.join(sorted(encoded))}")
    if sent.headers_left_out:
        remarks.append(f"# {sent.headers_left_out} headers were not recorded")
    for what, text in (("URL", sent.url), *((f"header {_one_line(name)}", value) for name, value in sent.headers)):
        # Neither can have the mark of what was cut.
        if text.endswith("…"):
            remarks.append(f"# the {what} is cut")
        if any("\x7f" < sign <= "\xff" for sign in text):
            remarks.append(f"# the {what} was sent in Latin-1, and is written in UTF-8 here")
    if sent.body is not None and sent.body.text is None:
        remarks.append(f"# the body, {sent.body.size:,} bytes, was not recorded: it is no text, or may hold a secret")
        remarks.append(f"# set BODY_FILE {where_of_file} to the name of a file that has it")
    elif sent.body is not None:
        remarks += _remarks_about(sent.body, sent.headers)
    return remarks


def _variables(parts: list[tuple[str, str]]) -> set[str]:
    return {variable for _, variable in parts if variable}


def _remarks_about(body: Excerpt, headers: Iterable[tuple[str, str]]) -> list[str]:
    """Return in what a body that is shown differs from the one that was sent."""
    remarks = [f"# the body is cut: it had {body.size:,} bytes"] if body.is_cut else []
    if body.replaced:
        remarks.append(f"# {body.replaced:,} signs of the body can't be shown, and stand as ·")
    content_type = next((value for name, value in headers if name.lower() == "content-type"), None)
    charset = declared_charset(content_type, (body.text or "").encode("ascii", "replace")) or "utf-8"
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
    r"""Return text as Hurl reads it back: ``#`` begins a comment, two braces a variable, and a backtick ends a body."""
    return "".join(re.sub(r"[#\\`\n\r\t]|\{(?=\{|\Z)", _escape, text) + _filled(variable) for text, variable in parts)


def _url_for_hurl(parts: list[tuple[str, str]]) -> str:
    """Return a URL as Hurl reads it back, which knows no escapes there: what can't stand in a URL is percent-encoded."""
    return "".join(
        re.sub(r"[\s#]|\{(?=\{|\Z)", lambda found: quote(found[0]), text) + _filled(variable)
        for text, variable in parts
    )


def _name_for_hurl(name: str) -> str:
    return re.sub(r"[^\w.-]", _escape, name, flags=re.ASCII)


def _escape(found: re.Match[str]) -> str:
    return f"\\u{{{ord(found[0]):x}}}"


def _filled(variable: str) -> str:
    return f"{{{{{variable}}}}}" if variable else ""
