"""How compressed bodies are read: piece by piece, to their end, and no further."""

from __future__ import annotations

import contextlib
import gzip
import itertools
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_cloudfn.client.decoding import BodyDecoder, DecodingError

ENCODINGS = ["gzip", "x-gzip", "deflate", "GZIP", "gzip, identity", "deflate, gzip"]


def encoded(content: bytes, encoding: str) -> bytes:
    for name in encoding.lower().split(","):
        if name.strip() == "deflate":
            content = zlib.compress(content)
        elif name.strip() != "identity":
            content = gzip.compress(content)
    return content


def decoded(pieces: list[bytes], encoding: str | None) -> bytes:
    decoder = BodyDecoder(encoding)
    found = b"".join(part for piece in pieces for part in decoder.feed(piece))
    decoder.finish()
    return found


def cut(content: bytes, places: list[int]) -> list[bytes]:
    marks = sorted({place % (len(content) + 1) for place in places} | {0, len(content)})
    return [content[start:end] for start, end in itertools.pairwise(marks)]


@given(st.binary(max_size=5000), st.sampled_from(ENCODINGS), st.lists(st.integers(0, 10_000), max_size=8))
def test_a_body_is_the_same_however_it_is_cut(content: bytes, encoding: str, places: list[int]) -> None:
    assert decoded(cut(encoded(content, encoding), places), encoding) == content


@given(st.lists(st.binary(max_size=50), min_size=1, max_size=4), st.lists(st.integers(0, 10_000), max_size=8))
def test_members_in_a_row_are_one_body_however_they_are_cut(members: list[bytes], places: list[int]) -> None:
    whole = b"".join(gzip.compress(member) for member in members)

    assert decoded(cut(whole, places), "gzip") == b"".join(members)


@given(st.binary(max_size=200), st.sampled_from(["gzip", "deflate"]))
def test_any_bytes_are_decoded_or_refused(content: bytes, encoding: str) -> None:
    with contextlib.suppress(DecodingError):
        assert isinstance(decoded([content], encoding), bytes)


@pytest.mark.parametrize("encoding", [None, "", "identity", " , "])
def test_without_an_encoding_nothing_is_undone(encoding: str | None) -> None:
    assert decoded([b"\x1f\x8b", b"", b"abc"], encoding) == b"\x1f\x8babc"


@pytest.mark.parametrize("encoding", ["br", "zstd", "compress", "gzip, br", "gzip, gzip, gzip", "x"])
def test_an_encoding_that_nobody_asked_for_is_refused_once_there_is_a_body(encoding: str) -> None:
    assert decoded([], encoding) == b""

    with pytest.raises(DecodingError, match="none of those that were asked for") as caught:
        decoded([b"x"], encoding)

    assert not caught.value.retryable


def test_a_small_piece_becomes_large_ones_of_a_bounded_size() -> None:
    decoder = BodyDecoder("gzip, gzip")

    sizes = [len(part) for part in decoder.feed(gzip.compress(gzip.compress(b"\0" * 5_000_000)))]

    assert sum(sizes) == 5_000_000
    assert max(sizes) <= 256 * 1024


@pytest.mark.parametrize("kept", [1, 9, 12, -9, -1])
@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
def test_a_body_without_its_end_is_none(encoding: str, kept: int) -> None:
    with pytest.raises(DecodingError, match="ends in the middle"):
        decoded([encoded(b"some text", encoding)[:kept]], encoding)


def test_a_second_member_without_its_end_is_none() -> None:
    with pytest.raises(DecodingError, match="ends in the middle"):
        decoded([gzip.compress(b"a") + gzip.compress(b"b")[:-1]], "gzip")


@pytest.mark.parametrize("padding", [b"\0", b"\0" * 1000, b"\x1f", b"\r\n", b"\0" + gzip.compress(b"evil")])
@pytest.mark.parametrize("apart", [False, True])
def test_a_little_padding_is_ignored(padding: bytes, apart: bool) -> None:
    body = gzip.compress(b"ok")

    assert decoded([body, padding] if apart else [body + padding], "gzip") == b"ok"


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
def test_padding_without_end_is_refused(encoding: str) -> None:
    with pytest.raises(DecodingError, match="goes on behind its end"):
        decoded([encoded(b"ok", encoding), *[b"\0" * 10_000] * 7], encoding)


def test_a_wrong_checksum_is_seen() -> None:
    body = bytearray(gzip.compress(b"some text"))
    body[-6] ^= 1

    with pytest.raises(DecodingError, match="can't be decompressed"):
        decoded([bytes(body)], "gzip")
