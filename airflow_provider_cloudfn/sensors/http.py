"""A drop-in for the http provider's ``HttpSensor`` that sends its questions as our connections say, in every mode."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from airflow.sdk import conf

from airflow_provider_cloudfn import cel
from airflow_provider_cloudfn.authoring.parameter import Parameter, Reading
from airflow_provider_cloudfn.authoring.sensor_request import IN_QUERY, request_problem
from airflow_provider_cloudfn.authoring.signature import parameters_of
from airflow_provider_cloudfn.authoring.value_checks import connection_id_problem, method_problem, seconds
from airflow_provider_cloudfn.exceptions import ConfigurationError, flag_problem
from airflow_provider_cloudfn.hooks.registry import hook_for
from airflow_provider_cloudfn.operators.recorded_task import RecordedTask
from airflow_provider_cloudfn.retry_policy import DEFAULT_RETRY_POLICY, retry_policy_argument
from airflow_provider_cloudfn.sensors.deferring import DeferringSensor
from airflow_provider_cloudfn.sensors.http_parameters import (
    endpoint_problem,
    extra_options_problem,
    headers_problem,
    request_kwargs_problem,
    request_params_problem,
    require_sendable,
    statuses_problem,
)
from airflow_provider_cloudfn.triggers.poll import HttpPoll, NotYet

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from airflow.sdk import PokeReturnValue
    from airflow.sdk.definitions.context import Context

    from airflow_provider_cloudfn.client.response import Response
    from airflow_provider_cloudfn.records.call_record import Kind
    from airflow_provider_cloudfn.triggers.http_poll import HttpPollTrigger

__all__ = ["CloudFunctionHttpSensor"]


class CloudFunctionHttpSensor(RecordedTask, DeferringSensor):
    """
    Wait until a service answers, and until the answer is the one.

    It takes what ``HttpSensor`` takes, over a connection of type ``cloudfn`` or ``amazon_connect``; poking, rescheduling and
    deferral mean the same. A status in `response_error_codes_allowlist` means "not yet", and so does any of 4xx or
    5xx with ``Retry-After``, which is waited for. Any other error fails the sensor at once, unless ``silent_fail`` is set.

    :param endpoint: The path below the connection's base URL. (templated)
    :param http_conn_id: The connection; default ``cloudfn_default``. (templated)
    :param cloudfn_conn_id: The same, by its name on our operators.
    :param method: The method.
    :param request_params: For ``GET`` and ``HEAD`` the query; otherwise a map to send as a form, or text. (templated)
    :param request_kwargs: ``{"json": …}`` to send JSON, ``{"params": {…}}`` for a query besides; without Jinja.
    :param headers: Headers. (templated) ``secret("name")`` stands for a whole value here and in what is sent.
    :param response_error_codes_allowlist: The statuses that mean "not yet"; default 404; ``[]`` for none.
    :param response_check: Whether the answer is the one: ``cel("response.body.state == 'done'")``, which the triggerer can
        evaluate too, or a function that takes a ``requests.Response`` and what it names of the context. A function runs on a
        worker always, so that a deferred sensor comes back to one for each answer.
    :param extra_options: ``{"check_response": False}`` takes every status for an answer; ``{"timeout": 5}`` is seconds for one
        request. The rest belongs to the connection.
    :param deferrable: Whether to wait in the triggerer; default ``[operators] default_deferrable``.
    :param retry_policy: As of our operators.
    :raises ConfigurationError: when a parameter, or the connection, is one that can't be.
    """

    template_fields: Sequence[str] = ("endpoint", "request_params", "headers", "http_conn_id")
    template_fields_renderers: ClassVar[dict[str, str]] = {"request_params": "json", "headers": "json"}
    authored_parameters: ClassVar[tuple[Parameter, ...]] = (
        Parameter("http_conn_id", check=connection_id_problem),
        Parameter("response_check", Reading.CHECK, after_call=True),
        Parameter("endpoint", check=endpoint_problem),
        Parameter("request_params", check=request_params_problem),
        Parameter("headers", check=headers_problem),
        Parameter("request_kwargs", check=request_kwargs_problem),
        Parameter("extra_options", check=extra_options_problem),
        Parameter("method", check=method_problem),
        Parameter("deferrable", check=flag_problem),
        Parameter("response_error_codes_allowlist", check=statuses_problem),
    )
    ui_color = "#e2f0ea"
    call_connection: ClassVar[str] = "http_conn_id"
    call_kind: ClassVar[Kind] = "wait"

    def __init__(
        self,
        *,
        endpoint: str,
        http_conn_id: str | None = None,
        cloudfn_conn_id: str | None = None,
        method: str = "GET",
        request_params: Mapping[str, Any] | str | None = None,
        request_kwargs: Mapping[str, Any] | None = None,
        headers: Mapping[str, Any] | None = None,
        response_error_codes_allowlist: Sequence[str | int] | None = None,
        response_check: Callable[..., bool | PokeReturnValue] | cel.Expression | None = None,
        extra_options: Mapping[str, Any] | None = None,
        deferrable: bool = conf.getboolean("operators", "default_deferrable", fallback=False),
        retry_policy: Any = DEFAULT_RETRY_POLICY,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs, **retry_policy_argument(retry_policy))
        self.endpoint = endpoint
        if http_conn_id is not None and cloudfn_conn_id is not None:
            raise ConfigurationError(
                "http_conn_id and cloudfn_conn_id: give one of them, they are two names of the same"
            )
        self.http_conn_id = http_conn_id if http_conn_id is not None else cloudfn_conn_id or "cloudfn_default"
        self.method = method
        self.request_params = request_params
        self.request_kwargs = request_kwargs
        self.headers = headers
        self.response_error_codes_allowlist = response_error_codes_allowlist
        self.response_check = response_check
        self.extra_options = extra_options
        self.deferrable = deferrable
        self._answers_are_large = False

    def execute(self, context: Context) -> Any:
        """Wait."""
        with self._recorded(context):
            return super().execute(context)

    def execute_complete(self, context: Context, event: Any = None) -> Any:
        """Go on after the triggerer has waited."""
        from airflow_provider_cloudfn.triggers.http_poll import PollEvent

        told = PollEvent.from_dict(event)
        if told.outcome == "found" and not callable(self.response_check):
            self.log.info("The answer is there.")
            return None
        self._answers_are_large = told.outcome == "large"
        if told.left is not None:
            self._deadline = time.monotonic() + told.left
        return self.execute(context)

    def poke(self, context: Context) -> bool | PokeReturnValue:
        """Ask once."""
        poll = self._poll()
        answer = poll.ask(self._watched(hook_for(self.http_conn_id, parameter="http_conn_id")))
        self._asked_to_wait = answer.seconds if isinstance(answer, NotYet) else 0.0
        if isinstance(answer, NotYet):
            self.log.info("Not yet: %s %s answered %s", poll.method, poll.uri, answer.status)
            return False
        if not callable(self.response_check):
            return True
        return self.response_check(_as_requests_know_it(answer), **_named_of(self.response_check, context))

    def _trigger(self, left: float, first_wait: float) -> HttpPollTrigger:
        from airflow_provider_cloudfn.triggers.http_poll import HttpPollTrigger

        return HttpPollTrigger(
            poll=self._poll(),
            poll_interval=self.poke_interval,
            longest_interval=self._longest_interval,
            first_wait=first_wait,
            go_on=self.silent_fail,
            deadline=left,
            asks=not self._answers_are_large,
        )

    def _poll(self) -> HttpPoll:
        require_sendable(self)
        if (found := request_problem(self.method, self.request_params, self.request_kwargs)) is not None:
            raise ConfigurationError(": ".join(found))
        options, request = self.extra_options or {}, self.request_kwargs or {}
        timeout, allowed = options.get("timeout"), self.response_error_codes_allowlist
        query, data = request.get("params"), self.request_params or None
        if self.method in IN_QUERY and isinstance(data, Mapping):
            query, data = {**data, **(query or {})}, None
        return HttpPoll(
            conn_id=self.http_conn_id,
            method=self.method,
            uri=self.endpoint,
            query=query,
            headers=dict(self.headers or {}),
            json=request.get("json"),
            data=data,
            timeout=None if timeout is None else seconds('extra_options["timeout"]', timeout),
            waiting=(404,) if allowed is None else tuple(int(status) for status in allowed),
            any_status=not options.get("check_response", True),
            until=self.response_check.source if isinstance(self.response_check, cel.Expression) else None,
        )


def _named_of(function: Callable[..., Any], context: Context) -> dict[str, Any]:
    """Return of the context what a function names after its first parameter, all of it where it takes ``**``."""
    parameters = list(parameters_of(function).values())
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters):
        taken = {parameter.name for parameter in parameters[:1]}
        return {name: context[name] for name in context if name not in taken}  # type: ignore[literal-required]  # its keys
    named = [parameter.name for parameter in parameters[1:] if parameter.kind is not parameter.VAR_POSITIONAL]
    return {name: context[name] for name in named if name in context}  # type: ignore[literal-required]  # its keys


def _as_requests_know_it(response: Response) -> Any:
    """Return an answer as the checks that were written for ``HttpSensor`` take it."""
    import io

    import requests

    known = requests.Response()
    known.status_code = response.status
    known.headers = requests.structures.CaseInsensitiveDict(response.headers)
    known.url = response.url
    known.raw = io.BytesIO(response.content)
    known.encoding = requests.utils.get_encoding_from_headers(known.headers)
    return known
