from __future__ import annotations

import threading

import pytest
from joserfc.jwk import ECKey, KeySet
from kit.server import Answer, LoopbackServer

from airflow_provider_cloudfn.exceptions import CloudFunctionError, CommunicationError
from airflow_provider_cloudfn.webhooks.refused import RefusedError
from airflow_provider_cloudfn.webhooks.schemes.jwt import SignedToken
from airflow_provider_cloudfn.webhooks.schemes.key_set import KeySetAt, fetch_key_set

URL = "https://issuer.example.com/keys"


def key_set(*kids: str) -> KeySet:
    return KeySet([ECKey.generate_key("P-256", {"kid": kid}, private=False) for kid in kids])


class Issuer:
    """An issuer whose keys change, and a clock that stands still."""

    def __init__(self, *answers: KeySet | Exception) -> None:
        self.answers = list(answers)
        self.asked = 0
        self.seconds = 0.0
        self.keys = KeySetAt(URL, self.fetch, lambda: self.seconds)

    def fetch(self, url: str) -> KeySet:
        assert url == URL
        self.asked += 1
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    def refusal(self, kid: str | None) -> tuple[int, str, float | None]:
        with pytest.raises(RefusedError) as refused:
            self.keys.key(kid)
        return refused.value.status, refused.value.reason, refused.value.retry_after


UNREACHABLE = CommunicationError("the issuer can't be reached")


def test_keys_are_fetched_once_and_kept() -> None:
    issuer = Issuer(key_set("a", "b"))

    assert [issuer.keys.key(kid).kid for kid in ("a", "b", "a")] == ["a", "b", "a"]
    assert issuer.asked == 1


def test_an_unknown_key_makes_it_ask_again_once_a_minute() -> None:
    issuer = Issuer(key_set("a"), key_set("a", "b"))
    assert issuer.keys.key("a")

    assert issuer.refusal("b") == (401, "credentials_wrong", None)
    assert issuer.asked == 1
    issuer.seconds = 61.0
    assert issuer.keys.key("b").kid == "b"
    for made_up in range(50):
        assert issuer.refusal(f"made-up-{made_up}")[0] == 401
    assert issuer.asked == 2


def test_a_key_that_was_withdrawn_holds_for_an_hour_at_most() -> None:
    issuer = Issuer(key_set("a"), key_set("b"))
    assert issuer.keys.key("a")

    issuer.seconds = 3_600.0
    assert issuer.refusal("a") == (401, "credentials_wrong", None)


def test_while_the_issuer_is_away_the_keys_that_there_are_hold() -> None:
    issuer = Issuer(key_set("a"), UNREACHABLE)
    assert issuer.keys.key("a")

    issuer.seconds = 7_200.0
    assert issuer.keys.key("a").kid == "a"


@pytest.mark.parametrize("failure", [UNREACHABLE, ValueError("no key set")])
def test_without_any_key_the_sender_is_told_to_come_back(failure: Exception) -> None:
    issuer = Issuer(failure)

    assert issuer.refusal("a") == (503, "keys_unavailable", 60.0)
    assert issuer.refusal("a") == (503, "keys_unavailable", 60.0)
    assert issuer.asked == 1


def test_one_key_needs_no_id() -> None:
    assert Issuer(key_set("a")).keys.key(None).kid == "a"
    assert Issuer(key_set("a", "b")).refusal(None)[0] == 401


def test_nobody_waits_for_a_thread_that_asks_while_there_are_keys() -> None:
    asking, go_on = threading.Event(), threading.Event()
    first, second = key_set("a"), key_set("a", "b")
    answers = [first, second]

    def fetch(_url: str) -> KeySet:
        if len(answers) == 1:
            asking.set()
            assert go_on.wait(10)
        return answers.pop(0)

    seconds = [0.0]
    keys = KeySetAt(URL, fetch, lambda: seconds[0])
    keys.key("a")
    seconds[0] = 61.0
    found: list[str | None] = []
    thread = threading.Thread(target=lambda: found.append(keys.key("b").kid))
    thread.start()
    assert asking.wait(10)

    assert keys.key("a").kid == "a"
    with pytest.raises(RefusedError):
        keys.key("b")
    go_on.set()
    thread.join(10)

    assert found == ["b"]


def test_keys_are_fetched_over_http() -> None:
    published = key_set("a")
    with LoopbackServer() as server:
        server.answers = [Answer.of(200, published.as_dict())]
        assert [key.kid for key in fetch_key_set(f"{server.url}/realms/x/certs?v=1")] == ["a"]

        assert [request.target for request in server.received] == ["/realms/x/certs?v=1"]


@pytest.mark.parametrize(
    "other",
    [
        {"kty": "AKP", "alg": "ML-DSA-44", "pub": "xx", "kid": "other"},
        {"kty": "EC", "crv": "BP-256", "x": "AA", "y": "AA", "kid": "other"},
        {"kty": "RSA", "n": "no base64!", "e": "AQAB", "kid": "other"},
        {"kty": "RSA", "n": "AQAB", "e": "AQAB", "kid": "other"},
        {"kid": "other"},
        {"kty": "EC", "crv": "P-256", "kid": 7},
        "no key",
        None,
    ],
    ids=str,
)
def test_a_key_that_nobody_here_knows_takes_no_other_along(other: object) -> None:
    with LoopbackServer() as server:
        server.answers = [Answer.of(200, {"keys": [other, *key_set("a").as_dict()["keys"]]})]

        assert [key.kid for key in fetch_key_set(f"{server.url}/certs")] == ["a"]


@pytest.mark.parametrize(
    "answer",
    [
        Answer.of(404),
        Answer.of(200, {"keys": []}),
        Answer.of(200, {"keys": [{}]}),
        Answer.of(200, {"keys": 5}),
        Answer.of(200, [1]),
        Answer.of(200, b"{"),
    ],
)
def test_what_is_no_key_set_is_an_error(answer: Answer) -> None:
    with LoopbackServer() as server:
        server.answers = [answer]
        with pytest.raises((CloudFunctionError, ValueError)):
            fetch_key_set(f"{server.url}/certs")


@pytest.mark.parametrize(
    "answer", [Answer.of(404), Answer.of(200, [1]), Answer.of(302), Answer.of(200, b"x" * 600_000)]
)
def test_a_secret_in_the_address_is_told_nowhere(
    answer: Answer, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level("DEBUG")
    with LoopbackServer() as server:
        server.answers = [answer]
        address = f"{server.url}/certs?api_key=a-secret%2Bvalue&policy=sign-in"
        with pytest.raises(RefusedError):
            KeySetAt(address).key("a")
        assert "a-secret%2Bvalue" in server.received[0].target

    scheme = SignedToken(issuer="i", audience="a", key_set_url=address)
    assert "a-secret+value" in scheme.hidden_values()
    assert "a-secret" not in f"{caplog.text}{capfd.readouterr()}{scheme!r}"
    assert "/certs" in caplog.text
