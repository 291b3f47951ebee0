"""Reads the fields of an Airflow connection, and says what is wrong with one so that a person can put it right."""

from __future__ import annotations

import json
import math
import re
from typing import TYPE_CHECKING, Any, Final

from airflow_provider_cloudfn.auth.header_fields import credential_header_fault
from airflow_provider_cloudfn.exceptions import ConfigurationError, nearest_name

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from airflow_provider_cloudfn.connections.form import ConnectionForm

__all__ = ["LONGEST_SHOWN", "ConnectionReader", "shown"]

_TRUE = frozenset({"true", "1", "yes", "on"})
_FALSE = frozenset({"false", "0", "no", "off"})
#: No choice, switch or number is longer that somebody means.
LONGEST_SHOWN = 12


class ConnectionReader:
    """
    The fields of one connection, of which null, empty text and white space count as absent.

    :param conn: An Airflow connection, of the task SDK or of the metadata database.
    :param form: The form of the connection's type: it knows the extras that there are.
    :raises ConfigurationError: when the connection is of another type, or its extras are no JSON object, or one of them
        is unknown.
    """

    def __init__(self, conn: Any, form: ConnectionForm) -> None:
        self.conn_id: str = conn.conn_id or "(unsaved)"
        self._form = form
        if not conn.conn_type:
            # Of a URI whose scheme holds a character that no scheme can, Airflow makes a connection without a type.
            scheme = form.connection_type.replace("_", "-")
            raise ConfigurationError(
                f" has no type: make it one of type {form.connection_type!r} ({form.title!r}); in a URI the type is written "
                f"with hyphens, never with '_': it begins with '{scheme}://'",
                connection=self.conn_id,
            )
        if conn.conn_type != form.connection_type:
            raise ConfigurationError(
                f" is of type {conn.conn_type!r}: make it one of type {form.connection_type!r} ({form.title!r}), or name "
                "another connection",
                connection=self.conn_id,
            )
        self._standard: dict[str, Any] = {
            name: _present(getattr(conn, name, None)) for name in ("host", "schema", "login", "password", "port")
        }
        self._empty: set[str] = set()
        self._extras = self._known(self._parsed(conn.extra))

    @property
    def extras(self) -> Mapping[str, Any]:
        """Return the extras that are present, as they were written."""
        return self._extras

    def error(self, field: str, problem: str) -> ConfigurationError:
        """
        Return an error that names the connection and the field.

        :param field: A standard field or an extra.
        :param problem: What it holds, unless that is secret, and what to do.
        """
        label = self._form.label(field)
        named = field if label == field else f"{field} ({label})"
        return ConfigurationError(f", {named}: {problem}", connection=self.conn_id)

    def standard(self, name: str) -> str | None:
        """
        Return a standard field as it was written.

        :param name: ``host``, ``schema``, ``login`` or ``password``.
        """
        value = self._standard[name]
        return None if value is None else str(value)

    @property
    def port(self) -> int | None:
        """Return the standard field ``port``."""
        value = self._standard["port"]
        return None if value is None else int(value)

    def require_absent(self, names: Iterable[str], why: str) -> None:
        """
        Refuse standard fields that mean nothing on this type of connection.

        :param names: The fields.
        :param why: What to do instead.
        """
        for name in names:
            if self._standard[name] is not None:
                raise self.error(name, f"must be empty: {why}")

    def text(self, name: str) -> str | None:
        """
        Return a plain text without the white space around it; None where it is absent.

        :param name: An extra.
        """
        value = self.secret(name)
        return None if value is None else value.strip()

    def is_empty(self, name: str) -> bool:
        """
        Return whether an extra is there, and an empty text.

        :param name: An extra that may mean that.
        """
        return name in self._empty

    def secret(self, name: str) -> str | None:
        """
        Return a secret text exactly as it was written.

        :param name: An extra.
        """
        value = self._extras.get(name)
        if value is not None and not isinstance(value, str):
            raise self.error(name, f"got {_kind(value)}; write text")
        return value

    def required_text(self, name: str, why: str) -> str:
        """
        Return a plain text that must be there.

        :param name: An extra.
        :param why: What needs it, such as ``auth_type 'api_key'``.
        """
        value = self.text(name)
        if value is None:
            example = self._form.fields[name].example
            raise self.error(
                name, f"is missing, and {why} needs it" + (f"; write such as {example!r}" if example else "")
            )
        return value

    def required_password(self, why: str) -> str:
        """
        Return the standard field ``password``.

        :param why: What needs it, and as what, such as ``auth_type 'api_key' needs the API key there``.
        """
        value = self.standard("password")
        if value is None:
            raise self.error("password", f"is missing, and {why}")
        return value

    def require_trimmed(self, name: str, value: str | None) -> None:
        """
        Refuse the white space that a secret picks up when it is copied.

        :param name: A standard field or an extra.
        :param value: What it holds.
        """
        if value is not None and value != value.strip():
            raise self.error(name, "begins or ends with white space or a line end; write it without")

    def require_clean_password(self, secret: str, *, in_header: bool = False) -> None:
        """
        Refuse the white space that a secret picks up when it is copied, and what a header can't carry.

        :param secret: What the standard field ``password`` holds.
        :param in_header: Whether it is sent in a header as it is.
        """
        self.require_trimmed("password", secret)
        if in_header and not all(" " <= character <= "~" for character in secret):
            raise self.error(
                "password", "holds a character that no header can carry; write ASCII letters, digits and signs"
            )

    def require_alone(self, name: str, secret: str | None, *before: str) -> None:
        """
        Refuse a secret that was pasted with what a request has before it: it would be sent twice.

        :param name: A standard field or an extra.
        :param secret: What it holds.
        :param before: Patterns of that, with which no secret of its kind begins; the case of letters does not count.
        """
        found = re.match("|".join(before), secret or "", re.IGNORECASE)
        if found:
            raise self.error(
                name, f"begins with {found[0].strip()!r}, which is sent before it anyway; write what follows it alone"
            )

    def require_header_name(self, name: str, value: str) -> None:
        """
        Refuse a header that can't carry credentials.

        :param name: An extra.
        :param value: The header's name that it holds.
        """
        if fault := credential_header_fault(value):
            raise self.error(name, fault)

    def choice(self, name: str) -> str:
        """
        Return one of the choices that the form offers; where it is absent, the form's default.

        :param name: An extra of kind ``choice`` with a default.
        """
        field = self._form.fields[name]
        value = self._extras.get(name, field.default)
        written = value.strip() if isinstance(value, str) else value
        if written not in field.choices:
            nearest = None
            if isinstance(written, str):
                nearest = nearest_name(written, field.choices) or nearest_name(written.lower(), field.choices)
            found = f"{written!r}; did you mean {nearest!r}?" if nearest else f"{shown(written)};"
            raise self.error(name, f"got {found} choose one of {', '.join(field.choices)}")
        return str(written)

    def boolean(self, name: str) -> bool:
        """
        Return whether a switch is on; where it is absent, it is off.

        :param name: An extra. In a URI it is text: ``true`` or ``false``.
        """
        value = self._extras.get(name, False)
        if isinstance(value, bool):
            return value
        word = str(value).strip().lower()
        if word in _TRUE or word in _FALSE:
            return word in _TRUE
        raise self.error(name, f"got {shown(value)}; write true or false")

    def number(self, name: str) -> float | None:
        """
        Return a number within the bounds of the form.

        :param name: An extra. In a URI it is text.
        """
        value = self._extras.get(name)
        if value is None:
            return None
        field = self._form.fields[name]
        least, greatest = field.minimum or 0.0, field.maximum or math.inf
        try:
            number = math.nan if isinstance(value, bool) else float(value)
        except (TypeError, ValueError, OverflowError):
            number = math.nan
        if not least <= number <= greatest:
            found = str(value) if type(value) in (int, float) else value
            raise self.error(name, f"got {shown(found)}; write a number from {least:.15g} to {greatest:.15g}")
        return number

    def texts(self, name: str, example: str) -> dict[str, str]:
        """
        Return a JSON object of texts, which the form and a URI hold as JSON text.

        :param name: An extra.
        :param example: What to write, for the error. The values are taken as secret: no error shows them.
        """
        value = self.json_object(name, example)
        for key, item in value.items():
            if not isinstance(item, str) or not item:
                found = _kind(item) if item != "" else "empty text"
                raise self.error(name, f"{key!r} holds {found}; each value must be text, as in {example}")
        return value

    def json_object(self, name: str, example: str) -> dict[str, Any]:
        """
        Return a JSON object, which the form and a URI may hold as JSON text; absent is empty.

        :param name: An extra.
        :param example: What to write, for the error.
        """
        value = self._extras.get(name, {})
        if isinstance(value, str):
            value = self._from_json(name, value, f"write a JSON object, as {example}")
        if not isinstance(value, dict):
            raise self.error(name, f"got {_kind(value)}; write a JSON object, as {example}")
        return value

    def _from_json(self, name: str, text: str, remedy: str) -> Any:
        try:
            return json.loads(text)
        except (ValueError, RecursionError) as error:
            where = f" (line {error.lineno}, column {error.colno})" if isinstance(error, json.JSONDecodeError) else ""
            raise self.error(name, f"is no JSON{where}; {remedy}") from None

    def _parsed(self, extra: Any) -> dict[str, Any]:
        # Not Connection.extra_dejson: it takes broken JSON for an empty object, and may not be called in an event loop.
        if isinstance(extra, str) and extra.strip():
            extra = self._from_json("extra", extra, "write a JSON object")
            # A URI's query that holds nothing but JSON text arrives wrapped once more.
            if isinstance(extra, str):
                return self._parsed(extra)
        if not extra:
            return {}
        if not isinstance(extra, dict):
            raise self.error("extra", f"got {_kind(extra)}; write a JSON object")
        return extra

    def _instead_of(self, name: str, allowed: Collection[str]) -> str:
        """Return what to write instead of an extra that there is not."""
        plain = name.lower().replace("-", "_")
        if plain in _OF_SECRET:
            return "it stands in the password (Secret) of the connection"
        if plain in _OF_HOST:
            return "the address stands in the host (Base URL) of the connection"
        if plain == "headers":
            return "headers are a step's: write headers= there"
        called = _CALLED_OTHERWISE.get(plain)
        nearest = called if called in allowed else nearest_name(name, sorted(allowed))
        return f"did you mean {nearest!r}?" if nearest else f"there are {', '.join(sorted(self._form.fields))}"

    def _known(self, extras: Mapping[str, Any]) -> dict[str, Any]:
        """Return the extras that are present, by their plain names."""
        prefix = f"extra__{self._form.connection_type}__"
        allowed = {*self._form.fields, *self._form.undrawn}
        known: dict[str, Any] = {}
        for written, value in extras.items():
            name = written.removeprefix(prefix)
            if name not in allowed:
                raise ConfigurationError(
                    f": there is no extra field {_cut(written)}; {self._instead_of(name, allowed)}",
                    connection=self.conn_id,
                )
            if _present(value) is not None:
                known[name] = value
            elif value == "":
                self._empty.add(name)
        return known


