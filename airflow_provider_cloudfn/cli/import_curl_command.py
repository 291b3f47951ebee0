"""``airflow cloudfn import-curl``: a curl command as a ``CloudFunctionOperator``, its secrets left to the connection."""

from __future__ import annotations

import json
import re
import shlex
import sys
from typing import TYPE_CHECKING, Any

from airflow_provider_cloudfn.cli.curl import CurlRequest, read_curl
from airflow_provider_cloudfn.cli.curl_body import Body, one_or_all
from airflow_provider_cloudfn.cli.presenting import Printer, reported, write
from airflow_provider_cloudfn.client.request import METHODS
from airflow_provider_cloudfn.client.secret import Secret
from airflow_provider_cloudfn.connections.cloudfn_form import CLOUDFN_FORM
from airflow_provider_cloudfn.exceptions import ConfigurationError

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Mapping, Sequence

__all__ = ["connection_of", "identifier", "import_curl", "operator_of", "show_import"]

_QUOTES = ('"', "'")
_JINJA = re.compile(r"\{[{%#]")
#: What Airflow takes for the id of a task, and of a connection.
_IDS = {
    "--task-id": (re.compile(r"[\w.-]{1,250}"), "letters, digits, '_', '-' and '.'"),
    "--conn-id": (re.compile(r"[\w#!()\-.:/\\]{1,250}"), "letters, digits, and any of _-.:/\\#!()"),
}
_PLACEHOLDERS = {
    "api_key": "<the API key>", "basic": "<the password>", "bearer": "<the token>",
    "sigv4": "<the secret access key>", "encoded": "<the Base64 of user name, colon and password>",
}  # fmt: skip


def import_curl(args: Namespace) -> None:
    """Print the operator for a curl command, and what its connection needs."""
    printer = Printer(args.json)
    with reported(printer, "import-curl"):
        for option, given in (("--task-id", args.task_id), ("--conn-id", args.conn_id)):
            if given is not None and not _IDS[option][0].fullmatch(given):
                raise ConfigurationError(f"{option}: {given!r} must be {_IDS[option][1]}, at most 250 of them")
        request = read_curl(args.command if args.command is not None else sys.stdin.read())
        if request.method not in METHODS:
            raise ConfigurationError(f"-X {request.method}: a cloud function has one of {', '.join(METHODS)}")
        conn_id = args.conn_id or identifier(request.base_url.partition("://")[2].partition(":")[0])
        task_id = args.task_id or _task_id(request)
        operator, connection = operator_of(request, task_id, conn_id), connection_of(request)
        show_import(printer, operator, conn_id, connection, request.notes)


def show_import(
    printer: Printer, operator: str, conn_id: str, connection: Mapping[str, Any], notes: Sequence[str]
) -> None:
    """Print what was made of something from elsewhere; a note is a sentence, without its full stop."""
    if printer.as_json:
        printer.document({"operator": operator, "conn_id": conn_id, "connection": connection, "notes": notes})
        return
    write(operator)
    printer.heading(f"The connection {conn_id!r}; put the secret in its place, and don't write it into the Dag:")
    printer.line(shlex.join(["airflow", "connections", "add", conn_id, "--conn-json", json.dumps(connection)]))
    for note in notes:
        printer.line(f"Note: {note}.", style="yellow")


