"""The connection type ``cloudfn``: a base URL, and what authenticates there."""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Literal, cast

from msgspec import field

from airflow_provider_cloudfn.connections.addresses import base_url, checked_url
from airflow_provider_cloudfn.connections.authentication import (
    ApiKey,
    Authentication,
    AwsSignature,
    Basic,
    Bearer,
    HmacSignature,
    NoAuthentication,
    OAuth2,
)
from airflow_provider_cloudfn.connections.cloudfn_form import CLOUDFN_FORM
from airflow_provider_cloudfn.connections.form import AUTHENTICATION_TYPE
from airflow_provider_cloudfn.connections.reading import ConnectionReader
from airflow_provider_cloudfn.connections.transport import TransportSettings, is_pem, pem_text
from airflow_provider_cloudfn.redacted import Redacted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

__all__ = ["CloudFunctionConnection"]

_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_AWS_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?")

# They belong to the connection between client and server, or to the body: no credential has these names.
_FRAMING_HEADERS = frozenset(
    {"host", "content-length", "content-type", "transfer-encoding", "connection", "te", "trailer", "upgrade"}
)

# Airflow's HttpHook takes this one for itself and sends the others, if all are text, as request headers.
_TAKEN_BY_HTTP_HOOK = frozenset({"proxy"})


class CloudFunctionConnection(Redacted, frozen=True, kw_only=True):
    """
    A connection of type ``cloudfn``.

    :param conn_id: Its id.
    :param base_url: Scheme, host, port and path prefix, without a slash at its end.
    :param authentication: What authenticates.
    :param transport: How requests travel.
    :param health_path: Where the connection test sends its request, below the base URL.
    :param secret_values: What ``secret("name")`` stands for in a request.
    """

    _hidden: ClassVar = frozenset({"secret_values"})

    conn_id: str
    base_url: str
    authentication: Authentication
    transport: TransportSettings
    health_path: str | None = None
    secret_values: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def from_connection(cls, conn: Any) -> CloudFunctionConnection:
        """
        Read an Airflow connection.

        :param conn: The connection, from the UI, the environment or a secrets backend.
        :raises ConfigurationError: for the first field that is missing, unknown, impossible or doesn't fit the others;
            the message names it and says what to do.
        """
        reader = ConnectionReader(conn, CLOUDFN_FORM)
        reader.require_absent(
            ["login"],
            "Airflow's own HTTP hooks would send it with the password; the user name of auth_type 'basic' is the extra "
            "field username, an access key ID is aws_key_id",
        )
        _refuse_secrets_that_travel(reader)
        transport = TransportSettings.read(reader)
        kind = reader.choice(AUTHENTICATION_TYPE)
        _refuse_other_groups(reader, kind)
        return cls(
            conn_id=reader.conn_id,
            base_url=base_url(reader, allow_http=transport.allow_http),
            authentication=_READERS[kind](reader),
            transport=transport,
            health_path=_health_path(reader),
            secret_values=MappingProxyType(reader.texts("secret_values", '{"tenant_key": "…"}')),
        )

    def secrets(self) -> Iterator[str]:
        """Return what must not be seen."""
        yield from self.authentication.secrets()
        yield from self.transport.secrets()
        yield from self.secret_values.values()


def _refuse_secrets_that_travel(reader: ConnectionReader) -> None:
    """
    Refuse extras of which Airflow's own HTTP hooks would give a secret away.

    They send each extra as a request header, in the order in which the extras stand, unless one can't be a header: then
    they send nothing, and quote that one in their error.
    """
    secret_texts = []
    for name, value in reader.extras.items():
        is_secret = CLOUDFN_FORM.fields[name].kind == "secret" and name not in _TAKEN_BY_HTTP_HOOK
        if is_secret and isinstance(value, str):
            secret_texts.append(name)
        if not isinstance(value, str) and name not in _TAKEN_BY_HTTP_HOOK:
            return
        if is_secret and re.search(r"[\r\n]|^\s", value):
            break
    if secret_texts:
        raise reader.error(
            secret_texts[-1],
            "Airflow's HttpSensor and HTTP triggers, which ignore this type's hook, would send it as a request header, or show "
            'it in an error. Write "allow_http": false before it in the extra JSON, as JSON without quotes round false: there '
            "they stop. Connections made with the form have it; a URI holds JSON in __extra__",
        )


