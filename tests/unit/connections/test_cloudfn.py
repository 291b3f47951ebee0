from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

import pytest
from airflow.sdk import Connection

from airflow_provider_cloudfn.auth.header_fields import PROTOCOL_HEADERS
from airflow_provider_cloudfn.connections.cloudfn import CloudFunctionConnection
from airflow_provider_cloudfn.connections.kinds.api_key import ApiKey
from airflow_provider_cloudfn.connections.kinds.basic import BasicCredentials
from airflow_provider_cloudfn.connections.kinds.bearer import BearerToken
from airflow_provider_cloudfn.connections.kinds.hmac import HmacSignature
from airflow_provider_cloudfn.connections.kinds.none import NoAuthentication
from airflow_provider_cloudfn.connections.kinds.oauth2 import OAuth2
from airflow_provider_cloudfn.connections.kinds.sigv4 import AwsSignature
from airflow_provider_cloudfn.connections.kinds.standard_webhooks import WebhookSignature
from airflow_provider_cloudfn.exceptions import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_cloudfn.connections.kinds.kind import Authentication

SECRET = "hunter2-79402633"
BASE = "https://api.example.com"
PEM = "-----BEGIN PRIVATE KEY-----\nMIGHAgEAMBMGByqGSM49AgEG\n-----END PRIVATE KEY-----\n"
OAUTH2 = {"auth_type": "oauth2", "client_id": "f9b8", "oauth2_url": "https://id.example.com/oauth2/token"}
KEY = {"auth_type": "api_key", "key_name": "x-api-key"}
HMAC = {"auth_type": "hmac", "hmac_header": "X-Signature"}
ENCRYPTED_PEM = PEM.replace("PRIVATE KEY", "ENCRYPTED PRIVATE KEY")


def read(*, extra: Any = None, host: str | None = BASE, **fields: Any) -> CloudFunctionConnection:
    text = extra if isinstance(extra, str) else json.dumps(extra or {})
    return CloudFunctionConnection.from_connection(
        Connection(conn_id="shop", conn_type="cloudfn", host=host, extra=text, **fields)
    )


def refusal(**fields: Any) -> str:
    with pytest.raises(ConfigurationError) as raised:
        read(**fields)
    return str(raised.value)


