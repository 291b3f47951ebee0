"""What a record shows of a request and its answer: no secret in any spelling, and of what is long the beginning."""

from __future__ import annotations

import json
from typing import Any, Literal

import pytest

from airflow_provider_cloudfn.auth.api_key import ApiKeyAuth
from airflow_provider_cloudfn.auth.message import HttpRequest, HttpResponse
from airflow_provider_cloudfn.auth.spellings import spellings
from airflow_provider_cloudfn.client.client import Client
from airflow_provider_cloudfn.client.default_headers import with_default_headers
from airflow_provider_cloudfn.client.url import BaseUrl
from airflow_provider_cloudfn.records.shown import BODY, HEADER, HEADERS, Shown

KEY = "k3y+/ü&value of 'many' <signs>\"\\"


def client(location: Literal["header", "query"] = "header", **settings: Any) -> Client:
    auth = ApiKeyAuth("X-Api-Key", KEY, location)
    return Client(base_url=BaseUrl.parse("https://shop.test"), auth=auth, **settings)


def exchanged(
    request: HttpRequest | None = None, answer: HttpResponse | None = None, settings: Client | None = None
) -> Any:
    sent = request or HttpRequest("GET", "https://shop.test/v1")
    received = 0 if answer is None else len(answer.content)
    return Shown(settings or client()).exchange(sent, answer, received=received)


@pytest.mark.parametrize("spelling", sorted(spellings(KEY)))
def test_a_secret_is_shown_in_no_spelling(spelling: str) -> None:
    text = f"before {spelling} after"
    header = (("X-Echo", text.replace("\n", " ")),)
    seen = exchanged(
        HttpRequest("POST", "https://shop.test/v1", header, text.encode()), HttpResponse(500, header, text.encode())
    )

    assert spelling not in json.dumps([seen.sent.headers, seen.answered.headers], ensure_ascii=False)
    assert spelling not in seen.sent.body.text
    assert spelling not in seen.answered.body.text
    assert "before" in seen.answered.body.text


@pytest.mark.parametrize(
    ("location", "url", "names"),
    [
        ("header", "https://shop.test/v1", [("X-Api-Key", "***")]),
        ("query", "https://shop.test/v1?X-Api-Key=***", []),
    ],
)
def test_what_the_authentication_sets_is_named_and_not_shown(
    location: Literal["header", "query"], url: str, names: list[Any]
) -> None:
    sent = exchanged(settings=client(location)).sent

    assert (sent.url, list(sent.headers)) == (url, with_default_headers(names))


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"password": "hunter2", "page": 1}', '{"password": "***", "page": 1}'),
        (b'{"a": {"access_token": "abc\\"def"}}', '{"a": {"access_token": "***"}}'),
        (b'{"pin": 1234, "id": 5}', '{"pin": "***", "id": 5}'),
        (b"user=ann&password=hunter2&page=1", "user=ann&password=***&page=1"),
        (b'{"next_page_token": "p2"}', '{"next_page_token": "p2"}'),
    ],
)
def test_what_is_named_as_a_secret_in_a_body_is_hidden(body: bytes, expected: str) -> None:
    seen = exchanged(HttpRequest("POST", "https://shop.test/v1", (), body), HttpResponse(200, (), body))

    assert seen.sent.body.text == expected
    assert seen.answered.body.text == expected


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("X-Auth-Token", "t-12345"),
        ("X-Hub-Signature-256", "sha256=abc"),
        ("X-Upstream", "Bearer abcdefgh12345"),
        ("X-Link", "https://a.test/?token=abcdef"),
    ],
)
def test_what_is_a_secret_by_name_or_form_in_a_header_is_hidden(name: str, value: str) -> None:
    seen = exchanged(HttpRequest("GET", "https://shop.test/v1", ((name, value),)))

    assert seen.sent.headers[0] == (name, "***")


def test_no_cookie_is_shown() -> None:
    seen = exchanged(answer=HttpResponse(200, (("Set-Cookie", "session=abc"), ("X-Id", "7"))))

    assert seen.answered.headers == (("x-id", "7"),)


