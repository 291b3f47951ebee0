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

LEAVES = {"configuration", "exceptions", "json_encoding"}
#: What the package itself has, which is loaded before any part of it.
OF_THE_PACKAGE = {"__version__", "lazy_names"}
#: What each part imports, besides the leaves: no more and no less.
ARROWS: dict[str, set[str]] = {
    "exceptions": set(),
    "configuration": set(),
    "json_encoding": set(),
    "cel": set(),
    "auth": set(),
    "client": {"auth"},
    "records": {"auth", "client"},
    "webhooks": {"cel", "auth", "client"},
    "connections": {"auth", "client", "webhooks"},
    "hooks": {"connections", "client", "auth", "cel"},
    "events": set(),
    "authoring": {"events", "cel", "client", "auth"},
    "journal": {"authoring", "client", "auth"},
    "triggers": {"hooks", "authoring", "events", "cel", "client", "auth"},
    "retry_policy": set(),
    "operators": {"hooks", "triggers", "journal", "authoring", "events", "records", "client", "auth", "retry_policy"},
    "sensors": {"events", "hooks", "triggers", "operators", "journal", "client", "authoring", "cel", "retry_policy"},
    "deliveries": {"events", "auth", "webhooks"},
    "policy": {"authoring"},
    "rendering": {"authoring"},
    "sandbox": {"auth"},
    "cli": {
        "operators",
        "hooks",
        "records",
        "journal",
        "authoring",
        "events",
        "sandbox",
        "cel",
        "testing",
        "deliveries",
        "client",
        "connections",
        "auth",
        "provider_info",
    },
    "testing": {"operators", "hooks", "authoring", "events", "client", "auth"},
    "plugin": {"deliveries", "journal", "records", "hooks", "webhooks", "authoring", "events", "client", "auth"},
    "provider_info": {"connections"},
}

FREE_OF_AIRFLOW = (
    "cel/",
    "auth/",
    "client/",
    "records/",
    "webhooks/",
    "exceptions",
    "json_encoding",
    "authoring/reading",
    "authoring/written",
    "authoring/expressions",
    "events/record.py",
)

#: The example Dags, which the wheel brings, are nobody's part.
FILES = sorted(file for file in PACKAGE.rglob("*.py") if file.parent.name != "example_dags")


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
            if node.module.split(".")[0] == NAME:
                yield from (f"{node.module}.{alias.name}" for alias in node.names)


def part_of(file: Path) -> str:
    return file.relative_to(PACKAGE).parts[0].removesuffix(".py")


@pytest.mark.parametrize("part", sorted({part_of(file) for file in FILES} - {"__init__"}))
def test_a_part_imports_what_its_arrows_say(part: str) -> None:
    wanted = {
        name.split(".")[1]
        for file in FILES
        if part_of(file) == part
        for name in imported(file)
        if name.startswith(f"{NAME}.")
    }

    assert wanted - LEAVES - OF_THE_PACKAGE - {part} == ARROWS[part]


def test_every_part_with_arrows_is_there() -> None:
    assert {part_of(file) for file in FILES} - {"__init__"} == set(ARROWS)


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(PACKAGE)))
def test_the_inner_parts_know_nothing_of_airflow(file: Path) -> None:
    if not str(file.relative_to(PACKAGE)).startswith(FREE_OF_AIRFLOW):
        return

    assert [name for name in imported(file) if name == "airflow" or name.startswith("airflow.")] == []


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(PACKAGE)))
def test_a_file_is_one_idea(file: Path) -> None:
    assert len(file.read_text().splitlines()) <= 400


def test_the_root_holds_few_modules() -> None:
    assert len(list(PACKAGE.glob("*.py"))) <= 6


def test_the_arrows_lead_round_no_circle() -> None:
    def reachable(part: str, seen: frozenset[str]) -> set[str]:
        assert part not in seen, f"{part} can be reached from itself"
        found = set(ARROWS[part])
        for other in ARROWS[part]:
            found |= reachable(other, seen | {part})
        return found

    for part in ARROWS:
        reachable(part, frozenset())


def module_of(file: Path) -> str:
    parts = file.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_of(file): file for file in FILES}


def modules_wanted(file: Path) -> set[str]:
    """Return the modules of the package that a file imports: of ``from a import b`` it is ``a.b`` where that is a module."""
    found: set[str] = set()
    names = set(imported(file))
    for name in names:
        below = {other for other in names if other.startswith(f"{name}.") and other in MODULES}
        found |= below or ({name} & MODULES.keys())
    return found - {NAME, module_of(file)}


def test_no_modules_import_one_another_in_a_circle() -> None:
    left = {name: modules_wanted(file) for name, file in MODULES.items()}
    # What imports nothing that is left, or is imported by nothing that is left, stands in no circle.
    while free := [
        name for name, wanted in left.items() if not wanted & left.keys() or not any(name in o for o in left.values())
    ]:
        for name in free:
            del left[name]

    assert left == {}