@pytest.mark.parametrize(
    ("extra", "password", "expected"),
    [
        ({}, None, NoAuthentication()),
        ({"auth_type": "none"}, None, NoAuthentication()),
        (KEY, SECRET, ApiKey(location="header", name="x-api-key", value=SECRET)),
        (
            {**KEY, "key_name": "key", "key_location": "query"},
            SECRET,
            ApiKey(location="query", name="key", value=SECRET),
        ),
        (
            OAUTH2,
            SECRET,
            OAuth2(token_url="https://id.example.com/oauth2/token", client_id="f9b8", client_secret=SECRET),
        ),
        (
            {
                **OAUTH2,
                "scopes": "orders:read, orders:write charges",
                "refresh_url": "https://id.example.com/refresh",
                "client_auth_method": "client_secret_post",
                "audience": "https://api.example.com/",
                "resource": "urn:shop",
                "oauth2_parameters": {"tenant": "acme"},
            },
            SECRET,
            OAuth2(
                token_url="https://id.example.com/oauth2/token",
                client_id="f9b8",
                client_secret=SECRET,
                scopes=("orders:read", "orders:write", "charges"),
                refresh_url="https://id.example.com/refresh",
                client_auth_method="client_secret_post",
                audience="https://api.example.com/",
                resource="urn:shop",
                parameters={"tenant": "acme"},
            ),
        ),
        (
            {**OAUTH2, "client_auth_method": "none"},
            None,
            OAuth2(
                token_url="https://id.example.com/oauth2/token",
                client_id="f9b8",
                client_secret="",
                client_auth_method="none",
            ),
        ),
        (
            {**OAUTH2, "client_auth_method": "private_key_jwt", "jwt_key_id": "k1", "jwt_algorithm": "ES256"},
            PEM,
            OAuth2(
                token_url="https://id.example.com/oauth2/token",
                client_id="f9b8",
                client_secret=PEM,
                client_auth_method="private_key_jwt",
                key_id="k1",
                algorithm="ES256",
            ),
        ),
        (
            {
                **OAUTH2,
                "scopes": "a b",
                "scope_separator": "comma",
                "oauth2_request": "json",
                "oauth2_parameters": {"grant_type": "password", "username": "ann", "password": "secret('ann')"},
                "oauth2_headers": {"X-Key": 'Key secret("key")', "X-Tenant": "acme"},
                "secret_values": {"ann": "0pen", "key": "k1"},
            },
            SECRET,
            OAuth2(
                token_url="https://id.example.com/oauth2/token",
                client_id="f9b8",
                client_secret=SECRET,
                scopes=("a", "b"),
                scope_separator=",",
                as_json=True,
                grant_type="password",
                parameters={"username": "ann", "password": "0pen"},
                headers={"X-Key": "Key k1", "X-Tenant": "acme"},
                request_secrets=("0pen", "k1"),
            ),
        ),
        (
            {
                **OAUTH2,
                "client_auth_method": "private_key_jwt",
                "jwt_certificate": "A1" * 20,
                "jwt_claims": '{"sub": "ann"}',
            },
            PEM,
            OAuth2(
                token_url="https://id.example.com/oauth2/token",
                client_id="f9b8",
                client_secret=PEM,
                client_auth_method="private_key_jwt",
                jwt_certificate="A1" * 20,
                claims={"sub": "ann"},
            ),
        ),
        ({"auth_type": "basic", "username": "airflow"}, SECRET, BasicCredentials(username="airflow", password=SECRET)),
        ({"auth_type": "basic", "username": "sk_live_1"}, None, BasicCredentials(username="sk_live_1", password="")),
        ({"auth_type": "basic", "username": ""}, SECRET, BasicCredentials(username="", password=SECRET)),
        ({"auth_type": "bearer"}, SECRET, BearerToken(token=SECRET)),
        (
            {"auth_type": "sigv4", "aws_service": "execute-api", "aws_region": "eu-central-1", "aws_key_id": "AKIA1"},
            SECRET,
            AwsSignature(service="execute-api", region="eu-central-1", key_id="AKIA1", secret_key=SECRET),
        ),
        (
            {"auth_type": "sigv4", "aws_service": "lambda", "aws_region": "us-east-1", "aws_conn_id": "aws_default"},
            None,
            AwsSignature(service="lambda", region="us-east-1", conn_id="aws_default"),
        ),
        ({"auth_type": "standard_webhooks"}, "whsec_c2VjcmV0", WebhookSignature(secret="whsec_c2VjcmV0")),
        (
            {"auth_type": "hmac", "hmac_header": "X-Signature", "hmac_algorithm": "sha512", "hmac_encoding": "hex"},
            SECRET,
            HmacSignature(secret=SECRET, header="X-Signature", algorithm="sha512", encoding="hex"),
        ),
        (
            {
                "auth_type": "hmac",
                "hmac_header": "X-Signature",
                "hmac_format": "v0={signature}",
                "hmac_signed": "v0:{timestamp}:{body}",
                "hmac_timestamp_header": "X-Time",
            },
            SECRET,
            HmacSignature(
                secret=SECRET,
                header="X-Signature",
                written="v0={signature}",
                signed="v0:{timestamp}:{body}",
                timestamp_header="X-Time",
            ),
        ),
    ],
)
def test_form_json_and_uri_mean_the_same(
    define: Callable[..., Connection], extra: dict[str, Any], password: str | None, expected: Authentication
) -> None:
    conn = define("cloudfn", extra, host=BASE, password=password)

    settings = CloudFunctionConnection.from_connection(conn)

    assert settings.authentication == expected
    assert settings.base_url == BASE
    assert settings == read(extra=extra, password=password)


