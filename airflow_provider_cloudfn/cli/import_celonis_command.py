"""``airflow cloudfn import-celonis``: a cloud function of Celonis, typed off its form, as a ``CloudFunctionOperator``."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from airflow_provider_cloudfn.auth.credential_names import is_secret_name, is_secret_path, is_secret_value
from airflow_provider_cloudfn.authoring import language
from airflow_provider_cloudfn.authoring.value_checks import method_problem
from airflow_provider_cloudfn.authoring.vocabulary import VARIABLES
from airflow_provider_cloudfn.cli.import_curl_command import identifier, show_import
from airflow_provider_cloudfn.cli.presenting import Printer, reported
from airflow_provider_cloudfn.exceptions import ConfigurationError, ExpressionError, in_words, nearest_name
from airflow_provider_cloudfn.json_encoding import RepeatedKeyError, encode_json, read_json
from airflow_provider_cloudfn.records.named_secrets import (
    without_named_members,
    without_query_secrets,
    without_secrets_of_body,
)
from airflow_provider_cloudfn.testing.samples import read_structured_file

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Iterator

__all__ = ["connection_of", "import_celonis", "operator_of"]

#: The labels of the form, each in small letters, and whether one must be there.
_LABELS: Final = {
    "name": True, "provider": True, "connection": True, "method": True, "uri": True,
    "query parameters": False, "headers": False, "body": False, "completion event": False,
}  # fmt: skip
#: Those of a connection of each provider, and the field that each is here.
_AMAZON: Final = {"connection name": "", "default region": "region_name", "access key id": "login"}
_CUSTOM: Final = {
    "connection name": "", "base url": "host", "authentication type": "auth_type", "location": "key_location",
    # One of the two documents prints the example of Location and this label, Name, as one word.
    "name": "key_name", "headername": "key_name", "header name": "key_name", "client id": "client_id", "scopes": "scopes",
    "token url": "oauth2_url", "refresh url": "refresh_url",
}  # fmt: skip
#: Where the form has a secret, it is not read: it belongs into no file.
_SECRETS: Final = frozenset({"value", "client secret", "secret access key"})
#: The labels of pairs, the parameter that each is here, and where they stand in a request.
_PAIRS: Final[tuple[tuple[str, str, Literal["header", "query"]], ...]] = (
    ("query parameters", "query", "query"),
    ("headers", "headers", "header"),
)
#: Names that only Celonis knows.
_FOREIGN: Final = frozenset({"request", "settings", "json", "response"})
_CURLY: Final = str.maketrans({"“": '"', "”": '"', "„": '"', "‘": "'", "’": "'"})  # noqa: RUF001 - these very marks
#: A text in an expression.
_LITERAL: Final = re.compile(r"""("|')((?:\\.|(?!\1).)*)\1""", re.DOTALL)
_SINGLE_EQUALS: Final = re.compile(r"(?<![=!<>])=(?!=)")


def import_celonis(args: Namespace) -> None:
    """Print the operator for a cloud function of Celonis, and what its connection needs."""
    printer = Printer(args.json)
    with reported(printer, "import-celonis"):
        step = _labelled(read_structured_file(Path(args.file), "FILE"), _LABELS, "the file")
        conn_id, connection = connection_of(step)
        operator, notes = operator_of(step, conn_id)
        show_import(printer, operator, conn_id, connection, notes)


def operator_of(step: Mapping[str, Any], conn_id: str) -> tuple[str, list[str]]:
    """
    Return the operator as it is written in a Dag file, and what its author must see to.

    :param step: The form's values by their labels in small letters.
    :param conn_id: The connection.
    :raises ConfigurationError: for what the form has no place for.
    :raises ExpressionError: for an expression that is none; the message says what to write instead.
    """
    notes: list[str] = []
    method = _text("Method", step["method"]).strip().upper()
    if (problem := method_problem(method)) is not None:
        raise ConfigurationError(f"Method: {problem}")
    name, event = _text("Name", step["name"]), step.get("completion event")
    lines = [
        f"task_id={identifier(name, 'cloud_function')!r},",
        f"function_name={name!r},",
        f"cloudfn_conn_id={conn_id!r},",
    ]
    lines.append(f"method={method!r},")
    uri = _expression("URI", step["uri"], notes)
    if any(without_query_secrets(text) != text or is_secret_path(text) for text in _literals(uri)):
        raise _secret_error("URI")
    lines.append(f"uri={uri!r},")
    for label, parameter, place in _PAIRS:
        pairs = list(_pairs(label, step.get(label), notes))
        _refuse_secrets(label, pairs, place)
        if pairs:
            lines += [f"{parameter}={{", *(f"    {key!r}: {value!r}," for key, value in pairs), "},"]
    if step.get("body") is not None:
        lines.append(f"body={_body(step['body'], notes)},")
    names = ["CloudFunctionOperator"]
    if event:
        names.append("CompletionEvent")
        lines.append(f"completion_event=CompletionEvent({_text('Completion event', event)!r}),")
    text = "\n".join(f"    {line}" for line in lines)
    imported = f"from airflow_provider_cloudfn import {', '.join(names)}\n\n"
    return f"{imported}CloudFunctionOperator(\n{text}\n)", notes


