"""What each scheme without a dialogue puts on a request, and that it shows none of it."""

from __future__ import annotations

import base64
import hmac
import pickle
from dataclasses import dataclass
from typing import Any

import pytest
import time_machine

from airflow_provider_cloudfn.auth.api_key import ApiKeyAuth
from airflow_provider_cloudfn.auth.basic import BasicAuth
from airflow_provider_cloudfn.auth.bearer import BearerAuth
from airflow_provider_cloudfn.auth.client_authentication import OAuth2Client
from airflow_provider_cloudfn.auth.hmac_signature import HmacSignatureAuth
from airflow_provider_cloudfn.auth.message import HttpRequest, HttpResponse
from airflow_provider_cloudfn.auth.oauth2 import OAuth2ClientCredentials
from airflow_provider_cloudfn.auth.scheme import Auth, NoAuth
from airflow_provider_cloudfn.auth.sigv4 import SigV4Auth
from airflow_provider_cloudfn.exceptions import ConfigurationError

SECRET = "s3cr3t-välue"
REQUEST = HttpRequest("GET", "https://api.example.com/v1/orders?a=1", (("X-Api-Key", "mine"), ("Accept", "*/*")))


@dataclass(frozen=True)
class Keys:
    access_key: str = "AKIAIOSFODNN7EXAMPLE"
    secret_key: str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
    token: str | None = None


SCHEMES: list[Auth] = [
    NoAuth(),
    ApiKeyAuth("X-Api-Key", SECRET),
    ApiKeyAuth("key", SECRET, "query"),
    BasicAuth("ann", SECRET),
    BearerAuth(SECRET),
    HmacSignatureAuth(SECRET, "X-Signature"),
    OAuth2ClientCredentials(
        OAuth2Client(token_url="https://auth.example.com/token", client_id="ann", client_secret=SECRET)
    ),
    SigV4Auth(lambda: Keys(secret_key=SECRET), "connect", "eu-central-1"),
]


