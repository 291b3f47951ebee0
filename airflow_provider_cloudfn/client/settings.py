"""What a client is made of: where a service is, how it is asked, how long that may take and how much it may bring."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, ClassVar, TypeAlias

from msgspec import Struct, field

from airflow_provider_cloudfn.auth.message import HttpRequest, HttpResponse
from airflow_provider_cloudfn.auth.redacted import Redacted
from airflow_provider_cloudfn.auth.scheme import Auth, NoAuth
from airflow_provider_cloudfn.client.redaction import Redaction
from airflow_provider_cloudfn.client.retry import RetryPolicy
from airflow_provider_cloudfn.exceptions import CloudFunctionError, ConfigurationError

if TYPE_CHECKING:
    import ssl
    from collections.abc import Awaitable

    from airflow_provider_cloudfn.client.attempt import AttemptObserver
    from airflow_provider_cloudfn.client.ending import Ending
    from airflow_provider_cloudfn.client.rate_limit import RateLimiter
    from airflow_provider_cloudfn.client.transport import Transport
    from airflow_provider_cloudfn.client.url import BaseUrl

__all__ = ["ClientSettings", "ExchangeObserver", "ResponseLimits", "Timeouts"]

#: Told a request before credentials were put on it, and its answer: None where none came.
ExchangeObserver: TypeAlias = Callable[[HttpRequest, HttpResponse | None], object]


class Timeouts(Struct, frozen=True):
    """
    How many seconds each part of a request may take.

    :param connect: Until a connection is made, TLS included.
    :param read: That the service may stay silent; None for as long as the whole call may take.
    :param total: The whole call: redirects and token requests included.
    """

    connect: float = 10.0
    read: float | None = None
    total: float = 60.0

    def __post_init__(self) -> None:
        for name in ("connect", "read", "total"):
            value = getattr(self, name)
            if value is None and name == "read":
                continue
            if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < float("inf"):
                raise ConfigurationError(f"the {name} timeout must be seconds above 0, not {value!r}")


class ResponseLimits(Struct, frozen=True):
    """
    How much an answer may bring.

    :param body: The largest body in bytes, after decompression.
    :param redirects: How many redirects are followed, all of them within the origin; with 0 a redirect is the answer.
    """

    body: int = 50 * 1024 * 1024
    redirects: int = 5


class ClientSettings(Redacted, frozen=True, kw_only=True):
    """
    What a client is made of, and what it knows of secrets.

    :param base_url: Where the service is.
    :param auth: What puts credentials on a request.
    :param timeouts: How long a request may take.
    :param limits: How much an answer may bring.
    :param retry: When a request is sent again within a call; see :data:`~airflow_provider_cloudfn.client.retry.NO_RETRY`.
    :param limiter: What each attempt waits for before it is sent; None where nothing limits how many there are.
    :param tls: How certificates are checked; None as the system does.
    :param proxy: The URL of a proxy, or None.
    :param is_allowed: Whether an IP address may be talked to; asked before a connection is made. None for any.
    :param secret_values: What :func:`~airflow_provider_cloudfn.client.secret.secret` stands for in a request.
    :param secrets: What else must not be seen, such as a proxy's password.
    :param on_secret: Told every secret that is obtained on the way, before it is used.
    :param on_attempt: Told what came of each attempt.
    :param on_exchange: Told each request about what was asked for, redirects included, and none that gets a token.
    :param headers_for_attempt: Returns what an attempt sends besides, by its number from 1: such as ``traceparent``.
    :param transport: What sends, instead of a session for each call; whoever gives it opens and closes it.
    :param sleep: What waits between attempts.
    :param ending: Says when no attempt may begin any more; None for never.
    """

    _hidden: ClassVar = frozenset(
        {"auth", "proxy", "secret_values", "secrets", "headers_for_attempt", "_told", "_redactions"}
    )

    base_url: BaseUrl
    auth: Auth = field(default_factory=NoAuth)
    timeouts: Timeouts = Timeouts()
    limits: ResponseLimits = ResponseLimits()
    retry: RetryPolicy = RetryPolicy()
    limiter: RateLimiter | None = None
    tls: ssl.SSLContext | None = None
    proxy: str | None = None
    is_allowed: Callable[[str], bool] | None = None
    secret_values: Mapping[str, str] = {}
    secrets: tuple[str, ...] = ()
    on_secret: Callable[[str], object] | None = None
    on_attempt: AttemptObserver | None = None
    on_exchange: ExchangeObserver | None = None
    headers_for_attempt: Callable[[int], Mapping[str, str]] | None = None
    transport: Transport | None = None
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep
    ending: Ending | None = None
    _told: set[str] = field(default_factory=set)
    _redactions: dict[tuple[str, ...], Redaction] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._told.update(self.auth.secrets())

    @property
    def is_ended(self) -> bool:
        """Whether no attempt may begin any more."""
        return self.ending is not None and self.ending.has_come

    async def unless_ended(self, wait: Awaitable[object]) -> None:
        """
        Wait, but not beyond the end of whoever makes the calls.

        :param wait: What waits.
        """
        await (wait if self.ending is None else self.ending.wait(wait))

    def tell_secrets(self) -> None:
        """Tell of what the scheme has obtained since the last time."""
        for secret in self.auth.secrets():
            if secret not in self._told:
                self._told.add(secret)
                if self.on_secret is not None:
                    self.on_secret(secret)

    def redaction(self) -> Redaction:
        """Return what may be shown, as of the secrets that are known by now."""
        secrets = (*self.auth.secrets(), *self.secret_values.values(), *self.secrets)
        found = self._redactions.get(secrets)
        if found is None:
            self._redactions.clear()
            found = self._redactions[secrets] = Redaction(secrets, self.auth.reserved_query)
        return found

    def redacted(self, error: CloudFunctionError) -> CloudFunctionError:
        """Return this very error, without secrets in what it says."""
        redaction = self.redaction()
        error.request_id = error.request_id and redaction.text(error.request_id)
        return error.reworded(redaction.text(error.message))