def test_all_settings_that_are_not_authentication(define: Callable[..., Connection]) -> None:
    conn = define(
        "cloudfn",
        {
            "allow_http": True,
            "health_path": "/health?deep=1",
            "connect_timeout": 2.5,
            "read_timeout": 30,
            "total_timeout": 90,
            "address_guard": "private",
            "ca_bundle": "/etc/ssl/ca.pem",
            "proxy": "http://me:pa%24s@proxy.example.com:3128",
            "secret_values": {"tenant_key": SECRET},
        },
        host="http://api.example.com:8080/base",
    )

    settings = CloudFunctionConnection.from_connection(conn)

    assert settings.base_url == "http://api.example.com:8080/base"
    assert settings.health_path == "/health?deep=1"
    assert settings.secret_values == {"tenant_key": SECRET}
    transport = settings.transport
    assert (transport.connect_timeout, transport.read_timeout, transport.total_timeout) == (2.5, 30.0, 90.0)
    assert (transport.address_guard, transport.ca_bundle, transport.allow_http) == ("private", "/etc/ssl/ca.pem", True)
    assert set(settings.secrets()) == {SECRET, "pa%24s", "pa$s", base64.b64encode(b"me:pa$s").decode()} | {
        base64.b64encode(b"me:pa%24s").decode()
    }


@pytest.mark.parametrize(
    ("fields", "base_url"),
    [
        ({"host": "https://api.example.com/"}, "https://api.example.com"),
        ({"host": " https://api.example.com/v1/ "}, "https://api.example.com/v1"),
        ({"host": "HTTPS://api.example.com"}, "https://api.example.com"),
        ({"host": "https://api.example.com", "port": 8443}, "https://api.example.com:8443"),
        ({"host": "https://api.example.com:8443", "port": 8443}, "https://api.example.com:8443"),
        ({"host": "https://api.example.com", "schema": "https"}, "https://api.example.com"),
        ({"host": "api.example.com", "schema": "https"}, "https://api.example.com"),
        ({"host": "http://127.0.0.1:8080"}, "http://127.0.0.1:8080"),
        ({"host": "http://localhost:8080/x"}, "http://localhost:8080/x"),
        ({"host": "http://[::1]:8080"}, "http://[::1]:8080"),
        ({"host": "https://[::ffff:192.0.2.7]:8080"}, "https://[::ffff:192.0.2.7]:8080"),
        ({"host": "https://192.0.2.7:8443/v1"}, "https://192.0.2.7:8443/v1"),
        ({"host": "https://7.example.com/...", "port": 8443}, "https://7.example.com:8443/..."),
        ({"host": "https://bücher.example/größe"}, "https://xn--bcher-kva.example/größe"),
        ({"host": "https://BÜCHER.example:8443/v1"}, "https://xn--bcher-kva.example:8443/v1"),
        ({"host": "bücher.example", "schema": "https"}, "https://xn--bcher-kva.example"),
        ({"host": "https://例え。テスト", "port": 8443}, "https://xn--r8jz45g.xn--zckzah:8443"),
        ({"host": "http://\uff11\uff12\uff17.0.0.1"}, "http://127.0.0.1"),
        ({"host": "http://shop.internal", "extra": {"allow_http": True}}, "http://shop.internal"),
    ],
)
def test_the_base_url(fields: dict[str, Any], base_url: str) -> None:
    assert read(**fields).base_url == base_url


