"""``airflow cloudfn language``: the names and functions that expressions know, for people and for editors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_cloudfn.authoring import language as of_authors
from airflow_provider_cloudfn.authoring.options import ITEM_VARIABLES
from airflow_provider_cloudfn.authoring.vocabulary import AFTER_CALL_VARIABLES, RECORDS, VARIABLES
from airflow_provider_cloudfn.cel.catalogue import known_functions
from airflow_provider_cloudfn.cel.macros import MACROS
from airflow_provider_cloudfn.cli.presenting import Printer

if TYPE_CHECKING:
    from argparse import Namespace

__all__ = ["language", "language_document"]


def language(args: Namespace) -> None:
    """Print what expressions can name and call."""
    printer, document = Printer(args.json), language_document()
    if printer.as_json:
        printer.document(document)
        return
    printer.table(
        ("name", "where", "fields"), [(n["name"], n["where"], ", ".join(n["fields"])) for n in document["names"]]
    )
    printer.table(("library", "call"), [(known["library"], known["call"]) for known in document["functions"]])
    printer.line("macros: " + ", ".join(document["macros"]))


def language_document() -> dict[str, Any]:
    """Return what expressions can name and call, as JSON has it."""
    places = {"always": VARIABLES, "after_call": AFTER_CALL_VARIABLES, "for_each": ITEM_VARIABLES}
    return {
        "names": [
            {"name": name, "where": where, "fields": list(RECORDS.get(name, ()))}
            for where, names in places.items()
            for name in sorted(names)
        ],
        "functions": [
            {"name": known.name, "library": known.group, "is_method": known.is_method, "call": known.call}
            for known in known_functions()
        ],
        "macros": sorted({*MACROS, *(macro.name for macro in of_authors.MACROS)}),
    }
