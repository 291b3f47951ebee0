"""Finds Dags and their tasks as Airflow's parser does, those included that a policy refuses."""

from __future__ import annotations

import contextlib
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_provider_cloudfn.cli.silenced_logs import silenced_logs
from airflow_provider_cloudfn.exceptions import ConfigurationError
from airflow_provider_cloudfn.testing.samples import suggestion

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["ParsedFiles", "bundle_folders", "find_task", "last_line", "parse"]


@dataclass(slots=True)
class ParsedFiles:
    """
    What parsing found.

    :param dags: The Dags by id; of several with one id the first, as Airflow has it.
    :param errors: Why files could not be imported, by file.
    :param refused: The Dags that the policy refuses, each with why.
    """

    dags: dict[str, Any] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)
    refused: list[tuple[Any, str]] = field(default_factory=list)


def parse(path: Path, dag_id: str | None = None) -> ParsedFiles:
    """
    Parse a Dag file, or the Dag files of a folder.

    :param dag_id: The Dag that is looked for: the files that name it come first, and the search ends with it.
    :raises ConfigurationError: when there is no such path.
    """
    if not path.exists():
        raise ConfigurationError(f"there is no file or folder {path}: check the path")
    found = ParsedFiles()
    folder = path if path.is_dir() else path.parent
    with _quiet(), _importable(folder):
        bag = _bag(found, path, folder)
        for file in _files(path, dag_id):
            bag.process_file(str(file), only_if_updated=False, safe_mode=path.is_dir())
            if dag_id is not None and dag_id in found.dags:
                break
    for name, text in bag.import_errors.items():
        if "ClusterPolicyViolation" not in text:
            found.errors[_within(folder, name)] = text
    return found


def _within(folder: Path, name: str) -> str:
    """Return the path of a file that an error is about: Airflow names it within its folder, 3.4 with the folder before it."""
    is_whole = Path(name).is_relative_to(folder) and not (folder / name).exists()
    return name if is_whole else str(folder / name)


def find_task(dag_id: str, task_id: str, file: str | None) -> Any:
    """
    Return a task as the Dag file makes it.

    :param file: The Dag file or a folder of them; None looks through the configured Dag bundles.
    :raises ConfigurationError: when there is none; the message says what there is, and what to do.
    """
    known: list[str] = []
    errors: dict[str, str] = {}
    for place in [Path(file)] if file else bundle_folders():
        parsed = parse(place, dag_id)
        if dag_id in parsed.dags:
            return _task(parsed.dags[dag_id], task_id)
        known.extend(parsed.dags)
        errors.update(parsed.errors)
    raise ConfigurationError(_no_dag(dag_id, known, errors, file))


def _task(dag: Any, task_id: str) -> Any:
    if task_id in dag.task_dict:
        return dag.task_dict[task_id]
    there = ", ".join(sorted(dag.task_dict)) or "none"
    nearest = suggestion(task_id, dag.task_dict)
    raise ConfigurationError(f"Dag {dag.dag_id!r} has no task {task_id!r}; it has {there}{nearest}")


def _no_dag(dag_id: str, known: list[str], errors: dict[str, str], file: str | None) -> str:
    where = file or "the configured Dag bundles"
    parts = [f"there is no Dag {dag_id!r} in {where}{suggestion(dag_id, known)}"]
    parts += [f"{name} can't be imported: {last_line(text)}; mend it, and try again" for name, text in errors.items()]
    if not file and not errors:
        parts.append("name its file or folder with --file")
    return "; ".join(parts)


def last_line(text: str) -> str:
    """Return what a traceback ends with, which says what is wrong."""
    return (text.strip().splitlines() or ["no reason was given"])[-1]


def bundle_folders() -> list[Path]:
    """Return the folders of the Dag bundles that Airflow is configured with, as far as they are there."""
    with _quiet():
        from airflow.dag_processing.bundles.manager import DagBundlesManager

        manager = DagBundlesManager()  # type: ignore[no-untyped-call]  # Airflow has not typed it
        bundles = list(manager.get_all_dag_bundles())
        for bundle in bundles:
            bundle.initialize()
    return [Path(bundle.path) for bundle in bundles if Path(bundle.path).exists()]


def _files(path: Path, dag_id: str | None) -> Iterable[Path]:
    if path.is_file():
        return [path]
    files = sorted(_files_in(path))
    if dag_id is None:
        return files
    return sorted(files, key=lambda file: dag_id not in file.read_text(encoding="utf-8", errors="replace"))


def _files_in(folder: Path) -> Iterable[Path]:
    """Return the files that Airflow's parser looks at. Each Airflow has its own function for it, and documents none."""
    with contextlib.suppress(ImportError):  # 3.2 and 3.3
        from airflow.utils.file import list_py_file_paths

        return [Path(name) for name in list_py_file_paths(str(folder))]
    with contextlib.suppress(ImportError):  # 3.4
        from airflow.sdk.importers import find_file_dag_definitions  # type: ignore[import-not-found]  # there in 3.4 only

        return [found.path for found in find_file_dag_definitions(folder, [".py", ".zip"])]
    # What .airflowignore leaves out is parsed then as well.
    return folder.rglob("*.py")


def _bag(found: ParsedFiles, path: Path, folder: Path) -> Any:
    from airflow.dag_processing.dagbag import DagBag
    from airflow.exceptions import AirflowClusterPolicyViolation

    class Bag(DagBag):
        """Keeps a Dag that a policy refuses: what is wrong with it is what somebody wants to see."""

        def bag_dag(self, dag: Any) -> None:
            found.dags.setdefault(dag.dag_id, dag)
            try:
                super().bag_dag(dag)
            except AirflowClusterPolicyViolation as error:
                found.refused.append((dag, str(error)))
                raise

    return Bag(str(path), collect_dags=False, bundle_path=folder)


@contextlib.contextmanager
def _importable(folder: Path) -> Iterator[None]:
    """Let Dag files import what lies beside them, as in a Dag bundle."""
    text = str(folder.resolve())
    added = text not in sys.path
    if added:
        sys.path.append(text)
    try:
        yield
    finally:
        if added:
            sys.path.remove(text)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep what Dag files print and the parser logs away from what the command prints."""
    with silenced_logs(), contextlib.redirect_stdout(sys.stderr):
        yield
