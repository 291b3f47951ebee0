"""
Write the tables that the documents have of the code: ``make docs``.

A table stands between ``<!-- table: name -->`` and ``<!-- end of table -->``, in the README or in a document of this folder.
A test compares each with what this module makes of the installed package.
"""

from __future__ import annotations

import inspect
import re
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import airflow_provider_cloudfn as package
from airflow_provider_cloudfn import exceptions
from airflow_provider_cloudfn.authoring.vocabulary import AFTER_CALL_VARIABLES, RECORDS, VARIABLES
from airflow_provider_cloudfn.cel.catalogue import known_functions
from airflow_provider_cloudfn.cli.definition import get_cloudfn_commands
from airflow_provider_cloudfn.connections.cloudfn_form import CLOUDFN_FORM
from airflow_provider_cloudfn.connections.event_source_form import EVENT_SOURCE_FORM
from airflow_provider_cloudfn.connections.forms import FORMS
from airflow_provider_cloudfn.plugin.receiver.application import ANSWERS
from airflow_provider_cloudfn.provider_info import get_provider_info
from airflow_provider_cloudfn.webhooks.refused import REASONS
from airflow_provider_cloudfn.webhooks.schemes import SCHEMES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from airflow_provider_cloudfn.connections.form import ConnectionForm, ExtraField, StandardField

ROOT: Final = Path(__file__).parents[1]
DOCUMENTS: Final = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))

_MARKED = re.compile(r"(<!-- table: (?P<name>[^>]+) -->\n).*?(<!-- end of table -->)", re.DOTALL)


def filled(document: str) -> str:
    """
    Return a document with every marked table as the code has it.

    :param document: The text of the document.
    :raises KeyError: when a marker names no table of :data:`TABLES`.
    """
    return _MARKED.sub(lambda match: f"{match[1]}{TABLES[match['name']]()}\n{match[3]}", document)


def table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """
    Return a Markdown table.

    :param head: The titles of the columns.
    :param rows: The cells, as Markdown; a ``|`` in one is escaped here.
    """
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


# Parameters


def parameters(name: str) -> str:
    """
    Return what each parameter of a public class is, by the field list of its docstring and its signature.

    :param name: The class.
    """
    documented = getattr(package, name)
    signature = {}
    for kind in reversed(documented.__mro__):
        signature.update(inspect.signature(kind.__init__).parameters)
    rows = []
    for parameter, text in _field_list(inspect.getdoc(documented) or ""):
        default = signature[parameter].default
        said = "default" in text.lower()
        if default is inspect.Parameter.empty:
            text += " Required."
        elif default is not None and default is not False and not said and isinstance(default, (str, int, float)):
            text += f" Default: `{default}`."
        rows.append((f"`{parameter}`", text))
    return table(("parameter", "what it is"), rows)


def _field_list(docstring: str) -> list[tuple[str, str]]:
    fields = re.findall(r"^:param (\w+): (.*?)(?=^:|\Z)", docstring, re.MULTILINE | re.DOTALL)
    return [(name, _markdown(text)) for name, text in fields]


def _markdown(text: str) -> str:
    """Return reST as Markdown: what stands in it is one paragraph with literals and references to names."""
    text = " ".join(text.split())
    text = re.sub(r":\w+:`~?([^`]+)`", lambda match: f"`{match[1].rpartition('.')[2]}`", text)
    # Outside of literals an angle bracket would be taken for HTML, and not be seen.
    pieces = re.split(r"(`[^`]+`)", text.replace("``", "`"))
    return "".join(piece if piece.startswith("`") else piece.replace("<", "&lt;") for piece in pieces)


# Names that an expression can use

_RESULT = "what an upstream task returned, as an XComArg would resolve it; a mapped one is a list. Null where it returned nothing"

