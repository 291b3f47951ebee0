"""Airflow's own HTTP operator, unchanged, over a connection of type ``cloudfn``; and what the hooks beside it give away."""

from __future__ import annotations

import asyncio
import base64
import json
import logging
import re
import socket
import threading
from typing import TYPE_CHECKING, Any

import pytest
import requests
import tenacity
import trustme
from airflow.providers.common.compat.sdk import AirflowException
from airflow.providers.http.hooks.http import HttpAsyncHook, HttpHook
from airflow.providers.http.operators.http import HttpOperator
from airflow.providers.http.sensors.http import HttpSensor
from airflow.providers.http.triggers.http import HttpSensorTrigger, HttpTrigger
from airflow.sdk import BaseHook
from airflow.sdk._shared.secrets_masker import redact, reset_secrets_masker

from airflow_provider_cloudfn.connections.forms import FORMS
from airflow_provider_cloudfn.exceptions import (
    AuthenticationError,
    CommunicationError,
    ConfigurationError,
    ResponseError,
)
from airflow_provider_cloudfn.hooks.cloudfn import CloudFunctionHook
from airflow_provider_cloudfn.hooks.http_adapter import CloudFunctionHttpHook

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_provider_cloudfn.sandbox.server import Sandbox

SECRET = "hunter2-79402633"
KEY = {"auth_type": "api_key", "key_name": "X-Api-Key"}
QUERY_KEY = {"auth_type": "api_key", "key_name": "key", "key_location": "query"}


@pytest.fixture(autouse=True)
def fresh_masker() -> Iterator[None]:
    reset_secrets_masker()
    yield
    reset_secrets_masker()


@pytest.fixture
def shop(service: Any, connection: Any) -> Any:
    """Return a service that the connection ``shop`` leads to, with an API key in a header."""
    connection("shop", conn_type="cloudfn", host=f"{service.url}/base", password=SECRET, extra=KEY)
    return service


def run_operator(**arguments: Any) -> Any:
    return HttpOperator(task_id="call", http_conn_id="shop", **arguments).execute({})


def test_airflow_gives_the_adapter_for_the_connection(shop: Any) -> None:
    hook = BaseHook.get_hook("shop")

    assert isinstance(hook, CloudFunctionHttpHook)
    assert hook.run("/orders").status_code == 200
    assert shop.received[0].headers["x-api-key"] == SECRET


@pytest.mark.parametrize(
    "fields",
    [
        {"conn_type": "amazon_connect", "login": "AKIA", "password": SECRET, "extra": {"region_name": "eu-central-1"}},
        {"conn_type": "emporix_oe", "login": "src_1", "password": SECRET},
    ],
    ids=lambda fields: fields["conn_type"],
)
def test_a_connection_of_another_type_says_that_the_operator_can_not_use_it(
    connection: Any, fields: dict[str, Any]
) -> None:
    connection("shop", **fields)

    with pytest.raises(
        ConfigurationError, match="where Airflow's HttpOperator was given this connection, write a Cloud"
    ):
        run_operator(endpoint="/")


@pytest.mark.parametrize(
    ("extra", "where", "value"),
    [
        (KEY, "x-api-key", SECRET),
        ({"auth_type": "bearer"}, "authorization", f"Bearer {SECRET}"),
        (
            {"auth_type": "basic", "username": "me"},
            "authorization",
            "Basic " + base64.b64encode(f"me:{SECRET}".encode()).decode(),
        ),
        ({"auth_type": "hmac", "hmac_header": "X-Sign"}, "x-sign", "B+Z7n7Xce8CrDb0EdPYzRqpEJpezhS2gQjYPbKZkqqU="),
    ],
)
def test_the_operator_authenticates(shop: Any, connection: Any, extra: dict[str, Any], where: str, value: str) -> None:
    connection("shop", conn_type="cloudfn", host=f"{shop.url}/base", password=SECRET, extra=extra)

    answer = run_operator(method="POST", endpoint="/charges?x=1", data=b'{"amount":12}', headers={"X-Trace": "7"})

    (got,) = shop.received
    assert answer == "{}"
    assert (got.method, got.target, got.body) == ("POST", "/base/charges?x=1", b'{"amount":12}')
    assert got.headers[where] == value
    assert got.headers["x-trace"] == "7"


