"""What the parameters of Airflow's ``HttpOperator`` are called on a cloud function."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from airflow_provider_cloudfn.authoring.parameter_names import may_take_any, parameter_names
from airflow_provider_cloudfn.exceptions import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["OF_SENSOR", "OURS", "refuse_http_operator_names"]

_OF_CONNECTION: Final = "leave it out, it belongs to the connection"
#: What libraries for HTTP call something, wherever an operator has nothing of that name.
_OF_LIBRARIES: Final[Mapping[str, str]] = {
    **dict.fromkeys(("url", "path"), "write uri=, the path below the connection's base URL: uri='\"/v1/orders\"'"),
    "timeout": "write request_timeout=",
    "payload": "write body=",
    "content": "write body=",
    **dict.fromkeys(("auth", "verify", "cert", "proxies", "token", "api_key"), _OF_CONNECTION),
    "cookies": 'write headers={"Cookie": …}',
}

#: What to write instead of each.
OURS: Final[Mapping[str, str]] = {
    "http_conn_id": "write cloudfn_conn_id=",
    "endpoint": "write uri=, where text stands in quotes of its own: uri='\"/v1/orders\"'",
    "data": "write body=, and query= for a GET",
    "json": "write body=",
    "response_check": 'write success_when=, an expression: success_when="response.body.ok"',
    "response_filter": 'write returns=, an expression: returns="response.body.id"',
    "extra_options": "write request_timeout= for its timeout; the rest belongs to the connection",
    "request_kwargs": "write body= for its json, and query= for its params",
    "pagination_function": "write pages=, such as pages=Pages.next_link('response.body.next')",
    "retry_args": "write retry_attempts=, retry_total= and retry_when=",
    "log_response": "leave it out: the log has a line for each attempt, and XCom has the answer",
    "warn_on_non_idempotent": "leave it out: what may be sent twice is in docs/failures.md",
    "auth_type": _OF_CONNECTION,
    "tcp_keep_alive": _OF_CONNECTION,
    "tcp_keep_alive_idle": _OF_CONNECTION,
    "tcp_keep_alive_count": _OF_CONNECTION,
    "tcp_keep_alive_interval": _OF_CONNECTION,
}

#: The same for ``HttpSensor``, on our sensor.
OF_SENSOR: Final[Mapping[str, str]] = {
    "http_conn_id": OURS["http_conn_id"],
    "endpoint": OURS["endpoint"],
    "request_params": "write query=",
    "request_kwargs": OURS["request_kwargs"],
    "response_check": 'write done_when=, an expression: done_when="response.body.ready"',
    "response_error_codes_allowlist": 'write not_yet=(404,), the statuses that mean "not yet"',
    "extra_options": OURS["extra_options"],
    "method": "leave it out: a sensor asks with GET",
    "poll": "write done_when= and poke_interval=: a sensor waits by itself",
    "tcp_keep_alive": _OF_CONNECTION,
}


def refuse_http_operator_names(operator: type, given: Mapping[str, Any], instead: Mapping[str, str] = OURS) -> None:
    """
    Refuse parameters of ``HttpOperator``, with what to write instead.

    :param operator: The class, of which one of a user's own may have a parameter of such a name.
    :raises ConfigurationError: where there is one.
    """
    known = {**_OF_LIBRARIES, **instead}
    foreign = [name for name in given if name in known]
    if not foreign or may_take_any(operator):
        return
    own = parameter_names(operator)
    kind = "HttpOperator" if instead is OURS else "the operator"
    problems = [
        f"{name}: {f'is a parameter of {kind}' if name in instead else 'there is no such parameter'}; {known[name]}"
        for name in foreign
        if name not in own
    ]
    if problems:
        raise ConfigurationError("\n".join([f"{operator.__name__} {given.get('task_id', '')!r}:", *problems]))