@pytest.mark.parametrize(
    ("uri", "base_url"),
    [
        ("cloudfn://https://api.example.com", "https://api.example.com"),
        ("cloudfn://https://api.example.com:8443/?auth_type=none", "https://api.example.com:8443"),
        ("cloudfn://https://api.example.com/v1?auth_type=none", "https://api.example.com/v1"),
        ("cloudfn://https://api.example.com/v1%2Forders?auth_type=none", "https://api.example.com/v1/orders"),
        ("cloudfn://https%3A%2F%2Fapi.example.com%2Fv1", "https://api.example.com/v1"),
        ("cloudfn://http://%5B%3A%3A1%5D%3A8080", "http://[::1]:8080"),
        ("cloudfn://http://[::1]:8080/?auth_type=none", "http://[::1]:8080"),
        ("cloudfn://https://b%C3%BCcher.example/v1", "https://xn--bcher-kva.example/v1"),
    ],
)
def test_a_uri_written_by_hand(uri: str, base_url: str) -> None:
    conn = Connection(conn_id="shop", uri=uri)

    assert CloudFunctionConnection.from_connection(conn).base_url == base_url


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"host": None}, "host (Base URL): is missing; write the service's address, such as 'https://api.example.com'"),
        ({"host": "  "}, "host (Base URL): is missing"),
        ({"host": "api.example.com"}, "which has no scheme; write 'https://api.example.com'"),
        ({"host": "ftp://api.example.com"}, "must begin with https://"),
        ({"host": "http://api.example.com"}, "set allow_http to true"),
        ({"host": "http://127.0.0.1.evil.example"}, "set allow_http to true"),
        ({"host": "https://api.example.com?x=1"}, "a query belongs to the request"),
        ({"host": "https://api.example.com#top"}, "fragment"),
        ({"host": f"https://me:{SECRET}@api.example.com"}, "credentials have fields of their own"),
        ({"host": "https://"}, "names no host"),
        ({"host": "https://a..example.com"}, "names no host"),
        ({"host": f"https://{'a' * 64}.example.com"}, "names no host"),
        ({"host": "//api.example.com"}, "which has no scheme; write 'https://api.example.com'"),
        ({"host": "https://api.example.com:99999"}, "is no URL"),
        ({"host": "https://api.exa mple.com"}, "a character that no URL can hold"),
        ({"host": "https://api.example.com\nx"}, "a character that no URL can hold"),
        ({"host": BASE, "port": 70000}, "port: got 70000"),
        ({"extra": "[" * 100_000}, "extra: is no JSON"),
        ({"host": BASE + ":8443", "port": 8444}, "got 8444, and the base URL says 8443"),
        ({"host": BASE + "/v1", "schema": "v2"}, "schema: must be empty"),
        (
            {"host": "http://127.0.0.1:1", "schema": "https"},
            "schema: got 'https', and the base URL begins with 'http://': empty schema, or correct the base URL",
        ),
        ({"host": BASE, "schema": "HTTP"}, "schema: got 'HTTP', and the base URL begins with 'https://'"),
        ({"host": BASE + "/../p"}, "host (Base URL): got 'https://api.example.com/../p' with '.' or '..' in its path"),
        ({"host": BASE + "/v1/."}, "with '.' or '..' in its path; write the path that is meant"),
        ({"host": BASE + "/v1/%2E%2e/p"}, "with '.' or '..' in its path"),
        (
            {"host": BASE, "schema": ".."},
            "host (Base URL): got 'https://api.example.com/..' with '.' or '..' in its path",
        ),
        (
            {"host": "https://ü..example"},
            "whose host is no international name (RFC 5891); correct it, or write its ASCII form",
        ),
        ({"host": "http://bücher.example"}, "set allow_http to true"),
        (
            {"host": "http://2130706433/"},
            "host (Base URL): got 'http://2130706433/', whose host is a number that is no IPv4",
        ),
        ({"host": "http://0x7f.1/"}, "whose host is a number"),
        ({"host": "https://shop.0X7f"}, "whose host is a number"),
        ({"host": "http://0177.0.0.1/"}, "four decimal numbers without zeros before them, such as '192.0.2.7'"),
        ({"host": "http://127.1:8080/"}, "whose host is a number"),
        ({"host": "https://1.2.3.4.5"}, "whose host is a number"),
        ({"host": "https://\uff12\uff11\uff13\uff10\uff17\uff10\uff16\uff14\uff13\uff13"}, "whose host is a number"),
        ({"host": "2130706433", "schema": "http"}, "whose host is a number"),
        ({"login": "me"}, "login: must be empty"),
        (
            {"password": SECRET},
            "password (Secret): must be empty: auth_type (Authentication type, under Extra Fields) is 'none'; choose there",
        ),
        ({"extra": {"auth_type": "apikey"}}, "got 'apikey'; did you mean 'api_key'?"),
        ({"extra": {"auth_type": "Bearer"}}, "got 'Bearer'; did you mean 'bearer'?"),
        ({"extra": {"auth_type": "ApiKey"}}, "got 'ApiKey'; did you mean 'api_key'?"),
        ({"extra": {"auth_type": 3}}, "auth_type (Authentication type): got a number; choose one of none, api_key"),
        ({"extra": {"key_nam": "x"}}, "there is no extra field 'key_nam'; did you mean 'key_name'?"),
        ({"extra": {"token_url": "https://x.test"}}, "there is no extra field 'token_url'; did you mean 'oauth2_url'?"),
        ({"extra": {"verify": False}}, "there is no extra field 'verify'; did you mean 'ca_bundle'?"),
        ({"extra": {"client_secret": SECRET}}, "it stands in the password (Secret) of the connection"),
        ({"extra": {"base_url": "https://x.test"}}, "the address stands in the host (Base URL) of the connection"),
        ({"extra": {"zzz": SECRET}}, "there is no extra field 'zzz'; there are address_guard"),
        ({"extra": "{broken"}, "extra: is no JSON (line 1, column 2)"),
        ({"extra": "[1]"}, "extra: got a list; write a JSON object"),
        ({"extra": KEY}, "password (Secret): is missing, and auth_type 'api_key' needs the key's Value there"),
        ({"extra": {"auth_type": "api_key"}, "password": SECRET}, "key_name (API key: Name): is missing"),
        ({"extra": {**KEY, "key_location": "body"}, "password": SECRET}, "got 'body'; choose one of header, query"),
        ({"extra": {**KEY, "key_name": f"x-api-key: {SECRET}"}, "password": SECRET}, "is no name of a header"),
        ({"extra": {**KEY, "key_name": "Content-Length"}, "password": SECRET}, "a header that HTTP itself sets"),
        (
            {"extra": {**KEY, "key_location": "query", "key_name": "a&b"}, "password": SECRET},
            "no query parameter's name",
        ),
        ({"extra": KEY, "password": SECRET + "\n"}, "begins or ends with white space"),
        ({"extra": KEY, "password": SECRET + "\u00e9"}, "a character that no header can carry"),
        ({"extra": {"key_name": "x-api-key"}}, "belongs to auth_type 'api_key', and auth_type is 'none'"),
        ({"extra": {**KEY, "client_id": "f9"}, "password": SECRET}, "client_id (OAuth 2.0: Client ID): belongs to"),
        ({"extra": {**OAUTH2, "client_id": ""}, "password": SECRET}, "client_id (OAuth 2.0: Client ID): is missing"),
        (
            {"extra": {**OAUTH2, "oauth2_url": None}, "password": SECRET},
            "oauth2_url (OAuth 2.0: Token URL): is missing",
        ),
        (
            {"extra": {**OAUTH2, "oauth2_url": "http://id.example.com/token"}, "password": SECRET},
            "oauth2_url (OAuth 2.0: Token URL): got 'http://id.example.com/token', which would send credentials",
        ),
        (
            {"extra": {**OAUTH2, "refresh_url": "/refresh"}, "password": SECRET},
            "refresh_url (OAuth 2.0: Refresh URL): got",
        ),
        ({"extra": OAUTH2}, "needs the Client secret there"),
        ({"extra": {**OAUTH2, "client_auth_method": "none"}, "password": SECRET}, "client_auth_method is 'none'"),
        ({"extra": {**OAUTH2, "client_auth_method": "tls_client_auth"}}, "write 'none' for 'tls_client_auth'"),
        ({"extra": {**OAUTH2, "client_auth_method": "private_key_jwt"}, "password": SECRET}, "is no PEM text"),
        (
            {"extra": {**OAUTH2, "jwt_key_id": "k1"}, "password": SECRET},
            "belongs to client_auth_method 'private_key_jwt'",
        ),
        ({"extra": {**OAUTH2, "oauth2_parameters": {"scope": "a"}}, "password": SECRET}, "may not hold 'scope'"),
        ({"extra": {**OAUTH2, "oauth2_parameters": {"n": 1}}, "password": SECRET}, "'n' holds a number"),
        (
            {"extra": {**OAUTH2, "oauth2_parameters": {"grant_type": "authorization_code"}}, "password": SECRET},
            "grant_type 'authorization_code' needs a person who logs in",
        ),
        (
            {
                "extra": {**OAUTH2, "oauth2_parameters": {"grant_type": "password", "password": SECRET}},
                "password": SECRET,
            },
            "'password' is secret, and this field is shown: write it into secret_values",
        ),
        (
            {"extra": {**OAUTH2, "oauth2_parameters": {"tenant": "secret('x')"}}, "password": SECRET},
            "oauth2_parameters (in the extra JSON): secret('x'): the connection's secret_values have no such name",
        ),
        ({"extra": {**OAUTH2, "oauth2_headers": {"Host": "x"}}, "password": SECRET}, "a header that HTTP itself sets"),
        (
            {"extra": {**OAUTH2, "oauth2_headers": {"Authorization": "x"}}, "password": SECRET},
            "which client_secret_basic sets",
        ),
        ({"extra": {**OAUTH2, "oauth2_headers": {"X-A": "a\nb"}}, "password": SECRET}, "'X-A' holds what no header"),
        (
            {"extra": {**OAUTH2, "jwt_claims": {"sub": "x"}}, "password": SECRET},
            "jwt_claims (in the extra JSON): belongs",
        ),
        (
            {"extra": {**OAUTH2, "client_auth_method": "private_key_jwt", "jwt_claims": {"exp": 1}}, "password": PEM},
            "may not hold 'exp'",
        ),
        (
            {"extra": {**OAUTH2, "client_auth_method": "private_key_jwt", "jwt_certificate": "x.pem"}, "password": PEM},
            "jwt_certificate (in the extra JSON): is no certificate as PEM text, nor its thumbprint",
        ),
        ({"extra": {**OAUTH2, "oauth2_parameters": "{"}, "password": SECRET}, "is no JSON (line 1, column 2)"),
        ({"extra": {"auth_type": "basic"}, "password": SECRET}, "username (Basic: User name): is missing"),
        (
            {"extra": {"auth_type": "basic", "username": None}, "password": SECRET},
            "username (Basic: User name): is missing",
        ),
        ({"extra": {"auth_type": "basic", "username": ""}}, "password (Secret): is missing, and username is empty"),
        ({"extra": {"auth_type": "basic", "username": "a:b"}, "password": SECRET}, "holds a colon"),
        ({"extra": {"auth_type": "bearer"}}, "needs the token there"),
        ({"extra": {"auth_type": "sigv4", "aws_region": "eu-west-1"}}, "aws_service (AWS SigV4: Service): is missing"),
        (
            {"extra": {"auth_type": "sigv4", "aws_region": "eu-west-1", "aws_service": "s3"}, "password": SECRET},
            "aws_key_id (AWS SigV4: Access key ID): is missing",
        ),
        (
            {"extra": {"auth_type": "sigv4", "aws_region": "eu-west-1", "aws_service": "s3", "aws_key_id": "A"}},
            "password (Secret): is missing, and aws_key_id is given",
        ),
        (
            {"extra": {"auth_type": "sigv4", "aws_region": "EU/x", "aws_service": "s3"}},
            "aws_region (AWS SigV4: Region): may hold small letters",
        ),
        ({"extra": {"auth_type": "hmac"}, "password": SECRET}, "hmac_header (in the extra JSON): is missing"),
        ({"extra": {"auth_type": "standard_webhooks"}, "password": "whsec_ä"}, "is no secret of Standard Webhooks"),
        ({"extra": {"auth_type": "standard_webhooks"}}, "auth_type 'standard_webhooks' needs the signing secret"),
        (
            {"extra": {"auth_type": "hmac", "hmac_header": "X-S", "hmac_algorithm": "md5"}, "password": SECRET},
            "got 'md5'; choose one of sha256",
        ),
        (
            {"extra": {**HMAC, "hmac_format": "sha256="}, "password": SECRET},
            "hmac_format (in the extra JSON): must have {signature} in it, once",
        ),
        (
            {"extra": {**HMAC, "hmac_signed": "{time}.{body}"}, "password": SECRET},
            "hmac_signed (in the extra JSON): got {time}; the blanks are {body} and {timestamp}",
        ),
        (
            {"extra": {**HMAC, "hmac_signed": "{timestamp}.{body}"}, "password": SECRET},
            "hmac_timestamp_header (in the extra JSON): is missing: the timestamp is signed",
        ),
        (
            {"extra": {**OAUTH2, "client_auth_method": "private_key_jwt"}, "password": ENCRYPTED_PEM},
            "jwt_key_passphrase (in the extra JSON): is missing, and the private key in password (Secret) is",
        ),
        (
            {"extra": {"allow_http": False, **OAUTH2, "jwt_key_passphrase": SECRET}, "password": SECRET},
            "jwt_key_passphrase (in the extra JSON): is given, and password (Secret) holds no encrypted",
        ),
        (
            {"extra": {"allow_http": "perhaps"}},
            "allow_http (Allow http://): got 'perhaps'; write true or false",
        ),
        ({"extra": {"health_path": "https://other.example"}}, "health_path (in the extra JSON): must be a path"),
        ({"extra": {"health_path": "//other.example"}}, "must be a path"),
        ({"extra": {"connect_timeout": 0}}, "connect_timeout (in the extra JSON): got '0'; write a number from 0.001"),
        ({"extra": {"read_timeout": True}}, "read_timeout (in the extra JSON): got"),
        ({"extra": {"total_timeout": "1e999"}}, "got '1e999'"),
        ({"extra": {"total_timeout": "nan"}}, "got 'nan'"),
        ({"extra": {"address_guard": "all"}}, "got 'all'; choose one of link_local, private, off"),
        ({"extra": {"proxy": "proxy.example.com:3128"}}, "proxy (in the extra JSON): is no proxy's URL"),
        ({"extra": {"client_key_file": "/k.pem"}}, "given without client_cert"),
        ({"extra": {"client_cert": PEM}}, "holds a private key, and is shown to everybody"),
        (
            {"extra": {"allow_http": False, "client_cert": "/c.pem", "client_private_key": SECRET}},
            "client_private_key (in the extra JSON): is no PEM text",
        ),
        ({"extra": {"allow_http": False, "secret_values": SECRET}}, "secret_values (in the extra JSON): is no JSON"),
        ({"extra": {"secret_values": [SECRET]}}, "got a list; write a JSON object"),
        ({"extra": {"secret_values": {"tenant_key": 12345}}}, "'tenant_key' holds a number"),
        ({"extra": {"secret_values": {"tenant_key": ""}}}, "'tenant_key' holds empty text"),
    ],
)
def test_what_is_refused_and_how_that_is_said(fields: dict[str, Any], expected: str) -> None:
    message = refusal(**fields)

    assert message.startswith("connection 'shop'")
    assert expected in message
    assert SECRET not in message


