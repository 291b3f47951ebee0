"""A fault of the check itself stops neither Airflow nor a Dag that is none of ours."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

# Python imports this before anything else: it keeps modules from being imported, as a broken installation would.
SABOTAGE = """
import os, sys

class Sabotage:
    def find_spec(self, name, path=None, target=None):
        if name in os.environ["SABOTAGED"].split(","):
            raise RuntimeError(f"{name} is broken")

sys.meta_path.insert(0, Sabotage())
"""

PARSED = """
import json, sys
from airflow.dag_processing.dagbag import DagBag

bag = DagBag(sys.argv[1], bundle_name="dags-folder", bundle_path=sys.argv[1])
print(json.dumps({"dags": sorted(bag.dags), "errors": bag.import_errors}))
"""

# As Airflow's parser does: one that has imported Airflow, and of ours what Airflow itself imports, forks a process for each look.
PARSER = """
import json, os, sys, traceback

# What Airflow logs while it is imported is no answer.
answers = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)
import airflow.dag_processing.dagbag

for line in sys.stdin:
    asked = json.loads(line)
    child = os.fork()
    if child == 0:
        code = 1
        try:
            os.dup2(os.open(asked["into"], os.O_WRONLY | os.O_CREAT | os.O_APPEND), 1)
            os.dup2(1, 2)
            os.environ["SABOTAGED"] = ",".join(asked["sabotaged"])
            sys.argv[1:] = [asked["folder"]]
            exec(asked["code"], {"__name__": "__main__"})
            sys.stdout.flush()
            code = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), file=answers, flush=True)
"""

FOREIGN = """
from airflow.sdk import DAG, Asset, task

with DAG("foreign", schedule=[Asset("a")]):
    @task(outlets=[Asset("b")])
    def work(): ...

    work.expand_kwargs([{}])
"""

OURS = """
from airflow.sdk import DAG
from airflow_provider_cloudfn import CloudFunctionOperator

with DAG("ours", schedule=None):
    CloudFunctionOperator(task_id="call", uri='"/v1/" + params.id')
"""

INSIDE = [
    "airflow_provider_cloudfn.authoring",
    "airflow_provider_cloudfn.authoring.task",
    "airflow_provider_cloudfn.authoring.rules",
    "airflow_provider_cloudfn.authoring.expressions",
    "airflow_provider_cloudfn.authoring.variables",
    "airflow_provider_cloudfn.authoring.reading",
    "airflow_provider_cloudfn.cel",
    "airflow_provider_cloudfn.events.run_events",
    "airflow_provider_cloudfn.operators.base",
]


@pytest.fixture(scope="module")
def breakable(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Return the surroundings of a Python on an installation in which the modules that SABOTAGED names are broken."""
    broken = tmp_path_factory.mktemp("broken")
    (broken / "sitecustomize.py").write_text(SABOTAGE)
    path = os.pathsep.join([str(broken), *filter(None, [os.environ.get("PYTHONPATH")])])
    return {**os.environ, "PYTHONPATH": path, "SABOTAGED": ""}


@pytest.fixture
def airflow(breakable: dict[str, str]) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Return a function that starts Python on an installation in which some modules are broken."""

    def start(*command: str, sabotaged: list[str]) -> subprocess.CompletedProcess[str]:
        environment = {**breakable, "SABOTAGED": ",".join(sabotaged)}
        return subprocess.run(
            [sys.executable, *command], env=environment, capture_output=True, text=True, timeout=120, check=False
        )

    return start


@pytest.fixture(scope="module")
def parser(breakable: dict[str, str], airflow_database: None) -> Iterator[subprocess.Popen[str]]:
    """Return a running parser, which takes seconds to start."""
    command = [sys.executable, "-c", PARSER]
    with subprocess.Popen(command, env=breakable, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as running:
        yield running
        assert running.stdin is not None
        running.stdin.close()


@pytest.fixture
def look(parser: subprocess.Popen[str], tmp_path: Path) -> Callable[..., str]:
    """Return a function that runs code in a process of the parser in which some modules are broken; it returns what that wrote."""

    def told(code: str, folder: Path, sabotaged: list[str]) -> str:
        into = tmp_path / "written"
        asked = {"code": code, "folder": str(folder), "into": str(into), "sabotaged": sabotaged}
        assert parser.stdin is not None
        assert parser.stdout is not None
        print(json.dumps(asked), file=parser.stdin, flush=True)
        code_of_it = parser.stdout.readline()
        written = into.read_text()
        assert code_of_it == "0\n", written
        return written

    return told


@pytest.fixture
def parsed(look: Callable[..., str], tmp_path: Path) -> Callable[[list[str]], dict[str, Any]]:
    """Return a function that parses a Dag of ours and another one there, as Airflow does."""
    (tmp_path / "dags").mkdir()
    (tmp_path / "dags" / "foreign.py").write_text(FOREIGN)
    (tmp_path / "dags" / "ours.py").write_text(OURS)
    return lambda sabotaged: dict(json.loads(look(PARSED, tmp_path / "dags", sabotaged).splitlines()[-1]))


@pytest.mark.parametrize(
    "first", ["airflow", "airflow_provider_cloudfn.policy", "airflow_provider_cloudfn.cli.check_command"]
)
def test_the_policy_is_registered_whichever_is_imported_first(airflow: Any, first: str) -> None:
    code = f"""
