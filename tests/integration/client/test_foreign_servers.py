"""Servers that nobody here wrote: httpbin, an OAuth 2.0 server of Authlib's framework, and moto for AWS."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import pytest
from authlib.integrations.flask_oauth2 import AuthorizationServer, ResourceProtector
from authlib.oauth2.rfc6749 import ClientMixin, grants
from authlib.oauth2.rfc6750 import BearerTokenValidator
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from flask import Flask, jsonify
from packaging.version import Version
from werkzeug.serving import make_server

from airflow_provider_cloudfn.auth.basic import BasicAuth
from airflow_provider_cloudfn.auth.bearer import BearerAuth
from airflow_provider_cloudfn.auth.client_authentication import OAuth2Client
from airflow_provider_cloudfn.auth.oauth2 import OAuth2ClientCredentials
from airflow_provider_cloudfn.auth.sigv4 import SigV4Auth
from airflow_provider_cloudfn.auth.token_store import MemoryTokenStore
from airflow_provider_cloudfn.client.body import FilePart, Form, Json, Raw
from airflow_provider_cloudfn.client.client import Client
from airflow_provider_cloudfn.client.request import Request
from airflow_provider_cloudfn.client.retry import NO_RETRY
from airflow_provider_cloudfn.client.url import BaseUrl
from airflow_provider_cloudfn.exceptions import AuthenticationError, CommunicationError, ResponseError

if TYPE_CHECKING:
    from collections.abc import Iterator

SECRET = "s3cret value/+%"


def served(app: Any) -> Iterator[str]:
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture(scope="module")
def httpbin() -> Iterator[str]:
    from httpbin import app

    yield from served(app)


class TestHttpbin:
    def test_a_query_arrives_as_it_was_given(self, httpbin: str) -> None:
        query = {"q": "a b&c=d+e/ü%20☕", "n": [1, 2], "empty": ""}
        response = Client(base_url=BaseUrl.parse(httpbin)).request_sync(Request("GET", "/get", query))

        assert response.body["args"] == {"q": "a b&c=d+e/ü%20☕", "n": ["1", "2"], "empty": ""}

    def test_json_arrives_as_it_was_given(self, httpbin: str) -> None:
        value = {"ü": [1.5, None, True], "deep": {"☕": 12345678901234567890}}

        request = Request("POST", "/post", body=Json(value))

        assert Client(base_url=BaseUrl.parse(httpbin)).request_sync(request).body["json"] == value

    def test_a_form_with_a_file_arrives_as_it_was_given(self, httpbin: str) -> None:
        form = Form({"a": "1 & ü"}, {"f": FilePart("x.txt", b"content", "text/plain")})
        body = Client(base_url=BaseUrl.parse(httpbin)).request_sync(Request("POST", "/post", body=form)).body

        assert (body["form"], body["files"]) == ({"a": "1 & ü"}, {"f": "content"})

    @pytest.mark.parametrize("path", ["/gzip", "/deflate", "/brotli"])
    def test_compressed_answers_are_read(self, httpbin: str, path: str) -> None:
        assert Client(base_url=BaseUrl.parse(httpbin)).request_sync(Request("GET", path)).body["method"] == "GET"

    def test_redirects_within_the_origin_are_followed(self, httpbin: str) -> None:
        assert (
            Client(base_url=BaseUrl.parse(httpbin)).request_sync(Request("GET", "/redirect/3")).url == f"{httpbin}/get"
        )

    def test_a_redirect_elsewhere_is_not(self, httpbin: str) -> None:
        with pytest.raises(CommunicationError, match="redirected to another host"):
            Client(base_url=BaseUrl.parse(httpbin)).request_sync(
                Request("GET", "/redirect-to", {"url": "http://example.com/"})
            )

    def test_basic_credentials_are_accepted(self, httpbin: str) -> None:
        assert (
            Client(base_url=BaseUrl.parse(httpbin), auth=BasicAuth("ann", "pw"))
            .request_sync(Request("GET", "/basic-auth/ann/pw"))
            .ok
        )

    def test_a_bearer_token_is_accepted(self, httpbin: str) -> None:
        assert (
            Client(base_url=BaseUrl.parse(httpbin), auth=BearerAuth("t1"))
            .request_sync(Request("GET", "/bearer"))
            .body["token"]
            == "t1"
        )

    def test_text_in_utf_8_is_text(self, httpbin: str) -> None:
        assert "∮" in Client(base_url=BaseUrl.parse(httpbin)).request_sync(Request("GET", "/encoding/utf8")).body

    def test_an_image_is_bytes(self, httpbin: str) -> None:
        assert (
            Client(base_url=BaseUrl.parse(httpbin))
            .request_sync(Request("GET", "/image/png"))
            .body.startswith(b"\x89PNG")
        )

    @pytest.mark.parametrize("status", [400, 404, 418, 500])
    def test_a_failure_is_an_error_with_its_status(self, httpbin: str, status: int) -> None:
        with pytest.raises(ResponseError) as raised:
            Client(base_url=BaseUrl.parse(httpbin), retry=NO_RETRY).request_sync(Request("GET", f"/status/{status}"))

        assert raised.value.status == status


@dataclass
class Registered(ClientMixin):  # type: ignore[misc]  # Authlib has no types
    """A client as the authorization server knows it."""

    method: str
    client_id: str = "ann"
    public_key: str = ""

    def check_client_secret(self, client_secret: str) -> bool:
        return client_secret == SECRET

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        return method == self.method

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type == "client_credentials"

    def get_allowed_scope(self, scope: str) -> str:
        return " ".join(part for part in scope.split() if part in ("read", "write"))


def oauth_app(registered: Registered) -> Flask:
    app = Flask("oauth")
    issued: dict[str, Any] = {}
    server = AuthorizationServer(
        app,
        query_client=lambda client_id: registered if client_id == registered.client_id else None,
        save_token=lambda token, request: issued.update({token["access_token"]: token}),
    )

    class ClientCredentials(grants.ClientCredentialsGrant):  # type: ignore[misc]  # Authlib has no types
        TOKEN_ENDPOINT_AUTH_METHODS = (registered.method,)

    server.register_grant(ClientCredentials)
    if registered.public_key:
        server.register_client_auth_method("private_key_jwt", assertion_of(registered))

    class Validator(BearerTokenValidator):  # type: ignore[misc]  # Authlib has no types
        def authenticate_token(self, token_string: str) -> Any:
            return Token(issued[token_string]) if token_string in issued else None

    protect = ResourceProtector()
    protect.register_token_validator(Validator())

    @app.post("/token")
    def token() -> Any:
        return server.create_token_response()

    @app.post("/revoke-all")
    def revoke_all() -> Any:
        issued.clear()
        return jsonify({})

    @app.get("/me")
    @protect("read")
    def me() -> Any:
        return jsonify({"tokens": len(issued)})

    return app


@dataclass
class Token:
    """A token as the resource server knows it."""

    fields: dict[str, Any]

    def is_expired(self) -> bool:
        return False

    def is_revoked(self) -> bool:
        return False

    def get_scope(self) -> str:
        return str(self.fields.get("scope", ""))


def assertion_of(registered: Registered) -> Any:
    from authlib.oauth2.rfc7523 import JWTBearerClientAssertion
    from joserfc.jwk import RSAKey

    seen: set[str] = set()

    class Assertion(JWTBearerClientAssertion):  # type: ignore[misc]  # Authlib has no types
        CLIENT_AUTH_METHOD = "private_key_jwt"

        def get_audiences(self) -> list[str]:
            from flask import request

            return [request.base_url]

        def validate_jti(self, claims: Any, jti: str) -> bool:
            known = jti in seen
            seen.add(jti)
            return not known

        def resolve_client_public_key(self, client: Registered) -> Any:
            return RSAKey.import_key(client.public_key)

    return Assertion()


def oauth_client(url: str, **changed: Any) -> Client:
    settings: dict[str, Any] = {"client_id": "ann", "client_secret": SECRET, "scopes": ("read",), **changed}
    auth = OAuth2ClientCredentials(OAuth2Client(token_url=f"{url}/token", **settings), store=MemoryTokenStore())
    return Client(base_url=BaseUrl.parse(url), auth=auth)


class TestAuthlib:
    @pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post"])
    def test_a_client_gets_a_token_that_is_accepted(self, monkeypatch: pytest.MonkeyPatch, method: str) -> None:
        monkeypatch.setenv("AUTHLIB_INSECURE_TRANSPORT", "1")
        for url in served(oauth_app(Registered(method))):
            client = oauth_client(url, client_auth_method=method)

            assert [client.request_sync(Request("GET", "/me")).body for _ in range(2)] == [{"tokens": 1}] * 2

    def test_a_client_with_a_private_key_does_too(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("AUTHLIB_INSECURE_TRANSPORT", "1")
        key = rsa.generate_private_key(65537, 2048)
        private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
        public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
        for url in served(oauth_app(Registered("private_key_jwt", public_key=public))):
            client = oauth_client(url, client_auth_method="private_key_jwt", client_secret=private)

            assert client.request_sync(Request("GET", "/me")).body == {"tokens": 1}

    def test_a_revoked_token_is_replaced(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("AUTHLIB_INSECURE_TRANSPORT", "1")
        for url in served(oauth_app(Registered("client_secret_basic"))):
            client = oauth_client(url)
            client.request_sync(Request("GET", "/me"))
            Client(base_url=BaseUrl.parse(url)).request_sync(Request("POST", "/revoke-all"))

            assert client.request_sync(Request("GET", "/me")).body == {"tokens": 1}

    def test_a_wrong_secret_is_told_as_what_the_server_says(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("AUTHLIB_INSECURE_TRANSPORT", "1")
        for url in served(oauth_app(Registered("client_secret_basic"))):
            with pytest.raises(AuthenticationError, match="answered 401: error 'invalid_client'") as raised:
                oauth_client(url, client_secret="wr0ng").request_sync(Request("GET", "/me"))
            assert "wr0ng" not in str(raised.value)

    def test_a_scope_that_is_missing_is_an_error_of_the_service(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("AUTHLIB_INSECURE_TRANSPORT", "1")
        for url in served(oauth_app(Registered("client_secret_basic"))):
            with pytest.raises(Exception, match="answered 403") as raised:
                oauth_client(url, scopes=("write",)).request_sync(Request("GET", "/me"))
            assert "insufficient_scope" in str(raised.value)


@dataclass(frozen=True)
class Keys:
    access_key: str
    secret_key: str
    token: str | None = None


@pytest.fixture(scope="module")
def aws() -> Iterator[str]:
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


class TestMoto:
    """moto checks signatures from the moment it is told to, and then by IAM's policies too."""

    @pytest.fixture
    def keys(self, aws: str) -> Iterator[Keys]:
        iam = Client(base_url=BaseUrl.parse(aws), auth=SigV4Auth(lambda: Keys("test", "test"), "iam", "us-east-1"))

        def ask(action: str, **fields: str) -> Any:
            return iam.request_sync(
                Request("POST", "/", body=Form({"Action": action, "Version": "2010-05-08", **fields}))
            ).body

        ask("CreateUser", UserName="ann")
        allow = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
        ask("PutUserPolicy", UserName="ann", PolicyName="all", PolicyDocument=json.dumps(allow))
        answer = ask("CreateAccessKey", UserName="ann")
        found = [answer.partition(f"<{tag}>")[2].partition("<")[0] for tag in ("AccessKeyId", "SecretAccessKey")]
        plain = Client(base_url=BaseUrl.parse(aws))
        plain.request_sync(Request("POST", "/moto-api/reset-auth", body=Raw("0")))
        yield Keys(*found)
        plain.request_sync(Request("POST", "/moto-api/reset-auth", body=Raw("inf")))
        plain.request_sync(Request("POST", "/moto-api/reset"))

    def test_a_signature_is_accepted(self, aws: str, keys: Keys) -> None:
        client = Client(base_url=BaseUrl.parse(aws), auth=SigV4Auth(lambda: keys, "sqs", "eu-central-1"))
        target = {"X-Amz-Target": "AmazonSQS.CreateQueue", "Content-Type": "application/x-amz-json-1.0"}

        answer = client.request_sync(Request("POST", "/", headers=target, body=Json({"QueueName": "q"})))

        assert answer.body["QueueUrl"].endswith("/q")

    def test_a_signature_with_another_key_is_not(self, aws: str, keys: Keys) -> None:
        wrong = Keys(keys.access_key, "wr0ng-secret-key")
        client = Client(
            base_url=BaseUrl.parse(aws), auth=SigV4Auth(lambda: wrong, "sqs", "eu-central-1"), retry=NO_RETRY
        )
        target = {"X-Amz-Target": "AmazonSQS.CreateQueue", "Content-Type": "application/x-amz-json-1.0"}

        with pytest.raises(Exception, match="answered 403") as raised:
            client.request_sync(Request("POST", "/", headers=target, body=Json({"QueueName": "q"})))
        assert "wr0ng" not in str(raised.value)

    @pytest.mark.skipif(
        Version(version("moto")) < Version("5.2.5"), reason="this moto signs a plus in a path otherwise than AWS"
    )
    def test_a_path_and_a_query_that_need_encoding_are_signed_as_they_are_sent(self, aws: str, keys: Keys) -> None:
        client = Client(base_url=BaseUrl.parse(aws), auth=SigV4Auth(lambda: keys, "s3", "us-east-1"))
        client.request_sync(Request("PUT", "/bucket"))
        client.request_sync(Request("PUT", "/bucket/a%20b/%C3%BC+1.txt", body=Raw(b"content")))

        assert client.request_sync(Request("GET", "/bucket/a%20b/%C3%BC+1.txt")).content == b"content"
        listed = client.request_sync(Request("GET", "/bucket?list-type=2&prefix=a b".replace(" ", "%20")))
        assert "a b/ü+1.txt" in listed.body