BASIC = {"auth_type": "basic", "username": "ann"}
BEARER = {"auth_type": "bearer"}
#: What Basic makes of ann and of f9b8, and their secret.
OF_ANN = base64.b64encode(f"ann:{SECRET}".encode()).decode()
OF_CLIENT = base64.b64encode(f"f9b8:{SECRET}".encode()).decode()


@pytest.mark.parametrize(
    ("extra", "password", "before"),
    [
        (BEARER, f"Bearer {SECRET}", "Bearer"),
        (BEARER, f"bearer  {SECRET}", "bearer"),
        (BEARER, f"Token {SECRET}", "Token"),
        (BEARER, f"Basic {SECRET}", "Basic"),
        (BEARER, f"Authorization: Bearer {SECRET}", "Authorization: Bearer"),
        (BEARER, f"authorization:{SECRET}", "authorization:"),
        # What follows may be the secret, and is not quoted.
        (BEARER, "Authorization: letters only", "Authorization:"),
        (BASIC, f"Basic {OF_ANN}", "Basic"),
        (BASIC, f"Authorization: Basic {OF_ANN}", "Authorization: Basic"),
        (OAUTH2, f"Basic {OF_CLIENT}", "Basic"),
        ({**OAUTH2, "client_auth_method": "client_secret_post"}, f"Basic {OF_CLIENT}", "Basic"),
        (KEY, f"X-API-Key: {SECRET}", "X-API-Key:"),
        ({**KEY, "key_name": "Authorization"}, f"Authorization: Bearer {SECRET}", "Authorization:"),
        ({**KEY, "key_location": "query", "key_name": "api_key"}, f"api_key={SECRET}", "api_key="),
    ],
)
def test_a_secret_is_pasted_without_what_a_request_has_before_it(
    extra: dict[str, Any], password: str, before: str
) -> None:
    message = refusal(extra=extra, password=password)

    assert message == (
        f"connection 'shop', password (Secret): begins with {before!r}, which is sent before it anyway; write what follows it "
        "alone"
    )


