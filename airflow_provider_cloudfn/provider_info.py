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
                    "airflow_provider_cloudfn.hooks.event_source",
                ],
            }
        ],
        "config": {
            "cloudfn": {
                "description": "Cloud functions.",
                "options": {
                    "token_store": {
                        "description": (
                            "Where OAuth 2.0 access tokens are kept: ``file``, which an empty one is too, shares them, "
                            "encrypted, among the processes of one user on one machine, so that they ask for one token; "
                            "``memory`` keeps them in each process; the URL of a Redis shares them, encrypted too, among "
                            "machines (extra ``redis``); the path of a class is a store of your own. Rate limits of "
                            "connections are shared there too. What is set here Airflow takes for a secret, and hides in "
                            "all of its logs: written as ``MEMORY``, it takes no word along."
                        ),
                        "version_added": None,
                        "type": "string",
                        "example": "rediss://user:password@cache.example.com:6379/0",
                        "sensitive": True,
                        # Airflow masks what is sensitive: it would warn, in each of its commands, of one so short.
                        "default": "",
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
                        "description": (
                            "How many bytes of JSON a completion event may carry; 0 for no limit. A larger payload goes to "
                            "``event_storage``."
                        ),
                        "version_added": None,
                        "type": "integer",
                        "example": None,
                        "default": "65536",
                    },
                    "event_storage": {
                        "description": (
                            "Where payloads go that are larger than ``event_limit``: a folder of an object storage, the same "
                            "for all workers. The event has the reference, and who reads it gets the payload. Empty: a larger "
                            "payload is an error. Nothing is deleted there: let the storage do it, when the runs are gone."
                        ),
                        "version_added": None,
                        "type": "string",
                        "example": "s3://aws_default@bucket/events",
                        "default": "",
                    },
                    "events_in_backfills": {
                        "description": (
                            "Whether completion events start other Dags in the runs of a backfill: ``silent`` keeps their "
                            "records in XCom, for the later steps of the run, and emits no asset event; ``emit`` emits it as in "
                            "every other run."
                        ),
                        "version_added": None,
                        "type": "string",
                        "example": "emit",
                        "default": "silent",
                    },
                    "implicit_dependencies": {
                        "description": (
                            "Whether a step runs behind each step that an expression of it names, without an arrow in the Dag "
                            "file, unless ``depends_on_what_it_reads`` of the step says otherwise. The Dag processor and the "
                            "workers must have the same value."
                        ),
                        "version_added": None,
                        "type": "boolean",
                        "example": "True",
                        "default": "False",
                    },
                    "try_it": {
                        "description": (
                            "Whether those who may trigger a Dag can try its steps on a page of Airflow's UI, and those who may "
                            "edit it too can make a step's real call there. It runs the Dag's file, and the expressions that "
                            "they write, on the machine of the API server, in a process of its own with bounds on time and "
                            "memory. Set it where the API server runs."
                        ),
                        "version_added": None,
                        "type": "boolean",
                        "example": "True",
                        "default": "False",
                    },
                    "longest_wait_on_worker": {
                        "description": (
                            "For how many seconds an item of ``for_each`` waits for its turn where a rate, or the service, holds "
                            "it back. For a longer wait the try ends and the worker is free; the task's next try goes on."
                        ),
                        "version_added": None,
                        "type": "float",
                        "example": "300",
                        "default": "60",
                    },
                    "call_records": {
                        "description": (
                            "Which steps leave a record of their calls in XCom, redacted, at most 16 KiB: ``all``, those that "
                            "have failed (``failures``), or ``none``."
                        ),
                        "version_added": None,
                        "type": "string",
                        "example": "failures",
                        "default": "all",
                    },
                    "event_sources": {
                        "description": (
                            "Who may send events to ``POST /cloudfn/events/<source>`` of the API server: the ids of connections "
                            "of the type ``cloudfn_event_source``, with commas between them. No other one is looked up."
                        ),
                        "version_added": None,
                        "type": "string",
                        "example": "github,stripe",
                        "default": "",
                    },
                    "deliveries_kept": {
                        "description": (
                            "For how many days it is kept in the table ``cloudfn_delivery`` what came in; 0 for ever. For so "
                            "long an event that comes again is known as one that was there, and can be replayed."
                        ),
                        "version_added": None,
                        "type": "integer",
                        "example": None,
                        "default": "7",
                    },
                },
            }
        },
        "extra-links": ["airflow_provider_cloudfn.operators.call_link.CallLink"],
        "triggers": [
            {
                "integration-name": "Cloud functions",
                "python-modules": [
                    "airflow_provider_cloudfn.triggers.http_poll",
                    "airflow_provider_cloudfn.triggers.job_wait",
                    "airflow_provider_cloudfn.triggers.event_wait",
                    "airflow_provider_cloudfn.triggers.event_trigger",
                ],
            }
        ],
        "sensors": [
            {
                "integration-name": "Cloud functions",
                "python-modules": [
                    "airflow_provider_cloudfn.sensors.completion_event",
                    "airflow_provider_cloudfn.sensors.http",
                    "airflow_provider_cloudfn.sensors.cloudfn",
                ],
            }
        ],
        "operators": [
            {
                "integration-name": "Cloud functions",
                "python-modules": [
                    "airflow_provider_cloudfn.operators.cloudfn",
                    "airflow_provider_cloudfn.operators.emporix",
                    "airflow_provider_cloudfn.operators.emporix_context",
                    "airflow_provider_cloudfn.operators.publish",
                ],
            }
        ],
        "task-decorators": [
            {"name": "cloudfn", "class-name": "airflow_provider_cloudfn.operators.decorated.cloudfn_task"}
        ],
        "connection-types": _connection_types(),
        "db-managers": ["airflow_provider_cloudfn.deliveries.db_manager.CloudFunctionDBManager"],
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
