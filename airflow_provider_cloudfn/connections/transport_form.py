"""The fields that say how requests travel, the same on every connection type."""

from __future__ import annotations

from airflow_provider_cloudfn.connections.form import ExtraField

__all__ = ["ALLOW_HTTP", "CLIENT_CERTIFICATE_FIELDS", "TRANSPORT_FIELDS", "UNDRAWN_TRANSPORT_FIELDS"]

_MOST_SECONDS = 86_400.0

ALLOW_HTTP = ExtraField(
    "allow_http",
    "Allow http://",
    "Whether an address may begin with http://, which sends credentials in the clear. Loopback ones always may.",
    kind="boolean",
    default=False,
)

#: TLS client certificates (RFC 8446, section 4.4.2), which only some services ask for.
CLIENT_CERTIFICATE_FIELDS = (
    ExtraField(
        "client_cert",
        "TLS: Client certificate",
        "For services that ask for a certificate (mTLS): the path of a PEM file on the worker, or the PEM text, pasted whole.",
        example="/etc/ssl/airflow.pem",
    ),
    ExtraField(
        "client_key_file",
        "TLS: Key file",
        "The path of a PEM file on the worker with the certificate's private key, if the certificate's has none.",
        example="/etc/ssl/airflow-key.pem",
    ),
    ExtraField(
        "client_private_key",
        "TLS: Private key",
        "Instead of a key file: the private key as PEM text, pasted whole from BEGIN to END. That this field makes one line of "
        "it does no harm.",
        kind="secret",
    ),
    ExtraField(
        "client_private_key_passphrase",
        "TLS: Passphrase",
        "Opens the private key, where it is encrypted.",
        kind="secret",
    ),
)

TRANSPORT_FIELDS = (
    ExtraField(
        "ca_bundle",
        "TLS: CA bundle",
        "The certificate authorities to trust, instead of the system's: the path of a PEM file on the worker, or the PEM text, "
        "pasted whole.",
        example="/etc/ssl/company-ca.pem",
    ),
    ExtraField(
        "proxy",
        "Proxy",
        "The HTTP proxy to go through, with its user and password if it asks for them, as a URL: "
        "http://user:password@proxy.example.com:3128",
        kind="secret",
    ),
    ExtraField(
        "connect_timeout",
        "Timeout: Connect",
        "How many seconds a connection may take to be made. Default: 10.",
        kind="number",
        example="5",
        minimum=0.001,
        maximum=_MOST_SECONDS,
    ),
    ExtraField(
        "read_timeout",
        "Timeout: Read",
        "How many seconds the service may stay silent. Default: as long as the whole call may take.",
        kind="number",
        example="30",
        minimum=0.001,
        maximum=_MOST_SECONDS,
    ),
    ExtraField(
        "total_timeout",
        "Timeout: Total",
        "How many seconds a call may take in all, where the task says nothing else. Default: 60.",
        kind="number",
        example="120",
        minimum=0.001,
        maximum=_MOST_SECONDS,
    ),
    ExtraField(
        "address_guard",
        "Address guard",
        "Which addresses the host may not resolve to: link_local refuses link-local and cloud metadata addresses, "
        "private refuses private and loopback ones too, off refuses none.",
        kind="choice",
        choices=("link_local", "private", "off"),
        default="link_local",
    ),
)

#: What may be written by hand besides: forms are long enough.
UNDRAWN_TRANSPORT_FIELDS = frozenset({"rate_limit"})
