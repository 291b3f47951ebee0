"""AWS credentials, found as the Amazon provider finds them."""

from __future__ import annotations

import json
from functools import cached_property
from typing import TYPE_CHECKING, Any

from airflow_provider_cloudfn.auth.repeatable import can_succeed_later
from airflow_provider_cloudfn.auth.sigv4 import AwsKeys
from airflow_provider_cloudfn.connections.kinds.sigv4 import KEY_CONNECTIONS
from airflow_provider_cloudfn.exceptions import (
    AuthenticationError,
    CloudFunctionError,
    CommunicationError,
    ConfigurationError,
)
from airflow_provider_cloudfn.hooks.masking import mask_obtained_secret

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["AwsCredentialSource", "aws_keys_for"]


class AwsCredentialSource:
    """
    Gives AWS credentials, renewed when they expire. They are looked for when they are needed first: a rehearsal needs none.

    Explicit keys, an assumed role, a profile, the worker's role: all as an Airflow connection of type ``aws`` has them.

    :param conn_id: The Airflow connection, for messages and the session's name.
    :param login: The access key's ID.
    :param password: The secret access key.
    :param extra: The Amazon provider's extras.
    :param region: The region.
    :raises ConfigurationError: for extras that the Amazon provider can't read.
    """

    def __init__(
        self,
        *,
        conn_id: str,
        login: str | None,
        password: str | None,
        extra: Mapping[str, Any],
        region: str,
    ) -> None:
        # To import them takes a while, which is not the call's.
        from airflow.providers.amazon.aws.hooks.base_aws import SessionFactory
        from airflow.providers.amazon.aws.utils.connection_wrapper import AwsConnectionWrapper

        self._conn_id = conn_id
        self._region = region
        try:
            # In memory the connection is one of type aws: of any other type the Amazon provider warns at every use.
            self._wrapper = AwsConnectionWrapper.from_connection_metadata(
                conn_id=conn_id, login=login, password=password, extra=dict(extra)
            )
            self._factory = SessionFactory(conn=self._wrapper, region_name=region, config=self._wrapper.botocore_config)
        except Exception as error:
            raise _failure(conn_id, error) from None
        self._credentials: Any = None

    @cached_property
    def _session(self) -> Any:
        try:
            # A role is assumed here.
            return self._factory.create_session()
        except Exception as error:
            raise _failure(self._conn_id, error) from None

    def __call__(self) -> AwsKeys:
        """
        Return credentials that are good now.

        :raises ConfigurationError: when none are found.
        :raises CloudFunctionError: when AWS gives none, now or for good.
        """
        frozen = self._frozen()
        for secret in (frozen.secret_key, frozen.token):
            if secret:
                mask_obtained_secret(secret)
        return AwsKeys(frozen.access_key, frozen.secret_key, frozen.token)

    def renewal(self) -> Callable[[], object] | None:
        """Return what gets credentials, over the network, where none are known yet or they end soon; else None."""
        is_due = getattr(self._credentials, "refresh_needed", lambda: self._credentials is None)
        return self._frozen if is_due() else None

    def _frozen(self) -> Any:
        session = self._session
        try:
            self._credentials = session.get_credentials()
            # Temporary ones are renewed here.
            frozen = self._credentials and self._credentials.get_frozen_credentials()
        except Exception as error:
            raise _failure(self._conn_id, error) from None
        if frozen is None:
            raise ConfigurationError(
                ": no AWS credentials; write the access key ID and the secret access key, or give the worker a role",
                connection=self._conn_id,
            )
        return frozen

    def test(self, endpoint_url: str | None = None) -> tuple[bool, str]:
        """
        Ask AWS who these credentials are: STS GetCallerIdentity, which changes nothing and needs no permission.

        :param endpoint_url: Where to ask instead of AWS; default where the Amazon provider's ``service_config`` says.
        :raises CloudFunctionError: when there are no credentials to ask with, or AWS can't be asked.
        """
        from botocore.config import Config
        from botocore.exceptions import ClientError

        quick = Config(connect_timeout=10, read_timeout=10, retries={"max_attempts": 2})
        configured = self._wrapper.botocore_config
        try:
            self()
            client = self._session.client(
                "sts",
                region_name=self._region,
                endpoint_url=endpoint_url or self._wrapper.get_service_endpoint_url("sts", sts_test_connection=True),
                config=quick if configured is None else quick.merge(configured),
                verify=self._wrapper.verify,
            )
            answer = _identity(client)
        except CloudFunctionError:
            raise
        except ClientError as error:
            return False, f"AWS does not accept the credentials ({type(error).__name__}: {error})"
        except Exception as error:
            raise _failure(self._conn_id, error) from None
        if answer is None:
            return False, (
                "what answered is not AWS STS: GetCallerIdentity got no Arn and Account that can be read; correct endpoint_url, "
                "or the sts of service_config"
            )
        arn, account = answer
        return True, f"AWS knows the caller as {arn}, account {account}."


