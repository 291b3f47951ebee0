"""Text that holds what Python shows of an object: an f-string, or ``str()``, has put it in where its value was meant."""

from __future__ import annotations

import re
from typing import Final

__all__ = ["shown_object"]

#: As Airflow's objects, ours, and Python's own are shown.
_SHOWN: Final = re.compile(
    r"(?P<step><(?:Task|Mapped)\(\w+\): [^<>]+>|\bXComArg\()"
    r"|\bMappedArgument\(_input=|\b(?:CompletionEvent|Asset)\(name='|<DAG: [^<>]+>|\b[A-Za-z]\w*\.partial\(task_id='"
    r"|<[\w.<> ]{1,100} at 0x[0-9a-f]{6,16}>",
    re.ASCII,
)


def shown_object(text: str) -> tuple[int, str] | None:
    """Say where a text holds what Python shows of an object, and what to do; None where it doesn't."""
    if (found := _SHOWN.search(text)) is None:
        return None
    remedy = (
        "what a step returned is read as steps.<task id>"
        if found["step"]
        else "give the value to inputs=, and read inputs"
    )
    return found.start(), (
        f"{found[0][:60]!r} is how Python shows an object, and no value of it: an f-string or str() has put it in; {remedy}, "
        "in an expression"
    )
