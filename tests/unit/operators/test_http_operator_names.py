"""The names of ``HttpOperator`` on a cloud function."""

from __future__ import annotations

import inspect
from typing import Any

import pytest
from airflow.providers.http.operators.http import HttpOperator

from airflow_provider_cloudfn import CloudFunctionOperator
from airflow_provider_cloudfn.exceptions import ConfigurationError
from airflow_provider_cloudfn.operators.http_operator_names import OURS


@pytest.mark.parametrize("make", [CloudFunctionOperator, CloudFunctionOperator.partial])
@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"http_conn_id": "shop"}, "http_conn_id: is a parameter of HttpOperator; write cloudfn_conn_id="),
        ({"endpoint": "/v1"}, "endpoint: is a parameter of HttpOperator; write uri="),
        ({"url": "/v1"}, "url: there is no such parameter; write uri="),
        ({"uri": "'/'", "timeout": 5}, "timeout: there is no such parameter; write request_timeout="),
        (
            {"uri": "'/'", "auth": ("a", "b")},
            "auth: there is no such parameter; leave it out, it belongs to the connection",
        ),
        ({"data": {}, "response_filter": str}, "response_filter: is a parameter of HttpOperator; write returns="),
    ],
)
def test_they_are_refused_with_ours(make: Any, given: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        make(task_id="fetch", **given)

    assert said in str(refused.value)
    assert "'fetch'" in str(refused.value)


def test_every_parameter_of_http_operator_is_known_here_or_there() -> None:
    theirs = set(inspect.signature(HttpOperator.__init__).parameters) - {"self", "kwargs"}
    ours = set(inspect.signature(CloudFunctionOperator.__init__).parameters)

    assert theirs - ours <= set(OURS)


def test_a_class_of_ones_own_may_have_such_a_parameter() -> None:
    class Listing(CloudFunctionOperator):
        def __init__(self, *, endpoint: str, **kwargs: Any) -> None:
            super().__init__(uri=endpoint, **kwargs)

    assert Listing(task_id="list", endpoint='"/v1"').uri == '"/v1"'


def test_a_class_of_ones_own_may_name_it_nowhere() -> None:
    class Listing(CloudFunctionOperator):
        def __init__(self, **kwargs: Any) -> None:
            path = kwargs.pop("path")
            super().__init__(uri=f'"{path}"', **kwargs)

    assert Listing(task_id="list", path="/v1").uri == '"/v1"'
