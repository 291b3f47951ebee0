"""What is wrong with the parts of a request together, in the names that ``CloudFunctionHttpSensor`` has for them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from airflow_provider_cloudfn.authoring.task import is_reference

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_provider_cloudfn.authoring.task import AuthoredTask

__all__ = ["IN_QUERY", "authored_request_problems", "request_problem"]

#: The methods whose ``request_params`` are the query: a ``HEAD`` is a ``GET`` whose answer has no body.
IN_QUERY: Final = frozenset({"GET", "HEAD"})


def request_problem(method: Any, params: Any, options: Any) -> tuple[str, str] | None:
    """
    Return where a request would lose a part of what is written, and what to do; None where it loses nothing.

    :param method: The sensor's ``method``.
    :param params: Its ``request_params``.
    :param options: Its ``request_kwargs``.
    """
    given = options if isinstance(options, Mapping) else {}
    if method not in IN_QUERY:
        if params and given.get("json") is not None:
            return (
                'request_params and request_kwargs["json"]',
                "give one of them, they are two ways to give the body; a query besides is request_kwargs={'params': …}",
            )
        return None
    if params and not isinstance(params, Mapping):
        return "request_params", f"must be a map for {method}; write a query that is text into the endpoint"
    more = given.get("params")
    for name in more if isinstance(more, Mapping) else ():
        if name in (params or {}):
            return (
                f'request_params["{name}"] and request_kwargs["params"]["{name}"]',
                "give it in one of them, as one of the two would not be sent; several values of a name are a list",
            )
    return None


def authored_request_problems(task: AuthoredTask, is_rendered: bool) -> Iterator[tuple[str, str]]:
    """
    Yield what :func:`request_problem` says of a task; each instance of a mapped one is asked about when it runs.

    :param is_rendered: Whether its templates have their values.
    """
    if task.is_mapped or "request_kwargs" not in {parameter.name for parameter in task.parameters}:
        return
    method, params, options = (task.written(name)[0] for name in ("method", "request_params", "request_kwargs"))
    is_known = is_rendered or not (isinstance(params, str) and "{" in params)
    if is_known and not is_reference(params) and (found := request_problem(method, params, options)) is not None:
        yield found
