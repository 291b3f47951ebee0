"""One attempt: what an authentication scheme wants sent is sent, and redirects within the origin are followed."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit, urlunsplit

from msgspec import Struct

from airflow_provider_cloudfn.auth.message import HttpRequest, HttpResponse
from airflow_provider_cloudfn.auth.token_store import TOKEN_SOURCE
from airflow_provider_cloudfn.client.cookies import CallCookies
from airflow_provider_cloudfn.client.daemon_thread import in_daemon_thread
from airflow_provider_cloudfn.client.request import Sending
from airflow_provider_cloudfn.client.response import Response, read_response
from airflow_provider_cloudfn.client.sink import discard, keep
from airflow_provider_cloudfn.client.time_split import STOPWATCH, Stopwatch, TimeSplit
from airflow_provider_cloudfn.client.token_locks import acquire_in_time
from airflow_provider_cloudfn.client.transport import within
from airflow_provider_cloudfn.client.url import Origin, encoded_reference, without_parameters
from airflow_provider_cloudfn.exceptions import (
    CloudFunctionError,
    CommunicationError,
    ConfigurationError,
    ResponseError,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_provider_cloudfn.auth.scheme import AuthFlow, AuthSteps
    from airflow_provider_cloudfn.auth.token_store import TokenSource
    from airflow_provider_cloudfn.client.settings import ClientSettings
    from airflow_provider_cloudfn.client.sink import StoredBody
    from airflow_provider_cloudfn.client.transport import Transport

__all__ = ["AttemptOutcome", "Driver"]

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_CHANGING = frozenset({"POST", "PUT", "PATCH", "DELETE"})
#: Characters that are shown of where a redirect leads.
_LONGEST_PLACE = 200
#: A body that is no larger is read at once.
_SMALL = 64 * 1024
_NOTHING_SAID = Sending()


class AttemptOutcome(Struct, frozen=True):
    """
    What came of an attempt.

    :param result: The answer, or the error that came instead; a cancellation and the like, too.
    :param token_requests: How many requests were sent to get a token.
    :param goes_on: Where a redirect said that the request was carried out and its result is to be got elsewhere, what gets
        it: whoever tries again sends that, not the request itself.
    :param split: Where the time went.
    :param token_source: Where the access token came from; None where it has none.
    :param received: Bytes of the body that came, whether it could be read or not.
    """

    result: Response | BaseException
    token_requests: int
    goes_on: HttpRequest | None
    split: TimeSplit = TimeSplit()
    token_source: TokenSource | None = None
    received: int = 0


class Driver:
    """
    Drives a scheme over a transport until there is an answer: the only one that there is.

    :param settings: The client's.
    :param transport: Sends one request.
    :param seconds: How long it may take. Half of what is left may be spent on waiting for a token that somebody else
        fetches.
    :param headers: What this attempt sends besides, such as ``traceparent``, unless the request has any of it; no signature
        covers it.
    :param sending: How the request is sent.
    :param cookies: What earlier redirects of the call have set; default none.
    """

    def __init__(
        self,
        settings: ClientSettings,
        transport: Transport,
        *,
        seconds: float,
        headers: Mapping[str, str] | None = None,
        sending: Sending = _NOTHING_SAID,
        cookies: CallCookies | None = None,
    ) -> None:
        self._settings = settings
        self._transport = transport
        self._seconds = max(seconds, 0.001)
        self._end = time.monotonic() + seconds
        self._headers = headers or {}
        self._sending = sending
        self._cookies = cookies or CallCookies()
        self._token_requests = 0
        self._watch = Stopwatch()
        self._is_sent = False
        self._goes_on: HttpRequest | None = None
        self._stored: StoredBody | None = None
        self._received = 0

    async def send(self, request: HttpRequest, *, shown: str, total: float, is_sent: bool = False) -> AttemptOutcome:
        """
        Send a request, follow redirects within the origin, and return what came of it: nothing is raised.

        :param request: The request without credentials.
        :param shown: Its URL, as it may be shown.
        :param total: How many seconds an error says that the whole call was allowed to take.
        :param is_sent: Whether the service got the request in an earlier attempt.
        """
        self._is_sent = is_sent
        TOKEN_SOURCE.set(None)
        result: Response | BaseException
        try:
            url, raw = await within(
                self._seconds,
                f"{request.method} {shown}",
                self._followed(request),
                shown_as=total,
                is_sent=lambda: self._is_sent,
            )
            if raw.cut_short is not None and not self._sending.check_status:
                raise raw.cut_short
            answered = shown if url == request.url else self._settings.redaction().url(url)
            read = partial(read_response, raw, answered, self._stored, as_it_came=self._sending.as_it_came)
            # To read much JSON takes a while, in which nothing else would go on in the event loop: in a triggerer, no trigger.
            result = read() if len(raw.content) <= _SMALL else await in_daemon_thread(read, "cloudfn-reader")
        except CloudFunctionError as error:
            result = self._settings.redacted(error)
        except BaseException as error:
            result = error
        return AttemptOutcome(
            result, self._token_requests, self._goes_on, self._watch.stop(), TOKEN_SOURCE.get(), self._received
        )

    async def obtain_credentials(self, flow: AuthFlow) -> None:
        """
        Drive a flow that is about credentials alone.

        :param flow: Yields requests, and is sent their responses.
        :raises CloudFunctionError: when there are none to be had.
        """
        try:
            await within(self._seconds, "the request for credentials", self._drive(flow))
        except CloudFunctionError as error:
            raise self._settings.redacted(error) from None

    async def _followed(self, request: HttpRequest) -> tuple[str, HttpResponse]:
        """Return where the answer came from, and the answer."""
        first, redirects = request, self._settings.limits.redirects
        for _ in range(redirects + 1):
            raw = await self._drive(self._settings.auth.steps(self._cookies.on(request)), request)
            accepted = raw.status in _REDIRECTS and self._is_accepted(request, raw)
            following = self._redirected(request, raw) if redirects and not accepted else None
            if following is None:
                if self._sending.sink is None or self._stored is None:
                    return request.url, raw
                await keep(self._sending.sink, f"{request.method} {request.url.partition('?')[0]}", raw.status)
                return request.url, HttpResponse(raw.status, raw.headers)
            self._cookies.keep(request, raw)
            if following.method != request.method:
                self._goes_on = following
                if self._sending.tell is not None:
                    self._sending.tell("carried_out")
            request = following
        raise CommunicationError(
            f"{first.method} {first.url}: redirected more than {redirects} times; check the uri", stage="redirects"
        )

    async def _drive(self, steps: AuthSteps | AuthFlow, about: HttpRequest | None = None) -> HttpResponse:
        """
        Send what an auth scheme yields, and return the answer to the last of it.

        :param steps: Yields requests, and locks to be taken.
        :param about: The request that it is about; None where it is about credentials alone.
        """
        answer: HttpResponse | None = None
        begun = time.monotonic()
        try:
            step = next(steps)
            if TOKEN_SOURCE.get() == "shared":
                # A token that others keep, in a file or in Redis, takes a while to be read.
                self._watch.add("credentials", time.monotonic() - begun)
            while True:
                self._settings.tell_secrets()
                if not isinstance(step, HttpRequest):
                    self._watch.turn_to("credentials")
                    await acquire_in_time(step, (self._end - time.monotonic()) / 2)
                    step = steps.send(None)  # type: ignore[arg-type]  # what yields locks takes None
                    continue
                try:
                    if about is not None and _same_resource(step.url, about.url):
                        response = answer = await self._send(step)
                    else:
                        response = await self._send_for_credentials(step)
                except CloudFunctionError as error:
                    # The scheme may know another way to get credentials.
                    step = steps.throw(error)
                    continue
                try:
                    step = steps.send(response)
                except StopIteration:
                    return response
        finally:
            self._settings.tell_secrets()
            steps.close()
            if about is not None and self._settings.on_exchange is not None:
                self._settings.on_exchange(about, answer)

    async def _send_for_credentials(self, request: HttpRequest) -> HttpResponse:
        self._token_requests += 1
        self._watch.turn_to("credentials")
        # One time is told of all that it takes to get a token.
        STOPWATCH.set(None)
        try:
            answer, _ = await self._transport.send(request)
        except CloudFunctionError as error:
            # Whatever became of the request for credentials, the request itself was not sent.
            error.never_sent = True
            raise
        return answer

    async def _send(self, request: HttpRequest) -> HttpResponse:
        # Such as traceparent and tracestate, which belong together: whoever writes one of them says what the trace is.
        if self._headers and all(request.header(name) is None for name in self._headers):
            for name, value in self._headers.items():
                request = request.with_header(name, value)
        STOPWATCH.set(self._watch)
        self._watch.turn_to(None)
        self._received = 0
        sink = self._sending.sink
        if sink is not None and self._stored is not None:
            # The scheme took what was stored for a refusal of its credentials.
            self._stored = None
            await discard(sink)
        response, self._stored = await self._transport.send(request, self._reached, sink)
        self._received = len(response.content) if self._stored is None else self._stored.size
        return response

    def _is_accepted(self, request: HttpRequest, raw: HttpResponse) -> bool:
        """Return whether whoever asked takes a redirect as the answer."""
        if self._sending.accepts is None:
            return False
        shown = self._settings.redaction().url(request.url)
        return self._sending.accepts(read_response(raw, shown, as_it_came=self._sending.as_it_came))

    def _reached(self) -> None:
        self._is_sent = True
        if self._sending.tell is not None:
            self._sending.tell("sent")

    def _redirected(self, request: HttpRequest, raw: HttpResponse) -> HttpRequest | None:
        """Return the request that a redirect asks for (RFC 9110, section 15.4), which must stay within the origin."""
        if raw.status not in _REDIRECTS:
            return None
        location = raw.header("location")
        if location is None:
            return None
        try:
            url = _without_user(urljoin(request.url, encoded_reference(location)).partition("#")[0])
            # Some services redirect with the whole query, where the scheme's own parameters are.
            own = self._settings.auth.reserved_query
            url = without_parameters(url, own)
            # A page that leads to itself by http:// means that, and would come for ever.
            if (meant := self._settings.base_url.over_tls(url)) != without_parameters(request.url, own):
                url = meant
            origin = Origin.of(url)
        except (ConfigurationError, ValueError):
            origin = None
        taken_by = self._sending.redirect_taken_by.format(status=raw.status)
        or_taken = f", or take the redirect as the answer with {taken_by}" if taken_by else ""
        if origin is None or origin != self._settings.base_url.origin:
            place = f"{origin.scheme}://{origin.host}:{origin.port}{urlsplit(url).path}" if origin else ""
            raise CommunicationError(
                f"{request.method} {request.url} was redirected to another host"
                + (f" ({ascii(place[:_LONGEST_PLACE])[1:-1]})" if place else "")
                + "; credentials stay where the connection says, so this is not followed: if it is right, "
                f"make a connection with that base URL{or_taken}",
                status=raw.status,
                stage="origin",
            )
        if raw.status in (301, 302) and request.method in _CHANGING:
            # Some clients would send a GET then, and take its answer for that of a request that nobody carried out.
            raise ResponseError(
                f"{request.method} {request.url.partition('?')[0]} was answered {raw.status}, which points to "
                f"{ascii(url.partition('?')[0])[1:-1]}: a {request.method} is not sent there; correct the uri or the base URL"
                + or_taken,
                status=raw.status,
            )
        if raw.status == 303 and request.method != "HEAD":
            kept = tuple(pair for pair in request.headers if not pair[0].lower().startswith("content-"))
            return HttpRequest("GET", url, kept)
        return HttpRequest(request.method, url, request.headers, request.body)


def _without_user(url: str) -> str:
    """Return a URL without user name and password: credentials are the connection's to give."""
    parts = urlsplit(url)
    return url if "@" not in parts.netloc else urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def _same_resource(url: str, other: str) -> bool:
    """Return whether two URLs are the same but for the query, where a key may have been put."""
    return url == other or urlsplit(url)[:3] == urlsplit(other)[:3]
