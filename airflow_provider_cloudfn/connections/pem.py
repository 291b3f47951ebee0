"""PEM texts (RFC 7468): certificates and private keys as people paste them into a form."""

from __future__ import annotations

import re

__all__ = ["is_pem", "pem_text"]

_BLOCK = re.compile(r"-----BEGIN ([A-Z0-9 ]+)-----(.*?)-----END \1-----", re.DOTALL)
_HEADER = re.compile(r"(?:Proc-Type|DEK-Info):[^\n]*\n")


def is_pem(text: str) -> bool:
    """
    Return whether a text is PEM (RFC 7468), and not the path of a file.

    :param text: What was written.
    """
    return _BLOCK.search(text) is not None


def pem_text(text: str) -> str:
    r"""
    Return PEM text with its line ends, which a single-line form field or ``\n`` in an environment variable takes away.

    :param text: PEM text, its lines separated by any white space, or by a written ``\n``.
    """
    blocks = []
    for label, content in _BLOCK.findall(text.replace("\\n", "\n")):
        if _HEADER.search(content):  # the old encrypted format, whose headers are lines: it must have kept them
            blocks.append(f"-----BEGIN {label}-----{content.rstrip()}\n-----END {label}-----\n")
            continue
        body = "".join(content.split())
        lines = "\n".join(body[at : at + 64] for at in range(0, len(body), 64))
        blocks.append(f"-----BEGIN {label}-----\n{lines}\n-----END {label}-----\n")
    return "".join(blocks)
