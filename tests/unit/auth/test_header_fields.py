"""What no scheme takes: names and secrets that would break the request, or be sent as something else."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_cloudfn.auth.api_key import ApiKeyAuth
from airflow_provider_cloudfn.auth.basic import BasicAuth
from airflow_provider_cloudfn.auth.bearer import BearerAuth
from airflow_provider_cloudfn.auth.header_fields import PROTOCOL_HEADERS, is_token
from airflow_provider_cloudfn.auth.hmac_signature import HmacSignatureAuth
from airflow_provider_cloudfn.exceptions import ConfigurationError

SECRET = "s3cret-value"


@pytest.mark.parametrize("name", ["", "x api key", "x-api-key: abc", "x-ü", "x-api-key\n", "x\r\ny: z"])
def test_what_is_no_name_of_a_header_is_refused(name: str) -> None:
    for make in (lambda: ApiKeyAuth(name, SECRET), lambda: HmacSignatureAuth(SECRET, name)):
        with pytest.raises(ConfigurationError, match="is no name of a header"):
            make()


@pytest.mark.parametrize(
    "name", [*sorted(PROTOCOL_HEADERS - {"authorization"}), "Host", "Content-Length", "Content-Type"]
)
def test_a_header_of_the_protocol_carries_no_credentials(name: str) -> None:
    with pytest.raises(ConfigurationError, match="a header that HTTP itself sets"):
        ApiKeyAuth(name, SECRET)


def test_a_key_may_stand_in_authorization() -> None:
    assert ApiKeyAuth("Authorization", SECRET).reserved_headers == {"authorization"}


@pytest.mark.parametrize(
    "secret", ["", SECRET + "\n", " " + SECRET, SECRET + "\r\nX-Evil: 1", "\0" + SECRET, "\x7f", SECRET + "\u0141"]
)
def test_a_secret_that_was_copied_badly_is_refused_and_not_shown(secret: str) -> None:
    for make in (lambda: ApiKeyAuth("x-api-key", secret), lambda: BearerAuth(secret)):
        with pytest.raises(ConfigurationError, match=r"copy it once more|is empty") as caught:
            make()
        assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ApiKeyAuth("key", SECRET, "body"), "'body' is neither 'header' nor 'query'"),  # type: ignore[arg-type]  # on purpose
        (lambda: ApiKeyAuth("", SECRET, "query"), "needs a name and a value"),
        (lambda: ApiKeyAuth("key", "", "query"), "needs a name and a value"),
        (lambda: BasicAuth("ann:bob", SECRET), "has a colon"),
        (lambda: BasicAuth("ann\n", SECRET), "control character"),
        (lambda: BasicAuth("ann", SECRET + "\n"), "control character"),
        (lambda: HmacSignatureAuth(SECRET, "x-sig", "shake_128"), "no hash function 'shake_128'"),
        (lambda: HmacSignatureAuth(SECRET, "x-sig", "rot13"), "no hash function 'rot13'"),
        (lambda: HmacSignatureAuth(SECRET, "x-sig", encoding="utf-8"), "neither 'base64' nor 'hex'"),  # type: ignore[arg-type]  # on purpose
        (lambda: HmacSignatureAuth("", "x-sig"), "is empty"),
    ],
)
def test_what_a_scheme_cannot_work_with_is_refused(make: Any, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message) as caught:
        make()

    assert SECRET not in str(caught.value)


@given(st.text(max_size=20))
def test_a_token_is_one_word_of_ascii(text: str) -> None:
    if is_token(text):
        assert text.isascii()
        assert text.isprintable()
        assert not set(text) & set(' ,:;"()/[]{}<>=?@\\')
