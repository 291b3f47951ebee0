"""A paged read: the hook in a task of one's own, for what no single call can do."""

from __future__ import annotations

from typing import Any

from airflow.sdk import DAG, task

from airflow_provider_cloudfn.hooks.cloudfn import CloudFunctionHook

with DAG(
    "read_customers", schedule=None, description="Read all customers, page after page", doc_md=__doc__, tags=["cloudfn"]
):
    # [START read_customers]
    @task
    def read_customers() -> list[dict[str, Any]]:
        hook = CloudFunctionHook("shop")
        customers: list[dict[str, Any]] = []
        uri = "/v1/customers?limit=2"
        while uri:
            page = hook.request("GET", uri).body
            customers += page["items"]
            uri = page["next"]
        return customers

    read_customers()
    # [END read_customers]
