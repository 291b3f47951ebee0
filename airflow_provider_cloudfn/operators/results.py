"""
The results of many calls, as JSON Lines in an object storage or as a list: kept in parts, so that a retry goes on.

An object storage can't be appended to, and a task can end at any moment: so what is done is written as parts, each whole
and never changed, and in the end the parts become the one file.
"""

from __future__ import annotations

import hashlib
import itertools
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, Protocol, cast

from msgspec import Struct

from airflow_provider_cloudfn.client.sink import unreadable, unwritable
from airflow_provider_cloudfn.exceptions import CloudFunctionError, ConfigurationError, LimitError
from airflow_provider_cloudfn.journal.rows import way_anew
from airflow_provider_cloudfn.json_encoding import encode_json, parse_foreign_json
from airflow_provider_cloudfn.operators.key_text import digest_of
from airflow_provider_cloudfn.operators.object_storage import ObjectStorageSink, storage_path
from airflow_provider_cloudfn.operators.storable import xcom_limit

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from airflow.sdk import ObjectStoragePath

    from airflow_provider_cloudfn.authoring.variables import TaskVariables

__all__ = ["Parts", "Results", "results_at"]

#: Characters that wait in memory for the next part.
_BUFFER: Final = 4 * 1024 * 1024
_CHUNK: Final = 1024 * 1024


class Parts(Protocol):
    """Where parts are kept over the tries of a task."""

    def write(self, number: int, text: str) -> None:
        """Write a part, over one of the same number that an earlier try has left."""

    def read(self, number: int) -> str:
        """Return a part."""

    def remove(self, count: int) -> None:
        """Remove the parts below a number."""


class Results:
    """Takes results one after the other. By itself it keeps nothing over the end of its process."""

    #: Whether so much waits in memory that it is time for `keep`.
    is_full = False
    #: How many bytes of JSON `finish` returns; None where that was not counted.
    size: int | None = None

    def __init__(self) -> None:
        #: How many parts there are: all that was added before is in them after `keep`.
        self.parts = 0
        #: How many results there are.
        self.count = 0

    def check(self) -> None:
        """Refuse a place that can't be written, before anything is sent."""

    def add(self, *values: Any) -> None:
        """Add results, values as JSON has them."""
        raise NotImplementedError

    def keep(self) -> None:
        """Let what was added survive the end of this process, as far as it can."""

    def resume(self, parts: int, count: int) -> None:
        """Begin behind what an earlier try has kept."""

    def finish(self) -> Any:
        """Return what the step returns."""
        raise NotImplementedError

    def discard(self, parts: int) -> None:
        """Remove so many parts, with which nobody goes on any more."""


def results_at(path: Any, option: str, variables: TaskVariables, parts: Parts | None = None) -> Results:
    """
    Return what takes results.

    :param path: The path of a file of JSON Lines; None for a list, which goes into XCom.
    :param option: The option that has them, such as ``pages``, for errors.
    :param variables: What expressions can name: parts of a file are those of one task instance.
    :param parts: Where those of a list survive the end of the process; None where they don't.
    :raises ConfigurationError: when the path is none.
    """
    if path is None:
        return _ListResults(parts, option)
    parameter = f"{option}.results"
    sink = ObjectStorageSink.at(path, parameter)
    return _RehearsedFile(sink) if variables.are_rehearsed else _StoredResults(sink, parameter, variables["run"])


