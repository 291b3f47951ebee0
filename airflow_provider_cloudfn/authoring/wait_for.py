"""``wait_for=``: what a step waits for when its call is done: an event, or a callback."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from airflow.sdk import Asset
from msgspec import Struct

from airflow_provider_cloudfn.authoring.value_checks import event_problem, seconds
from airflow_provider_cloudfn.exceptions import ConfigurationError

if TYPE_CHECKING:
    import datetime as dt

__all__ = ["CALLBACK_PATH", "CALLBACK_URL", "ONE_WAIT", "Callback", "WaitFor", "wait_for_problem"]

#: The key under which the context of a task holds the URL of its callback.
CALLBACK_URL: Final = "cloudfn_callback_url"
#: How expressions read it.
CALLBACK_PATH: Final = ("run", "callback_url")

#: What can't be given beside it, and what to do instead.
ONE_WAIT: Final = {
    "for_each": "one task waits for one event: map the step, with CloudFunctionOperator.partial(…).expand(…), instead",
    "pages": "a read of many pages begins nothing that is waited for: read them in a step of their own",
    "poll": "a step waits in one way: poll= asks the service until the job is done, wait_for= is told",
    "response_file": "the step returns what it waited for, and not the answer: leave it out",
}


class WaitFor(Struct, frozen=True, repr_omit_defaults=True):
    """
    Wait, when the call is done, for an event: the step goes on with it. Events since just before the call count.

    `match` is CEL over ``event``, ``response``, the answer of the call, and ``inputs``: the triggerer evaluates it too, and it
    knows nothing else.

    :param event: A :class:`CompletionEvent`, or any asset.
    :param match: Whether an event is the one: ``event.result.orderId == response.body.id``. Default: any is.
    :param timeout: Seconds, or a timedelta, for which it is waited.
    :raises ConfigurationError: for what is no event, and a timeout that makes no sense.
    """

    event: Any
    match: Any = None
    timeout: float | dt.timedelta = 3600

    def __post_init__(self) -> None:
        if not isinstance(self.event, Asset):
            message = "is missing" if self.event is None else event_problem(self.event)
            raise ConfigurationError(f"wait_for: event {message}")
        seconds("wait_for: timeout", self.timeout)


class Callback(Struct, frozen=True, repr_omit_defaults=True):
    """
    Wait, when the call is done, until the service calls back at ``run.callback_url``, which the request tells it.

    The address is good for this task instance alone, once, and until the timeout has passed. It takes JSON of up to 48 KiB.

    :param timeout: Seconds, or a timedelta, for which it is waited; they begin before the call.
    :raises ConfigurationError: for a timeout that makes no sense.
    """

    timeout: float | dt.timedelta = 3600

    def __post_init__(self) -> None:
        seconds("wait_for: timeout", self.timeout)


def wait_for_problem(value: Any) -> str | None:
    """Say what is wrong with what is given as ``wait_for``."""
    if value is None or isinstance(value, (WaitFor, Callback)):
        return None
    return (
        f"must be WaitFor(…) or Callback(…), not {type(value).__name__}: write wait_for=WaitFor(event, "
        "match='event.result.orderId == response.body.id') or wait_for=Callback()"
    )
