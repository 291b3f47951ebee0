"""The application that serves the pages, mounted in Airflow's API server."""

from __future__ import annotations

import logging
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from fastapi import FastAPI, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException as StarletteHTTPException

from airflow_provider_cloudfn.exceptions import ConfigurationError
from airflow_provider_cloudfn.plugin.pages import (
    call_page,
    catch_up_page,
    deliveries_page,
    events_page,
    functions_page,
    try_page,
)
from airflow_provider_cloudfn.plugin.pages.catalogue import Catalogue
from airflow_provider_cloudfn.plugin.pages.rendering import HEADERS, page

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.responses import Response

__all__ = ["application"]

_log = logging.getLogger(__name__)

_TITLES: Final = {
    401: "You are not logged in",
    403: "You may not see this",
    404: "There is no such page",
    429: "Too much at once",
}
_ADVICE: Final = {
    401: "Log in to Airflow, and open this page again.",
    403: "Ask whoever looks after Airflow for the right to read this Dag.",
    404: "What was here may have been deleted, or the address is not complete.",
}


def application() -> FastAPI:
    """Return the application."""
    app = FastAPI(title="Cloud functions", docs_url=None, redoc_url=None, openapi_url=None)
    app.state.catalogue = Catalogue()
    for part in (functions_page, call_page, events_page, catch_up_page, deliveries_page, try_page):
        app.include_router(part.router)
    app.mount("/static", StaticFiles(directory=Path(__file__).parent / "static"), name="static")
    app.middleware("http")(_with_headers)
    app.exception_handler(StarletteHTTPException)(_refused)
    app.exception_handler(RequestValidationError)(_not_understood)
    app.exception_handler(ConfigurationError)(_can_not_be)
    app.exception_handler(Exception)(_failed)
    return app


async def _with_headers(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
    if "\0" in request.scope["path"] or b"%00" in request.scope["query_string"]:
        # PostgreSQL has no such text: to look for it is an error there.
        return await _not_understood(request, ValueError())
    response = await call_next(request)
    for name, value in HEADERS.items():
        if name != "Cache-Control" or "/static/" not in request.url.path:
            response.headers.setdefault(name, value)
    return response


async def _refused(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException | StarletteHTTPException) else 500
    return _problem(request, status, _own_words(error))


async def _not_understood(request: Request, error: Exception) -> Response:  # noqa: ARG001 - as Starlette calls it
    return _problem(request, 400, "A value in the address, or in the form, is not one that this page takes.")


async def _can_not_be(request: Request, error: Exception) -> Response:
    return _problem(request, 409, str(error))


async def _failed(request: Request, error: Exception) -> Response:
    # What went wrong may quote anything: it stands in the log, where Airflow masks secrets.
    _log.error("A page of airflow-provider-cloudfn can't be shown", exc_info=error)
    return _problem(request, 500, "The log of the API server says why.")


def _problem(request: Request, status: int, message: str | None) -> Response:
    title = _TITLES.get(status) or ("This page can't be shown" if status >= 500 else HTTPStatus(status).phrase)
    told = message or _ADVICE.get(status, "")
    answer = page(request, "problem.html", status_code=status, status=status, title=title, message=told)
    answer.headers.update(HEADERS)
    return answer


def _own_words(error: Any) -> str | None:
    """Return what one of these pages says; what Airflow says is for programs."""
    detail = getattr(error, "detail", None)
    return detail if isinstance(detail, str) and detail.endswith(".") else None
