"""What Airflow's provider discovery reads must be what Airflow says it must be."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from importlib.metadata import entry_points
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest
from airflow.sdk._shared.secrets_masker import DEFAULT_SENSITIVE_FIELDS

import airflow_provider_cloudfn
from airflow_provider_cloudfn.connections.forms import FORMS
from airflow_provider_cloudfn.provider_info import get_provider_info

if TYPE_CHECKING:
    from airflow_provider_cloudfn.connections.form import ConnectionForm

EACH_FORM = pytest.mark.parametrize("form", FORMS, ids=lambda form: form.connection_type)


def schema(name: str) -> dict[str, Any]:
    return json.loads(files("airflow").joinpath(name).read_text())  # type: ignore[no-any-return]  # the schema is an object


@pytest.mark.parametrize("name", ["provider_info.schema.json"])
def test_it_fits_airflow_s_schema(name: str) -> None:
    jsonschema.validate(get_provider_info(), schema(name))


def test_the_connection_types_fit_the_stricter_schema_of_airflow_s_own_providers() -> None:
    own = schema("provider.yaml.schema.json")
    subschema = {**own["properties"]["connection-types"], "definitions": own.get("definitions", {})}

    jsonschema.validate(get_provider_info()["connection-types"], subschema)


def test_the_entry_point_leads_here() -> None:
    (entry,) = [
        one
        for one in entry_points(group="apache_airflow_provider")
        if one.value.startswith("airflow_provider_cloudfn.")
    ]

    assert entry.load()() == get_provider_info()


@EACH_FORM
def test_the_hook_class_exists_and_takes_the_connection_type(form: ConnectionForm) -> None:
    module, _, name = form.hook_class_name.rpartition(".")

    hook = getattr(importlib.import_module(module), name)

    assert hook.conn_type == form.connection_type
    assert hook.hook_name == form.title
    assert hook.default_conn_name == f"{form.connection_type}_default"


@EACH_FORM
def test_a_plain_setting_is_never_masked_and_a_secret_always(form: ConnectionForm) -> None:
    for field in form.extras:
        sensitive = any(word in field.name.lower() for word in DEFAULT_SENSITIVE_FIELDS)

        assert sensitive == (field.kind == "secret"), field.name
        assert sensitive == (field.conn_field()["schema"].get("format") == "password"), field.name


def test_airflow_s_own_providers_manager_takes_it_without_a_complaint(caplog: pytest.LogCaptureFixture) -> None:
    from airflow.providers_manager import ProvidersManager

    manager = ProvidersManager()

    assert {
        kind: (manager.hooks[kind].hook_name, manager.hooks[kind].hook_class_name)  # type: ignore[union-attr]  # present
        for kind in ("cloudfn", "amazon_connect", "emporix_oe", "cloudfn_event_source")
    } == {form.connection_type: (form.title, form.hook_class_name) for form in FORMS}
    assert "cloudfn" not in caplog.text


def test_airflow_has_the_task_decorator() -> None:
    from airflow.sdk import task

    from airflow_provider_cloudfn.operators.decorated import cloudfn_task

    assert task.cloudfn is cloudfn_task


def test_airflow_lists_the_provider() -> None:
    command = [sys.executable, "-m", "airflow", "providers", "list", "--output", "json"]

    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout

    listed = {row["package_name"]: row for row in json.loads(printed.splitlines()[-1])}
    assert listed["airflow-provider-cloudfn"]["version"] == airflow_provider_cloudfn.__version__
    assert "Authenticated API calls in CEL" in listed["airflow-provider-cloudfn"]["description"]


def test_the_ui_s_api_draws_the_form() -> None:
    from airflow.api_fastapi.core_api.services.ui.connections import HookMetaService

    drawn = {meta.connection_type: meta for meta in HookMetaService.hook_meta_data()}["cloudfn"]

    assert drawn.hook_name == "Cloud Function (Custom)"
    assert drawn.standard_fields is not None
    assert drawn.standard_fields.host.title == "Base URL"  # type: ignore[union-attr]  # it is drawn
    assert drawn.standard_fields.login.hidden  # type: ignore[union-attr]  # it is hidden
    fields = drawn.extra_fields or {}
    assert list(fields) == [field.name for field in FORMS[0].drawn]
    assert fields["auth_type"]["schema"]["enum"][:3] == ["none", "api_key", "oauth2"]
    assert not any(field["schema"].get("format") == "password" for field in fields.values())


def test_discovery_imports_nothing_heavy() -> None:
    """Airflow asks for the provider info in every one of its processes."""
    code = (
        "import sys; before = set(sys.modules)\n"
        "from airflow_provider_cloudfn.provider_info import get_provider_info; get_provider_info()\n"
        "print(sorted({name.partition('.')[0] for name in set(sys.modules) - before}))"
    )

    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout

    for name in ("airflow'", "aiohttp", "requests", "authlib", "boto", "celpy", "lark", "pydantic", "cryptography"):
        assert f"'{name}" not in loaded


def test_no_option_that_airflow_masks_has_a_default_for_it_to_mask() -> None:
    # What is shorter than its least is a warning in what each of its commands prints, and what is longer is hidden in all logs.
    options = get_provider_info()["config"]["cloudfn"]["options"]

    assert {name: one["default"] for name, one in options.items() if one.get("sensitive")} == {"token_store": ""}
