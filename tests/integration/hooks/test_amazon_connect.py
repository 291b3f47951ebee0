from __future__ import annotations

import asyncio
import datetime as dt
import json
import time
import warnings
from typing import TYPE_CHECKING, Any

import pytest
import time_machine
from airflow.sdk._shared.secrets_masker import redact, reset_secrets_masker
from kit.server import Answer
from moto.server import ThreadedMotoServer

from airflow_provider_cloudfn.exceptions import (
    AuthenticationError,
    CloudFunctionError,
    CommunicationError,
    ConfigurationError,
)
from airflow_provider_cloudfn.hooks.amazon_connect import AmazonConnectHook
from airflow_provider_cloudfn.hooks.cloudfn import CloudFunctionHook

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

KEY_ID = "AKIAIOSFODNN7EXAMPLE"
SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
#: What moto takes.
TESTING = {"login": "testing-key-id", "password": "testing-secret-key"}
ROLE = "arn:aws:iam::123456789012:role/airflow"
TASK = {"InstanceId": "11111111-2222-3333-4444-555555555555", "Name": "demo"}


@pytest.fixture(scope="module")
def moto() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(autouse=True)
def fresh_masker() -> Iterator[None]:
    reset_secrets_masker()
    yield
    reset_secrets_masker()


@pytest.fixture
def connect(connection: Callable[..., None]) -> Callable[..., None]:
    """Return what makes the connection ``connect`` of its extras, in us-east-1 unless they say otherwise."""
    return lambda extra, login=KEY_ID, password=SECRET: connection(
        "connect",
        conn_type="amazon_connect",
        login=login,
        password=password,
        extra={"region_name": "us-east-1", **extra},
    )


def sent_by(hook: AmazonConnectHook, mode: str, *arguments: Any, **keywords: Any) -> Any:
    if mode == "sync":
        return hook.request(*arguments, **keywords)
    return asyncio.run(hook.arequest(*arguments, **keywords))


MODES = pytest.mark.parametrize("mode", ["sync", "async"])


def test_the_signature_is_the_one_of_the_vector(connect: Any) -> None:
    """The vector of the reference: botocore and independent code agree on it."""
    from airflow_provider_cloudfn.auth.message import HttpRequest

    connect({"region_name": "eu-central-1"})
    hook = AmazonConnectHook("connect")
    prepared = hook.prepare("PUT", "/contact/task", json=TASK)
    request = HttpRequest(prepared.method, prepared.url, (("content-type", "application/json"),), prepared.body)

    with time_machine.travel("2025-01-01T00:00:00Z", tick=False):
        signed = next(hook._scheme(hook.settings()).flow(request))

    assert prepared.url == "https://connect.eu-central-1.amazonaws.com/contact/task"
    authorization = signed.header("authorization") or ""
    assert f"Credential={KEY_ID}/20250101/eu-central-1/connect/aws4_request" in authorization
    assert "SignedHeaders=content-type;host;x-amz-date" in authorization
    assert authorization.endswith("Signature=144e731df4f75cedf3c8dabe9a555c66a2ccb7a3e26acceca9dbb57a4eacea7b")


@MODES
def test_a_call_is_signed_and_goes_to_the_endpoint(service: Any, connect: Any, mode: str) -> None:
    connect({"region_name": "eu-central-1", "endpoint_url": service.url, "aws_session_token": "t0ken-of-a-session"})

    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        response = sent_by(AmazonConnectHook("connect"), mode, "PUT", "/contact/task", json=TASK)

    (got,) = service.received
    assert response.status == 200
    assert (got.method, got.target, json.loads(got.body)) == ("PUT", "/contact/task", TASK)
    assert "/eu-central-1/connect/aws4_request" in got.headers["authorization"]
    assert got.headers["x-amz-security-token"] == "t0ken-of-a-session"
    assert SECRET not in str(got)


@MODES
def test_moto_s_amazon_connect_answers(moto: str, connect: Any, mode: str) -> None:
    connect({"endpoint_url": moto}, **TESTING)
    hook = AmazonConnectHook("connect")

    made = sent_by(
        hook,
        mode,
        "PUT",
        "/instance",
        json={
            "IdentityManagementType": "CONNECT_MANAGED",
            "InstanceAlias": f"demo-{mode}",
            "InboundCallsEnabled": True,
            "OutboundCallsEnabled": True,
        },
    )
    listed = sent_by(hook, mode, "GET", "/instance", query={"maxResults": 10})

    # moto calls its JSON text/html, which the response's body then is.
    instances = json.loads(listed.content)["InstanceSummaryList"]
    assert json.loads(made.content)["Id"] in [instance["Id"] for instance in instances]


def test_the_connection_test_asks_who_is_calling(moto: str, connect: Any) -> None:
    connect({"endpoint_url": moto}, **TESTING)

    passed, message = AmazonConnectHook("connect").test_connection()

    assert passed, message
    assert "account 123456789012" in message
    assert "testing-secret-key" not in message