class _ListResults(Results):
    """
    Results that go into XCom.

    :param parts: Where they survive the end of the process; None where they don't.
    :param remedy: What the error says to give instead, such as ``pages``.
    """

    size: int

    def __init__(self, parts: Parts | None, remedy: str) -> None:
        super().__init__()
        self._kept = parts
        self._remedy = remedy
        self._values: list[Any] = []
        self._waiting: list[str] = []
        self.size = 1
        self._limit = xcom_limit()

    def add(self, *values: Any) -> None:
        if not values:
            return
        text = encode_json(values)
        # Instead of its brackets there is a comma.
        self.size += (len(text) if text.isascii() else len(text.encode())) - 1
        if self._limit and self.size > self._limit:
            raise LimitError(
                f"{self._remedy}: the results have more than {self._limit:,} bytes as JSON, which is what XCom takes ([cloudfn] "
                f'xcom_limit): say with {self._remedy}\'s results= where they go, such as results="s3://…/orders.jsonl", or '
                "return less with returns="
            )
        self.count += len(values)
        self._values += values
        if self._kept is not None:
            self._waiting.append(text)

    def keep(self) -> None:
        if self._kept is not None and self._waiting:
            self._kept.write(self.parts, "\n".join(self._waiting))
            self._waiting.clear()
            self.parts += 1

    def resume(self, parts: int, count: int) -> None:
        if self._kept is None:
            raise ConfigurationError(f"{self._remedy}: what an earlier try has done was kept nowhere")
        for number in range(parts):
            for line in self._kept.read(number).split("\n"):
                self.add(*parse_foreign_json(line))
        self._waiting.clear()
        self.parts = parts
        if self.count != count:
            raise ConfigurationError(
                f"{self._remedy}: an earlier try has kept {count:,} results, and {self.count:,} are there: "
                f"{way_anew(self._remedy)}"
            )

    def finish(self) -> list[Any]:
        return self._values

    def discard(self, parts: int) -> None:
        if self._kept is not None:
            self._kept.remove(parts)


class _RehearsedFile(Results):
    """
    The file of a rehearsal, which is left alone: it has one try, and asks no storage.

    :param sink: Where it would be.
    """

    def __init__(self, sink: ObjectStorageSink) -> None:
        super().__init__()
        self._sink = sink
        self._digest = hashlib.sha256()
        self._size = 0

    def add(self, *values: Any) -> None:
        for value in values:
            line = f"{encode_json(value)}\n".encode()
            self.count += 1
            self._digest.update(line)
            self._size += len(line)

    def finish(self) -> dict[str, Any]:
        return _description(self._sink, self.count, self._size, self._digest)


class _StoredResults(Results):
    """
    Results that go into a file of JSON Lines.

    :param sink: Where that is to be.
    :param parameter: What it is called, for errors.
    :param run: The run, of which other runs and other instances of a mapped step have other parts.
    """

    def __init__(self, sink: ObjectStorageSink, parameter: str, run: Mapping[str, Any]) -> None:
        super().__init__()
        self._sink = sink
        self._parameter = parameter
        self._kept = _FolderParts(storage_path(parameter, f"{sink.path}.parts-{_owner(run)}"), parameter)
        self._waiting: list[str] = []
        self._waiting_size = 0

    def check(self) -> None:
        try:
            try:
                self._sink.check()
            except FileNotFoundError:
                # As an object storage does: a folder is there as soon as something is put into it.
                self._sink.path.parent.mkdir(parents=True, exist_ok=True)
                self._sink.check()
        except Exception as error:
            message = f"{self._parameter}: nothing was sent, because the results can't be written where they should go"
            raise unwritable(message, error, never_sent=True) from error

    def add(self, *values: Any) -> None:
        for value in values:
            text = encode_json(value)
            self.count += 1
            self._waiting.append(text)
            self._waiting_size += len(text)

    @property
    def is_full(self) -> bool:  # type: ignore[override]  # of the others it is always the same
        return self._waiting_size > _BUFFER

    def keep(self) -> None:
        if self._waiting:
            self._kept.write(self.parts, "\n".join(self._waiting) + "\n")
            self._waiting.clear()
            self._waiting_size = 0
            self.parts += 1

    def resume(self, parts: int, count: int) -> None:
        if parts:
            # Before anything is sent: a path that is another one on each try would be known at the end only.
            self._kept.require(parts - 1)
        self.parts, self.count = parts, count

    def finish(self) -> dict[str, Any]:
        self.keep()
        digest, size = hashlib.sha256(), 0
        try:
            with self._sink.open() as target:
                for number in range(self.parts):
                    for chunk in self._kept.chunks(number):
                        digest.update(chunk)
                        size += len(chunk)
                        target.write(chunk)
            self._sink.keep()
        except BaseException as error:
            with suppress(Exception):
                self._sink.discard()
            if isinstance(error, Exception) and not isinstance(error, CloudFunctionError):
                raise self._kept.unwritable(self._sink.path, error) from error
            raise
        return _description(self._sink, self.count, size, digest)

    def discard(self, parts: int) -> None:
        self._kept.remove(parts)


