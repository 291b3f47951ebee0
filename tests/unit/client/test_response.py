from __future__ import annotations

import contextlib
import copy
import json
import pickle
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_cloudfn.auth.message import HttpResponse
from airflow_provider_cloudfn.client.response import Response, read_response
from airflow_provider_cloudfn.exceptions import CloudFunctionError, LimitError, ResponseError
from airflow_provider_cloudfn.json_encoding import MOST_VALUES


def read(content: bytes, content_type: str | None = None, *, status: int = 200, headers: Any = ()) -> Response:
    own = (("Content-Type", content_type),) if content_type is not None else ()
    return read_response(HttpResponse(status, (*own, *headers), content), "https://h/v1")


@pytest.mark.parametrize(
    ("content", "content_type", "body"),
    [
        (b"", "application/json", None),
        (b"", None, None),
        (b'{"a": [1, 2.5, null]}', "application/json", {"a": [1, 2.5, None]}),
        (b"null", "application/json", None),
        (b'"x"', "Application/JSON ; charset=UTF-8", "x"),
        (b'{"a": 1}', "application/problem+json", {"a": 1}),
        (b'{"a": 1}', "text/json", {"a": 1}),
        (b'{"a": 1}', "application/x-amz-json-1.0", {"a": 1}),
        (b'{"a": 1}', "application/x-amz-json-1.1; charset=utf-8", {"a": 1}),
        (b'\x1e{"a": 1}\n', "application/json-seq", b'\x1e{"a": 1}\n'),
        (b'\xef\xbb\xbf{"a": 1}', "application/json", {"a": 1}),
        ('{"ü": 1}'.encode("utf-16"), "application/json", {"ü": 1}),
        ('{"ü": 1}'.encode("latin-1"), "application/json; charset=iso-8859-1", {"ü": 1}),
        ('{"ü": 1}'.encode(), "application/json; charset=iso-8859-1", {"ü": 1}),
        (b"a;\xff", "text/csv; charset=windows-1252", "a;ÿ"),
        ("a;é".encode("utf-8-sig"), "text/csv", "a;é"),
        ("a;é".encode("utf-8-sig"), "text/csv; charset=iso-8859-1", "a;é"),
        ("a;é".encode("utf-16"), "text/csv", "a;é"),
        (b"\xfe\xff" + "a;é".encode("utf-16-be"), "text/csv; charset=utf-8", "a;é"),
        (b"\xff\xfe" + "a;é".encode("utf-16-le"), "text/csv; charset=utf-16le", "a;é"),
        ("a;é".encode("utf-32"), "text/csv", "a;é"),
        (b'{"a": 1}', "application/json charset=utf-8", {"a": 1}),
        (b'{"a": 1}', "json", {"a": 1}),
        (b"12345678901234567890", "application/json", 12345678901234567890),
        (b"caf\xc3\xa9", "text/plain", "café"),
        (b"caf\xe9", "text/plain; charset=latin1", "café"),
        (b"caf\xe9", 'text/plain; charset="ISO-8859-1"', "café"),
        (b"<a/>", "application/xml", "<a/>"),
        (b"<a/>", "image/svg+xml", "<a/>"),
        (
            b"<?xml version='1.0' encoding='iso-8859-1'?><a>\xe9</a>",
            "application/xml",
            "<?xml version='1.0' encoding='iso-8859-1'?><a>é</a>",
        ),
        (
            b'<?xml version="1.0" encoding="latin1"?>\xe9',
            "application/atom+xml",
            '<?xml version="1.0" encoding="latin1"?>é',
        ),
        (
            b'<?xml version="1.0" encoding="latin1"?>\xc3\xa9',
            "text/xml; charset=utf-8",
            '<?xml version="1.0" encoding="latin1"?>é',
        ),
        ("<a>é</a>".encode("utf-16"), "text/xml", "<a>é</a>"),
        (
            '<?xml version="1.0" encoding="utf-16"?><a>é</a>'.encode(),
            "text/xml",
            '<?xml version="1.0" encoding="utf-16"?><a>é</a>',
        ),
        (b'<head>\n<meta charset="iso-8859-1">\xe9', "text/html", '<head>\n<meta charset="iso-8859-1">é'),
        (
            b"<META http-equiv=Content-Type content='text/html; charset=windows-1252'>\x80",
            "text/html",
            "<META http-equiv=Content-Type content='text/html; charset=windows-1252'>€",
        ),
        (b"<meta charset=iso-8859-1>\xc3\xa9", "text/html", "<meta charset=iso-8859-1>é"),
        (b"<meta charset=latin1>\xc3\xa9", "text/html; charset=utf-8", "<meta charset=latin1>é"),
        (b"a=1", "application/x-www-form-urlencoded", "a=1"),
        (b"\x89PNG", "image/png", b"\x89PNG"),
        (b"{}", "application/octet-stream", b"{}"),
        (b"{}\n{}\n", "application/x-ndjson", "{}\n{}\n"),
        (b"a: 1", "application/openapi+yaml", "a: 1"),
        (b"a,b", "application/csv", "a,b"),
        (b'{"a": 1}', "text/x-json", {"a": 1}),
        (b'{"a": 1}', None, {"a": 1}),
        (b"hello", None, b"hello"),
        (b"hello", "nonsense", b"hello"),
    ],
)
def test_a_body_is_what_its_content_type_says(content: bytes, content_type: str | None, body: object) -> None:
    response = read(content, content_type)

    assert (response.body, response.content) == (body, content)


