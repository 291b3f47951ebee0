"""The form of the connection type ``emporix_oe``, in the words of the documents."""

from __future__ import annotations

from airflow_provider_cloudfn.connections.form import ConnectionForm, ExtraField, StandardField
from airflow_provider_cloudfn.connections.transport_form import ALLOW_HTTP, TRANSPORT_FIELDS, UNDRAWN_TRANSPORT_FIELDS

__all__ = ["EMPORIX_FORM"]

EMPORIX_FORM = ConnectionForm(
    connection_type="emporix_oe",
    title="Emporix Orchestration Engine",
    hook_class_name="airflow_provider_cloudfn.hooks.emporix.EmporixHook",
    standard=(
        StandardField(
            "login",
            "Event Source ID",
            "From the Management Dashboard: Orchestration Engine, Admin, Settings. The bare ID, or the full URL. With "
            "celonis, the package's key, which is not the UUID in the address of Studio.",
            "src_w34a44rft567",
        ),
        StandardField(
            "password",
            "Secret",
            "From the same page: the secret of the event source, with which events are signed. The Client secret is another.",
            "The event source's, from the same page",
            required="unless the environment is celonis",
        ),
    ),
    extras=(
        ExtraField(
            "environment",
            "Environment",
            "Which engine to talk to. stage changes the API's address only: no other event receiver is documented. "
            "celonis is the engine in the Celonis Platform.",
            kind="choice",
            choices=("production", "stage", "custom", "celonis"),
            default="production",
        ),
        ExtraField(
            "client_id",
            "Client ID",
            "From the Emporix Developer Portal, API Keys; not needed for events. With celonis, the OAuth client that sends.",
            example="tnU7YdA4kUrxHnGnWBzTjuSrEqTzAiLq",
        ),
        ExtraField(
            "client_secret",
            "Client secret",
            "The secret of the Client ID. The one that signs events is another: it stands in Secret, above.",
            kind="secret",
        ),
        ExtraField(
            "event_receiver_url",
            "Custom: Event receiver URL",
            "For the environment custom: where events go, without the Event Source ID.",
            example="https://signals.emporix.io/e",
        ),
        ExtraField(
            "api_url",
            "Custom, celonis: API URL",
            "For the environment custom: where the API is, which gives API tokens. With celonis, the team's URL, such as "
            "https://acme.eu-1.celonis.cloud.",
            example="https://api.emporix.io",
        ),
        ExtraField(
            "signature_header",
            "Signature header",
            "The header that carries the signature of an event. Receivers of another generation read X-Hmac-Signature. "
            "Default: x-emporix-hmac.",
            example="X-Hmac-Signature",
        ),
        ExtraField(
            "context_path",
            "Context path",
            "Where the API has the context of an instance, with {instance_id} in it. None is published: ask whoever runs your "
            "engine. Needed by EmporixProcessContextOperator only.",
            example="/contexts/{instance_id}",
        ),
        *TRANSPORT_FIELDS,
        ALLOW_HTTP,
    ),
    # All but the signature's header and the context's path, which few need.
    shortened_to=frozenset(
        {
            *("environment", "client_id", "client_secret", "event_receiver_url", "api_url"),
            *(field.name for field in (*TRANSPORT_FIELDS, ALLOW_HTTP)),
        }
    ),
    undrawn=UNDRAWN_TRANSPORT_FIELDS,
)