def _description(sink: ObjectStorageSink, count: int, size: int, digest: hashlib._Hash) -> dict[str, Any]:
    return {"path": str(sink.path), "count": count, "size": size, "sha256": digest.hexdigest()}


def _owner(run: Mapping[str, Any]) -> str:
    """Return what names a task instance over its tries."""
    names = [run[name] for name in ("dag_id", "id", "task_id", "map_index")]
    return digest_of(encode_json(names), 16)


class _FolderParts(Struct, frozen=True):
    """
    Parts in a folder of an object storage.

    :param parameter: What said where it is, for errors.
    """

    folder: ObjectStoragePath
    parameter: str

    def write(self, number: int, text: str) -> None:
        """Write a part."""
        content = text.encode()
        try:
            try:
                self._put(number, content)
            except FileNotFoundError:
                # An object storage has no folders: to make one there is to ask for its bucket, which not everybody may.
                self.folder.mkdir(parents=True, exist_ok=True)
                self._put(number, content)
        except Exception as error:  # each storage has its own
            raise self.unwritable(self.folder, error) from error

    def _put(self, number: int, content: bytes) -> None:
        with self._file(number).open("wb") as opened:  # type: ignore[no-untyped-call]  # Airflow's has no types
            opened.write(content)

    def unwritable(self, place: ObjectStoragePath, error: Exception) -> CloudFunctionError:
        """Return the error of a place that can't be written."""
        return unwritable(
            f"{self.parameter}: what was done before is kept, and the next try goes on; {place} can't be written", error
        )

    def read(self, number: int) -> str:
        """Return a part."""
        return b"".join(self.chunks(number)).decode()

    def chunks(self, number: int) -> Iterator[bytes]:
        """
        Yield the bytes of a part.

        :raises CloudFunctionError: when it can't be read.
        """
        try:
            with self._file(number).open("rb") as opened:  # type: ignore[no-untyped-call]  # Airflow's has no types
                while chunk := cast("bytes", opened.read(_CHUNK)):
                    yield chunk
        except Exception as error:  # each storage has its own
            raise self._unreadable(number, error) from error

    def require(self, number: int) -> None:
        """
        Refuse a folder without a part.

        :raises CloudFunctionError: when it is not there, or the storage can't say.
        """
        try:
            if self._file(number).exists():
                return
        except Exception as error:  # each storage has its own
            raise self._unreadable(number, error) from error
        raise self._unreadable(number, FileNotFoundError())

    def _unreadable(self, number: int, error: Exception) -> CloudFunctionError:
        file = self._file(number)
        if isinstance(error, FileNotFoundError):
            return ConfigurationError(
                f"{self.parameter}: {file}, which an earlier try has written, is not there. Give {self.parameter} the same path "
                "on every try, the one that it had then; where that is gone, "
                f"{way_anew(self.parameter.partition('.')[0])}"
            )
        return unreadable(f"{self.parameter}: what was done before is kept, and can't be read now at {file}", error)

    def remove(self, count: int) -> None:
        """Remove the parts below a number, those behind them that a try has left which was killed, and the folder."""
        try:
            for number in itertools.count():
                file = self._file(number)
                if number >= count and not file.exists():
                    break
                file.unlink(missing_ok=True)
            self.folder.rmdir()
        except Exception:  # each storage has its own
            return  # What can't be removed does no harm: the next run writes over it.

    def _file(self, number: int) -> ObjectStoragePath:
        return self.folder / f"{number:06d}.jsonl"
