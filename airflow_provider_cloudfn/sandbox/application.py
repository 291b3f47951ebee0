"""The sandbox as one ASGI application, with all that it remembers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.routing import Mount, Route, Router

from airflow_provider_cloudfn.sandbox.access import api_key_header, api_key_query, bearer, behind, open_door
from airflow_provider_cloudfn.sandbox.amazon_connect import amazon_connect_routes
from airflow_provider_cloudfn.sandbox.answers import answer, refused
from airflow_provider_cloudfn.sandbox.charges import Charges
from airflow_provider_cloudfn.sandbox.emporix import emporix_routes
from airflow_provider_cloudfn.sandbox.journal import Journal
from airflow_provider_cloudfn.sandbox.masking import Masking
from airflow_provider_cloudfn.sandbox.processes import ProcessEngine
from airflow_provider_cloudfn.sandbox.shop import shop_routes
from airflow_provider_cloudfn.sandbox.token_endpoint import token_routes
from airflow_provider_cloudfn.sandbox.tokens import AuthorizationServer

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.types import ASGIApp

    from airflow_provider_cloudfn.sandbox.credentials import Credentials
    from airflow_provider_cloudfn.sandbox.last_step import LastStep

__all__ = ["SandboxApplication"]


class SandboxApplication:
    """The shop, Emporix and Amazon Connect, each under a path of its own; and ``/_sandbox`` to look inside."""

    def __init__(self, credentials: Credentials, token_seconds: int) -> None:
        self.masking = masking = Masking(credentials.secrets())
        self.journal = Journal(masking)
        self.charges = Charges()
        self.last_step: LastStep | None = None
        self.processes = ProcessEngine()
        self.tokens = AuthorizationServer(masking, token_seconds)
        doors = {
            "/header": api_key_header(credentials.api_key),
            "/query": api_key_query(credentials.api_key),
            "/oauth2": bearer(self.tokens),
            "/open": open_door,
        }
        routes = [
            *token_routes(credentials, self.tokens),
            *emporix_routes(credentials, self.processes, masking, self.tokens),
            *(Mount(prefix, behind(door, Router(shop_routes(self.charges)))) for prefix, door in doors.items()),
            *amazon_connect_routes(credentials),
            Route("/_sandbox/health", self._health),
            Route("/_sandbox/requests", self._requests),
            Route("/_sandbox/charges", self._charges),
            Route("/_sandbox/processes", self._processes),
            Route("/_sandbox/reset", self._reset, methods=["POST"]),
        ]
        handlers = {HTTPException: refused}
        self.asgi: ASGIApp = self.journal.around(Starlette(routes=routes, exception_handlers=handlers))

    def end_processes_by(self, last_step: LastStep) -> None:
        """Let each process that is resumed do this last."""
        self.last_step = self.processes.last_step = last_step

    def reset(self) -> None:
        """Forget requests, charges, processes and tokens."""
        self.journal.clear()
        self.charges.clear()
        self.processes.clear()
        if self.last_step is not None:
            self.last_step.deliveries.clear()
        self.tokens.forget()

    async def _health(self, _request: Request) -> Response:
        return answer({"status": "ok"})

    async def _requests(self, _request: Request) -> Response:
        return answer({"requests": [one.as_json() for one in self.journal.requests]})

    async def _charges(self, _request: Request) -> Response:
        return answer({"charges": self.charges.all})

    async def _processes(self, _request: Request) -> Response:
        return answer({"processes": [one.as_json() for one in self.processes.all]})

    async def _reset(self, _request: Request) -> Response:
        self.reset()
        return answer({"status": "ok"})
