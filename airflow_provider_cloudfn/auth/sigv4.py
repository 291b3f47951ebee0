"""AWS Signature Version 4, by botocore."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from airflow_provider_cloudfn.auth.scheme import Auth, AuthFlow

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from airflow_provider_cloudfn.auth.message import HttpRequest

__all__ = ["AwsCredentials", "SigV4Auth"]


class AwsCredentials(Protocol):
    """An access key, as botocore has it."""

    @property
    def access_key(self) -> str:
        """The access key's ID."""

    @property
    def secret_key(self) -> str:
        """The secret access key."""

    @property
    def token(self) -> str | None:
        """The session token of a temporary access key."""


class SigV4Auth(Auth):
    """
    AWS Signature Version 4.

    :param credentials: Returns the credentials; asked for every request, because temporary ones change.
    :param service: The name that the service signs with, such as ``connect``.
    :param region: The region that the service runs in, such as ``eu-central-1``.
    """

    def __init__(self, credentials: Callable[[], AwsCredentials], service: str, region: str) -> None:
        self._credentials = credentials
        self._service = service
        self._region = region
        self._seen: set[str] = set()

    @property
    def reserved_headers(self) -> frozenset[str]:
        """The headers of the signature."""
        return frozenset({"authorization", "x-amz-date", "x-amz-security-token", "x-amz-content-sha256"})

    def secrets(self) -> Iterable[str]:
        """Return the secret keys and session tokens that were used so far."""
        return tuple(self._seen)

    def flow(self, request: HttpRequest) -> AuthFlow:
        """
        Yield the request with its signature.

        :param request: The request.
        """
        from botocore.auth import SigV4Auth as Signer
        from botocore.awsrequest import AWSRequest
        from botocore.credentials import Credentials

        found = self._credentials()
        self._seen.update(secret for secret in (found.secret_key, found.token) if secret)
        signed = AWSRequest(method=request.method, url=request.url, data=request.body, headers=dict(request.headers))
        Signer(Credentials(found.access_key, found.secret_key, found.token), self._service, self._region).add_auth(
            signed
        )
        for name, value in signed.headers.items():
            if name.lower() in self.reserved_headers:
                request = request.with_header(name, value)
        yield request