def test_an_aws_signature_is_over_what_is_sent(shop: Any, connection: Any) -> None:
    extra = {"auth_type": "sigv4", "aws_service": "execute-api", "aws_region": "eu-west-1", "aws_key_id": "AKIA1"}
    connection("shop", conn_type="cloudfn", host=shop.url, password=SECRET, extra=extra)

    run_operator(method="PUT", endpoint="/x", data='{"name": "Müller"}', headers={"Content-Type": "application/json"})

    (got,) = shop.received
    assert "Credential=AKIA1/" in got.headers["authorization"]
    assert got.body.decode() == '{"name": "Müller"}'


def test_the_operator_gets_a_token_and_renews_it(sandbox: Sandbox, connection: Any) -> None:
    sandbox.reset()
    connection("shop", **sandbox.connections()["payments"])

    for _ in range(2):
        json.loads(run_operator(method="GET", endpoint="/v1/customers"))
        sandbox.expire_tokens()

    assert "/oauth2/token" in [request.path for request in sandbox.requests]
    assert sandbox.requests[-1].path == "/oauth2/v1/customers"


def test_get_sends_data_as_a_query_beside_the_key(shop: Any, connection: Any) -> None:
    connection("shop", conn_type="cloudfn", host=shop.url, password=SECRET, extra=QUERY_KEY)

    response = BaseHook.get_hook("shop", hook_params={"method": "GET"}).run("/orders", data={"page": 2})

    assert shop.received[0].target == f"/orders?page=2&key={SECRET}"
    assert response.url == f"{shop.url}/orders?page=2"
    assert SECRET not in str(response.request.headers) + str(response.request.url)


def test_json_goes_through_request_kwargs(shop: Any) -> None:
    run_operator(method="POST", endpoint="/x", request_kwargs={"json": {"a": 1}})

    assert json.loads(shop.received[0].body) == {"a": 1}
    assert shop.received[0].headers["content-type"] == "application/json"


def test_no_extra_of_the_connection_becomes_a_header(shop: Any) -> None:
    run_operator(method="GET", endpoint="/")

    assert set(shop.received[0].headers) == {
        "host",
        "user-agent",
        "accept-encoding",
        "accept",
        "connection",
        "x-api-key",
    }


@pytest.mark.parametrize("status", [401, 404, 500])
def test_a_status_that_is_no_success_fails_the_task_and_the_key_in_its_body_is_not_logged(
    shop: Any, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str], status: int
) -> None:
    caplog.set_level(logging.DEBUG)
    shop.answer(status=status, body=f'{{"error": "wrong key {SECRET}"}}'.encode())

    with pytest.raises(AirflowException, match=str(status)):
        run_operator(method="GET", endpoint="/orders")

    written = caplog.text + capsys.readouterr().out
    assert "wrong key ***" in written
    assert SECRET not in written


def test_the_key_in_a_reason_phrase_is_not_in_the_error(shop: Any) -> None:
    response = requests.Response()
    response.status_code, response.reason, response._content = 500, f"bad key {SECRET}", b""

    with pytest.raises(AirflowException, match=re.escape("500:bad key ***")):
        BaseHook.get_hook("shop").check_response(response)


def test_a_check_of_one_s_own_replaces_ours(shop: Any) -> None:
    shop.answer(status=404, body=b"nothing here")

    answer = run_operator(
        method="GET", endpoint="/", extra_options={"check_response": False}, response_check=lambda r: True
    )

    assert answer == "nothing here"


