"""Text for people's eyes."""

from __future__ import annotations

import re
from typing import Final

__all__ = ["NO_TEXT", "TURNING", "visible"]

#: What lets text stand in another order than it is in, so that a reader takes it for what it is not.
TURNING: Final = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
#: What commands a terminal, what turns the order of a text, and halves of characters, which can't be written: signs of a pattern.
NO_TEXT: Final = rf"\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f{TURNING}\ud800-\udfff"
#: These, and what breaks lines where nobody expects it.
_UNSEEN: Final = re.compile(rf"[{NO_TEXT}\u2028\u2029]|\r(?!\n)")


def visible(text: str) -> str:
    """Return a text that no terminal obeys, and no reader takes for another: what is unseen is written as JSON and Python do."""
    return _UNSEEN.sub(lambda sign: f"\\u{ord(sign[0]):04x}", text)
