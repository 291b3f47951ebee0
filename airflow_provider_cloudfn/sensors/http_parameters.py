"""What is wrong with a value of a parameter of ``CloudFunctionHttpSensor``: the same in the Dag file and before a request."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeAlias

from airflow_provider_cloudfn.authoring.parameter import EntryProblem
from airflow_provider_cloudfn.authoring.value_checks import time_limit_problem
from airflow_provider_cloudfn.authoring.without_expressions import template_problem, untemplated_problem
from airflow_provider_cloudfn.client.secret import Secret
from airflow_provider_cloudfn.exceptions import ConfigurationError, flag_problem, in_words
from airflow_provider_cloudfn.hooks.request_options import FIELD_OF_OPTION

__all__ = [
    "endpoint_problem",
    "extra_options_problem",
    "headers_problem",
    "request_kwargs_problem",
    "request_params_problem",
    "require_sendable",
    "statuses_problem",
]

_Problem: TypeAlias = str | EntryProblem | None


def endpoint_problem(value: Any) -> str | None:
    """Say what is wrong with a path as it is written."""
    if isinstance(value, str) and value.lstrip()[:1] in ("'", '"'):
        return (
            "is text, and no expression: write the path without quotes of its own, '/v1/orders', in which Jinja works"
        )
    return template_problem(value)


def request_params_problem(value: Any) -> _Problem:
    """Say what is wrong with ``request_params`` as they are written."""
    return template_problem(value) or _params_kind(value)


def headers_problem(value: Any) -> _Problem:
    """Say what is wrong with headers as they are written."""
    return template_problem(value) or _headers_kind(value)


def request_kwargs_problem(value: Any) -> _Problem:
    """Say what is wrong with ``request_kwargs`` as they are written."""
    return untemplated_problem(value) or _kwargs_kind(value)


def extra_options_problem(value: Any) -> _Problem:
    """Say what is wrong with ``extra_options``."""
    return _map_problem(value, "{'check_response': False, 'timeout': 5}", _CHECK_OF_OPTION)


def statuses_problem(value: Any) -> str | None:
    """Say what is wrong with a list of statuses."""
    if value is None:
        return None
    if not isinstance(value, Sequence) or isinstance(value, (str, bytes)):
        return f"must be a list of statuses, such as [404, 425], not {value!r}"
    for status in value:
        text = str(status)
        if not (text.isascii() and text.isdigit() and 100 <= int(text) <= 599):
            return f"{status!r} is no status; write such as 404"
    return None


def require_sendable(sensor: Any) -> None:
    """
    Refuse what can't be sent as it was given, whoever gave it: another step, or a subclass.

    :param sensor: The sensor, with its values.
    :raises ConfigurationError: with the parameter's name, and what to write.
    """
    for name, kind_problem in _KINDS.items():
        found = kind_problem(getattr(sensor, name))
        if isinstance(found, EntryProblem):
            raise ConfigurationError(f'{name}["{found.entry}"]: {found.message}')
        if found is not None:
            raise ConfigurationError(f"{name}: {found}")


def _params_kind(value: Any) -> str | None:
    if value is None or isinstance(value, (Mapping, str, bytes, Secret)):
        return None
    return f"must be a map of names and values, such as {{'limit': 5}}, or text, not {in_words(value)}"


def _headers_kind(value: Any) -> str | None:
    # Jinja that gives nothing gives empty text.
    if value is None or value == "" or isinstance(value, Mapping):
        return None
    return f"must be a map of names and values, such as {{'X-Tenant': 'a'}}, not {in_words(value)}"


def _kwargs_kind(value: Any) -> _Problem:
    return _map_problem(value, "{'json': {'id': 1}} or {'params': {'limit': 5}}", _CHECK_OF_PART)


def _query_problem(value: Any) -> str | None:
    if value is None or isinstance(value, Mapping):
        return None
    text = "; write a query that is text into the endpoint" if isinstance(value, str) else ""
    return f"must be a map of names and values, such as {{'limit': 5}}, not {in_words(value)}{text}"


def _map_problem(value: Any, example: str, checks: Mapping[str, Callable[[Any], str | None]]) -> _Problem:
    """Say what is wrong with a map that has some entries and no others."""
    if value is None:
        return None
    if not isinstance(value, Mapping):
        return f"must be a map, such as {example}, not {in_words(value)}"
    for name, one in value.items():
        if name not in checks:
            field = FIELD_OF_OPTION.get(name)
            remedy = f"set {field} of the connection" if field else "leave it out"
            return EntryProblem(name, f"is none of {', '.join(checks)}; {remedy}")
        if (found := checks[name](one)) is not None:
            return EntryProblem(name, found)
    return None


_CHECK_OF_OPTION: Final[Mapping[str, Callable[[Any], str | None]]] = {
    "check_response": flag_problem,
    "timeout": time_limit_problem,
}
_CHECK_OF_PART: Final[Mapping[str, Callable[[Any], str | None]]] = {
    "json": lambda _: None,
    "params": _query_problem,
}
#: What is checked of a value in the Dag file, and again of the rendered one, which is data: no expression is looked for in it.
_KINDS: Final[Mapping[str, Callable[[Any], _Problem]]] = {
    "request_params": _params_kind,
    "headers": _headers_kind,
    "request_kwargs": _kwargs_kind,
    "extra_options": extra_options_problem,
    "response_error_codes_allowlist": statuses_problem,
}
