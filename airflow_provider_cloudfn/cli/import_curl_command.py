"""``airflow cloudfn import-curl``: a curl command as a ``CloudFunctionOperator``, its secrets left to the connection."""

from __future__ import annotations

import json
import re
import shlex
import sys
from typing import TYPE_CHECKING, Any

from airflow_provider_cloudfn.cli.curl import CurlRequest, read_curl
from airflow_provider_cloudfn.cli.presenting import Printer, reported
from airflow_provider_cloudfn.client.request import METHODS
from airflow_provider_cloudfn.client.secret import Secret
from airflow_provider_cloudfn.connections.cloudfn_form import CLOUDFN_FORM
from airflow_provider_cloudfn.exceptions import ConfigurationError

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Mapping

__all__ = ["connection_of", "import_curl", "operator_of"]

_QUOTES = ('"', "'")
_PLACEHOLDERS = {
    "api_key": "<the API key>", "basic": "<the password>", "bearer": "<the token>",
    "sigv4": "<the secret access key>", "encoded": "<the Base64 of user name, colon and password>",
}  # fmt: skip


def import_curl(args: Namespace) -> None:
    """
    Print the operator for a curl command, and what its connection needs.

    :param args: ``command``, ``task_id``, ``conn_id`` and ``json``.
    """
    printer = Printer(args.json)
    with reported(printer, "import-curl"):
        request = read_curl(args.command if args.command is not None else sys.stdin.read())
        if request.method not in METHODS:
            raise ConfigurationError(f"-X {request.method}: a cloud function has one of {', '.join(METHODS)}")
        conn_id = args.conn_id or _identifier(request.base_url.partition("://")[2].partition(":")[0])
        task_id = args.task_id or _task_id(request)
        operator, connection = operator_of(request, task_id, conn_id), connection_of(request)
        if args.json:
            printer.document(
                {"operator": operator, "conn_id": conn_id, "connection": connection, "notes": request.notes}
            )
            return
        print(operator)
        printer.heading(f"The connection {conn_id!r}; put the secret in its place, and don't write it into the Dag:")
        printer.line(
            f"airflow connections add {shlex.quote(conn_id)} --conn-json {shlex.quote(json.dumps(connection))}"
        )
        for note in request.notes:
            printer.line(f"Note: {note}.", style="yellow")


def operator_of(request: CurlRequest, task_id: str, conn_id: str) -> str:
    """
    Return the operator as it is written in a Dag file.

    :param request: What curl would send.
    :param task_id: The task's id.
    :param conn_id: The connection's id.
    """
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
            lines.append(f"body={repr(body.value) if body.kind == 'json_text' else _document(body.value)},")
        if body.files:
            lines += _files(body.files)
    lines += [f"{name}={value!r}," for name, value in request.options.items()]
    text = "\n".join(f"    {line}" for line in lines)
    names.update(name for name in ("lit", "secret") if f"{name}(" in text)
    imports = f"from airflow_provider_cloudfn import {', '.join(sorted(names))}\n\n"
    if "Decimal(" in text:
        imports = f"from decimal import Decimal\n\n{imports}"
    return f"{imports}CloudFunctionOperator(\n{text}\n)"


def connection_of(request: CurlRequest) -> dict[str, Any]:
    """
    Return the connection's fields, with a placeholder where its secret goes.

    :param request: What curl would send.
    """
    connection: dict[str, Any] = {"conn_type": "cloudfn", "host": request.base_url}
    # Before any secret: at a value that is no text Airflow's own HTTP hooks stop, which would send the extras as headers.
    extra: dict[str, Any] = {"allow_http": True} if request.base_url.startswith("http://") else {}
    settings = {**request.settings, **dict(request.credentials.settings if request.credentials else ())}
    if any(CLOUDFN_FORM.fields[name].kind == "secret" for name in settings):
        extra.setdefault("allow_http", False)
    if (credentials := request.credentials) is not None:
        kind = "encoded" if credentials.prefix == "Basic" else credentials.kind
        connection["password"] = f"{credentials.prefix} {_PLACEHOLDERS[kind]}".strip()
        extra["auth_type"] = credentials.kind
        if credentials.kind == "api_key":
            extra.update(key_location=credentials.location, key_name=credentials.name)
        if credentials.kind == "basic":
            extra["username"] = credentials.name
        if credentials.kind == "sigv4":
            extra["aws_key_id"] = credentials.name
    extra.update(settings)
    if request.secrets:
        extra["secret_values"] = {name: f"<the secret {name}>" for name in request.secrets}
    return {**connection, "extra": extra} if extra else connection


def _files(files: Mapping[str, list[str]]) -> list[str]:
    entries = [f"    {name!r}: {(paths if len(paths) > 1 else paths[0])!r}," for name, paths in files.items()]
    return ["files={", *entries, "},"]


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
    if _has_jinja(text):
        return f"lit({text!r})"
    return repr(json.dumps(text, ensure_ascii=False))


def _has_jinja(text: str) -> bool:
    return any(mark in text for mark in ("{{", "{%", "{#"))


def _document(value: Any) -> str:
    """Return a JSON value as Python, in which text is text: at the top of a body it would be an expression."""
    if isinstance(value, str):
        return f"lit({value!r})"
    return _python(value)


def _python(value: Any) -> str:
    if isinstance(value, str):
        return f"lit({value!r})" if _has_jinja(value) else repr(value)
    if isinstance(value, list):
        return f"[{', '.join(_python(item) for item in value)}]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key!r}: {_python(item)}" for key, item in value.items()) + "}"
    return repr(value)


def _task_id(request: CurlRequest) -> str:
    last = [part for part in request.path.split("/") if part and not part.isdigit()]
    return _identifier(f"{request.method.lower()}_{last[-1] if last else 'root'}")


def _identifier(text: str) -> str:
    return re.sub(r"\W+", "_", text, flags=re.ASCII).strip("_").lower() or "service"
