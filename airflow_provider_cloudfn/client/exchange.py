"""One attempt: what an auth scheme wants sent is sent, and redirects within the origin are followed."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING
from urllib.parse import quote, urljoin, urlsplit, urlunsplit

from airflow_provider_cloudfn.auth.message import HttpRequest, HttpResponse
from airflow_provider_cloudfn.client.sink import discard, keep
from airflow_provider_cloudfn.client.turns import take_turn
from airflow_provider_cloudfn.client.url import Origin, without_parameters
from airflow_provider_cloudfn.exceptions import CloudFunctionError, CommunicationError, ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from airflow_provider_cloudfn.auth.scheme import Auth, AuthFlow, AuthSteps
    from airflow_provider_cloudfn.client.sink import ResponseSink, StoredBody
    from airflow_provider_cloudfn.client.transport import Transport

__all__ = ["Exchange"]

_REDIRECTS = frozenset({301, 302, 303, 307, 308})


class Exchange:
    """
    What is sent and received until there is an answer.

    :param transport: Sends one request.
    :param auth: Puts credentials on a request.
    :param origin: Where the service is: no request with credentials leaves it.
    :param redirects: How many are followed; with 0 a redirect is the answer.
    :param tell_secrets: Called when the scheme may have obtained a secret, before it is used.
    :param headers: What this attempt sends besides, such as ``traceparent``, unless the request has any of it; no signature
        covers it.
    :param sink: Where the body of a success goes, instead of into memory.
    :param seconds: How long it may take. Half of what is left may be spent on waiting for a token that somebody else
        fetches.
    """

    def __init__(
        self,
        transport: Transport,
        auth: Auth,
        origin: Origin,
        *,
        redirects: int,
        tell_secrets: Callable[[], None],
        headers: Mapping[str, str] | None = None,
        sink: ResponseSink | None = None,
        seconds: float,
    ) -> None:
        self._transport = transport
        self._auth = auth
        self._origin = origin
        self._redirects = redirects
        self._tell_secrets = tell_secrets
        self._headers = headers or {}
        self._sink = sink
        self._end = time.monotonic() + seconds
        self.token_requests = 0
        self.is_sent = False
        self.goes_on: HttpRequest | None = None
        self.stored: StoredBody | None = None

    async def send(self, request: HttpRequest) -> tuple[str, HttpResponse]:
        """
        Send a request, and return where the answer came from, and the answer.

        Where a redirect says that the request was carried out and its result is to be got elsewhere, `goes_on` is what gets
        it: whoever tries again sends that, not the request itself.

        :param request: The request without credentials.
        :raises CloudFunctionError: when there is none.
        """
        first = request
        for _ in range(self._redirects + 1):
            raw = await self.drive(self._auth.steps(request), request)
            following = self._redirected(request, raw) if self._redirects else None
            if following is None:
                if self._sink is None or self.stored is None:
                    return request.url, raw
                await keep(self._sink, f"{request.method} {request.url.partition('?')[0]}", raw.status)
                return request.url, HttpResponse(raw.status, raw.headers)
            if following.method != request.method:
                self.goes_on = following
            request = following
        raise CommunicationError(
            f"{first.method} {first.url}: redirected more than {self._redirects} times; check the uri"
        )

    async def drive(self, steps: AuthSteps | AuthFlow, about: HttpRequest | None = None) -> HttpResponse:
        """
        Send what an auth scheme yields, and return the answer to the last of it.

        :param steps: Yields requests, and turns to be taken.
        :param about: The request that it is about; None where it is about credentials alone.
        """
        try:
            step = next(steps)
            while True:
                self._tell_secrets()
                if not isinstance(step, HttpRequest):
                    await take_turn(step, (self._end - time.monotonic()) / 2)
                    step = steps.send(None)  # type: ignore[arg-type]  # what yields turns takes None
                    continue
                try:
                    response = await self._send(step, about)
                except CloudFunctionError as error:
                    # The scheme may know another way to get credentials.
                    step = steps.throw(error)
                    continue
                try:
                    step = steps.send(response)
                except StopIteration:
                    return response
        finally:
            self._tell_secrets()
            steps.close()

    async def _send(self, request: HttpRequest, about: HttpRequest | None) -> HttpResponse:
        if about is None or not _same_resource(request.url, about.url):
            self.token_requests += 1
            try:
                return await self._transport.send(request)
            except CloudFunctionError as error:
                # Whatever became of the request for credentials, the request itself was not sent.
                error.never_sent = True
                raise
        # Such as traceparent and tracestate, which belong together: whoever writes one of them says what the trace is.
        if all(request.header(name) is None for name in self._headers):
            for name, value in self._headers.items():
                request = request.with_header(name, value)
        if self._sink is None:
            return await self._transport.send(request, self._reached)
        if self.stored is not None:
            # The scheme took what was stored for a refusal of its credentials.
            self.stored = None
            await discard(self._sink)
        response, self.stored = await self._transport.send_to(request, self._sink, self._reached)
        return response

    def _reached(self) -> None:
        self.is_sent = True

    def _redirected(self, request: HttpRequest, raw: HttpResponse) -> HttpRequest | None:
        """Return the request that a redirect asks for (RFC 9110, section 15.4), which must stay within the origin."""
        if raw.status not in _REDIRECTS:
            return None
        location = raw.header("location")
        if location is None:
            return None
        try:
            url = _without_user(urljoin(request.url, _encoded(location)).partition("#")[0])
            # Some services redirect with the whole query, where the scheme's own parameters are.
            url = without_parameters(url, self._auth.reserved_query)
            origin = Origin.of(url)
        except (ConfigurationError, ValueError):
            origin = None
        if origin is None or origin != self._origin:
            raise CommunicationError(
                f"{request.method} {request.url} was redirected to another host"
                + (f" ({ascii(f'{origin.scheme}://{origin.host}:{origin.port}')[1:-1]})" if origin else "")
                + "; credentials stay where the connection says, so this is not followed: if it is right, "
                "make a connection with that base URL",
                status=raw.status,
            )
        if (raw.status == 303 and request.method != "HEAD") or (raw.status in (301, 302) and request.method == "POST"):
            kept = tuple(pair for pair in request.headers if not pair[0].lower().startswith("content-"))
            return HttpRequest("GET", url, kept)
        return HttpRequest(request.method, url, request.headers, request.body)


def _encoded(location: str) -> str:
    """Return a reference with all percent-encoded that RFC 3986 does not let stand, and nothing twice."""
    return quote(location.encode("utf-8", "surrogateescape"), safe="%:/?#[]@!$&'()*+,;=-._~")


def _without_user(url: str) -> str:
    """Return a URL without user name and password: credentials are the connection's to give."""
    parts = urlsplit(url)
    return url if "@" not in parts.netloc else urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def _same_resource(url: str, other: str) -> bool:
    """Return whether two URLs are the same but for the query, where a key may have been put."""
    return url == other or urlsplit(url)[:3] == urlsplit(other)[:3]
