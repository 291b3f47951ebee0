"""What a rehearsal says, read from the JSON of the command line."""

from __future__ import annotations

import re
from typing import Any, ClassVar, Final

import msgspec

from airflow_provider_cloudfn.auth.redacted import Redacted

__all__ = ["Evaluated", "Rehearsed", "Told", "Variable", "read_rehearsal"]


#: How a command names what a page gives it in a file.
_OF_FORM: Final = re.compile(r"--(?:sample|mock): \S*/cloudfn-try-[^/\s]*/(sample|answer)\.yaml")


class Told(msgspec.Struct, frozen=True):
    """
    Why something failed.

    :param type: The class of the error.
    :param message: What it says, with the place in an expression.
    """

    type: str
    message: str


class Variable(msgspec.Struct, frozen=True):
    """
    A value that expressions can read.

    :param expression: What reads it.
    :param type: Its type.
    :param size: Its length, where it has one.
    :param sample: The beginning of it.
    """

    expression: str
    type: str
    size: int | None
    sample: str

    @property
    def root(self) -> str:
        """The variable that it is a part of."""
        return self.expression.partition(".")[0].partition("[")[0]


class Evaluated(msgspec.Struct, frozen=True):
    """
    An expression of the step.

    :param field: Where it stands.
    :param expression: The expression.
    :param shown: Its value, on one line.
    :param error: Why it has none.
    """

    field: str
    expression: str
    shown: str = ""
    error: str | None = None


class ShownRequest(Redacted, frozen=True):
    """
    A request, secrets as ``***``.

    :param method: The method.
    :param url: Where to, without the query.
    :param query: The query.
    :param headers: The headers.
    :param body: The body.
    """

    _hidden: ClassVar = frozenset({"query", "headers", "body"})

    method: str
    url: str
    query: dict[str, str | list[str]] = msgspec.field(default_factory=dict)
    headers: dict[str, str] = msgspec.field(default_factory=dict)
    body: Any = None


class ShownResponse(Redacted, frozen=True):
    """
    An answer.

    :param status: Its status.
    :param headers: Its headers.
    :param body: Its body.
    """

    _hidden: ClassVar = frozenset({"headers", "body"})

    status: int
    headers: dict[str, str] = msgspec.field(default_factory=dict)
    body: Any = None


class ShownExchange(msgspec.Struct, frozen=True):
    """
    A request and its answer.

    :param request: The request.
    :param response: The answer; None where none came.
    """

    request: ShownRequest
    response: ShownResponse | None = None


class Rehearsed(Redacted, frozen=True, kw_only=True):
    """
    What a rehearsal says: of ``render``, of ``test``, or of ``eval``.

    :param variables: What can be read.
    :param missing: What is read, and is not there.
    :param fields: The step's expressions.
    :param request: The request that would be sent.
    :param sends_to: The method and the origin that it goes to.
    :param items: How many items a batch has, each of which is a call; None where there are none, or that is not known.
    :param exchanges: What was sent, and answered.
    :param returned: What the step returns.
    :param completion_event: The record that it emits.
    :param value: The value of an expression.
    :param type: The type of that value.
    :param notes: What is not as in a run.
    :param error: Why it failed.
    """

    _hidden: ClassVar = frozenset({"returned", "completion_event", "value"})

    variables: list[Variable] = msgspec.field(default_factory=list)
    missing: list[str] = msgspec.field(default_factory=list)
    fields: list[Evaluated] = msgspec.field(default_factory=list)
    request: ShownRequest | None = None
    sends_to: str | None = None
    items: int | None = None
    exchanges: list[ShownExchange] = msgspec.field(default_factory=list)
    returned: Any = None
    completion_event: Any = None
    value: Any = None
    type: str | None = None
    notes: list[str] = msgspec.field(default_factory=list)
    error: Told | None = None


def read_rehearsal(document: bytes) -> Rehearsed:
    """
    Read the document of a command.

    :param document: The JSON.
    :raises msgspec.DecodeError: for anything else.
    """
    read = msgspec.json.decode(document, type=Rehearsed)
    if read.error is None:
        return read
    # Where the command read what stands in the form is nobody's business.
    told = msgspec.structs.replace(read.error, message=_OF_FORM.sub(r"the \1", read.error.message))
    return msgspec.structs.replace(read, error=told)
