"""Text for people's eyes."""

from __future__ import annotations

import re
from typing import Final

__all__ = ["visible"]

#: Controls, but for the ends of lines and tabs; what breaks lines or lets text stand in another order than it is in; and half a
#: character, which can't be written.
_UNSEEN: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]|\r(?!\n)")


def visible(text: str) -> str:
    """
    Return a text that no terminal obeys, and no reader takes for another: what can't be seen is written as JSON and Python do.

    :param text: The text, of whoever.
    """
    return _UNSEEN.sub(lambda sign: f"\\u{ord(sign[0]):04x}", text)
