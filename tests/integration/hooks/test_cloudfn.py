from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import logging
from typing import TYPE_CHECKING, Any, cast

import pytest
import trustme
from airflow.sdk._shared.secrets_masker import redact, reset_secrets_masker

from airflow_provider_cloudfn.client.body import FilePart
from airflow_provider_cloudfn.exceptions import (
    AuthenticationError,
    AuthorizationError,
    CloudFunctionError,
    CommunicationError,
    ConfigurationError,
    RequestTimeoutError,
    ResponseError,
)
from airflow_provider_cloudfn.hooks.amazon_connect import AmazonConnectHook
from airflow_provider_cloudfn.hooks.cloudfn import CloudFunctionHook
from airflow_provider_cloudfn.hooks.registry import ahook_for, hook_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from airflow_provider_cloudfn.sandbox.server import Sandbox

SECRET = "hunter2/79402633+ä"
HEADER_SECRET = "hunter2-79402633"
AWS = {
    "auth_type": "sigv4",
    "aws_service": "execute-api",
    "aws_region": "eu-central-1",
    "aws_key_id": "AKIAIOSFODNN7EXAMPLE",
}


@pytest.fixture(autouse=True)
def fresh_masker() -> Iterator[None]:
    reset_secrets_masker()
    yield
    reset_secrets_masker()


def basic(pair: str) -> str:
    return "Basic " + base64.b64encode(pair.encode()).decode()


def sent_by(hook: CloudFunctionHook, mode: str, *arguments: Any, **keywords: Any) -> Any:
    if mode == "sync":
        return hook.request(*arguments, **keywords)
    return asyncio.run(hook.arequest(*arguments, **keywords))


MODES = pytest.mark.parametrize("mode", ["sync", "async"])


@MODES
@pytest.mark.parametrize(
    ("extra", "password", "proof"),
    [
        ({}, None, lambda got: "authorization" not in got.headers),
        (
            {"auth_type": "api_key", "key_name": "X-Api-Key"},
            HEADER_SECRET,
            lambda got: got.headers["x-api-key"] == HEADER_SECRET,
        ),
        (
            {"auth_type": "api_key", "key_name": "api key", "key_location": "query"},
            SECRET,
            None,
        ),
        (
            {"auth_type": "api_key", "key_name": "key", "key_location": "query"},
            SECRET,
            lambda got: got.target == "/v1/charges?expand=1&environment=production&key=hunter2%2F79402633%2B%C3%A4",
        ),
        (
            {"auth_type": "basic", "username": "airflow"},
            SECRET,
            lambda got: got.headers["authorization"] == basic(f"airflow:{SECRET}"),
        ),
        ({"auth_type": "bearer"}, HEADER_SECRET, lambda got: got.headers["authorization"] == f"Bearer {HEADER_SECRET}"),
        (
            {"auth_type": "hmac", "hmac_header": "X-Sign", "hmac_algorithm": "sha512", "hmac_encoding": "hex"},
            SECRET,
            lambda got: got.headers["x-sign"] == hmac.new(SECRET.encode(), got.body, hashlib.sha512).hexdigest(),
        ),
        (
            AWS,
            SECRET,
            lambda got: "/eu-central-1/execute-api/aws4_request" in got.headers["authorization"],
        ),
        (
            {**AWS, "aws_session_token": "t0ken-of-a-session", "allow_http": False},
            SECRET,
            lambda got: got.headers["x-amz-security-token"] == "t0ken-of-a-session",
        ),
    ],
)
def test_each_authentication_type_reaches_the_service(
    service: Any,
    shop: Any,
    mode: str,
    extra: dict[str, Any],
    password: str | None,
    proof: Callable[[Any], bool] | None,
) -> None:
    shop(extra, password)
    hook = CloudFunctionHook("shop")
    if proof is None:
        with pytest.raises(ConfigurationError, match="no query parameter's name"):
            sent_by(hook, mode, "GET", "/")
        return

    response = sent_by(
        hook, mode, "POST", "/v1/charges?expand=1", query={"environment": "production"}, json={"amount": 12}
    )

    (got,) = service.received
    assert proof(got)
    assert got.target.startswith("/v1/charges?expand=1&environment=production")
    assert json.loads(got.body) == {"amount": 12}
    assert (response.status, response.body) == (200, {})
    assert (password or "no secret") not in response.url


