"""What a row of Airflow's XCom table stands for: itself, or what a custom XCom backend has put elsewhere."""

from __future__ import annotations

from typing import Any

from airflow_provider_cloudfn.exceptions import ConfigurationError

__all__ = ["xcom_value"]


def xcom_value(row: Any) -> Any:
    """
    Return what a step left, as a task gets it that pulls it.

    :param row: The row.
    :raises ConfigurationError: when the configured backend can't read it here.
    """
    from airflow.sdk import conf
    from airflow.sdk.bases.xcom import BaseXCom

    try:
        # The model's own reading takes text for JSON: "1001" for a number.
        return (conf.getimport("core", "xcom_backend") or BaseXCom).deserialize_value(row)
    except Exception as error:  # of somebody else's class, and of the storage that it asks
        raise ConfigurationError(
            f"what step {row.task_id!r} left in XCom can't be read here, as [core] xcom_backend has it "
            f"({type(error).__name__}: {error})"
        ) from error
