"""CloudEvents over HTTP in binary mode: the attributes as headers (HTTP protocol binding 1.0.2, section 3.1.3)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from airflow_provider_cloudfn.auth.attribute_text import is_attribute_text
from airflow_provider_cloudfn.exceptions import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["attribute_text", "cloudevent_headers", "header_value"]

# Section 3.1.3.2: space, double quote, percent, and all outside U+0021 to U+007E.
_ENCODED = re.compile(r'[^\x21-\x7e]|["%]')


def attribute_text(place: str, text: str) -> str:
    """
    Return the text of an attribute, which is refused where no attribute can have it.

    :param place: What the error calls it.
    :raises ConfigurationError: for a control character, a lone surrogate, and what is no character.
    """
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ConfigurationError(f"{place}: holds half of a surrogate pair, which is no text") from None
    if not is_attribute_text(text):
        raise ConfigurationError(
            f"{place}: holds a line break or another character that no attribute may have; leave it out"
        )
    return text


def header_value(text: str) -> str:
    """
    Encode the text of an attribute.

    :param text: Any text but a lone surrogate, which no UTF-8 holds.
    """
    return _ENCODED.sub(lambda found: "".join(f"%{byte:02X}" for byte in found[0].encode()), text)


def cloudevent_headers(attributes: Mapping[str, str | None]) -> tuple[tuple[str, str], ...]:
    """
    Return attributes as headers, those that are None left out.

    :param attributes: Names of lower-case letters and digits.
    """
    return tuple((f"ce-{name}", header_value(value)) for name, value in attributes.items() if value is not None)
