"""The call record crosses processes: it comes back as it was, whatever later versions add to it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kit.wire_values import values

from airflow_provider_cloudfn.exceptions import ConfigurationError
from airflow_provider_cloudfn.records.call_record import CallRecord, Exchange, Sent

if TYPE_CHECKING:
    from typing import Any

WRITTEN: dict[str, Any] = {
    "function": "charge",
    "conn_id": "payments",
    "conn_type": "cloudfn",
    "kind": "call",
    "outcome": "success",
    "started_at": "2026-01-02T03:04:05Z",
    "seconds": 0.25,
}


@given(values(CallRecord, st.text(st.characters(exclude_categories=["Cc", "Cf", "Cs"]))))
def test_a_record_is_the_same_after_a_round_trip(record: CallRecord) -> None:
    assert CallRecord.from_dict(json.loads(json.dumps(record.to_dict()))) == record


def test_what_a_record_does_not_say_is_not_written() -> None:
    assert CallRecord.from_dict(WRITTEN).to_dict() == WRITTEN


def test_what_a_later_version_adds_is_ignored() -> None:
    later = {**WRITTEN, "totals": {"calls": 1, "planets": 9}, "weather": "fine"}

    assert CallRecord.from_dict(later).totals.calls == 1


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"seconds": "long"}, r"\$\.seconds"),
        ({"seconds": -1}, r"\$\.seconds"),
        ({"seconds": 1e300}, r"\$\.seconds"),
        ({"started_at": "2026-01-02T03:04:05"}, r"\$\.started_at"),
        ({"kind": "song"}, r"\$\.kind"),
        ({"exchange": {"sent": {"method": "GET"}}}, r"\$\.exchange\.sent"),
    ],
)
def test_what_is_no_record_is_refused_with_the_fields_name(changed: dict[str, Any], named: str) -> None:
    with pytest.raises(ConfigurationError, match=named):
        CallRecord.from_dict({**WRITTEN, **changed})


@pytest.mark.parametrize("sign", ["\x1b", "\0", "\x9b", "\u202e", "\ud800"])
def test_what_commands_a_terminal_or_can_t_be_written_is_none_of_ours(sign: str) -> None:
    sent = {"method": "GET", "url": "/", "headers": [["a", f"b{sign}"]]}

    with pytest.raises(ConfigurationError, match="signs that are no text"):
        CallRecord.from_dict({**WRITTEN, "exchange": {"sent": sent}})


@pytest.mark.parametrize("written", [None, "text", [], 7])
def test_what_is_no_map_is_refused(written: object) -> None:
    with pytest.raises(ConfigurationError, match="call record"):
        CallRecord.from_dict(written)


def test_headers_and_bodies_stand_in_no_traceback() -> None:
    record = CallRecord.from_dict(
        {**WRITTEN, "exchange": {"sent": {"method": "GET", "url": "/", "headers": [["a", "private"]]}}}
    )

    assert record.exchange == Exchange(sent=Sent(method="GET", url="/", headers=(("a", "private"),)))
    assert "private" not in repr(record)
