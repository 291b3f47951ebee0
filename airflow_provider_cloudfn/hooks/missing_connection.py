"""What is said of a connection that is not there."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from airflow_provider_cloudfn.exceptions import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["missing_connection"]


@contextmanager
def missing_connection(conn_id: str, parameter: str, types: Iterable[str]) -> Iterator[None]:
    """
    Say in our words that Airflow has no connection of a name.

    Airflow says the same where it could not be reached for it, so another try of the task may help.

    :param parameter: Where its name is written.
    :param types: Of which types it can be.
    :raises ConfigurationError: instead of Airflow's own error.
    """
    from airflow.sdk.exceptions import AirflowNotFoundException

    try:
        yield
    except AirflowNotFoundException as error:
        raise ConfigurationError(
            f"{parameter}: there is no connection {conn_id!r}: make one of type {' or '.join(types)}, or correct the name; "
            "Airflow says the same where it could not be reached",
            retryable=True,
        ) from error
