"""What a caller of the sandbox must show."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field, fields

from airflow_provider_cloudfn.exceptions import ConfigurationError

__all__ = ["Credentials"]

_SHORTEST = 8


def _secret() -> str:
    return secrets.token_hex(16)


@dataclass(frozen=True, slots=True)
class Credentials:
    """
    The names and secrets that a sandbox knows. Secrets are random, other ones for each sandbox, unless given.

    :param api_key: Opens the shop under ``/header`` and ``/query``.
    :param client_id: The OAuth 2.0 client of the shop under ``/oauth2``.
    :param client_secret: Its secret.
    :param event_source: The Event Source ID of the Emporix event receiver.
    :param event_secret: What events are signed with.
    :param package_key: The package of the process engine in the Celonis Platform.
    :param emporix_client_id: The client of the Emporix API's token endpoint, and of the Celonis Platform's.
    :param emporix_client_secret: Its secret.
    :param aws_key_id: The access key ID for Amazon Connect.
    :param aws_secret_key: The secret access key that belongs to it.
    :raises ConfigurationError: when a secret is shorter than 8 characters: it could not be masked where it is shown.
    """

    api_key: str = field(default_factory=_secret, repr=False)
    client_id: str = "sandbox-client"
    client_secret: str = field(default_factory=_secret, repr=False)
    event_source: str = "src_sandbox00001"
    event_secret: str = field(default_factory=_secret, repr=False)
    package_key: str = "sandbox_package"
    emporix_client_id: str = "sandbox-emporix-client"
    emporix_client_secret: str = field(default_factory=_secret, repr=False)
    aws_key_id: str = "AKIASANDBOX000000001"
    aws_secret_key: str = field(default_factory=_secret, repr=False)

    def __post_init__(self) -> None:
        for item in fields(self):
            if not item.repr and len(getattr(self, item.name)) < _SHORTEST:
                raise ConfigurationError(f"{item.name}: a secret of the sandbox has {_SHORTEST} characters or more")

    def secrets(self) -> tuple[str, ...]:
        """Return what must never be shown."""
        return tuple(getattr(self, item.name) for item in fields(self) if not item.repr)