def connection_of(step: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """
    Return the connection's id and its fields, with a placeholder where its secret goes.

    :param step: The form's values by their labels in small letters.
    :raises ConfigurationError: for a label that the form has not.
    """
    provider = _text("Provider", step["provider"]).strip().lower()
    if provider not in ("custom", "amazon connect"):
        raise ConfigurationError(f"Provider: {step['provider']!r} is none of Custom, Amazon Connect")
    fields = _AMAZON if provider == "amazon connect" else _CUSTOM
    labels = dict.fromkeys((*fields, *_SECRETS), False)
    form = _labelled(step["connection"], {**labels, "connection name": True}, "Connection")
    given: dict[str, str] = {}
    for label, value in form.items():
        if fields.get(label) and value is not None:
            if fields[label] in given:
                raise ConfigurationError(f"Connection: {label!r} stands there under another name, too; keep one")
            given[fields[label]] = _text(f"Connection: {label}", value)
    for name in ("host", "oauth2_url", "refresh_url"):
        url = given.get(name, "")
        label = next((label for label in fields if fields[label] == name), name)
        if is_secret_value(url):
            raise _secret_error(f"Connection: {label!r}")
        if "@" in re.split("[/?#]", url.partition("://")[2])[0]:
            raise ConfigurationError(
                f"Connection: {label!r} holds credentials before the @: leave them out, and put them into the connection"
            )
    conn_id = identifier(_text("Connection: connection name", form["connection name"]), "cloud_function")
    if provider == "amazon connect":
        login = given.pop("login", "")
        return conn_id, {
            "conn_type": "amazon_connect", "login": login, "password": "<the secret access key>", "extra": given
        }  # fmt: skip
    kind = re.sub(r"[^a-z0-9]+", " ", given.pop("auth_type", "none").lower()).strip()
    kinds = {"api key": "api_key", "oauth 2 0": "oauth2", "none": "none", "no authentication": "none"}
    if kind not in kinds:
        raise ConfigurationError("Authentication type: must be API key, OAuth 2.0 or None")
    connection: dict[str, Any] = {"conn_type": "cloudfn", "host": given.pop("host", "")}
    if kinds[kind] != "none":
        connection["password"] = "<the value>" if kinds[kind] == "api_key" else "<the client secret>"
    if "key_location" in given:
        given["key_location"] = given["key_location"].lower()
    return conn_id, {**connection, "extra": {"auth_type": kinds[kind], **given}}


def _labelled(value: object, labels: Mapping[str, bool], where: str) -> dict[str, Any]:
    """Return what stands under each label of the form, whatever the case in which it is written."""
    if not isinstance(value, Mapping):
        raise ConfigurationError(
            f"{where}: must be a map of the form's labels, such as Name and URI, not {in_words(value)}"
        )
    found: dict[str, Any] = {}
    for written, one in value.items():
        label = " ".join(str(written).lower().replace("_", " ").split())
        if label in found:
            raise ConfigurationError(f"{where}: {label!r} stands twice; keep one")
        found[label] = one
    for label in found:
        if label not in labels:
            near = nearest_name(label, list(labels))
            remedy = f"did you mean {near!r}?" if near else f"it has {', '.join(labels)}"
            raise ConfigurationError(f"{where}: the form has no {label!r}; {remedy}")
    for label, is_needed in labels.items():
        if is_needed and found.get(label) in (None, ""):
            raise ConfigurationError(f"{where}: {label!r} is missing")
    return found


def _pairs(label: str, value: object, notes: list[str]) -> Iterator[tuple[str, str]]:
    if value is None:
        return
    if isinstance(value, Mapping):
        entries: list[tuple[Any, Any]] = list(value.items())
    elif isinstance(value, list) and all(isinstance(one, Mapping) for one in value):
        entries = [(one.get("key", one.get("Key")), one.get("value", one.get("Value"))) for one in value]
    else:
        raise ConfigurationError(f"{label}: must be a map, or a list of maps with Key and Value")
    for key, one in entries:
        if key is None or one is None:
            raise ConfigurationError(f"{label}: an entry has no Key, or no Value")
        name = _key(f"{label} key", key, notes)
        yield name, _expression(f"{label}[{json.dumps(name.strip(chr(34)), ensure_ascii=False)}]", one, notes)


def _key(place: str, key: object, notes: list[str]) -> str:
    """Return a key: an expression where it begins with a quote, and text otherwise, as the operator reads it."""
    text = _text(place, key).strip().translate(_CURLY)
    if text.startswith(("'", '"')):
        return _expression(place, key, notes)
    if not text.isidentifier() and not language.check(text, variables=VARIABLES | _FOREIGN).problems:
        raise ConfigurationError(
            f'{place}: {text} is text here; a key that is an expression begins with a quote: "" + {text}'
        )
    return text


def _refuse_secrets(label: str, pairs: list[tuple[str, str]], place: Literal["header", "query"]) -> None:
    """Refuse what would stand as a secret in the Dag file."""
    for key, value in pairs:
        name = key.strip("'\"")
        is_written = not language.check(value, variables=VARIABLES | _FOREIGN).references
        if (is_secret_name(name, place) and is_written) or any(map(is_secret_value, _literals(value))):
            raise _secret_error(f"{label}: {name!r}")


def _literals(expression: str) -> Iterator[str]:
    """Yield the texts that stand in an expression."""
    for found in _LITERAL.finditer(expression):
        yield found[2]


def _secret_error(place: str) -> ConfigurationError:
    return ConfigurationError(
        f"{place} holds a secret, which belongs into no file: leave it out, and give the connection an Authentication type, or "
        "the secret under secret_values, which a body, a query or a header names as secret(…)"
    )


def _text(place: str, value: object) -> str:
    """Return text; a number that YAML has made of it is written as one."""
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        raise ConfigurationError(f"{place}: must be text, not {in_words(value)}")
    return str(value)


def _body(value: Any, notes: list[str]) -> str:
    if not isinstance(value, str):
        try:
            # What YAML has made of a date is text again.
            content = json.loads(encode_json(value))
        except ConfigurationError as error:
            raise ConfigurationError(f"Body: {error}") from None
        _refuse_secrets_of_body(encode_json(content))
        if any(_names_something(text) for text in _texts(content)):
            notes.append(
                'Body: the texts of a map are sent as they stand; write cel("…") around one that is an expression'
            )
        return repr(content)
    text = value.translate(_CURLY) if _is_json(value.translate(_CURLY)) else value
    if _is_json(text):
        _refuse_secrets_of_body(text)
        return repr(text)
    expression = _expression("Body", value, notes)
    if without_named_members(expression) != expression or any(map(is_secret_value, _literals(expression))):
        raise _secret_error("Body")
    return repr(expression)


def _refuse_secrets_of_body(text: str) -> None:
    if without_secrets_of_body(text, is_whole=True) != text:
        raise _secret_error("Body")


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, (dict, list)):
        for one in value.values() if isinstance(value, dict) else value:
            yield from _texts(one)


