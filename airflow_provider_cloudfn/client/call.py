"""One call: its attempts, the waits between them, and the error that it ends with."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from msgspec.structs import replace

from airflow_provider_cloudfn.client.attempt import Attempt, report
from airflow_provider_cloudfn.client.driver import Driver
from airflow_provider_cloudfn.client.response import Response
from airflow_provider_cloudfn.client.retry import is_idempotent
from airflow_provider_cloudfn.client.settings import Timeouts
from airflow_provider_cloudfn.client.status import status_error
from airflow_provider_cloudfn.exceptions import CloudFunctionError

if TYPE_CHECKING:
    from airflow_provider_cloudfn.client.prepared import PreparedRequest
    from airflow_provider_cloudfn.client.request import Sending
    from airflow_provider_cloudfn.client.settings import ClientSettings
    from airflow_provider_cloudfn.client.transport import Transport

__all__ = ["carry_out"]


async def carry_out(
    settings: ClientSettings, transport: Transport, prepared: PreparedRequest, sending: Sending
) -> Response:
    """
    Send a request, again where that can help, and return the answer.

    :param settings: The client's.
    :param transport: What sends.
    :param prepared: The request.
    :param sending: How it is sent.
    :raises CloudFunctionError: one of the tree, by what must be done about it.
    """
    total = settings.timeouts.total if sending.timeout is None else Timeouts(total=sending.timeout).total
    policy = settings.retry if sending.retry is None else sending.retry
    repeatable = is_idempotent(prepared) if sending.idempotent is None else sending.idempotent
    request = prepared.filled(settings.secret_values).as_http()
    begun = time.monotonic()
    number = 0
    carried_out = False
    while True:
        number += 1
        more = settings.headers_for_attempt(number) if settings.headers_for_attempt is not None else {}
        before = time.monotonic() - begun
        shown = settings.redaction().url(request.url)
        attempt = Attempt(number, request.method, shown, time.time(), sent=len(request.body))
        driver = Driver(settings, transport, seconds=total - before, headers=more, sending=sending)
        outcome = await driver.send(request, shown=shown, total=total, is_sent=carried_out)
        result = outcome.result
        spent = time.monotonic() - begun
        if not isinstance(result, (Response, CloudFunctionError)):
            # Cancelled, as by the task's own time limit: nobody knows what became of it, so all the more it is told.
            report(attempt.cut_short(result, spent - before, tokens=outcome.token_requests), settings.on_attempt)
            raise result
        shown_id = result.request_id and settings.redaction().text(result.request_id)
        done = attempt.ended(result, spent - before, request_id=shown_id, tokens=outcome.token_requests)
        if outcome.goes_on is not None:
            request, carried_out, repeatable = outcome.goes_on, True, True
        wait, wanted = None, False
        try:
            if wanted := policy.wants(result, idempotent=repeatable):
                # Cut short, nobody would know what became of it: it is given as long as it took.
                least = 0.0 if repeatable else spent - before
                wait = policy.wait(result, number, left=min(policy.total, total - least) - spent)
        finally:
            report(done if wait is None else replace(done, next_in=wait), settings.on_attempt)
        if wait is None:
            break
        await settings.sleep(wait)
    if isinstance(result, CloudFunctionError):
        if carried_out:
            result.never_sent = False
        raise result
    if sending.check_status and not result.ok:
        error = status_error(prepared.method, result, settings.redaction())
        # What is worth another attempt is worth another try of the task, too.
        error.retryable = error.retryable or wanted
        raise error
    return result
