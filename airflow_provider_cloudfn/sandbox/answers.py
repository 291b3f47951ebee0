"""How the sandbox writes its answers and reads forms."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from starlette.exceptions import HTTPException
from starlette.responses import Response

from airflow_provider_cloudfn.json_encoding import encode_json

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request

__all__ = ["FORM", "Refusal", "answer", "form_fields", "media_type", "refused"]

FORM = "application/x-www-form-urlencoded"


class Refusal(HTTPException):
    """
    An error that the caller gets as ``{"error": {"code", "message"}, "request_id"}``.

    :param status: The status code.
    :param code: A word for programs.
    :param message: A sentence for people.
    :param headers: Further headers of the answer.
    """

    def __init__(self, status: int, code: str, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(status, message, dict(headers or {}))
        self.code = code


def answer(value: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """
    Return an answer whose body is JSON.

    :param value: The body.
    :param status: The status code.
    :param headers: Further headers.
    """
    return Response(encode_json(value), status, dict(headers or {}), "application/json")


async def refused(request: Request, error: Exception) -> Response:
    """
    Turn an error into its answer.

    :param request: The request.
    :param error: What a handler, or the router, raised.
    """
    if not isinstance(error, HTTPException):
        raise error
    code = error.code if isinstance(error, Refusal) else error.detail.lower().replace(" ", "_")
    body: dict[str, Any] = {"error": {"code": code, "message": error.detail}}
    if (request_id := request.scope["state"].get("request_id")) is not None:
        body["request_id"] = request_id
    return answer(body, error.status_code, error.headers)


def media_type(request: Request) -> str:
    """
    Return the media type of the request's body, without parameters, in lower case.

    :param request: The request.
    """
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


async def form_fields(request: Request) -> list[tuple[str, str]]:
    """
    Return the names and values of a form body, those with an empty value left out (RFC 6749, section 3.2).

    :param request: The request.
    :raises ValueError: when the body is no text, or no form.
    """
    pairs = parse_qsl(
        (await request.body()).decode("utf-8"), keep_blank_values=True, strict_parsing=True, errors="strict"
    )
    return [(name, value) for name, value in pairs if value]
