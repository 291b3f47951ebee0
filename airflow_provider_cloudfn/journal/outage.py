"""A short outage of Airflow's own API, or of a storage: a call that was carried out is not made again because of one."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final, TypeVar

from airflow_provider_cloudfn.exceptions import CloudFunctionError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["outlast"]

#: Seconds for which Airflow is asked again, and how many pass in between. Its client tries five times each time.
_PATIENCE: Final = 120.0
_PAUSE: Final = 2.0

_Answer = TypeVar("_Answer")


def outlast(
    ask: Callable[[], _Answer], what: str, log: Any, *, patience: float = _PATIENCE, of: str = "Airflow's API"
) -> _Answer:
    """
    Ask something of Airflow, again for a while where its API can't be reached, or answers with 5xx; or of a storage.

    :param ask: What asks; it must do no harm twice.
    :param what: What that is for, in the log.
    :param log: The task's log.
    :param patience: For how many seconds.
    :param of: Who is asked, in the log.
    :returns: What `ask` returned.
    """
    end = time.monotonic() + patience
    while True:
        try:
            return ask()
        except Exception as error:
            if not _is_outage(error):
                raise
            if time.monotonic() + _PAUSE > end:
                # Airflow's own error names no more than a status.
                log.error(  # noqa: TRY400 - whoever gets the error logs where it comes from
                    "%s could not be reached for %g seconds, or answered with an error: %s is given up, and the try ends",
                    of,
                    patience,
                    what,
                )
                raise
            log.warning(
                "%s can't be reached, or answers with an error: %s is tried again in %g seconds, for %.0f more",
                of,
                what,
                _PAUSE,
                end - time.monotonic(),
            )
        time.sleep(_PAUSE)


def _is_outage(error: Exception) -> bool:
    """Tell whether an error says that Airflow, or a storage, could not answer, rather than that it refused."""
    from airflow.sdk.exceptions import AirflowRuntimeError, ErrorType

    if isinstance(error, CloudFunctionError):
        return error.retryable
    if not isinstance(error, AirflowRuntimeError) or error.error.error is not ErrorType.API_SERVER_ERROR:
        return False
    detail = error.error.detail or {}
    status = detail.get("status_code")
    return status >= 500 if isinstance(status, int) else _is_of_the_network(detail.get("exception_type"))


def _is_of_the_network(name: Any) -> bool:
    """Tell whether an exception of Airflow's client, known by its name alone, is that no answer came."""
    import httpx

    kind = getattr(httpx, name, None) if isinstance(name, str) else None
    return isinstance(kind, type) and issubclass(kind, httpx.RequestError)