@MODES
def test_oauth2_gets_a_token_and_uses_it(sandbox: Sandbox, connection: Any, mode: str) -> None:
    sandbox.reset()
    connection("payments", **sandbox.connections()["payments"])

    response = sent_by(
        CloudFunctionHook("payments"), mode, "POST", "/v1/charges", json={"amount": 12, "customer": "c1"}
    )

    assert response.status == 201
    assert len(sandbox.charges) == 1


@MODES
def test_oauth2_renews_a_token_that_has_expired(sandbox: Sandbox, connection: Any, mode: str) -> None:
    connection("payments", **sandbox.connections()["payments"])
    hook = CloudFunctionHook("payments")
    sent_by(hook, mode, "GET", "/v1/customers")

    sandbox.expire_tokens()

    assert sent_by(hook, mode, "GET", "/v1/customers").status == 200


@MODES
def test_the_client_secret_goes_as_the_connection_says(service: Any, connection: Any, mode: str) -> None:
    service.answer(body=b'{"access_token": "t-123456", "token_type": "Bearer"}')
    for method, in_body in (("client_secret_basic", False), ("client_secret_post", True)):
        extra = {
            "auth_type": "oauth2",
            "client_id": "f9b8",
            "oauth2_url": f"{service.url}/token",
            "client_auth_method": method,
            "scopes": "a, b",
            "audience": "https://api.example.com/",
            "oauth2_parameters": {"tenant": "acme"},
        }
        connection("payments", conn_type="cloudfn", host=service.url, password=HEADER_SECRET, extra=extra)
        service.received.clear()

        sent_by(CloudFunctionHook("payments"), mode, "GET", "/")

        token_request, call = service.received
        assert (HEADER_SECRET in token_request.body.decode()) == in_body
        assert ("authorization" in token_request.headers) != in_body
        for part in ("scope=a+b", "audience=https%3A%2F%2Fapi.example.com%2F", "tenant=acme"):
            assert part in token_request.body.decode()
        assert call.headers["authorization"] == "Bearer t-123456"


@MODES
@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"params": {"limit": 5}}, "params: there is no such option; write query="),
        ({"body": {"amount": 12}}, "body: there is no such option; write json= or data="),
        ({"verify": False}, "verify: there is no such option; set ca_bundle of the connection"),
        ({"idempotency_key": "k"}, 'idempotency_key: there is no such option; write headers={"Idempotency-Key": …}'),
        ({"jsn": {"amount": 12}}, "jsn: there is no such option; did you mean json="),
        ({"retry": 3}, "retry: must be such as RetryPolicy"),
        ({"headers": [("X-Shop", "1")]}, "headers: must be a map of names and values, not a list"),
        ({"headers": {1: "a"}}, "headers: 1 is no name of a header"),
        ({"files": [b"a"]}, "files: must be a map of names and files, such as"),
        ({"files": {1: FilePart("a.csv", b"a")}}, 'files["1"]: a name must be text, not an integer'),
        ({"files": {"f": FilePart(cast("str", None), b"a")}}, 'files["f"]: its name must be text, not null'),
        ({"check_status": None}, "check_status: must be True or False, not None"),
        ({"as_it_came": "yes"}, "as_it_came: must be True or False, not 'yes'"),
        ({"compress": "gzip"}, "compress: must be True or False, not 'gzip'"),
        ({"idempotent": 0}, "idempotent: must be True or False, not 0"),
        ({"sink": "/tmp/orders.csv"}, "sink: must be an object with the methods check, open, keep, discard"),
    ],
)
def test_what_is_no_option_is_refused_before_another_request_is_sent_than_the_one_that_was_meant(
    service: Any, connection: Any, mode: str, options: dict[str, Any], expected: str
) -> None:
    connection("shop", conn_type="cloudfn", host=service.url)

    with pytest.raises(ConfigurationError) as caught:
        sent_by(CloudFunctionHook("shop"), mode, "POST", "/v1/charges", **options)

    assert expected in str(caught.value)
    assert service.received == []


