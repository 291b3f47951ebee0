"""No secret that was used can be found anywhere in AIRFLOW_HOME, with all logs at DEBUG."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest

pytestmark = [pytest.mark.system, pytest.mark.timeout(1800)]


def test_no_secret_is_in_any_file(world: Any) -> None:
    runs = {
        dag_id: world.trigger(dag_id, label="secret")
        for dag_id in ("produce_plain", "produce_mapped", "produce_merged")
    }
    for dag_id, run_id in runs.items():
        assert world.finish(dag_id, [run_id]) == ["success"]
    secrets = {form.encode() for secret in world.sandbox.secrets() for form in (secret, quote(secret, safe=""))}
    assert len(secrets) >= 5

    found = [
        (str(file.relative_to(world.home)), content.count(secret))
        for file in sorted(world.home.rglob("*"))
        if file.is_file()
        for content in (file.read_bytes(),)
        for secret in secrets
        if secret in content
    ]

    assert found == []
    assert any(file.suffix == ".log" for file in world.home.rglob("*"))
    assert any(file.name == "airflow.db" for file in world.home.rglob("*"))
