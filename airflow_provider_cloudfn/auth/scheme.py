"""
What an authentication scheme is: one generator that yields requests and is sent their responses.

The last request that it yields is the one that was asked for, with credentials on it; any other, such as one to a token
endpoint, comes before. A scheme does no input or output, so that any transport can drive it and a test needs no network.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Generator, Iterable
from typing import TypeAlias

from airflow_provider_cloudfn.auth.message import HttpRequest, HttpResponse
from airflow_provider_cloudfn.auth.token_lock import TokenLock

__all__ = ["Auth", "AuthFlow", "AuthSteps", "NoAuth"]

AuthFlow: TypeAlias = Generator[HttpRequest, HttpResponse, None]

#: A flow for a driver that can wait: it is sent None for a lock, once that is taken.
AuthSteps: TypeAlias = Generator[HttpRequest | TokenLock, HttpResponse | None, None]


class Auth(ABC):
    """A way to put credentials on a request."""

    @abstractmethod
    def flow(self, request: HttpRequest) -> AuthFlow:
        """
        Yield what must be sent for a request, and receive what is answered.

        :param request: The request without credentials.
        :raises AuthenticationError: when no credentials can be had for it.
        """

    def steps(self, request: HttpRequest) -> AuthSteps:
        """
        Yield what :meth:`flow` does, and the locks that the driver must take in between.

        :param request: The request without credentials.
        :raises AuthenticationError: when no credentials can be had for it.
        """
        yield from self.flow(request)

    @property
    def reserved_headers(self) -> frozenset[str]:
        """The headers that the scheme owns, in lower case: nobody else may set them."""
        return frozenset()

    @property
    def reserved_query(self) -> frozenset[str]:
        """The query parameters that the scheme owns."""
        return frozenset()

    def secrets(self) -> Iterable[str]:
        """Return what must not be seen."""
        return ()

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"


class NoAuth(Auth):
    """Nothing is added."""

    def flow(self, request: HttpRequest) -> AuthFlow:
        """Yield the request as it is."""
        yield request
