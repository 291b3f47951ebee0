"""Airflow connections, defined in each of the three ways that there are."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, TypeAlias

import pytest
from airflow.sdk import Connection

Define: TypeAlias = Callable[..., Connection]


def as_form(conn_type: str, extra: dict[str, Any], **fields: Any) -> Connection:
    """Return what Airflow's form saves: null for each field left empty, the default for each left alone."""
    from airflow_provider_cloudfn.connections.forms import FORMS

    form = next(form for form in FORMS if form.connection_type == conn_type)
    saved = {
        **{
            field.name: json.dumps(extra[field.name])
            if isinstance(extra.get(field.name), dict)
            else extra.get(field.name)
            for field in form.drawn
        },
        **{field.name: field.default for field in form.drawn if field.name not in extra},
        **{name: value for name, value in extra.items() if name not in {field.name for field in form.drawn}},
    }
    return Connection(conn_id="shop", conn_type=conn_type, extra=json.dumps(saved), **fields)


def as_json(conn_type: str, extra: dict[str, Any], **fields: Any) -> Connection:
    """Return the connection of ``AIRFLOW_CONN_SHOP='{"conn_type": …}'``."""
    return Connection.from_json(json.dumps({"conn_type": conn_type, "extra": extra, **fields}), conn_id="shop")


def as_uri(conn_type: str, extra: dict[str, Any], **fields: Any) -> Connection:
    """Return the connection of ``AIRFLOW_CONN_SHOP='cloudfn://…'``."""
    uri = Connection(conn_id="shop", conn_type=conn_type, extra=json.dumps(extra), **fields).get_uri()
    return Connection(conn_id="shop", uri=uri)


def as_stored(conn_type: str, extra: dict[str, Any], **fields: Any) -> Any:
    """Return the connection as the metadata database holds it, which is another class than the task SDK's."""
    from airflow.models import Connection as StoredConnection

    return StoredConnection(conn_id="shop", conn_type=conn_type, extra=json.dumps(extra), **fields)


@pytest.fixture(params=[as_form, as_json, as_uri, as_stored], ids=["form", "json", "uri", "stored"])
def define(request: pytest.FixtureRequest) -> Define:
    """Return each of the ways to define a connection."""
    return request.param  # type: ignore[no-any-return]  # a parameter of a fixture has no type
