"""Reads of services that each have another way to go on, page after page."""

from __future__ import annotations

from airflow.sdk import DAG

from airflow_provider_cloudfn import CloudFunctionOperator, Pages

with DAG(
    "page_after_page",
    schedule=None,
    description="Read all pages of services of six kinds",
    doc_md=__doc__,
    tags=["cloudfn"],
):
    # [START next_link]
    CloudFunctionOperator(
        task_id="read_orders",
        cloudfn_conn_id="orders",
        uri='"/v1/orders"',
        query={"limit": 2},
        pages=Pages.next_link("response.body.next", items="response.body.orders"),
    )
    # [END next_link]

    # [START link_header]
    CloudFunctionOperator(
        task_id="read_issues",
        cloudfn_conn_id="github",
        uri='"/repos/apache/airflow/issues"',
        query={"state": '"all"', "per_page": 2},
        headers={"Accept": '"application/vnd.github+json"', "X-GitHub-Api-Version": '"2022-11-28"'},
        pages=Pages.link_header(max_pages=1_000),
        returns='items.map(issue, {"number": issue.number, "title": issue.title})',
    )
    # [END link_header]

    # [START starting_after]
    CloudFunctionOperator(
        task_id="read_charges",
        cloudfn_conn_id="stripe",
        uri='"/v1/charges"',
        query={"limit": 2, "customer": '"cus_1"'},
        pages=Pages.cursor(
            "response.body.has_more ? items[size(items) - 1].id : null",
            query="starting_after",
            items="response.body.data",
        ),
    )
    # [END starting_after]

    # [START page_info]
    CloudFunctionOperator(
        task_id="read_products",
        cloudfn_conn_id="shopify",
        uri='"/admin/api/2025-07/products.json"',
        query={"limit": 2, "status": '"active"'},
        pages=Pages.link_header(items="response.body.products"),
    )
    # [END page_info]

    # [START next_link_of_odata]
    CloudFunctionOperator(
        task_id="read_users",
        cloudfn_conn_id="directory",
        uri='"/v1.0/users"',
        query={"$select": '"id,displayName"', "$count": True},
        headers={"Prefer": '"odata.maxpagesize=2"', "ConsistencyLevel": '"eventual"'},
        pages=Pages.next_link('response.body[?"@odata.nextLink"].orValue(null)', items="response.body.value"),
    )
    # [END next_link_of_odata]

    # [START search_after]
    CloudFunctionOperator(
        task_id="read_log",
        cloudfn_conn_id="elasticsearch",
        method="POST",
        uri='"/log/_search"',
        body={
            "size": 2,
            "query": {"term": {"level": "error"}},
            # The last one makes them unique: of two hits that sort alike, the second would be passed over.
            "sort": [{"at": "asc"}, {"id": "asc"}],
        },
        pages=Pages.cursor(
            "size(items) < 2 ? null : items[size(items) - 1].sort",
            body="search_after",
            items="response.body.hits.hits",
        ),
        returns="items.map(hit, hit._source)",
    )
    # [END search_after]
