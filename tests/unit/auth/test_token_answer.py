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
CHECK = "check the client ID, the client secret, the scopes and the token URL of the connection"
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
        (400, {"error": "slow_down"}, CHECK, True),
        (401, {"error": "invalid_client"}, CHECK, False),
        (404, {}, CHECK, False),
        (429, {}, CHECK, True),
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


def test_how_long_an_outage_takes_is_kept() -> None:
    assert failure(HttpResponse(503, (("retry-after", "7"),), b"")).retry_after == 7