@pytest.mark.parametrize(
    ("content", "content_type", "message"),
    [
        (b"<html>", "application/json", "promises JSON, and is none at line 1, column 1"),
        (b'{"a": 1', "application/json", "promises JSON"),
        (b'{"a": NaN}', "application/json", "NaN, which is none"),
        (b"Infinity", "application/json", "Infinity, which is none"),
        (b"[-1e999]", "application/json", "has a number that is too large"),
        (b"[" * 100_000, "application/json", "nested too deep|promises JSON"),
        (b'"\xff"', "application/json", "promises JSON|not utf-8|its bytes"),
        (b"caf\xe9", "text/plain", "not utf-8"),
        (b"x", "text/plain; charset=klingon", "no character set 'klingon'"),
        (b"x", "text/plain; charset=base64", "no character set 'base64'"),
        (b"x", "text/plain; charset=rot13", "no character set 'rot13'"),
        (b"x", "text/plain; charset=a\x00b", "no character set"),
        (b"1" * 5000, "application/json", "promises JSON"),
    ],
)
def test_a_success_that_is_not_what_it_says_is_an_error(content: bytes, content_type: str, message: str) -> None:
    with pytest.raises(ResponseError, match=message) as raised:
        read(content, content_type, headers=(("X-Request-Id", "r-1"),))

    assert "https://h/v1" in str(raised.value)
    assert (raised.value.status, raised.value.request_id) == (200, "r-1")


@pytest.mark.parametrize(
    "charset",
    [
        "utf8mb4",
        "binary",
        "unicode",
        "utf-8,utf-8",
        "us-ascii",
        "ascii",
        "none",
        "idna",
        "utf-16",
        "utf-32",
        "base64",
        "a\x00b",
    ],
)
def test_json_is_utf_8_where_the_character_set_that_is_named_is_unknown_or_another(charset: str) -> None:
    content = '{"id": "ch_1", "name": "é"}'.encode()

    assert read(content, f"application/json;charset={charset}", status=201).body == {"id": "ch_1", "name": "é"}


@pytest.mark.parametrize(
    ("charset", "content", "message"),
    [
        ("utf8mb4", b"<html>", "promises JSON, and is none at line 1, column 1"),
        ("us-ascii", b'"\xff"', "bytes are not utf-8"),
        ("iso-8859-1", b"[1,\n", "promises JSON, and is none at line 2, column 1"),
        ("iso-8859-1", b"[NaN]", "NaN, which is none"),
    ],
)
def test_what_is_no_json_is_an_error_whatever_character_set_is_named(
    charset: str, content: bytes, message: str
) -> None:
    with pytest.raises(ResponseError, match=message) as raised:
        read(content, f"application/json; charset={charset}")

    assert raised.value.__context__ is None


@pytest.mark.parametrize("content", [b" ", b"\n", b"\r\n\t ", b"\xef\xbb\xbf", b"\xef\xbb\xbf\n"])
@pytest.mark.parametrize("content_type", ["application/json", "application/problem+json; charset=utf-16"])
def test_json_of_nothing_but_white_space_is_none(content: bytes, content_type: str) -> None:
    assert read(content, content_type, status=202).body is None


@pytest.mark.parametrize(
    ("content_types", "content", "body"),
    [
        (["application/json", "application/json"], b'"\xc3\xa9"', "é"),
        (["application/json; charset=iso-8859-1", "Application/JSON"], b'"\xe9"', "é"),
        (["text/plain; charset=iso-8859-1", "text/plain; charset=utf-8"], b"\xc3\xa9", "é"),
        (["text/plain; charset=iso-8859-1", "application/json"], b'"\xc3\xa9"', "é"),
        (["application/json", "nonsense"], b'"a"', "a"),
        (["application/json", ""], b'"a"', "a"),
        (["application/json", "*/*"], b'"a"', "a"),
        (["text/html", "application/json"], b'"a"', "a"),
        (["application/json", "application/octet-stream"], b'"a"', b'"a"'),
        (["application/json, application/json"], b'"a"', "a"),
        (['application/json; profile="a, text/plain"'], b'"a"', "a"),
        (['application/json; profile="a, text/plain', "text/plain"], b'"a"', "a"),
        (["nonsense", "more"], b'"a"', "a"),
    ],
)
def test_of_a_content_type_that_came_more_than_once_the_last_counts(
    content_types: list[str], content: bytes, body: object
) -> None:
    response = read(content, headers=tuple(("Content-Type", one) for one in content_types))

    assert response.body == body
    assert response.headers["content-type"] == ", ".join(content_types)


