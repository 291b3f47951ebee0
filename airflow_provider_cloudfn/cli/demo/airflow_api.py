"""Reads and writes Airflow through its public REST API, version 2."""

from __future__ import annotations

import time
import uuid
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote

import httpx

from airflow_provider_cloudfn.exceptions import (
    CloudFunctionError,
    CommunicationError,
    RequestTimeoutError,
    ResponseError,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["AirflowApi", "until"]

_T = TypeVar("_T")

#: Seconds for an answer: longer than Airflow waits for its database, which one process at a time can write to.
_PATIENCE = 90.0

#: Seconds to the next time, after each error of Airflow's own: SQLite lets one process write at a time, and a process that
#: has waited too long for its turn answers with an error.
_PAUSES = (0.25, 0.5, 1.0, 2.0, 4.0)

_FINAL = frozenset({"success", "failed"})


class AirflowApi:
    """
    An Airflow that asks for no login.

    :param url: Where it is, without a slash at the end.
    """

    def __init__(self, url: str) -> None:
        # trust_env=False: a proxy in the environment is not for this machine's own addresses.
        timeout = httpx.Timeout(_PATIENCE, connect=10)
        self._client = httpx.Client(base_url=f"{url}/api/v2", timeout=timeout, trust_env=False)

    def close(self) -> None:
        """Close its connections."""
        self._client.close()

    def get(self, *path: str, **parameters: str) -> Any:
        """
        Return what is found under a path; ask again for a while where Airflow answers 5xx.

        :param path: Its parts, which are percent-encoded here.
        :raises ResponseError: for a status other than 2xx, which it holds.
        :raises CommunicationError: when there is no answer.
        """
        return self._repeat("GET", path, params=parameters)

    def create(self, *path: str, json: Mapping[str, Any]) -> None:
        """Create something that has an id, once: what is there after an error was made by an earlier try."""
        self._repeat("POST", path, json=json)

    def post(self, *path: str, json: Mapping[str, Any]) -> Any:
        """Send something, once."""
        return self._send("POST", path, json=json)

    def trigger(self, dag_id: str, conf: Mapping[str, Any]) -> str:
        """Start a run of a Dag, and return its id."""
        run_id = f"manual__{uuid.uuid4()}"
        self.create("dags", dag_id, "dagRuns", json={"dag_run_id": run_id, "logical_date": None, "conf": conf})
        return run_id

    def patch(self, *path: str, json: Mapping[str, Any]) -> Any:
        """Change something; as often as it takes, like :meth:`get`."""
        return self._repeat("PATCH", path, json=json)

    def finished_run(self, dag_id: str, run_id: str, *, seconds: float) -> dict[str, Any]:
        """
        Wait until a Dag run is over, and return it.

        :raises RequestTimeoutError: when it takes longer.
        """

        def over() -> dict[str, Any] | None:
            run: dict[str, Any] = self.get("dags", dag_id, "dagRuns", run_id)
            return run if run["state"] in _FINAL else None

        return until(over, seconds, f"run {run_id} of Dag {dag_id} is not over")

    def task_instances(self, dag_id: str, run_id: str) -> list[dict[str, Any]]:
        """Return the task instances of a run, in the order in which they began."""
        found = self.get("dags", dag_id, "dagRuns", run_id, "taskInstances")["task_instances"]
        return sorted(found, key=lambda one: (one["start_date"] is None, one["start_date"] or "", one["task_id"]))

    def xcom(self, instance: Mapping[str, Any], key: str) -> Any:
        """Return what one of :meth:`task_instances` left in XCom, or None."""
        path = ("dags", instance["dag_id"], "dagRuns", instance["dag_run_id"], "taskInstances", instance["task_id"])
        try:
            entry = self.get(*path, "xcomEntries", key, map_index=str(instance["map_index"]), stringify="false")
        except ResponseError as error:
            if error.status == 404:
                return None
            raise
        return entry["value"]

    def log_lines(self, instance: Mapping[str, Any]) -> list[str]:
        """Return the log of the last try of one of :meth:`task_instances`."""
        path = ("dags", instance["dag_id"], "dagRuns", instance["dag_run_id"], "taskInstances", instance["task_id"])
        content = self.get(*path, "logs", str(instance["try_number"]), map_index=str(instance["map_index"]))["content"]
        return [str(line.get("event", "")) if isinstance(line, dict) else str(line) for line in content]

    def _repeat(self, method: str, path: tuple[str, ...], **arguments: Any) -> Any:
        for tries, pause in enumerate((*_PAUSES, None)):
            try:
                return self._send(method, path, **arguments)
            except ResponseError as error:
                if tries and error.status == 409 and method == "POST":
                    return None
                if pause is None or not error.retryable:
                    raise
                time.sleep(pause)
        raise AssertionError("the last time returns or raises")

    def _send(self, method: str, path: tuple[str, ...], **arguments: Any) -> Any:
        written = "/" + "/".join(quote(part, safe="") for part in path)
        try:
            response = self._client.request(method, written, **arguments)
        except httpx.HTTPError as error:
            raise CommunicationError(f"Airflow does not answer {method} {written}: {error}", retryable=True) from error
        if not response.is_success:
            raise ResponseError(
                f"Airflow answered {response.status_code} to {method} {written}: {response.text[:500]}",
                status=response.status_code,
                retryable=response.status_code >= 500,
            )
        try:
            return response.json()
        except ValueError:
            raise ResponseError(
                f"Airflow answered {method} {written} with what is no JSON", status=response.status_code
            ) from None


def until(found: Callable[[], _T | None], seconds: float, otherwise: str, *, pause: float = 0.25) -> _T:
    """
    Ask again and again, until there is something; return that.

    :param found: Returns it, or None; an error that a retry can help is None, too. (Airflow 3.3 answers 500 when asked
        for an asset event while a Dag run that it created is queued.)
    :param seconds: How long to go on.
    :param otherwise: What is the case when nothing was found, for the error.
    :param pause: Seconds from one time to the next.
    :raises RequestTimeoutError: when the time is over.
    """
    deadline = time.monotonic() + seconds
    fault: CloudFunctionError | None = None
    while True:
        try:
            value = found()
        except CloudFunctionError as error:
            if not error.retryable:
                raise
            value, fault = None, error
        if value is not None:
            return value
        if time.monotonic() > deadline:
            raise RequestTimeoutError(f"After {seconds:.0f} s, {otherwise}") from fault
        time.sleep(pause)
