"""The header ``Link`` (RFC 8288, section 3)."""

from __future__ import annotations

import re

__all__ = ["linked"]

# As the RFC's appendix B reads them, which takes more than its grammar allows.
_TARGET = re.compile(r"[\s,]*<([^>]*)>")
_PARAMETER = re.compile(r"""\s*;\s*([^\s=;,]*)\s*(?:=\s*(?:"((?:[^"\\]|\\.)*)"?|([^";,][^;,]*)?))?[^;,]*""")


def linked(header: str | None, relation: str) -> str | None:
    """
    Return the target of the first link with a relation.

    :param header: The header's value; several joined by ``", "``.
    :param relation: Such as ``next``; one of several that a link has counts, in any case.
    :returns: The reference as it is written, None where there is none.
    """
    text, at = header or "", 0
    while (target := _TARGET.match(text, at)) is not None:
        at = target.end()
        relations: str | None = None
        while (parameter := _PARAMETER.match(text, at)) is not None:
            at = parameter.end()
            name, quoted, bare = parameter.groups()
            # Only the first one counts (RFC 8288, section 3.3). Some services write single quotes.
            if name.lower() == "rel" and relations is None:
                relations = re.sub(r"\\(.)", r"\1", quoted) if quoted is not None else (bare or "").strip().strip("'")
        if relation in (relations or "").lower().split():
            return target[1].strip()
    return None
