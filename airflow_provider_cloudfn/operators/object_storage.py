"""Bodies in object storage: where an answer of any size goes, and where the files of a form come from."""

from __future__ import annotations

import errno
import mimetypes
import os
import stat
import uuid
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from msgspec import Struct

from airflow_provider_cloudfn.exceptions import ConfigurationError, in_words

if TYPE_CHECKING:
    from airflow.sdk import ObjectStoragePath

    from airflow_provider_cloudfn.client.body import FilePart
    from airflow_provider_cloudfn.client.sink import StoredBody

__all__ = ["ObjectStorageSink", "described", "form_files", "storage_path"]

_LOCAL = ("", "file", "local")


class ObjectStorageSink(Struct, frozen=True):
    """
    A file of an object storage, which the body of an answer goes into.

    :param path: Where it is.
    """

    path: ObjectStoragePath

    @classmethod
    def at(cls, path: Any, parameter: str = "response_file") -> ObjectStorageSink:
        """
        Return the file at a path.

        :param path: An ``ObjectStoragePath``, or its text: ``s3://aws_default@bucket/orders.csv``, ``file:///tmp/orders.csv``.
        :param parameter: What said so, for errors.
        :raises ConfigurationError: when it is none.
        """
        place = storage_path(parameter, path)
        # A pipe or a device is not replaced, and an object is there at once when its upload ends.
        if place.protocol not in _LOCAL or not place.name or (place.exists() and not place.is_file()):
            return cls(place)
        # A link stays one: what it points to is replaced.
        replaced = Path(os.path.realpath(place.path))
        beside = replaced.with_name(f".{replaced.name}.{uuid.uuid4().hex}.part")
        return _LocalFile(place, replaced, place.parent.joinpath(str(beside)))

    def check(self) -> None:
        """Raise what opening it would, as far as that can be known without asking the storage."""
        if self.path.protocol not in _LOCAL:
            self.path.fs  # noqa: B018 - to ask for it looks for its connection, and the library for it
        elif self.path.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        elif not os.access(self.path.path, os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    def open(self) -> BinaryIO:
        """Open it for writing, empty, whatever an earlier attempt has left."""
        return cast("BinaryIO", self.path.open("wb"))  # type: ignore[no-untyped-call]  # Airflow's has no types

    def keep(self) -> None:
        """Put what was written in its place."""

    def discard(self) -> None:
        """Remove what a failed attempt has written; a pipe or a device of this machine is not that."""
        if self.path.protocol not in _LOCAL:
            self.path.unlink(missing_ok=True)


class _LocalFile(ObjectStorageSink, frozen=True):
    """
    A file of this machine's own disk: written beside its place, so that one that was there stays until the new one is whole.

    :param replaced: Its place, links followed.
    :param written: Where it is written first.
    """

    replaced: Path
    written: ObjectStoragePath

    def check(self) -> None:
        self._create()
        self.discard()
        earlier, folder = _stat(self.replaced), self.replaced.parent.stat()
        if earlier and folder.st_mode & stat.S_ISVTX and os.geteuid() not in (0, folder.st_uid, earlier.st_uid):
            raise PermissionError(errno.EPERM, "a file in a sticky folder can be replaced by its owner only")

    def open(self) -> BinaryIO:
        self.discard()
        self._create()
        return cast("BinaryIO", self.written.open("wb"))  # type: ignore[no-untyped-call]  # Airflow's has no types

    def keep(self) -> None:
        part = Path(self.written.path)
        if earlier := _stat(self.replaced):
            _share_as(part, earlier)
        part.replace(self.replaced)

    def discard(self) -> None:
        Path(self.written.path).unlink(missing_ok=True)

    def _create(self) -> None:
        # Who may not read what it replaces must not read it half written either.
        mode = 0o600 if _stat(self.replaced) else 0o666
        os.close(os.open(self.written.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode))


def _stat(file: Path) -> os.stat_result | None:
    try:
        return file.stat()
    except FileNotFoundError:
        return None


def _share_as(file: Path, earlier: os.stat_result) -> None:
    """Give a file, which only its owner may read, the mode of the one that it replaces, and where that can be its owner."""
    try:
        os.chown(file, earlier.st_uid, earlier.st_gid)
    except OSError:
        with suppress(OSError):
            os.chown(file, -1, earlier.st_gid)
    mode = earlier.st_mode & 0o777
    if file.stat().st_gid != earlier.st_gid:
        # Another group may do what everybody may.
        mode = mode & 0o707 | (mode & 0o007) << 3
    # Some file systems have no modes of their own: that is no reason to lose an answer.
    with suppress(OSError):
        file.chmod(mode)


def described(path: str, stored: StoredBody) -> dict[str, Any]:
    """Return what a step returns in place of a body that is in a file."""
    return {"path": path, "size": stored.size, "media_type": stored.media_type, "sha256": stored.sha256}


def form_files(files: Any) -> dict[str, list[FilePart]]:
    """
    Read the files of a form.

    :param files: Paths, or lists of paths, by the name of the form's field.
    :raises ConfigurationError: when one can't be read, or it is no map of paths.
    """
    if not isinstance(files, Mapping):
        raise ConfigurationError(f"files: must be a map of paths, not {in_words(files)}")
    return {
        str(name): [_part(f'files["{name}"]', path) for path in (given if _is_list(given) else [given])]
        for name, given in files.items()
    }


def _is_list(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str)


def _part(place: str, given: Any) -> FilePart:
    from airflow_provider_cloudfn.client.body import FilePart
    from airflow_provider_cloudfn.client.sink import unreadable

    path = storage_path(place, given)
    try:
        content = path.read_bytes()
    except Exception as error:  # each storage has its own
        raise unreadable(f"{place}: {path} can't be read", error) from error
    return FilePart(path.name, content, mimetypes.guess_type(path.name)[0] or "application/octet-stream")


def storage_path(place: str, given: Any) -> ObjectStoragePath:
    """
    Return a path of an object storage.

    :param place: What said where it is, for errors.
    :param given: An ``ObjectStoragePath`` or its text.
    :raises ConfigurationError: when it is none.
    """
    from airflow.sdk import ObjectStoragePath

    if isinstance(given, ObjectStoragePath):
        return given
    if not isinstance(given, str) or not given:
        found = "empty text" if given == "" else in_words(given)
        raise ConfigurationError(f"{place}: must be an ObjectStoragePath or its text, not {found}")
    if "://" not in given and not PurePath(given).is_absolute():
        raise ConfigurationError(
            f"{place}: {given!r} is relative, and the folder in which a worker runs is anywhere; write such as "
            "'s3://aws_default@bucket/orders.csv' or 'file:///tmp/orders.csv'"
        )
    try:
        return ObjectStoragePath(given)
    except (ValueError, ImportError) as error:
        raise ConfigurationError(
            f"{place}: {given!r} is no path of an object storage that is installed here ({type(error).__name__}); "
            "write such as 's3://aws_default@bucket/orders.csv' or 'file:///tmp/orders.csv'"
        ) from None
