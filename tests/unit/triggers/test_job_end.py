"""What ends a job crosses to the triggerer as a row, and is sent there as the worker would send it."""

from __future__ import annotations

import datetime as dt
import json

import pytest

from airflow_provider_cloudfn.auth.scheme import NoAuth
from airflow_provider_cloudfn.client.body import Body, Form, Json, Raw
from airflow_provider_cloudfn.client.prepared import prepare
from airflow_provider_cloudfn.client.request import Request
from airflow_provider_cloudfn.client.secret import Secret
from airflow_provider_cloudfn.client.url import BaseUrl
from airflow_provider_cloudfn.triggers.job_end import handed_over
from airflow_provider_cloudfn.triggers.poll import HttpPoll

BASE = BaseUrl.parse("https://h/v2")
MOMENT = dt.datetime(2026, 1, 2, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    "request_of_worker",
    [
        Request("DELETE", "/jobs/7?force=true", {"a": ["1", "2"]}, {"X-Why": "late"}, list_style="brackets"),
        Request("POST", "/jobs/7", body=Json({"at": MOMENT, "n": 10**30, "bytes": b"\x00", "x": None})),
        Request("POST", "/jobs/7", body=Json(None)),
        Request("POST", "/jobs/7", headers={"content-type": "application/merge-patch+json"}, body=Json({"a": 1})),
        Request("POST", "/jobs/7", headers={"Content-Type": "application/xml"}, body=Raw("<cancel/>")),
        Request("POST", "/jobs/7", body=Form({"ids": ["7", 8], "at": MOMENT, "no": None}), list_style="comma"),
    ],
    ids=["no body", "JSON", "null", "JSON of a type", "text", "form"],
)
def test_it_is_sent_as_the_worker_would_send_it(request_of_worker: Request) -> None:
    given = handed_over("jobs", request_of_worker)

    assert given is not None
    row = json.loads(json.dumps(given.to_dict()))
    sent = prepare(BASE, NoAuth(), HttpPoll.from_dict(row).request())
    assert row["conn_id"] == "jobs"
    by_worker = prepare(BASE, NoAuth(), request_of_worker)
    assert (sent.method, sent.url, sent.body) == (by_worker.method, by_worker.url, by_worker.body)
    assert {(name.lower(), value) for name, value in sent.headers} == {
        (name.lower(), value) for name, value in by_worker.headers
    }


@pytest.mark.parametrize("body", [Raw(b"\x00"), Json({"key": Secret("tenant")}), Form({"key": Secret("tenant")})])
def test_what_has_no_place_in_a_row_stays_with_the_worker(body: Body) -> None:
    assert handed_over("jobs", Request("POST", "/jobs/7", body=body)) is None
