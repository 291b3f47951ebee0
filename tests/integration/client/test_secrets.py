"""Every way to authenticate, through everything that can happen to it: no secret is in a log, an error or a repr."""

from __future__ import annotations

import asyncio
import base64
import logging
import traceback
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, quote_plus

import pytest

from airflow_provider_cloudfn.auth.api_key import ApiKeyAuth
from airflow_provider_cloudfn.auth.basic import BasicAuth
from airflow_provider_cloudfn.auth.bearer import BearerAuth
from airflow_provider_cloudfn.auth.client_authentication import OAuth2Client
from airflow_provider_cloudfn.auth.hmac_signature import HmacSignatureAuth
from airflow_provider_cloudfn.auth.oauth2 import OAuth2ClientCredentials
from airflow_provider_cloudfn.auth.sigv4 import SigV4Auth
from airflow_provider_cloudfn.auth.token_store import MemoryTokenStore
from airflow_provider_cloudfn.client.body import Json
from airflow_provider_cloudfn.client.request import Request
from airflow_provider_cloudfn.client.secret import secret

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_cloudfn.auth.scheme import Auth

SECRET = "s3cret va/lue+%"
HEADER_SECRET = "s3cret-va/lue+%"
TOKEN = "t0ken-value-1"

FORMS = {
    form
    for text in (SECRET, HEADER_SECRET, TOKEN, f"ann:{SECRET}")
    for form in (text, quote(text), quote(text, safe=""), quote_plus(text), base64.b64encode(text.encode()).decode())
}


@dataclass(frozen=True)
class Keys:
    access_key: str = "AKIAEXAMPLE"
    secret_key: str = SECRET
    token: str | None = TOKEN


SCHEMES: dict[str, Callable[[str], Auth]] = {
    "api-key-header": lambda url: ApiKeyAuth("X-Api-Key", HEADER_SECRET),
    "api-key-query": lambda url: ApiKeyAuth("key", SECRET, "query"),
    "basic": lambda url: BasicAuth("ann", SECRET),
    "bearer": lambda url: BearerAuth(HEADER_SECRET),
    "hmac": lambda url: HmacSignatureAuth(SECRET, "X-Signature"),
    "sigv4": lambda url: SigV4Auth(Keys, "connect", "eu-central-1"),
    **{
        f"oauth2-{method}": lambda url, method=method: OAuth2ClientCredentials(  # type: ignore[misc]  # a default of a lambda
            OAuth2Client(token_url=f"{url}/token", client_id="ann", client_secret=SECRET, client_auth_method=method),
            store=MemoryTokenStore(),
        )
        for method in ("client_secret_basic", "client_secret_post")
    },
}

OUTCOMES = ["success", "401", "403", "500", "timeout", "no-json", "broken", "redirect", "token-refused", "token-html"]


def service(outcome: str, told: str) -> Any:
    """Tell every request back to who sent it, as a careless service does."""

    async def script(wire: Any) -> None:
        while True:
            request = await wire.request()
            if request.startswith(b"POST /token") and outcome == "token-refused":
                await wire.answer(
                    b'{"error": "invalid_client", "error_description": "%s"}' % SECRET.encode(), status="401 X"
                )
            elif request.startswith(b"POST /token") and outcome == "token-html":
                await wire.answer(request, "Content-Type: text/html")
            elif request.startswith(b"POST /token"):
                await wire.answer(b'{"access_token": "%s"}' % TOKEN.encode(), "Content-Type: application/json")
            elif outcome == "timeout":
                await wire.wait_for_the_end()
                return
            elif outcome == "broken":
                await wire.send(b"HTTP/1.1 200 OK\r\n" + request)
                return
            elif outcome == "redirect":
                path = request.split(b" ")[1].decode()
                await wire.answer(b"", f"Location: http://other.example.com{path}", status="302 Found")
            elif outcome in ("401", "403", "500"):
                await wire.answer(request, "Content-Type: text/plain", f"X-Request-Id: {told}", status=f"{outcome} X")
            elif outcome == "no-json":
                await wire.answer(request, "Content-Type: application/json")
            else:
                await wire.answer(b"ok")

    return script


@pytest.mark.parametrize("outcome", OUTCOMES)
@pytest.mark.parametrize("scheme", SCHEMES)
def test_no_secret_is_shown(
    server_of: Any, client_of: Any, caplog: pytest.LogCaptureFixture, scheme: str, outcome: str
) -> None:
    shown: list[str] = []

    async def run() -> None:
        async with server_of(
            service(outcome, HEADER_SECRET if scheme in ("bearer", "api-key-header") else SECRET)
        ) as server:
            auth = SCHEMES[scheme](server.url)
            client = client_of(
                server, auth=auth, secret_values={"x": SECRET}, on_attempt=lambda a: shown.append(repr(a))
            )
            prepared = client.prepare(Request("POST", "/v1", {"q": secret("x")}, body=Json({"a": [secret("x")]})))
            shown.extend((repr(prepared), prepared.url, repr(prepared.body), repr(client), repr(auth)))
            try:
                shown.append(repr(await client.send(prepared)))
            except Exception as error:
                shown.extend(
                    (str(error), repr(error), repr(error.__dict__), "".join(traceback.format_exception(error)))
                )

    with caplog.at_level(logging.DEBUG), caplog.at_level(logging.DEBUG, logger="airflow_provider_cloudfn"):
        asyncio.run(run())

    whole = "\n".join([*shown, caplog.text])
    assert "/v1" in whole
    assert sorted(form for form in FORMS if form in whole) == []
