"""The bytes of a body, and what they are said to be."""

from __future__ import annotations

import email
import email.policy
import io
from decimal import Decimal
from typing import Any, cast
from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_cloudfn.client.body import Body, FilePart, Form, Json, Raw, make_body
from airflow_provider_cloudfn.exceptions import ConfigurationError

FORM = "application/x-www-form-urlencoded"


@pytest.mark.parametrize(
    ("given_body", "body", "media_type"),
    [
        (None, b"", None),
        (Json(None), b"null", "application/json"),
        (Json({"ü": [1, Decimal("0.10"), None]}), '{"ü":[1,0.10,null]}'.encode(), "application/json"),
        (Json("text"), b'"text"', "application/json"),
        (Raw(b"\x00\xff"), b"\x00\xff", "application/octet-stream"),
        (Raw(bytearray(b"a")), b"a", "application/octet-stream"),
        (Raw(memoryview(b"a")), b"a", "application/octet-stream"),
        (Raw(b""), b"", "application/octet-stream"),
        (Raw("Grüße"), "Grüße".encode(), "text/plain; charset=utf-8"),
        (Form({"a": 1, "b": ["x y", True], "c": None}), b"a=1&b=x+y&b=true", FORM),
        (Form({}), b"", FORM),
    ],
)
def test_a_body_is_what_it_was_given_as(given_body: Body | None, body: bytes, media_type: str | None) -> None:
    assert make_body(given_body, "repeat") == (body, media_type)


def test_a_form_is_in_the_character_set_that_content_type_names() -> None:
    assert make_body(Form({"grün": "ä b"}), "repeat", "iso-8859-1") == (b"gr%FCn=%E4+b", FORM)


@pytest.mark.parametrize("given_body", [Raw("\ud83d"), Form({"a": "\ud83d"}), Form({"\ud83d": "a"})])
def test_half_of_a_surrogate_pair_is_refused(given_body: Body) -> None:
    with pytest.raises(ConfigurationError, match=r"none of utf-8|half of a surrogate pair") as raised:
        make_body(given_body, "repeat")

    assert str(raised.value).isascii()


@pytest.mark.parametrize("given_body", [Raw("grün"), Json("grün")])
def test_text_is_in_the_character_set_that_content_type_names(given_body: Body) -> None:
    body, _ = make_body(given_body, "repeat", "iso-8859-1")

    assert body.decode("iso-8859-1").strip('"') == "grün"


@pytest.mark.parametrize(
    ("charset", "problem"),
    [
        (
            "iso-8859-1",
            "data: character 2 is none of iso-8859-1, which Content-Type or the document names; name utf-8 there",
        ),
        (
            "klingon",
            "data: there is no character set 'klingon', which Content-Type or the document names; name utf-8 there",
        ),
    ],
)
def test_text_that_a_character_set_does_not_have_is_refused(charset: str, problem: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        make_body(Raw("a☕"), "repeat", charset)

    assert str(raised.value) == problem
    assert raised.value.__context__ is None


@pytest.mark.parametrize(
    ("given_body", "message"),
    [
        (Json(float("nan")), "NaN"),
        (Json({1: 2}), "key that is an integer"),
        (Raw(5), "data: must be bytes, text or a map to send as a form, not an integer"),
        (Raw(5, "body"), "body: must be bytes"),
        (Form({"a": {}}, parameter="body"), r'body\["a"\]: must be text or a number'),
        (Form(cast("Any", "x"), {"f": FilePart("a", b"")}), "data: must be a map beside files"),
        (Form(None, {"f": FilePart("a\r\nX: y", b"")}), r'files\["f"\]: its name or media type has a line break'),
        (Form(None, {"f": FilePart("a", b"", "text/plain\nX: y")}), "has a line break"),
        (Form(None, {"f": cast("Any", b"")}), r'files\["f"\]: must be a FilePart, not bytes: write such as'),
        (Form(None, {"f": cast("Any", ("a.csv", b"1"))}), "must be a FilePart, not str"),
        (Form(None, {"f": FilePart("a", cast("Any", io.BytesIO()))}), "the content must be bytes, not BytesIO"),
        (Form(None, {"f": cast("Any", 5)}), "must be a FilePart, not int"),
    ],
)
def test_what_is_no_body_is_refused(given_body: Body, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        make_body(given_body, "repeat")


@given(st.dictionaries(st.text(min_size=1), st.text()))
def test_a_form_is_read_as_it_was_written(form: dict[str, str]) -> None:
    body, _ = make_body(Form(form), "repeat")

    assert dict(parse_qsl(body.decode("ascii"), keep_blank_values=True, strict_parsing=bool(form))) == form


PRINTABLE = st.text(st.characters(exclude_categories=("C", "Z")), min_size=1, max_size=20)


@given(st.dictionaries(PRINTABLE, st.text(max_size=50), max_size=3), PRINTABLE, st.binary(max_size=200))
def test_a_form_with_files_is_read_as_it_was_written(fields: dict[str, str], filename: str, content: bytes) -> None:
    parts = {"the file": [FilePart(filename, content), FilePart("second.bin", content[::-1])]}

    body, media_type = make_body(Form(fields, parts), "repeat")

    assert media_type is not None
    boundary = media_type.partition("boundary=")[2].encode()
    pieces = body.split(b"--" + boundary)
    assert pieces[-1] == b"--\r\n"
    contents = [piece.partition(b"\r\n\r\n")[2].removesuffix(b"\r\n") for piece in pieces[1:-1]]
    assert contents == [*(value.encode() for value in fields.values()), content, content[::-1]]
    assert make_body(Form(fields, parts), "repeat") == (body, media_type)


def test_a_standard_parser_reads_a_form_with_files() -> None:
    files = {"invoice": FilePart('rech"nung.pdf', b"--\r\n", "application/pdf")}

    body, media_type = make_body(Form({"kind": "ü"}, files), "repeat")

    message = email.message_from_bytes(f"Content-Type: {media_type}\r\n\r\n".encode() + body, policy=email.policy.HTTP)
    kind, invoice = message.iter_parts()  # type: ignore[attr-defined]  # typeshed has the legacy message here
    assert kind.get_payload(decode=True) == "ü".encode()
    assert (invoice.get_content_type(), invoice.get_payload(decode=True)) == ("application/pdf", b"--\r\n")


def test_no_line_of_a_part_can_be_broken_by_the_name_of_a_field() -> None:
    body, _ = make_body(Form({'a"\r\nX-Evil: 1': "v"}, {"f": FilePart("a", b"")}), "repeat")

    assert b"\r\nX-Evil" not in body
