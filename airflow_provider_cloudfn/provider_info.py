"""
What Airflow's provider discovery asks for.

Each of Airflow's processes asks it when it starts, and an error here would keep it from starting: what lies behind may be
broken, and is left out then.
"""

from __future__ import annotations

import functools
import logging
from typing import Any

_log = logging.getLogger(__name__)


def get_provider_info() -> dict[str, Any]:
    """Return the provider's description, as ``provider_info.schema.json`` of Airflow says."""
    return {
        "package-name": "airflow-provider-cloudfn",
        "name": "Cloud functions",
        "description": (
            "Authenticated API calls in CEL, whose completion events start other Dags. Documentation: README.md and docs/ in the "
            "repository and in the source distribution."
        ),
        "integrations": [
            {
                "integration-name": "Cloud functions",
                "external-doc-url": "https://pypi.org/project/airflow-provider-cloudfn/",
                "tags": ["service"],
            }
        ],
        "hooks": [
            {
                "integration-name": "Cloud functions",
                "python-modules": [
                    "airflow_provider_cloudfn.hooks.cloudfn",
                    "airflow_provider_cloudfn.hooks.amazon_connect",
                    "airflow_provider_cloudfn.hooks.emporix",
                ],
            }
        ],
        "config": {
            "cloudfn": {
                "description": "Cloud functions.",
                "options": {
                    "token_store": {
                        "description": (
                            "Where OAuth 2.0 access tokens are kept: ``file`` shares them, encrypted, among the processes "
                            "of one user on one machine, so that they ask for one token; ``memory`` keeps them in each "
                            "process; the URL of a Redis shares them, encrypted too, among machines (extra ``redis``); the "
                            "path of a class is a store of your own."
                        ),
                        "version_added": None,
                        "type": "string",
                        "example": "rediss://user:password@cache.example.com:6379/0",
                        "sensitive": True,
                        "default": "file",
                    },
                    "token_store_folder": {
                        "description": (
                            "Where the files of ``token_store = file`` are; empty for the system's temporary folder."
                        ),
                        "version_added": None,
                        "type": "string",
                        "example": "/var/lib/airflow",
                        "default": "",
                    },
                    "xcom_limit": {
                        "description": (
                            "How many bytes of JSON a step may return into XCom; 0 for no limit. Above 1 MiB the log has a "
                            "warning."
                        ),
                        "version_added": None,
                        "type": "integer",
                        "example": None,
                        "default": "5242880",
                    },
                    "event_limit": {
                        "description": "How many bytes of JSON a completion event may carry; 0 for no limit.",
                        "version_added": None,
                        "type": "integer",
                        "example": None,
                        "default": "65536",
                    },
                },
            }
        },
        "triggers": [
            {
                "integration-name": "Cloud functions",
                "python-modules": ["airflow_provider_cloudfn.triggers.http_poll"],
            }
        ],
        "sensors": [
            {
                "integration-name": "Cloud functions",
                "python-modules": ["airflow_provider_cloudfn.sensors.http"],
            }
        ],
        "operators": [
            {
                "integration-name": "Cloud functions",
                "python-modules": [
                    "airflow_provider_cloudfn.operators.cloudfn",
                    "airflow_provider_cloudfn.operators.emporix",
                ],
            }
        ],
        "connection-types": _connection_types(),
        "cli": ["airflow_provider_cloudfn.cli.definition.get_cloudfn_commands"],
    }


@functools.cache  # An error is logged once, however often Airflow asks.
def _connection_types() -> list[dict[str, Any]]:
    try:
        from airflow_provider_cloudfn.connections.forms import FORMS

        return [form.connection_type_info() for form in FORMS]
    except Exception:
        _log.exception(
            "The connection types of airflow-provider-cloudfn can't be described: its installation is broken"
        )
        return []
