"""What goes into a sink, and what is left of it when that fails."""

from __future__ import annotations

import asyncio
import hashlib
import io
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_cloudfn.client import sink as sinks
from airflow_provider_cloudfn.client.sink import BodyWriter, StoredBody, check, keep
from airflow_provider_cloudfn.exceptions import CommunicationError, ConfigurationError

if TYPE_CHECKING:
    from pathlib import Path

WHERE = "GET https://h/v1"


class FileSink:
    """A file on disk."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def check(self) -> None:
        pass

    def open(self) -> Any:
        return self._path.open("wb")

    def keep(self) -> None:
        pass

    def discard(self) -> None:
        self._path.unlink(missing_ok=True)


class FailingSink:
    """A storage that fails at one thing."""

    def __init__(self, at: str, error: Exception) -> None:
        self.at = at
        self.error = error
        self.discarded = 0

    def open(self) -> Any:
        sink = self

        class File(io.BytesIO):
            def write(self, piece: Any) -> int:
                sink.fail("write")
                return super().write(piece)

            def close(self) -> None:
                if not self.closed:
                    super().close()
                    sink.fail("close")

        self.fail("open")
        return File()

    def check(self) -> None:
        self.fail("check")

    def keep(self) -> None:
        self.fail("keep")

    def discard(self) -> None:
        self.discarded += 1

    def fail(self, at: str) -> None:
        if at == self.at:
            raise self.error


def write(sink: Any, *pieces: bytes) -> StoredBody:
    async def run() -> StoredBody:
        async with BodyWriter(sink, WHERE) as writer:
            for piece in pieces:
                await writer.write(piece)
        return writer.stored("text/plain")

    return asyncio.run(run())


@pytest.mark.parametrize("pieces", [(), (b"a",), (b"a" * 700_000,) * 5])
def test_what_is_written_is_there_with_size_and_digest(tmp_path: Path, pieces: tuple[bytes, ...]) -> None:
    path = tmp_path / "body"
    stored = write(FileSink(path), *pieces)

    content = b"".join(pieces)
    assert path.read_bytes() == content
    assert stored == StoredBody(len(content), "text/plain", hashlib.sha256(content).hexdigest())


@pytest.mark.parametrize("at", ["open", "write", "close", "keep"])
@pytest.mark.parametrize(
    ("raised", "retryable", "says"),
    [
        (OSError(28, "No space left on device"), True, "No space left on device"),
        (RuntimeError("s3cret of a storage"), True, "RuntimeError"),
        (PermissionError(13, "Permission denied"), False, "Permission denied"),
        (FileNotFoundError(2, "No such file or directory"), False, "No such file or directory"),
        (TimeoutError(), True, "TimeoutError"),
    ],
)
def test_a_storage_that_fails_after_the_answer_is_no_error_of_a_request_that_was_not_sent(
    at: str, raised: Exception, retryable: bool, says: str
) -> None:
    sink = FailingSink(at, raised)

    def write_and_keep() -> None:
        write(sink, b"abc")
        asyncio.run(keep(sink, WHERE))

    with pytest.raises(CommunicationError) as caught:
        write_and_keep()

    message = str(caught.value)
    assert message.startswith(f"{WHERE}: its answer can't be written where it should go ({type(raised).__name__}")
    assert "the request was made, and answered" in message
    assert says in message
    assert "s3cret" not in message
    assert (caught.value.retryable, caught.value.never_sent) == (retryable, False)
    assert sink.discarded == (0 if at == "open" else 1)


@pytest.mark.parametrize(
    ("raised", "kind", "retryable"),
    [
        (FileNotFoundError(2, "No such file or directory"), ConfigurationError, False),
        (NotADirectoryError(20, "Not a directory"), ConfigurationError, False),
        (IsADirectoryError(21, "Is a directory"), ConfigurationError, False),
        (PermissionError(13, "Permission denied"), ConfigurationError, False),
        (ValueError("No filesystem registered for scheme x"), ConfigurationError, False),
        (ImportError("s3fs"), ConfigurationError, False),
        (OSError(28, "No space left on device"), CommunicationError, True),
        (RuntimeError("s3cret of a storage"), CommunicationError, True),
    ],
)
def test_a_storage_that_is_known_to_fail_is_an_error_of_a_request_that_was_not_sent(
    raised: Exception, kind: type[ConfigurationError | CommunicationError], retryable: bool
) -> None:
    with pytest.raises(kind, match=f"{WHERE}: was not sent, because its answer can't be written") as caught:
        asyncio.run(check(FailingSink("check", raised), WHERE))

    assert type(raised).__name__ in str(caught.value)
    assert "s3cret" not in str(caught.value)
    assert (caught.value.retryable, caught.value.never_sent) == (retryable, True)


def test_a_storage_that_hangs_keeps_no_call_from_ending(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sinks, "_PATIENCE", 0.05)
    hangs, over = threading.Event(), threading.Event()

    class Hanging(io.BytesIO):
        def write(self, piece: Any) -> int:
            hangs.set()
            over.wait(30)
            return len(piece)

        def close(self) -> None:
            over.wait(30)

    class HangingSink(FailingSink):
        def open(self) -> Any:
            return Hanging()

    async def run() -> None:
        async with BodyWriter(sink, WHERE) as writer:
            await writer.write(b"a" * 2_000_000)

    async def give_up() -> None:
        writing = asyncio.ensure_future(run())
        while not hangs.is_set():
            await asyncio.wait([writing], timeout=0.005)
        writing.cancel()
        await asyncio.wait([writing])

    sink = HangingSink("nothing", RuntimeError())
    begun = time.monotonic()
    try:
        asyncio.run(give_up())
        assert time.monotonic() - begun < 15
        assert sink.discarded == 1
    finally:
        over.set()


@pytest.mark.parametrize("error", [RuntimeError("reading failed"), asyncio.CancelledError(), KeyboardInterrupt()])
def test_what_was_written_is_discarded_when_reading_fails(tmp_path: Path, error: BaseException) -> None:
    path = tmp_path / "body"

    async def run() -> None:
        async with BodyWriter(FileSink(path), WHERE) as writer:
            await writer.write(b"half")
            raise error

    with pytest.raises(type(error)):
        asyncio.run(run())

    assert not path.exists()
