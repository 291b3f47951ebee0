"""What a token endpoint answers (RFC 6749, section 5), and what some answer instead."""

from __future__ import annotations

import json
import math
import re
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urljoin, urlsplit

from airflow_provider_cloudfn.auth.header_fields import is_token
from airflow_provider_cloudfn.auth.repeatable import is_outage, is_worth_asking_for_a_token_again, seconds_to_wait
from airflow_provider_cloudfn.auth.spellings import hide, spellings
from airflow_provider_cloudfn.auth.token_store import AccessToken
from airflow_provider_cloudfn.exceptions import AuthenticationError
from airflow_provider_cloudfn.json_encoding import parse_foreign_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from airflow_provider_cloudfn.auth.message import HttpResponse

__all__ = ["error_code", "read_token", "refuses_client"]

_EXCERPT = 300
#: What is longer is no answer with a token, and is not parsed.
_LONGEST = 1024 * 1024
_TOLD = ("error", "error_description")
#: Where endpoints that don't keep to the standard say what is wrong.
_ELSEWHERE = ("errorCode", "errorSummary", "code", "title", "message", "error_message", "msg", "detail", "description")
_NAMES = 6
_STANDARD_NAMES = {
    name.replace("_", ""): name for name in ("access_token", "expires_in", "refresh_token", "token_type")
}
_WITH_SCHEME = re.compile(r"bearer\s+(?=\S)", re.IGNORECASE)
#: What stands in token_type and is no type: of a token exchange (RFC 8693, section 2.2.1), of what says what was asked for.
_NO_TYPES = frozenset({"n_a", "access_token", "access-token"})


def read_token(response: HttpResponse, url: str, secrets: Iterable[str], remedy: str = "") -> AccessToken:
    """
    Return the token of an answer.

    :param url: Where it came from.
    :param secrets: What must not be seen in an error.
    :param remedy: What there is to try where the endpoint refuses, behind the end of the error.
    :raises AuthenticationError: when there is none in it; the message says what came back.
    """
    fields = _fields(response)
    value = fields.get("access_token")
    if not 200 <= response.status < 300 or not isinstance(value, str) or not value:
        raise _failure(response, fields, url, secrets, remedy)
    # Some write it as it goes into the header.
    value = value[found.end() :] if (found := _WITH_SCHEME.match(value)) else value
    if not all("!" <= character <= "~" for character in value):
        raise AuthenticationError(
            f"the token endpoint {_shown(url)} gave an access_token that no header can carry; check the token URL",
            status=response.status,
        )
    refresh_token = fields.get("refresh_token")
    kind = fields.get("token_type")
    lifetime = _seconds(fields.get("expires_in"))
    return AccessToken(
        value=value,
        type=kind if isinstance(kind, str) and _is_other_than_bearer(kind) else "Bearer",
        expires_at=None if lifetime is None else time.time() + lifetime,
        refresh_token=refresh_token if isinstance(refresh_token, str) and refresh_token else None,
        lifetime=lifetime,
    )


def error_code(response: HttpResponse) -> str | None:
    """Return the ``error`` that an answer names, such as ``invalid_client``."""
    code = _fields(response).get("error")
    return code if isinstance(code, str) else None


def refuses_client(response: HttpResponse) -> bool:
    """Return whether an answer says that the endpoint does not believe who asks."""
    return response.status == 401 or error_code(response) == "invalid_client"