def _failure(conn_id: str, error: Exception) -> CloudFunctionError:
    """Return the error that a failure of AWS to give credentials is, by whether it can give some later."""
    from botocore import exceptions
    from botocore.exceptions import ClientError

    from airflow_provider_cloudfn.client.status import THROTTLED

    said = f"({type(error).__name__}: {error})"
    if isinstance(error, ClientError):
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
        meant = 429 if error.response.get("Error", {}).get("Code") in THROTTLED else status
        return AuthenticationError(
            f": AWS gives no credentials {said}",
            connection=conn_id,
            status=status,
            retryable=meant is not None and can_succeed_later(meant),
            never_sent=True,
        )
    away = (exceptions.ConnectionError, exceptions.HTTPClientError, exceptions.MetadataRetrievalError)
    if isinstance(error, (*away, exceptions.CredentialRetrievalError)):
        return CommunicationError(
            f": AWS could not be asked for credentials {said}", retryable=True, never_sent=True, connection=conn_id
        )
    return ConfigurationError(
        f": no AWS session {said}; correct what it says for the Amazon provider", connection=conn_id
    )


def _identity(client: Any) -> tuple[str, str] | None:
    """Return the caller's ARN and account, None where the answer is another service's."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        identity = client.get_caller_identity()
        return str(identity["Arn"]), str(identity["Account"])
    except (BotoCoreError, ClientError):
        raise
    except Exception:
        # botocore doesn't say how its parsers fail: with a ResponseParserError, a KeyError, or another.
        return None


def aws_keys_for(conn_id: str, region: str, keys: AwsKeys | None, amazon_connection: Any) -> AwsCredentialSource:
    """
    Return where the access keys of a connection of type ``cloudfn`` come from.

    :param conn_id: That connection.
    :param region: The region that it says.
    :param keys: The access key that it has.
    :param amazon_connection: The connection of type ``aws`` that it names, or None.
    :raises ConfigurationError: when that is of another type.
    """
    if amazon_connection is None:
        return AwsCredentialSource(
            conn_id=conn_id,
            login=keys.access_key if keys else None,
            password=keys.secret_key if keys else None,
            extra={"aws_session_token": keys.token} if keys and keys.token else {},
            region=region,
        )
    if amazon_connection.conn_type not in KEY_CONNECTIONS:
        raise ConfigurationError(
            f", aws_conn_id (AWS SigV4: Connection): {amazon_connection.conn_id!r} is of type "
            f"{amazon_connection.conn_type!r}; name one of type 'aws'",
            connection=conn_id,
        )
    try:
        extra = json.loads(amazon_connection.extra or "{}")
    except ValueError:
        extra = None
    if not isinstance(extra, dict):
        raise ConfigurationError(", extra: is no JSON object; write one", connection=amazon_connection.conn_id)
    return AwsCredentialSource(
        conn_id=amazon_connection.conn_id,
        login=amazon_connection.login,
        password=amazon_connection.password,
        extra=extra,
        region=region,
    )
