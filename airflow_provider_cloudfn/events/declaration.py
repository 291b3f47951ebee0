"""How an event was declared, in the extra of its asset: what Airflow's database knows of it, and so the API server."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from msgspec import Struct, ValidationError, convert, to_builtins

__all__ = ["Declaration", "without_declaration"]

#: The key in the asset's extra.
_KEY: Final = "completion_event"


class Declaration(Struct, frozen=True, omit_defaults=True):
    """
    What a declaration says of an event beyond its name.

    :param one_run_per_event: Whether each event has a run of its own.
    :param schema: The JSON Schema of what it carries.
    """

    one_run_per_event: bool = False
    schema: dict[str, Any] | None = None

    def written_into(self, extra: Mapping[str, Any] | None) -> dict[str, Any]:
        """
        Return an asset's extra with the declaration, where it says anything.

        :param extra: What was given as the asset's extra.
        """
        said = to_builtins(self)
        return {**(extra or {}), **({_KEY: said} if said else {})}

    @classmethod
    def read_from(cls, extra: object) -> Declaration:
        """
        Return the declaration in an asset's extra; one that says nothing where there is none.

        :param extra: As Airflow's database has it.
        """
        said = extra.get(_KEY) if isinstance(extra, Mapping) else None
        try:
            return convert(said or {}, cls)
        except ValidationError:
            return cls()  # Somebody else's.


def without_declaration(extra: Mapping[str, Any]) -> dict[str, Any]:
    """
    Return an asset's extra as it was given.

    :param extra: The asset's.
    """
    return {name: value for name, value in extra.items() if name != _KEY}
