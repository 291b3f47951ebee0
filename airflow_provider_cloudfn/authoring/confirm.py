"""The question to a service whether a request was carried out of which nobody knows."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

__all__ = ["Confirm", "on_unknown_problem", "unasked_problem"]


class Confirm(Struct, frozen=True, kw_only=True):
    """
    Ask the service whether a request was carried out, before it is sent again: a GET over the same connection.

    ``uri``, ``query`` and ``headers`` are what they are of the operator. The answer is judged where its status is 2xx, 404 or
    410; any other is an error, and the task's next try asks again.

    :param uri: CEL: the path below the connection's base URL.
    :param query: The query, as a dict.
    :param headers: The headers, as a dict.
    :param done_when: CEL over ``response`` and the rest: whether it was carried out. Where it is false, the request is sent; so
        it must not be false while the service is still at work on it.
    :param returns: CEL over ``response`` and the rest: what the step returns then. Default: the operator's ``returns``, over
        this answer.
    """

    uri: Any
    done_when: Any
    query: Any = None
    headers: Any = None
    returns: Any = None


def on_unknown_problem(value: Any) -> str | None:
    """Say what is wrong with what is to be done when it is not known whether a request was carried out."""
    if isinstance(value, Confirm) or (isinstance(value, str) and value in ("fail", "resend")):
        return None
    return f"must be 'fail', 'resend' or Confirm(…), not {value!r}"


def unasked_problem(value: Any) -> str | None:
    """Say what is wrong with such a value where there is nobody to ask."""
    if isinstance(value, Confirm):
        return "can't be Confirm(…): the address that takes events has nothing to ask; write 'fail' or 'resend'"
    return None if on_unknown_problem(value) is None else f"must be 'fail' or 'resend', not {value!r}"
