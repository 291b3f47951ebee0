"""The text of a value, where a query or a header wants text."""

from __future__ import annotations

from airflow_provider_cloudfn.cel.faults import Fault
from airflow_provider_cloudfn.exceptions import ExpressionError

__all__ = ["to_text"]


def to_text(value: object) -> str:
    """
    Return the text of a scalar, as CEL's ``string()`` does: ``true``, ``12``, RFC 3339 of a datetime, ``3600s`` of a timedelta.

    :param value: A result of an expression, or any such Python value.
    :raises ExpressionError: for a list, a map, null, bytes that are no UTF-8, and what is no value of CEL.
    """
    if type(value) is str:
        return value
    from airflow_provider_cloudfn.cel.functions.conversions import text_of

    try:
        return text_of(value)
    except Fault as fault:
        message = fault.message
    raise ExpressionError(message)
