"""What is imported of Airflow is what it documents; what it does not stands in one table, with what happens where it is gone."""

from __future__ import annotations

import ast
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

import airflow_provider_cloudfn

if TYPE_CHECKING:
    from collections.abc import Iterator

PACKAGE = Path(airflow_provider_cloudfn.__file__).parent

#: What Airflow's documentation shows to those who write Dags and providers, besides ``airflow.sdk`` and the providers' hooks.
DOCUMENTED = {
    "airflow.cli.cli_config",
    "airflow.dag_processing.bundles.manager",
    "airflow.dag_processing.dagbag",
    "airflow.exceptions",
    "airflow.models.connection",
    "airflow.plugins_manager",
    "airflow.sdk.bases.decorator",
    "airflow.sdk.bases.xcom",
    "airflow.sdk.exceptions",
    "airflow.triggers.base",
    "airflow.providers.amazon.aws.hooks.base_aws",
    "airflow.providers.amazon.aws.utils.connection_wrapper",
    "airflow.providers.common.compat.sdk",
    "airflow.providers.http.hooks.http",
    "airflow.providers.openlineage.extractors",
}

#: Names of ``airflow.sdk`` that 3.2 has not: imported where they are used, after a look whether they are there.
NEWER = {"NEVER_EXPIRE", "RetryDecision", "RetryPolicy"}

#: What Airflow does not document: what for, and what happens in an Airflow without it.
UNDOCUMENTED = {
    "airflow.assets.manager.asset_manager": (
        "makes asset events of what comes in, and queues them for `events catch-up`; without it the receiver answers 503, and "
        "the command says that it can't"
    ),
    "airflow.__main__.main": "runs a rehearsal for the page; it says that it ended without an answer",
    "airflow.api_fastapi.app.get_auth_manager": "asks who may see what; the pages answer 503, and all else is there",
    "airflow.api_fastapi.auth.managers.models.resource_details.DagAccessEntity": "as get_auth_manager",
    "airflow.api_fastapi.auth.managers.models.resource_details.DagDetails": "as get_auth_manager",
    "airflow.api_fastapi.core_api.security.get_user": "as get_auth_manager",
    "airflow.api_fastapi.core_api.security.requires_access_asset": "as get_auth_manager",
    "airflow.api_fastapi.core_api.security.requires_access_dag": "as get_auth_manager",
    "airflow.models.dag_version.DagVersion": "lists the functions; the pages answer 503",
    "airflow.models.renderedtifields.RenderedTaskInstanceFields": "shows what parameters became; the pages answer 503",
    "airflow.models.log.Log": "Airflow's audit log, where actions on pages stand; the pages answer 503",
    "airflow.models.asset.AssetDagRunQueue": "as asset_manager",
    "airflow.models.asset.AssetEvent": "as asset_manager; triggerers get 503, and workers ask Airflow for events themselves",
    "airflow.models.asset.AssetModel": "as AssetEvent",
    "airflow.models.asset.DagScheduleAssetNameReference": "as asset_manager",
    "airflow.models.asset.DagScheduleAssetReference": "as asset_manager",
    "airflow.models.asset.DagScheduleAssetUriReference": "as asset_manager",
    "airflow.models.asset.PartitionedAssetKeyLog": "as asset_manager",
    "airflow.models.serialized_dag.SerializedDagModel": "as asset_manager",
    "airflow.models.crypto.get_fernet": "as asset_manager; what events carry is kept under Airflow's key",
    "airflow.serialization.definitions.assets.SerializedAsset": "as asset_manager, for `unknown = register`",
    "airflow.observability.stats": "counts deliveries; nothing is counted",
    "airflow.settings": "Airflow's database, where migrations run; without it there is no table and no delivery",
    "airflow.utils.db_manager.BaseDBManager": "migrations of our table; as airflow.settings",
    "airflow.models.dag.DagModel": "check says which consumers are paused; it says nothing of that",
    "airflow.models.dagrun.DagRun": "--run-id reads past runs, which only the database has; nothing else needs it",
    "airflow.models.task_state_store.TaskStateStoreModel": "`progress` reads a batch's; without it a batch has no memory",
    "airflow.models.taskinstance.TaskInstance": "as DagRun",
    "airflow.models.xcom.XComModel": "as DagRun",
    "airflow.utils.session.create_session": "as DagRun",
    "airflow.triggers.shared_stream.AdvanceItem": "watchers move on by it; CloudFunctionEventTrigger is refused without it",
    "airflow.triggers.shared_stream.SharedStreamProducer": "as AdvanceItem",
    "airflow.utils.file.list_py_file_paths": "finds Dag files in 3.2 and 3.3; the next one is tried",
    "airflow.sdk.importers.find_file_dag_definitions": "finds Dag files in 3.4; every *.py of the folder is taken",
    "airflow.sdk.bases.decorator._TaskDecorator": "maps functions; @task.cloudfn is missing, and all else is there",
    "airflow.sdk.execution_time.context.ConnectionAccessor": "templates in rehearsals; as OutletEventAccessors",
    "airflow.sdk.execution_time.context.MacrosAccessor": "as ConnectionAccessor",
    "airflow.sdk.execution_time.context.VariableAccessor": "as ConnectionAccessor",
    "airflow.sdk.execution_time.context.OutletEventAccessor": "tells whether events have partition keys; they have none",
    "airflow.sdk.execution_time.context.OutletEventAccessors": "collects events in rehearsals; nothing else needs it",
    "airflow.sdk.execution_time.task_runner.RuntimeTaskInstance": (
        "asks what became of a task that a person has ended, before its job is cancelled; Airflow logs that that failed"
    ),
    "airflow.sdk.execution_time.lazy_sequence.LazyXComSequence": "a mapped step's XComs; a step that reads them fails",
    "airflow.sdk.log": "masks secrets; a call must fail that can't hide its secrets",
    "airflow.sdk.log.mask_secret": "as airflow.sdk.log",
    "airflow.sdk._shared.secrets_masker.mask_secret": "asked for in 3.2 only, which has it",
    "airflow.sdk._shared.secrets_masker.secrets_masker._secrets_masker": "hides many texts at once; else one by one, slower",
    "airflow.sdk._shared.secrets_masker.secrets_masker.SECRETS_TO_SKIP_MASKING": "as the masker itself",
    "airflow.sdk.observability.stats": "counts attempts; nothing is counted",
}


