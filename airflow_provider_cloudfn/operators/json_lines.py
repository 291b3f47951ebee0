"""Items that stand in a file of JSON Lines, read as a stream."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_cloudfn.client.sink import unreadable
from airflow_provider_cloudfn.exceptions import CloudFunctionError, ConfigurationError
from airflow_provider_cloudfn.json_encoding import parse_foreign_json
from airflow_provider_cloudfn.operators.object_storage import storage_path

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["lines_of"]


def lines_of(path: Any) -> Iterator[Any]:
    """
    Yield the values of a file of JSON Lines, one at a time.

    :raises CloudFunctionError: when it can't be read, or a line of it is no JSON.
    """
    place = storage_path("for_each", path)
    try:
        with place.open("rb") as opened:  # type: ignore[no-untyped-call]  # Airflow's has no types
            for number, line in enumerate(opened, start=1):
                if line.strip():
                    yield _value_of(line, f"for_each: line {number} of {place}", is_first=number == 1)
    except CloudFunctionError:
        raise
    except Exception as error:  # each storage has its own
        raise unreadable(f"for_each: {place} can't be read", error) from error


def _value_of(line: bytes, where: str, *, is_first: bool) -> Any:
    try:
        return parse_foreign_json(line.decode("utf-8-sig" if is_first else "utf-8"))
    except ValueError as error:
        raise ConfigurationError(f"{where} is no JSON: {error}") from None
