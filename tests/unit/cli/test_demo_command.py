"""``airflow cloudfn demo``, over a demo that starts no Airflow."""

from __future__ import annotations

import sys
import tempfile
from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_cloudfn.cli import demo_command
from airflow_provider_cloudfn.cli.demo.__main__ import STOPPED
from airflow_provider_cloudfn.cli.demo.examples import copy_examples

if TYPE_CHECKING:
    from collections.abc import Callable

EXAMPLES = {file.name: file.read_bytes() for file in (Path(__file__).parents[3] / "example_dags").glob("*.py")}


@pytest.fixture
def demo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[object, list[str]]]:
    """Return a function that runs the command; it tells the exit code and what the demo was told."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    def run(ends_with: int = 0, *, exits: bool = False, **options: Any) -> tuple[object, list[str]]:
        told: list[str] = []

        def main(arguments: list[str]) -> int:
            told.extend(arguments)
            if exits:
                sys.exit(ends_with)
            return ends_with

        monkeypatch.setattr(demo_command, "main", main)
        with pytest.raises(SystemExit) as ended:
            demo_command.demo(Namespace(**{"home": None, "keep": False, "once": False, "port": 0, **options}))
        return ended.value.code, told

    return run


def test_the_examples_are_copied_whole(tmp_path: Path) -> None:
    copy_examples(tmp_path / "new" / "dags")

    assert {file.name: file.read_bytes() for file in (tmp_path / "new" / "dags").iterdir()} == EXAMPLES


def test_a_dag_that_is_there_stays_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "order_to_cash.py").write_text("changed")

    copy_examples(tmp_path)

    assert (tmp_path / "order_to_cash.py").read_text() == "changed"


def test_it_runs_the_copied_dags_in_the_folder_that_it_prints(
    demo: Callable[..., Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, told = demo(home=str(tmp_path / "mine"))

    assert (code, told) == (
        0,
        ["--home", str(tmp_path / "mine"), "--dags", str(tmp_path / "mine" / "dags"), "--port", "0"],
    )
    assert f"The demo's folder is {tmp_path / 'mine'}; its Dags are in" in capsys.readouterr().out


def test_port_and_once_are_handed_on(demo: Callable[..., Any]) -> None:
    _, told = demo(once=True, port=8080)

    assert told[-3:] == ["--port", "8080", "--once"]


@pytest.mark.parametrize("code", [0, STOPPED])
@pytest.mark.parametrize("exits", [False, True])
def test_a_temporary_folder_goes_with_the_demo(
    demo: Callable[..., Any], tmp_path: Path, code: int, exits: bool
) -> None:
    assert demo(code, exits=exits)[0] == code
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("code", "options"),
    [
        pytest.param(0, {"keep": True}, id="--keep"),
        pytest.param(1, {}, id="a demo that failed"),
    ],
)
def test_the_folder_is_kept(
    demo: Callable[..., Any],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    code: int,
    options: dict[str, Any],
) -> None:
    assert demo(code, **options)[0] == code

    (kept,) = tmp_path.iterdir()
    assert (kept / "dags" / "order_to_cash.py").is_file()
    assert f"The demo's folder stays: {kept};" in capsys.readouterr().out


def test_a_folder_that_can_not_be_written_is_told(demo: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    code, told = demo(home=str(tmp_path / "file"))

    assert "airflow cloudfn demo: can't write" in str(code)
    assert "--home" in str(code)
    assert told == []
