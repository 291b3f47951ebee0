"""What is a secret by its name or its form, and that looking for it takes time in proportion to the text."""

from __future__ import annotations

import time

import pytest

from airflow_provider_cloudfn.auth.credential_names import (
    holds_secret,
    is_secret_name,
    is_secret_path,
    query_secrets,
    secret_members,
)


@pytest.mark.parametrize(
    "text",
    [
        "password=a", "a=password=b", "{'api_key': 'a'}", '{"token":"a"', '\\"clientSecret\\": \\"a\\"', "user[password]=a",
        "%70assword=a", "%22token%22%3A%22a%22", "<Password>a</Password>", '<w:Password Type="x">a</w:Password>',
        "Server=a;Password=b", "login(password: \"a\")",
    ],
)  # fmt: skip
def test_a_text_that_names_a_secret_holds_one(text: str) -> None:
    assert holds_secret(text)


@pytest.mark.parametrize("text", ["", "a: b", "password", "password=", "max_tokens=1", '<a href="x">b</a>', "100 %"])
def test_another_text_holds_none(text: str) -> None:
    assert not holds_secret(text)


@pytest.mark.parametrize(
    ("name", "is_secret"),
    [
        ("X-Hub-Signature-256", True),
        ("x-signature-sha256", True),
        ("access_token_2", True),
        ("Set-Cookie2", True),
        ("tokenV1", True),
        ("2", False),
        ("sha256", False),
        ("page_2", False),
        ("max_tokens_2", False),
    ],
)
def test_a_number_behind_a_name_changes_nothing(name: str, is_secret: bool) -> None:
    assert is_secret_name(name, "header") == is_secret


@pytest.mark.parametrize(
    ("path", "is_secret"),
    [
        ("/hooks/4f6eb2a09c3d4f6eb2", True),
        ("/token/4f6eb2a09c3d4f6eb2/x", True),
        ("/bot123:abc/getMe", True),
        ("/v1/ghp_0123456789012345678901234567", True),
        ("/v1/keys/4f6eb2a09c3d4f6eb2", False),
        ("/hooks/12345678901234567", False),
        ("/webhook/we_1Mr5jULkdIwHu7ix1ib", False),
        ("/oauth/token", False),
    ],
)
def test_a_path_can_be_a_secret(path: str, is_secret: bool) -> None:
    assert is_secret_path(path) == is_secret


@pytest.mark.parametrize(
    ("members", "secrets"),
    [
        ({"a": "b", "password": "c"}, {"password"}),
        ({"name": "X-Api-Key", "value": "a"}, {"value"}),
        ({"Key": "db_password", "Value": "a"}, {"Value"}),
        ({"name": "color", "value": "red"}, set()),
        ({"name": 1, "value": "red"}, set()),
        ({"grant_type": "authorization_code", "code": "a"}, {"code"}),
        ({"code": "a"}, set()),
    ],
)
def test_members_of_an_object_are_secrets_by_their_own_and_by_their_neighbours_names(
    members: dict[str, object], secrets: set[str]
) -> None:
    assert secret_members(members) == secrets


@pytest.mark.parametrize("part", ["a", "a.", "eyJ", "eyJ-", 'a"', "a=", "<a ", " ", "%", "max", "pwd", "bearer "])
def test_looking_at_a_long_text_takes_time_in_proportion_to_it(part: str) -> None:
    text = f"x{part * (200_000 // len(part))}"
    started = time.process_time()

    holds_secret(text)
    is_secret_name(text, "body")
    is_secret_path(f"/{text}")

    assert time.process_time() - started < 5  # with a quadratic search it takes minutes


@pytest.mark.parametrize(
    ("url", "secrets"),
    [
        ("https://a.example/token?api_key=a%2Bb&policy=sign-in", {"a+b", "a%2Bb"}),
        ("/health?sig=a+b/c=#code=x", {"a+b/c=", "a b/c="}),
        ("/health?policy=sk_live_abcdef", {"sk_live_abcdef"}),
        ("/health?deep=1", set()),
        ("/health?api_key=", set()),
        (None, set()),
    ],
)
def test_a_secret_in_a_query_is_hidden_as_it_is_written_and_as_it_is_meant(url: str | None, secrets: set[str]) -> None:
    assert set(query_secrets(url)) == secrets
