"""
What can go wrong, as one tree, drawn by what its reader must do about it.

::

    CloudFunctionError
    ├─ ConfigurationError    (ValueError)       correct a parameter, a connection or a value
    ├─ ExpressionError       (ValueError)       correct a CEL expression, or what it reads
    │  └─ ExpressionLimitError                  let an expression do less (also a LimitError)
    ├─ AuthenticationError                      correct the credentials
    ├─ AuthorizationError                       ask the service for permission
    ├─ RequestTimeoutError   (TimeoutError)     wait longer, or ask the service why it is slow
    ├─ CommunicationError    (ConnectionError)  look at the network, the address, the server
    ├─ ResponseError                            read what the service answered
    ├─ OutcomeUnknownError                      see in the service whether it was done, and say so
    └─ LimitError                               ask for less, or raise the limit

Nothing in a message is a secret: whoever raises one of these has redacted what he quotes. Where a message asks "did you
mean", :func:`nearest_name` or :func:`nearest_or_all` has found what; :func:`in_words` says what a value is instead of what it
should be, and :func:`require_truth` refuses a condition that gives no bool.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from typing import TYPE_CHECKING, Any, Literal, Self

from msgspec import Struct

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Collection, Iterable

__all__ = [
    "AuthenticationError",
    "AuthorizationError",
    "CloudFunctionError",
    "CommunicationError",
    "ConfigurationError",
    "ExpressionError",
    "ExpressionLimitError",
    "ExpressionProblem",
    "LimitError",
    "OutcomeUnknownError",
    "RequestTimeoutError",
    "ResponseError",
    "choice_problem",
    "flag_problem",
    "in_words",
    "nearest_name",
    "nearest_or_all",
    "require_truth",
    "seconds_text",
    "with_end",
]


class CloudFunctionError(Exception):
    """
    The base of every error that this package raises on purpose.

    :param message: What happened, where, and what to do about it.
    :param status: The HTTP status code that was answered, if an answer came.
    :param request_id: The service's own name for the request, to quote to its support.
    :param retryable: Whether the same attempt can succeed later, unchanged.
    :param retry_after: How many seconds the service asked to wait before that.
    :param never_sent: Whether the service provably never got the request.
    :param connection: The connection that it is about; the message goes on behind its name, as in ``, host: is missing``.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        request_id: str | None = None,
        retryable: bool = False,
        retry_after: float | None = None,
        never_sent: bool = False,
        connection: str | None = None,
    ) -> None:
        self.connection = connection
        self.message = message if connection is None else f"connection {connection!r}{message}"
        super().__init__(self.message)
        self.status = status
        self.request_id = request_id
        self.retryable = retryable
        self.retry_after = retry_after
        self.never_sent = never_sent

    def __str__(self) -> str:
        return self.message

    def unnamed(self, connection: str) -> str:
        """
        Return the message without the name of a connection: a test gives it one that nobody has seen before.

        :param connection: The connection that is tested.
        """
        if self.connection != connection:
            return self.message
        return f"The connection{self.message[len(f'connection {connection!r}') :]}"

    def reworded(self, message: str) -> Self:
        """
        Return this very error, with another message.

        :param message: What it says from now on.
        """
        self.connection = None
        self.message = message
        self.args = (message,)
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        # The default would call the class with `args` alone and so refuse, or lose, the keywords: errors cross processes.
        return _restore, (type(self), self.args, self.__dict__.copy())


def _restore(kind: type[CloudFunctionError], args: tuple[Any, ...], state: dict[str, Any]) -> CloudFunctionError:
    error = kind.__new__(kind, *args)
    error.args = args
    error.__dict__.update(state)
    return error


class ConfigurationError(CloudFunctionError, ValueError):
    """A parameter, a connection or a value is wrong, and stays wrong until somebody corrects it."""


class ExpressionProblem(Struct, frozen=True):
    """
    One thing that is wrong in one expression.

    :param message: What is wrong, without position and without any value of the context.
    :param line: Where, counted from 1; None where no position applies.
    :param column: Where in that line, in characters, counted from 1.
    """

    message: str
    line: int | None = None
    column: int | None = None


class ExpressionError(CloudFunctionError, ValueError):
    """
    A CEL expression can't be compiled, or can't be evaluated over what it reads.

    :param problems: What is wrong, in the order of the source.
    :param source: The expression.
    :param field: Where the expression stands, such as ``query["since"]``.
    """

    def __init__(
        self, problems: Iterable[ExpressionProblem] | str, *, source: str | None = None, field: str | None = None
    ) -> None:
        self.problems = (ExpressionProblem(problems),) if isinstance(problems, str) else tuple(problems)
        self.source = source
        self.field = field
        super().__init__("\n".join(self._paragraph(problem) for problem in self.problems))

    def in_field(self, field: str) -> ExpressionError:
        """
        Return this error as that of a field, which its message then names.

        :param field: Such as ``query["since"]``.
        """
        return type(self)(self.problems, source=self.source, field=field)

    def _paragraph(self, problem: ExpressionProblem) -> str:
        position = f"{problem.line}:{problem.column}" if problem.line is not None else None
        head = ": ".join(part for part in (self.field, position, problem.message) if part)
        if self.source is None or problem.line is None or problem.column is None:
            return head
        lines = self.source.splitlines() or [""]
        if problem.line > len(lines):
            return head
        # A window of the line: an expression can be thousands of characters long.
        text, column = lines[problem.line - 1], problem.column - 1
        start = max(0, column - 60)
        shown = text[start : start + 120].replace("\t", " ")
        return f"{head}\n | {shown}\n | {'.' * (column - start)}^"


class AuthenticationError(CloudFunctionError):
    """The service, or its token endpoint, does not accept the credentials (401)."""