def _failure(
    response: HttpResponse, fields: Mapping[str, Any], url: str, secrets: Iterable[str], remedy: str
) -> AuthenticationError:
    names = _TOLD if any(fields.get(name) for name in _TOLD) else _ELSEWHERE
    told = [
        f"{name} {_redacted(fields[name], secrets)!r}"
        for name in names
        if fields.get(name) and (names is _TOLD or isinstance(fields[name], str))
    ]
    if names is not _TOLD:
        media_type = (response.header("content-type") or "no media type").partition(";")[0][:60]
        others = ", ".join(ascii(_redacted(name, secrets)[:40]) for name in [*fields][:_NAMES])
        told.insert(
            0,
            f"no access_token that is text, among {others}"
            if others
            else f"no access_token in {len(response.content)} bytes of {media_type}",
        )
    outage = is_outage(response.status, fields.get("error"))
    leads_to = _redirect_target(response, url)
    return AuthenticationError(
        f"the token endpoint {_shown(url)} answered {response.status}: {', '.join(told)}; "
        + (
            f"it redirects to {_redacted(leads_to, secrets)}, and a token request is not sent on: where that is the token "
            "endpoint, write it as the token URL of the connection"
            if leads_to
            else "that is a fault of the endpoint: try again later, and if it stays so, ask those who run it"
            if outage
            else "it is asked too often: try again later"
            if response.status == 429 or fields.get("error") == "slow_down"
            else "check the token URL of the connection (oauth2_url): what is there gives no tokens"
            if response.status in (404, 405, 410)
            else f"check the client ID, the client secret, the scopes and the token URL of the connection{remedy}"
        ),
        status=response.status,
        retryable=is_worth_asking_for_a_token_again(response.status, fields.get("error")),
        retry_after=seconds_to_wait(response.header("retry-after"), response.header("date")),
    )


def _fields(response: HttpResponse) -> dict[str, Any]:
    """Return what was said: JSON, or a form, whatever the media type is, because that is often wrong."""
    if len(response.content) > _LONGEST:
        return {}
    text = response.content.decode(json.detect_encoding(response.content), "replace")
    try:
        parsed = parse_foreign_json(text)
    except ValueError:
        media_type = response.header("content-type") or ""
        return dict(parse_qsl(text)) if "form-urlencoded" in media_type or "access_token=" in text else {}
    if not isinstance(parsed, dict):
        return {}
    parsed = _in_standard_names(parsed)
    # Some put the answer into an envelope of theirs, such as "data".
    envelopes = [_in_standard_names(value) for value in parsed.values() if isinstance(value, dict)]
    inner = [fields for fields in envelopes if "access_token" in fields]
    return inner[0] if len(inner) == 1 and "access_token" not in parsed else parsed


def _in_standard_names(fields: dict[str, Any]) -> dict[str, Any]:
    """Return an answer with the standard's names, which some write as accessToken or AccessToken, one as token alone."""
    found: dict[str, Any] = {}
    for name, value in fields.items():
        meant = _STANDARD_NAMES.get(name.lower().replace("-", "").replace("_", ""), name)
        found[name if meant in fields else meant] = value
    if isinstance(alone := found.get("token"), str):
        found.setdefault("access_token", alone)
    return found


def _is_other_than_bearer(kind: str) -> bool:
    """Return whether a type of tokens is another: some spell that one as they like, as BearerToken, bearer_token, jwt-bearer."""
    return "bearer" not in kind.lower() and kind.lower() not in _NO_TYPES and is_token(kind)


def _seconds(expires_in: object) -> float | None:
    """
    Return how long a token lives; None where the endpoint says nothing of use: a 401 will tell then.

    Some write 0 for tokens that never expire, some for such as are spent at once; waiting for a 401 is right for both.
    """
    if isinstance(expires_in, bool) or not isinstance(expires_in, (int, float, str)):
        return None
    try:
        seconds = float(expires_in)
    except (ValueError, OverflowError):
        return None
    return seconds if seconds > 0 and math.isfinite(seconds) else None


def _redirect_target(response: HttpResponse, url: str) -> str | None:
    """Return where a redirect points, origin and path."""
    location = response.header("location")
    if not 300 <= response.status < 400 or not location:
        return None
    try:
        return _shown(urljoin(url, location))
    except ValueError:
        return None


def _shown(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def _redacted(value: object, secrets: Iterable[str]) -> str:
    written = {text for secret in secrets for text in spellings(secret)}
    return hide(str(value), sorted(written, key=len, reverse=True))[:_EXCERPT]
