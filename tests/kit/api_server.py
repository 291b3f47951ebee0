"""The part of an API server that waits ask, and services call back: the plugin's applications, over Airflow's own database."""

from __future__ import annotations

import socket
import threading
from typing import Any, Self

import uvicorn
from starlette.applications import Starlette
from starlette.routing import Mount

from airflow_provider_cloudfn.plugin.airflow_plugin import CloudFunctionPlugin


class PluginServer:
    """Serves what the plugin mounts, on a free port of the loopback."""

    def __init__(self, port: int = 0) -> None:
        self._listener = socket.create_server(("127.0.0.1", port))
        routes = [Mount(one["url_prefix"], one["app"]) for one in CloudFunctionPlugin.fastapi_apps]
        #: How many questions of triggerers were answered.
        self.questions = 0
        self._one_more = threading.Condition()
        self._is_over = False
        self._server = uvicorn.Server(
            uvicorn.Config(self._counted(Starlette(routes=routes)), log_config=None, lifespan="off")
        )
        self._thread = threading.Thread(target=self._server.run, args=([self._listener],), daemon=True)
        self._thread.start()

    @property
    def port(self) -> int:
        port: int = self._listener.getsockname()[1]
        return port

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def wait_for_questions(self, count: int) -> bool:
        """Return when so many questions of triggerers were answered, or nobody is to ask any more; whether they were."""
        with self._one_more:
            self._one_more.wait_for(lambda: self.questions >= count or self._is_over, 600)
            return self.questions >= count

    def expect_no_more(self) -> None:
        """Let those go that wait for questions."""
        with self._one_more:
            self._is_over = True
            self._one_more.notify_all()

    def _counted(self, inner: Any) -> Any:
        async def application(scope: Any, receive: Any, send: Any) -> None:
            await inner(scope, receive, send)
            if scope.get("path", "").startswith("/cloudfn/waits"):
                with self._one_more:
                    self.questions += 1
                    self._one_more.notify_all()

        return application

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        self._server.should_exit = True
        self._thread.join()
