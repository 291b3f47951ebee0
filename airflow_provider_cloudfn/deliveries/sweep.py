"""What is older than ``[cloudfn] deliveries_kept`` is taken out, a few rows at a time."""

from __future__ import annotations

import datetime as dt
from typing import Final

from airflow.utils.session import create_session
from sqlalchemy import delete, select

from airflow_provider_cloudfn.deliveries.tables import Delivery

__all__ = ["STEP", "sweep"]

#: Rows of one step: so few that nobody waits for its locks.
STEP: Final = 500


def sweep(days: int, now: dt.datetime) -> int:
    """
    Take out some deliveries that are too old, the oldest first, and return how many; fewer than :data:`STEP` were the last.

    :param days: For how many days they are kept; 0 for ever.
    :param now: The time, aware.
    """
    if days <= 0:
        return 0
    with create_session(scoped=False) as session:
        old = select(Delivery.id).where(Delivery.received_at < now - dt.timedelta(days=days))
        numbers = list(session.scalars(old.order_by(Delivery.received_at).limit(STEP)))
        if numbers:
            session.execute(delete(Delivery).where(Delivery.id.in_(numbers)))
    return len(numbers)
