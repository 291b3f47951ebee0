"""``airflow cloudfn fmt``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

DAG = """from airflow_provider_cloudfn import CloudFunctionOperator

CloudFunctionOperator(task_id="a", uri='"/v1/"+params.id')  # é
"""
FORMATTED = DAG.replace('"+params', '" + params')


@pytest.fixture
def dag(tmp_path: Path) -> Path:
    file = tmp_path / "dag.py"
    file.write_text(DAG, encoding="utf-8")
    return file


def test_it_formats_files_and_those_of_folders(cloudfn: Callable[..., Any], dag: Path) -> None:
    ended = cloudfn("fmt", str(dag.parent))

    assert (ended.code, dag.read_text(encoding="utf-8")) == (0, FORMATTED)
    assert f"formatted {dag}" in ended.out
    assert "1 file formatted, 0 files stay as they are" in ended.out
    assert "0 files formatted, 1 file stay" in cloudfn("fmt", str(dag)).out


@pytest.mark.parametrize(("options", "code"), [(["--check"], 1), (["--diff"], 0), (["--check", "--diff"], 1)])
def test_check_and_diff_write_nothing(cloudfn: Callable[..., Any], dag: Path, options: list[str], code: int) -> None:
    ended = cloudfn("fmt", *options, str(dag))

    assert (ended.code, dag.read_text(encoding="utf-8")) == (code, DAG)
    assert ('+CloudFunctionOperator(task_id="a", uri=\'"/v1/" + params.id\')  # é' in ended.out) == (
        "--diff" in options
    )


def test_check_is_content_with_what_is_formatted(cloudfn: Callable[..., Any], dag: Path) -> None:
    dag.write_text(FORMATTED, encoding="utf-8")

    assert cloudfn("fmt", "--check", str(dag)).code == 0


def test_encoding_line_ends_mode_and_links_stay(cloudfn: Callable[..., Any], dag: Path) -> None:
    text = f"# -*- coding: latin-1 -*-\n{DAG}".replace("\n", "\r\n")
    dag.write_bytes(text.encode("latin-1"))
    dag.chmod(0o640)
    link = dag.with_name("link.py")
    link.symlink_to(dag)

    assert cloudfn("fmt", str(link)).code == 0

    assert dag.read_bytes() == text.replace('"+params', '" + params').encode("latin-1")
    assert dag.stat().st_mode & 0o777 == 0o640
    assert link.is_symlink()
    assert sorted(file.name for file in dag.parent.iterdir()) == ["dag.py", "link.py"]


def test_a_byte_order_mark_stays(cloudfn: Callable[..., Any], dag: Path) -> None:
    dag.write_text(DAG, encoding="utf-8-sig")

    assert cloudfn("fmt", str(dag)).code == 0
    assert dag.read_bytes() == FORMATTED.encode("utf-8-sig")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("def (:\n", ":1: is no Python that can be read"),
        ("x = '\0'\n", ": is no Python that can be read"),
        ("# coding: nonsense\n", ": is no Python that can be read"),
        (DAG + "CloudFunctionOperator(task_id='b', uri='/v1/charges')\n", ":4: uri: 1:1: text stands in quotes"),
    ],
)
def test_a_file_with_a_fault_is_named_and_stays_and_the_others_are_formatted(
    cloudfn: Callable[..., Any], dag: Path, text: str, said: str
) -> None:
    wrong = dag.with_name("a_wrong_one.py")
    wrong.write_text(text, encoding="utf-8")

    ended = cloudfn("fmt", str(wrong), str(dag))

    assert ended.code == 1
    assert f"{wrong}{said}" in ended.err
    assert "1 file with faults" in ended.out
    assert (wrong.read_text(encoding="utf-8"), dag.read_text(encoding="utf-8")) == (text, FORMATTED)


def test_a_path_that_is_not_there_is_a_mistake_of_the_caller(cloudfn: Callable[..., Any], tmp_path: Path) -> None:
    ended = cloudfn("fmt", str(tmp_path / "nothing.py"))

    assert ended.code == 2
    assert "there is no file or folder" in ended.err


def test_a_longer_line_can_be_asked_for(cloudfn: Callable[..., Any], dag: Path) -> None:
    body = '"""{"amount":steps.fetch.total,"customer":steps.fetch.customer,"id":params.id}"""'
    dag.write_text(f"from airflow_provider_cloudfn import cel\n\nx = cel({body})\n", encoding="utf-8")

    assert cloudfn("fmt", "--line-length", "120", str(dag)).code == 0
    assert len(dag.read_text(encoding="utf-8").splitlines()) == 3
    assert cloudfn("fmt", str(dag)).code == 0
    assert len(dag.read_text(encoding="utf-8").splitlines()) == 5


def test_a_file_whose_encoding_lacks_a_character_is_named_and_the_others_are_formatted(
    cloudfn: Callable[..., Any], dag: Path
) -> None:
    first = dag.with_name("a_first_one.py")
    source = (
        "# -*- coding: latin-1 -*-\nfrom airflow_provider_cloudfn import cel\n\nx = cel(\"inputs.a=='é\\u20ac'\")\n"
    )
    first.write_text(source, encoding="latin-1")

    ended = cloudfn("fmt", str(first), str(dag))

    assert ended.code == 1
    assert str(first) in ended.err
    assert (first.read_text(encoding="latin-1"), dag.read_text(encoding="utf-8")) == (source, FORMATTED)


def test_files_of_an_environment_in_the_folder_stay(cloudfn: Callable[..., Any], dag: Path) -> None:
    foreign = dag.parent / ".venv" / "lib" / "module.py"
    foreign.parent.mkdir(parents=True)
    foreign.write_bytes(dag.read_bytes())
    before = foreign.read_bytes()

    assert cloudfn("fmt", str(dag.parent)).code == 0

    assert foreign.read_bytes() == before
    assert dag.read_text(encoding="utf-8") == FORMATTED
