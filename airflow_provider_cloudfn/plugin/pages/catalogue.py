"""The cloud functions that there are: read from Airflow's serialized Dags, and kept for as long as those stay as they are."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import msgspec
from airflow.models.dag import DagModel
from airflow.models.dag_version import DagVersion
from airflow.models.serialized_dag import SerializedDagModel
from airflow.utils.session import create_session
from fastapi import HTTPException
from sqlalchemy import and_, func, select

from airflow_provider_cloudfn.authoring.task import PACKAGE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from uuid import UUID

    from fastapi import Request


__all__ = ["Catalogue", "CloudFunction", "as_written", "function_of_page"]

#: A version of a Dag, and the digest of what it says: Airflow writes a version that has not run yet anew in its place.
_Version: TypeAlias = "tuple[UUID, str]"

_log = logging.getLogger(__name__)

#: The fields that name a connection: what has none of them makes no call.
_CONNECTIONS: Final = ("cloudfn_conn_id", "emporix_conn_id", "http_conn_id")
#: How many Dags are read from the database at once.
_AT_ONCE: Final = 100


class CloudFunction(msgspec.Struct, frozen=True, kw_only=True):
    """
    A cloud function as it stands in its Dag.

    :param dag_id: The Dag.
    :param task_id: The task.
    :param operator: What kind of task it is.
    :param conn_id: Its connection; None where that is made at run time.
    :param method: The method, where Airflow keeps it.
    :param target: The URI, or the type of the event that it sends, as written; None where that is made at run time.
    :param events: The completion events that it emits.
    :param is_mapped: Whether it is mapped.
    """

    dag_id: str
    task_id: str
    operator: str
    conn_id: str | None = None
    method: str | None = None
    target: str | None = None
    events: tuple[str, ...] = ()
    is_mapped: bool = False

    def matches(self, text: str) -> bool:
        """
        Tell whether a text occurs in what is shown of it, whatever its case.

        :param text: What is looked for.
        """
        wanted = text.casefold()
        shown = (self.dag_id, self.task_id, self.conn_id, self.target, *self.events)
        return any(wanted in part.casefold() for part in shown if part)


class _Outlet(msgspec.Struct):
    name: Any = None
    group: Any = None


class _Asset(msgspec.Struct):
    var: _Outlet = msgspec.field(name="__var", default_factory=_Outlet)


class _Written(msgspec.Struct):
    """What of a task's parameters is shown."""

    cloudfn_conn_id: Any = None
    emporix_conn_id: Any = None
    http_conn_id: Any = None
    method: Any = None
    uri: Any = None
    endpoint: Any = None
    event_type: Any = None
    outlets: list[_Asset] = []


class _Task(_Written, kw_only=True):
    task_id: str
    task_type: str = ""
    module: str = msgspec.field(name="_task_module", default="")
    template_fields: list[str] = []
    is_mapped: bool = msgspec.field(name="_is_mapped", default=False)
    partial_kwargs: _Written | None = None


class _Operator(msgspec.Struct):
    var: _Task = msgspec.field(name="__var")


class _Dag(msgspec.Struct):
    tasks: list[_Operator]


class _Document(msgspec.Struct):
    dag: _Dag


