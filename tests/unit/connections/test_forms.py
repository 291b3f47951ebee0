from __future__ import annotations

import re
import runpy
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from airflow_provider_cloudfn.connections.forms import FORMS
from airflow_provider_cloudfn.connections.kinds import KINDS

if TYPE_CHECKING:
    from airflow_provider_cloudfn.connections.form import ConnectionForm
    from airflow_provider_cloudfn.connections.kinds.kind import Authentication

TABLES = runpy.run_path(str(Path(__file__).parents[3] / "docs" / "tables.py"))["TABLES"]
EACH = pytest.mark.parametrize("form", FORMS, ids=lambda form: form.connection_type)


def test_the_public_names_of_the_fields() -> None:
    """People write them in environment variables and Terraform: a name that is gone here breaks their connections."""
    assert {form.connection_type: [field.name for field in form.extras] for form in FORMS} == {
        "cloudfn": [
            "auth_type", "allow_http", "key_location", "key_name",
            "client_id", "scopes", "scope_separator", "oauth2_url", "refresh_url", "client_auth_method",
            "jwt_key_id", "jwt_algorithm", "jwt_certificate", "jwt_claims", "jwt_key_passphrase",
            "audience", "resource", "oauth2_parameters", "oauth2_headers", "oauth2_request", "renew_when",
            "username",
            "aws_service", "aws_region", "aws_key_id", "aws_session_token", "aws_conn_id",
            "hmac_header", "hmac_algorithm", "hmac_encoding", "hmac_format", "hmac_signed", "hmac_timestamp_header",
            "secret_values", "health_path",
            "client_cert", "client_key_file", "client_private_key", "client_private_key_passphrase",
            "ca_bundle", "proxy", "connect_timeout", "read_timeout", "total_timeout", "address_guard",
        ],
        "amazon_connect": [
            "region_name", "aws_session_token", "role_arn", "profile_name", "endpoint_url",
            "ca_bundle", "proxy", "connect_timeout", "read_timeout", "total_timeout", "address_guard", "allow_http",
        ],
        "emporix_oe": [
            "environment", "client_id", "client_secret", "event_receiver_url", "api_url",
            "signature_header", "context_path",
            "ca_bundle", "proxy", "connect_timeout", "read_timeout", "total_timeout", "address_guard", "allow_http",
        ],
        "cloudfn_event_source": [
            "scheme", "previous_secret", "event_types", "unknown", "type", "id", "filter", "payload",
            "credential_header", "jwt_issuer", "jwt_audience", "jwt_jwks_url", "jwt_claims",
            "hmac_header", "hmac_algorithm", "hmac_encoding", "hmac_format", "hmac_signed", "hmac_timestamp_header",
            "tolerance", "max_body", "rate_limit",
        ],
    }  # fmt: skip


def test_a_form_draws_few_fields() -> None:
    """One that draws all is so long that nobody finds in it what he needs."""
    assert {form.connection_type: len(form.standard) + len(form.drawn) <= 14 for form in FORMS} == {
        "cloudfn": True,
        "amazon_connect": True,
        "emporix_oe": True,
        "cloudfn_event_source": True,
    }


def test_the_form_of_any_service_draws_these() -> None:
    (form,) = [form for form in FORMS if form.connection_type == "cloudfn"]

    assert [field.name for field in form.drawn] == [
        "auth_type", "allow_http", "key_location", "key_name",
        "client_id", "scopes", "oauth2_url", "refresh_url",
        "username",
        "aws_service", "aws_region", "aws_key_id",
    ]  # fmt: skip


def test_a_field_that_is_not_drawn_is_said_to_be_in_the_json() -> None:
    (form,) = [form for form in FORMS if form.connection_type == "cloudfn"]

    assert form.label("username") == "Basic: User name"
    assert form.label("total_timeout") == "in the extra JSON"
    assert form.label("nothing_of_ours") == "nothing_of_ours"


@pytest.mark.parametrize("kind", KINDS)
def test_the_form_says_what_secret_is_for_each_kind(kind: type[Authentication]) -> None:
    (form,) = [form for form in FORMS if form.connection_type == "cloudfn"]

    assert f"{kind.kind}: {kind.confidential or 'nothing'}" in form.fields["auth_type"].help


@EACH
def test_each_field_explains_itself_and_gives_an_example(form: ConnectionForm) -> None:
    for field in form.extras:
        assert field.label, field.name
        assert field.help.endswith((".", "}.", ":3128")), field.name
        assert field.example or field.choices or field.kind in ("secret", "boolean"), field.name


@EACH
def test_a_choice_shows_its_choices_and_no_example_besides(form: ConnectionForm) -> None:
    assert [field.name for field in form.extras if field.choices and "Example" in field.description] == []


@EACH
def test_each_choice_has_a_default_among_its_choices(form: ConnectionForm) -> None:
    for field in form.extras:
        assert (field.kind == "choice") == bool(field.choices), field.name
        if field.choices:
            assert field.default in field.choices, field.name


@EACH
def test_the_documents_table_has_each_field_that_the_first_one_has_not(form: ConnectionForm) -> None:
    table = TABLES[f"fields {form.connection_type}"]().splitlines()

    shared = {
        "ca_bundle", "proxy", "connect_timeout", "read_timeout", "total_timeout", "address_guard", "allow_http",
    } if form.connection_type in ("amazon_connect", "emporix_oe") else set()  # fmt: skip
    wanted = [field.name for field in (*form.standard, *form.extras) if field.name not in shared]
    assert re.findall(r"^\| (?:extra )?`(\w+)`", "\n".join(table[2:]), re.MULTILINE) == wanted
    assert all(line.count("|") == 4 for line in table)


def test_who_writes_a_secret_is_shown_where_its_kind_is_chosen() -> None:
    """Airflow opens a form with its extra fields folded, and keeps a secret whose type is still ``none``."""
    (form,) = [form for form in FORMS if form.connection_type == "cloudfn"]
    (secret,) = [field for field in form.standard if field.name == "password"]

    assert "Extra Fields" in secret.example
    assert secret.label in form.fields["auth_type"].help


@pytest.mark.parametrize("form", [form for form in FORMS if form.connection_type != "cloudfn"])
def test_no_field_speaks_of_a_base_url_where_there_is_none(form: ConnectionForm) -> None:
    assert not any("Base URL" in field.label for field in form.extras)
