"""``airflow cloudfn check``: checks every expression of Dag files, as Airflow's parser does."""

from __future__ import annotations

import ast
import re
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_provider_cloudfn.authoring.options import formulas_of
from airflow_provider_cloudfn.authoring.rules import task_problems
from airflow_provider_cloudfn.authoring.task import AuthoredTask
from airflow_provider_cloudfn.cli.credential_notes import credential_notes
from airflow_provider_cloudfn.cli.dag_files import ParsedFiles, bundle_folders, parse
from airflow_provider_cloudfn.cli.event_findings import event_findings
from airflow_provider_cloudfn.cli.key_notes import key_notes
from airflow_provider_cloudfn.cli.options import option_notes, option_problems
from airflow_provider_cloudfn.cli.presenting import FAILED, Printer, reported

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Iterator

__all__ = ["Finding", "check", "line_of_task"]


@dataclass(frozen=True, slots=True)
class Finding:
    """
    Something that is wrong.

    :param file: The Dag file; ``[cloudfn]`` where it is about an option of Airflow's configuration.
    :param line: Where the task stands in it; None where that can't be told.
    :param dag_id: The Dag; None where the file can't be imported.
    :param task_id: The task; None where it is about the Dag as a whole.
    :param field: The parameter, such as ``query["since"]``; None where it is about none.
    :param expression: The expression; None where it is about none.
    :param message: What is wrong.
    """

    file: str
    line: int | None
    dag_id: str | None
    task_id: str | None
    field: str | None
    expression: str | None
    message: str


def check(args: Namespace) -> None:
    """Print what is wrong with any expression of the Dag files in ``args.path``."""
    printer = Printer(args.json)
    with reported(printer, "check"):
        parsed = [parse(path) for path in [Path(name) for name in args.path] or bundle_folders()]
        findings = [finding for files in parsed for finding in _findings(files)]
        dags = [dag for files in parsed for dag in files.dags.values()]
        tasks = [task for dag in dags for task in _ours(dag)]
        expressions = sum(_count(task) for task in tasks)
        # Where one file declares an event and waits for it, the parser has said what is wrong.
        said = {(finding.dag_id, finding.task_id) for finding in findings}
        about_events = [pair for pair in _event_findings(dags) if (pair[0].dag_id, pair[0].task_id) not in said]
        findings.extend(finding for finding, is_certain in about_events if is_certain)
        findings += [_of_option(*problem) for problem in option_problems()]
        warnings = [*(finding for finding, is_certain in about_events if not is_certain), *_noted(dags)]
        warnings += [_of_option(*note) for note in option_notes()]
        if args.json:
            printer.document(
                {
                    "dags": len(dags),
                    "tasks": len(tasks),
                    "expressions": expressions,
                    "problems": [asdict(finding) for finding in findings],
                    "warnings": [asdict(finding) for finding in warnings],
                }
            )
        else:
            for finding in findings:
                printer.line(_text(finding))
            for finding in warnings:
                printer.line(f"Note: {_text(finding)}", style="yellow")
            verdict = "all is well" if dags else "there is no Dag to check: is it the right folder?"
            printer.line(
                f"{_counted(expressions, 'expression')} in {_counted(len(tasks), 'task')} of {_counted(len(dags), 'Dag')}: "
                + (_counted(len(findings), "problem") if findings else verdict),
                style="red" if findings else "green" if dags else "yellow",
            )
        if findings:
            sys.exit(FAILED)


def line_of_task(tree: ast.AST, task_id: str, dag_id: str | None = None) -> int | None:
    """
    Return the line in which a task is made, or None; the names of its groups don't stand in the call.

    :param tree: The file.
    :param task_id: The task.
    :param dag_id: Its Dag: tasks of several in one file can have the same id.
    """
    own = None if dag_id is None else _block_of_dag(tree, dag_id)
    if own is not None and (line := line_of_task(own, task_id)) is not None:
        return line
    name = task_id.rpartition(".")[2]
    found = [
        (quality, node.lineno)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        for keyword in node.keywords
        if keyword.arg == "task_id" and (quality := _matches(keyword.value, task_id, name))
    ]
    # A function under a decorator gives its own name, and Airflow numbers those that are called again.
    found += [
        (3, node.decorator_list[0].lineno)
        for node in ast.walk(tree)
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
        if node.decorator_list and node.name in (name, re.sub(r"__[0-9]+$", "", name))
    ]
    return min(found)[1] if found else None


def _block_of_dag(tree: ast.AST, dag_id: str) -> ast.AST | None:
    """Return what stands in the `with` of a Dag, or in the function under its decorator."""
    for node in ast.walk(tree):
        makers: list[ast.expr] = []
        if isinstance(node, ast.With):
            makers = [item.context_expr for item in node.items]
        elif isinstance(node, ast.FunctionDef):
            makers = node.decorator_list
        if any(_names_dag(maker, dag_id) for maker in makers):
            return node
    return None


