"""Bodies in object storage: where an answer of any size goes, and where the files of a form come from."""

from __future__ import annotations

import mimetypes
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from msgspec import Struct

from airflow_provider_cloudfn.exceptions import ConfigurationError

if TYPE_CHECKING:
    from airflow.sdk import ObjectStoragePath

    from airflow_provider_cloudfn.client.body import FilePart
    from airflow_provider_cloudfn.client.sink import StoredBody

__all__ = ["ObjectStorageSink", "form_files"]


class ObjectStorageSink(Struct, frozen=True):
    """
    A file of an object storage, which the body of an answer goes into.

    On this machine's own disk it is written beside its place, so that a file that was there stays until the new one is whole.

    :param path: Where it is.
    :param written: Where it is written first.
    """

    path: ObjectStoragePath
    written: ObjectStoragePath

    @classmethod
    def at(cls, path: Any) -> ObjectStorageSink:
        """
        Return the file at a path.

        :param path: An ``ObjectStoragePath``, or its text: ``s3://aws_default@bucket/orders.csv``, ``file:///tmp/orders.csv``.
        :raises ConfigurationError: when it is none.
        """
        place = _path("response_file", path)
        # A pipe or a device is not replaced, and an object is there at once when its upload ends.
        beside = place.protocol in ("", "file", "local") and place.name and (place.is_file() or not place.exists())
        return cls(place, place.with_name(f".{place.name}.{uuid.uuid4().hex}.part") if beside else place)

    def open(self) -> BinaryIO:
        """Open it for writing, empty, whatever an earlier attempt has left."""
        return cast("BinaryIO", self.written.open("wb"))  # type: ignore[no-untyped-call]  # Airflow's has no types

    def keep(self) -> None:
        """Put what was written in its place."""
        if self.written != self.path:
            Path(self.written.path).replace(self.path.path)

    def discard(self) -> None:
        """Remove what a failed attempt has written."""
        self.written.unlink(missing_ok=True)

    def described(self, stored: StoredBody) -> dict[str, Any]:
        """
        Return what a step returns in place of the body.

        :param stored: What was written.
        """
        return {
            "path": str(self.path),
            "size": stored.size,
            "media_type": stored.media_type,
            "sha256": stored.sha256,
        }


def form_files(files: Any) -> dict[str, list[FilePart]]:
    """
    Read the files of a form.

    :param files: Paths, or lists of paths, by the name of the form's field.
    :raises ConfigurationError: when one can't be read, or it is no map of paths.
    """
    if not isinstance(files, Mapping):
        raise ConfigurationError(f"files: must be a map of paths, not {type(files).__name__}")
    return {
        str(name): [_part(f'files["{name}"]', path) for path in (given if _is_list(given) else [given])]
        for name, given in files.items()
    }


def _is_list(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str)


def _part(place: str, given: Any) -> FilePart:
    from airflow_provider_cloudfn.client.body import FilePart

    path = _path(place, given)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"{place}: {path} can't be read ({type(error).__name__})") from None
    return FilePart(path.name, content, mimetypes.guess_type(path.name)[0] or "application/octet-stream")


def _path(place: str, given: Any) -> ObjectStoragePath:
    from airflow.sdk import ObjectStoragePath

    if isinstance(given, ObjectStoragePath):
        return given
    if not isinstance(given, str) or not given:
        raise ConfigurationError(f"{place}: must be an ObjectStoragePath or its text, not {type(given).__name__}")
    try:
        return ObjectStoragePath(given)
    except (ValueError, ImportError) as error:
        raise ConfigurationError(
            f"{place}: {given!r} is no path of an object storage that is installed here ({type(error).__name__}); "
            "write such as 's3://aws_default@bucket/orders.csv' or 'file:///tmp/orders.csv'"
        ) from None
