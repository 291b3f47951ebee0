"""Many calls in two steps: all customers, page after page, and the score of each; and the hook in a task of one's own."""

from __future__ import annotations

from typing import Any

from airflow.sdk import DAG, task

from airflow_provider_cloudfn import CloudFunctionOperator, ForEach, Pages
from airflow_provider_cloudfn.hooks.cloudfn import CloudFunctionHook

with DAG(
    "read_customers",
    schedule=None,
    description="Read all customers, page after page, and score each",
    doc_md=__doc__,
    tags=["cloudfn"],
):
    # [START read_customers]
    read = CloudFunctionOperator(
        task_id="read_customers",
        cloudfn_conn_id="shop",
        uri='"/v1/customers"',
        query={"limit": 2},
        pages=Pages.next_link("response.body.next", items="response.body.items"),
    )
    # [END read_customers]

    # [START score_each]
    score = CloudFunctionOperator(
        task_id="score_each",
        cloudfn_conn_id="shop",
        uri='"/v1/scores/" + url.encode(item.id)',
        for_each=ForEach("steps.read_customers", concurrency=8, key="item.id"),
        returns='{"customer": item.id, "score": response.body.score}',
    )
    # [END score_each]

    # [START best_customer]
    @task
    def best_customer(scores: list[dict[str, Any]]) -> Any:
        """Ask for the customer with the highest score."""
        best = max(scores, key=lambda one: one["score"])
        return CloudFunctionHook("shop").request("GET", f"/v1/customers/{best['customer']}").body

    best_customer(score.output)
    # [END best_customer]

    read >> score