def test_the_connection_test_fails_where_nobody_answers(service: Any, connect: Any) -> None:
    connect({"endpoint_url": service.url})
    service.answer(status=403, body=b"<ErrorResponse/>")

    passed, message = AmazonConnectHook("connect").test_connection()

    assert not passed
    assert "AWS does not accept the credentials" in message
    assert SECRET not in message


@pytest.mark.parametrize(
    "body",
    [
        b"<GetCallerIdentityResponse/>",
        b"<html><body>Welcome</body></html>",
        b"Welcome",
        b"{}",
        b"",
        b"<GetCallerIdentityResponse><GetCallerIdentityResult/></GetCallerIdentityResponse>",
        b"<R><GetCallerIdentityResult><Account>1</Account></GetCallerIdentityResult></R>",
    ],
)
def test_the_connection_test_fails_where_another_than_sts_answers(service: Any, connect: Any, body: bytes) -> None:
    connect({"endpoint_url": service.url})
    service.answer(status=200, body=body)

    passed, message = AmazonConnectHook("connect").test_connection()

    assert not passed
    assert "what answered is not AWS STS" in message
    assert "correct endpoint_url" in message


def test_a_role_is_assumed(moto: str, service: Any, connect: Any) -> None:
    connect(
        {"role_arn": ROLE, "service_config": {"sts": {"endpoint_url": moto}, "connect": {"endpoint_url": service.url}}},
        **TESTING,
    )

    AmazonConnectHook("connect").request("GET", "/instance")

    (got,) = service.received
    assert "Credential=testing-key-id" not in got.headers["authorization"]
    token = got.headers["x-amz-security-token"]
    assert redact(token) == "***"


@pytest.mark.parametrize(
    ("extra", "said"),
    [
        ({"config_kwargs": {"bogus": 1}}, "no AWS session (TypeError: Got unexpected keyword argument 'bogus')"),
        ({"assume_role_method": "bogus", "role_arn": ROLE}, "no AWS session (NotImplementedError: "),
        ({"assume_role_kwargs": {"bogus": 1}, "role_arn": ROLE}, "no AWS session (ParamValidationError: "),
        ({"assume_role_method": "assume_role_with_saml", "role_arn": ROLE}, "no AWS session (KeyError: "),
        ({"profile_name": "nowhere"}, "no AWS session (ProfileNotFound: "),
        ({"service_config": {"sts": "x"}}, "service_config: 'sts': write a JSON object"),
    ],
)
def test_what_the_amazon_provider_can_not_read_is_the_connection_s_fault(
    connection: Any, extra: dict[str, Any], said: str
) -> None:
    extra = {"region_name": "us-east-1", **extra}
    connection("connect", conn_type="amazon_connect", login=KEY_ID, password=SECRET, extra=extra)

    works, message = AmazonConnectHook("connect").test_connection()
    with pytest.raises(ConfigurationError) as caught:
        AmazonConnectHook("connect").request("GET", "/instance")

    assert not works
    assert said in message
    assert said in str(caught.value)
    assert "connection 'connect'" in str(caught.value)


STS = "https://sts.amazonaws.com/doc/2011-06-15/"


def refusal(status: int, code: str) -> Answer:
    error = f'<ErrorResponse xmlns="{STS}"><Error><Code>{code}</Code><Message>no</Message></Error></ErrorResponse>'
    return Answer.of(status, error.encode(), {"Content-Type": "text/xml"})


def assumed(seconds: int) -> Answer:
    until = (dt.datetime.now(tz=dt.UTC) + dt.timedelta(seconds=seconds)).isoformat()
    keys = f"<AccessKeyId>ASIA</AccessKeyId><SecretAccessKey>{SECRET}</SecretAccessKey><SessionToken>a-token</SessionToken>"
    result = f"<AssumeRoleResult><Credentials>{keys}<Expiration>{until}</Expiration></Credentials></AssumeRoleResult>"
    answer = f'<AssumeRoleResponse xmlns="{STS}">{result}</AssumeRoleResponse>'
    return Answer.of(200, answer.encode(), {"Content-Type": "text/xml"})


@MODES
@pytest.mark.parametrize("renewed", [False, True], ids=["at first", "when they are renewed"])
@pytest.mark.parametrize(
    ("answer", "kind", "retryable"),
    [
        (refusal(503, "ServiceUnavailable"), AuthenticationError, True),
        (refusal(400, "Throttling"), AuthenticationError, True),
        (refusal(403, "AccessDenied"), AuthenticationError, False),
        (None, CommunicationError, True),
    ],
    ids=["away", "asked too often", "denied", "not there"],
)
def test_a_role_that_cannot_be_assumed_now_can_be_later(
    service: Any, serve: Any, connect: Any, mode: str, answer: Any, renewed: bool, kind: type, retryable: bool
) -> None:
    sts = serve()
    connect(
        {
            "role_arn": ROLE,
            "config_kwargs": {"retries": {"max_attempts": 0}},
            "service_config": {"sts": {"endpoint_url": sts.url}, "connect": {"endpoint_url": service.url}},
        }
    )
    hook = AmazonConnectHook("connect")
    if renewed:
        sts.answers = [assumed(30)]  # In their last minutes they are renewed.
        hook.request("GET", "/instance")
        service.received.clear()
    sts.stop() if answer is None else setattr(sts, "answers", [answer])

    with pytest.raises(CloudFunctionError) as caught:
        sent_by(hook, mode, "PUT", "/contact/task", json=TASK)

    assert type(caught.value) is kind
    assert caught.value.retryable is retryable
    assert caught.value.never_sent
    assert "connection 'connect': AWS" in str(caught.value)
    assert service.received == []


