"""AWS Signature Version 4, by botocore."""

from __future__ import annotations

import hashlib
import logging
import threading
from contextvars import ContextVar
from typing import TYPE_CHECKING, ClassVar
from urllib.parse import quote, unquote_to_bytes, urlsplit, urlunsplit

from msgspec.structs import replace

from airflow_provider_cloudfn.auth.redacted import Redacted
from airflow_provider_cloudfn.auth.scheme import Auth, AuthFlow, AuthSteps
from airflow_provider_cloudfn.exceptions import CommunicationError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from airflow_provider_cloudfn.auth.message import HttpRequest

__all__ = ["AwsKeys", "SigV4Auth"]


#: They take the path as it was before it was encoded, and encode it in their own way.
_S3 = frozenset({"s3", "s3-object-lambda", "s3-outposts", "s3express"})

#: Besides S3, whose signer does it, they refuse a request without a header that says the hash of its body.
_HASH_IN_HEADER = frozenset({"aoss", "glacier"})

#: It refuses one without that header too, and one whose body is signed (VPC Lattice, "SigV4 authenticated requests").
_UNSIGNED_BODY = frozenset({"vpc-lattice-svcs"})


class AwsKeys(Redacted, frozen=True):
    """
    What signs a request.

    :param access_key: The access key's ID.
    :param secret_key: Its secret.
    :param token: The session token of a temporary access key.
    """

    _hidden: ClassVar = frozenset({"secret_key", "token"})

    access_key: str
    secret_key: str
    token: str | None = None


class SigV4Auth(Auth):
    """
    AWS Signature Version 4.

    :param keys: Returns the access key; asked for every request, because temporary ones change.
    :param service: The name that the service signs with, such as ``connect``.
    :param region: The region that the service runs in, such as ``eu-central-1``.
    :param renewal: Returns what renews an access key that is not good for much longer, over the network; None while it is.
    """

    def __init__(
        self,
        keys: Callable[[], AwsKeys],
        service: str,
        region: str,
        renewal: Callable[[], Callable[[], object] | None] | None = None,
    ) -> None:
        self._keys = keys
        self._service = service
        self._region = region
        self._renewal = renewal
        self._renewed: _Renewed | None = None
        self._seen: set[str] = set()

    @property
    def reserved_headers(self) -> frozenset[str]:
        """The headers of the signature."""
        return frozenset({"authorization", "x-amz-date", "x-amz-security-token", "x-amz-content-sha256"})

    def secrets(self) -> Iterable[str]:
        """Return the secret keys and session tokens that were used so far."""
        return tuple(self._seen)

    def steps(self, request: HttpRequest) -> AuthSteps:
        """
        Yield what :meth:`flow` does, and before it what waits for a new access key, where one is due.

        :raises CommunicationError: when it is not there in time.
        """
        work = None if self._renewal is None else self._renewal()
        if work is not None:
            renewed = self._renewed
            if renewed is None or renewed.is_done:  # One is enough for all that wait.
                renewed = self._renewed = _Renewed(work)
            yield renewed
            renewed.require()
        yield from self.flow(request)

    def flow(self, request: HttpRequest) -> AuthFlow:
        """Yield the request with its signature."""
        from botocore.auth import S3SigV4Auth
        from botocore.auth import SigV4Auth as Signer
        from botocore.awsrequest import AWSRequest
        from botocore.credentials import Credentials

        found = self._keys()
        self._seen.update(secret for secret in (found.secret_key, found.token) if secret)
        request = replace(request, url=_canonical_query(request.url))
        # The signer takes text for UTF-8, and it goes in Latin-1: what isn't the same in both is left out, as AWS allows.
        url, headers = request.url, {name: value for name, value in request.headers if value.isascii()}
        if self._service in _S3:
            url = _canonical_path(url)
            if not {".", ".."} & set(urlsplit(url).path.split("/")):  # on the way these would be taken for steps
                request = replace(request, url=url)
        if self._service in _HASH_IN_HEADER:
            headers["x-amz-content-sha256"] = hashlib.sha256(request.body).hexdigest()
        elif self._service in _UNSIGNED_BODY:
            headers["x-amz-content-sha256"] = "UNSIGNED-PAYLOAD"
        # Others encode the path once more than it is encoded on the wire.
        signer = S3SigV4Auth if self._service in _S3 else Signer
        signed = AWSRequest(method=request.method, url=url, data=request.body, headers=headers)
        key = Credentials(found.access_key, found.secret_key, found.token)
        _keep_botocore_silent()
        silent = _signing.set(True)
        try:
            signer(key, self._service, self._region).add_auth(signed)
        finally:
            _signing.reset(silent)
        for name, value in signed.headers.items():
            if name.lower() in self.reserved_headers:
                request = request.with_header(name, value)
        yield request


class _Renewed:
    """
    Work in a thread of its own, which a driver waits for as it waits for a lock: nothing else that it drives stands still.

    :param work: What blocks.
    """

    def __init__(self, work: Callable[[], object]) -> None:
        self._work = work
        self._error: Exception | None = None
        self.is_done = False
        self._once = threading.Lock()

    def try_acquire(self) -> bool:
        """Begin, and tell whether the work is done."""
        if self._once.acquire(blocking=False):
            threading.Thread(target=self._run, name="cloudfn-aws-keys", daemon=True).start()
        return self.is_done

    def release(self) -> None:
        """Do nothing: there is nothing to give back."""

    def require(self) -> None:
        """
        Raise what the work has raised.

        :raises CommunicationError: when it is not done.
        """
        if not self.is_done:
            raise CommunicationError("AWS gave no credentials in time", retryable=True, never_sent=True)
        if self._error is not None:
            raise self._error

    def _run(self) -> None:
        try:
            self._work()
        except Exception as error:  # whoever waits raises it
            self._error = error
        finally:
            self.is_done = True


class _WhileSigning(logging.Filter):
    """Drops what botocore logs for debugging while it signs for us: the canonical request, session token and all."""

    def filter(self, record: logging.LogRecord) -> bool:  # noqa: ARG002 - logging's signature
        return not _signing.get()


_signing: ContextVar[bool] = ContextVar("signing", default=False)
_while_signing = _WhileSigning()


def _keep_botocore_silent() -> None:
    # Added again it stays one; whoever configures logging anew may have taken it away.
    logging.getLogger("botocore.auth").addFilter(_while_signing)


def _canonical_path(url: str) -> str:
    """Return a URL whose path is written as S3 reads it: decoded once, then all but a few signs encoded."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(path=quote(unquote_to_bytes(parts.path), safe="/-_.~")))


def _canonical_query(url: str) -> str:
    """Return a URL with its query written as AWS reads it when it checks the signature: all but a few signs encoded."""
    parts = urlsplit(url)
    pairs = []
    # A plus sign is a space to AWS, as in any form.
    query = parts.query.replace("+", "%20")
    for pair in filter(None, query.split("&")):
        name, mark, value = pair.partition("=")
        pairs.append(quote(unquote_to_bytes(name), safe="-_.~") + mark + quote(unquote_to_bytes(value), safe="-_.~"))
    return urlunsplit(parts._replace(query="&".join(pairs)))
