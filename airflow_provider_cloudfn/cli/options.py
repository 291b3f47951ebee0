"""The options of ``[cloudfn]``: names that nothing reads, which Airflow passes over in silence, and values that are refused."""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from airflow.sdk import conf

from airflow_provider_cloudfn.configuration.options import SECTION, flag
from airflow_provider_cloudfn.events.claim_check import event_storage
from airflow_provider_cloudfn.events.size_limit import event_limit
from airflow_provider_cloudfn.exceptions import ConfigurationError, nearest_name
from airflow_provider_cloudfn.hooks.event_source import days_kept
from airflow_provider_cloudfn.hooks.token_sharing import configured_store, shared_folder
from airflow_provider_cloudfn.operators.backfills import events_in_backfills
from airflow_provider_cloudfn.operators.longest_wait import longest_wait_on_worker
from airflow_provider_cloudfn.operators.recorded_task import call_records
from airflow_provider_cloudfn.operators.storable import xcom_limit
from airflow_provider_cloudfn.provider_info import get_provider_info

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["READERS", "option_notes", "option_problems"]

_PREFIX: Final = "AIRFLOW__CLOUDFN__"
#: What reads an option that can be wrong, besides switches.
READERS: Final[dict[str, Callable[[], Any]]] = {
    "call_records": call_records,
    "deliveries_kept": days_kept,
    "event_limit": event_limit,
    "event_storage": event_storage,
    "events_in_backfills": events_in_backfills,
    "longest_wait_on_worker": longest_wait_on_worker,
    "token_store": configured_store,
    "token_store_folder": partial(shared_folder, user=0),
    "xcom_limit": xcom_limit,
}


def option_notes() -> Iterator[tuple[str, str]]:
    """Yield each option that is set and is none, and what is said about it."""
    options = _options()
    # Airflow takes the value of a secret one from elsewhere, too.
    elsewhere = {f"{name}_{way}" for name, one in options.items() if one.get("sensitive") for way in ("cmd", "secret")}
    for name in sorted(_given()):
        if name in options or name in elsewhere:
            continue
        near = nearest_name(name, sorted(options))
        # Nothing of its value: it may be a secret.
        yield name, "there is no such option, and it is passed over" + (f"; did you mean {near}?" if near else "")


def option_problems() -> Iterator[tuple[str, str]]:
    """Yield each option whose value will be refused by what reads it, and why."""
    for name, option in sorted(_options().items()):
        try:
            if option["type"] == "boolean":
                flag(name)
            elif name in READERS:
                READERS[name]()
        except ConfigurationError as error:
            yield name, error.message.removeprefix(f"[{SECTION}] {name}: ")


def _given() -> set[str]:
    # Airflow 3.2 passes over a section that stands in no file.
    by_environment = {name.removeprefix(_PREFIX).lower() for name in os.environ if name.startswith(_PREFIX)}
    return {*(conf.getsection(SECTION) or {}), *by_environment}


def _options() -> dict[str, Any]:
    options: dict[str, Any] = get_provider_info()["config"][SECTION]["options"]
    return options
