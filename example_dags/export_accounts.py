"""A job of a service such as Salesforce: it is started, asked for its state, and what it has made is downloaded into a file."""

from __future__ import annotations

from airflow.sdk import DAG

from airflow_provider_cloudfn import CloudFunctionOperator, Poll

with DAG(
    "export_accounts",
    schedule=None,
    description="Export all accounts by a job of the service",
    doc_md=__doc__,
    params={"folder": "file:///tmp"},
    tags=["cloudfn"],
) as dag:
    # [START export_accounts]
    CloudFunctionOperator(
        task_id="export",
        cloudfn_conn_id="crm",
        method="POST",
        uri='"/services/data/v62.0/jobs/query"',
        body={"operation": "query", "query": "SELECT Id, Name FROM Account"},
        poll=Poll(
            done_when='response.body.state == "JobComplete"',
            failed_when='response.body.state in ["Failed", "Aborted"]',
            uri='"/services/data/v62.0/jobs/query/" + job.body.id',
            result="""{
                "uri": "/services/data/v62.0/jobs/query/" + job.body.id + "/results",
                "headers": {"Accept": "text/csv"}
            }""",
            cancel="""{
                "method": "PATCH",
                "uri": "/services/data/v62.0/jobs/query/" + job.body.id,
                "body": {"state": "Aborted"}
            }""",
            timeout=7200,
        ),
        response_file="{{ params.folder }}/accounts-{{ run_id }}.csv",
    )
    # [END export_accounts]