@pytest.mark.parametrize(
    ("auth", "changed"),
    [
        (NoAuth(), {}),
        (ApiKeyAuth("x-api-key", "k1"), {"headers": (("Accept", "*/*"), ("x-api-key", "k1"))}),
        (ApiKeyAuth("key", "k 1", "query"), {"url": "https://api.example.com/v1/orders?a=1&key=k%201"}),
        (BearerAuth("t1"), {"headers": (*REQUEST.headers, ("Authorization", "Bearer t1"))}),
        # RFC 7617, section 2 and 2.1
        (
            BasicAuth("Aladdin", "open sesame"),
            {"headers": (*REQUEST.headers, ("Authorization", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="))},
        ),
        (BasicAuth("test", "123£"), {"headers": (*REQUEST.headers, ("Authorization", "Basic dGVzdDoxMjPCow=="))}),
    ],
    ids=["none", "header", "query", "bearer", "basic", "basic-utf8"],
)
def test_a_scheme_changes_a_request_in_its_own_place_only(auth: Auth, changed: dict[str, Any]) -> None:
    flow = auth.flow(REQUEST)
    sent = next(flow)

    expected = {"url": REQUEST.url, "headers": REQUEST.headers, **changed}
    assert (sent.method, sent.url, sent.headers, sent.body) == ("GET", expected["url"], expected["headers"], b"")
    with pytest.raises(StopIteration):
        flow.send(HttpResponse(401))


@pytest.mark.parametrize(
    ("secret", "body", "expected"),
    [
        ("secret", "data", "GywWt1vSqHDBFBU8zaW8/KYzFLxyL6Fg1pDeEzzLuds="),
        ("test-secret", '{"orderId":"EON1075"}', "aBlS7L9NzAwdI+nEGsO07Njb1lSBYggtQXymh/QH644="),
        ("test-secret", "{}", "L1kEC2O3IAWYREI52iyaTzq8XENCWbIxJtclFNq4zQk="),
        ("test-secret", "", "pBvG2B1kE1dq4JlJleCtiaQW7Jc4lRXDYE9HciEi7us="),
        ("test-secret", '{"name":"Müller","emoji":"☕"}', "+r6HxRLmli7Vj3SB4YSKR2RDaXSyZfMZHfca1T8otjk="),
    ],
)
def test_the_signature_is_a_keyed_hash_over_the_bytes_of_the_body(secret: str, body: str, expected: str) -> None:
    auth = HmacSignatureAuth(secret, "x-emporix-hmac")

    assert next(auth.flow(HttpRequest("POST", "https://h", body=body.encode()))).header("x-emporix-hmac") == expected


def test_a_signature_can_be_hexadecimal() -> None:
    # RFC 4231, test case 2, with SHA-256
    expected = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"

    assert HmacSignatureAuth("Jefe", "x", encoding="hex").sign(b"what do ya want for nothing?") == expected


def test_a_hash_function_that_python_lacks_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="no hash function 'sha257'"):
        HmacSignatureAuth("k", "x", algorithm="sha257")


def test_an_aws_signature_is_the_one_that_two_implementations_agree_on() -> None:
    auth = SigV4Auth(Keys, "connect", "eu-central-1")
    request = HttpRequest(
        "PUT",
        "https://connect.eu-central-1.amazonaws.com/contact/task",
        (("Content-Type", "application/json"),),
        b'{"InstanceId":"11111111-2222-3333-4444-555555555555","Name":"demo"}',
    )
    with time_machine.travel("2025-01-01T00:00:00Z", tick=False):
        sent = next(auth.flow(request))

    assert sent.header("x-amz-date") == "20250101T000000Z"
    assert sent.header("authorization") == (
        "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20250101/eu-central-1/connect/aws4_request, "
        "SignedHeaders=content-type;host;x-amz-date, "
        "Signature=144e731df4f75cedf3c8dabe9a555c66a2ccb7a3e26acceca9dbb57a4eacea7b"
    )


@pytest.mark.parametrize(("value", "is_signed"), [("Muller", True), ("M\xfcller", False)])
def test_a_header_that_goes_in_latin_1_is_not_signed_as_utf_8(value: str, is_signed: bool) -> None:
    request = HttpRequest("GET", "https://h.amazonaws.com/a", (("X-Name", value),))
    sent = next(SigV4Auth(Keys, "es", "eu-central-1").flow(request))

    assert sent.header("X-Name") == value
    assert ("x-name" in (sent.header("authorization") or "")) is is_signed


def test_an_aws_session_token_is_sent_and_is_a_secret() -> None:
    auth = SigV4Auth(lambda: Keys(token="session-token"), "connect", "eu-central-1")

    assert next(auth.flow(REQUEST)).header("x-amz-security-token") == "session-token"
    assert set(auth.secrets()) == {Keys().secret_key, "session-token"}


@pytest.mark.parametrize(
    ("path", "canonical"),
    [
        ("/plain/a.json", "/plain/a.json"),
        ("/a%20b/%C3%BC.txt", "/a%20b/%C3%BC.txt"),
        ("/day=1/a@b(1)+c:d.csv", "/day%3D1/a%40b%281%29%2Bc%3Ad.csv"),
        ("/a%2Fb%2bc", "/a/b%2Bc"),
        ("/latin-%E9", "/latin-%E9"),
        ("/a%2F..%2Fb//c", "/a/../b//c"),
    ],
)
def test_s3_takes_the_path_decoded_once_and_encoded_once(path: str, canonical: str) -> None:
    url = "https://b.s3.amazonaws.com"
    with time_machine.travel("2025-01-01T00:00:00Z", tick=False):
        sent = next(SigV4Auth(Keys, "s3", "eu-central-1").flow(HttpRequest("GET", url + path)))
        alike = next(SigV4Auth(Keys, "s3", "eu-central-1").flow(HttpRequest("GET", url + canonical)))

    assert sent.url == url + (path if ".." in path else canonical)
    assert sent.header("authorization") == alike.header("authorization")


@pytest.mark.parametrize("service", ["s3", "s3-object-lambda", "s3express", "aoss", "glacier"])
def test_services_that_ask_for_it_get_the_hash_of_the_body_in_a_signed_header(service: str) -> None:
    sent = next(
        SigV4Auth(Keys, service, "eu-central-1").flow(HttpRequest("PUT", "https://h.amazonaws.com/a", body=b"x"))
    )

    assert sent.header("x-amz-content-sha256") == "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"
    assert "x-amz-content-sha256" in (sent.header("authorization") or "")


def test_vpc_lattice_is_told_that_the_body_is_not_signed() -> None:
    auth = SigV4Auth(Keys, "vpc-lattice-svcs", "eu-central-1")
    with time_machine.travel("2025-01-01T00:00:00Z", tick=False):
        sent, other = (next(auth.flow(HttpRequest("PUT", "https://h.on.aws/a", body=body))) for body in (b"x", b"y"))

    assert sent.header("x-amz-content-sha256") == "UNSIGNED-PAYLOAD"
    assert "x-amz-content-sha256" in (sent.header("authorization") or "")
    assert sent.header("authorization") == other.header("authorization")


def test_other_services_get_none() -> None:
    sent = next(SigV4Auth(Keys, "es", "eu-central-1").flow(HttpRequest("PUT", "https://h.amazonaws.com/a", body=b"x")))

    assert sent.header("x-amz-content-sha256") is None


SIGNED_AT = "2025-01-01T00:00:00Z"


@pytest.mark.parametrize(
    ("settings", "signed", "headers"),
    [
        ({}, "{}", {"X-Sig": "<>"}),
        ({"written": "sha256={signature}"}, "{}", {"X-Sig": "sha256=<>"}),
        (
            {"written": "t={timestamp},v1={signature}", "signed": "{timestamp}.{body}"},
            "1735689600.{}",
            {"X-Sig": "t=1735689600,v1=<>"},
        ),
        (
            {"written": "v0={signature}", "signed": "v0:{timestamp}:{body}", "timestamp_header": "X-Time"},
            "v0:1735689600:{}",
            {"X-Sig": "v0=<>", "X-Time": "1735689600"},
        ),
    ],
    ids=["bare", "GitHub", "Stripe", "Slack"],
)
def test_a_signature_is_written_as_services_want_it(
    settings: dict[str, Any], signed: str, headers: dict[str, str]
) -> None:
    auth = HmacSignatureAuth("s3cret", "X-Sig", encoding="hex", **settings)
    signature = hmac.new(b"s3cret", signed.encode(), "sha256").hexdigest()

    with time_machine.travel(SIGNED_AT, tick=False):
        sent = next(auth.flow(HttpRequest("POST", "https://h/", body=b"{}")))

    assert dict(sent.headers) == {name: value.replace("<>", signature) for name, value in headers.items()}
    assert auth.reserved_headers == {name.lower() for name in headers}


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"written": "sha256="}, r"must have \{signature\} in it, once"),
        ({"written": "{signature}{signature}"}, r"must have \{signature\} in it, once"),
        ({"written": "{sig}"}, r"got \{sig\}; the blanks are \{signature\} and \{timestamp\}"),
        ({"signed": "{timestamp}"}, r"must have \{body\} in it, once"),
        ({"written": "ü{signature}"}, "no header can carry"),
        ({"timestamp_header": "Host"}, "a header that HTTP itself sets"),
    ],
)
def test_a_signature_that_nobody_could_check_is_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        HmacSignatureAuth("s3cret", "X-Sig", **settings)


