"""Basic (RFC 7617): a user name and a password."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from airflow_provider_cloudfn.auth.basic import basic_credentials
from airflow_provider_cloudfn.webhooks.refused import RefusedError
from airflow_provider_cloudfn.webhooks.schemes.proof import require_secret_match, unsigned_content
from airflow_provider_cloudfn.webhooks.schemes.scheme import Scheme

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterator

    from airflow_provider_cloudfn.webhooks.received import ReceivedRequest

__all__ = ["Basic"]


class Basic(Scheme, frozen=True, kw_only=True):
    """
    The user's name and the secret, in ``Authorization``. Nothing is signed.

    :param user: The name.
    """

    name = "basic"
    proves = "nothing but the sender"
    signs_body = False

    user: str

    def verify(self, request: ReceivedRequest, now: dt.datetime) -> bytes:
        """Return the request's content, once the credentials are right."""
        kind, _, written = request.required_header("authorization", "credentials_missing").partition(" ")
        if kind.lower() != "basic":
            raise RefusedError(401, "credentials_missing")
        expected = [base64.b64encode(f"{self.user}:{secret}".encode()) for secret in self.secrets if secret]
        require_secret_match(expected, [written.strip().encode()], "credentials_wrong")
        return unsigned_content(request)

    def hidden_values(self) -> Iterator[str]:
        """Return the secrets, and what Basic makes of them."""
        for secret in self.secrets:
            yield from (secret, *basic_credentials(self.user, secret))
