"""The sandbox in the place of Amazon Connect, and of AWS STS."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from airflow_provider_cloudfn.hooks.amazon_connect import AmazonConnectHook

if TYPE_CHECKING:
    import httpx

    from airflow_provider_cloudfn.sandbox import Sandbox

CALL = {"DestinationPhoneNumber": "+491701234567", "InstanceId": "i-1", "ContactFlowId": "f-1", "ClientToken": "t-1"}


@pytest.fixture
def call(sandbox: Sandbox, client: httpx.Client) -> Any:
    """Return a function that calls somebody, signed by botocore."""

    def send(body: Any, **wrong: str) -> httpx.Response:
        known = {
            "key": sandbox.credentials.aws_key_id,
            "secret": sandbox.credentials.aws_secret_key,
            "service": "connect",
        }
        used = known | wrong
        url, content = f"{sandbox.url}/amazon_connect/contact/outbound-voice", json.dumps(body).encode()
        signed = AWSRequest("PUT", url, {"Host": url.split("/")[2], "Content-Type": "application/json"}, content)
        SigV4Auth(Credentials(used["key"], used["secret"]), used["service"], "eu-central-1").add_auth(signed)
        return client.put(url, content=content + used.get("more", "").encode(), headers=dict(signed.headers.items()))

    return send


def test_a_call_has_a_contact_which_is_the_same_for_the_same_token(call: Any) -> None:
    first, again, other = (call(CALL).json(), call(CALL).json(), call({**CALL, "ClientToken": "t-2"}).json())

    assert first == again
    assert first["ContactId"] != other["ContactId"]


@pytest.mark.parametrize("wrong", [{"key": "AKIAOTHER"}, {"secret": "another"}, {"service": "s3"}, {"more": " "}])
def test_what_is_not_signed_rightly_is_refused(call: Any, wrong: dict[str, str]) -> None:
    assert call(CALL, **wrong).status_code == 403


def test_a_call_without_a_number_is_refused(call: Any) -> None:
    refused = call({"InstanceId": "i-1", "ContactFlowId": "f-1"})

    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "InvalidParameterException")


def test_the_connection_test_is_answered(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    fields = sandbox.connections()["amazon_connect_default"]
    monkeypatch.setenv("AIRFLOW_CONN_AMAZON_CONNECT_DEFAULT", json.dumps(fields))

    is_good, said = AmazonConnectHook().test_connection()

    assert (is_good, "arn:aws:iam::000000000000:user/sandbox" in said) == (True, True), said