def test_what_is_long_is_cut_with_a_mark() -> None:
    headers = tuple((f"X-{number}", "v" * 2_000) for number in range(HEADERS + 3))
    seen = exchanged(answer=HttpResponse(200, headers, b"a" * (BODY * 20)))

    assert len(seen.answered.headers) == HEADERS
    assert seen.answered.headers_left_out == 3
    assert seen.answered.headers[0][1] == "v" * (HEADER - 1) + "…"
    assert seen.answered.body.text == "a" * (BODY - 1) + "…"
    assert (seen.answered.body.is_cut, seen.answered.body.size) == (True, BODY * 20)


def test_a_page_is_read_in_the_character_set_that_it_names() -> None:
    page = "<meta charset=iso-8859-1>für Sie".encode("latin-1")
    body = exchanged(answer=HttpResponse(200, (("Content-Type", "text/html"),), page)).answered.body

    assert (body.text, body.replaced) == ("<meta charset=iso-8859-1>für Sie", 0)


@pytest.mark.parametrize("content", [bytes(range(256)), b"\x89PNG\r\n\x1a\n" + bytes(500), b"\xff\xfe\xfd" * 90])
def test_of_what_is_no_text_the_size_is_told(content: bytes) -> None:
    body = exchanged(answer=HttpResponse(200, (), content)).answered.body

    assert (body.text, body.size) == (None, len(content))


def test_what_turns_the_order_of_text_or_can_t_be_seen_is_marked() -> None:
    seen = exchanged(answer=HttpResponse(200, (), f"{'text ' * 20}a\u202eb\x1b[2J\0c\u2066".encode()))

    assert seen.answered.body.text == f"{'text ' * 20}a·b·[2J·c·"


@pytest.mark.parametrize(
    "text",
    [
        "\N{MAN}\N{ZERO WIDTH JOINER}\N{WOMAN}\N{ZERO WIDTH JOINER}\N{GIRL}",
        "auto\N{SOFT HYPHEN}bahn\N{NO-BREAK SPACE}1\N{LINE SEPARATOR}\u05d0\N{RIGHT-TO-LEFT MARK}",
    ],
)
def test_text_of_any_script_is_shown_as_it_is(text: str) -> None:
    body = exchanged(answer=HttpResponse(200, (), text.encode())).answered.body

    assert (body.text, body.replaced) == (text, 0)


def test_what_can_not_be_shown_is_counted() -> None:
    body = exchanged(answer=HttpResponse(200, (), b"twenty signs of text, and\0one more\x1b")).answered.body

    assert (body.text, body.replaced) == ("twenty signs of text, and·one more·", 2)


def test_of_what_went_into_a_file_the_size_is_told() -> None:
    seen = Shown(client()).exchange(HttpRequest("GET", "https://shop.test/v1"), HttpResponse(200), received=12)

    assert seen.answered is not None
    assert seen.answered.body is not None
    assert (seen.answered.body.text, seen.answered.body.size) == (None, 12)


@pytest.mark.parametrize("before", [0, BODY - 40, BODY - 5, BODY, BODY + 490])
def test_what_a_mask_knows_is_shown_at_no_border(before: int) -> None:
    known = "known-to-airflow-alone"
    body = b"x" * before + known.encode() + b"y" * 9_000

    seen = Shown(client(), lambda text: text.replace(known, "***")).exchange(
        HttpRequest("POST", "https://shop.test/v1", (("X-Note", known),), body), None, received=0
    )

    assert seen.sent.body is not None
    assert "known" not in (seen.sent.body.text or "")
    assert seen.sent.headers[0] == ("X-Note", "***")


@pytest.mark.parametrize("before", [0, BODY - 40])
def test_what_a_mask_knows_may_have_many_lines(before: int) -> None:
    known = "-- a key --\n" + "kn0wn\n" * 400
    body = b"x" * before + known.encode() + b"y" * 9_000

    seen = Shown(client(), lambda text: text.replace(known, "***")).exchange(
        HttpRequest("POST", "https://shop.test/v1", (), body), None, received=0
    )

    assert seen.sent.body is not None
    assert seen.sent.body.text is not None
    assert "kn0wn" not in seen.sent.body.text


