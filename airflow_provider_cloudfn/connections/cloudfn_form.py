"""The form of the connection type ``cloudfn``, in the words of the documents."""

from __future__ import annotations

from airflow_provider_cloudfn.connections.form import AUTHENTICATION_TYPE, ConnectionForm, ExtraField, StandardField
from airflow_provider_cloudfn.connections.kinds import KINDS
from airflow_provider_cloudfn.connections.transport_form import ALLOW_HTTP, CLIENT_CERTIFICATE_FIELDS, TRANSPORT_FIELDS

__all__ = ["CLOUDFN_FORM"]

#: What the form calls the fields of each kind that has some: what stands before the colon in their labels.
_LABELS = {kind.kind: kind.fields[0].label.partition(":")[0] for kind in KINDS if kind.fields}
_SECRETS = [kind.confidential for kind in KINDS if kind.confidential]
_SECRET_IS_ALL = [kind.kind for kind in KINDS if kind.confidential and not kind.fields]


def _labelled() -> str:
    """Return under which label the fields of each kind stand, and its name where that doesn't say it."""
    return ", ".join(label if kind in label.lower() else f"{label} for {kind}" for kind, label in _LABELS.items())


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
            f"What the authentication type keeps secret: {', '.join(_SECRETS[:-1])}, or {_SECRETS[-1]}.",
            "API key or Client secret; choose which under Extra Fields",
            required="unless auth_type is none",
        ),
    ),
    extras=(
        ExtraField(
            AUTHENTICATION_TYPE,
            "Authentication type",
            "Says what Secret is: choose it whenever Secret is filled in. Then fill in the fields below that are labelled with "
            f"it: {_labelled()}. With {' and '.join(_SECRET_IS_ALL)}, Secret is all.",
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
)
