"""Where the variables of expressions stood until they moved to ``authoring/``; what was written against that goes on."""

from __future__ import annotations

from airflow_provider_cloudfn.authoring.variables import TaskVariables

__all__ = ["TaskVariables"]
