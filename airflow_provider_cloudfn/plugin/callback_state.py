"""Whether a task instance was called back, in Airflow's task state: where its next try finds it, whatever ends this one."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any, Final, Literal

from airflow_provider_cloudfn.exceptions import ConfigurationError
from airflow_provider_cloudfn.journal.entries import CALLBACK, CallbackEntry
from airflow_provider_cloudfn.journal.map_index import map_index_column, region_of
from airflow_provider_cloudfn.journal.rows import first_row, written
from airflow_provider_cloudfn.journal.task_journal import PREFIX

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy.orm import Session

    from airflow_provider_cloudfn.events.signature import CallbackAddress

__all__ = ["called", "keep"]

_log = logging.getLogger(__name__)

_KEY: Final = PREFIX + CALLBACK
#: How many task instances one query asks for.
_AT_A_TIME: Final = 200
#: Whoever is in one of these is waited for by nobody.
_FINISHED: Final = frozenset({"success", "failed", "skipped", "upstream_failed", "removed"})


def called(addresses: Sequence[CallbackAddress], session: Session) -> list[bool]:
    """
    Return of each task instance whether it was called back in its generation; where that can't be read, its worker is to look.

    :param addresses: The task instances.
    :param session: A session of Airflow's database.
    """
    found: dict[tuple[Any, ...], int | None] = {}
    for start in range(0, len(addresses), _AT_A_TIME):
        found.update(_generations(addresses[start : start + _AT_A_TIME], session))
    return [_place(one) in found and found[_place(one)] in (None, one.generation) for one in addresses]


def _generations(
    addresses: Sequence[CallbackAddress], session: Session
) -> Iterator[tuple[tuple[Any, ...], int | None]]:
    """Yield the task instances that were called back, and in which generation; None where the row can't be read."""
    from airflow.models.task_state_store import TaskStateStoreModel as State
    from sqlalchemy import select, tuple_

    columns = (State.dag_id, State.run_id, State.task_id, getattr(State, map_index_column(State)))
    places = tuple_(*columns).in_([_place(one) for one in addresses])
    for *place, value in session.execute(select(*columns, State.value).where(State.key == _KEY, places)):
        yield tuple(place), _generation(value, place, "its worker looks")


def _generation(value: str, place: Any, then: str) -> int | None:
    """Return the generation of a row; None where it can't be read, which is told, and what becomes of it."""
    try:
        return first_row(json.loads(value), _KEY).generation
    except (ValueError, RecursionError, ConfigurationError) as error:
        _log.error("What was called back for %s can't be read, so %s: %s", place, then, type(error).__name__)
        return None


def _place(address: CallbackAddress) -> tuple[Any, ...]:
    return (address.dag_id, address.run_id, address.task_id, address.map_index)


def keep(address: CallbackAddress, entry: CallbackEntry, session: Session) -> Literal["kept", "again", "gone"]:
    """
    Write down what was called back, in the session's transaction.

    :param address: For which task instance.
    :param entry: What was called back.
    :param session: A session of Airflow's database.
    :returns: ``again``: there is a callback already. ``gone``: nobody waits for one.
    """
    from airflow.models.dagrun import DagRun
    from airflow.models.task_state_store import TaskStateStoreModel
    from airflow.models.taskinstance import TaskInstance
    from sqlalchemy import select

    mine = select(TaskInstance).filter_by(**_own(TaskInstance, address))
    # Who comes second waits here until the first is in the database.
    instance = session.scalar(mine.with_for_update(of=TaskInstance))
    if instance is None or instance.max_tries != address.generation:
        return "gone"
    own = {**_own(TaskStateStoreModel, address), **region_of(instance, TaskStateStoreModel)}
    row = session.scalar(select(TaskStateStoreModel).filter_by(key=_KEY, **own))
    # What can't be read is of no use to whoever waits: what comes now is.
    if row is not None and _generation(row.value, _place(address), "this one takes its place") == address.generation:
        return "again"
    if str(instance.state) in _FINISHED:
        return "gone"
    number = session.scalar(select(DagRun.id).filter_by(dag_id=address.dag_id, run_id=address.run_id))
    rows = {key: json.dumps(value) for key, value in written(entry, address.generation, _KEY).items()}
    if row is not None and not _replaced(row, rows.pop(_KEY), session):
        return "again"
    for key, value in rows.items():
        session.add(TaskStateStoreModel(dag_run_id=number, key=key, value=value, **own))
    # SQLite locks no row: there, the first row's key is what the second fails at.
    session.flush()
    return "kept"


def _replaced(row: Any, value: str, session: Session) -> bool:
    """Return whether a row of an earlier generation, or one that can't be read, could be replaced: if nobody has been faster."""
    from airflow.models.task_state_store import TaskStateStoreModel
    from sqlalchemy import CursorResult, update

    mine = update(TaskStateStoreModel).where(TaskStateStoreModel.id == row.id, TaskStateStoreModel.value == row.value)
    result = session.execute(mine.values(value=value))
    return isinstance(result, CursorResult) and result.rowcount == 1


def _own(model: Any, address: CallbackAddress) -> dict[str, Any]:
    """Return the columns that name a task instance, with their values."""
    return dict(zip(("dag_id", "run_id", "task_id", map_index_column(model)), _place(address), strict=True))
