"""What Airflow learns of each request."""

from __future__ import annotations

import datetime as dt
import sys
from typing import Any

import pytest
from structlog.testing import capture_logs

from airflow_provider_cloudfn.deliveries.arrival import Arrival
from airflow_provider_cloudfn.deliveries.outcome import DeliveryOutcome
from airflow_provider_cloudfn.events.record import CompletionRecord
from airflow_provider_cloudfn.plugin.receiver import observation
from airflow_provider_cloudfn.plugin.receiver.observation import Observed, observe


def arrival(number: int) -> Arrival:
    record = CompletionRecord(
        id=f"id-{number}",
        type="order.paid",
        source="/shop",
        subject="a-subject",
        occurred_at=dt.datetime(2026, 1, 31, tzinfo=dt.UTC),
        function="shop",
        producer=None,
        result="a-payload",
        sender_id="a-sender's-id",
    )
    return Arrival(record=record)


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Any, dict[str, str]]]:
    """Return what is counted, instead of Airflow's metrics."""
    found: list[tuple[str, Any, dict[str, str]]] = []

    class Stats:
        def incr(self, name: str, count: int = 1, *, tags: dict[str, str]) -> None:
            found.append((name, count, tags))

        def timing(self, name: str, milliseconds: float, *, tags: dict[str, str]) -> None:
            found.append((name, milliseconds, tags))

    monkeypatch.setattr(observation, "_stats", Stats)
    return found


def test_a_delivery_is_one_line_with_names_and_without_what_it_carries(counted: Any) -> None:
    with capture_logs() as lines:
        observe(
            Observed(
                source="shop",
                status=202,
                size=120,
                seconds=0.25,
                arrivals=[arrival(1), arrival(2)],
                outcomes=[DeliveryOutcome.ACCEPTED, DeliveryOutcome.DUPLICATE],
            )
        )

    (line,) = lines
    assert line["event"] == "Delivery from shop: accepted, duplicate → 202"
    assert (line["log_level"], line["source"], line["status"], line["size"]) == ("info", "shop", 202, 120)
    assert (line["types"], line["events"], line["count"]) == (["order.paid"], ["id-1", "id-2"], 2)
    assert not any(text in str(line) for text in ("a-payload", "a-subject", "a-sender's-id"))


def test_a_delivery_is_counted_by_source_status_and_outcome(counted: Any) -> None:
    outcomes = [DeliveryOutcome.ACCEPTED, DeliveryOutcome.ACCEPTED, DeliveryOutcome.IGNORED]

    observe(Observed(source="shop", status=202, seconds=0.25, outcomes=outcomes))

    assert counted == [
        ("cloudfn.delivery.duration", 250.0, {"source": "shop", "status": "202"}),
        ("cloudfn.delivery.requests", 1, {"source": "shop", "status": "202"}),
        ("cloudfn.deliveries", 2, {"source": "shop", "outcome": "accepted"}),
        ("cloudfn.deliveries", 1, {"source": "shop", "outcome": "ignored"}),
    ]


def test_a_refusal_is_a_warning_and_names_of_no_source_are_one(counted: Any) -> None:
    with capture_logs() as lines:
        observe(Observed(source=None, status=404, reason="no_source"))

    assert [(line["log_level"], line["reason"]) for line in lines] == [("warning", "no_source")]
    assert {tags["source"] for _, _, tags in counted} == {"unknown"}


def test_an_airflow_without_its_counters_counts_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "airflow.observability", None)

    assert observation._stats() is None
    observe(Observed(source="shop", status=202))


def test_the_api_servers_own_counters_are_the_ones() -> None:
    from airflow.observability import stats

    assert observation._stats() in (stats, getattr(stats, "Stats", None))