def operator_of(request: CurlRequest, task_id: str, conn_id: str) -> str:
    """Return the operator as it is written in a Dag file."""
    lines = [f"task_id={task_id!r},", f"cloudfn_conn_id={conn_id!r},"]
    if request.method != "GET":
        lines.append(f"method={request.method!r},")
    lines.append(f"uri={_expression(request.path)},")
    names = {"CloudFunctionOperator"}
    if request.query:
        lines += _dict("query", request.query)
    headers, body = request.headers, request.body
    if body is not None and body.kind in ("json", "json_text"):
        # It is what a body is sent as anyhow.
        headers = {
            name: value
            for name, value in headers.items()
            if str(value).lower() != "application/json" or name == "Accept"
        }
    if headers:
        lines += _dict("headers", headers)
    if body is not None:
        if body.value or not body.files:
            lines.append(f"body={_body(body)},")
        if body.files:
            entries = [f"    {name!r}: {one_or_all(paths)!r}," for name, paths in body.files.items()]
            lines += ["files={", *entries, "},"]
    lines += [f"{name}={value!r}," for name, value in request.options.items()]
    text = "\n".join(f"    {line}" for line in lines)
    names.update(name for name in ("lit", "secret") if f"{name}(" in text)
    imports = f"from airflow_provider_cloudfn import {', '.join(sorted(names))}\n\n"
    if "Decimal(" in text:
        imports = f"from decimal import Decimal\n\n{imports}"
    return f"{imports}CloudFunctionOperator(\n{text}\n)"


def connection_of(request: CurlRequest) -> dict[str, Any]:
    """Return the connection's fields, with a placeholder where its secret goes."""
    connection: dict[str, Any] = {"conn_type": "cloudfn", "host": request.base_url}
    # Before any secret: at a value that is no text Airflow's own HTTP hooks stop, which would send the extras as headers.
    extra: dict[str, Any] = {"allow_http": True} if request.base_url.startswith("http://") else {}
    settings = {**request.settings, **dict(request.authentication.settings if request.authentication else ())}
    if any(CLOUDFN_FORM.fields[name].kind == "secret" for name in settings):
        extra.setdefault("allow_http", False)
    if (authentication := request.authentication) is not None:
        kind = "encoded" if authentication.prefix == "Basic" else authentication.kind
        between = "" if authentication.prefix.endswith("=") else " "
        connection["password"] = f"{authentication.prefix}{between}{_PLACEHOLDERS[kind]}".strip()
        extra["auth_type"] = authentication.kind
        if authentication.kind == "api_key":
            extra.update(key_location=authentication.location, key_name=authentication.name)
        if authentication.kind == "basic":
            extra["username"] = authentication.name
        if authentication.kind == "sigv4":
            extra["aws_key_id"] = authentication.name
    extra.update(settings)
    if request.secrets:
        extra["secret_values"] = {name: f"<the secret {name}>" for name in request.secrets}
    return {**connection, "extra": extra} if extra else connection


def _dict(name: str, values: Mapping[str, Any]) -> list[str]:
    lines = [f"{name}={{"]
    for key, value in values.items():
        several = isinstance(value, list)
        written = f"[{', '.join(_expression(one) for one in value)}]" if several else _expression(value)
        # A key that begins with a quote would be taken for an expression.
        lines.append(f"    {_expression(key) if key.startswith(_QUOTES) else repr(key)}: {written},")
    return [*lines, "},"]


def _expression(text: str | Secret) -> str:
    """Return text as it is written where an expression is expected."""
    if isinstance(text, Secret):
        return repr(text)
    return f"lit({text!r})" if _JINJA.search(text) else repr(json.dumps(text, ensure_ascii=False))


def _body(body: Body) -> str:
    """Return a body as Python: at its top JSON text is an expression, and other text must not be taken for one."""
    if body.kind == "json_text":
        return repr(body.value)
    return f"lit({body.value!r})" if isinstance(body.value, str) else _python(body.value)


def _python(value: Any) -> str:
    if isinstance(value, str):
        return f"lit({value!r})" if _JINJA.search(value) else repr(value)
    if isinstance(value, list):
        return f"[{', '.join(_python(item) for item in value)}]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key!r}: {_python(item)}" for key, item in value.items()) + "}"
    return repr(value)


def _task_id(request: CurlRequest) -> str:
    last = [part for part in request.path.partition("?")[0].split("/") if part and not part.isdigit()]
    return identifier(f"{request.method.lower()}_{last[-1] if last else 'root'}")


def identifier(text: str, otherwise: str = "service") -> str:
    """Return a text as an id has it: letters, digits and underscores."""
    return re.sub(r"\W+", "_", text, flags=re.ASCII).strip("_").lower() or otherwise
