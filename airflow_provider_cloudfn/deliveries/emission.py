"""A record that becomes an asset event of Airflow, as its API makes one."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from airflow.assets.manager import asset_manager
from airflow.models.asset import AssetModel

from airflow_provider_cloudfn.events.address import event_uri

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from airflow_provider_cloudfn.events.record import CompletionRecord

__all__ = ["UnknownEventError", "emit", "tell"]

_log = logging.getLogger(__name__)


class UnknownEventError(Exception):
    """Airflow has no asset for the event."""


def emit(record: CompletionRecord, *, has_one_run: bool, session: Any, callbacks: list[Callable[[], None]]) -> int:
    """
    Make the asset event of a record, and return its number. The caller's transaction holds it.

    :param has_one_run: Whether it has a run of its own: its id is its partition key then.
    :param callbacks: Takes up what is to be called when the transaction is committed.
    :raises UnknownEventError: when Airflow has no asset of that name.
    """
    made = asset_manager.register_asset_change(
        asset=AssetModel(name=record.type, uri=event_uri(record.type)),
        extra=record.to_dict(),
        partition_key=record.id if has_one_run else None,
        source_is_api=True,
        # An Airflow that does not know it, which is 3.2, tells its listeners before the commit.
        callback_sink=callbacks,
        session=session,
    )
    if made is None:
        raise UnknownEventError(record.type)
    return int(made.id)


def tell(callbacks: Sequence[Callable[[], None]]) -> None:
    """
    Tell Airflow's listeners of the asset events that are committed; what goes wrong there is theirs.

    :param callbacks: What :func:`emit` has taken up.
    """
    for callback in callbacks:
        try:
            callback()
        except Exception:
            _log.exception("A listener of asset events has failed")
