"""What a scheme is: how a request proves who sent it."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, ClassVar

from airflow_provider_cloudfn.auth.redacted import Redacted

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterator

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

    def hidden_values(self) -> Iterator[str]:
        """Return what must not be seen."""
        yield from self.secrets
