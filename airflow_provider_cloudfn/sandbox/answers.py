"""How the sandbox writes its answers and reads forms."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from starlette.exceptions import HTTPException
from starlette.responses import Response

from airflow_provider_cloudfn.auth.media_type import media_type_of
from airflow_provider_cloudfn.json_encoding import encode_json

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request

__all__ = ["Refusal", "answer", "form_fields", "media_type", "refused"]


class Refusal(HTTPException):
    """
    An error that the caller gets as ``{"error": {"code", "message"}, "request_id"}``.

    :param code: A word for programs.
    :param message: A sentence for people.
    """

    def __init__(self, status: int, code: str, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(status, message, dict(headers or {}))
        self.code = code

    def body(self, request_id: str | None) -> dict[str, Any]:
        """Return what is answered; other services than the shop have other shapes."""
        named = {} if request_id is None else {"request_id": request_id}
        return {"error": {"code": self.code, "message": self.detail}, **named}


def answer(value: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Return an answer whose body is JSON."""
    return Response(encode_json(value), status, dict(headers or {}), "application/json")


async def refused(request: Request, error: Exception) -> Response:
    """Turn an error into its answer."""
    if not isinstance(error, HTTPException):
        raise error
    if not isinstance(error, Refusal):  # of the router
        error = Refusal(error.status_code, error.detail.lower().replace(" ", "_"), error.detail, error.headers)
    return answer(error.body(request.scope["state"].get("request_id")), error.status_code, error.headers)


def media_type(request: Request) -> str:
    """Return the media type of the request's body, without parameters, in lower case."""
    return media_type_of(request.headers.get("content-type", ""))


async def form_fields(request: Request) -> list[tuple[str, str]]:
    """
    Return the names and values of a form body, those with an empty value left out (RFC 6749, section 3.2).

    :raises ValueError: when the body is no text, or no form.
    """
    pairs = parse_qsl(
        (await request.body()).decode("utf-8"), keep_blank_values=True, strict_parsing=True, errors="strict"
    )
    return [(name, value) for name, value in pairs if value]
