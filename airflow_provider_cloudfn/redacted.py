"""Values that hold what must not be seen, or is too long to be looked at."""

from __future__ import annotations

from typing import ClassVar

from msgspec import Struct

__all__ = ["Redacted"]


class Redacted(Struct, frozen=True):
    """A value whose ``repr`` leaves out the fields that ``_hidden`` names."""

    _hidden: ClassVar[frozenset[str]] = frozenset()

    def __repr__(self) -> str:
        shown = (name for name in self.__struct_fields__ if name not in self._hidden)
        return f"{type(self).__name__}({', '.join(f'{name}={getattr(self, name)!r}' for name in shown)})"
