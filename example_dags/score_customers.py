"""A mapped cloud function: one call for each customer, and one more over all of their answers."""

from __future__ import annotations

from airflow.sdk import DAG

from airflow_provider_cloudfn import CloudFunctionOperator, CompletionEvent

with DAG(
    "score_customers",
    schedule=None,
    description="Score each customer, and report on all of them",
    doc_md=__doc__,
    tags=["cloudfn"],
):
    # [START score_customers]
    customers = CloudFunctionOperator(
        task_id="customers",
        cloudfn_conn_id="shop",
        uri='"/v1/customers"',
        returns="response.body.items",
    )
    score = CloudFunctionOperator.partial(
        task_id="score",
        cloudfn_conn_id="shop",
        uri='"/v1/scores/" + url.encode(inputs.id)',
        returns='{"customer": inputs.id, "score": response.body.score}',
        completion_event=CompletionEvent("customer.scored"),
    ).expand(inputs=customers.output)
    report = CloudFunctionOperator(
        task_id="report",
        cloudfn_conn_id="shop",
        method="POST",
        uri='"/v1/reports"',
        body='{"best": steps.score.filter(s, s.score >= 50).map(s, s.customer), "of": size(steps.score)}',
    )
    score >> report
    # [END score_customers]