def test_a_user_name_that_is_a_key_is_a_secret() -> None:
    auth = BasicAuth("sk_live_1", "")

    assert next(auth.flow(HttpRequest("GET", "https://h/"))).header("authorization") == "Basic c2tfbGl2ZV8xOg=="
    assert "sk_live_1" in set(auth.secrets())


@pytest.mark.parametrize(
    ("auth", "headers", "query"),
    [
        (NoAuth(), set(), set()),
        (ApiKeyAuth("X-Api-Key", "k"), {"x-api-key"}, set()),
        (ApiKeyAuth("Key", "k", "query"), set(), {"Key"}),
        (BasicAuth("u", "p"), {"authorization"}, set()),
        (BearerAuth("t"), {"authorization"}, set()),
        (HmacSignatureAuth("s", "X-Sig"), {"x-sig"}, set()),
    ],
)
def test_a_scheme_names_what_it_owns(auth: Auth, headers: set[str], query: set[str]) -> None:
    assert (auth.reserved_headers, auth.reserved_query) == (headers, query)


@pytest.mark.parametrize("auth", SCHEMES, ids=repr)
def test_the_repr_of_a_scheme_shows_no_secret(auth: Auth) -> None:
    assert repr(auth) == f"<{type(auth).__name__}>"


@pytest.mark.parametrize(
    "auth", [scheme for scheme in SCHEMES if not isinstance(scheme, (NoAuth, SigV4Auth))], ids=repr
)
def test_a_scheme_tells_its_secrets_before_it_is_used(auth: Auth) -> None:
    assert SECRET in set(auth.secrets())


def test_what_basic_makes_of_the_password_is_a_secret_too() -> None:
    assert base64.b64encode(f"ann:{SECRET}".encode()).decode() in set(BasicAuth("ann", SECRET).secrets())


def test_a_message_can_cross_processes() -> None:
    assert pickle.loads(pickle.dumps(REQUEST)) == REQUEST


@pytest.mark.parametrize(
    ("query", "sent"),
    [
        ("a+b=c+d&e=%2B", "a%20b=c%20d&e=%2B"),
        # Pairs that are none, which one counts and another does not.
        ("a=1&&b=2&", "a=1&b=2"),
        ("acl&b=", "acl&b="),
    ],
)
def test_a_query_is_sent_as_aws_reads_it(query: str, sent: str) -> None:
    auth = SigV4Auth(Keys, "execute-api", "eu-central-1")

    signed = next(auth.flow(HttpRequest("GET", f"https://api.example.com/x?{query}")))

    assert signed.url == f"https://api.example.com/x?{sent}"


def test_bytes_of_a_query_that_are_no_utf_8_stay_themselves_for_aws() -> None:
    auth = SigV4Auth(Keys, "execute-api", "eu-central-1")

    signed = next(auth.flow(HttpRequest("GET", "https://api.example.com/x?a%ff=%E4+")))

    assert signed.url == "https://api.example.com/x?a%FF=%E4%20"
