"""The cloud function: an authenticated call whose parts are CEL expressions."""

from __future__ import annotations

import base64
import datetime as dt
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from airflow_provider_cloudfn import cel
from airflow_provider_cloudfn.client.status import RETRYABLE_STATUS, retry_after_seconds
from airflow_provider_cloudfn.exceptions import ConfigurationError, ExpressionError, ResponseError
from airflow_provider_cloudfn.fields import Field, Reading
from airflow_provider_cloudfn.hooks.registry import hook_for
from airflow_provider_cloudfn.json_encoding import to_json_value
from airflow_provider_cloudfn.operators.base import ExpressionOperator

if TYPE_CHECKING:
    from airflow.sdk import Asset
    from airflow.sdk.definitions.context import Context
    from airflow.sdk.definitions.mappedoperator import OperatorPartial

    from airflow_provider_cloudfn.client.response import Response
    from airflow_provider_cloudfn.hooks.request import RequestHook

__all__ = ["METHODS", "CloudFunctionOperator"]

METHODS = ("GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS")

Method = Literal["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"]


class CloudFunctionOperator(ExpressionOperator):
    """
    Call a web service, return what it answers, and tell other Dags when it is done.

    In ``uri``, ``query``, ``headers``, ``body``, ``returns``, ``success_when`` and ``event_payload`` a ``str`` that is
    written in the Dag file is a CEL expression; text is written ``'"/v1/charges"'``, or ``lit("/v1/charges")``. What arrives
    at run time is data. These parameters are never run through Jinja.

    :param cloudfn_conn_id: The connection, of type ``cloudfn`` or ``amazon_connect``. (templated)
    :param function_name: The cloud function's name, in the completion record and the logs. Default: the task id.
    :param method: ``GET``, ``POST``, ``PUT``, ``DELETE``, ``PATCH``, ``HEAD`` or ``OPTIONS``.
    :param uri: CEL: the path below the connection's base URL, perhaps with a query.
    :param query: The query, as a dict. A key is text, or CEL when it begins with a quote; a value is CEL; a list repeats the
        key; null leaves it out. Or one CEL expression that gives a map.
    :param headers: The headers, as ``query``.
    :param body: What is sent: CEL, JSON text, or a dict or list in which text is text and ``cel("…")`` an expression. It goes
        as JSON unless Content-Type says form or text, or the value is bytes.
    :param inputs: What expressions read as ``inputs``: XComArgs, ``expand`` and Jinja all work here. (templated)
    :param returns: CEL over ``response`` and the rest: what the step returns. Default: ``response.body``.
    :param success_when: CEL over ``response`` and the rest: whether the call succeeded. Default: any status of 2xx.
    :param completion_event: A :class:`CompletionEvent`, or any asset, to emit when the call is done.
    :param event_payload: What the event carries. Default: what the step returns.
    :param request_timeout: Seconds, or a timedelta, for the whole call.
    :raises ExpressionError: when an expression is wrong; nothing was sent then, unless it is one that reads ``response``.
    :raises ConfigurationError: when the connection, the method, the URI or a header is one that can't be.
    """

    template_fields: Sequence[str] = ("cloudfn_conn_id", "inputs", "uri", "query", "headers", "body")
    template_fields_renderers: ClassVar[dict[str, str]] = {
        "inputs": "json",
        "query": "json",
        "headers": "json",
        "body": "json",
    }
    cel_fields = (
        Field("uri", Reading.TEXT),
        Field("query", Reading.PAIRS),
        Field("headers", Reading.PAIRS),
        Field("body", Reading.DOCUMENT),
        Field("returns", Reading.VALUE, after_call=True),
        Field("success_when", Reading.VALUE, after_call=True),
        Field("event_payload", Reading.DOCUMENT, after_call=True),
    )
    ui_color = "#e2f0ea"

    def __init__(
        self,
        *,
        cloudfn_conn_id: str = "cloudfn_default",
        function_name: str | None = None,
        method: Method = "GET",
        uri: Any,
        query: Any = None,
        headers: Any = None,
        body: Any = None,
        inputs: Any = None,
        returns: str | cel.Expression | None = None,
        success_when: str | cel.Expression | None = None,
        completion_event: Asset | None = None,
        event_payload: Any = None,
        request_timeout: float | dt.timedelta = 60,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            completion_event=completion_event, event_payload=event_payload, **_displayed(kwargs, function_name)
        )
        self.cloudfn_conn_id = cloudfn_conn_id
        self.function_name = function_name
        self.method = method
        self.uri = uri
        self.query = query
        self.headers = headers
        self.body = body
        self.inputs = inputs
        self.returns = returns
        self.success_when = success_when
        self.request_timeout = request_timeout

    @classmethod
    def partial(cls, *, task_id: str, function_name: str | None = None, **kwargs: Any) -> OperatorPartial:
        """
        Begin a mapped cloud function, as :meth:`BaseOperator.partial` does.

        :param task_id: The task's id.
        :param function_name: The cloud function's name.
        """
        kwargs = _displayed(kwargs, function_name)
        if function_name is not None:
            kwargs["function_name"] = function_name
        return super().partial(task_id=task_id, **kwargs)

    def execute(self, context: Context) -> Any:
        """
        Make the call.

        :param context: The task's Airflow context.
        """
        if not self._expressions_rendered:
            self.render_template_fields(context)
        return self.carry_out(context, self.hook())

    def hook(self) -> RequestHook[Any]:
        """
        Return the hook over which the call goes.

        :raises ConfigurationError: when the connection is of no type for it, or wrong.
        """
        return hook_for(self.cloudfn_conn_id)

    def carry_out(self, context: Context, hook: RequestHook[Any]) -> Any:
        """
        Make the call of a task whose parameters have been rendered.

        :param context: The task's Airflow context.
        :param hook: What :meth:`hook` returned.
        """
        function = self.function_name or self.task_id
        response = self._call(function, hook)
        variables = self._variables(context).with_response(_response_variable(response))
        self._require_success(response, variables)
        result = response.body if self.returns is None else self._evaluate_after_call("returns", variables)
        try:
            returned = to_json_value(_described(result, response) if isinstance(result, bytes) else result)
        except ConfigurationError as error:
            raise ExpressionError(str(error), field="returns") from error
        self._complete(context, function=function, result=returned, variables=variables)
        return returned

    def _call(self, function: str, hook: RequestHook[Any]) -> Response:
        if self.method not in METHODS:
            raise ConfigurationError(f"method: {self.method!r} is none of {', '.join(METHODS)}")
        self.log.info("Cloud function %s: %s %s on %s", function, self.method, self.uri, self.cloudfn_conn_id)
        return hook.request(
            self.method,
            self.uri,
            query=self.query,
            headers=self.headers,
            timeout=_seconds(self.request_timeout),
            check_status=self.success_when is None,
            **_content(self.body, self.headers),
        )

    def _require_success(self, response: Response, variables: Any) -> None:
        if self.success_when is None:
            return
        succeeded = self._evaluate_after_call("success_when", variables)
        if not isinstance(succeeded, bool):
            raise ExpressionError(f"must give true or false, not {type(succeeded).__name__}", field="success_when")
        if not succeeded:
            raise ResponseError(
                f"success_when is false for the answer {response.status} of {self.method} {response.url}"
                + (f" (request id {response.request_id})" if response.request_id else ""),
                status=response.status,
                request_id=response.request_id,
                # What the service says with a status of success, such as "pending", can be otherwise next time.
                retryable=response.status < 400 or response.status in RETRYABLE_STATUS,
                retry_after=retry_after_seconds(response.headers),
            )

    def _shape(self, field: Field, value: Any) -> Any:
        if field.name == "uri":
            return _uri(value)
        if field.name == "query":
            return _pairs(field.name, value, lists=True)
        if field.name == "headers":
            return _pairs(field.name, value, lists=False)
        if isinstance(value, (bytes, str)) or value is None:
            return value
        try:
            return to_json_value(value, exact=True)
        except ConfigurationError as error:
            raise ExpressionError(str(error), field=field.name) from error


