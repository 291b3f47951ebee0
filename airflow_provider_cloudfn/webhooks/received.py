"""A request as it came, and as expressions read it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, ClassVar, Final
from urllib.parse import parse_qsl

from airflow_provider_cloudfn.auth.media_type import FORM_TYPE, media_type_of
from airflow_provider_cloudfn.auth.redacted import Redacted
from airflow_provider_cloudfn.client.content import read_content
from airflow_provider_cloudfn.json_encoding import has_half_characters
from airflow_provider_cloudfn.webhooks.refused import RefusedError

if TYPE_CHECKING:
    from collections.abc import Collection

    from airflow_provider_cloudfn.webhooks.refused import Reason

__all__ = ["ReceivedRequest"]

#: What no expression sees, whatever the scheme: it would end in a payload.
_NEVER_SHOWN: Final = frozenset({"authorization", "cookie", "proxy-authorization"})
_MOST_FIELDS: Final = 1_000


class ReceivedRequest(Redacted, frozen=True, kw_only=True):
    """
    A request as it came over the wire.

    :param method: Such as ``POST``.
    :param path: What follows the source's name in the path, percent-decoded: empty, or ``/`` and more.
    :param query: What follows the ``?``, as it came.
    :param headers: Names in lower case, in their order; one that came twice stands here twice.
    :param body: The bytes of the body, exactly: signatures are over them.
    """

    _hidden: ClassVar = frozenset({"query", "headers", "body"})

    method: str
    path: str = ""
    query: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""

    def header(self, name: str) -> str | None:
        """
        Return the value of a header that may stand once.

        :param name: In lower case.
        :raises RefusedError: with 400 when it stands twice: who reads the first and who reads the last would see two requests.
        """
        values = [value for key, value in self.headers if key == name]
        if len(values) > 1:
            raise RefusedError(400, "header_twice")
        return values[0] if values else None

    def required_header(self, name: str, reason: Reason = "signature_missing") -> str:
        """
        Return the value of a header that must stand once, and hold something.

        :param name: In lower case.
        :param reason: Why the request is refused without it.
        :raises RefusedError: with 401 when it is missing or empty, with 400 when it stands twice.
        """
        if not (value := self.header(name)):
            raise RefusedError(401, reason)
        return value

    @property
    def content_type(self) -> str:
        """The Content-Type; empty where there is none."""
        return self.header("content-type") or ""

    def read_body(self) -> Any:
        """
        Return what the body means: a JSON value, the fields of a form, text, bytes, or None where it is empty.

        :raises RefusedError: with 400 for a body that is not what Content-Type says.
        """
        try:
            media_type = media_type_of(self.content_type)
            if media_type == FORM_TYPE:
                return _fields(self.body.decode("utf-8"))
            # JSON has no parameter charset (RFC 8259, section 11). One that nobody has signed would make it say something else.
            return read_content(self.body, media_type if "json" in media_type else self.content_type)
        except ValueError:
            raise RefusedError(400, "bad_body") from None

    @property
    def has_half_characters(self) -> bool:
        """Whether the body, which is JSON, has a half of a character: what names something may not be told from another then."""
        return has_half_characters(self.body.decode(json.detect_encoding(self.body), "replace"))

    def as_variable(self, body: Any, hidden: Collection[str] = ()) -> dict[str, Any]:
        """
        Return the request as expressions read it under the name ``request``.

        :param body: What :meth:`read_body` returned, or the one event of a batch that is at hand.
        :param hidden: Headers that hold credentials, besides those that always do; no expression sees them.
        :raises RefusedError: with 400 for a query that is none.
        """
        headers: dict[str, list[str]] = {}
        for name, value in self.headers:
            if name not in _NEVER_SHOWN and name not in hidden:
                headers.setdefault(name, []).append(value)
        try:
            query = _fields(self.query)
        except ValueError:
            raise RefusedError(400, "bad_query") from None
        return {
            "headers": {name: ", ".join(values) for name, values in headers.items()},
            "body": body,
            "path": self.path,
            "query": query,
        }


def _fields(written: str) -> dict[str, str | list[str]]:
    """Return the fields of a form or a query; one that stands more than once is a list."""
    fields: dict[str, list[str]] = {}
    for name, value in parse_qsl(written, keep_blank_values=True, errors="strict", max_num_fields=_MOST_FIELDS):
        fields.setdefault(name, []).append(value)
    return {name: values[0] if len(values) == 1 else values for name, values in fields.items()}