@MODES
def test_a_base_url_with_a_path_and_a_port(service: Any, connection: Any, mode: str) -> None:
    connection("shop", conn_type="cloudfn", host=f"{service.url}/base/")

    for uri in ("/orders", "orders"):
        sent_by(CloudFunctionHook("shop"), mode, "GET", uri)

    assert [got.target for got in service.received] == ["/base/orders", "/base/orders"]


def test_a_connection_that_has_changed_is_read_again(service: Any, shop: Any) -> None:
    for key in ("first", "second", "first"):
        shop({"auth_type": "api_key", "key_name": "X-Key"}, key)
        CloudFunctionHook("shop").request("GET", "/")

    assert [got.headers["x-key"] for got in service.received] == ["first", "second", "first"]


@pytest.mark.parametrize(
    ("status", "error"),
    [(401, AuthenticationError), (403, AuthorizationError), (500, ResponseError), (404, ResponseError)],
)
@MODES
def test_an_answer_that_is_no_success(service: Any, shop: Any, mode: str, status: int, error: type[Exception]) -> None:
    shop({"auth_type": "api_key", "key_name": "x-api-key"}, HEADER_SECRET)
    service.answer(status=status, body=f'{{"key": "{HEADER_SECRET}"}}'.encode())
    hook = CloudFunctionHook("shop")

    with pytest.raises(error) as raised:
        sent_by(hook, mode, "GET", "/orders")

    assert HEADER_SECRET not in str(raised.value)
    assert sent_by(hook, mode, "GET", "/orders", check_status=False).status == status


def test_the_timeouts_of_the_connection_are_kept(connection: Any) -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as silent:
        connection(
            "shop",
            conn_type="cloudfn",
            host=f"http://127.0.0.1:{silent.getsockname()[1]}",
            extra={"total_timeout": 0.2},
        )

        with pytest.raises(RequestTimeoutError):
            CloudFunctionHook("shop").request("GET", "/")


def test_a_client_certificate_and_own_authorities(asking_for_a_certificate: Any, connection: Any) -> None:
    service, extra = asking_for_a_certificate
    connection("shop", conn_type="cloudfn", host=service.url, extra=extra)
    assert CloudFunctionHook("shop").request("GET", "/").status == 200

    connection("shop", conn_type="cloudfn", host=service.url, extra={"ca_bundle": extra["ca_bundle"]})
    with pytest.raises(CommunicationError):
        CloudFunctionHook("shop").request("GET", "/")

    connection("shop", conn_type="cloudfn", host=service.url)
    with pytest.raises(CommunicationError, match="ca_bundle"):
        CloudFunctionHook("shop").request("GET", "/")


def test_the_proxy_of_the_connection_is_used(service: Any, connection: Any) -> None:
    connection(
        "shop",
        conn_type="cloudfn",
        host="http://shop.invalid",
        extra={"proxy": service.url.replace("//", "//me:pass-word@"), "allow_http": True},
    )

    assert CloudFunctionHook("shop").request("GET", "/orders").status == 200

    (got,) = service.received
    assert got.target == "http://shop.invalid/orders"
    assert got.headers["proxy-authorization"] == basic("me:pass-word")


@pytest.mark.parametrize("status", [407, 500])
def test_the_proxy_s_password_in_an_answer_is_not_in_the_error(service: Any, connection: Any, status: int) -> None:
    proxy = service.url.replace("//", "//me:pass-word@")
    connection("shop", conn_type="cloudfn", host="http://shop.invalid", extra={"proxy": proxy, "allow_http": True})
    service.answer(status=status, body=f"denied {basic('me:pass-word')} pass-word".encode())

    with pytest.raises(CloudFunctionError, match=r"it says: denied Basic \*\*\* \*\*\*$") as raised:
        CloudFunctionHook("shop").request("GET", "/orders")

    assert "pass-word" not in f"{raised.value!r}"


