"""Values that hold what must not be seen, or is too long to be looked at."""

from __future__ import annotations

from typing import Any, ClassVar

from msgspec import Struct

__all__ = ["Redacted"]


class Redacted(Struct, frozen=True):
    """A value of which the fields that ``_hidden`` names are shown nowhere: not by ``repr``, and not in a traceback."""

    _hidden: ClassVar[frozenset[str]] = frozenset()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in self.__rich_repr__())})"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        """Return what is shown: Airflow's logs have rich write the variables of a traceback, by this method."""
        return [(name, getattr(self, name)) for name in self.__struct_fields__ if name not in self._hidden]
