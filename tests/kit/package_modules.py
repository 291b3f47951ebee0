"""The package's modules, for what must hold for all of them."""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
from typing import TYPE_CHECKING

import airflow_provider_cloudfn

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

#: What is of use only where Airflow has this.
NEEDS = {
    "airflow_provider_cloudfn.triggers.event_trigger": "airflow.triggers.shared_stream",
    "airflow_provider_cloudfn.triggers.item_stream": "airflow.triggers.shared_stream",
}


def modules(*parts: str) -> Iterator[ModuleType]:
    """Yield the modules that can be imported on this Airflow and start nothing: those of some parts, or all."""
    for found in pkgutil.walk_packages(airflow_provider_cloudfn.__path__, f"{airflow_provider_cloudfn.__name__}."):
        name = found.name
        is_wanted = not parts or name.split(".")[1] in parts
        is_usable = name not in NEEDS or importlib.util.find_spec(NEEDS[name]) is not None
        if is_wanted and is_usable and not name.endswith("__main__"):
            yield importlib.import_module(name)