def _names_something(text: str) -> bool:
    checked = language.check(text.translate(_CURLY), variables=VARIABLES | _FOREIGN)
    return not checked.problems and any(len(reference.path) > 1 for reference in checked.references)


def _is_json(text: str) -> bool:
    try:
        read_json(text)
    except RepeatedKeyError as error:
        raise ConfigurationError(f"Body: has the key {error.key!r} twice in one object; keep one") from None
    except ValueError:
        return False
    return True


def _expression(place: str, value: object, notes: list[str]) -> str:
    """Return an expression as it is written here; what the documents print and CEL refuses is said with what to write."""
    if isinstance(value, (bool, int)):
        return json.dumps(value)  # YAML has read what CEL writes the same.
    if not isinstance(value, str):
        raise ConfigurationError(f"{place}: must be an expression in quotes, not {in_words(value)}")
    text = value.strip().translate(_CURLY)
    if text != value.strip():
        notes.append(f"{place}: its curly quotes became straight ones")
    # What reads from another step there has other names here.
    checked = language.check(text, variables=VARIABLES | _FOREIGN, text=place == "URI")
    if checked.problems:
        hint = ""
        if _SINGLE_EQUALS.search(text):
            hint = "; a comparison is written =="
        elif re.search(r'"\s*\.\s*"', text):
            hint = '; a field whose name is in quotes is written context["Sales_Order_Items"]["Price"]'
        raise ExpressionError(checked.problems, source=text, field=f"{place}{hint}")
    foreign = sorted({reference.path[0] for reference in checked.references} & _FOREIGN)
    if foreign:
        notes.append(
            f"{place}: {', '.join(foreign)} is no name here: read what a step returned as steps.<task_id>, and what started the "
            'run as params, conf or context["<event>"]'
        )
    elif any(reference.path[0] == "context" for reference in checked.references):
        notes.append(f'{place}: context["<event>"] is the payload of a completion event that a step before emits')
    return text
