"""Maps with more in them than they show: who asks for that by its name gets it, and no copy of the map has it."""

from __future__ import annotations

from typing import Any, ClassVar

__all__ = ["AskedByName", "Headers"]


class AskedByName(dict[str, Any]):
    """
    A map that has entries beside those that it shows.

    They can be read by their names. They are not there for who lists, compares or copies the map, or returns it from a step:
    so nothing of them gets into XCom that nobody asked for.
    """

    #: Their names.
    _beside: ClassVar[frozenset[str]] = frozenset()

    def _entry(self, name: str) -> Any:
        """Return the value of one of them; KeyError where there is none."""
        raise KeyError(name)

    def __missing__(self, name: str) -> Any:
        return self._entry(name)

    def __contains__(self, name: object) -> bool:
        if super().__contains__(name):
            return True
        if name not in self._beside:
            return False
        try:
            self._entry(str(name))
        except KeyError:
            return False
        return True

    def get(self, name: str, default: Any = None) -> Any:
        """
        Return the value of a name, whether or not it is shown.

        :param default: What to return where there is none.
        """
        if name not in self._beside:
            return super().get(name, default)
        try:
            return self[name]
        except KeyError:
            return default


class Headers(AskedByName):
    """
    The headers of an answer: names in lower case, those that came more than once joined by ``", "``.

    ``set-cookie`` holds credentials more often than not, so it is there for who asks for it, and is not shown.

    :param shown: All others.
    :param set_cookie: The values of ``set-cookie``.
    """

    _beside = frozenset({"set-cookie"})

    def __init__(self, shown: dict[str, str], set_cookie: list[str]) -> None:
        super().__init__(shown)
        #: The values of ``set-cookie``.
        self.set_cookie = set_cookie

    def without(self, name: str) -> Headers:
        """
        Return the headers but for one.

        :param name: In lower case.
        """
        return Headers({key: value for key, value in self.items() if key != name}, self.set_cookie)

    def _entry(self, name: str) -> str:
        if name != "set-cookie" or not self.set_cookie:
            raise KeyError(name)
        return ", ".join(self.set_cookie)