#: Bodies that hold ``hunter2`` where a name, or its own form, says that it is a secret.
HOLDING = {
    "a map": '{"password": {"value": "hunter2"}}',
    "a list": '{"tokens": ["hunter2", "def"]}',
    "a name with a blank": '{"access token": "hunter2"}',
    "JSON in JSON": '{"body": "{\\"password\\": \\"hunter2\\"}"}',
    "a form beside a quote": 'q="x"&password=hunter2',
    "XML": "<Credentials><SessionToken>hunter2</SessionToken></Credentials>",
    "a part of a form": '--b\r\nContent-Disposition: form-data; name="password"\r\n\r\nhunter2\r\n--b--',
    "a line": "password: hunter2",
    "a URL": '{"next": "https://shop.test/a?access_token=hunter2"}',
    "a presigned URL in text": "see https://shop.test/a?sig=hunter2&x=1",
    "a named value": '{"headers": [{"name": "X-Api-Key", "value": "hunter2"}]}',
    "the beginning of a list of named values": '[{"name": "X-Api-Key", "value": "hunter2"}, ' + '"x", ' * 20_000,
    "an argument": '{"query": "mutation { login(user: \\"a\\", password: \\"hunter2\\") { id } }"}',
    "a URL in a URL": "see https://shop.test/a?next=https%3A%2F%2Fshop.test%2Fb%3Ftoken%3Dhunter2",
    "what an issuer gives out": '{"id": "ghp_hunter2hunter2hunter2hunter2"}',
    "a bearer token": "Authorization is Bearer hunter2hunter2",
}


@pytest.mark.parametrize("body", HOLDING.values(), ids=HOLDING)
def test_a_body_is_shown_without_what_it_calls_a_secret(body: str) -> None:
    seen = exchanged(
        HttpRequest("POST", "https://shop.test/v1", (), body.encode()), HttpResponse(200, (), body.encode())
    )

    assert "hunter2" not in repr(seen.to_dict() if hasattr(seen, "to_dict") else (seen.sent.body, seen.answered.body))
    assert "hunter2" not in str(seen.sent.body.text)
    assert "hunter2" not in str(seen.answered.body.text)


@pytest.mark.parametrize(
    "body",
    [
        '{"id":  7, "total": 10.50, "big": 12345678901234567.89, "next_page_token": "abc"}',
        "id,name\r\n1,\ta  b\n",
        '{\n  "a": [1,\n    2]\n}\n',
        '["a", null, true]',
        '{"message": "Invalid token: expired", "by": [{"name": "colour", "value": "red"}]}',
        "👩\u200d💻 \u0645\u06cc\u200c\u062e 5\u202f000\xa0€ \u6771\u3000\u4eac",
    ],
)
def test_a_body_without_a_secret_is_shown_as_it_is(body: str) -> None:
    seen = exchanged(HttpRequest("POST", "https://shop.test/v1", (), body.encode()))

    assert seen.sent.body.text == body


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://shop.test/v1?api_key=hunter2&page=2", "https://shop.test/v1?api_key=***&page=2"),
        ("https://shop.test/cb?code=hunter2", "https://shop.test/cb?code=***"),
        ("https://shop.test/v1?X-Amz-Signature=hunter2", "https://shop.test/v1?X-Amz-Signature=***"),
        ("https://shop.test/v1?a=1;token=hunter2;b&c=2;d=3", "https://shop.test/v1?a=1;token=***&c=2;d=3"),
        ("https://shop.test/v1?next=https%3A%2F%2Fa%2F%3Ftoken%3Dhunter2", "https://shop.test/v1?next=***"),
    ],
)
def test_a_url_is_shown_without_parameters_that_are_secrets_by_their_names(url: str, shown: str) -> None:
    assert exchanged(HttpRequest("GET", url)).sent.url == shown


def test_a_reference_in_a_header_is_shown_without_them_too() -> None:
    seen = exchanged(answer=HttpResponse(302, (("Location", "/cb?state=1&token=hunter2"),)))

    assert dict(seen.answered.headers)["location"] == "/cb?state=1&token=***"


def test_an_error_that_quotes_an_answer_is_shown_without_them() -> None:
    text = 'answered 400; it says: {"error":"bad","session_token":"hunter2"}'

    assert Shown(client()).text(text, 500) == 'answered 400; it says: {"error":"bad","session_token":"***"}'


def test_a_large_body_is_not_called_whole_because_most_of_it_is_blank() -> None:
    body = b'{"a": 1,' + b" " * 40_000 + b'"b": 2}'

    assert exchanged(HttpRequest("POST", "https://shop.test/v1", (), body)).sent.body.is_cut