_NAMES: Final[dict[str, tuple[str, str]]] = {
    "steps": (
        "steps.<task_id>",
        f'{_RESULT}. `steps["group.task"]` and `steps["fetch-order"]` where the id is no identifier',
    ),
    "inputs": ("inputs", "the task's own `inputs`"),
    "context": (
        'context["<event>"]',
        "a completion event's payload: of an upstream step that declares it, else of the event that started the run, or of conf",
    ),
    "events": (
        "events",
        "the records of all events that started the run, oldest first; [by hand](events.md#by-hand-and-from-outside) of its conf",
    ),
    "params": ("params", "the Dag's params, with what was given for this run"),
    "conf": ("conf", "the run's conf"),
    "run": ("run", "the Dag run and the task instance"),
    "response": (
        "response",
        (
            "the answer, in `returns`, `success_when`, `retry_when`, `event_payload`, `emit_when`, `event_key` and a sensor's "
            "`response_check`"
        ),
    ),
    "run.id": ("run.id", "the run's id"),
    "run.dag_id": ("run.dag_id", "the Dag's id"),
    "run.task_id": ("run.task_id", "the task's id, with the groups that it is in"),
    "run.map_index": ("run.map_index", "which instance of a mapped task this is, from 0; -1 where it is not mapped"),
    "run.try_number": ("run.try_number", "which try of the task this is, from 1"),
    "run.run_after": ("run.run_after", "from when on the run could start, a timestamp; never null"),
    "run.logical_date": (
        "run.logical_date",
        "the run's logical date, a timestamp; null in a run that an event started",
    ),
    "run.data_interval_start": ("run.data_interval_start", "where the run's data begin, a timestamp or null"),
    "run.data_interval_end": ("run.data_interval_end", "where they end, a timestamp or null"),
    "run.idempotency_key": (
        "run.idempotency_key",
        (
            "a UUID, the same on every try of the task instance, after Clear, and in every run that the same event starts; "
            "beside `idempotency_key=` it is the key that is sent"
        ),
    ),
    "run.callback_url": (
        "run.callback_url",
        "the address at which the service calls back, in a step with `wait_for=Callback()`; good once",
    ),
    "response.status": ("response.status", "the status, such as 200"),
    "response.headers": (
        "response.headers",
        'the headers; names are lower-case, as in `response.headers["content-type"]`. `set-cookie` is read by its name only',
    ),
    "response.body": ("response.body", "a JSON value, text, bytes, or null where it is empty"),
    "response.text": (
        "response.text",
        "the body as text, whatever Content-Type says; it need not be what that promises unless `response.body` is read too",
    ),
    "response.bytes": ("response.bytes", "the body as bytes, as `response.text`"),
    "response.cookies": ("response.cookies", "the cookies that the answer sets: names and values"),
    "response.url": ("response.url", "the address that answered"),
    "response.request_id": ("response.request_id", "the service's own id of the request, or null"),
}


def names() -> str:
    """Return what an expression can name, the fields of each record after it."""
    order = [name for name in _NAMES if "." not in name]
    known = {*VARIABLES, *AFTER_CALL_VARIABLES}
    wanted = [
        full
        for name in (*[name for name in order if name in known], *sorted(known - set(order)))
        for full in (name, *(f"{name}.{field}" for field in RECORDS.get(name, ())))
    ]
    return table(("name", "value"), [(f"`{_NAMES[name][0]}`", _NAMES[name][1]) for name in wanted])


# Functions


def cel_functions() -> str:
    """Return all functions and methods, by library, each with the types that it takes."""
    calls: dict[str, list[str]] = {}
    for known in known_functions():
        calls.setdefault(known.group, []).append(known.call)
    rows = [(library, ", ".join(f"`{call}`" for call in calls[library])) for library in sorted(calls)]
    return table(("library", "functions"), rows)


# Errors


def errors() -> str:
    """Return the tree of errors, with what each means and what its reader does."""
    remedies = dict(re.findall(r"[├└]─ (\w+) +(?:\(\w+\) +)?(.+)$", exceptions.__doc__ or "", re.MULTILINE))
    rows = []

    def add(kind: type[Exception], depth: int) -> None:
        outside = [base.__name__ for base in kind.__bases__ if base.__module__ == "builtins" and base is not Exception]
        indent = "&nbsp;&nbsp;" * depth + ("└ " if depth else "")
        rows.append(
            (
                f"{indent}`{kind.__name__}`",
                _markdown((kind.__doc__ or "").strip().partition("\n\n")[0]),
                _markdown(remedies.get(kind.__name__, "")),
                ", ".join(f"`{name}`" for name in outside),
            )
        )
        for child in sorted(kind.__subclasses__(), key=lambda child: _place(child.__name__)):
            # One that has two parents stands under the first.
            if child.__module__ == exceptions.__name__ and child.__bases__[0] is kind:
                add(child, depth + 1)

    add(exceptions.CloudFunctionError, 0)
    return table(("error", "what happened", "what to do", "also a"), rows)


