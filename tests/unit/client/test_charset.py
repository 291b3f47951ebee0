"""What a Content-Type says, however long it is."""

from __future__ import annotations

import pytest

from airflow_provider_cloudfn.client.charset import charset_of, codec_of, last_content_type

#: As long as one that is parsed can be.
LONGEST = 1024


def padded(end: str, size: int) -> str:
    return "text/plain; " + "x" * (size - len("text/plain; ") - len(end)) + end


@pytest.mark.parametrize(
    ("content_type", "charset"),
    [
        (None, None),
        ("", None),
        ("text/plain", None),
        ("text/plain; charset=latin1", "latin1"),
        ('text/plain; Charset="utf-8"', "utf-8"),
        ("text/plain; charset=", None),
        (padded("; charset=latin1", LONGEST), "latin1"),
        (padded("; charset=latin1", LONGEST + 1), None),
    ],
)
def test_the_character_set_that_is_named(content_type: str | None, charset: str | None) -> None:
    assert charset_of(content_type) == charset


def test_of_a_content_type_that_is_too_long_nothing_is_parsed(monkeypatch: pytest.MonkeyPatch) -> None:
    def parse(*_: object) -> None:
        raise AssertionError("parsed by the library, which takes time that grows with the square of the length")

    monkeypatch.setattr("email.message.Message.get_param", parse)
    long = ";charset=a" * 6_000 + ", text/plain"

    assert charset_of(long) is None
    assert last_content_type(long) == long
    with pytest.raises(AssertionError, match="parsed by the library"):
        charset_of(long[:LONGEST])


@pytest.mark.parametrize(("size", "counts"), [(LONGEST, "text/csv"), (LONGEST + 1, None)])
def test_the_last_of_several_counts_up_to_the_same_length(size: int, counts: str | None) -> None:
    content_type = padded(", text/csv", size)

    assert last_content_type(content_type) == (counts or content_type)


@pytest.mark.parametrize(
    "name", ["base64", "punycode", "idna", "unicode_escape", "raw_unicode_escape", "undefined", "x"]
)
def test_what_is_no_character_set_decodes_nothing(name: str) -> None:
    with pytest.raises(ValueError, match="there is no character set"):
        codec_of(name)
