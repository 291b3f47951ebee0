"""How a curl command authenticates, its secrets left out."""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from airflow_provider_cloudfn.auth.credential_names import is_secret_name, is_secret_path, is_secret_value
from airflow_provider_cloudfn.exceptions import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Collection

__all__ = [
    "ENCODED_BASIC_NOTE",
    "SIGNATURE_HEADERS",
    "Authentication",
    "authorization",
    "aws_signature",
    "basic",
    "refuse_secret_path",
]

#: What a signature of AWS sets itself.
SIGNATURE_HEADERS = frozenset({"x-amz-date", "x-amz-content-sha256", "x-amz-security-token"})
ENCODED_BASIC_NOTE = (
    "the user name is the secret here, so the whole header is kept: put Basic, a space, and the Base64 of user name, colon and "
    "password (printf '%s' 'key:' | base64) into the connection's Secret"
)
#: Passwords that say nothing: the user name is the secret, as with Stripe and Mailchimp.
_EMPTY_PASSWORDS = frozenset({"", "x", "api_token", "x-oauth-basic", "unused", "nopass", "anything"})


@dataclass(frozen=True, slots=True)
class Authentication:
    """
    How a command authenticates.

    :param kind: ``api_key``, ``basic``, ``bearer`` or ``sigv4``.
    :param name: The header or the parameter of an API key; the user name of Basic; the access key's ID.
    :param location: ``header`` or ``query``, of an API key.
    :param prefix: What stands before an API key in its header, such as ``Token``.
    :param settings: Further fields of the connection.
    """

    kind: str
    name: str = ""
    location: str = "header"
    prefix: str = ""
    settings: tuple[tuple[str, str], ...] = ()


def basic(user: str) -> Authentication:
    """
    Return Basic; where the user name is the key itself, as with Stripe, nothing of the header is shown.

    :param user: User name, colon and password; without a colon curl asks for the password.
    """
    name, colon, password = user.partition(":")
    is_key = not name or is_secret_value(name) or (bool(colon) and password.lower() in _EMPTY_PASSWORDS)
    return Authentication("api_key", "Authorization", prefix="Basic") if is_key else Authentication("basic", name)


def aws_signature(value: str, url: str, user: str | None, headers: Collection[str]) -> Authentication:
    """
    Return what signs for AWS, with the region and the service of the option, or of the host, as curl finds them.

    :param value: The value of ``--aws-sigv4``.
    :param user: Access key ID, colon and secret access key.
    :param headers: The names of the headers, in lower case.
    :raises ConfigurationError: for another provider's signature, or one without an access key.
    """
    given = dict(enumerate(value.split(":")))
    if given[0].lower() != "aws" or not user:
        raise ConfigurationError(
            "--aws-sigv4: signs with 'aws:amz:<region>:<service>' and -u '<access key ID>:<secret access key>'; other signatures "
            "are not known here"
        )
    host = (urlsplit(url if "://" in url else f"//{url}").hostname or "").split(".")
    settings = {"aws_service": given.get(3) or host[0], "aws_region": given.get(2) or host[min(1, len(host) - 1)]}
    if "x-amz-security-token" in headers:
        settings["aws_session_token"] = "<the session token>"  # noqa: S105 - a placeholder
    return Authentication("sigv4", user.partition(":")[0], settings=tuple(settings.items()))


def authorization(text: str) -> Authentication:
    """
    Read the header Authorization.

    :raises ConfigurationError: for what was computed for one request, and is worth nothing for the next one.
    """
    scheme, _, value = text.partition(" ")
    lower = scheme.lower()
    if lower == "bearer" and value:
        return Authentication("bearer")
    if lower == "basic":
        try:
            decoded = base64.b64decode(value, validate=True).decode()
        except (ValueError, binascii.Error):
            return Authentication("api_key", "Authorization", prefix=scheme)
        return basic(decoded)
    if lower in ("digest", "aws4-hmac-sha256", "hawk", "oauth") and value:
        raise ConfigurationError(
            f"the header Authorization holds what was computed for one request ({scheme}), and is worth nothing for the next: "
            + (
                "give --aws-sigv4 and -u instead"
                if lower.startswith("aws4")
                else "ask the service for a key or a token"
            )
        )
    is_scheme = bool(value) and re.fullmatch(r"[A-Za-z][A-Za-z-]{0,24}", scheme) is not None
    # As Firebase's `key=…` and PagerDuty's `Token token=…`: the name belongs to what is sent.
    shown = value if is_scheme else text
    name, equals, _ = shown.partition("=")
    named = f"{name}=" if equals and is_secret_name(name, "query") and not re.search(r"[\s,]", shown) else ""
    return Authentication("api_key", "Authorization", prefix=f"{scheme} {named}".strip() if is_scheme else named)


_SECRET_PATHS = re.compile(
    r"hooks\.slack(-gov)?\.com/\w+/|(discord|discordapp)\.com/api/webhooks/|api\.telegram\.org/bot"
    r"|[\w.-]*webhook\.office\.com/webhookb2/|chat\.googleapis\.com/v1/spaces/|hooks\.zapier\.com/hooks/"
    r"|outlook\.office(365)?\.com/webhook/|maker\.ifttt\.com/\w+/.*/key/"
)


def refuse_secret_path(host: str, path: str) -> None:
    """
    Refuse a webhook whose path is its secret.

    :raises ConfigurationError: when it is one; the message says where the path can go.
    """
    if _SECRET_PATHS.match(f"{host}{path}") or is_secret_path(path):
        raise ConfigurationError(
            f"the path at {host} is a secret itself, which no field of the connection takes: put it into an Airflow Variable "
            "such as webhook_secret, and write inputs={'path': '{{ var.value.webhook_secret }}'} and uri='inputs.path'; import "
            "the command with another path"
        )
