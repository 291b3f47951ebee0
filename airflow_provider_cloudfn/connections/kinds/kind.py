"""What a kind of authentication is: its fields in the form, how they are read, the scheme they make, and how it is proved."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, ClassVar, Protocol, Self

from airflow_provider_cloudfn.auth.redacted import Redacted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from airflow_provider_cloudfn.auth.message import HttpResponse
    from airflow_provider_cloudfn.auth.oauth2 import OAuth2ClientCredentials
    from airflow_provider_cloudfn.auth.scheme import Auth
    from airflow_provider_cloudfn.auth.sigv4 import AwsKeys
    from airflow_provider_cloudfn.auth.token_store import TokenStore
    from airflow_provider_cloudfn.client.response import Response
    from airflow_provider_cloudfn.connections.form import ExtraField
    from airflow_provider_cloudfn.connections.reading import ConnectionReader

__all__ = ["Authentication", "AwsKeySource", "HookServices"]


class AwsKeySource(Protocol):
    """Where AWS access keys come from, renewed when they expire."""

    def __call__(self) -> AwsKeys:
        """Return an access key that is good now."""

    def renewal(self) -> Callable[[], object] | None:
        """Return what renews an access key that is not good for much longer, over the network; None while it is."""

    def test(self) -> tuple[bool, str]:
        """Ask AWS whose key it is; returns whether it is good, and what to tell the person who asked."""


class HookServices(Protocol):
    """What the connection's hook does for a kind, which knows neither Airflow nor CEL."""

    @property
    def client_certificate(self) -> str | None:
        """The connection's TLS client certificate, which an access token can be bound to."""

    def token_store(self) -> TokenStore | None:
        """Return where access tokens are kept; None for this process alone."""

    def answer_test(self, field: str, expression: str) -> Callable[[HttpResponse], bool]:
        """
        Return a function that evaluates a CEL expression over an answer, as ``response``.

        :param field: The connection's field that holds the expression, for messages.
        :param expression: The expression; where it can't be evaluated, it counts as false.
        :raises ConfigurationError: when it is wrong.
        """

    def aws_key_source(self, *, region: str, keys: AwsKeys | None) -> AwsKeySource:
        """
        Return where AWS access keys come from: the kind's ``other_connection``, else the keys, else what boto3 finds.

        :param keys: The connection's own access key, if it has one.
        :raises ConfigurationError: when nothing usable is there.
        """

    def probe(self) -> Response:
        """Return what the service answers to a GET request for the connection's ``health_path``, whatever its status."""

    def obtain_token(self, scheme: OAuth2ClientCredentials) -> None:
        """
        Get an access token and forget it.

        :param scheme: What asks for it.
        :raises CloudFunctionError: when none is given.
        """


class Authentication(Redacted, frozen=True, kw_only=True):
    """
    How a connection authenticates: the settings of one kind. A kind is a subclass, and one line in ``__init__.py``.

    Its class variables are for the form; ``_hidden`` names the fields that no repr shows.
    """

    #: What ``auth_type`` says.
    kind: ClassVar[str]
    #: What the connection's password holds, in the words of the form; empty where there is none.
    confidential: ClassVar[str] = ""
    #: The fields that the form has for it, in their order. Kinds can share one.
    fields: ClassVar[tuple[ExtraField, ...]] = ()
    #: Whether making the scheme reads files or talks to others: then it is not done in an event loop.
    blocks: ClassVar[bool] = False

    @classmethod
    @abstractmethod
    def read(cls, reader: ConnectionReader) -> Self:
        """
        Return the settings of a connection.

        :raises ConfigurationError: naming the field that is wrong, and what to do.
        """

    def secrets(self) -> Iterator[str]:
        """Return what must not be seen: the texts that no repr shows."""
        hidden = (getattr(self, name) for name in sorted(self._hidden))
        return (secret for secret in hidden if isinstance(secret, str) and secret)

    @property
    def other_connection(self) -> str | None:
        """The id of another Airflow connection that has the credentials."""
        return None

    @abstractmethod
    def scheme(self, services: HookServices) -> Auth:
        """
        Return what puts credentials on a request.

        :param services: What the hook does for it.
        :raises ConfigurationError: when no scheme can be made of the settings.
        """

    def test(self, services: HookServices) -> tuple[bool, str]:
        """
        Prove the credentials without side effects; returns whether they are good, and what to tell the person who asked.

        :param services: What the hook does for it.
        :raises CloudFunctionError: when the proof fails in another way.
        """
        response = services.probe()
        if response.status in (401, 403):
            return False, (
                f"{response.url} answered {response.status}: it does not accept the credentials. If it is no address that "
                "they are good for, write another one in health_path."
            )
        return True, (
            f"{response.url} answered {response.status}: the service is there, and did not refuse the credentials."
        )
