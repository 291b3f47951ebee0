"""A service that counts what it did, and kills the process of a task that asks it for something."""

from __future__ import annotations

import json
import os
import signal
import threading
from collections import defaultdict
from contextlib import contextmanager
from typing import TYPE_CHECKING

from kit.server import Answer, LoopbackServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from airflow_provider_cloudfn.cli.demo.airflow_api import AirflowApi
    from kit.server import Received


class Counting:
    """
    Does something for each POST, once for each key, and kills who asks before he hears of the first one.

    :param spared: Whose process is never killed.
    """

    def __init__(self, spared: Callable[[str], bool] = lambda name: name in ("answered", "edited")) -> None:
        self._spared = spared
        self.effects: dict[str, list[str]] = defaultdict(list)
        self._keys: set[str] = set()
        self._lock = threading.Lock()

    def reply(self, request: Received) -> Answer:
        name = request.target.strip("/")
        with self._lock:
            effects = self.effects[name]
            if request.method == "GET":
                return Answer.of(200, effects)
            key = request.headers.get("idempotency-key")
            is_first = not effects
            if key is None or key not in self._keys:
                effects.append(f"{name}.{len(effects) + 1}")
            if key is not None:
                self._keys.add(key)
        if is_first and not self._spared(name):
            os.kill(int(request.headers["x-process"]), signal.SIGKILL)
        return Answer.of(201, {"id": effects[-1]})

    def counts(self) -> dict[str, int]:
        return {name: len(effects) for name, effects in self.effects.items()}

    @contextmanager
    def running(self, api: AirflowApi) -> Iterator[Counting]:
        """Be there for the time of the block, behind the connection ``counting``."""
        with LoopbackServer(reply=self.reply) as server:
            extra = json.dumps({"auth_type": "none"})
            fields = {"connection_id": "counting", "conn_type": "cloudfn", "host": server.url, "extra": extra}
            api.create("connections", json=fields)
            yield self
