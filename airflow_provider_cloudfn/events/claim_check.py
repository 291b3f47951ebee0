"""
Payloads that are too large for an event: they lie in an object storage, and the record says where.

The reference is that of CloudEvents' claim check, the extension attribute ``dataref``. It is followed only to what was put there
from here: a record can come from anybody who may create an asset event, and no expression reads a file of his choice.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from airflow_provider_cloudfn.configuration import options
from airflow_provider_cloudfn.events.record import is_record
from airflow_provider_cloudfn.exceptions import ConfigurationError
from airflow_provider_cloudfn.json_encoding import encode_json, restored

if TYPE_CHECKING:
    from airflow.sdk import ObjectStoragePath

    from airflow_provider_cloudfn.events.record import CompletionRecord

__all__ = ["event_storage", "is_elsewhere", "payload_of", "put_aside", "put_payload", "with_payload"]

_OPTION: Final = "[cloudfn] event_storage"
_SUCH_AS: Final = "write such as 's3://aws_default@bucket/events'"
#: The record's id and the digest of what it carries: who reads it can tell that it is this, and whole.
_NAME: Final = re.compile(r"[0-9a-f-]{36}-(?P<digest>[0-9a-f]{64})\.json")


def event_storage() -> str | None:
    """
    Return where large payloads go (``[cloudfn] event_storage``); None where nowhere.

    :raises ConfigurationError: for what is no path of an object storage that is installed here, or a place that depends on where
        a process was started.
    """
    folder = options.text("event_storage").rstrip("/")
    if not folder:
        return None
    if "://" not in folder and not folder.startswith("/"):
        raise ConfigurationError(f"{_OPTION}: {folder!r} is a place of each process's own; {_SUCH_AS}")
    _path(folder)
    return folder


def put_aside(record: CompletionRecord, folder: str) -> CompletionRecord:
    """
    Write what a record carries into the storage, and return the record with the reference to it.

    :param record: A record with its payload.
    :param folder: What :func:`event_storage` returned.
    """
    return replace(record, result=None, dataref=put_payload(record.result, record.id, folder))


def put_payload(payload: Any, record_id: str, folder: str) -> str:
    """
    Write a payload into the storage, and return the reference to it.

    :param payload: The payload, as JSON has it.
    :param record_id: A UUID: the record's id, or what stands for it.
    :param folder: What :func:`event_storage` returned.
    """
    content = encode_json(payload).encode()
    reference = f"{folder}/{record_id}-{hashlib.sha256(content).hexdigest()}.json"
    path: Any = _path(reference)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return reference


def payload_of(extra: object) -> Any:
    """
    Return what an asset event carries: the record's payload, wherever it lies, or the extra itself where it is no record.

    :param extra: An asset event's extra, or a record from XCom.
    :raises ConfigurationError: for a payload that lies where none of ours can, or is not the one that was put there.
    """
    if not is_record(extra):
        return extra
    return _read(extra["metadata"]["dataref"]) if is_elsewhere(extra) else extra["result"]


def with_payload(record: Mapping[str, Any]) -> Mapping[str, Any]:
    """
    Return a record whose payload is read when it is asked for, where it lies in an object storage.

    :param record: A record as a map.
    """
    return _Referring(record) if is_elsewhere(record) else record


def is_elsewhere(record: Mapping[str, Any]) -> bool:
    """
    Return whether a record's payload lies in an object storage.

    :param record: A record as a map.
    """
    return record["metadata"].get("dataref") is not None and record["result"] is None


class _Referring(Mapping[str, Any]):
    """A record whose payload is read when it is asked for, once."""

    def __init__(self, record: Mapping[str, Any]) -> None:
        self._record = dict(record)
        self._is_read = False

    def __getitem__(self, name: str) -> Any:
        if name == "result" and not self._is_read:
            self._record[name], self._is_read = payload_of(self._record), True
        return self._record[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._record)

    def __len__(self) -> int:
        return len(self._record)


def _read(reference: Any) -> Any:
    folder = event_storage()
    if folder is None:
        raise ConfigurationError(f"the event's payload lies at {reference!r}, and {_OPTION} is empty: set it here too")
    place, _, name = str(reference).rpartition("/")
    known = _NAME.fullmatch(name)
    if place != folder or known is None:
        raise ConfigurationError(
            f"the event's payload lies at {reference!r}, which is not a payload below {_OPTION} ({folder}): nothing else is read"
        )
    path: Any = _path(reference)
    try:
        content: bytes = path.read_bytes()
    except FileNotFoundError:
        raise ConfigurationError(
            f"the event's payload was at {reference!r}, and is gone: keep what is there as long as events and their runs"
        ) from None
    if hashlib.sha256(content).hexdigest() != known["digest"]:
        raise ConfigurationError(
            f"what lies at {reference!r} is not the payload that was put there (its digest differs)"
        )
    return restored(json.loads(content))


def _path(text: str) -> ObjectStoragePath:
    from airflow.sdk import ObjectStoragePath

    try:
        return ObjectStoragePath(text)
    except (ValueError, ImportError) as error:
        raise ConfigurationError(
            f"{_OPTION}: {text!r} is no path of an object storage that is installed here ({type(error).__name__}); {_SUCH_AS}"
        ) from None