@pytest.mark.parametrize(
    "uri", ["//evil.example/x", "https://evil.example/x", "@evil.example", "/../../x", "/a b", "/#x"]
)
def test_a_uri_that_could_lead_elsewhere_is_refused(shop: Any, uri: str) -> None:
    with pytest.raises(ConfigurationError, match="uri:"):
        run_operator(method="GET", endpoint=uri)

    assert shop.received == []


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({"headers": {"x-api-key": "mine"}}, 'headers["x-api-key"]'),
        ({"headers": {"Authorization": "Bearer x"}}, 'headers["Authorization"]'),
        ({"headers": {"Host": "evil.example"}}, 'headers["Host"]'),
        ({"auth_type": requests.auth.HTTPBasicAuth}, "auth_type: connection 'shop' says itself how to authenticate"),
        ({"request_kwargs": {"auth": ("a", "b")}}, "auth: the connection says itself"),
    ],
)
def test_what_is_the_connection_s_to_set_is_refused(shop: Any, arguments: dict[str, Any], expected: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        run_operator(method="GET", endpoint="/", **arguments)

    assert expected in str(raised.value)
    assert shop.received == []


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"verify": False}, "verify: set ca_bundle of connection 'shop'"),
        ({"verify_ssl": "/ca.pem"}, "verify: set ca_bundle of connection 'shop'"),
        ({"cert": "/client.pem"}, "cert: set client_cert of connection 'shop'"),
        ({"proxies": {"https": "http://proxy"}}, "proxies: set proxy of connection 'shop'"),
    ],
)
def test_what_the_connection_has_a_field_for_is_refused(shop: Any, options: dict[str, Any], expected: str) -> None:
    with pytest.raises(ConfigurationError, match=expected):
        run_operator(method="GET", endpoint="/", extra_options=options)

    assert shop.received == []


def test_an_adapter_of_one_s_own_is_refused(shop: Any) -> None:
    hook = CloudFunctionHttpHook("GET", "shop", adapter=requests.adapters.HTTPAdapter())

    with pytest.raises(ConfigurationError, match="adapter: connection 'shop' sends by itself; leave adapter out"):
        hook.run("/")


def test_an_answer_is_handed_on_as_it_came_whatever_it_promises(shop: Any) -> None:
    shop.answer(body=b'{"a": 1}\n{"a": 2}\n', **{"Content-Type": "application/json"})

    assert run_operator(method="GET", endpoint="/") == '{"a": 1}\n{"a": 2}\n'


@pytest.mark.parametrize("options", [{"allow_redirects": False}, {"allow_redirects": False, "stream": True}])
def test_a_redirect_is_the_answer_where_it_is_not_to_be_followed(shop: Any, options: dict[str, Any]) -> None:
    shop.answer(status=302, body=b"", Location="/base/there")
    hook: Any = BaseHook.get_hook("shop", hook_params={"method": "GET"})

    response = hook.run("/here", extra_options=options)

    assert (response.status_code, response.headers["location"], len(shop.received)) == (302, "/base/there", 1)


def test_the_error_of_a_redirect_that_is_not_followed_says_what_takes_it_here(shop: Any) -> None:
    shop.answer(status=302, body=b"", Location="/base/there")

    with pytest.raises(ResponseError, match=r"is not sent there; .*'allow_redirects': False in extra_options$"):
        run_operator(method="POST", endpoint="/")
    with pytest.raises(ResponseError, match=r"is not sent there; correct the uri or the base URL$"):
        CloudFunctionHook("shop").request("POST", "/")


def test_more_redirects_than_are_wanted_are_too_many(shop: Any) -> None:
    shop.answer(status=302, body=b"", Location="/base/there")

    with pytest.raises(requests.exceptions.TooManyRedirects, match="more than 2 times"):
        run_operator(method="GET", endpoint="/", extra_options={"max_redirects": 2})


def test_the_key_s_own_parameter_is_refused(shop: Any, connection: Any) -> None:
    connection("shop", conn_type="cloudfn", host=shop.url, password=SECRET, extra=QUERY_KEY)

    for arguments in ({"endpoint": "/?key=mine"}, {"endpoint": "/", "data": {"key": "mine"}}):
        with pytest.raises(ConfigurationError, match="key"):
            run_operator(method="GET", **arguments)

    assert shop.received == []


def test_credentials_stay_on_their_origin_when_the_service_redirects(shop: Any, serve: Any) -> None:
    elsewhere = serve()
    shop.answer(status=307, body=b"", Location=f"{elsewhere.url}/stolen")

    with pytest.raises(CommunicationError, match=r"was redirected to another host \(http://127\.0\.0\.1"):
        run_operator(method="GET", endpoint="/")

    assert elsewhere.received == []


