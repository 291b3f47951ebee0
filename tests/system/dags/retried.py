"""A step that has fewer retries once a file says so."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from airflow.sdk import DAG

from airflow_provider_cloudfn import CloudFunctionOperator

with DAG("retried", schedule=None):
    CloudFunctionOperator(
        task_id="edited",
        cloudfn_conn_id="counting",
        method="POST",
        uri='"/" + run.task_id',
        retries=1 if Path(__file__).with_name("fewer_retries.txt").exists() else 2,
        retry_delay=dt.timedelta(0),
    )