def _displayed(kwargs: dict[str, Any], function_name: str | None) -> dict[str, Any]:
    """Return the arguments with the function's name as what the UI shows, unless the author wants another one."""
    return kwargs if function_name is None else {"task_display_name": function_name, **kwargs}


def _uri(value: Any) -> str:
    if not isinstance(value, str):
        raise ExpressionError(f"must give text, not {type(value).__name__}", field="uri")
    return value


def _pairs(field: str, value: Any, *, lists: bool) -> dict[str, Any]:
    """Return a query or headers as text by name, without the entries that are null."""
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise ExpressionError(f"must give a map, not {type(value).__name__}", field=field)
    pairs: dict[str, Any] = {}
    for name, item in value.items():
        if not isinstance(name, str):
            raise ExpressionError(f"a name must be text, not {type(name).__name__}", field=field)
        if item is None:
            continue
        place = f'{field}["{name}"]'
        if lists and isinstance(item, Sequence) and not isinstance(item, (str, bytes, bytearray)):
            pairs[name] = [_text(f"{place}[{index}]", one) for index, one in enumerate(item) if one is not None]
        else:
            pairs[name] = _text(place, item)
    return pairs


def _text(place: str, value: Any) -> str:
    try:
        return cel.to_text(value)
    except ExpressionError as error:
        raise error.in_field(place) from error


def _content(body: Any, headers: Mapping[str, str] | None) -> dict[str, Any]:
    """Return the body as the client takes it: by its type, or else by what Content-Type says."""
    if body is None:
        return {}
    if isinstance(body, bytes):
        return {"data": body}
    declared = next((value for name, value in (headers or {}).items() if name.lower() == "content-type"), "")
    media_type = declared.partition(";")[0].strip().lower()
    if media_type == "application/x-www-form-urlencoded" and isinstance(body, Mapping):
        return {"data": body}
    is_text = media_type.startswith("text/") or media_type.endswith(("/xml", "+xml"))
    if isinstance(body, str) and (is_text or media_type == "application/x-www-form-urlencoded"):
        return {"data": body}
    return {"json": body}


def _seconds(value: Any) -> float:
    seconds = value.total_seconds() if isinstance(value, dt.timedelta) else value
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or not 0 < seconds < float("inf"):
        raise ConfigurationError(f"request_timeout: must be seconds above 0, or a timedelta, not {value!r}")
    return float(seconds)


def _response_variable(response: Response) -> dict[str, Any]:
    return {
        "status": response.status,
        "headers": response.headers,
        "body": response.body,
        "url": response.url,
        "request_id": response.request_id,
    }


def _described(content: bytes, response: Response) -> dict[str, Any]:
    """Return bytes as XCom holds them: with what is needed to use them."""
    return {
        "content_type": response.headers.get("content-type"),
        "size": len(content),
        "base64": base64.b64encode(content).decode("ascii"),
    }
