"""What Airflow finds of us where plugins are loaded."""

from __future__ import annotations

from importlib import metadata
from typing import Any, Final
from urllib.parse import urlsplit

from airflow.plugins_manager import AirflowPlugin
from airflow.sdk import conf

from airflow_provider_cloudfn.plugin.late_app import LateApp

__all__ = ["CloudFunctionPlugin"]

_PAGES: Final = "/cloudfn"
#: What is below the address of Airflow's UI has its path before its own.
_ROOT: Final = urlsplit(conf.get("api", "base_url", fallback="")).path.rstrip("/") + _PAGES
_ICONS: Final = {"icon": f"{_ROOT}/static/icon.svg", "icon_dark_mode": f"{_ROOT}/static/icon_dark.svg"}
#: The operators whose task instances have a page of their own, by their classes' names.
_CALLERS: Final = (
    "CloudFunctionOperator",
    "CloudFunctionSensor",
    "CloudFunctionHttpSensor",
    "DecoratedCloudFunction",
    "@task.cloudfn",
    "EmporixCompleteOperator",
    "EmporixProcessContextOperator",
    "EmporixResumeOperator",
    "EmporixStartOperator",
    "EventPublishOperator",
)


def _can_choose_tasks() -> bool:
    """Tell whether this Airflow, 3.4 or later, can show a tab for some operators only: an earlier one shows it for all."""
    major, minor = metadata.version("apache-airflow-core").split(".")[:2]
    return (int(major), int(minor)) >= (3, 4)


#: What is mounted. A longer prefix comes before a shorter one that it begins with: Airflow mounts them in this order.
_APPS: list[Any] = [
    {
        "app": LateApp("airflow_provider_cloudfn.plugin.receiver.application"),
        "url_prefix": "/cloudfn/events",
        "name": "Events for cloud functions",
    },
    {
        "name": "cloudfn callbacks",
        "url_prefix": "/cloudfn/callbacks",
        "app": LateApp("airflow_provider_cloudfn.plugin.callbacks"),
    },
    {
        "name": "cloudfn waits",
        "url_prefix": "/cloudfn/waits",
        "app": LateApp("airflow_provider_cloudfn.plugin.event_waits"),
    },
    {
        "app": LateApp("airflow_provider_cloudfn.plugin.pages.application"),
        "url_prefix": _PAGES,
        "name": "Cloud functions",
    },
]
#: What the UI shows in its frame.
_VIEWS: list[Any] = [
    {
        "name": "Cloud functions",
        "href": f"{_ROOT}/",
        "destination": "nav",
        "url_route": "cloud-functions",
        **_ICONS,
    },
]
if _can_choose_tasks():
    _VIEWS.append(
        {
            "name": "Call",
            "href": f"{_ROOT}/calls/{{DAG_ID}}/{{RUN_ID}}/{{TASK_ID}}/{{MAP_INDEX}}",
            "destination": "task_instance",
            "url_route": "cloud-function-call",
            "applies_to": {"operator_name": list(_CALLERS)},
            **_ICONS,
        }
    )


class CloudFunctionPlugin(AirflowPlugin):
    """
    The part of the package that runs in Airflow's API server.

    It is read in every process that loads plugins: what it names is imported where it is needed.
    """

    name = "cloudfn"
    fastapi_apps = _APPS
    external_views = _VIEWS
