"""The form of the connection type ``cloudfn``, in the words of the documents."""

from __future__ import annotations

from airflow_provider_cloudfn.connections.form import AUTHENTICATION_TYPE, ConnectionForm, ExtraField, StandardField
from airflow_provider_cloudfn.connections.transport_form import ALLOW_HTTP, CLIENT_CERTIFICATE_FIELDS, TRANSPORT_FIELDS

__all__ = ["AUTHENTICATION_TYPES", "CLIENT_AUTHENTICATION_METHODS", "CLOUDFN_FORM"]

AUTHENTICATION_TYPES = ("none", "api_key", "oauth2", "basic", "bearer", "sigv4", "hmac")

#: How a client shows its token endpoint who it is (RFC 6749, section 2.3; RFC 7523 for the last), in IANA's names.
CLIENT_AUTHENTICATION_METHODS = ("client_secret_basic", "client_secret_post", "none", "private_key_jwt")

_API_KEY = (
    ExtraField(
        "key_location",
        "API key: Location",
        "Where the key goes in the request.",
        kind="choice",
        choices=("header", "query"),
        default="header",
        group=("api_key",),
    ),
    ExtraField(
        "key_name",
        "API key: Name",
        "The name of the header, or of the query parameter, that the service looks for.",
        example="x-api-key",
        group=("api_key",),
    ),
)

_OAUTH2 = (
    ExtraField(
        "client_id",
        "OAuth 2.0: Client ID",
        "The public name of your client.",
        example="f9b8c2d-1a2b-4c3d-9e8f-7g6h5i4j3k2l",
        group=("oauth2",),
    ),
    ExtraField(
        "scopes",
        "OAuth 2.0: Scopes",
        "The permissions to ask for, separated by spaces or commas.",
        example="intelligence.conversations:write",
        group=("oauth2",),
    ),
    ExtraField(
        "oauth2_url",
        "OAuth 2.0: Token URL",
        "Where client ID and secret are exchanged for an access token.",
        example="https://team-name.celonis.cloud/api/external/oauth2/token",
        group=("oauth2",),
    ),
    ExtraField(
        "refresh_url",
        "OAuth 2.0: Refresh URL",
        "Where a refresh token is exchanged for a new access token, without the client secret.",
        example="https://team-name.celonis.cloud/api/external/oauth2/refresh",
        group=("oauth2",),
    ),
    ExtraField(
        "client_auth_method",
        "OAuth 2.0: Client authentication",
        "How the token endpoint is shown who asks. With private_key_jwt, Secret holds the private key as PEM text, pasted whole.",
        kind="choice",
        choices=CLIENT_AUTHENTICATION_METHODS,
        default="client_secret_basic",
        group=("oauth2",),
    ),
    ExtraField(
        "jwt_key_id",
        "OAuth 2.0: JWT key ID",
        "For private_key_jwt: the name under which the token endpoint knows the key.",
        example="2026-01",
        group=("oauth2",),
    ),
    ExtraField(
        "jwt_algorithm",
        "OAuth 2.0: JWT algorithm",
        "For private_key_jwt: how the assertion is signed.",
        kind="choice",
        choices=("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"),
        default="RS256",
        group=("oauth2",),
    ),
    ExtraField(
        "audience",
        "OAuth 2.0: Audience",
        "The service that the token is for, where the token endpoint asks for it.",
        example="https://api.example.com/",
        group=("oauth2",),
    ),
    ExtraField(
        "resource",
        "OAuth 2.0: Resource",
        "The resource that the token is for (RFC 8707), where the token endpoint asks for it.",
        example="https://api.example.com/v1",
        group=("oauth2",),
    ),
    ExtraField(
        "oauth2_parameters",
        "OAuth 2.0: Further parameters",
        "What else the token endpoint wants, as a JSON object of texts. Not for secrets: it is shown.",
        kind="object",
        example='{"tenant": "acme"}',
        group=("oauth2",),
    ),
    ExtraField(
        "renew_when",
        "OAuth 2.0: Renew when",
        "For services that refuse a token other than by 401: a CEL expression over response that is true then.",
        example="has(response.body.errcode) && response.body.errcode == 40001",
        group=("oauth2",),
    ),
)

_BASIC = (
    ExtraField(
        "username",
        "Basic: User name",
        "Sent with the password, which stands in Secret.",
        example="airflow",
        group=("basic",),
    ),
)

_SIGV4 = (
    ExtraField(
        "aws_service",
        "AWS SigV4: Service",
        "The name that the service signs with.",
        example="execute-api",
        group=("sigv4",),
    ),
    ExtraField(
        "aws_region",
        "AWS SigV4: Region",
        "The region that the service runs in.",
        example="eu-central-1",
        group=("sigv4",),
    ),
    ExtraField(
        "aws_key_id",
        "AWS SigV4: Access key ID",
        "The secret access key stands in Secret. Without both: the connection below, or what boto3 finds.",
        example="AKIAIOSFODNN7EXAMPLE",
        group=("sigv4",),
    ),
    ExtraField(
        "aws_session_token",
        "AWS SigV4: Session token",
        "For temporary access keys only, those whose ID begins with ASIA: the token that came with the key.",
        kind="secret",
        group=("sigv4",),
    ),
    ExtraField(
        "aws_conn_id",
        "AWS SigV4: Connection",
        "An Airflow connection of type aws that has the credentials, instead of an access key here.",
        example="aws_default",
        group=("sigv4",),
    ),
)

_HMAC = (
    ExtraField(
        "hmac_header",
        "HMAC: Header",
        "The header that carries the signature of the body.",
        example="X-Signature",
        group=("hmac",),
    ),
    ExtraField(
        "hmac_algorithm",
        "HMAC: Algorithm",
        "The hash function of the signature.",
        kind="choice",
        choices=("sha256", "sha384", "sha512", "sha1"),
        default="sha256",
        group=("hmac",),
    ),
    ExtraField(
        "hmac_encoding",
        "HMAC: Encoding",
        "How the signature is written.",
        kind="choice",
        choices=("base64", "hex"),
        default="base64",
        group=("hmac",),
    ),
)

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
            "What the authentication type keeps secret: the API key's Value, OAuth 2.0's Client secret (or private "
            "key), the Basic password, the Bearer token, the AWS secret access key, or the HMAC key.",
            "API key or Client secret; choose which under Extra Fields",
            required="unless auth_type is none",
        ),
    ),
    extras=(
        ExtraField(
            AUTHENTICATION_TYPE,
            "Authentication type",
            "Says what Secret is: choose it whenever Secret is filled in. Then fill in the fields below that are labelled with "
            "it: API key for api_key, OAuth 2.0 for oauth2, Basic, AWS SigV4, HMAC. With bearer, Secret is all.",
            kind="choice",
            choices=AUTHENTICATION_TYPES,
            default="none",
        ),
        # Before any secret: at a value that is no text, Airflow's own HTTP hooks stop, see cloudfn.py.
        ALLOW_HTTP,
        *_API_KEY,
        *_OAUTH2,
        *_BASIC,
        *_SIGV4,
        *_HMAC,
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
