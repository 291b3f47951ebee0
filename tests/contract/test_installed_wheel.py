"""
The suite tests the wheel, as it is installed, and not the checkout that lies beside it.

``CLOUDFN_TEST_CHECKOUT=1`` skips this, for development with an editable install. ``make test`` never sets it.
"""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from importlib.metadata import distribution
from pathlib import Path

import pytest

import airflow_provider_cloudfn

pytestmark = pytest.mark.skipif(
    os.environ.get("CLOUDFN_TEST_CHECKOUT") == "1",
    reason="CLOUDFN_TEST_CHECKOUT=1: the checkout is tested, not the wheel",
)

SITE_PACKAGES = Path(sysconfig.get_path("purelib"))
ROOT = Path(__file__).parents[2]
CHECKOUT = ROOT / "airflow_provider_cloudfn"


def _files(package: Path) -> dict[str, bytes]:
    return {
        str(file.relative_to(package)): file.read_bytes()
        for file in package.rglob("*")
        if file.is_file() and "__pycache__" not in file.parts
    }


def test_the_package_is_imported_from_site_packages() -> None:
    assert Path(airflow_provider_cloudfn.__file__).parent == SITE_PACKAGES / "airflow_provider_cloudfn"


def test_so_is_it_in_a_process_that_a_test_starts_here() -> None:
    code = "import airflow_provider_cloudfn; print(airflow_provider_cloudfn.__file__)"
    printed = subprocess.run(
        [sys.executable, "-c", code], cwd=CHECKOUT.parent, check=True, capture_output=True, text=True
    ).stdout
    assert Path(printed.strip()).is_relative_to(SITE_PACKAGES)


def test_the_wheel_has_every_file_of_the_checkout_and_the_example_dags() -> None:
    examples = {f"cli/demo/example_dags/{name}": content for name, content in _files(ROOT / "example_dags").items()}

    assert examples
    assert _files(SITE_PACKAGES / "airflow_provider_cloudfn") == _files(CHECKOUT) | examples


def test_nothing_but_the_package_is_installed() -> None:
    files = distribution("airflow-provider-cloudfn").files
    assert files is not None
    top_level = {file.parts[0] for file in files}
    assert {name for name in top_level if not name.endswith(".dist-info")} == {"airflow_provider_cloudfn"}


def test_airflow_finds_it_by_its_entry_point() -> None:
    (entry,) = distribution("airflow-provider-cloudfn").entry_points.select(group="apache_airflow_provider")
    assert entry.load()()["package-name"] == "airflow-provider-cloudfn"