@pytest.mark.parametrize(
    ("extra", "password"),
    [
        (BEARER, "bearer-7940"),
        (BEARER, "Token/7940"),
        (BASIC, "Basic instincts"),
        (BASIC, f"Basic {OF_CLIENT}"),
        (OAUTH2, "Bearer of news"),
        (KEY, f"Bearer {SECRET}"),
        ({**KEY, "key_name": "Authorization"}, f"Token {SECRET}"),
        ({**KEY, "key_location": "query"}, f"x-api-key: {SECRET}"),
    ],
)
def test_a_secret_may_look_like_a_scheme(extra: dict[str, Any], password: str) -> None:
    assert password in read(extra=extra, password=password).secrets()


@pytest.mark.parametrize(
    ("extra", "field"),
    [
        *((KEY, name) for name in ("auth_type", "key_location", "allow_http", "total_timeout", "address_guard")),
        *((KEY, name) for name in ("rate_limit", "host")),
        *((OAUTH2, name) for name in ("oauth2_url", "refresh_url", "scope_separator")),
    ],
)
@pytest.mark.parametrize(
    "secret", [SECRET, f"api_key-{SECRET}" * 5, "wJalrXUtnFEMI/K7MDENG", "eyJhbGciOiJI.eyJzdWIi.c2ln"]
)
def test_a_secret_in_the_wrong_field_is_not_quoted(extra: dict[str, Any], field: str, secret: str) -> None:
    fields = {"host": secret, "extra": extra} if field == "host" else {"extra": {**extra, field: secret}}

    message = refusal(**fields, password=SECRET)

    assert f"a text of {len(secret)} characters" in message
    assert secret not in message


