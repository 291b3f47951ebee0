"""A call of which it is known what came of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from airflow_provider_cloudfn.client.response import Response
    from airflow_provider_cloudfn.records.call_record import Journal

__all__ = ["Settled"]


class Settled(Struct, frozen=True):
    """
    What came of a call.

    :param response: The answer.
    :param path: The file that its body went into.
    :param confirmed: Whether it answers the question whether the request was carried out, instead of the request.
    :param journal: What the journal knows of a request that may not be repeated: whether this try has sent it, or an earlier one.
    """

    response: Response
    path: str | None = None
    confirmed: bool = False
    journal: Journal | None = None