def test_a_redirect_within_the_origin_is_followed_with_credentials(shop: Any) -> None:
    redirect = type(shop.answers[0])(302, b"", {"Location": "/base/there"})
    shop.answers = [redirect, shop.answers[0]]

    run_operator(method="GET", endpoint="/here")

    assert [(got.target, got.headers["x-api-key"]) for got in shop.received] == [
        ("/base/here", SECRET),
        ("/base/there", SECRET),
    ]


@pytest.mark.parametrize(
    ("location", "followed"),
    [
        (f"/orders/?page=2&key={SECRET}", f"/orders/?page=2&key={SECRET}"),
        (f"/orders/?key={SECRET}&page=2#top", f"/orders/?page=2&key={SECRET}"),
        (f"/orders/?%6Bey={SECRET}", f"/orders/?key={SECRET}"),
        (f"?key={SECRET}", f"/orders?key={SECRET}"),
    ],
)
def test_a_redirect_that_repeats_the_key_s_own_parameter_is_followed(
    shop: Any, connection: Any, location: str, followed: str
) -> None:
    connection("shop", conn_type="cloudfn", host=shop.url, password=SECRET, extra=QUERY_KEY)
    redirect = type(shop.answers[0])(301, b"", {"Location": location})
    shop.answers = [redirect, shop.answers[0]]

    response = BaseHook.get_hook("shop", hook_params={"method": "GET"}).run("/orders", data={"page": 2})

    assert [got.target for got in shop.received] == [f"/orders?page=2&key={SECRET}", followed]
    assert SECRET not in f"{response.url}{response.history[0].headers}"


