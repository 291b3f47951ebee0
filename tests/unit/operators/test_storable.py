"""What Airflow can't keep of a step is an error before it is pushed, and one that no retry repeats."""

from __future__ import annotations

import logging

import pytest

from airflow_provider_cloudfn.exceptions import ConfigurationError, LimitError
from airflow_provider_cloudfn.operators.storable import require_event, require_xcom

LOG = logging.getLogger(__name__)


@pytest.mark.parametrize(
    ("limit", "taken", "refused"), [("xcom_limit", 5 * 1024**2, "returns"), ("event_limit", 2**16, "event_payload")]
)
def test_a_limit_counts_bytes_of_json(limit: str, taken: int, refused: str) -> None:
    def require(value: str) -> None:
        require_xcom(value, LOG) if limit == "xcom_limit" else require_event(
            value, field="event_payload", by_default=True
        )

    require("é" * (taken // 2 - 1))
    with pytest.raises(LimitError, match=rf"^{refused}: .*\[cloudfn\] {limit}") as raised:
        require("é" * (taken // 2))

    assert not raised.value.retryable


@pytest.mark.parametrize(("configured", "is_taken"), [("10", False), ("200", True), ("0", True)])
def test_the_configuration_says_the_limit(monkeypatch: pytest.MonkeyPatch, configured: str, is_taken: bool) -> None:
    monkeypatch.setenv("AIRFLOW__CLOUDFN__XCOM_LIMIT", configured)

    try:
        require_xcom("x" * 100, LOG)
    except LimitError:
        assert not is_taken
    else:
        assert is_taken


@pytest.mark.parametrize("configured", ["-1", "64 KiB", "65536.5", ""])
def test_a_limit_that_is_none_is_named(monkeypatch: pytest.MonkeyPatch, configured: str) -> None:
    monkeypatch.setenv("AIRFLOW__CLOUDFN__EVENT_LIMIT", configured)

    with pytest.raises(ConfigurationError, match=rf"\[cloudfn\] event_limit: must be a whole .* not '{configured}'"):
        require_event("x", field="event_payload", by_default=True)


def test_a_large_result_is_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    require_xcom("x" * (1024**2 - 2), LOG)
    assert caplog.messages == []

    require_xcom("x" * 1024**2, LOG)
    assert "1,048,578 bytes" in caplog.text