class Catalogue:
    """The functions of all Dags that are not gone. One is kept for the life of the API server."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[_Version, tuple[CloudFunction, ...]]] = {}
        self._lock = threading.Lock()

    def functions(self, dag_ids: Iterable[str]) -> list[CloudFunction]:
        """
        Return the functions of some Dags, by Dag and task.

        :param dag_ids: The Dags, such as those that somebody may read.
        """
        with self._lock:
            known = self._refreshed()
        return [function for dag_id in sorted(set(dag_ids) & known.keys()) for function in known[dag_id][1]]

    def function(self, dag_id: str, task_id: str) -> CloudFunction | None:
        """
        Return a function; None where there is none of that name.

        :param dag_id: The Dag.
        :param task_id: The task.
        """
        return next((one for one in self.functions([dag_id]) if one.task_id == task_id), None)

    def _refreshed(self) -> dict[str, tuple[_Version, tuple[CloudFunction, ...]]]:
        with create_session(scoped=False) as session:
            latest = {row.dag_id: (row.id, row.dag_hash) for row in session.execute(_latest_versions())}
            changed = [one[0] for dag_id, one in latest.items() if self._known.get(dag_id, (None,))[0] != one]
            kept = {dag_id: found for dag_id, found in self._known.items() if dag_id in latest}
            for start in range(0, len(changed), _AT_ONCE):
                wanted = select(SerializedDagModel).where(
                    SerializedDagModel.dag_version_id.in_(changed[start : start + _AT_ONCE])
                )
                for row in session.scalars(wanted):
                    kept[row.dag_id] = (latest[row.dag_id], tuple(_functions(row.dag_id, row.data)))
                session.expunge_all()
        self._known = kept
        return kept


def function_of_page(request: Request, dag_id: str, task_id: str) -> CloudFunction:
    """
    Return the function that a page is about.

    :param request: A request for the page.
    :param dag_id: The Dag.
    :param task_id: The task.
    :raises HTTPException: 404, where there is none of that name.
    """
    catalogue: Catalogue = request.app.state.catalogue
    if (found := catalogue.function(dag_id, task_id)) is None:
        raise HTTPException(404, "There is no cloud function of that name in this Dag.")
    return found


def as_written(version: UUID | None, task_id: str) -> dict[str, Any]:
    """
    Return a task's template fields as they stand in a version of its Dag.

    :param version: The version.
    :param task_id: The task.
    """
    with create_session(scoped=False) as session:
        row = session.scalar(select(SerializedDagModel).where(SerializedDagModel.dag_version_id == version))
        data = None if row is None else row.data
    for encoded in (data or {}).get("dag", {}).get("tasks", ()):
        task = encoded.get("__var", {})
        if task.get("task_id") == task_id:
            given = {**task, **_plain(task.get("partial_kwargs") or {})}
            return {
                name: _plain(given[name]) for name in task.get("template_fields", ()) if given.get(name) is not None
            }
    return {}


def _latest_versions() -> Any:
    newest = select(DagVersion.dag_id, func.max(DagVersion.version_number).label("number")).group_by(DagVersion.dag_id)
    latest = newest.subquery()
    is_latest = and_(DagVersion.dag_id == latest.c.dag_id, DagVersion.version_number == latest.c.number)
    return (
        select(DagVersion.dag_id, DagVersion.id, SerializedDagModel.dag_hash)
        .join(latest, is_latest)
        .join(SerializedDagModel, SerializedDagModel.dag_version_id == DagVersion.id)
        .join(DagModel, DagModel.dag_id == DagVersion.dag_id)
        .where(DagModel.is_stale.is_(False))
    )


def _functions(dag_id: str, data: Any) -> Iterator[CloudFunction]:
    try:
        tasks = [operator.var for operator in msgspec.convert(data, _Document).dag.tasks]
    except msgspec.ValidationError as error:
        _log.warning("The functions of Dag %r are not shown: its serialized form can't be read: %s", dag_id, error)
        return
    for task in sorted(tasks, key=lambda one: one.task_id):
        written = task.partial_kwargs or task
        connections = [name for name in _CONNECTIONS if name in task.template_fields]
        is_ours = task.module.partition(".")[0] == PACKAGE or any(name != "http_conn_id" for name in connections)
        if not is_ours or not connections:
            continue
        events = [one.var.name for one in written.outlets if one.var.group == "completion_event"]
        yield CloudFunction(
            dag_id=dag_id,
            task_id=task.task_id,
            operator=task.task_type,
            conn_id=_text(getattr(written, connections[0])),
            method=_text(written.method),
            target=_text(written.uri) or _text(written.endpoint) or _text(written.event_type),
            events=tuple(event for event in events if isinstance(event, str)),
            is_mapped=task.is_mapped,
        )


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _plain(value: Any) -> Any:
    """Return a serialized value without the marks of its type."""
    if isinstance(value, dict):
        if value.keys() == {"__var", "__type"}:
            return _plain(value["__var"])
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value
