"""The example of the documents, as they print it: a charge, with its query, its body and its header."""

from __future__ import annotations

from airflow.sdk import DAG

from airflow_provider_cloudfn import CloudFunctionOperator

with DAG(
    "charge_customer",
    schedule=None,
    description="A charge, as the documents print it",
    doc_md=__doc__,
    tags=["cloudfn"],
):
    # [START charge_customer]
    CloudFunctionOperator(
        task_id="charge",
        cloudfn_conn_id="payments",
        method="POST",
        uri='"/v1/charges"',
        query={'"environment"': '"production"'},
        headers={'"Content-Type"': '"application/json"'},
        body='{ "customer_name": "John Doe", "priority": "High", "is_active": true }',
    )
    # [END charge_customer]
