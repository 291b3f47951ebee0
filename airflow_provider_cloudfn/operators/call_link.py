"""The link from a task instance to the page of its call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, urlsplit

from airflow.sdk import BaseOperatorLink, conf

if TYPE_CHECKING:
    from airflow.sdk import BaseOperator

__all__ = ["CallLink"]

_PAGES: Final = "/cloudfn/calls"


class CallLink(BaseOperatorLink):
    """Leads to what a task instance has sent and what came back, where it has left a record of that."""

    name = "Call"

    def get_link(self, operator: BaseOperator, *, ti_key: Any) -> str:
        """
        Return the address of the page, for a browser that shows Airflow; empty where there is no record.

        Airflow asks for it on the worker, when the task has ended.
        """
        if not getattr(operator, "call_is_recorded", False):
            return ""
        base = urlsplit(conf.get("api", "base_url", fallback="")).path.rstrip("/")
        index = -1 if ti_key.map_index is None else ti_key.map_index
        parts = (ti_key.dag_id, ti_key.run_id, ti_key.task_id, str(index))
        return "/".join((base + _PAGES, *(quote(part, safe="") for part in parts)))
