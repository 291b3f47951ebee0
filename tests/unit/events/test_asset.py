"""The completion event as an asset."""

from __future__ import annotations

import copy
import operator
import pickle
from typing import Any
from urllib.parse import urlsplit

import pytest
from airflow.sdk import DAG, Asset
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_provider_cloudfn import CompletionEvent
from airflow_provider_cloudfn.events.run_events import scheduled_assets
from airflow_provider_cloudfn.exceptions import ConfigurationError

names = st.text(st.characters(categories=["L", "N", "P", "S"]), min_size=1, max_size=60).filter(
    lambda name: name not in ("self", "context") and name.strip() and name.isprintable() and name[0] not in "'\""
)


@settings(deadline=None)
@given(names, names)
def test_two_names_never_share_a_uri(one: str, other: str) -> None:
    assert (CompletionEvent(one).uri == CompletionEvent(other).uri) == (one == other)


@settings(deadline=None)
@given(names)
def test_airflow_leaves_the_uri_as_it_is(name: str) -> None:
    event = CompletionEvent(name)

    assert Asset(name=name, uri=event.uri).uri == event.uri
    assert urlsplit(event.uri).scheme == "x-cloudfn"


@pytest.mark.parametrize(
    "name", ["charge.created", "acr/s2k/return.created", ".sleeping_until", "_timer-event", "Größe", "a/"]
)
def test_a_name_of_the_documents_is_a_name(name: str) -> None:
    assert CompletionEvent(name).name == name


def test_the_same_name_is_the_same_asset() -> None:
    assert CompletionEvent("charge.created") == CompletionEvent("charge.created")
    assert len({CompletionEvent("charge.created"), CompletionEvent("charge.created")}) == 1


@pytest.mark.parametrize("name", ["", "  ", "a\nb", "context", "self", None, 5])
def test_a_name_that_no_asset_can_have_is_refused(name: object) -> None:
    with pytest.raises(ConfigurationError):
        CompletionEvent(name)  # type: ignore[arg-type]  # the case


def test_a_name_has_no_quotes_of_its_own() -> None:
    with pytest.raises(ConfigurationError, match=r"write CompletionEvent\('charge\.created'\)$"):
        CompletionEvent('"charge.created"')


def test_each_of_an_event_without_the_flag_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="one_run_per_event=True"):
        CompletionEvent("charge.created").each()


@pytest.mark.one_run_per_event
def test_events_of_one_key_are_one_run_on_every_airflow(monkeypatch: pytest.MonkeyPatch) -> None:
    import airflow.sdk

    class OfAirflow34:
        def __init__(self, *, assets: Asset, batch_asset_events: bool = False) -> None:
            self.batch_asset_events = batch_asset_events

    event = CompletionEvent("charge.created", one_run_per_event=True)
    assert event.each().asset_condition == event

    monkeypatch.setattr(airflow.sdk, "PartitionedAssetTimetable", OfAirflow34)

    assert event.each().batch_asset_events


def test_the_flag_is_refused_where_airflow_has_no_partitions(monkeypatch: pytest.MonkeyPatch) -> None:
    from airflow.sdk.execution_time.context import OutletEventAccessor

    monkeypatch.delattr(OutletEventAccessor, "add_partitions", raising=False)

    with pytest.raises(ConfigurationError, match=r"needs partitioned assets.*upgrade to Airflow 3\.3"):
        CompletionEvent("charge.created", one_run_per_event=True)


@pytest.mark.one_run_per_event
@pytest.mark.parametrize("copied", [copy.deepcopy, copy.copy, lambda event: pickle.loads(pickle.dumps(event))])
def test_a_copy_keeps_the_flag(copied: object) -> None:
    again = copied(CompletionEvent("charge.created", one_run_per_event=True))  # type: ignore[operator]  # parametrised

    assert again == CompletionEvent("charge.created")
    assert again.one_run_per_event


def test_it_combines_with_other_assets() -> None:
    both = CompletionEvent("a") & Asset("b") | CompletionEvent("c")

    dag = DAG("d", schedule=both)

    assert {asset.name for asset in scheduled_assets(dag)} == {"a", "b", "c"}


@pytest.mark.one_run_per_event
@pytest.mark.parametrize("combine", [operator.or_, operator.and_])
@pytest.mark.parametrize("is_first", [True, False])
def test_a_run_for_each_event_combines_with_no_other(combine: Any, is_first: bool) -> None:
    each, other = CompletionEvent("charge.created", one_run_per_event=True).each(), CompletionEvent("charge.failed")

    with pytest.raises(ConfigurationError, match=r"'charge.failed' does not combine with the schedule of .each\(\)"):
        combine(*((each, other) if is_first else (other, each)))


def test_an_extra_that_is_no_map_is_refused() -> None:
    extra: Any = 3

    with pytest.raises(
        ConfigurationError, match=r"extra of the completion event 'charge\.created' must be a map, not an"
    ):
        CompletionEvent("charge.created", extra=extra)
