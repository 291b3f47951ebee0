"""What an error says to do about an answer of a token endpoint that has no token."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_cloudfn.auth.message import HttpResponse
from airflow_provider_cloudfn.auth.token_answer import read_token
from airflow_provider_cloudfn.exceptions import AuthenticationError

if TYPE_CHECKING:
    from collections.abc import Callable

URL = "https://id.example.com/token"
NO_ENDPOINT = "check the token URL of the connection (oauth2_url): what is there gives no tokens"
CHECK = "check the client ID, the client secret, the scopes and the token URL of the connection"
TOO_OFTEN = "it is asked too often: try again later"
LATER = "that is a fault of the endpoint: try again later, and if it stays so, ask those who run it"


def failure(response: HttpResponse) -> AuthenticationError:
    with pytest.raises(AuthenticationError) as raised:
        read_token(response, URL, ())
    return raised.value


@pytest.mark.parametrize(
    ("status", "fields", "remedy", "retryable"),
    [
        (500, {}, LATER, True),
        (502, {"message": "Bad Gateway"}, LATER, True),
        (503, {"error": "temporarily_unavailable"}, LATER, True),
        (504, {}, LATER, True),
        (400, {"error": "temporarily_unavailable"}, LATER, True),
        (400, {"error": "server_error"}, LATER, True),
        (200, {"error": "temporarily_unavailable"}, LATER, True),
        (200, {}, CHECK, False),
        (400, {"error": "invalid_scope"}, CHECK, False),
        (400, {"error": ["temporarily_unavailable"]}, CHECK, False),
        (400, {"error": "slow_down"}, TOO_OFTEN, True),
        (401, {"error": "invalid_client"}, CHECK, False),
        (404, {"error": "not found"}, NO_ENDPOINT, False),
        (405, {}, NO_ENDPOINT, False),
        (429, {}, TOO_OFTEN, True),
        (501, {}, CHECK, True),
    ],
)
def test_an_outage_is_waited_for_and_a_refusal_is_looked_into(
    answer: Callable[..., HttpResponse], status: int, fields: dict[str, Any], remedy: str, retryable: bool
) -> None:
    error = failure(answer(fields, status=status))

    assert str(error).startswith(f"the token endpoint {URL} answered {status}: ")
    assert str(error).endswith(f"; {remedy}")
    assert (error.status, error.retryable) == (status, retryable)


@pytest.mark.parametrize(
    "fields",
    [
        {"accessToken": "t1", "tokenType": "Bearer", "expiresIn": 60, "refreshToken": "r1"},
        {"AccessToken": "t1", "TokenType": "bearer", "ExpiresIn": "60", "RefreshToken": "r1"},
        {"Access-Token": "t1", "token-type": "Bearer", "expires-in": 60, "refresh-token": "r1"},
        {"data": {"accessToken": "t1", "expiresIn": 60, "refreshToken": "r1"}, "code": 0},
        {"token": "t1", "expires_in": 60, "refresh_token": "r1"},
        {"access_token": "t1", "accessToken": "other", "token": "other", "expires_in": 60, "refresh_token": "r1"},
    ],
)
def test_the_names_of_the_standard_are_known_in_other_spellings(
    answer: Callable[..., HttpResponse], fields: dict[str, Any]
) -> None:
    token = read_token(answer(fields), URL, ())

    assert (token.value, token.type, token.lifetime, token.refresh_token) == ("t1", "Bearer", 60, "r1")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32"])
def test_json_is_read_as_that_of_any_answer(encoding: str) -> None:
    content = '{"access_token": "t1", "expires_in": 60, "user": "\\ud800"}'.encode(encoding)

    assert read_token(HttpResponse(200, (), content), URL, ()).value == "t1"


def test_how_long_an_outage_takes_is_kept() -> None:
    assert failure(HttpResponse(503, (("retry-after", "7"),), b"")).retry_after == 7


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        (
            {"jwt": "t", "expiresIn": 60},
            "no access_token that is text, among 'jwt', 'expires_in'; check",
        ),
        ({"access_token": None}, "no access_token that is text, among 'access_token'; check"),
        ({"errorCode": "E7", "errorSummary": "no such app"}, "errorCode 'E7', errorSummary 'no such app'; check"),
        ({"message": "unknown client s3cr3t"}, "message 'unknown client ***'; check"),
        ({"message": ["not", "text"]}, "no access_token that is text, among 'message'; check"),
        ({"error": "invalid_client", "message": "x"}, "answered 400: error 'invalid_client'; check"),
    ],
)
def test_an_error_tells_what_came_instead(
    answer: Callable[..., HttpResponse], fields: dict[str, Any], said: str
) -> None:
    with pytest.raises(AuthenticationError) as raised:
        read_token(answer(fields, status=400), URL, ("s3cr3t",))

    assert said in str(raised.value)
    assert len(str(raised.value)) < 1000


@pytest.mark.parametrize("value", ["Bearer ", "bearer\t", "t 1", "t1\n"])
def test_what_no_header_can_carry_is_no_token(answer: Callable[..., HttpResponse], value: str) -> None:
    assert "gave an access_token that no header can carry" in str(failure(answer({"access_token": value})))


def test_what_is_too_long_for_a_token_is_not_parsed() -> None:
    content = b'{"access_token": "a", "pad": [' + b"[]," * 400_000 + b"[]]}"

    assert "no access_token in 1200034 bytes" in str(failure(HttpResponse(200, (), content)))
