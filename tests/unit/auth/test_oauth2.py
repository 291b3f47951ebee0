"""The dialogue with a token endpoint, driven by hand."""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

import pytest
import time_machine

from airflow_provider_cloudfn.auth.client_authentication import OAuth2Client
from airflow_provider_cloudfn.auth.message import HttpRequest, HttpResponse
from airflow_provider_cloudfn.auth.oauth2 import OAuth2ClientCredentials
from airflow_provider_cloudfn.auth.token_store import MemoryTokenStore
from airflow_provider_cloudfn.exceptions import AuthenticationError, CommunicationError, ConfigurationError

if TYPE_CHECKING:
    from airflow_provider_cloudfn.auth.scheme import AuthFlow

SECRET = "cl1ent-s3cret"
TOKEN_URL = "https://auth.example.com/oauth/token"
REFRESH_URL = "https://auth.example.com/oauth/refresh"
REQUEST = HttpRequest("GET", "https://api.example.com/v1/orders")


def client(*, store: Any = None, renew_when: Any = None, certificate: str | None = None, **changed: Any) -> Any:
    settings: dict[str, Any] = {"token_url": TOKEN_URL, "client_id": "ann", "client_secret": SECRET, **changed}
    return OAuth2ClientCredentials(
        OAuth2Client(**settings), renew_when=renew_when, certificate=certificate, store=store or MemoryTokenStore()
    )


def form(request: HttpRequest) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(request.body.decode(), keep_blank_values=True).items()}


def end(flow: AuthFlow, status: int = 200) -> None:
    with pytest.raises(StopIteration):
        flow.send(HttpResponse(status))


def authorize(auth: OAuth2ClientCredentials, response: HttpResponse) -> str | None:
    """Run one request whose token request is answered so, and return its Authorization header."""
    flow = auth.flow(REQUEST)
    next(flow)
    sent = flow.send(response)
    end(flow)
    return sent.header("authorization")


def test_a_token_is_asked_for_and_put_on_the_request(answer: Any) -> None:
    flow = client(scopes=("read", "write")).flow(REQUEST)

    asked = next(flow)
    sent = flow.send(answer(access_token="t1", token_type="bearer", expires_in=3600))
    end(flow)

    assert (asked.method, asked.url, form(asked)) == (
        "POST",
        TOKEN_URL,
        {"grant_type": "client_credentials", "scope": "read write"},
    )
    assert asked.header("authorization") == "Basic " + base64.b64encode(f"ann:{SECRET}".encode()).decode()
    assert sent == REQUEST.with_header("Authorization", "Bearer t1")


@pytest.mark.parametrize(
    ("method", "expected"),
    [
        ("client_secret_post", {"client_id": "ann", "client_secret": SECRET}),
        ("none", {"client_id": "ann"}),
    ],
)
def test_a_client_can_show_who_it_is_in_the_body(method: str, expected: dict[str, str]) -> None:
    asked = next(client(client_auth_method=method).flow(REQUEST))

    assert form(asked) == {"grant_type": "client_credentials", **expected}
    assert asked.header("authorization") is None


def test_what_a_token_is_for_and_further_parameters_are_sent() -> None:
    auth = client(audience="https://api/", resource="urn:x", parameters={"tenant": "acme & co", "body": "b"})

    assert form(next(auth.flow(REQUEST))) == {
        "grant_type": "client_credentials",
        "audience": "https://api/",
        "resource": "urn:x",
        "tenant": "acme & co",
        "body": "b",
    }


def test_another_way_to_authenticate_a_client_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="client_auth_method: 'magic' is none of client_secret_basic"):
        client(client_auth_method="magic")


def test_a_token_is_asked_for_once(answer: Any) -> None:
    store = MemoryTokenStore()
    authorize(client(store=store), answer(access_token="t1", expires_in=3600))

    flow = client(store=store).flow(REQUEST)

    assert next(flow).header("authorization") == "Bearer t1"
    end(flow)


