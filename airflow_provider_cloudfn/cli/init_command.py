"""``airflow cloudfn init``: writes a first Dag with its sample and its test, and says how to create its connection."""

from __future__ import annotations

import json
import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from airflow_provider_cloudfn.cli.first_project import FirstProject
from airflow_provider_cloudfn.cli.first_questions import QUESTIONS, Question
from airflow_provider_cloudfn.cli.presenting import Printer, reported
from airflow_provider_cloudfn.exceptions import ConfigurationError

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Mapping

__all__ = ["init"]


# It stands in Python, in a shell's command line, and in the name of a host that the tests make of it.
_CONN_ID = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:[_-][A-Za-z0-9]+)*")
_LONGEST_CONN_ID = 60


def init(args: Namespace) -> None:
    """Write a first Dag into ``args.folder``."""
    printer = Printer(as_json=False)
    with reported(printer, "init"):
        folder = Path(args.folder)
        _require_no_file(folder, FirstProject("", "", "api_key").files())
        project = _checked(_project(_answers(args)))
        _write(folder, project.files())
        printer.heading(f"Written into {folder}: {', '.join(project.files())}")
        printer.line(f"\n{project.next_steps()}")


def _answers(args: Namespace) -> dict[str, str]:
    """Return what is known after asking for what no option says, if there is somebody to ask."""
    given = {question.name: value for question in QUESTIONS if (value := getattr(args, question.name)) is not None}
    interactive = sys.stdin.isatty()
    answers: dict[str, str] = {}
    missing: list[str] = []
    for question in QUESTIONS:
        if question.auth_type is not None and question.auth_type != answers.get("auth"):
            if question.name in given and "auth" in answers:
                raise ConfigurationError(
                    f"{question.option} belongs to --auth {question.auth_type}: leave it out, or choose that one"
                )
        elif question.name in given:
            answers[question.name] = given[question.name]
        elif interactive:
            answers[question.name] = _ask(question)
        elif question.default is not None:
            answers[question.name] = question.default
        else:
            missing.append(question.option)
    if missing:
        raise ConfigurationError(
            f"{', '.join(missing)} must be given where there is no terminal to ask in"
            + (f": --auth is one of {', '.join(QUESTIONS[0].choices)}" if "--auth" in missing else "")
        )
    return answers


def _ask(question: Question) -> str:
    choices = f" ({' or '.join(question.choices)})" if question.choices else ""
    default = f" [{question.default or 'none'}]" if question.default is not None else ""
    while True:
        try:
            answer = input(f"{question.asked[0].upper()}{question.asked[1:]}{choices}{default}: ").strip()
        except EOFError:
            raise ConfigurationError(f"{question.option} was not answered: nothing is written") from None
        if not answer and question.default is not None:
            return question.default
        if answer and (not question.choices or answer in question.choices):
            return answer


def _project(answers: Mapping[str, str]) -> FirstProject:
    settings = {
        question.extra: answer
        for question in QUESTIONS
        if question.extra is not None and (answer := answers.get(question.name))
    }
    return FirstProject(answers["conn_id"], answers["host"], answers["auth"], settings)


def _checked(project: FirstProject) -> FirstProject:
    """Return a project whose connection the hook would take."""
    from airflow.sdk import Connection

    from airflow_provider_cloudfn.connections.cloudfn import CloudFunctionConnection

    if not _CONN_ID.fullmatch(project.conn_id) or len(project.conn_id) > _LONGEST_CONN_ID:
        raise ConfigurationError(
            f"--conn-id: {project.conn_id!r} must be letters and digits with single '_' or '-' between them, a letter first, "
            f"and {_LONGEST_CONN_ID} characters at most"
        )
    stand_in = "the-secret-which-nobody-has-told"
    CloudFunctionConnection.from_connection(
        Connection(
            conn_id=project.conn_id,
            conn_type="cloudfn",
            host=project.host,
            password=stand_in,
            extra=json.dumps(project.extra()),
        )
    )
    return project


def _require_no_file(folder: Path, files: Mapping[str, str]) -> None:
    if folder.exists() and not folder.is_dir():
        raise ConfigurationError(f"{folder} is a file: name a folder, which is made if it is not there")
    for parent in {folder / name for file in files for name in Path(file).parents if name != Path()}:
        if os.path.lexists(parent) and not parent.is_dir():
            raise ConfigurationError(f"{parent} is no folder: name another folder; nothing is written")
    if there := [name for name in files if os.path.lexists(folder / name)]:
        raise ConfigurationError(f"{folder} has {', '.join(there)} already: name another folder; nothing is written")


def _write(folder: Path, files: Mapping[str, str]) -> None:
    try:
        for name, text in files.items():
            file = folder / name
            file.parent.mkdir(parents=True, exist_ok=True)
            with file.open("x", encoding="utf-8") as opened:
                opened.write(text)
    except OSError as error:
        raise ConfigurationError(f"can't write {error.filename}: {error.strerror}") from None
