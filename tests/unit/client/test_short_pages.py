"""What of a short page's answer says that there are more items."""

from __future__ import annotations

import json
from typing import Any

import pytest

from airflow_provider_cloudfn.auth.message import HttpResponse
from airflow_provider_cloudfn.client.response import read_response
from airflow_provider_cloudfn.client.short_pages import stated_more


@pytest.mark.parametrize(
    ("headers", "body", "found"),
    [
        ({}, [1, 2], None),
        ({}, {"data": [1, 2], "total": 2}, None),
        ({}, {"data": [1, 2], "total": "12"}, None),
        ({}, {"data": [1, 2], "total": 3}, "response.body.total: 3"),
        ({}, {"data": [1, 2], "totalCount": 3}, "response.body.totalCount: 3"),
        ({}, {"value": [1, 2], "@odata.count": 3}, "response.body.@odata.count: 3"),
        ({}, {"data": [1, 2], "meta": {"total_items": 3}}, "response.body.meta.total_items: 3"),
        ({}, {"content": [1, 2], "page": {"totalElements": 3}}, "response.body.page.totalElements: 3"),
        ({}, {"data": [1, 2], "page": 1, "has_more": True}, "response.body.has_more: true"),
        ({}, {"data": [1, 2], "has_more": False}, None),
        ({"X-Total-Count": "3"}, [1, 2], "the header x-total-count: 3"),
        ({"X-Total-Count": "many"}, [1, 2], None),
        ({"Content-Range": "items 0-1/3"}, [1, 2], "the header content-range: items 0-1/3"),
        ({"Content-Range": "items 0-1/*"}, [1, 2], None),
        ({"Link": "</v1/items?offset=2>; rel=next"}, [1, 2], "a header Link with rel=next"),
        ({"Link": "</v1/items>; rel=first"}, [1, 2], None),
    ],
)
def test_what_says_that_there_are_more(headers: dict[str, str], body: Any, found: str | None) -> None:
    raw = HttpResponse(200, (("Content-Type", "application/json"), *headers.items()), json.dumps(body).encode())

    assert stated_more(read_response(raw, "https://api.example.com/v1/items", None), 2) == found
