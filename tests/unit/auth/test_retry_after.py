"""How long a service, or a token endpoint, asks to wait."""

from __future__ import annotations

import datetime as dt

import pytest
import time_machine
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_cloudfn.auth.message import HttpResponse
from airflow_provider_cloudfn.auth.oauth2 import OAuth2ClientCredentials
from airflow_provider_cloudfn.auth.retry_after import seconds_to_wait
from airflow_provider_cloudfn.auth.token_store import MemoryTokenStore
from airflow_provider_cloudfn.exceptions import AuthenticationError

NOW = dt.datetime(2026, 11, 21, 6, 0, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0.0),
        ("120", 120.0),
        (" 5 ", 5.0),
        ("9" * 400, 1e9),
        ("Sat, 21 Nov 2026 06:01:30 GMT", 90.0),
        ("Saturday, 21-Nov-26 06:01:30 GMT", 90.0),
        ("Sat Nov 21 06:01:30 2026", 90.0),
        ("Sat, 21 Nov 2026 08:01:30 +0200", 90.0),
        ("Fri, 20 Nov 2026 06:00:00 GMT", 0.0),
        (None, None),
        ("", None),
        ("-5", None),
        ("1.5", None),
        ("soon", None),
        ("Mon, 01 Jan 2030 00:00:00 +99999999999999", None),
        ("Mon, 99999999999999999999 Jan 2030 00:00:00 GMT", None),
        ("٣", None),
    ],
)
@time_machine.travel(NOW, tick=False)
def test_it_is_seconds_or_a_date(text: str | None, seconds: float | None) -> None:
    assert seconds_to_wait(text) == seconds


@given(st.text())
def test_whatever_a_service_writes_is_a_time_or_nothing(text: str) -> None:
    seconds = seconds_to_wait(text)

    assert seconds is None or seconds >= 0


@pytest.mark.parametrize("status", [429, 503])
def test_a_token_endpoint_that_asks_to_wait_is_waited_for(status: int) -> None:
    auth = OAuth2ClientCredentials(
        token_url="https://auth.example.com/token", client_id="ann", client_secret="s", store=MemoryTokenStore()
    )
    flow = auth.token_flow()
    next(flow)

    with pytest.raises(AuthenticationError) as caught:
        flow.send(HttpResponse(status, (("Retry-After", "17"),), b""))

    assert (caught.value.retryable, caught.value.retry_after) == (True, 17.0)
