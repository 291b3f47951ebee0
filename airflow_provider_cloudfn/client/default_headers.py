"""What a request says of itself, unless its author says otherwise."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from airflow_provider_cloudfn import __version__
from airflow_provider_cloudfn.client.decoding import ACCEPT_ENCODING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["DEFAULT_HEADERS", "with_default_headers"]

#: The headers, by their names as they are sent.
DEFAULT_HEADERS: Final[Mapping[str, str]] = {
    "User-Agent": f"airflow-provider-cloudfn/{__version__}",
    "Accept-Encoding": ACCEPT_ENCODING,
    "Accept": "*/*",
}


def with_default_headers(headers: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """
    Return headers as they are sent: with the default ones that are not among them.

    :param headers: Names and values, as the author and the authentication have them.
    """
    own = list(headers)
    names = {name.lower() for name, _ in own}
    return own + [(name, value) for name, value in DEFAULT_HEADERS.items() if name.lower() not in names]
