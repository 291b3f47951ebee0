"""The form of the connection type ``amazon_connect``, in the words of the documents."""

from __future__ import annotations

from airflow_provider_cloudfn.connections.form import ConnectionForm, ExtraField, StandardField
from airflow_provider_cloudfn.connections.transport_form import ALLOW_HTTP, TRANSPORT_FIELDS, UNDRAWN_TRANSPORT_FIELDS

__all__ = ["AMAZON_CONNECT_FORM"]

#: What the Amazon provider reads besides from the extras of an AWS connection; it is handed on as it is.
_AMAZON_PROVIDER_EXTRAS = frozenset(
    {
        "assume_role_kwargs",
        "assume_role_method",
        "assume_role_with_saml",
        "assume_role_with_web_identity_federation",
        "assume_role_with_web_identity_federation_audience",
        "assume_role_with_web_identity_token_file",
        "aws_access_key_id",
        "aws_secret_access_key",
        "config_kwargs",
        "service_config",
        "session_kwargs",
        "verify",
    }
)

AMAZON_CONNECT_FORM = ConnectionForm(
    connection_type="amazon_connect",
    title="Amazon Connect",
    hook_class_name="airflow_provider_cloudfn.hooks.amazon_connect.AmazonConnectHook",
    standard=(
        StandardField(
            "login",
            "Access key ID",
            "The ID of a system user in AWS. Without it and its secret: what the Amazon provider finds, such as the "
            "worker's role.",
            "AKIAIOSFODNN7EXAMPLE",
            required="no",
        ),
        StandardField(
            "password",
            "Secret access key",
            "The password that belongs to the access key ID.",
            "What AWS gave with the access key ID",
            required="with login",
        ),
    ),
    extras=(
        ExtraField(
            "region_name",
            "Default region",
            "The region of your Amazon Connect instance; it decides the base URL, https://connect.<region>.amazonaws.com.",
            example="eu-central-1",
        ),
        ExtraField(
            "aws_session_token",
            "Session token",
            "For temporary access keys only, those whose ID begins with ASIA: the token that came with the key.",
            kind="secret",
        ),
        ExtraField(
            "role_arn",
            "Role",
            "The ARN of a role to assume before calling.",
            example="arn:aws:iam::123456789012:role/airflow-connect",
        ),
        ExtraField(
            "profile_name",
            "Profile",
            "A profile of the worker's AWS configuration files to take the credentials from.",
            example="connect",
        ),
        ExtraField(
            "endpoint_url",
            "Endpoint URL",
            "Where to call instead of Amazon Connect's own address, such as a VPC endpoint or a server for tests.",
            example="http://127.0.0.1:5000",
        ),
        *TRANSPORT_FIELDS,
        ALLOW_HTTP,
    ),
    undrawn=_AMAZON_PROVIDER_EXTRAS | UNDRAWN_TRANSPORT_FIELDS,
)
