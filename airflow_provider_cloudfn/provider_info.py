"""What Airflow's provider discovery asks for."""

from __future__ import annotations

from typing import Any


def get_provider_info() -> dict[str, Any]:
    """Return the provider's description, as ``provider_info.schema.json`` of Airflow says."""
    return {
        "package-name": "airflow-provider-cloudfn",
        "name": "Cloud functions",
        "description": "Authenticated API calls in CEL, whose completion events start other Dags.",
    }