def _refuse_other_groups(reader: ConnectionReader, kind: str) -> None:
    for name, value in reader.extras.items():
        form_field = CLOUDFN_FORM.fields[name]
        if form_field.group and kind not in form_field.group and value != form_field.default:
            needed = " or ".join(repr(group) for group in form_field.group)
            raise reader.error(
                name, f"belongs to auth_type {needed}, and auth_type is {kind!r}: empty it, or correct auth_type"
            )


def _health_path(reader: ConnectionReader) -> str | None:
    path = reader.text("health_path")
    if path is not None and (re.search(r"[\s#\\]|^//|://", path) or not path.isprintable()):
        raise reader.error(
            "health_path", "must be a path below the base URL, perhaps with a query; write such as '/health'"
        )
    return path


def _none(reader: ConnectionReader) -> NoAuthentication:
    reader.require_absent(
        ["password"],
        "auth_type (Authentication type, under Extra Fields) is 'none'; choose there what the secret is for",
    )
    return NoAuthentication()


def _api_key(reader: ConnectionReader) -> ApiKey:
    location = cast("Literal['header', 'query']", reader.choice("key_location"))
    name = reader.required_text("key_name", "auth_type 'api_key'")
    if location == "header":
        _require_header_name(reader, "key_name", name)
    elif not name.isprintable() or re.search(r"[\s&=#]", name):
        raise reader.error(
            "key_name", "holds a character that no query parameter's name should hold; write such as 'api_key'"
        )
    value = reader.required_password("auth_type 'api_key' needs the key's Value there")
    _require_clean(reader, value, in_header=location == "header")
    return ApiKey(location=location, name=name, value=value)


def _oauth2(reader: ConnectionReader) -> OAuth2:
    method = reader.choice("client_auth_method")
    client_id = reader.required_text("client_id", "auth_type 'oauth2'")
    token_url = reader.required_text("oauth2_url", "auth_type 'oauth2'")
    refresh_url = reader.text("refresh_url")
    if method == "none":
        reader.require_absent(["password"], "client_auth_method is 'none', which has no client secret")
        secret = None
    else:
        secret = reader.required_password("auth_type 'oauth2' needs the Client secret there")
        if method == "private_key_jwt":
            if not is_pem(secret):
                raise reader.error(
                    "password", "is no PEM text; private_key_jwt needs '-----BEGIN PRIVATE KEY-----' and so on"
                )
            secret = pem_text(secret)
        else:
            _require_clean(reader, secret)
    key_id = reader.text("jwt_key_id")
    if method != "private_key_jwt" and key_id:
        raise reader.error(
            "jwt_key_id", f"belongs to client_auth_method 'private_key_jwt', and that is {method!r}: empty it"
        )
    parameters = reader.texts("oauth2_parameters", '{"tenant": "acme"}')
    for name in parameters:
        if name in {"grant_type", "client_id", "client_secret", "scope", "refresh_token", "audience", "resource"}:
            raise reader.error("oauth2_parameters", f"may not hold {name!r}: it is set by the other fields")
    allow_http = reader.boolean("allow_http")
    return OAuth2(
        token_url=checked_url(reader, "oauth2_url", token_url, allow_http=allow_http),
        client_id=client_id,
        client_secret=secret,
        scopes=tuple(re.split(r"[\s,]+", scopes.strip(" ,"))) if (scopes := reader.text("scopes")) else (),
        refresh_url=checked_url(reader, "refresh_url", refresh_url, allow_http=allow_http) if refresh_url else None,
        client_auth_method=method,
        audience=reader.text("audience"),
        resource=reader.text("resource"),
        parameters=MappingProxyType(parameters),
        key_id=key_id,
        algorithm=reader.choice("jwt_algorithm"),
        renew_when=reader.text("renew_when"),
    )


