"""The receiver as an application that Airflow's API server mounts at ``/cloudfn/events``."""

from __future__ import annotations

from typing import Any, Final

from fastapi import FastAPI, Request, Response

from airflow_provider_cloudfn import __version__
from airflow_provider_cloudfn.auth.media_type import FORM_TYPE
from airflow_provider_cloudfn.hooks.event_source import EventSourceHook
from airflow_provider_cloudfn.plugin.receiver.answer import Answer, RefusedDelivery
from airflow_provider_cloudfn.plugin.receiver.receiver import Receiver
from airflow_provider_cloudfn.plugin.receiver.sources import Sources
from airflow_provider_cloudfn.webhooks.forms import LONGEST, MOST_EVENTS

__all__ = ["ANSWERS", "application", "receiving"]

#: What each status means to a sender.
ANSWERS: Final = {
    202: "At least one event is new, and is an asset event now, for ever.",
    200: "All of it was there already, or is not wanted. Nothing is made twice.",
    400: "What came can't be read as an event.",
    401: "The signature, or whatever else says who sends, is missing or wrong.",
    403: "The sender may not send this.",
    404: "There is no such event source.",
    405: "Another method than POST, where it is no handshake.",
    408: "The body did not come in time.",
    413: "The body, or what an event carries, is too large.",
    415: "The body has a form, or an encoding, that is not taken.",
    422: "No Dag waits for such an event, or it is not as its schema says.",
    429: "Too many at once: see Retry-After.",
    503: "Not now: see Retry-After. Nothing is lost when it is sent again.",
}


_TEXT: Final = {"type": "string", "minLength": 1, "maxLength": LONGEST}
#: An event in the JSON format of CloudEvents; what it may have besides is said there.
_EVENT: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["specversion", "id", "source", "type"],
    "properties": {
        "specversion": {"const": "1.0"},
        **dict.fromkeys(("id", "source", "type", "subject"), _TEXT),
        "time": {"type": "string", "format": "date-time"},
        "data": {},
    },
}
_FORMS: Final[dict[str, dict[str, Any]]] = {
    "application/cloudevents+json": _EVENT,
    "application/cloudevents-batch+json": {"type": "array", "maxItems": MOST_EVENTS, "items": _EVENT},
    "application/json": {},
    FORM_TYPE: {},
}
_BODY: Final[dict[str, Any]] = {
    "requestBody": {"required": True, "content": {form: {"schema": schema} for form, schema in _FORMS.items()}}
}


def application() -> FastAPI:
    """Return the application."""
    return receiving(Receiver(Sources(lambda name: EventSourceHook(name).source())))


def receiving(receiver: Receiver) -> FastAPI:
    """
    Return an application that hands its requests to a receiver.

    :param receiver: What answers.
    """
    app = FastAPI(title="Events for cloud functions", version=__version__, docs_url=None, redoc_url=None)

    async def receive(source: str, request: Request) -> Response:
        return await receiver.answer(source, "", request)

    async def receive_below(source: str, path: str, request: Request) -> Response:
        return await receiver.answer(source, f"/{path}", request)

    for route, endpoint in (("/{source}", receive), ("/{source}/{path:path}", receive_below)):
        below = "_below" if endpoint is receive_below else ""
        app.add_api_route(
            route,
            endpoint,
            methods=["POST"],
            operation_id=f"deliver{below}",
            summary="Deliver events",
            description=(
                "Takes a CloudEvent (binary, structured, or a batch), JSON or a form, as the event source says. An event that is "
                "answered with 202 is an asset event of Airflow, exactly once."
            ),
            status_code=202,
            response_model=None,
            responses={
                status: {"description": meaning, "model": Answer if status < 300 else RefusedDelivery}
                for status, meaning in ANSWERS.items()
            },
            openapi_extra=_BODY,
        )
        for method, operation in (("OPTIONS", "greet"), ("HEAD", "look")):
            app.add_api_route(
                route,
                endpoint,
                methods=[method],
                operation_id=f"{operation}{below}",
                summary="Ask whether events may be sent (CloudEvents, webhook validation)",
                response_class=Response,  # whose success has no body
                response_model=None,
                responses={
                    status: {"description": meaning, "model": RefusedDelivery}
                    for status, meaning in ANSWERS.items()
                    if status >= 400
                },
            )
    return app
