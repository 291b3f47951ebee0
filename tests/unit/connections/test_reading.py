"""What is said of a connection as a whole, before its fields are looked at."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from airflow.sdk import Connection

from airflow_provider_cloudfn.connections.forms import FORMS
from airflow_provider_cloudfn.connections.reading import ConnectionReader
from airflow_provider_cloudfn.exceptions import ConfigurationError

if TYPE_CHECKING:
    from airflow_provider_cloudfn.connections.form import ConnectionForm


@pytest.mark.parametrize("form", [form for form in FORMS if "_" in form.connection_type], ids=lambda form: form.title)
def test_a_uri_with_the_types_own_name_is_told_how_a_uri_writes_it(form: ConnectionForm) -> None:
    conn = Connection(conn_id="u1", uri=f"{form.connection_type}://src_abc:hunter2@/?environment=stage")

    with pytest.raises(ConfigurationError) as raised:
        ConnectionReader(conn, form)

    scheme = form.connection_type.replace("_", "-")
    assert str(raised.value).startswith(f"connection 'u1' has no type: make it one of type {form.connection_type!r}")
    assert f"in a URI the type is written with hyphens, never with '_': it begins with '{scheme}://'" in str(
        raised.value
    )
    assert "hunter2" not in str(raised.value)


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.title)
def test_a_uri_that_begins_as_the_error_says_is_of_the_type(form: ConnectionForm) -> None:
    conn = Connection(conn_id="u1", uri=f"{form.connection_type.replace('_', '-')}://:hunter2@/")

    assert ConnectionReader(conn, form).standard("password") == "hunter2"
