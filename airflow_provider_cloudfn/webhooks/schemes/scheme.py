"""What a scheme is: how a request proves who sent it."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, ClassVar

from airflow_provider_cloudfn.auth.redacted import Redacted

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterator

    from airflow_provider_cloudfn.cel import Program
    from airflow_provider_cloudfn.webhooks.received import ReceivedRequest

__all__ = ["Scheme"]


class Scheme(Redacted, frozen=True, kw_only=True):
    """
    How a request proves who sent it: the settings of one scheme. A scheme is a subclass, and one line in ``__init__.py``.

    Secrets are compared in constant time. While a secret is changed, both hold: the new one and the previous one.

    :param secrets: The secret, and the previous one where there is one; without any, every request is refused.
    :param tolerance: How many seconds the time of a request may be off, where the scheme has a time.
    """

    _hidden: ClassVar = frozenset({"secrets"})

    #: What the connection's ``scheme`` says.
    name: ClassVar[str]
    #: What is proved, in the words of the documents' table.
    proves: ClassVar[str]
    #: The CEL expression for an event's type, where it is no CloudEvent and the path names none; None where there is none.
    type_expression: ClassVar[str | None] = None
    #: The CEL expression for its id, None where the service gives none.
    id_expression: ClassVar[str | None] = None
    #: The field in which the service has its JSON where it sends a form; None where it sends none.
    json_field: ClassVar[str | None] = None
    #: Whether the body is proved: if not, nothing but the sender is.
    signs_body: ClassVar[bool] = True
    #: The headers, in lower case, that are proved with it, and can hold an id.
    signed_headers: ClassVar[frozenset[str]] = frozenset()

    secrets: tuple[str, ...] = ()
    tolerance: float = 300.0

    @property
    def credential_headers(self) -> frozenset[str]:
        """The headers, in lower case, that hold a secret as it is: no expression sees them."""
        return frozenset()

    @abstractmethod
    def verify(self, request: ReceivedRequest, now: dt.datetime) -> bytes:
        """
        Make sure that the request comes from who knows the secret.

        :param request: The request.
        :param now: The time; aware.
        :returns: What is proved: the signed bytes. Two requests of the same ones are the same request.
        :raises RefusedError: with 401 when it is not proved, with 400 for a header that stands twice.
        """

    def signs_all_of(self, program: Program) -> bool:
        """
        Tell whether an expression reads nothing but what is proved: whoever has seen a request can't make it say something else.

        :param program: The expression, over ``request``.
        """
        return self.signs_body and all(
            path[:2] == ("request", "body")
            or (path[:2] == ("request", "headers") and len(path) > 2 and path[2] in self.signed_headers)
            for path in program.paths
        )

    def lasting(self, request: ReceivedRequest, proved: bytes) -> bytes:
        """
        Return what of the proved bytes stays the same when the same event is signed anew: all but the time.

        :param request: The request, proved.
        :param proved: What :meth:`verify` has returned.
        """
        return request.body

    def hidden_values(self) -> Iterator[str]:
        """Return what must not be seen."""
        yield from self.secrets
