"""What the UI calls the instances of a mapped task."""

from __future__ import annotations

from typing import Any

import pytest
from airflow.sdk.log import mask_secret

from airflow_provider_cloudfn.authoring.instance_label import instance_label


@pytest.mark.parametrize(
    ("value", "label"),
    [
        ("c-1", "c-1"),
        (7, "7"),
        ({"total": 3, "id": "c-1"}, "c-1"),
        ({"name": "Ada", "age": 36}, "Ada"),
        ({"Id": 7, "name": "Ada"}, "7"),
        ({"customerId": "c-1"}, "c-1"),
        (("c-1", {"total": 3}), "c-1"),
        ("x" * 100, "x" * 59 + "…"),
        ("{{ conn.vault.password }}", "{{ conn.vault.password }}"),
        ({"total": 3}, None),
        ({"id": {"deep": 1}}, None),
        ("two\nlines", None),
        ("", None),
        (None, None),
        (True, None),
        ([1, 2, 3], None),
    ],
)
def test_it_is_a_short_text_of_what_the_instance_is_about(value: Any, label: str | None) -> None:
    assert instance_label(value) == label


def test_no_secret_is_in_it() -> None:
    mask_secret("s3cret-name")

    assert instance_label("s3cret-name") == "***"
    assert instance_label({"token_id": "anything"}) == "***"