@pytest.mark.parametrize(
    "changed",
    [
        {"client_id": "bob"},
        {"client_secret": "other"},
        {"scopes": ("read",)},
        {"audience": "a"},
        {"token_url": "https://auth.example.com/other"},
        {"client_auth_method": "client_secret_post"},
        {"refresh_url": REFRESH_URL},
        {"certificate": "/etc/other.pem"},
        {"grant_type": "account_credentials"},
        {"scopes": ("read",), "scope_separator": ","},
        {"headers": {"X-Tenant": "acme"}},
        {"claims": {"sub": "ann"}},
    ],
    ids=lambda changed: next(iter(changed)),
)
def test_different_credentials_never_share_a_token(changed: dict[str, Any], answer: Any) -> None:
    store = MemoryTokenStore()
    authorize(client(store=store), answer(access_token="t1"))

    assert next(client(store=store, **changed).flow(REQUEST)).url != REQUEST.url


def test_a_refused_token_is_replaced_once(answer: Any) -> None:
    auth = client()
    authorize(auth, answer(access_token="t1"))

    flow = auth.flow(REQUEST)
    next(flow)
    asked = flow.send(HttpResponse(401))
    again = flow.send(answer(access_token="t2"))
    end(flow, status=401)

    assert (asked.url, again.header("authorization")) == (TOKEN_URL, "Bearer t2")


def test_a_new_token_that_is_refused_is_replaced_once_too(answer: Any) -> None:
    flow = client().flow(REQUEST)
    next(flow)
    flow.send(answer(access_token="t1"))
    asked = flow.send(HttpResponse(401))
    again = flow.send(answer(access_token="t2"))
    end(flow, status=401)

    assert (asked.url, again.header("authorization")) == (TOKEN_URL, "Bearer t2")


def replaced(auth: OAuth2ClientCredentials, answer: Any, *, status: int) -> None:
    """Let the kept token be refused, and the one that comes in its place be answered with a status."""
    flow = auth.flow(REQUEST)
    next(flow)
    flow.send(HttpResponse(401))
    flow.send(answer(access_token="t2"))
    end(flow, status=status)


def test_where_the_new_token_is_refused_too_the_next_request_asks_for_none(answer: Any) -> None:
    """Of a batch of 10,000 items each would ask for a token, and be sent twice."""
    auth = client()
    authorize(auth, answer(access_token="t1"))
    replaced(auth, answer, status=401)

    flow = auth.flow(REQUEST)

    assert next(flow).header("authorization") == "Bearer t2"
    end(flow, status=401)


@pytest.mark.parametrize("status", [200, 404])
def test_a_new_token_that_was_accepted_is_replaced_as_the_one_before(answer: Any, status: int) -> None:
    auth = client()
    authorize(auth, answer(access_token="t1"))
    replaced(auth, answer, status=status)

    flow = auth.flow(REQUEST)
    next(flow)

    assert flow.send(HttpResponse(401)).url == TOKEN_URL


