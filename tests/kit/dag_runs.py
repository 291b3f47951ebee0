"""Runs Dags with ``dag.test()`` on a real metadata database, and tells how that ended and what it left."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from airflow.dag_processing.dagbag import DagBag
    from airflow.sdk import DAG
    from sqlalchemy import Select


@dataclass(frozen=True)
class DagResult:
    """
    How a Dag run ended.

    :param states: By task, the state of each of its instances.
    """

    state: str
    states: dict[str, list[str]]
    run_id: str
    dag_id: str

    def xcom(self, task_id: str, key: str = "return_value", map_index: int = -1) -> Any:
        from airflow.models.xcom import XComModel

        rows = self._rows(XComModel, task_id=task_id, key=key, map_index=map_index)
        return XComModel.deserialize_value(rows[0]) if rows else None

    def rendered(self, task_id: str, map_index: int = -1) -> dict[str, Any]:
        from airflow.models.renderedtifields import RenderedTaskInstanceFields
        from airflow.models.taskinstance import TaskInstance

        # By the instance: Airflow 3.4 calls the columns of the fields otherwise.
        instances = self._rows(TaskInstance, task_id=task_id, map_index=map_index)
        return (RenderedTaskInstanceFields.get_templated_fields(instances[0]) or {}) if instances else {}

    def tries(self, task_id: str) -> list[int]:
        """Return how often each instance of a step was tried, in map order."""
        from airflow.models.taskinstance import TaskInstance

        instances = self._rows(TaskInstance, task_id=task_id)
        return [one.try_number for one in sorted(instances, key=lambda one: one.map_index)]

    def labels(self, task_id: str) -> list[str | None]:
        """Return what the UI calls each instance of a step, in map order."""
        from airflow.models.taskinstance import TaskInstance

        instances = self._rows(TaskInstance, task_id=task_id)
        return [one.rendered_map_index for one in sorted(instances, key=lambda one: one.map_index)]

    def asset_events(self) -> list[tuple[str, dict[str, Any], str | None]]:
        """Return the name, the extra and the partition key of each asset event that the run caused, in their order."""
        from airflow.models.asset import AssetEvent
        from sqlalchemy import select

        caused = select(AssetEvent).filter_by(source_run_id=self.run_id, source_dag_id=self.dag_id)
        return _all(caused.order_by(AssetEvent.id), lambda row: (row.asset.name, row.extra, row.partition_key))

    def _rows(self, model: Any, **columns: Any) -> list[Any]:
        from sqlalchemy import select

        return _all(select(model).filter_by(dag_id=self.dag_id, run_id=self.run_id, **columns))


def _all(query: Select[Any], read: Any = lambda row: row) -> list[Any]:
    from airflow.utils.session import create_session

    with create_session() as session:
        rows = [read(row) for row in session.scalars(query)]
        session.expunge_all()
        return rows


#: What a Dag file of a test can name.
IMPORTS = """
import datetime
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG, Asset, AssetAlias, ObjectStoragePath, TaskGroup, task, task_group
from airflow.sdk.exceptions import AirflowSkipException
from airflow_provider_cloudfn import CloudFunctionOperator, CloudFunctionSensor, CompletionEvent, Emit, ForEach, Pages, Poll
from airflow_provider_cloudfn import Callback, CompletionEventSensor, Confirm, WaitFor
from airflow_provider_cloudfn import cel, lit, secret, EmporixCompleteOperator, EmporixResumeOperator, EmporixStartOperator
from airflow_provider_cloudfn import EmporixProcessContextOperator, EventPublishOperator, emit_when_failed
"""


def dag_file(tasks: str, dag_arguments: str = "", *, before: str = "") -> str:
    """
    Return a Dag file with the one Dag ``d``.

    :param tasks: What makes its tasks.
    :param dag_arguments: What is given to the Dag besides.
    :param before: What stands before the Dag.
    """
    given = f'"d", schedule=None, params={{"id": "1001", "page": 5}}, {dag_arguments}'
    return f"{IMPORTS}{before}\nwith DAG({given}):\n{textwrap.indent(textwrap.dedent(tasks), '    ')}\n"


def call(operator: str = "CloudFunctionOperator", **parameters: str) -> str:
    """
    Return the source of a step ``call`` with these parameters.

    :param parameters: Each as it is written.
    """
    given = {"task_id": "'call'", **parameters}
    return f"{operator}({', '.join(f'{name}={value}' for name, value in given.items())})"


def parse(source: str, folder: Path, name: str = "parsed") -> DagBag:
    """Write a Dag file and parse it as Airflow's parser does."""
    from airflow.dag_processing.dagbag import DagBag

    file = folder / f"{name}.py"
    file.write_text(textwrap.dedent(source))
    return DagBag(str(file), bundle_name="dags-folder", bundle_path=folder)


def run_dag(folder: Path, dag: DAG | Path | str, dag_id: str | None = None, **arguments: Any) -> DagResult:
    """
    Run a Dag.

    :param folder: Airflow's folder of Dags.
    :param dag: One that the test has made itself, a Dag file, or what one holds.
    :param dag_id: Which one of a Dag file; default: its first.
    :param arguments: As of ``dag.test()``.
    """
    from airflow.dag_processing.dagbag import DagBag

    from airflow_provider_cloudfn.events.asset import partitions_available

    is_written_by_test = False
    if isinstance(dag, (Path, str)):
        text = dag.read_text() if isinstance(dag, Path) else dag
        bag = parse(text, folder, f"dag_{abs(hash(text))}")
        assert bag.import_errors == {}
        dag = bag.dags[dag_id or next(iter(bag.dags))]
        # ``dag.test()`` itself writes what it finds in files; of one name, the first, and in Airflow 3.2 whichever came first.
        is_written_by_test = partitions_available() and len(list(folder.glob("*.py"))) == 1
    else:
        bag = DagBag(str(folder), bundle_name="dags-folder", bundle_path=folder, collect_dags=False)
        bag.bag_dag(dag)  # Policies see it, as they see a parsed one.
    if not is_written_by_test:
        write_to_database(bag)
    run = dag.test(**arguments)
    states: dict[str, list[str]] = {}
    for instance in run.get_task_instances():
        states.setdefault(instance.task_id, []).append(str(instance.state))
    return DagResult(state=str(run.state), states=states, run_id=run.run_id, dag_id=dag.dag_id)


def write_to_database(bag: DagBag) -> None:
    """Write Dags into Airflow's database, as its parser does."""
    from airflow.dag_processing.bundles.manager import DagBundlesManager
    from airflow.dag_processing.dagbag import sync_bag_to_db

    DagBundlesManager().sync_bundles_to_db()  # type: ignore[no-untyped-call]  # Airflow's
    sync_bag_to_db(bag, "dags-folder", None)