def run_time_imports() -> Iterator[str]:
    """Yield every name of Airflow that is imported, unless for the type checker alone."""
    for file in sorted(PACKAGE.rglob("*.py")):
        tree = ast.parse(file.read_text())
        skipped = {
            id(inner)
            for node in ast.walk(tree)
            if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
            for statement in node.body
            for inner in ast.walk(statement)
        }
        for node in ast.walk(tree):
            if id(node) in skipped:
                continue
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names if alias.name.split(".")[0] == "airflow")
            elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "airflow":
                yield from (f"{node.module}.{alias.name}" for alias in node.names)


def is_documented(name: str) -> bool:
    import airflow.sdk

    module, _, member = name.rpartition(".")
    return (module in DOCUMENTED and not member.startswith("_")) or (
        module == "airflow.sdk" and member in {*airflow.sdk.__all__, *NEWER}
    )


def test_whatever_is_not_documented_stands_in_the_table() -> None:
    assert {name for name in run_time_imports() if not is_documented(name)} == set(UNDOCUMENTED)


@pytest.mark.parametrize(
    "gone", ["airflow.utils.file", "airflow.sdk.importers", "airflow.utils.file airflow.sdk.importers"]
)
def test_dag_files_are_found_in_an_airflow_without(gone: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from airflow_provider_cloudfn.cli.dag_files import _files

    for module in gone.split():
        monkeypatch.setitem(sys.modules, module, None)
    (tmp_path / "inner").mkdir()
    for name in ("b.py", "inner/a.py"):
        (tmp_path / name).write_text("from airflow.sdk import DAG")
    (tmp_path / "notes.txt").write_text("airflow dag")

    assert list(_files(tmp_path, None)) == [tmp_path / "b.py", tmp_path / "inner" / "a.py"]


def test_what_the_parser_ignores_is_ignored(tmp_path: Path) -> None:
    from airflow_provider_cloudfn.cli.dag_files import _files

    for name in ("kept.py", "left_out.py"):
        (tmp_path / name).write_text("from airflow.sdk import DAG")
    (tmp_path / ".airflowignore").write_text("left_out.py\n")

    assert list(_files(tmp_path, None)) == [tmp_path / "kept.py"]


def test_an_airflow_without_partitioned_assets_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    from airflow_provider_cloudfn.events.asset import partitions_available

    monkeypatch.setitem(sys.modules, "airflow.sdk.execution_time.context", SimpleNamespace())  # type: ignore[arg-type]

    assert not partitions_available()


def test_an_airflow_without_its_counters_counts_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    from airflow_provider_cloudfn.hooks.observation import _stats

    monkeypatch.setitem(sys.modules, "airflow.sdk.observability", None)

    assert _stats() is None
