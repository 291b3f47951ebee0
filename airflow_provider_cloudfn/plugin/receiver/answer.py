"""What a sender is told: a status, and words that reveal nothing of why."""

from __future__ import annotations

import math
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

import msgspec
from starlette.responses import Response

from airflow_provider_cloudfn.deliveries.outcome import DeliveryOutcome

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_provider_cloudfn.deliveries.arrival import Arrival
    from airflow_provider_cloudfn.webhooks.refused import RefusedError

__all__ = ["Answer", "AnsweredEvent", "RefusedDelivery", "answer_of", "answer_of_refusal"]

_NO_STORE: Final = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


# Dataclasses: FastAPI describes them.
@dataclass(frozen=True)
class AnsweredEvent:
    """
    What became of one event.

    :param id: The id by which Airflow knows it, ``metadata.id`` of its record; null where it is no event of Airflow's.
    :param outcome: ``accepted``, ``duplicate`` or ``ignored``.
    """

    id: str | None
    outcome: DeliveryOutcome


@dataclass(frozen=True)
class Answer:
    """
    The answer to a request whose sender is known.

    :param events: Its events, in their order.
    """

    events: list[AnsweredEvent]


@dataclass(frozen=True)
class RefusedDelivery:
    """
    The answer to a request that is refused.

    :param detail: The words of its status.
    """

    detail: str


def answer_of(arrivals: Sequence[Arrival], outcomes: Sequence[DeliveryOutcome]) -> Response:
    """
    Return the answer to a request: 202 where it has brought anything, 200 where all was there already, or is not wanted.

    :param arrivals: What has come.
    :param outcomes: What became of it.
    """
    answered = [
        AnsweredEvent(None if outcome is DeliveryOutcome.IGNORED else arrival.record.id, outcome)
        for arrival, outcome in zip(arrivals, outcomes, strict=True)
    ]
    status = HTTPStatus.ACCEPTED if DeliveryOutcome.ACCEPTED in outcomes else HTTPStatus.OK
    return _response(status.value, Answer(answered))


def answer_of_refusal(refused: RefusedError) -> Response:
    """
    Return the answer to a request that is refused.

    :param refused: Why. The sender is told the status only.
    """
    headers = {} if refused.retry_after is None else {"Retry-After": str(math.ceil(max(1.0, refused.retry_after)))}
    return _response(refused.status, RefusedDelivery(HTTPStatus(refused.status).phrase), **headers)


def _response(status: int, content: Answer | RefusedDelivery, **headers: str) -> Response:
    """Return an answer that nobody keeps."""
    return Response(
        msgspec.json.encode(content),
        status_code=status,
        headers={**_NO_STORE, **headers},
        media_type="application/json",
    )
