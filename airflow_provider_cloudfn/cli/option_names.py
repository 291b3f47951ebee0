"""Names among the options of ``[cloudfn]`` that nothing reads: Airflow passes over them in silence, whatever they were to say."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow.sdk import conf

from airflow_provider_cloudfn.exceptions import nearest_name
from airflow_provider_cloudfn.provider_info import get_provider_info

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["option_notes"]

_SECTION = "cloudfn"


def option_notes() -> Iterator[tuple[str, str]]:
    """Yield each option that is set and is none, and what is said about it."""
    options = get_provider_info()["config"][_SECTION]["options"]
    # Airflow takes the value of a secret one from elsewhere, too.
    elsewhere = {f"{name}_{way}" for name, one in options.items() if one.get("sensitive") for way in ("cmd", "secret")}
    for name in sorted(conf.getsection(_SECTION) or {}):
        if name in options or name in elsewhere:
            continue
        near = nearest_name(name, sorted(options))
        # Nothing of its value: it may be a secret.
        yield name, "there is no such option, and it is passed over" + (f"; did you mean {near}?" if near else "")