@pytest.mark.parametrize(
    ("content", "body"),
    [
        (rb'{"id": "ch_1", "description": "cut \ud83d"}', {"id": "ch_1", "description": "cut \ufffd"}),
        (rb'{"\uD83D": "\uDE00"}', {"\ufffd": "\ufffd"}),
        (rb'"\ude00\ud83d"', "\ufffd\ufffd"),
        (rb'"\ud83d\ud83d\ude00"', "\ufffd😀"),
        (rb'"\ud83d \ude00"', "\ufffd \ufffd"),
        (rb'"\ud83d\n"', "\ufffd\n"),
        (rb'"\uD83D\uDE00"', "😀"),
        (rb'"\ud55c"', "한"),
        (rb'"\\ud83d"', r"\ud83d"),
        (rb'"\\\ud83d"', "\\\ufffd"),
    ],
)
def test_half_a_character_is_read_as_the_replacement_character(content: bytes, body: object) -> None:
    assert read(content, "application/json").body == body


def test_half_a_character_is_read_as_the_replacement_character_in_any_character_set() -> None:
    assert read(rb'"\ud83d"'.decode().encode("utf-16"), "application/json; charset=utf-16").body == "\ufffd"


@given(st.recursive(st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))
def test_json_that_was_escaped_is_read_as_it_was(value: object) -> None:
    assert read(json.dumps(value).encode(), "application/json").body == value


@given(st.text(st.characters(exclude_categories=()) | st.characters(categories=["Cs"]) | st.sampled_from("\\ud8")))
def test_text_with_halves_of_characters_is_read_as_text_that_can_be_sent(text: str) -> None:
    body = read(json.dumps(text).encode(), "application/json").body

    assert body == text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def test_a_failure_that_is_not_what_it_says_is_text() -> None:
    assert read(b"<html>Bad gateway", "application/json", status=502).body == "<html>Bad gateway"


def test_headers_are_lower_case_and_repeats_joined_and_no_cookie_is_among_them() -> None:
    headers = (("X-A", "1"), ("x-a", "2"), ("Set-Cookie", "sid=s3cret"), ("ETag", '"e"'))

    assert dict(read(b"", headers=headers).headers) == {"x-a": "1, 2", "etag": '"e"'}


@pytest.mark.parametrize("name", ["X-Request-Id", "request-id", "X-Amzn-RequestId", "X-Correlation-ID", "CF-Ray"])
def test_the_name_of_the_request_is_found(name: str) -> None:
    assert read(b"", headers=((name, "r-1"),)).request_id == "r-1"


def test_the_repr_shows_no_body() -> None:
    assert "s3cret" not in repr(read(b'"s3cret"', "application/json"))


@given(
    st.binary(), st.text() | st.sampled_from(["application/json", "text/html; charset=utf-7", "text/x; charset=idna"])
)
def test_any_answer_is_read_or_refused(content: bytes, content_type: str) -> None:
    with contextlib.suppress(CloudFunctionError):
        read(content, content_type)


@pytest.mark.parametrize(
    ("as_aiohttp_has_it", "text"),
    [("plain", "plain"), ("café", "café"), ("caf\udce9", "café"), ("☕ \udcff", "â\x98\x95 ÿ")],
)
def test_a_header_has_no_bytes_that_no_text_can_have(as_aiohttp_has_it: str, text: str) -> None:
    response = read(b"", headers=(("X-Name", as_aiohttp_has_it), ("x-name", "b")))

    assert response.headers["x-name"] == f"{text}, b"


def test_an_answer_can_be_copied() -> None:
    answer = read(b"{}", "application/json")

    assert copy.deepcopy(answer) == pickle.loads(pickle.dumps(answer)) == answer


@pytest.mark.parametrize(
    ("content", "is_read"),
    [
        (b"[" + b"0," * (MOST_VALUES - 2) + b"0]", True),
        (b"[" + b"0," * MOST_VALUES + b"0]", False),
        (b"[" + b"{}," * MOST_VALUES + b"{}]", False),
        (b"[" * (MOST_VALUES + 1), False),
        (b'["' + b"," * MOST_VALUES + b'"]', True),
        (rb'["' + rb"\"[" * MOST_VALUES + b'"]', True),
    ],
    ids=["most", "more", "maps", "deep", "commas in a text", "quotes in a text"],
)
def test_the_values_of_an_answer_are_bounded_and_not_its_text(content: bytes, is_read: bool) -> None:
    answer = read(content, "application/json")

    assert answer.content == content
    assert len(answer.text) == len(content)
    if is_read:
        assert len(answer.body) in (1, MOST_VALUES - 1)
    else:
        for _ in range(2):
            with pytest.raises(
                LimitError, match="the answer 200 of https://h/v1 has more than 2,000,000 values; ask for less"
            ):
                answer.body  # noqa: B018 - it raises


@pytest.mark.parametrize("content", [b'"' + rb"\"," * MOST_VALUES, b"\\" * 3_000_000])
def test_text_that_is_no_json_is_known_as_such_in_one_reading(content: bytes) -> None:
    with pytest.raises(ResponseError, match="promises JSON"):
        read(content, "application/json")
