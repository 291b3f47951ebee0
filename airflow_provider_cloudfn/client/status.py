"""Which error an answer is, when it is no success."""

from __future__ import annotations

import re
from math import ceil
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from airflow_provider_cloudfn.auth.repeatable import can_succeed_later, seconds_to_wait
from airflow_provider_cloudfn.client.charset import declared_charset
from airflow_provider_cloudfn.exceptions import (
    AuthenticationError,
    AuthorizationError,
    CloudFunctionError,
    RequestTimeoutError,
    ResponseError,
)

if TYPE_CHECKING:
    from airflow_provider_cloudfn.client.redaction import Redaction
    from airflow_provider_cloudfn.client.response import Response

__all__ = ["THROTTLED", "excerpt_of", "retry_after_seconds", "status_error", "status_meant"]

_TOO_OFTEN = "the service wants fewer requests"
#: The names with which services of AWS refuse who asks too often.
THROTTLED = frozenset(
    {
        "BandwidthLimitExceeded", "EC2ThrottledException", "ProvisionedThroughputExceededException", "RequestLimitExceeded",
        "RequestThrottled", "RequestThrottledException", "SlowDown", "ThrottledException", "Throttling",
        "ThrottlingException", "TooManyRequestsException",
    }
)  # fmt: skip
_ADVICE = {
    401: "check the credentials of the connection",
    403: "the credentials are known, but may not do this: ask the service for the permission",
    404: "check the uri, and that what it names is there",
    405: "check the method",
    **dict.fromkeys((301, 302, 303, 307, 308), "it redirects elsewhere, which is not followed here: check the address"),
    407: "check the credentials in the proxy of the connection",
    415: "check the Content-Type header and the form of the body",
    429: _TOO_OFTEN,
}
#: With these a service refuses who has asked too often, and not each of them says in Retry-After for how long: GitHub's is 403.
_REFUSALS = frozenset({403, 429})
#: The headers that say what was wrong, often without a body (RFC 9110, sections 10.2.1 and 11.6.1; RFC 6750, section 3).
_TELLING_HEADERS = {401: ("WWW-Authenticate",), 403: ("WWW-Authenticate",), 405: ("Allow",)}
_SCHEME = re.compile(r"(?:^|,)\s*([A-Za-z][A-Za-z0-9-]*)(?=[\s,]|$)")
#: The schemes that no connection has.
_UNKNOWN_SCHEMES = frozenset({"digest", "kerberos", "negotiate", "ntlm"})
#: The headers in which Azure and others say in milliseconds what Retry-After says, and some of them only there.
_MILLISECONDS = ("retry-after-ms", "x-ms-retry-after-ms")


def status_meant(response: Response) -> int:
    """Return the status by which an answer is judged: services of AWS say with 400, and a name, what others say with 429."""
    if response.status != 400:
        return response.status
    body = response.read if isinstance(response.read, dict) else {}
    named = response.headers.get("x-amzn-errortype") or body.get("__type")
    # With what stands around it, it is `namespace#ThrottlingException:http://…`.
    name = named.partition(":")[0].rpartition("#")[2].strip() if isinstance(named, str) else ""
    return 429 if name in THROTTLED else 400


def status_error(method: str, response: Response, redaction: Redaction, base_path: str = "") -> CloudFunctionError:
    """
    Return the error that an answer is.

    :param method: The request's method.
    :param redaction: What may be shown of it.
    :param base_path: The path of the connection's base URL.
    """
    status, meant = response.status, status_meant(response)
    kind: type[CloudFunctionError] = ResponseError
    if status in (401, 407):
        kind = AuthenticationError
    elif status == 403:
        kind = AuthorizationError
    elif status == 408:
        kind = RequestTimeoutError
    retry_after = retry_after_seconds(response)
    excerpt = excerpt_of(response, redaction)
    request_id = None if response.request_id is None else redaction.text(response.request_id)
    parts = [f"{method} {response.url} answered {status}"]
    if request_id:
        parts.append(f" (request id {request_id})")
    if base_path and status in (403, 404) and f"{urlsplit(response.url).path}/".startswith(f"{base_path}{base_path}/"):
        parts.append(f": the path {base_path} stands in the base URL already, so leave it out of uri")
    elif retry_after is not None and status in _REFUSALS:
        parts.append(f": {_TOO_OFTEN}")
    elif advice := _wanted_scheme(response) or _ADVICE.get(meant):
        parts.append(f": {advice}")
    if retry_after:
        parts.append(f"; it asks to come back in {ceil(retry_after):,} second{'' if retry_after <= 1 else 's'}")
    parts += [
        f"; {name}: {redaction.excerpt(said.encode('utf-8', 'replace'))}"
        for name in _TELLING_HEADERS.get(status, ())
        if (said := response.headers.get(name.lower()))
    ]
    if excerpt:
        parts.append(f"; it says: {excerpt}")
    return kind(
        "".join(parts),
        status=status,
        request_id=request_id,
        retryable=can_succeed_later(meant, retry_after),
        retry_after=retry_after,
    )


def _wanted_scheme(response: Response) -> str | None:
    """Return what is said where a service wants to be asked in a way that no connection has, and in no other."""
    wanted = _SCHEME.findall(response.headers.get("www-authenticate") or "") if response.status == 401 else []
    if not wanted or any(name.lower() not in _UNKNOWN_SCHEMES for name in wanted):
        return None
    return f"the service wants {' or '.join(wanted)}, which no connection has: ask who runs it for another way to authenticate"


def excerpt_of(response: Response, redaction: Redaction) -> str:
    """
    Return the beginning of an answer's body, as it may be shown.

    :param redaction: What may be shown of it.
    """
    charset = declared_charset(response.headers.get("content-type"), response.content) or "utf-8"
    return redaction.excerpt(response.content, charset)


def retry_after_seconds(response: Response) -> float | None:
    """Return how long a service asks to wait: by ``Retry-After``, as Azure writes it, or as nothing remains of its limit."""
    headers = response.headers
    told = seconds_to_wait(headers.get("retry-after"), headers.get("date"))
    for name in _MILLISECONDS if told is None else ():
        in_milliseconds = seconds_to_wait(headers.get(name))
        told = told if in_milliseconds is None else in_milliseconds / 1000
    if told is not None or response.status not in _REFUSALS:
        return told
    from airflow_provider_cloudfn.client.rate_headers import seconds_of_pause

    return seconds_of_pause(headers)
