"""How a token endpoint is asked, and asked once more in another way where it refuses the first."""

from __future__ import annotations

import base64
import datetime as dt
import json
from email.utils import format_datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, unquote_plus

import pytest
import time_machine
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from airflow_provider_cloudfn.auth.client_authentication import OAuth2Client
from airflow_provider_cloudfn.auth.message import HttpRequest, HttpResponse
from airflow_provider_cloudfn.auth.oauth2 import OAuth2ClientCredentials
from airflow_provider_cloudfn.auth.token_request import MANNERS
from airflow_provider_cloudfn.auth.token_store import MemoryTokenStore
from airflow_provider_cloudfn.exceptions import AuthenticationError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

TOKEN_URL = "https://auth.example.com/oauth/token"
REFRESH_URL = "https://auth.example.com/oauth/refresh"
REQUEST = HttpRequest("GET", "https://api.example.com/v1/orders")
TOKEN = HttpResponse(200, (), b'{"access_token": "t1"}')
INVALID_CLIENT = HttpResponse(401, (), b'{"error": "invalid_client"}')
NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
KEY = ec.generate_private_key(ec.SECP256R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
SIGNED = {"client_auth_method": "private_key_jwt", "client_secret": KEY, "algorithm": "ES256"}


@pytest.fixture(autouse=True)
def unknown_endpoints() -> Iterator[None]:
    MANNERS.clear()
    yield
    MANNERS.clear()


def client(**changed: Any) -> OAuth2ClientCredentials:
    settings: dict[str, Any] = {"token_url": TOKEN_URL, "client_id": "ann", "client_secret": "s3cret", **changed}
    return OAuth2ClientCredentials(OAuth2Client(**settings), store=MemoryTokenStore())


def asked(auth: OAuth2ClientCredentials, endpoint: Callable[[HttpRequest], HttpResponse]) -> list[HttpRequest]:
    """Get a token from an endpoint, and return what it was sent."""
    sent: list[HttpRequest] = []
    flow = auth.token_flow()
    try:
        request = next(flow)
        while True:
            sent.append(request)
            request = flow.send(endpoint(request))
    except StopIteration:
        return sent


def basic(request: HttpRequest) -> str:
    return base64.b64decode((request.header("authorization") or "").removeprefix("Basic ")).decode("latin-1")


def claims(request: HttpRequest, name: str = "client_assertion") -> dict[str, Any]:
    (assertion,) = parse_qs(request.body.decode())[name]
    return dict(json.loads(base64.urlsafe_b64decode(assertion.split(".")[1] + "==")))


def strict(request: HttpRequest) -> HttpResponse:
    """Answer as RFC 6749 says: ID and secret are decoded."""
    client_id, _, secret = basic(request).partition(":")
    good = (unquote_plus(client_id), unquote_plus(secret)) in CREDENTIALS
    return TOKEN if good else INVALID_CLIENT


def lax(request: HttpRequest) -> HttpResponse:
    """Answer as those do that take what Basic carries as it is."""
    client_id, _, secret = basic(request).partition(":")
    return TOKEN if (client_id, secret) in CREDENTIALS else INVALID_CLIENT


#: And how the standard writes them.
CREDENTIALS = {
    ("ann", "s3cret-._~"): "ann:s3cret-._~",
    ("ann", "s3cr3t/+ =x"): "ann:s3cr3t%2F%2B+%3Dx",
    ("ann", "a+b%2Fc"): "ann:a%2Bb%252Fc",
    ("ann", "a:b"): "ann:a%3Ab",
    ("ann@example.com", "s"): "ann%40example.com:s",
    ("ann", "gr\u00fcn"): "ann:gr%C3%BCn",
}


class TestBasic:
    @pytest.mark.parametrize(("pair", "written"), CREDENTIALS.items(), ids=lambda case: case[-1])
    def test_id_and_secret_are_form_encoded(self, pair: tuple[str, str], written: str) -> None:
        sent = asked(client(client_id=pair[0], client_secret=pair[1]), strict)

        assert [basic(request) for request in sent] == [written]

    @pytest.mark.parametrize(("pair", "written"), CREDENTIALS.items(), ids=lambda case: case[-1])
    def test_an_endpoint_that_does_not_decode_gets_them_as_they_are(self, pair: tuple[str, str], written: str) -> None:
        sent = asked(client(client_id=pair[0], client_secret=pair[1]), lax)

        assert [basic(request) for request in sent] == list(dict.fromkeys([written, ":".join(pair)]))

    def test_what_it_takes_is_remembered(self) -> None:
        for expected in (2, 1):
            assert len(asked(client(client_secret="s3cr3t/+ =x"), lax)) == expected

    def test_an_endpoint_that_is_replaced_by_a_strict_one_is_asked_by_the_standard_again(self) -> None:
        asked(client(client_secret="s3cr3t/+ =x"), lax)

        assert [len(asked(client(client_secret="s3cr3t/+ =x"), strict)) for _ in range(2)] == [2, 1]

    def test_what_one_client_needs_is_not_remembered_for_another(self) -> None:
        asked(client(client_secret="s3cr3t/+ =x"), lax)

        assert len(asked(client(client_secret="a+b%2Fc"), strict)) == 1

    @pytest.mark.parametrize(("secret", "times"), [("wr0ng", 1), ("wr0ng+", 2)])
    def test_a_refusal_of_both_is_an_error_that_names_the_other_method(self, secret: str, times: int) -> None:
        sent: list[HttpRequest] = []

        def endpoint(request: HttpRequest) -> HttpResponse:
            sent.append(request)
            return strict(request)

        with pytest.raises(AuthenticationError, match=r"401: error 'invalid_client'.* client_secret_post") as raised:
            asked(client(client_secret=secret), endpoint)
        assert len(sent) == times
        assert secret not in str(raised.value)

    def test_an_error_of_the_endpoint_is_no_reason_to_ask_in_another_way(self) -> None:
        with pytest.raises(AuthenticationError, match="invalid_scope") as raised:
            asked(client(client_secret="a+b"), lambda _: HttpResponse(400, (), b'{"error": "invalid_scope"}'))
        assert "client_secret_post" not in str(raised.value)

    @pytest.mark.parametrize("secret", ["s3cr3t/+ =x", "gr\u00fcn+"])
    def test_each_form_that_an_answer_quotes_is_hidden(self, secret: str) -> None:
        def quoting(request: HttpRequest) -> HttpResponse:
            text = f"{request.header('authorization')} {basic(request)}"
            return HttpResponse(401, (), json.dumps({"error": "invalid_client", "error_description": text}).encode())

        auth = client(client_secret=secret)
        flow = auth.token_flow()
        requests = [next(flow)]
        requests.append(flow.send(quoting(requests[0])))

        assert {(request.header("authorization") or "")[len("Basic ") :] for request in requests} <= set(auth.secrets())
        with pytest.raises(AuthenticationError, match=r"'Basic \*\*\* ann:\*\*\*'"):
            flow.send(quoting(requests[1]))


class TestJson:
    def test_a_request_can_be_json(self) -> None:
        auth = client(as_json=True, client_auth_method="client_secret_post", scopes=("a", "b"), audience="x & y")
        (sent,) = asked(auth, lambda _: TOKEN)

        assert sent.header("content-type") == "application/json"
        assert json.loads(sent.body) == {
            "grant_type": "client_credentials",
            "scope": "a b",
            "audience": "x & y",
            "client_id": "ann",
            "client_secret": "s3cret",
        }

    @pytest.mark.parametrize("as_json", [False, True])
    def test_an_endpoint_that_refuses_the_media_type_gets_the_other(self, as_json: bool) -> None:
        wanted = "application/x-www-form-urlencoded" if as_json else "application/json"

        def endpoint(request: HttpRequest) -> HttpResponse:
            return TOKEN if request.header("content-type") == wanted else HttpResponse(415)

        assert [len(asked(client(as_json=as_json), endpoint)) for _ in range(2)] == [2, 1]

    def test_one_that_refuses_both_is_not_asked_for_ever(self) -> None:
        with pytest.raises(AuthenticationError, match="answered 415"):
            asked(client(client_secret="a+b"), lambda _: HttpResponse(415))

    def test_both_can_be_other_than_the_standard(self) -> None:
        def endpoint(request: HttpRequest) -> HttpResponse:
            return HttpResponse(415) if request.header("content-type") != "application/json" else lax(request)

        assert len(asked(client(client_secret="s3cr3t/+ =x"), endpoint)) == 3


class TestGrants:
    def test_a_grant_of_another_type_is_asked_for_with_its_parameters(self) -> None:
        auth = client(grant_type="account_credentials", parameters={"account_id": "a1"})
        (sent,) = asked(auth, lambda _: TOKEN)

        assert parse_qs(sent.body.decode()) == {"grant_type": ["account_credentials"], "account_id": ["a1"]}

    def test_scopes_are_separated_as_the_endpoint_asks(self) -> None:
        (sent,) = asked(client(scopes=("a", "b"), scope_separator=","), lambda _: TOKEN)

        assert parse_qs(sent.body.decode())["scope"] == ["a,b"]

    def test_headers_go_with_every_request_to_the_endpoint(self, answer: Any) -> None:
        auth = client(headers={"X-Tenant": "acme"}, refresh_url=REFRESH_URL)
        flow = auth.flow(REQUEST)
        first = next(flow)
        sent = flow.send(answer(access_token="t1", refresh_token="r1"))
        refresh = flow.send(HttpResponse(401))

        assert [request.header("x-tenant") for request in (first, sent, refresh)] == ["acme", None, "acme"]
        assert refresh.url == REFRESH_URL

    def test_secrets_among_the_parameters_are_hidden(self) -> None:
        auth = client(grant_type="password", parameters={"password": "0pen+sesame"}, request_secrets=("0pen+sesame",))
        flow = auth.token_flow()
        body = next(flow).body

        with pytest.raises(AuthenticationError) as raised:
            flow.send(HttpResponse(400, (), json.dumps({"error": "x", "error_description": body.decode()}).encode()))
        assert "sesame" not in str(raised.value)
        assert "0pen+sesame" in set(auth.secrets())


class TestRedirect:
    @pytest.mark.parametrize(
        ("location", "shown"),
        [
            ("/oauth/token/", "https://auth.example.com/oauth/token/"),
            ("https://id.example.com/token?code=1", "https://id.example.com/token"),
            ("//u:p@id.example.com/t", "https://id.example.com/t"),
        ],
    )
    @pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
    def test_the_error_names_where_it_leads(self, status: int, location: str, shown: str) -> None:
        with pytest.raises(AuthenticationError, match="write it as the token URL") as raised:
            asked(client(), lambda _: HttpResponse(status, (("Location", location),)))
        assert f" it redirects to {shown}, " in str(raised.value)

    @pytest.mark.parametrize("headers", [(), (("Location", "https://[x"),)])
    def test_a_redirect_to_nowhere_is_an_error_like_any_other(self, headers: tuple[tuple[str, str], ...]) -> None:
        with pytest.raises(AuthenticationError, match=r"302: no access_token .* check the client ID"):
            asked(client(), lambda _: HttpResponse(302, headers))


class TestClock:
    """An assertion lives for five minutes by the clock of the endpoint, which refuses it by its own."""

    @staticmethod
    def endpoint(ahead: int, *, dated: bool = True) -> Callable[[HttpRequest], HttpResponse]:
        now = NOW + dt.timedelta(seconds=ahead)
        headers = (("Date", format_datetime(now, usegmt=True)),) if dated else ()

        def answer(request: HttpRequest) -> HttpResponse:
            said = claims(request)
            good = said["iat"] <= now.timestamp() < said["exp"] <= now.timestamp() + 300
            return TOKEN if good else HttpResponse(401, headers, b'{"error": "invalid_client"}')

        return answer

    @pytest.mark.parametrize(("ahead", "times"), [(0, [1, 1]), (-300, [2, 1]), (300, [2, 1]), (-3600, [2, 1])])
    def test_a_refused_one_is_written_once_more_by_the_clock_of_the_endpoint(
        self, ahead: int, times: list[int]
    ) -> None:
        with time_machine.travel(NOW, tick=False):
            assert [len(asked(client(**SIGNED), self.endpoint(ahead))) for _ in range(2)] == times

    def test_an_endpoint_that_does_not_tell_its_time_is_asked_once(self) -> None:
        sent: list[HttpRequest] = []
        with time_machine.travel(NOW, tick=False), pytest.raises(AuthenticationError):
            asked(client(**SIGNED), lambda request: (sent.append(request), self.endpoint(300, dated=False)(request))[1])
        assert len(sent) == 1
