"""The JSON Schema of what an event carries: whether it is one, and whether a payload is as it says."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from airflow_provider_cloudfn.exceptions import ConfigurationError
from airflow_provider_cloudfn.json_encoding import restored

__all__ = ["require_payload", "require_schema"]

#: How many places an error names.
_PLACES_TOLD: Final = 5
#: Characters of what a schema wants at a place.
_LONGEST: Final = 120
_REFERENCES: Final = frozenset({"$ref", "$dynamicRef", "$recursiveRef"})
#: What stands below these is data, in which a name means nothing.
_HOLD_DATA: Final = frozenset({"const", "default", "enum", "examples"})


def require_schema(schema: Any, *, event: str) -> None:
    """
    Refuse what is no JSON Schema, and one that points out of itself: nothing is fetched.

    :param schema: What was given as one.
    :param event: The event's name.
    :raises ConfigurationError: which names the place in the schema.
    """
    if not isinstance(schema, dict):
        raise ConfigurationError(
            f"CompletionEvent({event!r}): schema must be a dict with a JSON Schema, such as {{'type': 'object'}}, not "
            f"{type(schema).__name__}"
        )
    # Imported by those who write a schema: every Dag file imports the event.
    from jsonschema.exceptions import SchemaError
    from jsonschema.validators import validator_for

    try:
        validator_for(schema, default=_latest()).check_schema(schema)
    except SchemaError as error:
        place = _path("schema", error.absolute_path)
        raise ConfigurationError(
            f"CompletionEvent({event!r}): schema is no JSON Schema: at {place}: {error.message[:_LONGEST]}"
        ) from None
    if (reference := _dangling(schema)) is not None:
        raise ConfigurationError(
            f"CompletionEvent({event!r}): schema refers to {reference!r}, which is not in it, and nothing is fetched: write it "
            "under '$defs', and refer to '#/$defs/…'"
        )


def require_payload(schema: Mapping[str, Any], payload: Any, *, event: str) -> None:
    """
    Refuse a payload that is not as the schema of its event says. The error has its places, and no value of it.

    :param schema: The schema.
    :param payload: The payload, as XCom has it.
    :param event: The event's name.
    :raises ConfigurationError: which names the event, each place, and what is wanted there.
    """
    from jsonschema.validators import extend, validator_for
    from referencing import Registry
    from referencing.exceptions import Unresolvable

    # With a registry of its own the library fetches nothing.
    validator = extend(validator_for(schema, default=_latest()), {"uniqueItems": _unique_items})(
        schema, registry=Registry()
    )
    try:
        errors = sorted(validator.iter_errors(restored(payload)), key=lambda error: list(map(str, error.absolute_path)))
    except Unresolvable as error:
        raise ConfigurationError(f"the schema of {event!r} refers to {error.ref!r}, which is not in it") from None
    except (RecursionError, ArithmeticError):
        # The library has no bound, and divides numbers that no double holds: what it can't check is not as the schema says.
        raise ConfigurationError(
            f"can't be compared with the schema of {event!r}: the payload is nested too deep, or has a number that is too large, "
            "for it, or the schema refers to itself without end"
        ) from None
    if not errors:
        return
    told = [f"{_path('payload', error.absolute_path)}: {_wanted(error)}" for error in errors[:_PLACES_TOLD]]
    more = f"; and {len(errors) - _PLACES_TOLD:,} more" if len(errors) > _PLACES_TOLD else ""
    raise ConfigurationError(f"is not what the schema of {event!r} says, at {'; at '.join(told)}{more}")


def _latest() -> Any:
    from jsonschema import Draft202012Validator

    return Draft202012Validator


def _unique_items(validator: Any, wanted: Any, found: Any, schema: Any) -> Iterator[Any]:  # noqa: ARG001 - the library's
    """Do what the library does, which compares each item with each other one: of thousands that takes minutes."""
    from jsonschema.exceptions import ValidationError

    if wanted and isinstance(found, list) and len(set(map(_identity, found))) < len(found):
        yield ValidationError("")


def _identity(value: Any) -> Any:
    """Return what is the same for values that JSON Schema takes for equal: 1 and 1.0 are, 1 and true are not."""
    if isinstance(value, Mapping):
        return frozenset((name, _identity(item)) for name, item in value.items())
    if isinstance(value, list):
        return tuple(map(_identity, value))
    return (type(value), value) if isinstance(value, bool) else value


def _wanted(error: Any) -> str:
    """Return what a schema wants, in its own words: those of the library quote the payload."""
    rule, wanted, found = error.validator, error.validator_value, error.instance
    if rule == "required" and isinstance(found, Mapping):
        return f"lacks {', '.join(repr(name) for name in wanted if name not in found)}"
    if rule == "type":
        kinds = wanted if isinstance(wanted, list) else [wanted]
        return f"must be {' or '.join(map(str, kinds))}, not {_kind(found)}"
    if rule == "additionalProperties" and wanted is False:
        return "has a member that it may not have (additionalProperties is false)"
    if rule is None:
        return "holds what a schema of false forbids"
    text = json.dumps(wanted, ensure_ascii=False)
    return f"does not hold {rule}: {text if len(text) <= _LONGEST else text[:_LONGEST] + '…'}"


def _kind(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, (int, float)):
        return "integer" if isinstance(value, int) else "number"
    if isinstance(value, str):
        return "string"
    return "object" if isinstance(value, Mapping) else "array"


def _path(root: str, parts: Sequence[Any]) -> str:
    """Return a place as an expression would read it: ``payload.lines[0].price``."""
    path = root
    for part in parts:
        is_name = isinstance(part, str) and part.isidentifier()
        path += f".{part}" if is_name else f"[{json.dumps(part, ensure_ascii=False)}]"
    return path


def _dangling(schema: Mapping[str, Any]) -> str | None:
    """Return what a schema refers to that is not in it; None where all is there."""
    from referencing import Registry
    from referencing.exceptions import Unresolvable
    from referencing.jsonschema import DRAFT202012, specification_with

    references = [value for name, value in _texts(schema) if name in _REFERENCES]
    if (outward := next((one for one in references if not one.startswith("#")), None)) is not None:
        return outward
    if any(name == "$id" for name, _ in _texts({**schema, "$id": None})):
        return None  # A part with an address of its own is a root of its own, from which its references go.
    kind = specification_with(schema.get("$schema", ""), default=DRAFT202012)
    resolver = Registry().resolver_with_root(kind.create_resource(schema))
    for reference in references:
        try:
            resolver.lookup(reference)
        except Unresolvable:
            return reference
    return None


def _texts(schema: Any) -> Iterator[tuple[str, str]]:
    """Yield the members of a schema that are text, at any depth."""
    if isinstance(schema, Mapping):
        for name, value in schema.items():
            if isinstance(value, str):
                yield name, value
            elif name not in _HOLD_DATA:
                yield from _texts(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from _texts(value)