import {first}
from airflow.settings import get_policy_plugin_manager
print([found.plugin_name for found in get_policy_plugin_manager().hook.dag_policy.get_hookimpls()])
"""

    assert "'cloudfn'" in airflow("-c", code, sabotaged=[]).stdout.splitlines()[-1]


@pytest.mark.parametrize(
    "sabotaged",
    [
        pytest.param([*INSIDE, "lark", "celpy"], id="policy"),
        pytest.param(["airflow_provider_cloudfn.connections.forms"], id="provider info"),
        pytest.param(["airflow_provider_cloudfn.connections"], id="provider info, whole"),
        pytest.param(["airflow_provider_cloudfn.cli.definition"], id="CLI definition"),
        pytest.param(["airflow_provider_cloudfn.cli"], id="CLI definition, whole"),
        pytest.param(["airflow_provider_cloudfn.cli.check_command"], id="a command"),
        pytest.param(["airflow_provider_cloudfn.exceptions"], id="the errors"),
    ],
)
def test_airflow_starts(airflow: Any, sabotaged: list[str]) -> None:
    ended = airflow("-m", "airflow", "version", sabotaged=sabotaged)

    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.strip().splitlines()[-1][0].isdigit()


def test_a_broken_form_is_told_once_and_other_dags_are_parsed(
    airflow: Any, tmp_path: Path, airflow_database: None
) -> None:
    (tmp_path / "foreign.py").write_text(FOREIGN)
    code = f"from airflow.providers_manager import ProvidersManager\nProvidersManager().providers\n{PARSED}"

    ended = airflow("-c", code, str(tmp_path), sabotaged=["airflow_provider_cloudfn.connections.forms"])

    assert json.loads(ended.stdout.splitlines()[-1]) == {"dags": ["foreign"], "errors": {}}
    assert (ended.stdout + ended.stderr).count("its installation is broken") == 1


@pytest.mark.parametrize("door", ["policy", "provider_info"])
def test_what_airflow_imports_when_it_starts_imports_nothing_of_ours_but_the_way_in(airflow: Any, door: str) -> None:
    code = f"""
import sys, airflow_provider_cloudfn.{door}
print(sorted(name.partition(".")[2] for name in sys.modules if name.startswith("airflow_provider_cloudfn.")))
"""

    assert airflow("-c", code, sabotaged=[]).stdout.strip() == str([door])


@pytest.mark.parametrize("sabotaged", [[*INSIDE, "lark", "celpy"], *([one] for one in INSIDE)])
def test_other_dags_are_parsed_and_ours_say_what_is_broken(parsed: Any, sabotaged: list[str]) -> None:
    found = parsed(sabotaged)

    assert found["dags"] == ["foreign"]
    ((file, message),) = found["errors"].items()
    assert file.endswith("ours.py")
    assert "is broken" in message


@pytest.mark.parametrize("sabotaged", [["nothing"], [*INSIDE, "lark", "celpy"]])
def test_dags_of_others_meet_nothing_of_ours_sound_or_broken(
    look: Callable[..., str], tmp_path: Path, sabotaged: list[str]
) -> None:
    for index in range(3):
        (tmp_path / f"foreign_{index}.py").write_text(FOREIGN.replace('"foreign"', f'"foreign_{index}"'))
    code = f"{PARSED}\nprint([name for name in sys.modules if name.startswith('airflow_provider_cloudfn.authoring.')])"

    told = look(code, tmp_path, sabotaged)

    found, imported = told.splitlines()[-2:]
    assert json.loads(found) == {"dags": ["foreign_0", "foreign_1", "foreign_2"], "errors": {}}
    assert imported == "[]"
    assert "itself has failed" not in told


def test_a_fault_of_our_own_is_logged_once_and_is_in_the_error_of_each_dag(
    look: Callable[..., str], tmp_path: Path
) -> None:
    for index in range(3):
        (tmp_path / f"ours_{index}.py").write_text(OURS.replace('"ours"', f'"ours_{index}"'))

    code = PARSED.replace(
        "bag =", "from airflow_provider_cloudfn.authoring import rules; del rules.task_problems\nbag ="
    )
    told = look(code, tmp_path, [])

    errors = json.loads(told.splitlines()[-1])["errors"]
    assert len(errors) == 3
    assert all("it can't be checked (ImportError" in message for message in errors.values())
    assert told.count("itself has failed") == 1


def test_with_nothing_broken_both_are_parsed(parsed: Any) -> None:
    assert parsed(["nothing"]) == {"dags": ["foreign", "ours"], "errors": {}}


def test_a_fault_of_our_own_is_told_as_that(import_errors: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from airflow_provider_cloudfn.authoring import rules

    def broken(*_: Any) -> None:
        raise ZeroDivisionError("division by zero")

    monkeypatch.setattr(rules, "task_problems", broken)

    message = import_errors(OURS)
    assert "it can't be checked (ZeroDivisionError: division by zero)" in message
    assert "and not of the Dag" in message


def test_a_fault_in_the_look_at_a_dag_that_is_none_of_ours_is_logged_only(
    import_errors: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from airflow_provider_cloudfn.authoring import dag_problems

    def broken(*_: Any) -> None:
        raise ZeroDivisionError("division by zero")

    monkeypatch.setattr(dag_problems, "_never_firing", broken)

    assert import_errors(FOREIGN) == ""
    assert "The check of Dag 'foreign' itself has failed" in caplog.text