def _basic(reader: ConnectionReader) -> Basic:
    username = reader.required_text("username", "auth_type 'basic'")
    if ":" in username or not username.isprintable():
        raise reader.error("username", "holds a colon or a control character, which no user name can hold (RFC 7617)")
    return Basic(username=username, password=reader.required_password("auth_type 'basic' needs it"))


def _bearer(reader: ConnectionReader) -> Bearer:
    token = reader.required_password("auth_type 'bearer' needs the token there")
    _require_clean(reader, token, in_header=True)
    return Bearer(token=token)


def _sigv4(reader: ConnectionReader) -> AwsSignature:
    service, region = (reader.required_text(name, "auth_type 'sigv4'") for name in ("aws_service", "aws_region"))
    for name, value in (("aws_service", service), ("aws_region", region)):
        if not _AWS_NAME.fullmatch(value):
            raise reader.error(name, "may hold small letters, digits and hyphens only")
    key_id, secret_key, conn_id = reader.text("aws_key_id"), reader.standard("password"), reader.text("aws_conn_id")
    session_token = reader.secret("aws_session_token")
    if secret_key is not None and key_id is None:
        raise reader.error("aws_key_id", "is missing, and the password holds a secret access key; write both, or none")
    if key_id is not None and secret_key is None:
        raise reader.error("password", "is missing, and aws_key_id is given; write the secret access key there")
    if conn_id is not None and key_id is not None:
        raise reader.error("aws_conn_id", "is given, and aws_key_id too: empty one of them")
    if session_token is not None and key_id is None:
        raise reader.error("aws_session_token", "is given without aws_key_id, the access key that it belongs to")
    if secret_key is not None:
        _require_clean(reader, secret_key)
    return AwsSignature(
        service=service,
        region=region,
        key_id=key_id,
        secret_key=secret_key,
        session_token=session_token,
        conn_id=conn_id,
    )


def _hmac(reader: ConnectionReader) -> HmacSignature:
    header = reader.required_text("hmac_header", "auth_type 'hmac'")
    _require_header_name(reader, "hmac_header", header)
    secret = reader.required_password("auth_type 'hmac' needs the key there")
    _require_clean(reader, secret)
    return HmacSignature(
        secret=secret,
        header=header,
        algorithm=reader.choice("hmac_algorithm"),
        encoding=reader.choice("hmac_encoding"),
    )


_READERS: dict[str, Callable[[ConnectionReader], Authentication]] = {
    "none": _none,
    "api_key": _api_key,
    "oauth2": _oauth2,
    "basic": _basic,
    "bearer": _bearer,
    "sigv4": _sigv4,
    "hmac": _hmac,
}


def _require_header_name(reader: ConnectionReader, field_name: str, name: str) -> None:
    # What stands there is not quoted: people paste the whole header, value and all.
    if not _HEADER_NAME.fullmatch(name):
        raise reader.error(
            field_name, "is no header's name (RFC 9110, section 5.1); write the name alone, such as 'x-api-key'"
        )
    if name.lower() in _FRAMING_HEADERS:
        raise reader.error(
            field_name, f"got {name!r}, a header that HTTP itself sets; write the one that the service asks for"
        )


def _require_clean(reader: ConnectionReader, secret: str, *, in_header: bool = False) -> None:
    """Refuse the white space that a secret picks up when it is copied, and what a header can't carry."""
    reader.require_trimmed("password", secret)
    if in_header and not all(" " <= character <= "~" for character in secret):
        raise reader.error(
            "password", "holds a character that no header can carry; write ASCII letters, digits and signs"
        )