def _place(name: str) -> int:
    return (exceptions.__doc__ or "").find(f"─ {name}")


# Webhooks in


def schemes() -> str:
    """Return what each scheme of an event source is, what it proves, and which type and id it knows."""
    return table(
        ("scheme", "how it is proved", "what is proved", "type", "id"),
        [
            (
                f"`{scheme.name}`",
                _markdown((inspect.getdoc(scheme) or "").partition("\n\n")[0]),
                scheme.proves,
                *(f"`{found}`" if found else "" for found in (scheme.type_expression, scheme.id_expression)),
            )
            for scheme in SCHEMES
        ],
    )


def reasons() -> str:
    """Return why a request from outside can be refused."""
    return table(
        ("reason", "what it means"), [(f"`{reason}`", _markdown(text)) for reason, text in sorted(REASONS.items())]
    )


# Configuration and commands


def configuration() -> str:
    """Return the options of the section ``[cloudfn]``."""
    options: dict[str, dict[str, Any]] = get_provider_info()["config"]["cloudfn"]["options"]
    return table(
        ("option", "default", "what it is"),
        [
            (f"`{name}`", f"`{option['default']}`" if option["default"] else "", _markdown(option["description"]))
            for name, option in options.items()
        ],
    )


def commands() -> str:
    """Return the commands of ``airflow cloudfn``."""
    (group,) = get_cloudfn_commands()
    return table(
        ("command", "what it does"),
        [
            (f"`airflow cloudfn {command.name}`", str(command.help))
            for command in sorted(group.subcommands, key=lambda c: c.name)
        ],
    )


# Deliveries


def answers() -> str:
    """Return what the receiver of events answers."""
    rows = [(f"`{status}`", _markdown(meaning)) for status, meaning in ANSWERS.items()]
    return table(("status", "what it says to the sender"), rows)


# Connections


def fields(form: ConnectionForm) -> str:
    """
    Return the fields of a connection type; those of the types that follow the first one without what both have.

    :param form: The form of the connection type.
    """
    before = () if form in (CLOUDFN_FORM, EVENT_SOURCE_FORM) else CLOUDFN_FORM.extras
    rows = [(f"`{field.name}`", field.label, _of_standard_field(field)) for field in form.standard]
    for field in form.extras:
        if field not in before:
            where = "" if field in form.drawn else " (JSON)"
            rows.append((f"extra `{field.name}`", f"{field.label}{where}", _of_extra_field(field)))
    # What stands in angle brackets would be taken for HTML, and not be seen.
    return table(("field", "in the form", "what it holds"), rows).replace("<", "&lt;")


def _of_standard_field(field: StandardField) -> str:
    required = f" Required: {field.required}." if field.required != "no" else ""
    example = f" Example: `{field.example}`" if field.example and field.name != "password" else ""
    return f"{field.help}{required}{example}"


def _of_extra_field(field: ExtraField) -> str:
    secret = " Secret." if field.kind == "secret" else ""
    choices = f" One of {', '.join(f'`{choice}`' for choice in field.choices)}." if field.choices else ""
    shown = str(field.default).lower() if isinstance(field.default, bool) else field.default
    default = f" Default: `{shown}`." if field.default is not None else ""
    example = f" Example: `{field.example}`" if field.example else ""
    return f"{field.help}{secret}{choices}{default}{example}"


TABLES: Final[dict[str, Callable[[], str]]] = {
    **{f"fields {form.connection_type}": partial(fields, form) for form in FORMS},
    **{
        f"parameters {name}": partial(parameters, name)
        for name in (
            "CloudFunctionOperator",
            "CloudFunctionSensor",
            "EmporixStartOperator",
            "EmporixResumeOperator",
            "EmporixCompleteOperator",
            "EmporixProcessContextOperator",
            "CloudFunctionHttpSensor",
            "CompletionEvent",
            "EventPublishOperator",
            "CompletionEventSensor",
            "CloudFunctionEventTrigger",
        )
    },
    "schemes": schemes,
    "reasons": reasons,
    "names": names,
    "functions": cel_functions,
    "errors": errors,
    "configuration": configuration,
    "commands": commands,
    "answers": answers,
}


def main() -> None:
    """Write the tables into all documents."""
    for document in DOCUMENTS:
        before = document.read_text()
        after = filled(before)
        if after != before:
            document.write_text(after)
            print(f"{document.relative_to(ROOT)}: tables written")


if __name__ == "__main__":
    main()
