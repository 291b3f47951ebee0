"""What can become of a delivery."""

from __future__ import annotations

from enum import StrEnum

__all__ = ["DeliveryOutcome"]


class DeliveryOutcome(StrEnum):
    """
    What became of an event that came in.

    - ``accepted``: it is an asset event.
    - ``duplicate``: it was one already. It has no row of its own: the first one counts it.
    - ``ignored``: the source does not want it, by its filter, its types, or ``unknown = ignore``.
    - ``refused``: the request was, and the sender was told so.
    """

    ACCEPTED = "accepted"
    DUPLICATE = "duplicate"
    IGNORED = "ignored"
    REFUSED = "refused"
