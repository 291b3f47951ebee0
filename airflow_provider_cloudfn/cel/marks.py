"""The two marks that a Dag author puts on a string: ``cel("…")`` for an expression, ``lit("…")`` for text."""

from __future__ import annotations

from msgspec import Struct

__all__ = ["Expression", "Literal", "lit"]


class Expression(Struct, frozen=True):
    """A CEL expression, where a plain string would be taken as text."""

    source: str

    def __post_init__(self) -> None:
        if not isinstance(self.source, str):
            raise TypeError(f"cel() takes the text of an expression, got {type(self.source).__name__}")

    def __str__(self) -> str:
        return self.source

    def __repr__(self) -> str:
        return f"cel({self.source!r})"

    def __format__(self, spec: str) -> str:
        raise TypeError(
            f"{self!r} is a whole value, and in an f-string it would be text: put the text into the expression, as in "
            "cel('\"id-\" + params.id')"
        )


class Literal(Struct, frozen=True):
    """
    Text, where a plain string would be taken as a CEL expression.

    :param text: The text, sent as it stands.
    """

    text: str

    def __post_init__(self) -> None:
        if not isinstance(self.text, str):
            raise TypeError(f"lit() takes text, got {type(self.text).__name__}")

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return f"lit({self.text!r})"


def lit(text: str) -> Literal:
    """Mark text as text, where a plain string would be taken as a CEL expression."""
    return Literal(text)
