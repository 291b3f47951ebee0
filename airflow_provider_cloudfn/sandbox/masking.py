"""Hides secrets in what the sandbox records."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from airflow_provider_cloudfn.auth.media_type import FORM_TYPE
from airflow_provider_cloudfn.auth.spellings import MASK, hide, spellings

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Masking"]

_HEADERS = frozenset({"authorization", "proxy-authorization", "cookie", "set-cookie", "x-api-key"})
_PARAMETER = re.compile(
    r"(^|[&?])(api_key|apikey|access_token|refresh_token|client_secret|client_assertion|password)=[^&]+", re.IGNORECASE
)
_SCHEME = re.compile(r"(?P<scheme>Basic|Bearer) .*", re.IGNORECASE | re.DOTALL)


class Masking:
    """Replaces secrets by ``***``: those that it was told, wherever they stand, and what stands where secrets belong."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._written: list[str] = []
        self.secrets: set[str] = set()
        for secret in secrets:
            self.add(secret)

    def add(self, secret: str) -> None:
        """Hide one more secret from now on, in all its spellings."""
        self.secrets.add(secret)
        self._written = sorted({*self._written, *spellings(secret)}, key=len, reverse=True)

    def header(self, name: str, value: str) -> str:
        """Return a header's value as it may be shown: of an ``Authorization``, the scheme remains."""
        if name.lower() not in _HEADERS:
            return self.text(value)
        found = _SCHEME.fullmatch(value)
        return f"{found['scheme']} {MASK}" if found else MASK

    def form(self, text: str) -> str:
        """Return a query or a form body, ``name=value`` pairs with ``&`` between them, as it may be shown."""
        return self.text(_PARAMETER.sub(rf"\1\2={MASK}", text))

    def text(self, text: str) -> str:
        """Return text as it may be shown."""
        return hide(text, self._written)

    def body(self, content: bytes, media_type: str) -> bytes:
        """Return a body as it may be shown; one without a secret is unchanged to the byte."""
        text = content.decode("utf-8", "surrogateescape")
        is_form = media_type.lower().startswith(FORM_TYPE)
        return (self.form(text) if is_form else self.text(text)).encode("utf-8", "surrogateescape")
