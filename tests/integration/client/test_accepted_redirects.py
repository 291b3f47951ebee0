"""A redirect is followed, unless whoever asked takes it as the answer."""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import urlsplit

import pytest

from airflow_provider_cloudfn import CloudFunctionOperator
from airflow_provider_cloudfn.client.request import Request, Sending
from airflow_provider_cloudfn.exceptions import CommunicationError, ResponseError
from airflow_provider_cloudfn.testing import Answer, run

ELSEWHERE = "https://bucket.example.com/o?X-Signature=abc"


def redirecting(status: int, location: str) -> Any:
    async def script(wire: Any) -> None:
        while True:
            request = await wire.request()
            if request.startswith((b"GET /v1 ", b"POST /v1 ")):
                await wire.answer(b"moved", f"Location: {location}", status=f"{status} Moved")
            else:
                await wire.answer(b"behind it")

    return script


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("location", ["/v2", ELSEWHERE])
def test_one_that_is_accepted_is_the_answer(
    server_of: Any, client_of: Any, status: int, method: str, location: str
) -> None:
    seen: list[Any] = []

    def accepts(redirect: Any) -> bool:
        seen.append(redirect)
        return True

    async def call() -> Any:
        async with server_of(redirecting(status, location)) as server:
            sending = Sending(check_status=False, accepts=accepts)
            return await client_of(server).request(Request(method, "/v1"), sending), server.exchange.received

    answer, received = asyncio.run(call())

    assert (answer.status, answer.headers["location"], answer.text) == (status, location, "moved")
    assert [(one.status, one.headers["location"]) for one in seen] == [(status, location)]
    assert len(received) == 1


def test_one_that_is_not_accepted_is_followed(server_of: Any, client_of: Any) -> None:
    async def call() -> Any:
        async with server_of(redirecting(302, "/v2")) as server:
            return await client_of(server).request(Request("GET", "/v1"), Sending(accepts=lambda _: False))

    assert asyncio.run(call()).content == b"behind it"


def test_an_answer_that_is_no_redirect_is_not_asked_about(server_of: Any, client_of: Any) -> None:
    def accepts(_: Any) -> bool:
        raise AssertionError("asked about what is no redirect")

    async def call() -> Any:
        async with server_of(redirecting(302, "/v2")) as server:
            return await client_of(server).request(Request("GET", "/v2"), Sending(accepts=accepts))

    assert asyncio.run(call()).status == 200


FOUND = Answer(302, {"Location": ELSEWHERE}, "moved")


def outcome(answers: Any, **parameters: Any) -> Any:
    return run(CloudFunctionOperator(task_id="call", uri='"/v1"', **parameters), responses=answers)


@pytest.mark.parametrize(
    "success_when",
    [
        "response.status == 302",
        "response.status in [302, 307]",
        "response.status in [200, 302]",
        "response.status == 200 || response.status == 302",
        'response.headers["location"].startsWith("https://bucket.")',
        'response.status == 302 && response.body == "moved"',
        'response.status == 302 && response.text == "moved"',
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_step_takes_it_where_success_when_means_it(success_when: str, method: str) -> None:
    result = outcome([FOUND], method=method, success_when=success_when, returns='response.headers["location"]')

    assert (result.error, result.returned) == (None, ELSEWHERE)


@pytest.mark.parametrize(
    "success_when",
    ["true", "response.status < 400", "response.status != 404", "response.status == 200", "response.body.ok"],
)
def test_a_step_follows_it_where_success_when_is_about_what_is_behind_it(success_when: str) -> None:
    answers = [Answer(302, {"Location": "/v2"}), Answer(200, {}, {"ok": True})]

    result = outcome(answers, success_when=success_when)

    assert (result.error, result.returned) == (None, {"ok": True})
    assert len(result.requests) == 2


@pytest.mark.parametrize("location", ["http://{host}/v1/", "http://{host}:80/v1/", "http://{host}:443/v1/"])
def test_a_redirect_of_a_service_behind_what_ends_tls_is_followed_by_tls(location: str) -> None:
    host = urlsplit(outcome([Answer(200, {}, {})]).requests[0].url).netloc

    result = outcome([Answer(307, {"Location": location.format(host=host)}), Answer(200, {}, {"ok": True})])

    assert (result.error, result.returned) == (None, {"ok": True})
    assert [request.url for request in result.requests][1:] == [f"https://{host}/v1/"]


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_a_redirect_to_another_host_names_the_place_without_what_signs_it(method: str) -> None:
    answer = Answer(301, {"Location": "https://files.example.com/v2/orders?X-Amz-Signature=abc"})

    said = str(outcome([answer], method=method).error)

    assert "(https://files.example.com:443/v2/orders)" in said
    assert "or take the redirect as the answer with success_when='response.status == 301'" in said
    assert "abc" not in said


def test_a_redirect_to_the_same_page_without_tls_is_not() -> None:
    asked = outcome([Answer(200, {}, {})]).requests[0].url

    result = outcome([Answer(301, {"Location": asked.replace("https://", "http://")})])

    assert type(result.error) is CommunicationError
    assert "was redirected to another host (http://" in str(result.error)
    assert len(result.requests) == 1


@pytest.mark.parametrize(("method", "error"), [("GET", CommunicationError), ("POST", CommunicationError)])
def test_without_it_a_redirect_elsewhere_is_an_error_that_names_where_it_points(method: str, error: type) -> None:
    result = outcome([FOUND], method=method)

    assert type(result.error) is error
    assert "https://bucket.example.com:443" in str(result.error)
    assert "abc" not in str(result.error)


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("status", [301, 302])
def test_what_changes_something_is_not_sent_on_and_the_error_says_how_to_take_the_answer(
    method: str, status: int
) -> None:
    result = outcome([Answer(status, {"Location": "/v2?key=abc"})], method=method)

    assert type(result.error) is ResponseError
    assert f"success_when='response.status == {status}'" in str(result.error)
    assert "/v2" in str(result.error)
    assert "abc" not in str(result.error)
