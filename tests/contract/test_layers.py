"""Which part may import which: the arrows of the design."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import airflow_provider_cloudfn

if TYPE_CHECKING:
    from collections.abc import Iterator

PACKAGE = Path(airflow_provider_cloudfn.__file__).parent
NAME = "airflow_provider_cloudfn"

LEAVES = {"exceptions", "json_encoding", "json_text", "lazy_names", "redacted"}
ARROWS: dict[str, set[str]] = {
    "exceptions": set(),
    "json_encoding": set(),
    "json_text": set(),
    "lazy_names": set(),
    "redacted": set(),
    "cel": set(),
    "auth": set(),
    "client": {"auth"},
    "connections": {"auth", "client"},
    "hooks": {"connections", "client", "auth", "cel"},
    "events": {"cel"},
    "fields": {"cel"},
    "checking": {"fields", "cel"},
    "rendering": {"checking", "events", "cel"},
    "triggers": {"hooks", "events", "cel", "client", "auth"},
    "links": set(),
    "retry_policy": set(),
    "operators": {
        "hooks",
        "triggers",
        "rendering",
        "checking",
        "fields",
        "events",
        "links",
        "cel",
        "client",
        "auth",
        "retry_policy",
    },
    "sensors": {
        "hooks",
        "triggers",
        "rendering",
        "checking",
        "fields",
        "events",
        "links",
        "cel",
        "client",
        "operators",
        "retry_policy",
    },
    "policy": {"checking", "rendering", "events", "fields", "operators"},
    "sandbox": {"connections", "events", "auth"},
    "cli": {
        "hooks",
        "rendering",
        "events",
        "sandbox",
        "checking",
        "fields",
        "cel",
        "operators",
        "policy",
        "testing",
        "client",
        "connections",
    },
    "testing": {
        "hooks",
        "rendering",
        "events",
        "sandbox",
        "checking",
        "fields",
        "cel",
        "operators",
        "client",
        "connections",
        "auth",
    },
    "plugin": {"connections", "events", "cel"},
    "provider_info": {"connections", "cli"},
}

FREE_OF_AIRFLOW = (
    "cel",
    "auth",
    "client",
    "exceptions",
    "json_encoding",
    "json_text",
    "fields",
    "checking",
    "events/record.py",
)

FILES = sorted(PACKAGE.rglob("*.py"))


def imported(file: Path) -> Iterator[str]:
    """Yield every module that a file imports, wherever in it, unless for the type checker alone."""
    tree = ast.parse(file.read_text())
    skipped = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if id(node) in skipped:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            yield node.module
            if node.module == NAME:
                yield from (f"{NAME}.{alias.name}" for alias in node.names)


def part_of(file: Path) -> str:
    return file.relative_to(PACKAGE).parts[0].removesuffix(".py")


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(PACKAGE)))
def test_a_file_imports_only_what_its_part_may(file: Path) -> None:
    part = part_of(file)
    if part == "__init__":
        return
    wanted = {name.split(".")[1] for name in imported(file) if name.startswith(f"{NAME}.")}

    assert wanted - LEAVES - {part, "__version__"} <= ARROWS[part]


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(PACKAGE)))
def test_the_inner_parts_know_nothing_of_airflow(file: Path) -> None:
    if not str(file.relative_to(PACKAGE)).startswith(FREE_OF_AIRFLOW):
        return

    assert [name for name in imported(file) if name == "airflow" or name.startswith("airflow.")] == []


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(PACKAGE)))
def test_a_file_is_one_idea(file: Path) -> None:
    assert len(file.read_text().splitlines()) <= 400


def test_the_arrows_lead_round_no_circle() -> None:
    def reachable(part: str, seen: frozenset[str]) -> set[str]:
        assert part not in seen, f"{part} can be reached from itself"
        found = set(ARROWS[part])
        for other in ARROWS[part]:
            found |= reachable(other, seen | {part})
        return found

    for part in ARROWS:
        reachable(part, frozenset())