@pytest.mark.parametrize("name", [*sorted(PROTOCOL_HEADERS - {"authorization"}), "Expect", "content-type"])
@pytest.mark.parametrize(
    ("field", "extra"),
    [
        ("key_name (API key: Name)", {"auth_type": "api_key"}),
        ("hmac_header (in the extra JSON)", {"auth_type": "hmac"}),
    ],
)
def test_a_header_that_nobody_may_set_is_refused_when_the_connection_is_read(
    field: str, extra: dict[str, Any], name: str
) -> None:
    message = refusal(extra={**extra, field.partition(" ")[0]: name}, password=SECRET)

    assert message.startswith(f"connection 'shop', {field}: got {name!r}, a header that HTTP itself sets")


def test_another_connection_type_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="is of type 'http': make it one of type 'cloudfn'"):
        CloudFunctionConnection.from_connection(Connection(conn_id="shop", conn_type="http", host=BASE))


def test_keys_with_the_form_s_old_prefix_are_read() -> None:
    extra = {"extra__cloudfn__auth_type": "bearer", "extra__cloudfn__key_name": None}

    assert read(extra=extra, password=SECRET).authentication == BearerToken(token=SECRET)


@pytest.mark.parametrize(
    "extra",
    [
        {"secret_values": json.dumps({"tenant_key": SECRET})},
        {"auth_type": "sigv4", "aws_service": "s3", "aws_region": "eu-west-1", "aws_session_token": SECRET},
        {"client_cert": "/c.pem", "client_private_key": PEM},
        {"client_cert": "/c.pem", "client_private_key_passphrase": SECRET},
        {"client_cert": "/c.pem", "client_private_key": PEM, "allow_http": False},
    ],
)
def test_a_secret_that_airflow_s_own_http_hooks_would_send_as_a_header_is_refused(extra: dict[str, Any]) -> None:
    message = refusal(extra=extra)

    assert "would send it as a request header" in message
    assert '"allow_http": false' in message
    assert SECRET not in message


def test_no_secret_is_in_the_repr() -> None:
    settings = read(
        extra={
            **KEY,
            "proxy": f"http://me:{SECRET}@proxy.example.com",
            "secret_values": {"k": SECRET},
            "client_cert": "/c.pem",
            "client_private_key": PEM,
        },
        password=SECRET,
    )

    assert SECRET not in repr(settings)
    assert "MIGHAgEAMBMGByqGSM49AgEG" not in repr(settings)
    assert "api.example.com" in repr(settings)
