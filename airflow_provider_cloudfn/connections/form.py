"""What a connection form is: data, of which the provider info, the parsers and the documents' tables are made."""

from __future__ import annotations

from functools import cached_property
from typing import Any, Literal, TypeAlias

from msgspec import Struct

__all__ = ["AUTHENTICATION_TYPE", "ConnectionForm", "ExtraField", "Kind", "StandardField"]

Kind: TypeAlias = Literal["text", "secret", "choice", "boolean", "number", "object"]

#: The extra that says which kind of authentication it is.
AUTHENTICATION_TYPE = "auth_type"

#: Where a field is written that the form does not draw.
_UNDRAWN = "in the extra JSON"

# Airflow draws the first type of the list; "null" is how it saves a field that was left empty.
_JSON_TYPES = {
    "text": "string",
    "secret": "string",
    "choice": "string",
    "boolean": "boolean",
    "number": "number",
    "object": "object",
}


class StandardField(Struct, frozen=True):
    """
    One of the fields that every Airflow connection has.

    :param name: ``host``, ``login`` or ``password``.
    :param label: What the form calls it.
    :param help: What it is for; Airflow's form has no place for it, the documents have.
    :param example: What stands in it, greyed, while it is empty.
    :param required: For the documents: ``yes``, ``no``, or when.
    """

    name: Literal["host", "login", "password"]
    label: str
    help: str
    example: str = ""
    required: str = "yes"


class ExtraField(Struct, frozen=True):
    """
    A field of a connection type's own, kept in the connection's extras.

    :param name: The key in the extras, a public name. A secret's contains a sensitive word of Airflow's, others none.
    :param label: What the form calls it, its group first.
    :param help: What it is for.
    :param kind: What it holds. A ``secret`` is drawn as a password field, a ``choice`` as a drop-down.
    :param example: The documents' example, if it is no secret.
    :param choices: What a ``choice`` may hold.
    :param default: What the form starts with, and what an empty field means.
    :param minimum: The least number, itself included.
    :param maximum: The greatest number, itself included.
    """

    name: str
    label: str
    help: str
    kind: Kind = "text"
    example: str = ""
    choices: tuple[str, ...] = ()
    default: str | bool | None = None
    minimum: float | None = None
    maximum: float | None = None

    @property
    def description(self) -> str:
        """Return the help text with the example."""
        return f"{self.help} Example: {self.example}" if self.example else self.help

    def conn_field(self) -> dict[str, Any]:
        """Return the field as an entry of the provider info's ``conn-fields``."""
        schema: dict[str, Any] = {"type": [_JSON_TYPES[self.kind], "null"]}
        if self.kind == "secret":
            schema["format"] = "password"
        if self.choices:
            schema["enum"] = list(self.choices)
        if self.default is not None:
            schema["default"] = self.default
        if self.minimum is not None:
            schema["minimum"] = self.minimum
        if self.maximum is not None:
            schema["maximum"] = self.maximum
        return {"label": self.label, "description": self.description, "schema": schema}


class ConnectionForm(Struct, frozen=True, dict=True):
    """
    The form of one connection type.

    :param connection_type: Airflow's name for the type, such as ``cloudfn``.
    :param title: What the list of connection types shows.
    :param hook_class_name: The class that Airflow makes for such a connection.
    :param standard: The standard fields that are drawn; the others are hidden.
    :param extras: The extra fields, in the order in which they are drawn.
    :param undrawn: Extras that may be written by hand, are not drawn, and are not ours to describe.
    :param shortened_to: The names of the extra fields that are drawn, where most people need no others: those are written in
        the extra JSON. Empty draws all.
    """

    connection_type: str
    title: str
    hook_class_name: str
    standard: tuple[StandardField, ...]
    extras: tuple[ExtraField, ...]
    undrawn: frozenset[str] = frozenset()
    shortened_to: frozenset[str] = frozenset()

    @cached_property
    def fields(self) -> dict[str, ExtraField]:
        """Return the extra fields by name."""
        return {field.name: field for field in self.extras}

    def is_secret(self, name: str) -> bool:
        """
        Return whether an extra holds what must not be seen; one that is not drawn never does.

        :param name: An extra.
        """
        field = self.fields.get(name)
        return field is not None and field.kind == "secret"

    @cached_property
    def drawn(self) -> tuple[ExtraField, ...]:
        """Return the extra fields that the form draws."""
        return tuple(field for field in self.extras if not self.shortened_to or field.name in self.shortened_to)

    def label(self, name: str) -> str:
        """
        Return what the form calls a field, or where it is written if it is not drawn; the name itself of one that is not ours.

        :param name: A standard field or an extra.
        """
        drawn: tuple[StandardField | ExtraField, ...] = (*self.standard, *self.drawn)
        elsewhere = _UNDRAWN if name in self.fields else name
        return next((field.label for field in drawn if field.name == name), elsewhere)

    def connection_type_info(self) -> dict[str, Any]:
        """Return the form as an entry of the provider info's ``connection-types``."""
        drawn = {field.name: field for field in self.standard}
        return {
            "connection-type": self.connection_type,
            "hook-class-name": self.hook_class_name,
            "hook-name": self.title,
            "ui-field-behaviour": {
                "hidden-fields": [
                    name for name in ("host", "schema", "login", "password", "port") if name not in drawn
                ],
                "relabeling": {name: field.label for name, field in drawn.items()},
                "placeholders": {name: field.example for name, field in drawn.items() if field.example},
            },
            "conn-fields": {field.name: field.conn_field() for field in self.drawn},
        }
