"""Tokens that only this Airflow can make, each good for one purpose."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from airflow_provider_cloudfn.events.signature import CallbackAddress, _signed, require_triggerer, triggerer_token
from airflow_provider_cloudfn.exceptions import AuthenticationError, ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

ADDRESS = CallbackAddress("d", "manual__2026", "group.call", 3, 2, 2_000_000_000)


@pytest.fixture(autouse=True)
def secret(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    def use(text: str) -> None:
        monkeypatch.setenv("AIRFLOW__API__SECRET_KEY", text)

    use("one of this Airflow")
    return use


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.builds(CallbackAddress, st.text(), st.text(), st.text(), st.integers(-1, 9), st.integers(0, 9), st.integers(0))
)
def test_an_address_comes_back_as_it_was(address: CallbackAddress) -> None:
    assert CallbackAddress.of(address.token()) == address


def test_an_address_has_the_same_token_each_time() -> None:
    assert ADDRESS.token() == ADDRESS.token()


def test_every_changed_character_of_a_token_is_refused() -> None:
    token = ADDRESS.token()
    for place, character in enumerate(token[:-1]):
        other = "A" if character != "A" else "B"
        with pytest.raises(AuthenticationError):
            CallbackAddress.of(token[:place] + other + token[place + 1 :])


@pytest.mark.parametrize(
    "token",
    [
        *("", "a", "a.b.c", "é.é.é", "a.b.c.d.e"),
        "eyJhbGciOiJub25lIn0.eyJhdWQiOiJjbG91ZGZuLWNhbGxiYWNrIn0.",
        # {"alg": "HS256", "crit": 5}, and {"alg": ["HS256"]}.
        *("eyJhbGciOiAiSFMyNTYiLCAiY3JpdCI6IDV9.e30.eA", "eyJhbGciOiBbIkhTMjU2Il19.e30.eA"),
    ],
)
def test_what_is_no_token_is_refused(token: str) -> None:
    with pytest.raises(AuthenticationError):
        CallbackAddress.of(token)
    with pytest.raises(AuthenticationError):
        require_triggerer(token)


@pytest.mark.parametrize(
    "claims", [{}, {"dag_id": 5, "run_id": None, "map_index": "x", "deadline": "z"}, {"exp": "later"}]
)
def test_a_token_that_another_version_has_signed_is_refused(claims: dict[str, Any]) -> None:
    with pytest.raises(AuthenticationError):
        CallbackAddress.of(_signed({"aud": "cloudfn-callback", **claims}))
    with pytest.raises(AuthenticationError):
        require_triggerer(_signed({"aud": "cloudfn-triggerer", **claims}))


def test_a_token_of_another_airflow_is_refused(secret: Callable[[str], None]) -> None:
    token = ADDRESS.token()
    secret("another Airflow's")

    with pytest.raises(AuthenticationError):
        CallbackAddress.of(token)


def test_a_token_is_good_for_its_purpose_only() -> None:
    require_triggerer(triggerer_token())
    with pytest.raises(AuthenticationError):
        require_triggerer(ADDRESS.token())
    with pytest.raises(AuthenticationError):
        CallbackAddress.of(triggerer_token())


def test_a_triggerer_s_token_holds_for_a_minute_or_two(monkeypatch: pytest.MonkeyPatch) -> None:
    token, now = triggerer_token(), time.time()
    monkeypatch.setattr(time, "time", lambda: now + 120)

    with pytest.raises(AuthenticationError, match="old"):
        require_triggerer(token)


@pytest.mark.parametrize(("left", "late"), [(60, False), (-600, True)])
def test_an_address_knows_that_its_time_is_over(left: float, late: bool) -> None:
    assert CallbackAddress("d", "r", "t", -1, 0, int(time.time() + left)).is_late is late


@pytest.mark.parametrize("text", ["", "{SECRET_KEY}"])
def test_without_a_secret_nothing_is_signed(secret: Callable[[str], None], text: str) -> None:
    """Where nobody has set it, Airflow's SDK reads what stands in the default configuration: everybody knows that."""
    secret(text)

    with pytest.raises(ConfigurationError, match="secret_key is not set"):
        ADDRESS.token()


def test_what_airflow_reads_where_nobody_has_set_it_is_known_here(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "airflow.cfg").write_text("[core]\n")
    environ = {**os.environ, "AIRFLOW_HOME": str(tmp_path)}
    del environ["AIRFLOW__API__SECRET_KEY"]
    asked = "from airflow_provider_cloudfn.events.signature import triggerer_token; triggerer_token()"

    ended = subprocess.run([sys.executable, "-c", asked], env=environ, capture_output=True, text=True, check=False)

    assert "[api] secret_key is not set" in ended.stderr


def test_the_key_is_good_for_nothing_else_that_airflow_signs() -> None:
    from joserfc import jwt
    from joserfc.jwk import OctKey

    claims = {"aud": "cloudfn-triggerer", "exp": int(time.time()) + 60}
    forged = jwt.encode({"alg": "HS256"}, claims, OctKey.import_key(b"one of this Airflow"))

    with pytest.raises(AuthenticationError):
        require_triggerer(forged)
