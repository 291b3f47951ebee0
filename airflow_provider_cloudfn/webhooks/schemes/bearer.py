"""A secret that is sent as it is: a bearer token (RFC 6750), or an API key in a header of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_cloudfn.webhooks.refused import RefusedError
from airflow_provider_cloudfn.webhooks.schemes.proof import require_secret_match, unsigned_content
from airflow_provider_cloudfn.webhooks.schemes.scheme import Scheme

if TYPE_CHECKING:
    import datetime as dt

    from airflow_provider_cloudfn.webhooks.received import ReceivedRequest

__all__ = ["Bearer", "bearer_of"]


class Bearer(Scheme, frozen=True, kw_only=True):
    """
    The secret in ``Authorization: Bearer``, or alone in another header, such as GitLab's ``X-Gitlab-Token``. Nothing is signed.

    :param header: That other header, in lower case.
    """

    name = "bearer"
    proves = "nothing but the sender"
    signs_body = False

    header: str | None = None

    @property
    def credential_headers(self) -> frozenset[str]:
        """The header of the secret."""
        return frozenset() if self.header is None else frozenset({self.header})

    def verify(self, request: ReceivedRequest, now: dt.datetime) -> bytes:
        """Return the request's content, once the secret is right."""
        header = self.header
        given = bearer_of(request) if header is None else request.required_header(header, "credentials_missing")
        expected = [secret.encode() for secret in self.secrets if secret]
        # What came is Latin-1 here, byte by byte: it may have been sent as that, or as UTF-8.
        require_secret_match(expected, [given.encode(), given.encode("latin-1", "replace")], "credentials_wrong")
        return unsigned_content(request)


def bearer_of(request: ReceivedRequest) -> str:
    """
    Return the bearer token of a request.

    :param request: The request.
    :raises RefusedError: with 401 when it has none, with 400 when it has two.
    """
    kind, _, token = request.required_header("authorization", "credentials_missing").partition(" ")
    if kind.lower() != "bearer" or not token.strip():
        raise RefusedError(401, "credentials_missing")
    return token.strip()