def test_a_private_key_takes_nothing_from_an_excerpt(service: Any, shop: Any) -> None:
    client = trustme.CA().issue_cert("client.example.com", key_type=trustme.KeyType.RSA)
    extra = {
        "allow_http": False,
        "client_cert": client.cert_chain_pems[0].bytes().decode(),
        "client_private_key": client.private_key_pem.bytes().decode(),
    }
    shop(extra)
    service.answer(status=500, body=b"x" * 5000)

    with pytest.raises(ResponseError, match="it says: " + "x" * 500):
        CloudFunctionHook("shop").request("GET", "/orders")


def test_in_an_event_loop_the_synchronous_methods_are_refused(connection: Any) -> None:
    connection("shop", conn_type="cloudfn", host="https://api.example.com")

    async def call() -> None:
        CloudFunctionHook("shop").request("GET", "/")

    with pytest.raises(ConfigurationError, match="was called in an event loop: await arequest instead"):
        asyncio.run(call())


def test_a_session_in_an_event_loop_names_what_can_be_written_there(connection: Any) -> None:
    connection("shop", conn_type="cloudfn", host="https://api.example.com")

    async def call() -> None:
        CloudFunctionHook("shop").session()

    with pytest.raises(ConfigurationError, match="await arequest, or use the session in a thread"):
        asyncio.run(call())


def test_a_request_can_be_prepared_without_any_network(connection: Any) -> None:
    connection(
        "shop",
        conn_type="cloudfn",
        host="https://api.example.com/v1",
        password=HEADER_SECRET,
        extra={"auth_type": "bearer"},
    )

    prepared = CloudFunctionHook("shop").prepare("POST", "/charges", json={"amount": 12})

    assert (prepared.method, prepared.url, prepared.body) == (
        "POST",
        "https://api.example.com/v1/charges",
        b'{"amount":12}',
    )
    assert HEADER_SECRET not in repr(prepared)


@MODES
def test_secrets_are_masked_as_soon_as_the_connection_is_read(connection: Any, mode: str) -> None:
    connection(
        "shop",
        conn_type="cloudfn",
        host="https://api.example.com",
        password=HEADER_SECRET,
        extra={"auth_type": "basic", "username": "me", "secret_values": {"tenant_key": "another-secret"}},
    )
    hook = CloudFunctionHook("shop")

    if mode == "sync":
        hook.settings()
    else:
        asyncio.run(hook.asettings())

    shown = str(redact(f"{HEADER_SECRET} another-secret {basic(f'me:{HEADER_SECRET}')}"))
    assert shown == "*** *** Basic ***"


def test_a_token_is_masked_as_soon_as_it_is_obtained(service: Any, connection: Any) -> None:
    service.answer(body=b'{"access_token": "tok-987654321", "token_type": "Bearer"}')
    connection(
        "payments",
        conn_type="cloudfn",
        host=service.url,
        password=HEADER_SECRET,
        extra={"auth_type": "oauth2", "client_id": "masked", "oauth2_url": f"{service.url}/token"},
    )

    CloudFunctionHook("payments").request("GET", "/")

    assert redact("tok-987654321") == "***"


