"""``airflow cloudfn check``: checks every expression of Dag files, as Airflow's parser does."""

from __future__ import annotations

import ast
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_provider_cloudfn.authoring.reading import formulas, read
from airflow_provider_cloudfn.authoring.rules import task_problems
from airflow_provider_cloudfn.authoring.task import AuthoredTask
from airflow_provider_cloudfn.cli.dag_files import ParsedFiles, bundle_folders, parse
from airflow_provider_cloudfn.cli.presenting import FAILED, Printer, reported

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Iterator

__all__ = ["Finding", "check", "line_of_task"]


@dataclass(frozen=True, slots=True)
class Finding:
    """
    Something that is wrong.

    :param file: The Dag file.
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
    """
    Print what is wrong with any expression.

    :param args: ``path`` (a list) and ``json``.
    """
    printer = Printer(args.json)
    with reported(printer, "check"):
        findings: list[Finding] = []
        dags = tasks = expressions = 0
        for path in [Path(name) for name in args.path] or bundle_folders():
            parsed = parse(path)
            findings.extend(_findings(parsed))
            ours = [task for dag in parsed.dags.values() for task in _ours(dag)]
            dags, tasks = dags + len(parsed.dags), tasks + len(ours)
            expressions += sum(_count(task) for task in ours)
        if args.json:
            printer.document(
                {
                    "dags": dags,
                    "tasks": tasks,
                    "expressions": expressions,
                    "problems": [_finding_dict(finding) for finding in findings],
                }
            )
        else:
            for finding in findings:
                printer.line(_text(finding))
            printer.line(
                f"{expressions} expressions in {tasks} tasks of {dags} Dags: "
                + (("1 problem" if len(findings) == 1 else f"{len(findings)} problems") if findings else "all is well"),
                style="red" if findings else "green",
            )
        if findings:
            sys.exit(FAILED)


def line_of_task(tree: ast.AST, task_id: str) -> int | None:
    """
    Return the line in which a task is made, or None where that can't be told.

    :param tree: The Dag file.
    :param task_id: The task's id; the names of its groups don't stand in the call.
    """
    name = task_id.rpartition(".")[2]
    found = [
        (quality, node.lineno)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        for keyword in node.keywords
        if keyword.arg == "task_id" and (quality := _matches(keyword.value, task_id, name))
    ]
    return min(found)[1] if found else None


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
        lines = text.strip().splitlines()
        yield Finding(file, _line_of_error(text, file), None, None, None, None, lines[-1] if lines else "unknown error")
    for dag in parsed.dags.values():
        tree = _tree(dag.fileloc)
        found = [finding for task in _ours(dag) for finding in _task_findings(dag, task, tree)]
        yield from found
        if not found and dag.dag_id in parsed.refusals:
            message = parsed.refusals[dag.dag_id]
            yield Finding(dag.fileloc, _line_of_dag(tree, dag.dag_id), dag.dag_id, None, None, None, message)


def _task_findings(dag: Any, task: AuthoredTask, tree: ast.AST | None) -> Iterator[Finding]:
    line = None if tree is None else line_of_task(tree, task.task_id)
    for problem in task_problems(task):
        yield Finding(dag.fileloc, line, dag.dag_id, task.task_id, problem.field, problem.source, problem.shown())


def _ours(dag: Any) -> list[AuthoredTask]:
    return [task for task in map(AuthoredTask, dag.tasks) if task.is_ours]


def _count(task: AuthoredTask) -> int:
    return sum(
        1
        for parameter in task.parameters
        for value in task.written(parameter.name)
        for _ in formulas(read(parameter, value))
    )


def _tree(file: str) -> ast.AST | None:
    try:
        return ast.parse(Path(file).read_text(encoding="utf-8"))
    except (OSError, SyntaxError, ValueError):
        return None


def _line_of_dag(tree: ast.AST | None, dag_id: str) -> int | None:
    for node in ast.walk(tree) if tree is not None else ():
        if isinstance(node, ast.Call):
            given = [*node.args[:1], *(one.value for one in node.keywords if one.arg == "dag_id")]
            if any(isinstance(one, ast.Constant) and one.value == dag_id for one in given):
                return node.lineno
    return None


def _line_of_error(text: str, file: str) -> int | None:
    """Return the line of a Dag file that a traceback names last."""
    lines = re.findall(rf'File "[^"]*{re.escape(Path(file).name)}", line (\d+)', text)
    return int(lines[-1]) if lines else None


def _text(finding: Finding) -> str:
    place = finding.file if finding.line is None else f"{finding.file}:{finding.line}"
    names = [name for name in (finding.dag_id, finding.task_id) if name]
    head = ": ".join(part for part in (place, ".".join(names), finding.field) if part)
    return f"{head}: {finding.message}"


def _finding_dict(finding: Finding) -> dict[str, Any]:
    return {
        "file": finding.file,
        "line": finding.line,
        "dag_id": finding.dag_id,
        "task_id": finding.task_id,
        "field": finding.field,
        "expression": finding.expression,
        "message": finding.message,
    }
