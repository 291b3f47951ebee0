"""What text an attribute of a CloudEvent can have (CloudEvents 1.0.2, section 3.2), be it sent or received."""

from __future__ import annotations

import re
from typing import Final

__all__ = ["is_attribute_text"]

#: Of each of Unicode's 17 planes the last two code points are no characters.
_LAST: Final = "".join(chr(plane << 16 | last) for plane in range(17) for last in (0xFFFE, 0xFFFF))
#: Control characters, halves of surrogate pairs, and what Unicode calls noncharacters.
_FORBIDDEN: Final = re.compile(f"[\\x00-\\x1f\\x7f-\\x9f\\ud800-\\udfff\\ufdd0-\\ufdef{_LAST}]")


def is_attribute_text(text: str) -> bool:
    """Tell whether an attribute can have a text."""
    return _FORBIDDEN.search(text) is None
