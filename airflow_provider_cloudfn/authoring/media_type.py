"""What an answer is, where an expression over it meets no JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_cloudfn.auth.media_type import media_type_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_provider_cloudfn.client.response import Response

__all__ = ["HTML", "not_json", "tell_media_type"]

#: What a page for people is.
HTML = frozenset({"text/html", "application/xhtml+xml"})


def not_json(headers: Mapping[str, str], body: Any) -> str | None:
    """
    Return the media type of an answer that is no JSON, None for one that is.

    :param headers: The answer's headers, names in lower case.
    :param body: What was read of it.
    """
    if not isinstance(body, (str, bytes)):
        return None
    media_type = media_type_of(headers.get("content-type", ""))[:80]
    if "json" in media_type:  # a text, in JSON
        return None
    return media_type if media_type.isprintable() and media_type else "of no media type"


def tell_media_type(response: Response, sent: Mapping[str, Any], log: Any) -> None:
    """Say in the log that an answer is no JSON, where nobody has asked for anything else."""
    asked = any(name.lower() == "accept" for name in sent)
    media_type = None if asked or not response.ok else not_json(response.headers, response.body)
    if media_type in HTML:
        log.warning(
            "The answer is %s, not JSON: perhaps a page for people, such as a login. success_when= can refuse it",
            media_type,
        )
    elif media_type is not None:
        log.info("The answer is %s, not JSON", media_type)