#: What other providers, and libraries, call a field of ours; and where else in the connection something belongs.
_CALLED_OTHERWISE: Final = {
    **dict.fromkeys(("token_url", "token_endpoint", "token_uri", "access_token_url", "auth_url"), "oauth2_url"),
    **dict.fromkeys(("user", "user_name", "login"), "username"),
    **dict.fromkeys(("region", "region_name"), "aws_region"),
    "service": "aws_service",
    **dict.fromkeys(("aws_access_key_id", "access_key", "access_key_id"), "aws_key_id"),
    **dict.fromkeys(("header", "header_name", "api_key_name"), "key_name"),
    **dict.fromkeys(("location", "in", "api_key_location"), "key_location"),
    **dict.fromkeys(("timeout", "request_timeout"), "total_timeout"),
    **dict.fromkeys(("verify", "verify_ssl", "cafile"), "ca_bundle"),
    **dict.fromkeys(("cert", "certificate"), "client_cert"),
    "grant_type": "oauth2_parameters",
}
_OF_SECRET: Final = frozenset(
    {"api_key", "key", "token", "access_token", "secret", "client_secret", "password", "aws_secret_access_key"}
)
_OF_HOST: Final = frozenset({"host", "base_url", "url", "endpoint_url"})


def _present(value: Any) -> Any:
    """Return None for what counts as absent."""
    if value is None or (isinstance(value, str) and not value.strip()) or value in ({}, []):
        return None
    return value


def _cut(text: str) -> str:
    return repr(text if len(text) <= 40 else text[:40] + "…")


def shown(value: Any) -> str:
    """Return, for an error, what was written where no secret belongs; not where it is so long that it may be one."""
    if not isinstance(value, str):
        return _kind(value)
    return repr(value) if len(value) <= LONGEST_SHOWN else f"a text of {len(value)} characters"


def _kind(value: Any) -> str:
    kinds = {type(None): "null", bool: "true or false", int: "a number", float: "a number", str: "text"}
    return kinds.get(type(value), "a list" if isinstance(value, list) else "an object")