def _names_dag(call: ast.expr, dag_id: str) -> bool:
    if not isinstance(call, ast.Call):
        return False
    given = [*call.args[:1], *(one.value for one in call.keywords if one.arg == "dag_id")]
    return any(isinstance(one, ast.Constant) and one.value == dag_id for one in given)


def _matches(value: ast.expr, task_id: str, name: str) -> int:
    """Return how well what stands behind ``task_id=`` is the id: 1 exactly, 2 by its form, 0 not at all."""
    if isinstance(value, ast.Constant):
        return 1 if value.value in (task_id, name) else 0
    if isinstance(value, ast.JoinedStr):
        parts = (re.escape(str(part.value)) if isinstance(part, ast.Constant) else ".*" for part in value.values)
        return 2 if re.fullmatch("".join(parts), name) else 0
    return 0


def _findings(parsed: ParsedFiles) -> Iterator[Finding]:
    for file, text in parsed.errors.items():
        yield Finding(file, _line_of_error(text, file), None, None, None, None, _message_of(text))
    refused = {id(dag): message for dag, message in parsed.refused}
    for dag in {id(dag): dag for dag in (*parsed.dags.values(), *(dag for dag, _ in parsed.refused))}.values():
        tree = _tree(dag.fileloc)
        found = [(task.task_id, problem) for task in _ours(dag) for problem in task_problems(task)]
        for task_id, problem in found:
            line = line_of_task(tree, task_id, dag.dag_id)
            yield Finding(dag.fileloc, line, dag.dag_id, task_id, problem.field, problem.source, problem.shown())
        if not found and id(dag) in refused:
            line = _line_of_dag(tree, dag.dag_id)
            yield Finding(dag.fileloc, line, dag.dag_id, None, None, None, refused[id(dag)])


def _event_findings(dags: list[Any]) -> Iterator[tuple[Finding, bool]]:
    tasks = [(dag, AuthoredTask(task)) for dag in dags for task in dag.tasks]
    for found in event_findings(tasks, dags):
        dag, task_id = found.dag, found.task_id
        tree = _tree(dag.fileloc)
        line = _line_of_dag(tree, dag.dag_id) if task_id is None else line_of_task(tree, task_id, dag.dag_id)
        yield Finding(dag.fileloc, line, dag.dag_id, task_id, found.field, None, found.message), found.is_certain


def _noted(dags: list[Any]) -> Iterator[Finding]:
    for dag in dags:
        for note in (*key_notes(_ours(dag)), *credential_notes(_ours(dag))):
            task_id = note.task.task_id
            line = line_of_task(_tree(dag.fileloc), task_id, dag.dag_id)
            yield Finding(dag.fileloc, line, dag.dag_id, task_id, note.field, None, note.message)


def _of_option(name: str, said: str) -> Finding:
    return Finding("[cloudfn]", None, None, None, name, None, said)


def _counted(count: int, name: str) -> str:
    return f"{count} {name}" if count == 1 else f"{count} {name}s"


def _ours(dag: Any) -> list[AuthoredTask]:
    return [task for task in map(AuthoredTask, dag.tasks) if task.is_ours]


def _count(task: AuthoredTask) -> int:
    return sum(1 for _ in formulas_of(task))


def _tree(file: str) -> ast.AST:
    """Return a file's syntax tree; one in which nothing is found where it can't be read."""
    try:
        return ast.parse(Path(file).read_text(encoding="utf-8"))
    except (OSError, SyntaxError, ValueError):
        return ast.Module([], [])


def _line_of_dag(tree: ast.AST, dag_id: str) -> int | None:
    return next(
        (node.lineno for node in ast.walk(tree) if isinstance(node, ast.Call) and _names_dag(node, dag_id)), None
    )


def _message_of(text: str) -> str:
    """Return what an error says, all its lines, without the traceback before it."""
    lines = text.strip().splitlines()
    last_frame = max((index for index, line in enumerate(lines) if line.startswith('  File "')), default=-1)
    said = [index for index in range(last_frame + 1, len(lines)) if not lines[index].startswith(" ")]
    return "\n".join(lines[said[0] :]) if said else text.strip() or "unknown error"


def _line_of_error(text: str, file: str) -> int | None:
    """Return the line of a Dag file that a traceback names last, or that of the task that the error names."""
    lines = re.findall(rf'File "[^"]*{re.escape(Path(file).name)}", line (\d+)', text)
    if lines:
        return int(lines[-1])
    # Airflow shows the end of a traceback only, where the Dag file may not stand.
    task = re.search(r"\(task_id: ([^)]+)\)|Error: \w+ '([^']+)':$", text, re.MULTILINE)
    return line_of_task(_tree(file), task[1] or task[2]) if task else None


def _text(finding: Finding) -> str:
    place = finding.file if finding.line is None else f"{finding.file}:{finding.line}"
    names = [name for name in (finding.dag_id, finding.task_id) if name]
    head = ": ".join(part for part in (place, ".".join(names), finding.field) if part)
    return f"{head}: {finding.message}"
