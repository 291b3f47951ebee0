"""The form of the connection type ``cloudfn``, in the words of the documents."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_cloudfn.connections.form import AUTHENTICATION_TYPE, ConnectionForm, ExtraField, StandardField
from airflow_provider_cloudfn.connections.kinds import KINDS
from airflow_provider_cloudfn.connections.transport_form import (
    ALLOW_HTTP,
    CLIENT_CERTIFICATE_FIELDS,
    TRANSPORT_FIELDS,
    UNDRAWN_TRANSPORT_FIELDS,
)

if TYPE_CHECKING:
    from airflow_provider_cloudfn.connections.kinds.kind import Authentication

__all__ = ["CLOUDFN_FORM"]

#: What the form draws: the documents' fields, and what most people need. allow_http keeps Airflow's own HTTP hooks from
#: sending the secrets among the extras, see cloudfn.py.
_DRAWN = frozenset(
    {
        AUTHENTICATION_TYPE,
        ALLOW_HTTP.name,
        *("key_location", "key_name"),
        *("client_id", "scopes", "oauth2_url", "refresh_url"),
        "username",
        *("aws_service", "aws_region", "aws_key_id"),
    }
)


def _secrets() -> str:
    """Return what Secret is for each kind, and where the kind's fields are."""
    return "; ".join(f"{kind.kind}: {kind.confidential or 'nothing'}{_fields(kind)}" for kind in KINDS)


def _fields(kind: type[Authentication]) -> str:
    if kind.fields and not any(field.name in _DRAWN for field in kind.fields):
        return " (its fields are written in the extra JSON)"
    return ""


CLOUDFN_FORM = ConnectionForm(
    connection_type="cloudfn",
    title="Cloud Function (Custom)",
    hook_class_name="airflow_provider_cloudfn.hooks.http_adapter.CloudFunctionHttpHook",
    standard=(
        StandardField(
            "host",
            "Base URL",
            "The address of the service, as https://<your-domain>, perhaps with a path under which everything lies.",
            "https://api.example.com",
        ),
        StandardField(
            "password",
            "Secret",
            f"What the authentication type keeps secret. {_secrets()}.",
            "Key, client secret, password or token: choose which under Extra Fields",
            required="unless auth_type is none",
        ),
    ),
    extras=(
        ExtraField(
            AUTHENTICATION_TYPE,
            "Authentication type",
            f"Choose it whenever Secret is filled in: it says what Secret is. {_secrets()}. The fields below say which type they "
            "belong to.",
            kind="choice",
            choices=tuple(kind.kind for kind in KINDS),
            default=KINDS[0].kind,
        ),
        # Before any secret: at a value that is no text, Airflow's own HTTP hooks stop, see cloudfn.py.
        ALLOW_HTTP,
        # A field that several kinds have stands at the first.
        *dict.fromkeys(field for kind in KINDS for field in kind.fields),
        ExtraField(
            "secret_values",
            "Secrets in requests",
            'What secret("name") stands for in a body, query or header: a JSON object of names and texts, as '
            '{"tenant_key": "…"}.',
            kind="secret",
        ),
        ExtraField(
            "health_path",
            "Connection test: Path",
            "Where the connection test sends its GET request; empty: the base URL.",
            example="/health",
        ),
        *CLIENT_CERTIFICATE_FIELDS,
        *TRANSPORT_FIELDS,
    ),
    undrawn=UNDRAWN_TRANSPORT_FIELDS,
    shortened_to=_DRAWN,
)