def test_after_a_minute_a_refused_token_is_replaced_again(answer: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    auth = client()
    authorize(auth, answer(access_token="t1"))
    replaced(auth, answer, status=401)
    monkeypatch.setattr("airflow_provider_cloudfn.auth.oauth2._DOUBT", 0.0)

    flow = auth.flow(REQUEST)
    next(flow)

    assert flow.send(HttpResponse(401)).url == TOKEN_URL


def test_a_refused_token_is_not_asked_for_again_where_another_one_is_kept_by_now(answer: Any) -> None:
    auth = client()
    authorize(auth, answer(access_token="t1"))
    flow = auth.flow(REQUEST)
    next(flow)
    other = auth.flow(REQUEST)
    next(other)
    other.send(HttpResponse(401))
    other.send(answer(access_token="t2"))
    end(other)

    again = flow.send(HttpResponse(401))

    assert again.header("authorization") == "Bearer t2"


def test_a_service_may_say_in_its_own_way_that_a_token_was_refused(answer: Any) -> None:
    auth = client(renew_when=lambda response: b"40001" in response.content)
    authorize(auth, answer(access_token="t1"))

    flow = auth.flow(REQUEST)
    next(flow)

    assert flow.send(HttpResponse(200, (), b'{"errcode": 40001}')).url == TOKEN_URL


@pytest.mark.parametrize(
    ("expires_in", "after", "fresh"),
    [
        (3600, 3569, True),
        (3600, 3571, False),
        ("3600", 3569, True),
        ("3600", 3571, False),
        (20, 9, True),  # a skew of half the lifetime, where that is short
        (20, 11, False),
        (None, 10**6, True),
        (0, 10**6, True),
        (-5, 10**6, True),
        ("soon", 10**6, True),
        (True, 10**6, True),
        ([], 10**6, True),
    ],
)
def test_a_token_is_used_until_shortly_before_its_end(expires_in: Any, after: int, fresh: bool, answer: Any) -> None:
    auth = client()
    fields = {"access_token": "t1"} if expires_in is None else {"access_token": "t1", "expires_in": expires_in}
    with time_machine.travel("2026-01-01T00:00:00Z", tick=False) as clock:
        authorize(auth, answer(fields))
        clock.shift(after)

        assert (next(auth.flow(REQUEST)).url == REQUEST.url) is fresh


@pytest.mark.parametrize(
    "response",
    [
        HttpResponse(
            200, (("content-type", "application/x-www-form-urlencoded"),), b"access_token=t1&token_type=bearer"
        ),
        HttpResponse(200, (("content-type", "text/html"),), b"access_token=t1"),
        HttpResponse(200, (("content-type", "text/plain"),), b'{"access_token": "t1", "token_type": "BEARER"}'),
        HttpResponse(200, (), b'{"access_token": "Bearer t1"}'),
        HttpResponse(201, (), b'\xef\xbb\xbf{"access_token": "t1"}'),
        HttpResponse(200, (), b'{"code": 0, "data": {"access_token": "t1", "expires_in": 60}, "extra": {"a": 1}}'),
    ],
    ids=["form", "form-as-html", "json-as-text", "with-its-scheme", "created-with-bom", "in-an-envelope"],
)
def test_a_token_is_found_however_the_endpoint_writes_it(response: HttpResponse) -> None:
    assert authorize(client(), response) == "Bearer t1"


@pytest.mark.parametrize(
    "kind",
    [
        *("Bearer", "BEARER", "BearerToken", "bearer_token", "jwt-bearer", "", "no token", "N_A", "access_token"),
        *(None, 1, 0, True, 1.5, ["Bearer"], {"type": "Bearer"}),
    ],
)
def test_whatever_names_no_other_type_is_bearer(answer: Any, kind: object) -> None:
    assert authorize(client(), answer(access_token="t1", token_type=kind)) == "Bearer t1"


@pytest.mark.parametrize("error", ["invalid_client", "invalid_request"])
def test_a_client_that_is_not_found_in_the_header_may_belong_into_the_body(answer: Any, error: str) -> None:
    flow = client().flow(REQUEST)
    next(flow)

    with pytest.raises(AuthenticationError) as raised:
        flow.send(answer(status=400, error=error))

    assert str(raised.value).endswith("choose client_auth_method client_secret_post")


def test_a_token_of_another_type_is_sent_as_that(answer: Any) -> None:
    assert authorize(client(), answer(access_token="t1", token_type="GoogleLogin")) == "GoogleLogin t1"


@pytest.mark.parametrize(
    ("status", "content", "media_type", "message", "retryable"),
    [
        (401, b'{"error": "invalid_client"}', "application/json", "401: error 'invalid_client'", False),
        (
            400,
            b'{"error": "invalid_scope", "error_description": "no such scope"}',
            "application/json",
            "400: error 'invalid_scope', error_description 'no such scope'",
            False,
        ),
        (200, b"<html>Sign in</html>", "text/html; charset=utf-8", "200: no access_token in 20 bytes of text/html", False),
        (200, b"", "", "200: no access_token in 0 bytes of no media type", False),
        (200, b"[1]", "application/json", "200: no access_token in 3 bytes of application/json", False),
        (200, b'{"access_token": ""}', "application/json", "200: no access_token", False),
        (200, b'{"access_token": 7}', "application/json", "200: no access_token", False),
        (302, b"", "text/html", "302: no access_token", False),
        (200, b'{"access_token": "a\\r\\nX: y"}', "application/json", "that no header can carry", False),
        (503, b"down", "text/plain", "503: no access_token in 4 bytes of text/plain", True),
        (429, b"", "text/plain", "429: no access_token", True),
        (400, b'{"error": "temporarily_unavailable"}', "application/json", "temporarily_unavailable", True),
        (500, b"[" * 100_000, "application/json", "500: no access_token in 100000 bytes", True),
    ],
)  # fmt: skip
def test_a_failure_says_what_came_back(
    status: int, content: bytes, media_type: str, message: str, retryable: bool
) -> None:
    headers = (("content-type", media_type),) if media_type else ()
    flow = client().flow(REQUEST)
    next(flow)

    with pytest.raises(AuthenticationError, match=f"the token endpoint {re.escape(TOKEN_URL)} ") as raised:
        flow.send(HttpResponse(status, headers, content))

    assert message in str(raised.value)
    assert (raised.value.status, raised.value.retryable) == (status, retryable)


def test_a_failure_never_shows_a_secret(answer: Any) -> None:
    basic = base64.b64encode(f"ann:{SECRET}".encode()).decode()
    flow = client().flow(REQUEST)
    next(flow)

    with pytest.raises(AuthenticationError) as raised:
        flow.send(answer(status=401, error="invalid_client", error_description=f"{SECRET} of {basic} is wrong"))

    assert "'*** of *** is wrong'" in str(raised.value)


def test_every_token_that_was_seen_is_a_secret(answer: Any) -> None:
    auth = client()
    authorize(auth, answer(access_token="t1", refresh_token="r1"))

    assert {SECRET, "t1", "r1"} <= set(auth.secrets())


def test_a_kept_token_shows_no_secret(answer: Any) -> None:
    store = MemoryTokenStore()
    auth = client(store=store)
    authorize(auth, answer(access_token="t1", refresh_token="r1"))

    assert "t1" not in repr(store.get(auth.key))
    assert "r1" not in repr(store.get(auth.key))


class TestRefresh:
    @pytest.fixture
    def flow(self, answer: Any) -> AuthFlow:
        """A flow whose token was refused, and which has a refresh token; its next request is the refresh."""
        auth = client(refresh_url=REFRESH_URL)
        authorize(auth, answer(access_token="t1", refresh_token="r1"))
        flow = auth.flow(REQUEST)
        next(flow)
        return flow

    def test_it_goes_without_the_client_secret_first(self, flow: AuthFlow) -> None:
        asked = flow.send(HttpResponse(401))

        assert (asked.url, asked.header("authorization")) == (REFRESH_URL, None)
        assert form(asked) == {"grant_type": "refresh_token", "refresh_token": "r1", "client_id": "ann"}

    @pytest.mark.parametrize(("status", "error"), [(401, "x"), (400, "invalid_client")])
    def test_it_goes_with_the_client_secret_where_that_is_wanted(
        self, flow: AuthFlow, answer: Any, status: int, error: str
    ) -> None:
        flow.send(HttpResponse(401))
        asked = flow.send(answer(status=status, error=error))
        again = flow.send(answer(access_token="t2"))

        assert asked.url == REFRESH_URL
        assert asked.header("authorization") is not None
        assert again.header("authorization") == "Bearer t2"

    def test_a_refused_refresh_token_gives_way_to_client_credentials(self, flow: AuthFlow, answer: Any) -> None:
        flow.send(HttpResponse(401))
        asked = flow.send(answer(status=400, error="invalid_grant"))

        assert (asked.url, form(asked)["grant_type"]) == (TOKEN_URL, "client_credentials")

    def test_so_does_an_endpoint_that_can_not_be_reached(self, flow: AuthFlow) -> None:
        flow.send(HttpResponse(401))
        asked = flow.throw(CommunicationError("no connection could be made"))

        assert (asked.url, form(asked)["grant_type"]) == (TOKEN_URL, "client_credentials")

    def test_an_old_refresh_token_stays_good_where_no_new_one_came(self, answer: Any) -> None:
        auth = client(refresh_url=REFRESH_URL)
        authorize(auth, answer(access_token="t1", refresh_token="r1"))
        for number in (2, 3):
            flow = auth.flow(REQUEST)
            next(flow)
            asked = flow.send(HttpResponse(401))
            flow.send(answer(access_token=f"t{number}"))
            end(flow)

            assert form(asked)["refresh_token"] == "r1"

    def test_it_needs_a_refresh_url(self, answer: Any) -> None:
        auth = client()
        authorize(auth, answer(access_token="t1", refresh_token="r1"))
        flow = auth.flow(REQUEST)
        next(flow)

        assert form(flow.send(HttpResponse(401)))["grant_type"] == "client_credentials"