class AuthorizationError(CloudFunctionError):
    """The service knows the credentials and refuses them this request (403)."""


class RequestTimeoutError(CloudFunctionError, TimeoutError):
    """No answer, or no whole answer, came in time."""


class CommunicationError(CloudFunctionError, ConnectionError):
    """
    No connection could be made, or it broke, or what came over it was not HTTP.

    :param message: As of every error, and so are the others.
    :param stage: What failed: ``tls``, the ``proxy``, the ``origin``, which a redirect leaves, the ``redirects``, of which there
        are too many, the ``answer``, which is not whole, or its ``encoding``; None for the connection itself.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        request_id: str | None = None,
        retryable: bool = False,
        retry_after: float | None = None,
        never_sent: bool = False,
        connection: str | None = None,
        stage: Literal["tls", "proxy", "origin", "redirects", "answer", "encoding"] | None = None,
    ) -> None:
        super().__init__(
            message,
            status=status,
            request_id=request_id,
            retryable=retryable,
            retry_after=retry_after,
            never_sent=never_sent,
            connection=connection,
        )
        self.stage = stage


class ResponseError(CloudFunctionError):
    """An answer came that is no success, or is not what it says it is."""


class OutcomeUnknownError(CloudFunctionError):
    """
    A request that may not be repeated was sent, and nobody knows whether it was carried out.

    :param message: As of every error, and so are `status` and `request_id`.
    :param sent_at: When it was sent.
    :param method: The request's method.
    :param url: Where it went, without secrets.
    :param idempotency_key: The idempotency key of the step, or an event's id, where the request carries it.
    """

    def __init__(
        self,
        message: str,
        *,
        sent_at: dt.datetime,
        method: str,
        url: str,
        idempotency_key: str | None = None,
        status: int | None = None,
        request_id: str | None = None,
    ) -> None:
        super().__init__(message, status=status, request_id=request_id)
        self.sent_at = sent_at
        self.method = method
        self.url = url
        self.idempotency_key = idempotency_key


class LimitError(CloudFunctionError):
    """Something grew over a limit that protects the worker or the database."""


class ExpressionLimitError(ExpressionError, LimitError):
    """Evaluating an expression took more steps, characters or elements than it may."""


#: How long a name may be to be looked for.
_LONGEST = 60


def nearest_name(name: str, known: Iterable[str]) -> str | None:
    """
    Return the known name that another one most likely stands for, None where none is near.

    That is the same one in other letters, one of which the name is the end after a dot, the only one that begins with it, or the
    most similar one.

    :param name: The name that is not known.
    :param known: The names that are.
    """
    if len(name) > _LONGEST:
        return None
    others = [other for other in known if other != name]
    if (same := next((other for other in others if other.lower() == name.lower()), None)) is not None:
        return same
    if (whole := next((other for other in others if other.endswith(f".{name}")), None)) is not None:
        return whole
    begun = [other for other in others if len(name) > 2 and other.startswith(name)]
    if len(begun) == 1:
        return begun[0]
    from difflib import get_close_matches  # rarely needed, and Dag files are parsed often

    return next(iter(get_close_matches(name, others, n=1, cutoff=0.65)), None)


def nearest_or_all(name: str, known: Iterable[str], form: str = "{}") -> str:
    """
    Return what an error says behind a name that is not known: which was meant, or which there are.

    :param name: The name.
    :param known: The names that are.
    :param form: How one is shown, such as ``{}=`` for an argument.
    """
    near = nearest_name(name, listed := sorted(known))
    return f"did you mean {form.format(near)}?" if near else f"there are {', '.join(listed)}"


def flag_problem(value: object) -> str | None:
    """Say what is wrong with what is either so or not."""
    return None if isinstance(value, bool) else f"must be True or False, not {value!r}"


def choice_problem(value: object, choices: Collection[str]) -> str | None:
    """
    Say what is wrong with a value that is none of a few, None where it is one of them.

    :param value: What was given.
    :param choices: What can be.
    """
    return None if value in choices else f"must be one of {', '.join(map(repr, choices))}, not {value!r}"


def in_words(value: object) -> str:
    """
    Return what a value is that an expression gave, or an answer had, as a sentence names it: ``null``, ``text``, ``a list``.

    :param value: The value; its kind is told and not what it is, which may be secret.
    """
    if value is None or isinstance(value, bool):
        return "null" if value is None else str(value).lower()
    for kinds, name in _IN_WORDS:
        if isinstance(value, kinds):
            return name
    return f"a value of type {type(value).__name__}"


_IN_WORDS: tuple[tuple[type | tuple[type, ...], str], ...] = (
    (int, "an integer"),
    (float, "a double"),
    (str, "text"),
    ((bytes, bytearray, memoryview), "bytes"),
    (Mapping, "a map"),
    ((Sequence, Set), "a list"),
)


def seconds_text(seconds: float) -> str:
    """
    Return a time span for a sentence: ``1 second``, ``0.5 seconds``.

    :param seconds: The span.
    """
    return f"{seconds:g} second{'' if seconds == 1 else 's'}"


def require_truth(value: object, *, field: str | None = None) -> bool:
    """
    Return what a condition gave.

    :param value: What its expression gave.
    :param field: Where that stands.
    :raises ExpressionError: when it is no bool.
    """
    if isinstance(value, bool):
        return value
    raise ExpressionError(f"must give true or false, not {in_words(value)}", field=field)


def with_end(message: str, end: str) -> str:
    """
    Return an error's message with more at its end: before the picture of an expression, where it has one.

    :param message: The message.
    :param end: What is added.
    """
    said, line, picture = message.partition("\n")
    return f"{said}; {end}{line}{picture}"