def test_an_event_loop_does_not_stand_still_while_a_role_is_assumed_anew(
    service: Any, serve: Any, connect: Any
) -> None:
    # In their last minutes they are renewed.
    given = {"seconds": 30, "after": 0}

    def slowly(_: Any) -> Answer:
        time.sleep(given["after"])
        return assumed(given["seconds"])

    sts = serve(reply=slowly)
    connect(
        {
            "role_arn": ROLE,
            "service_config": {"sts": {"endpoint_url": sts.url}, "connect": {"endpoint_url": service.url}},
        }
    )

    async def longest_pause() -> float:
        hook = AmazonConnectHook("connect")
        await hook.arequest("GET", "/instance")
        sts.received.clear()
        given.update(seconds=3600, after=1)
        asked = asyncio.create_task(hook.arequest("GET", "/instance"))
        pauses = []
        while not asked.done():
            before = time.monotonic()
            await asyncio.sleep(0.01)
            pauses.append(time.monotonic() - before)
        assert asked.result().status == 200
        assert sum(pauses) > 0.9
        return max(pauses)

    assert asyncio.run(longest_pause()) < 0.8
    assert len(sts.received) == 1


def test_without_any_credentials_that_is_said(connection: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    connection("connect", conn_type="amazon_connect", extra={"region_name": "us-east-1"})

    with pytest.raises(ConfigurationError, match="connection 'connect': no AWS credentials"):
        AmazonConnectHook("connect").request("GET", "/instance")
    works, message = AmazonConnectHook("connect").test_connection()
    # Airflow's UI tests a connection under an id that it makes up.
    assert not works
    assert message.startswith("The connection: no AWS credentials")


def test_a_cloudfn_connection_can_take_the_credentials_of_an_aws_connection(
    moto: str, service: Any, connection: Any
) -> None:
    connection(
        "aws_main",
        conn_type="aws",
        login="testing-key-id",
        password="testing-secret-key",
        extra={"service_config": {"sts": {"endpoint_url": moto}}},
    )
    signature = {
        "auth_type": "sigv4",
        "aws_service": "execute-api",
        "aws_region": "eu-west-1",
        "aws_conn_id": "aws_main",
    }
    connection("gateway", conn_type="cloudfn", host=service.url, extra=signature)
    hook = CloudFunctionHook("gateway")

    hook.request("GET", "/")
    asyncio.run(CloudFunctionHook("gateway").arequest("GET", "/"))

    for got in service.received:
        assert "Credential=testing-key-id/" in got.headers["authorization"]
        assert "/eu-west-1/execute-api/" in got.headers["authorization"]
    assert hook.test_connection()[0]


@MODES
@pytest.mark.parametrize("extra", ["no json", "[1]"])
def test_nor_from_one_that_can_not_be_read_or_is_not_there(
    service: Any, connection: Any, mode: str, extra: str
) -> None:
    signature = {"auth_type": "sigv4", "aws_service": "execute-api", "aws_region": "eu-west-1", "aws_conn_id": "main"}
    connection("gateway", conn_type="cloudfn", host=service.url, extra=signature)

    with pytest.raises(ConfigurationError, match="aws_conn_id: there is no connection 'main': make one of type aws"):
        sent_by(CloudFunctionHook("gateway"), mode, "GET", "/")  # type: ignore[arg-type]  # both have what is asked for

    connection("main", conn_type="aws", extra=extra)
    with pytest.raises(ConfigurationError, match="connection 'main', extra: is no JSON object"):
        sent_by(CloudFunctionHook("gateway"), mode, "GET", "/")  # type: ignore[arg-type]  # both have what is asked for


def test_a_cloudfn_connection_can_not_take_them_from_another_type(service: Any, connection: Any) -> None:
    connection("db", conn_type="postgres", login="a", password="b")
    signature = {"auth_type": "sigv4", "aws_service": "execute-api", "aws_region": "eu-west-1", "aws_conn_id": "db"}
    connection("gateway", conn_type="cloudfn", host=service.url, extra=signature)

    with pytest.raises(ConfigurationError, match=r"aws_conn_id .*'db' is of type 'postgres'; name one of type 'aws'"):
        CloudFunctionHook("gateway").request("GET", "/")
