r"""
Regular expressions, on RE2, which takes linear time whatever the pattern.

``matches`` is the specification's; ours are ``regex.extract``, ``regex.extractAll`` and ``regex.replace``, as cel-go's. A
replacement names groups as ``\1``.
"""

from __future__ import annotations

import re
from threading import Thread
from time import perf_counter_ns, thread_time_ns
from typing import TYPE_CHECKING, Any, Final

from airflow_provider_cloudfn.cel.faults import Fault
from airflow_provider_cloudfn.cel.registry import function, method
from airflow_provider_cloudfn.cel.values import Optional

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from airflow_provider_cloudfn.cel.limits import Budget

__all__: list[str] = []

_LONGEST_PATTERN: Final = 1_000

#: What a match costs besides the text that it is looked for in: it passes from C++ to Python.
_MATCH_STEPS: Final = 4


#: From how many characters times instructions on a search takes some ten milliseconds.
_LONG_SEARCH: Final = 10_000_000

#: How many nanoseconds a step stands for, where time is charged.
_STEP_NS: Final = 500

#: What compiling a pattern costs at least; then as much as the compiled pattern has instructions.
_COMPILE_STEPS: Final = 200

_compiled: Final[dict[tuple[str | bytes, bool], tuple[Any, int]]] = {}


def _prepared(budget: Budget, text: str | bytes, pattern: str | bytes, *, captures: bool = True) -> Any:
    """Return the compiled pattern, and account for the text: at worst RE2 tries each of its instructions everywhere."""
    known = _compiled.get((pattern, captures))
    if known is None:
        budget.spend(_COMPILE_STEPS)
        known = _compile(pattern, captures)
        budget.spend(known[1])
        if len(_compiled) >= 64:
            _compiled.clear()
        _compiled[pattern, captures] = known
    compiled, instructions = known
    budget.spend(len(text) * instructions >> 8)
    return compiled


def _compile(pattern: str | bytes, captures: bool) -> tuple[Any, int]:
    """Return the compiled pattern, and how many instructions it has."""
    import re2

    if len(pattern) > _LONGEST_PATTERN:
        raise Fault(f"the regular expression has more than {_LONGEST_PATTERN:,} characters")
    options = re2.Options()
    options.log_errors = False
    options.max_mem = 1 << 20
    options.never_capture = not captures
    try:
        compiled = re2.compile(pattern, options)
    except re2.error:
        raise Fault("the pattern is no regular expression of RE2, or too large a one") from None
    return compiled, max(compiled.programsize, 1)


@method("matches", "string", "string")
@function("matches", "string", "string")
def matches(budget: Budget, text: str, pattern: str) -> bool:
    """Return whether a part of the text matches the pattern."""
    data = text.encode("utf-8")  # re2 takes three times as long to find positions in a str
    compiled = _prepared(budget, data, pattern.encode("utf-8"), captures=False)
    if len(data) * compiled.programsize < _LONG_SEARCH:
        return compiled.search(data) is not None
    return bool(_waited_for(lambda: compiled.search(data) is not None))


def _waited_for(search: Callable[[], Any]) -> Any:
    """
    Return what a long search finds.

    RE2 searches without the interpreter's lock, here in a thread of its own: a signal can end the wait for that.
    """
    found: list[Any] = []
    thread = Thread(target=lambda: found.append(search()), name="cel-regex", daemon=True)
    thread.start()
    thread.join()
    return found[0]


def _each(budget: Budget, compiled: Any, text: str) -> Iterator[Any]:
    """
    Yield each match.

    RE2 is linear in one search, and may look at all of the text again for each next match: `a(?:[^~]*~)?` does. How far it
    looks it doesn't tell, so what a search takes of the processor's time is charged, where that is more than usual.
    """
    is_long = len(text) * compiled.programsize >= _LONG_SEARCH
    now = perf_counter_ns if is_long else thread_time_ns
    each = compiled.finditer(text)
    found = iter(lambda: _waited_for(lambda: next(each, None)), None) if is_long else each
    started, paid = now(), 0
    for count, match in enumerate(found, start=1):
        budget.spend(_MATCH_STEPS)
        if count % 8 == 0:
            spent = (now() - started) // _STEP_NS
            budget.spend(max(0, spent - max(paid, count * _MATCH_STEPS)))
            paid = max(paid, spent)
        yield match


def _found(budget: Budget, text: str, pattern: str) -> Iterator[str]:
    """Yield what each match captured: the group, or the whole of a pattern without groups."""
    compiled = _prepared(budget, text, pattern)
    if compiled.groups > 1:
        raise Fault("the pattern captures more than one group; write (?:…) for those that are not wanted")
    for match in _each(budget, compiled, text):
        captured = match.group(compiled.groups)
        if captured is not None:
            yield captured


@function("regex.extract", "string", "string")
def extract(budget: Budget, text: str, pattern: str) -> Optional:
    """Return an optional of what the first match captured."""
    for captured in _found(budget, text, pattern):
        return Optional(captured)
    return Optional.NONE


@function("regex.extractAll", "string", "string")
def extract_all(budget: Budget, text: str, pattern: str) -> list[str]:
    """Return what the matches captured."""
    return list(_found(budget, text, pattern))


@function("regex.replace", "string", "string", "string")
@function("regex.replace", "string", "string", "string", "int")
def replace(budget: Budget, text: str, pattern: str, replacement: str, limit: int = -1) -> str:
    """Return the text with so many matches replaced; all when the limit is negative."""
    compiled = _prepared(budget, text, pattern)
    budget.spend(replacement.count("\\"))
    template = _template(replacement, compiled.groups)
    if limit == 0:
        return text
    pieces: list[str] = []
    end = length = 0
    for count, match in enumerate(_each(budget, compiled, text), start=1):
        pieces.append(text[end : match.start()])
        pieces.extend(part if isinstance(part, str) else match.group(part) or "" for part in template)
        end = match.end()
        length += sum(map(len, pieces[-1 - len(template) :]))
        budget.spend(len(template))
        if count == limit or length > budget.limits.string_length:
            break
    budget.text(length + len(text) - end)
    pieces.append(text[end:])
    return "".join(pieces)


def _template(replacement: str, groups: int) -> list[str | int]:
    parts: list[str | int] = []
    for match in re.finditer(r"[^\\]+|\\([0-9])|(\\\\)|(\\)", replacement):
        if match[1] is not None:
            if int(match[1]) > groups:
                raise Fault(f"the replacement names the group \\{match[1]}, of which the pattern has {groups}")
            parts.append(int(match[1]))
        elif match[3]:
            raise Fault("a backslash in a replacement stands before a digit or another backslash")
        else:
            parts.append("\\" if match[2] else match[0])
    return parts
