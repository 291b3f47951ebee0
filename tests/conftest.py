"""Every test process has an AIRFLOW_HOME of its own, set before anything imports Airflow."""

from __future__ import annotations

import atexit
import base64
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import settings
from kit import in_memory

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_provider_cloudfn.sandbox import Sandbox


_home = tempfile.mkdtemp(prefix="cloudfn-tests-")
_database = in_memory.new_folder()
_dags = Path(_home, "dags")
_dags.mkdir()
atexit.register(shutil.rmtree, _home, ignore_errors=True)

for _name in [name for name in os.environ if name.startswith("AIRFLOW_CONN_")]:
    del os.environ[_name]
os.environ.update(
    {
        "AIRFLOW_HOME": _home,
        "AIRFLOW__CORE__FERNET_KEY": base64.urlsafe_b64encode(os.urandom(32)).decode(),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        # Tests write many Dags of one name: Airflow 3.4 would take the one before out of its cache for as long as this.
        "AIRFLOW__CORE__MIN_SERIALIZED_DAG_UPDATE_INTERVAL": "0",
        "AIRFLOW__CORE__DAGS_FOLDER": str(_dags),
        "AIRFLOW__LOGGING__LOGGING_LEVEL": "INFO",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{_database}/airflow.db",
        "AIRFLOW__CORE__UNIT_TEST_MODE": "False",
        "AIRFLOW__CLOUDFN__TOKEN_STORE_FOLDER": _home,
    }
)


# The same examples on every machine and in every run: what fails once, fails again, however slow the machine is.
settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.load_profile("repeatable")


@pytest.fixture(autouse=True)
def _token_store_as_configured() -> None:
    """Let each test have its own configuration of the token store, which a process reads once."""
    if loaded := sys.modules.get("airflow_provider_cloudfn.hooks.token_sharing"):
        loaded._token_store.cache_clear()
    if loaded := sys.modules.get("airflow_provider_cloudfn.hooks.rate_sharing"):
        loaded._limiter.cache_clear()


@pytest.fixture(scope="session")
def running_sandbox() -> Iterator[Sandbox]:
    from airflow_provider_cloudfn.sandbox import Sandbox

    with Sandbox.start() as running:
        yield running


_SYSTEM = Path(__file__).parent / "system"


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Let the processes that run the tests share them by files; one of them has all tests of a whole Airflow."""
    from xdist.scheduler import LoadScopeScheduling

    class ByFiles(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = nodeid.partition("::")[0]
            return "tests/system" if file.startswith("tests/system/") else file

    return ByFiles(config, log)


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """Let one process more run tests than there are processors: the one with a whole Airflow waits for that."""
    return (os.cpu_count() or 1) + 1


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let the tests of a whole Airflow come first: they take the longest."""
    items.sort(key=lambda item: _SYSTEM not in item.path.parents)


def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.get_closest_marker("one_run_per_event") is not None:
        from airflow_provider_cloudfn.events.asset import partitions_available

        if not partitions_available():
            pytest.skip("Airflow 3.3 has partitioned assets")
