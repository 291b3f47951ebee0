"""One call: its attempts, the waits between them, and the error that it ends with."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from msgspec.structs import replace

from airflow_provider_cloudfn.client.attempt import Attempt, report
from airflow_provider_cloudfn.client.cookies import CallCookies
from airflow_provider_cloudfn.client.driver import Driver
from airflow_provider_cloudfn.client.response import Response
from airflow_provider_cloudfn.client.retry import repeats_safely
from airflow_provider_cloudfn.client.settings import Timeouts
from airflow_provider_cloudfn.client.status import retry_after_seconds, status_error
from airflow_provider_cloudfn.exceptions import CloudFunctionError, RequestTimeoutError

if TYPE_CHECKING:
    from airflow_provider_cloudfn.auth.message import HttpRequest
    from airflow_provider_cloudfn.client.prepared import PreparedRequest
    from airflow_provider_cloudfn.client.rate_limit import RateLimiter
    from airflow_provider_cloudfn.client.request import Sending
    from airflow_provider_cloudfn.client.settings import ClientSettings
    from airflow_provider_cloudfn.client.transport import Transport

__all__ = ["carry_out"]

#: With ``Retry-After``, these mean everybody and not only the request that was answered so.
_SLOW_DOWN = frozenset({429, 503})


async def carry_out(
    settings: ClientSettings, transport: Transport, prepared: PreparedRequest, sending: Sending
) -> Response:
    """
    Send a request, again where that can help, and return the answer.

    :param settings: The client's.
    :param transport: What sends.
    :param sending: How it is sent.
    :raises CloudFunctionError: one of the tree, by what must be done about it.
    """
    total = settings.timeouts.total if sending.timeout is None else Timeouts(total=sending.timeout).total
    policy = settings.retry if sending.retry is None else sending.retry
    repeatable = (
        repeats_safely(prepared.method, dict(prepared.headers)) if sending.idempotent is None else sending.idempotent
    )
    request = prepared.filled(settings.secret_values).as_http()
    begun = time.monotonic()
    await _first_turn(settings, request, total)
    waited = time.monotonic() - begun if settings.limiter is not None else 0.0
    number = 0
    carried_out = False
    cookies = CallCookies()
    while True:
        number += 1
        if not carried_out:
            # It begins anew: only where a redirect has led it on does it go on with what that redirect set.
            cookies = CallCookies()
        more = settings.headers_for_attempt(number) if settings.headers_for_attempt is not None else {}
        before = time.monotonic() - begun
        shown = settings.redaction().url(request.url)
        attempt = Attempt(
            number, request.method, shown, time.time(), sent=len(request.body), rate_limit=round(waited, 6)
        )
        driver = Driver(settings, transport, seconds=total - before, headers=more, sending=sending, cookies=cookies)
        outcome = await driver.send(request, shown=shown, total=total, is_sent=carried_out)
        result = outcome.result
        spent = time.monotonic() - begun
        attempt = replace(
            attempt,
            elapsed=spent,
            token_source=outcome.token_source,
            split=outcome.split,
            received=outcome.received,
            token_requests=outcome.token_requests,
        )
        if not isinstance(result, (Response, CloudFunctionError)):
            # Cancelled, as by the task's own time limit: nobody knows what became of it, so all the more it is told.
            report(attempt.ended(result, spent - before), settings.on_attempt)
            raise result
        shown_id = result.request_id and settings.redaction().text(result.request_id)
        done = attempt.ended(result, spent - before, shown_id)
        if outcome.goes_on is not None:
            request, carried_out, repeatable = outcome.goes_on, True, True
        wait, wanted, bound = None, False, total
        try:
            await _tell(settings.limiter, result)
            if wanted := policy.wants(result, idempotent=repeatable):
                # Cut short, nobody would know what became of it: it is given as long as it took.
                least = 0.0 if repeatable else spent - before
                bound = min(policy.total, total - least)
                wait = policy.wait(result, number, left=bound - spent)
        finally:
            report(done if wait is None else replace(done, next_in=wait), settings.on_attempt)
        if wait is None:
            break
        await settings.unless_ended(settings.sleep(wait))
        ready = time.monotonic()
        if await _late_turn(settings, bound - (ready - begun)) is not None or settings.is_ended:
            # There is no time for another attempt: what came of this one is what came of the call.
            break
        waited = time.monotonic() - ready if settings.limiter is not None else 0.0
    if isinstance(result, CloudFunctionError):
        if carried_out:
            result.never_sent = False
        raise result
    if sending.check_status and not result.ok:
        error = status_error(prepared.method, result, settings.redaction(), settings.base_url.path)
        # What is worth another attempt is worth another try of the task, too.
        error.retryable = error.retryable or wanted
        raise error
    return result


async def _first_turn(settings: ClientSettings, request: HttpRequest, seconds: float) -> None:
    late = await _late_turn(settings, seconds)
    if late is None and not settings.is_ended:
        return
    where = f"{request.method} {settings.redaction().url(request.url)}"
    if late is not None:
        raise late.reworded(f"{where}: {late}")
    raise CloudFunctionError(
        f"{where}: was not sent, as its task was ended from outside", retryable=True, never_sent=True
    )


async def _late_turn(settings: ClientSettings, seconds: float) -> RequestTimeoutError | None:
    """Wait until an attempt may be sent; return the error where that takes longer than there is time."""
    if settings.limiter is not None:
        try:
            await settings.unless_ended(settings.limiter.acquire(seconds))
        except RequestTimeoutError as error:
            return error
    return None


async def _tell(limiter: RateLimiter | None, result: Response | CloudFunctionError) -> None:
    """Tell a limiter what an answer says about sending more."""
    if limiter is None or not isinstance(result, Response):
        return
    seconds = retry_after_seconds(result) if result.status in _SLOW_DOWN else None
    if seconds is not None:
        await limiter.pause(seconds)
    await limiter.observe(result.headers)