def test_nothing_secret_is_logged_at_debug(service: Any, shop: Any, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    shop({"auth_type": "api_key", "key_name": "key", "key_location": "query"}, HEADER_SECRET)

    hook = CloudFunctionHook("shop")
    hook.request("GET", "/orders")
    hook.test_connection()

    assert HEADER_SECRET not in caplog.text
    assert HEADER_SECRET not in repr(vars(hook))


@pytest.mark.parametrize("asynchronous", [False, True])
def test_the_registry_chooses_the_hook_by_the_connection_s_type(connection: Any, asynchronous: bool) -> None:
    connection("shop", conn_type="cloudfn", host="https://api.example.com")
    connection("connect", conn_type="amazon_connect", extra={"region_name": "eu-central-1"})
    connection("db", conn_type="postgres", host="db.example.com")

    def choose(conn_id: str) -> Any:
        return asyncio.run(ahook_for(conn_id)) if asynchronous else hook_for(conn_id)

    assert isinstance(choose("shop"), CloudFunctionHook)
    assert isinstance(choose("connect"), AmazonConnectHook)
    with pytest.raises(ConfigurationError, match=r"'db' is of type 'postgres'.*'cloudfn' or 'amazon_connect'"):
        choose("db")


@MODES
@pytest.mark.parametrize(
    ("renew_when", "token_requests"),
    [
        (None, 1),
        ("has(response.body.errcode) && response.body.errcode == 40001", 2),
        # What can't be evaluated is no refusal: the call's answer is kept.
        ("response.body.nothing.here == 1", 1),
        ("response.body.errcode", 1),
    ],
)
def test_a_token_is_renewed_when_the_connection_says_that_it_was_refused(
    service: Any, connection: Any, mode: str, renew_when: str | None, token_requests: int
) -> None:
    token = type(service.answers[0])(body=b'{"access_token": "tok-987654321", "token_type": "Bearer"}')
    refused = type(service.answers[0])(body=b'{"errcode": 40001}')
    ok = service.answers[0]
    service.answers = [token, ok, refused, token if token_requests == 2 else ok, ok]
    extra = {
        "auth_type": "oauth2",
        "client_id": f"renewing {mode} {renew_when}",
        "oauth2_url": f"{service.url}/token",
        "renew_when": renew_when,
    }
    connection("payments", conn_type="cloudfn", host=service.url, password=HEADER_SECRET, extra=extra)

    hook = CloudFunctionHook("payments")

    for _ in range(2):
        answered = sent_by(hook, mode, "GET", "/orders").body

    assert [got.target for got in service.received].count("/token") == token_requests
    assert answered == ({} if token_requests == 2 else {"errcode": 40001})


def test_a_wrong_renew_when_names_the_connection_and_the_field(connection: Any) -> None:
    extra = {
        "auth_type": "oauth2",
        "client_id": "a",
        "oauth2_url": "https://id.example.com/token",
        "renew_when": "respnse.status == 200",
    }
    connection("payments", conn_type="cloudfn", host="https://api.example.com", password=HEADER_SECRET, extra=extra)

    with pytest.raises(ConfigurationError, match=r"connection 'payments', renew_when .*response"):
        CloudFunctionHook("payments").client()


@pytest.mark.parametrize(
    ("extra", "expected"),
    [
        ({"ca_bundle": "/nowhere/ca.pem"}, "ca_bundle: can't be read"),
        ({"client_cert": "/nowhere/c.pem"}, "client_cert: can't be read"),
    ],
)
def test_files_that_can_not_be_read_are_named_with_the_connection(
    connection: Any, extra: dict[str, Any], expected: str
) -> None:
    connection("shop", conn_type="cloudfn", host="https://api.example.com", extra=extra)

    with pytest.raises(ConfigurationError, match=f"connection 'shop': {expected}"):
        CloudFunctionHook("shop").client()


def test_a_client_can_prove_itself_with_a_private_key_that_lost_its_line_ends(service: Any, connection: Any) -> None:
    from urllib.parse import parse_qs

    from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
    from joserfc import jwk, jwt

    key = generate_private_key(65537, 2048)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    public = jwk.RSAKey.import_key(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    service.answer(body=b'{"access_token": "tok-987654321", "token_type": "Bearer"}')
    extra = {
        "auth_type": "oauth2",
        "client_id": "f9b8",
        "oauth2_url": f"{service.url}/token",
        "client_auth_method": "private_key_jwt",
        "jwt_key_id": "2026-01",
    }
    connection("payments", conn_type="cloudfn", host=service.url, password=pem.replace("\n", " "), extra=extra)

    CloudFunctionHook("payments").request("GET", "/")

    form = parse_qs(service.received[0].body.decode())
    assertion = jwt.decode(form["client_assertion"][0], public)
    assert assertion.header["kid"] == "2026-01"
    assert (assertion.claims["iss"], assertion.claims["aud"]) == ("f9b8", f"{service.url}/token")
    assert service.received[1].headers["authorization"] == "Bearer tok-987654321"
