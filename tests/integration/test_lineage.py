"""What OpenLineage is told of a call."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from airflow.providers.openlineage.extractors.base import DefaultExtractor

from airflow_provider_cloudfn import CloudFunctionOperator

if TYPE_CHECKING:
    import pytest


def carried_out(recording_server: Any, connection: Any) -> CloudFunctionOperator:
    connection("service", conn_type="cloudfn", host=recording_server.url)
    recording_server.answer(201, {"id": 1})
    operator = CloudFunctionOperator(
        task_id="call",
        cloudfn_conn_id="service",
        method="POST",
        uri='"/v1/orders/" + string(inputs.id)',
        inputs={"id": 7},
    )
    operator.execute({"ti": _Instance(), "params": {}})  # type: ignore[typeddict-item]  # enough of a context
    return operator


class _Instance:
    dag_id, run_id, task_id, map_index, try_number = "d", "r", "call", -1, 1


def test_it_is_told_the_host_the_route_and_what_came_of_it(recording_server: Any, connection: Any) -> None:
    operator = carried_out(recording_server, connection)

    lineage = DefaultExtractor(operator).extract_on_complete(_Instance())

    facet = lineage.run_facets["cloudfn_call"]
    assert facet.host == recording_server.url.removeprefix("http://")
    assert facet.route == '"/v1/orders/" + string(inputs.id)'
    assert (facet.method, facet.status, facet.bytes) == ("POST", 201, 9)


def test_without_openlineage_there_is_nothing_to_tell(
    recording_server: Any, connection: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    operator = carried_out(recording_server, connection)
    monkeypatch.delitem(sys.modules, "airflow_provider_cloudfn.operators.lineage", raising=False)
    monkeypatch.setitem(sys.modules, "airflow.providers.openlineage.extractors", None)

    assert operator.get_openlineage_facets_on_complete(_Instance()) is None


def test_a_call_that_was_never_made_has_no_lineage() -> None:
    operator = CloudFunctionOperator(task_id="call", uri='"/v1"')

    assert operator.get_openlineage_facets_on_complete(_Instance()) is None
