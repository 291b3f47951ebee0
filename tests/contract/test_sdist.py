"""What the source distribution has, by the build backend's own list."""

from __future__ import annotations

from pathlib import Path

import pytest
from hatchling.builders.sdist import SdistBuilder

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def files() -> set[str]:
    return {file.distribution_path for file in SdistBuilder(str(ROOT)).recurse_included_files()}


def test_the_documents_and_what_makes_their_tables_are_in_the_source_distribution(files: set[str]) -> None:
    documents = {str(file.relative_to(ROOT)) for file in (ROOT / "docs").iterdir() if file.is_file()}

    assert documents > {"docs/connections.md", "docs/tables.py"}
    assert files >= {"README.md", "CHANGELOG.md", "LICENSE", "Makefile", *documents}


def test_so_are_the_examples_that_they_quote_and_the_tests(files: set[str]) -> None:
    assert {path.partition("/")[0] for path in files} >= {"airflow_provider_cloudfn", "example_dags", "tests", "docs"}
