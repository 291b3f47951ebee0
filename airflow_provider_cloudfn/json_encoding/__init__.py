"""
JSON text (RFC 8259): the one way in which values become it, and in which it is read.

Request bodies, completion records and ``json.encode`` of expressions are written here; answers, ``json.decode`` and the JSON text
of authors are read here.
"""

from __future__ import annotations

from airflow_provider_cloudfn.json_encoding.numbers import JsonNumber, number_of, restored
from airflow_provider_cloudfn.json_encoding.reading import (
    MOST_VALUES,
    RepeatedKeyError,
    TooManyValuesError,
    has_half_characters,
    parse_foreign_json,
    read_json,
)
from airflow_provider_cloudfn.json_encoding.times import duration_text, timestamp_text
from airflow_provider_cloudfn.json_encoding.writing import (
    MOST_CHARACTERS,
    JsonValue,
    encode_json,
    to_json_value,
)

__all__ = [
    "MOST_CHARACTERS",
    "MOST_VALUES",
    "JsonNumber",
    "JsonValue",
    "RepeatedKeyError",
    "TooManyValuesError",
    "duration_text",
    "encode_json",
    "has_half_characters",
    "number_of",
    "parse_foreign_json",
    "read_json",
    "restored",
    "timestamp_text",
    "to_json_value",
]