def test_it_times_out_by_default_and_as_the_connection_says(connection: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        connection("shop", conn_type="cloudfn", host=address, extra={"read_timeout": 0.1})

        with pytest.raises(requests.exceptions.ReadTimeout):
            run_operator(method="GET", endpoint="/")

        connection("shop", conn_type="cloudfn", host=address)
        hook = CloudFunctionHttpHook("GET", "shop")
        hook.get_conn()
        assert hook.merged_extra["timeout"] == (10.0, 60.0)
        hook.get_conn(extra_options={"timeout": None})
        assert hook.merged_extra["timeout"] == (10.0, 60.0)
        hook.get_conn(extra_options={"timeout": 3})
        assert hook.merged_extra["timeout"] == 3


def test_a_failed_connection_s_error_has_no_key_and_keeps_its_type(
    shop: Any, connection: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    connection("shop", conn_type="cloudfn", host=shop.url, password=SECRET, extra=QUERY_KEY)
    shop.stop()

    with pytest.raises(requests.exceptions.ConnectionError) as raised:
        run_operator(method="GET", endpoint="/orders")

    assert SECRET not in f"{raised.value} {raised.value!r} {raised.value.request.url} {raised.value.__cause__}"
    # At DEBUG urllib3 itself may name the target: it is masked where logs are written.
    assert SECRET not in str(redact(caplog.text))


def test_airflow_s_retries_go_through_it(shop: Any) -> None:
    ok = shop.answers[0]
    shop.answers = [type(ok)(503), ok]

    run_operator(
        method="GET",
        endpoint="/",
        retry_args={
            "wait": tenacity.wait_none(),
            "stop": tenacity.stop_after_attempt(3),
            "retry": tenacity.retry_if_exception_type(AirflowException),
        },
    )

    assert len(shop.received) == 2


def test_pagination_goes_through_it(shop: Any) -> None:
    pages = iter([{"endpoint": "/orders?page=2"}, None])

    run_operator(
        method="GET",
        endpoint="/orders",
        pagination_function=lambda response: next(pages),
        response_filter=lambda responses: len(responses),
    )

    assert [got.target for got in shop.received] == ["/base/orders", "/base/orders?page=2"]


def test_own_authorities_and_a_client_certificate(asking_for_a_certificate: Any, connection: Any) -> None:
    service, extra = asking_for_a_certificate
    connection("shop", conn_type="cloudfn", host=service.url, extra=extra)
    assert run_operator(method="GET", endpoint="/") == "{}"

    connection("shop", conn_type="cloudfn", host=service.url)
    with pytest.raises(requests.exceptions.SSLError):
        run_operator(method="GET", endpoint="/")

    connection(
        "shop", conn_type="cloudfn", host=service.url, extra={"ca_bundle": trustme.CA().cert_pem.bytes().decode()}
    )
    with pytest.raises(requests.exceptions.SSLError):
        run_operator(method="GET", endpoint="/")


def test_the_proxy_of_the_connection_is_used(service: Any, connection: Any) -> None:
    extra = {"proxy": service.url.replace("//", "//me:pass-word@"), "allow_http": True}
    connection("shop", conn_type="cloudfn", host="http://shop.invalid", extra=extra)

    run_operator(method="GET", endpoint="/orders")

    (got,) = service.received
    assert got.target == "http://shop.invalid/orders"
    assert got.headers["proxy-authorization"] == "Basic " + base64.b64encode(b"me:pass-word").decode()


PROXY_CREDENTIALS = base64.b64encode(b"me:pass-word").decode()


def define_behind_a_proxy(connection: Any, proxy: Any, host: str, **extra: Any) -> None:
    way = {"proxy": proxy.url.replace("//", "//me:pass-word@"), "allow_http": True}
    connection("shop", conn_type="cloudfn", host=host, password=SECRET, extra={**way, **extra})


@pytest.mark.parametrize("status", [407, 500])
def test_the_proxy_s_password_in_an_answer_is_not_logged(
    service: Any, connection: Any, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str], status: int
) -> None:
    define_behind_a_proxy(connection, service, "http://shop.invalid", **KEY)
    service.answer(status=status, body=f"denied Basic {PROXY_CREDENTIALS} pass-word".encode())

    with pytest.raises(AirflowException, match=str(status)) as raised:
        run_operator(method="GET", endpoint="/orders")

    written = f"{raised.value!r}{caplog.text}{capsys.readouterr().out}"
    assert "denied Basic *** ***" in written
    assert PROXY_CREDENTIALS not in written
    assert "pass-word" not in written


def test_the_proxy_s_password_in_place_of_a_token_is_not_in_the_error(service: Any, connection: Any) -> None:
    oauth2 = {"auth_type": "oauth2", "oauth2_url": "http://shop.invalid/token", "client_id": "c1"}
    define_behind_a_proxy(connection, service, "http://shop.invalid", **oauth2)
    service.answer(status=400, body=json.dumps({"error": f"{PROXY_CREDENTIALS} pass-word"}).encode())

    with pytest.raises(AuthenticationError, match=r"error '\*\*\* \*\*\*'") as raised:
        run_operator(method="GET", endpoint="/orders")

    assert PROXY_CREDENTIALS not in f"{raised.value!r}"
    assert "pass-word" not in f"{raised.value!r}"


def test_the_proxy_s_password_in_its_refusal_of_a_tunnel_is_not_in_the_error(connection: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as proxy:

        def refuse() -> None:
            connection, _ = proxy.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(f"HTTP/1.1 407 no {PROXY_CREDENTIALS} pass-word\r\n\r\n".encode())

        thread = threading.Thread(target=refuse)
        thread.start()
        url = f"http://me:pass-word@127.0.0.1:{proxy.getsockname()[1]}"
        connection("shop", conn_type="cloudfn", host="https://shop.invalid", extra={"proxy": url, "allow_http": False})
        with pytest.raises(requests.exceptions.ProxyError, match="the proxy answered 407") as raised:
            run_operator(method="GET", endpoint="/orders")
        thread.join()

    assert "pass-word" not in f"{raised.value!r}"


REFUSED = r"leads to 169\.254\.169\.254, which its address_guard refuses"


def test_behind_a_proxy_too_an_address_that_the_guard_refuses_is_not_asked_for(service: Any, connection: Any) -> None:
    define_behind_a_proxy(connection, service, "http://169.254.169.254", **KEY)

    with pytest.raises(ConfigurationError, match=REFUSED):
        run_operator(method="GET", endpoint="/latest/meta-data")

    assert service.received == []


def test_behind_a_proxy_too_no_token_is_asked_of_an_address_that_the_guard_refuses(
    service: Any, connection: Any
) -> None:
    oauth2 = {"auth_type": "oauth2", "oauth2_url": "http://169.254.169.254/token", "client_id": "c1"}
    define_behind_a_proxy(connection, service, "http://shop.invalid", **oauth2)

    with pytest.raises(ConfigurationError, match=REFUSED):
        run_operator(method="GET", endpoint="/orders")

    assert service.received == []


def test_behind_a_proxy_too_an_address_that_is_meant_is_asked_for(service: Any, connection: Any) -> None:
    define_behind_a_proxy(connection, service, "http://169.254.169.254", address_guard="off", **KEY)

    run_operator(method="GET", endpoint="/latest")

    assert [got.target for got in service.received] == ["http://169.254.169.254/latest"]


def test_addresses_that_the_guard_refuses_hear_nothing(service: Any, connection: Any) -> None:
    connection("shop", conn_type="cloudfn", host=service.url, extra={"address_guard": "private"})

    with pytest.raises(ConfigurationError, match=r"leads to 127\.0\.0\.1, which its address_guard refuses"):
        run_operator(method="GET", endpoint="/")

    assert service.received == []


def secretive(service: Any) -> dict[str, dict[str, Any]]:
    """Return connections that hold secrets in each place where they may stand."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    key = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    base = {"conn_type": "cloudfn", "host": service.url}
    texts = {"secret_values": json.dumps({"tenant_key": SECRET}), "client_cert": "/c.pem", "client_private_key": key}
    (form,) = [form for form in FORMS if form.connection_type == "cloudfn"]
    saved_by_the_form = {field.name: field.default for field in form.drawn}
    return {
        "an API key": {**base, "password": SECRET, "extra": KEY},
        "an API key, in the form": {**base, "password": SECRET, "extra": {**saved_by_the_form, **KEY}},
        "an object": {**base, "extra": {"secret_values": {"tenant_key": SECRET}}},
        "texts, in the form": {**base, "extra": {**saved_by_the_form, **texts}},
        "texts beside a switch": {**base, "extra": {"allow_http": False, **texts}},
        "a session token": {
            **base,
            "password": SECRET,
            "extra": {
                "auth_type": "sigv4",
                "aws_service": "s3",
                "aws_region": "eu-west-1",
                "aws_key_id": "AKIA1",
                "aws_session_token": SECRET,
                "allow_http": False,
            },
        },
    }


async def watched(trigger: HttpTrigger | HttpSensorTrigger) -> None:
    async for _ in trigger.run():
        return


def by_hand_built_hook() -> None:
    HttpHook("GET", "shop").run("/orders")


def by_hand_built_asynchronous_hook() -> None:
    asyncio.run(HttpAsyncHook("GET", "shop").run(endpoint="/orders"))


def by_sensor() -> None:
    HttpSensor(task_id="s", http_conn_id="shop", endpoint="/orders", timeout=0, soft_fail=False).poke({})


def by_trigger() -> None:
    asyncio.run(watched(HttpTrigger(http_conn_id="shop", method="GET", endpoint="/orders")))


@pytest.mark.parametrize(
    "ask", [by_hand_built_hook, by_hand_built_asynchronous_hook, by_sensor, by_trigger], ids=lambda ask: ask.__name__
)
@pytest.mark.parametrize("kind", list(secretive(type("Nowhere", (), {"url": "http://127.0.0.1:1"}))))
def test_hooks_that_ignore_the_registered_one_give_no_secret_away(
    service: Any, connection: Any, ask: Any, kind: str
) -> None:
    """Airflow's HttpSensor, its triggers and a hand-built HttpHook send a connection's extras as request headers."""
    fields = secretive(service)[kind]
    connection("shop", **fields)
    assert CloudFunctionHttpHook("GET", "shop").get_conn().adapters if "client_cert" not in fields["extra"] else True

    try:
        ask()
    except Exception as error:
        logging.getLogger(__name__).info("%s", error)

    for got in service.received:
        assert SECRET not in str(got)
        assert "PRIVATE KEY" not in str(got)
        assert "authorization" not in got.headers


@pytest.mark.parametrize("ask", [by_hand_built_hook, by_sensor], ids=lambda ask: ask.__name__)
def test_their_errors_are_masked_where_logs_are_written(service: Any, connection: Any, ask: Any) -> None:
    connection("shop", **secretive(service)["texts, in the form"])

    with pytest.raises(requests.exceptions.InvalidHeader) as raised:
        ask()

    assert SECRET not in str(redact(str(raised.value)))
    assert "PRIVATE KEY" not in str(redact(str(raised.value)))
    assert service.received == []
