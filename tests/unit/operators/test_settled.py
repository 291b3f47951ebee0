"""The error of an answer that a condition of the author's own refuses."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from airflow_provider_cloudfn.client.redaction import Redaction
from airflow_provider_cloudfn.client.response import Headers, Response
from airflow_provider_cloudfn.operators.settled import refused_answer

HOOK: Any = SimpleNamespace(
    excerpt=lambda _: "not yet", client=lambda: SimpleNamespace(redaction=lambda: Redaction(["s3cret-key"]))
)


@pytest.mark.parametrize(
    ("given", "request_id", "message"),
    [
        ({}, None, "it is false for the answer 200 of http://service/jobs/7; it says: not yet"),
        (
            {"method": "GET", "end": "; map it"},
            "r-1",
            "it is false for the answer 200 of GET http://service/jobs/7 (request id r-1); it says: not yet; map it",
        ),
        ({}, "s3cret-key-1", "of http://service/jobs/7 (request id ***-1); it says: not yet"),
    ],
    ids=["alone", "with all", "a service that gives a secret as its request id"],
)
def test_it_says_what_was_answered_without_a_secret(given: Any, request_id: str | None, message: str) -> None:
    response = Response(200, Headers({}, []), None, b"", "http://service/jobs/7", request_id)

    error = refused_answer("it is false for", response, HOOK, **given)

    assert str(error).endswith(message)
    assert "s3cret" not in f"{error} {error.request_id}"
