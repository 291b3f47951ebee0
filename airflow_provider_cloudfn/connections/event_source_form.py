"""The form of the connection type ``cloudfn_event_source``: who may send events, and how they are read."""

from __future__ import annotations

from airflow_provider_cloudfn.connections.form import ConnectionForm, ExtraField, StandardField
from airflow_provider_cloudfn.connections.kinds.hmac import HmacSignature

__all__ = ["EVENT_SOURCE_FORM", "SCHEME_NAMES"]

#: As the schemes of ``webhooks/schemes`` are called; they are not loaded for a form.
SCHEME_NAMES = (
    "standard_webhooks",
    "emporix_oe",
    "emporix_commerce",
    "github",
    "stripe",
    "slack",
    "hmac",
    "basic",
    "bearer",
    "jwt",
)

_EXPRESSIONS = (
    ExtraField(
        "type",
        "CEL: Type",
        "Which event it is. Empty: the CloudEvent's type, else what follows the source's name in the path, else the scheme's.",
        example='request.headers["x-event"]',
    ),
    ExtraField(
        "id",
        "CEL: ID",
        "What tells an event from all others of the source, whatever their types: none comes in twice. Empty: the CloudEvent's "
        "id, else the scheme's.",
        example="request.body.id",
    ),
    ExtraField(
        "filter",
        "CEL: Filter",
        "Which events are wanted; the others are answered like them, and forgotten. Empty: all.",
        example='request.body.status == "paid"',
    ),
    ExtraField(
        "payload",
        "CEL: Payload",
        "What the event carries. Empty: the CloudEvent's data, else the body.",
        example='{"orderId": request.body.order.id}',
    ),
)

_CREDENTIALS = (
    ExtraField(
        "credential_header",
        "Bearer: Header",
        "The header that holds the secret alone. Empty: Authorization, after the word Bearer.",
        example="X-Gitlab-Token",
    ),
    ExtraField(
        "jwt_issuer",
        "JWT: Issuer",
        "Who issues the sender's tokens, exactly as the claim iss has it.",
        example="https://accounts.google.com",
    ),
    ExtraField(
        "jwt_audience",
        "JWT: Audience",
        "Whom the tokens are for, as the claim aud has it.",
        example="https://airflow.example.com/cloudfn/events/orders",
    ),
    ExtraField(
        "jwt_jwks_url",
        "JWT: Keys URL",
        "Where the issuer's public keys are, as a JSON Web Key Set.",
        example="https://www.googleapis.com/oauth2/v3/certs",
    ),
    ExtraField(
        "jwt_claims",
        "JWT: Claims",
        "What other claims must be, as a JSON object: such as who the sender is.",
        kind="object",
        example='{"email": "sender@project.iam.gserviceaccount.com", "email_verified": true}',
    ),
)

_LIMITS = (
    ExtraField(
        "tolerance",
        "Limit: Tolerance",
        "How many seconds a request's time may be off, in the past or in the future, where the scheme has one. Default: 300.",
        kind="number",
        example="60",
        minimum=1,
        maximum=604_800,
    ),
    ExtraField(
        "max_body",
        "Limit: Body",
        "How many bytes a request may have. Default: 1048576.",
        kind="number",
        example="262144",
        minimum=1,
        maximum=16_777_216,
    ),
    ExtraField(
        "rate_limit",
        "Limit: Rate",
        "How many requests the source may send in how much time, to each process of the API server. Empty: any number.",
        example="50/s",
    ),
)

EVENT_SOURCE_FORM = ConnectionForm(
    connection_type="cloudfn_event_source",
    title="Cloud Function (Event source)",
    hook_class_name="airflow_provider_cloudfn.hooks.event_source.EventSourceHook",
    standard=(
        StandardField(
            "login",
            "Basic: User name",
            "For the scheme basic: the user's name.",
            "webhooks",
            required="with the scheme basic",
        ),
        StandardField(
            "password",
            "Secret",
            "What the sender signs with, or sends: as the service shows it, whole.",
            "The scheme is chosen under Extra Fields",
            required="unless the scheme is jwt",
        ),
    ),
    extras=(
        ExtraField(
            "scheme",
            "Scheme",
            "How a request proves who sent it.",
            kind="choice",
            choices=SCHEME_NAMES,
            default=SCHEME_NAMES[0],
        ),
        ExtraField(
            "previous_secret",
            "Previous secret",
            "While the secret is changed at the sender: the old one, which holds beside the new one. Empty it afterwards.",
            kind="secret",
        ),
        ExtraField(
            "event_types",
            "Event types",
            "Which types the source may send, separated by commas; * stands for any characters. Empty: any.",
            example="order.*, invoice.paid",
        ),
        ExtraField(
            "unknown",
            "Unknown types",
            "An event that no Dag knows: reject refuses it, ignore takes and forgets it, register makes its asset. "
            "One that the source may not send is refused, or with ignore forgotten.",
            kind="choice",
            choices=("reject", "ignore", "register"),
            default="reject",
        ),
        *_EXPRESSIONS,
        *_CREDENTIALS,
        *HmacSignature.fields,
        *_LIMITS,
    ),
    shortened_to=frozenset(
        {
            "scheme",
            "previous_secret",
            "event_types",
            "unknown",
            *(field.name for field in _EXPRESSIONS),
            "credential_header",
            "jwt_issuer",
            "jwt_audience",
            "jwt_jwks_url",
        }
    ),
)
