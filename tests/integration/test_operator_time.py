"""How long a step may take."""

from __future__ import annotations

import socket
import threading
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_cloudfn import CloudFunctionOperator

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from airflow.sdk import DAG


@pytest.fixture
def silent_server() -> Iterator[str]:
    """A server that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        kept: list[socket.socket] = []

        def accept() -> None:
            try:
                while True:
                    kept.append(listener.accept()[0])
            except OSError:
                return

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        listener.shutdown(socket.SHUT_RDWR)
    thread.join()
    for connection in kept:
        connection.close()


@pytest.mark.parametrize(
    ("extra", "limit", "message"),
    [
        ({}, {"request_timeout": 0.3}, "0.3 seconds in all; the service may"),
        ({}, {"request_timeout": 0.3}, "request_timeout of the task, or else total_timeout of the connection"),
        ({}, {"request_timeout": timedelta(seconds=0.3)}, "took longer than 0.3 seconds in all"),
        ({}, {"execution_timeout": timedelta(seconds=0.5)}, "AirflowTaskTimeout"),
        ({"total_timeout": 0.3}, {}, "took longer than 0.3 seconds in all"),
        ({"total_timeout": 30}, {"request_timeout": 0.3}, "took longer than 0.3 seconds in all"),
    ],
)
def test_a_silent_service_is_not_waited_for_any_longer(
    run_dag: Callable[..., Any],
    dag: DAG,
    connection: Callable[..., None],
    silent_server: str,
    capfd: pytest.CaptureFixture[str],
    extra: dict[str, float],
    limit: dict[str, Any],
    message: str,
) -> None:
    connection("silent", conn_type="cloudfn", host=silent_server, extra={"auth_type": "none", **extra})

    CloudFunctionOperator(task_id="call", cloudfn_conn_id="silent", uri='"/v1"', **limit)

    result = run_dag(dag)

    assert result.states == {"call": ["failed"]}
    assert message in "".join(capfd.readouterr())
