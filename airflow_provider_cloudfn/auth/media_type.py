"""Media types: what a Content-Type says of the form of a body."""

from __future__ import annotations

from typing import Final

__all__ = ["FORM_TYPE", "is_json", "is_xml", "media_type_of"]

FORM_TYPE: Final = "application/x-www-form-urlencoded"


def media_type_of(content_type: str) -> str:
    """
    Return the media type in a Content-Type, without its parameters and in lower case.

    :param content_type: The header's value.
    """
    return content_type.partition(";")[0].strip().lower()


def is_json(media_type: str) -> bool:
    """
    Return whether a media type is JSON's own, or has its suffix (RFC 6839).

    :param media_type: As of :func:`media_type_of`.
    """
    return media_type == "application/json" or media_type.endswith("+json")


def is_xml(media_type: str) -> bool:
    """
    Return whether a media type is XML's own, or has its suffix (RFC 7303).

    :param media_type: As of :func:`media_type_of`.
    """
    return media_type in ("application/xml", "text/xml") or media_type.endswith("+xml")
