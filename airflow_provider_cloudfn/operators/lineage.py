"""What OpenLineage is told of a call. Imported only by those who have OpenLineage's provider."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import attr
from airflow.providers.openlineage.extractors import OperatorLineage
from openlineage.client.generated.base import RunFacet

if TYPE_CHECKING:
    from airflow_provider_cloudfn.client.response import Response

__all__ = ["CloudFunctionRunFacet", "lineage_of"]


@attr.define
class CloudFunctionRunFacet(RunFacet):  # type: ignore[misc,unused-ignore]  # untyped where it is missing
    """
    One call.

    :param host: Host and port of the service.
    :param route: The URI as it is written in the Dag: the same for all runs.
    :param method: The method.
    :param status: The status of the answer.
    :param bytes: Bytes of the body that came, after decompression.
    """

    host: str
    route: str
    method: str
    status: int
    bytes: int


def lineage_of(method: str, route: str, response: Response) -> OperatorLineage[Any, Any]:
    """
    Return the facet of a call.

    :param method: The request's method.
    :param route: The URI as it is written in the Dag.
    """
    size = len(response.content) if response.stored is None else response.stored.size
    return OperatorLineage(
        run_facets={
            "cloudfn_call": CloudFunctionRunFacet(
                host=urlsplit(response.url).netloc,
                route=route,
                method=method,
                status=response.status,
                bytes=size,
            )
        }
    )
