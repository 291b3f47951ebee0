"""What is seen of a call from outside: lines in the log, metrics and spans, one for each attempt."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
import structlog
from airflow.sdk._shared.observability.metrics import stats

from airflow_provider_cloudfn.exceptions import AuthorizationError
from airflow_provider_cloudfn.hooks.registry import hook_for

if TYPE_CHECKING:
    from collections.abc import Iterator


class Counted:
    """A metrics backend that keeps what it is told."""

    def __init__(self) -> None:
        self.increments: dict[str, list[tuple[int, dict[str, Any]]]] = {}
        self.timings: list[tuple[str, float, dict[str, Any]]] = []

    def incr(self, stat: str, count: int = 1, rate: float = 1, *, tags: Any = None) -> None:
        self.increments.setdefault(stat, []).append((count, tags))

    def timing(self, stat: str, dt: float, *, tags: Any = None) -> None:
        self.timings.append((stat, dt, tags))


@pytest.fixture
def metrics() -> Iterator[Counted]:
    counted = Counted()
    if hasattr(stats, "incr"):
        before = stats._factory
        stats.initialize(factory=lambda: counted, export_legacy_names=False)  # type: ignore[arg-type,return-value]  # enough of one
        yield counted
        stats.initialize(factory=before, export_legacy_names=True)  # type: ignore[arg-type]  # as it was
    else:  # Airflow 3.2
        of_3_2: Any = stats.Stats
        before = of_3_2.factory
        of_3_2.initialize(factory=lambda: counted)
        yield counted
        of_3_2.initialize(factory=before)


@pytest.fixture
def service(connected: Any) -> Any:
    return connected(password="s3cret-key", extra={"auth_type": "api_key", "key_location": "query", "key_name": "key"})


@pytest.fixture
def spans() -> Iterator[Any]:
    """Return the exporter of a tracer provider that is set for the test, as Airflow sets one when its tracing is on."""
    pytest.importorskip("opentelemetry.sdk")
    from opentelemetry import trace
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    before = trace._TRACER_PROVIDER
    trace._TRACER_PROVIDER = provider
    yield exporter
    trace._TRACER_PROVIDER = before


def test_each_attempt_has_a_line_with_fields(service: Any) -> None:
    service.answer_in_turn((503, {}, {"Retry-After": "0"}), (200, {"a": 1}, {"X-Request-Id": "r-1"}))

    with structlog.testing.capture_logs() as lines:
        hook_for("service").request("GET", "/thing")

    first, second = [line for line in lines if "attempt" in line]
    assert re.fullmatch(r"GET /thing → 503 in \d+ ms", first["event"])
    assert (first["status"], first["attempt"], first["next_in"]) == (503, 1, 0)
    assert second == {
        **second,
        "conn_id": "service",
        "method": "GET",
        "url": f"{service.url}/thing",
        "status": 200,
        "attempt": 2,
        "received": 8,
        "request_id": "r-1",
        "log_level": "info",
    }
    assert second["duration"] >= 0
    assert not {"next_in", "error"} & second.keys()
    assert "s3cret-key" not in repr(lines)


def test_attempts_calls_retries_bytes_and_time_are_counted(service: Any, metrics: Counted) -> None:
    service.answer_in_turn((503, {}, {"Retry-After": "0"}), (200, {"a": 1}))

    hook_for("service").request("PUT", "/thing", json={"b": 2})

    good = {"conn_id": "service", "method": "PUT", "outcome": "200"}
    assert metrics.increments["cloudfn.calls"] == [(1, good)]
    assert metrics.increments["cloudfn.retries"] == [(1, {**good, "outcome": "503"})]
    assert len(metrics.increments["cloudfn.attempts"]) == 2
    assert metrics.increments["cloudfn.bytes_sent"] == [(7, {"conn_id": "service"})] * 2
    assert [name for name, _, _ in metrics.timings] == ["cloudfn.attempt.duration"] * 2


@pytest.mark.skipif(not hasattr(stats, "incr"), reason="Airflow 3.2 is asked for each number")
def test_where_airflow_s_metrics_are_off_it_is_told_no_number(service: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[Any] = []
    monkeypatch.setattr(stats, "_backend", stats.NoStatsLogger())
    for name in ("incr", "timing"):
        monkeypatch.setattr(stats.NoStatsLogger, name, lambda *number, **_: told.append(number))

    hook_for("service").request("GET", "/thing")

    assert told == []


def test_token_requests_are_counted(recording_server: Any, connected: Any, metrics: Counted) -> None:
    recording_server.answer(body={"access_token": "t-123456", "token_type": "Bearer", "expires_in": 3600})
    connected(password="a-secret", extra={"auth_type": "oauth2", "client_id": "c", "oauth2_url": recording_server.url})
    hook = hook_for("service")

    hook.request("GET", "/v1/orders/1001")
    hook.request("GET", "/v1/orders/1001")

    assert [count for count, _ in metrics.increments["cloudfn.token_requests"]] == [1]


def test_without_tracing_no_traceparent_is_sent(service: Any) -> None:
    hook_for("service").request("GET", "/thing")

    assert "traceparent" not in service.received[0].headers


def test_without_tracing_the_span_that_a_task_has_all_the_same_is_not_told(service: Any) -> None:
    from opentelemetry import trace

    task = trace.NonRecordingSpan(trace.SpanContext(trace_id=1, span_id=1, is_remote=False))
    with trace.use_span(task):
        hook_for("service").request("GET", "/thing")

    assert "traceparent" not in service.received[0].headers


def test_each_attempt_is_a_span_whose_id_the_service_is_told(service: Any, spans: Any) -> None:
    from opentelemetry import trace

    service.answer_in_turn((503, {}, {"Retry-After": "0"}), (200, {"a": 1}))
    with trace.get_tracer("test").start_as_current_span("task") as task:
        hook_for("service").request("GET", "/thing")

    *attempts, _ = spans.get_finished_spans()
    assert [span.attributes["http.response.status_code"] for span in attempts] == [503, 200]
    assert {span.parent.span_id for span in attempts} == {task.get_span_context().span_id}
    assert [request.headers["traceparent"].split("-")[2] for request in service.received] == [
        f"{span.context.span_id:016x}" for span in attempts
    ]
    assert [span.status.is_ok for span in attempts] == [False, True]
    assert "s3cret-key" not in repr([dict(span.attributes) for span in attempts])


def test_a_call_that_fails_has_its_span_too(service: Any, spans: Any) -> None:
    from opentelemetry import trace

    service.answer(403)
    with trace.get_tracer("test").start_as_current_span("task"), pytest.raises(AuthorizationError):
        hook_for("service").request("GET", "/thing")

    attempt, _ = spans.get_finished_spans()
    assert not attempt.status.is_ok
