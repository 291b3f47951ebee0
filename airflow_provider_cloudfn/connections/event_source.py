"""The connection type ``cloudfn_event_source``, read into an event source."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, cast

from airflow_provider_cloudfn.auth.basic import before_credentials
from airflow_provider_cloudfn.auth.header_fields import BEFORE_TOKEN
from airflow_provider_cloudfn.auth.standard_webhooks import signing_key
from airflow_provider_cloudfn.connections.addresses import checked_url
from airflow_provider_cloudfn.connections.event_source_form import EVENT_SOURCE_FORM
from airflow_provider_cloudfn.connections.kinds.hmac import HmacSignature
from airflow_provider_cloudfn.connections.reading import ConnectionReader
from airflow_provider_cloudfn.connections.transport import read_rate_limit
from airflow_provider_cloudfn.exceptions import ConfigurationError, ExpressionError
from airflow_provider_cloudfn.webhooks.schemes import SCHEMES
from airflow_provider_cloudfn.webhooks.schemes.basic import Basic
from airflow_provider_cloudfn.webhooks.schemes.bearer import Bearer
from airflow_provider_cloudfn.webhooks.schemes.hmac import SignedBody
from airflow_provider_cloudfn.webhooks.schemes.jwt import SignedToken
from airflow_provider_cloudfn.webhooks.schemes.standard_webhooks import StandardWebhooks
from airflow_provider_cloudfn.webhooks.source import MAX_BODY, EventSource, Unknown, request_program

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_cloudfn.cel import Program
    from airflow_provider_cloudfn.webhooks.schemes.scheme import Scheme

__all__ = ["event_source_of"]

#: What everybody can get a token of, whatever its audience: who the sender is stands in other claims.
_ISSUERS_FOR_EVERYBODY: Final = frozenset({"https://accounts.google.com", "accounts.google.com"})

#: What a request has for expressions.
_PARTS: Final = frozenset({"headers", "body", "path", "query"})


def event_source_of(conn: Any) -> EventSource:
    """
    Read an Airflow connection.

    :param conn: The connection, from the UI, the environment or a secrets backend.
    :raises ConfigurationError: for the first field that is missing, unknown, impossible or doesn't fit the others; the message
        names it and says what to do.
    """
    reader = ConnectionReader(conn, EVENT_SOURCE_FORM)
    reader.require_absent(["host", "schema", "port"], "events come in, and this connection calls nobody")
    max_body = reader.number("max_body")
    return EventSource(
        name=reader.conn_id,
        scheme=_scheme(reader),
        event_types=_event_types(reader),
        unknown=cast("Unknown", reader.choice("unknown")),
        type=_program(reader, "type"),
        id=_program(reader, "id"),
        filter=_program(reader, "filter"),
        payload=_program(reader, "payload"),
        max_body=MAX_BODY if max_body is None else int(max_body),
        rate_limit=read_rate_limit(reader),
    )


def _scheme(reader: ConnectionReader) -> Scheme:
    chosen = reader.choice("scheme")
    if chosen != "basic":
        reader.require_absent(["login"], f"the scheme is {chosen!r}, and only basic has a user name")
    read = _READERS.get(chosen)
    return (
        next(scheme for scheme in SCHEMES if scheme.name == chosen)(**_proof(reader)) if read is None else read(reader)
    )


def _proof(reader: ConnectionReader, *before: str) -> dict[str, Any]:
    """Return what all schemes with a secret have; ``before`` is what no secret begins with, as patterns."""
    scheme, previous = reader.choice("scheme"), reader.secret("previous_secret")
    secret = reader.required_password(f"the scheme {scheme!r} needs the secret there that the sender has")
    reader.require_clean_password(secret)
    reader.require_trimmed("previous_secret", previous)
    for name, written in (("password", secret), ("previous_secret", previous)) if before else ():
        reader.require_alone(name, written, *before)
    proof: dict[str, Any] = {"secrets": (secret,) if previous is None else (secret, previous)}
    if (tolerance := reader.number("tolerance")) is not None:
        proof["tolerance"] = tolerance
    return proof


def _standard_webhooks(reader: ConnectionReader) -> Scheme:
    scheme = StandardWebhooks(**_proof(reader))
    for name, secret in zip(("password", "previous_secret"), scheme.secrets, strict=False):
        try:
            signing_key(secret)
        except ConfigurationError as error:
            raise reader.error(name, str(error)) from None
    return scheme


def _hmac(reader: ConnectionReader) -> Scheme:
    settings = HmacSignature.read_for(reader, "the scheme 'hmac'")
    has_time = settings.timestamp_header is not None or "{timestamp}" in settings.written
    if has_time and "{timestamp}" not in settings.signed:
        raise reader.error(
            "hmac_signed", "leaves the timestamp out, so that anybody could change it: write such as {timestamp}.{body}"
        )
    if "}{" in settings.written:
        raise reader.error(
            "hmac_format", "has nothing between timestamp and signature, so that nobody can tell where the one ends"
        )
    return SignedBody(
        header=settings.header.lower(),
        algorithm=settings.algorithm,
        encoding=settings.encoding,
        written=settings.written,
        signed=settings.signed,
        timestamp_header=settings.timestamp_header.lower() if settings.timestamp_header else None,
        **_proof(reader),
    )


def _basic(reader: ConnectionReader) -> Scheme:
    user = reader.standard("login")
    if user is None:
        raise reader.error("login", "is missing, and the scheme 'basic' needs the user's name")
    if ":" in user:
        raise reader.error("login", "has a colon, which Basic can't carry (RFC 7617, section 2); choose another name")
    return Basic(user=user, **_proof(reader, before_credentials(user)))


def _bearer(reader: ConnectionReader) -> Scheme:
    header = reader.text("credential_header")
    if header is not None:
        reader.require_header_name("credential_header", header)
    before = BEFORE_TOKEN if header is None else rf"{re.escape(header)}\s*:\s*"
    return Bearer(header=None if header is None else header.lower(), **_proof(reader, before))


def _jwt(reader: ConnectionReader) -> Scheme:
    reader.require_absent(["password"], "with the scheme 'jwt' the issuer's public keys prove who sends")
    if reader.secret("previous_secret") is not None:
        raise reader.error("previous_secret", "must be empty: the scheme 'jwt' has no secret")
    issuer = reader.required_text("jwt_issuer", "the scheme 'jwt'")
    claims = reader.json_object("jwt_claims", '{"email": "sender@project.iam.gserviceaccount.com"}')
    if issuer in _ISSUERS_FOR_EVERYBODY and not {"email", "sub"} & claims.keys():
        raise reader.error(
            "jwt_claims",
            "names no sender, and Google gives everybody a token for your audience; write such as "
            '{"email": "sender@project.iam.gserviceaccount.com", "email_verified": true}',
        )
    for name, value in claims.items():
        if name in ("iss", "aud", "exp", "nbf", "iat") or not isinstance(value, (str, int)):
            raise reader.error(
                "jwt_claims", f"{name!r}: write another claim than those that are checked anyway, as text"
            )
    url = reader.required_text("jwt_jwks_url", "the scheme 'jwt'")
    return SignedToken(
        issuer=issuer,
        audience=reader.required_text("jwt_audience", "the scheme 'jwt'"),
        key_set_url=checked_url(reader, "jwt_jwks_url", url, allow_http=False),
        claims=claims,
    )


#: The schemes that have more settings than a secret.
_READERS: Final[dict[str, Callable[[ConnectionReader], Scheme]]] = {
    "standard_webhooks": _standard_webhooks,
    "hmac": _hmac,
    "basic": _basic,
    "bearer": _bearer,
    "jwt": _jwt,
}


def _event_types(reader: ConnectionReader) -> tuple[str, ...]:
    written = reader.text("event_types")
    types = tuple(glob for part in (written or "").split(",") if (glob := part.strip()))
    if written is not None and not types:
        raise reader.error("event_types", "names no type; write such as order.*, or nothing for any")
    return types


def _program(reader: ConnectionReader, name: str) -> Program | None:
    written = reader.text(name)
    if written is None:
        return None
    known = "expressions read request.headers, .body, .path and .query"
    try:
        program = request_program(written)
    except ExpressionError as error:
        raise reader.error(name, f"{error}; {known}") from None
    if unknown := sorted({path[1] for path in program.paths if len(path) > 1} - _PARTS):
        raise reader.error(name, f"reads request.{unknown[0]}, which is not there; {known}")
    return program
