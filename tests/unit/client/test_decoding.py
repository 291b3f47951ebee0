"""How compressed bodies are read: piece by piece, to their end, and no further."""

from __future__ import annotations

import contextlib
import gzip
import itertools
import sys
import zlib
from importlib import import_module
from types import SimpleNamespace
from typing import Any

import brotli
import brotlicffi
import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_cloudfn.client import decoding
from airflow_provider_cloudfn.client.decoding import ACCEPT_ENCODING, BodyDecoder, DecodingError

zstd: Any = import_module("compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd")

ENCODINGS = [
    "gzip", "x-gzip", "deflate", "GZIP", "br", "zstd", "gzip, identity", "deflate, gzip", "zstd, br", "br, gzip",
]  # fmt: skip
COMPRESS = {
    "gzip": gzip.compress,
    "x-gzip": gzip.compress,
    "deflate": zlib.compress,
    "br": brotli.compress,
    "zstd": zstd.compress,
    "identity": bytes,
}


def encoded(content: bytes, encoding: str) -> bytes:
    for name in encoding.lower().split(","):
        content = COMPRESS[name.strip()](content)
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


@given(st.lists(st.binary(max_size=50), min_size=1, max_size=4), st.lists(st.integers(0, 10_000), max_size=8))
def test_frames_in_a_row_are_one_body_however_they_are_cut(frames: list[bytes], places: list[int]) -> None:
    whole = b"".join(zstd.compress(frame) for frame in frames)

    assert decoded(cut(whole, places), "zstd") == b"".join(frames)


@given(st.binary(max_size=200), st.sampled_from(["gzip", "deflate", "br", "zstd"]))
def test_any_bytes_are_decoded_or_refused(content: bytes, encoding: str) -> None:
    with contextlib.suppress(DecodingError):
        assert isinstance(decoded([content], encoding), bytes)


@pytest.mark.parametrize(
    "encoding",
    ["", "identity", " , ", "none", "aws-chunked", "binary", "UTF-8", "utf8", "ISO-8859-1", "us-ascii, identity"],
)
def test_without_an_encoding_nothing_is_undone(encoding: str | None) -> None:
    assert decoded([b"\x1f\x8b", b"", b"abc"], encoding) == b"\x1f\x8babc"


@pytest.mark.parametrize("encoding", ["compress", "gzip, x-br", "gzip, gzip, gzip", "x", "utf-8, x", "base64"])
def test_an_encoding_that_nobody_asked_for_is_refused_once_there_is_a_body(encoding: str) -> None:
    assert decoded([], encoding) == b""

    with pytest.raises(DecodingError, match="none of those that were asked for") as caught:
        decoded([b"x"], encoding)

    assert not caught.value.retryable


@pytest.mark.parametrize(
    "encoding", ["gzip", "gzip, gzip", "deflate", "br", "zstd", "br, br", "zstd, zstd", "gzip, br"]
)
def test_a_small_piece_becomes_large_ones_of_a_bounded_size(encoding: str) -> None:
    decoder = BodyDecoder(encoding)

    sizes = [len(part) for part in decoder.feed(encoded(b"\0" * 5_000_000, encoding))]

    assert sum(sizes) == 5_000_000
    assert max(sizes) <= 512 * 1024


def test_a_bomb_is_decoded_no_further_than_it_is_read() -> None:
    """The 2 GiB that this one holds would not fit into the memory of many a worker."""
    bomb = zstd.compress(zstd.compress(b"\0" * 2**26) * 32)

    parts = BodyDecoder("zstd, zstd").feed(bomb)

    assert sum(len(part) for part in itertools.islice(parts, 8)) <= 8 * 512 * 1024


def test_a_frame_that_needs_more_memory_than_http_allows_is_refused() -> None:
    options = {zstd.CompressionParameter.window_log: 24, zstd.CompressionParameter.content_size_flag: 0}
    compressor = zstd.ZstdCompressor(options=options)
    frame = compressor.compress(b"some text") + compressor.flush()

    with pytest.raises(DecodingError, match="can't be decompressed"):
        decoded([frame], "zstd")


@pytest.mark.parametrize(
    ("installed", "asked_for"),
    [
        ({"brotli": brotli, "backports.zstd": zstd}, ["gzip", "deflate", "br", "zstd"]),
        ({"brotlicffi": brotlicffi}, ["gzip", "deflate", "br"]),
        ({"compression.zstd": zstd}, ["gzip", "deflate", "zstd"]),
        ({"brotli": SimpleNamespace(Decompressor=object)}, ["gzip", "deflate"]),
        ({}, ["gzip", "deflate"]),
    ],
)
def test_what_can_t_be_decoded_within_bounds_is_not_asked_for(
    monkeypatch: pytest.MonkeyPatch, installed: dict[str, Any], asked_for: list[str]
) -> None:
    def import_module(name: str) -> Any:
        if name not in installed:
            raise ImportError(name)
        return installed[name]

    monkeypatch.setattr(decoding, "import_module", import_module)

    codings = decoding._installed_codings()

    assert list(codings) == asked_for
    if "br" in codings:
        assert b"".join(codings["br"]().feed(brotli.compress(b"abc"))) == b"abc"


def test_what_can_be_decoded_here_is_asked_for() -> None:
    assert ACCEPT_ENCODING == "gzip, deflate, br, zstd"


@pytest.mark.parametrize("kept", [1, 9, 12, -9, -1])
@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd"])
def test_a_body_without_its_end_is_none(encoding: str, kept: int) -> None:
    with pytest.raises(DecodingError, match="ends in the middle"):
        decoded([encoded(b"some text", encoding)[:kept]], encoding)


def test_a_second_member_without_its_end_is_none() -> None:
    with pytest.raises(DecodingError, match="ends in the middle"):
        decoded([gzip.compress(b"a") + gzip.compress(b"b")[:-1]], "gzip")


@pytest.mark.parametrize("padding", [b"\0", b"\0" * 1000, b"\x1f", b"\r\n", b"\0" + gzip.compress(b"evil", mtime=0)])
@pytest.mark.parametrize("apart", [False, True])
def test_a_little_padding_is_ignored(padding: bytes, apart: bool) -> None:
    body = gzip.compress(b"ok")

    assert decoded([body, padding] if apart else [body + padding], "gzip") == b"ok"


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
def test_padding_without_end_is_refused(encoding: str) -> None:
    with pytest.raises(DecodingError, match="goes on behind its end"):
        decoded([encoded(b"ok", encoding), *[b"\0" * 10_000] * 7], encoding)


@pytest.mark.parametrize("encoding", ["br", "zstd"])
@pytest.mark.parametrize("apart", [False, True])
def test_padding_behind_what_allows_none_is_refused(encoding: str, apart: bool) -> None:
    body = encoded(b"ok", encoding)

    with pytest.raises(DecodingError, match="can't be decompressed"):
        decoded([body, b"\0" * 10] if apart else [body + b"\0" * 10], encoding)


def test_a_wrong_checksum_is_seen() -> None:
    body = bytearray(gzip.compress(b"some text"))
    body[-6] ^= 1

    with pytest.raises(DecodingError, match="can't be decompressed"):
        decoded([bytes(body)], "gzip")
