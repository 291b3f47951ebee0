"""The cloud function: an authenticated call whose parts are CEL expressions."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_cloudfn.auth.repeatable import can_succeed_later
from airflow_provider_cloudfn.authoring.parameter import Parameter, Reading
from airflow_provider_cloudfn.authoring.shapes import header_text, json_or_text, query_text, uri_text
from airflow_provider_cloudfn.authoring.value_checks import (
    method_problem,
    seconds,
    seconds_problem,
    time_limit_problem,
)
from airflow_provider_cloudfn.authoring.variables import task_instance_key
from airflow_provider_cloudfn.client.body import Form
from airflow_provider_cloudfn.client.status import retry_after_seconds
from airflow_provider_cloudfn.exceptions import ConfigurationError, ExpressionError, ResponseError
from airflow_provider_cloudfn.hooks.registry import hook_for
from airflow_provider_cloudfn.json_encoding import to_json_value
from airflow_provider_cloudfn.operators.base import ExpressionOperator
from airflow_provider_cloudfn.operators.idempotency import with_idempotency_key
from airflow_provider_cloudfn.operators.object_storage import ObjectStorageSink, form_files
from airflow_provider_cloudfn.operators.request_values import content_of

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping, Sequence

    from airflow.sdk import Asset
    from airflow.sdk.definitions.context import Context
    from airflow.sdk.definitions.mappedoperator import OperatorPartial

    from airflow_provider_cloudfn import cel
    from airflow_provider_cloudfn.authoring.variables import TaskVariables
    from airflow_provider_cloudfn.client.body import Body
    from airflow_provider_cloudfn.client.query import ListStyle
    from airflow_provider_cloudfn.client.request import Method
    from airflow_provider_cloudfn.client.response import Response
    from airflow_provider_cloudfn.client.retry import RetryPolicy
    from airflow_provider_cloudfn.hooks.request import RequestHook

__all__ = ["CloudFunctionOperator"]


class CloudFunctionOperator(ExpressionOperator):
    """
    Call a web service, return what it answers, and tell other Dags when it is done.

    In ``uri``, ``query``, ``headers``, ``body``, ``returns``, ``success_when``, ``retry_when`` and ``event_payload`` a ``str``
    that is written in the Dag file is a CEL expression; text is written ``'"/v1/charges"'``, or ``lit("/v1/charges")``. What
    arrives at run time is data. These parameters are never run through Jinja. ``secret("name")`` stands for a whole value of
    ``query``, ``headers`` or ``body``: it is filled in at sending from the connection, and shown nowhere.

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
    :param returns: CEL over ``response`` and the rest, or a dict or a list with ``cel(…)`` in it: what the step returns.
        Default: ``response.body``.
    :param success_when: CEL over ``response`` and the rest: whether the call succeeded. Default: any status of 2xx.
    :param completion_event: A :class:`CompletionEvent`, or any asset, to emit when the call is done.
    :param event_payload: What the event carries. Default: what the step returns.
    :param request_timeout: Seconds, or a timedelta, for the whole call, retries included. Default: the connection's
        ``total_timeout``, and where it has none, 60.
    :param idempotency_key: True sends ``Idempotency-Key``, or the header that is named here, with a key that is the same on
        every try of this task instance; for Amazon Connect it fills ``ClientToken`` in the body. Such a request is sent again
        as one that changes nothing.
    :param retry_when: CEL over ``response`` and the rest: whether the request is sent again within the call. Default: after
        429 and 503, and where sending it twice does no harm after 502 and 504 too.
    :param retry_attempts: How often it is sent at most within the call, from 1 (never again) to 100.
    :param retry_total: Seconds, or a timedelta, within which the attempts of a call must begin.
    :param response_file: Where the body of a success goes, of any size, instead of into XCom: a path of an object storage. The
        step returns its ``path``, ``size``, ``media_type`` and ``sha256``, and ``response.body`` is null. (templated)
    :param files: Files of a multipart form, whose other fields `body` holds: paths of an object storage by field. (templated)
    :param list_style: How lists are written in the query and in a form: ``repeat`` (``a=1&a=2``), ``brackets`` or ``comma``.
    :param compress: Whether a large body is sent compressed.
    :raises ExpressionError: when an expression is wrong; nothing was sent then, unless it is one that reads ``response``.
    :raises ConfigurationError: when the connection, the method, the URI or a header is one that can't be.
    """

    template_fields: Sequence[str] = (
        "cloudfn_conn_id",
        "inputs",
        "uri",
        "query",
        "headers",
        "body",
        "response_file",
        "files",
    )
    template_fields_renderers: ClassVar[dict[str, str]] = {
        "inputs": "json",
        "query": "json",
        "headers": "json",
        "body": "json",
    }
    authored_parameters: ClassVar[tuple[Parameter, ...]] = (
        Parameter("inputs", Reading.MARKED, jinja=True),
        Parameter("uri", Reading.TEXT, shape=uri_text),
        Parameter("query", Reading.PAIRS, shape=query_text),
        Parameter("headers", Reading.PAIRS, shape=header_text),
        Parameter("body", Reading.DOCUMENT, shape=json_or_text),
        Parameter("response_file", Reading.MARKED, jinja=True),
        Parameter("files", Reading.MARKED, jinja=True),
        Parameter("retry_when", Reading.CONDITION, after_call=True),
        Parameter("returns", Reading.VALUE, after_call=True),
        Parameter("success_when", Reading.CONDITION, after_call=True),
        *ExpressionOperator.authored_parameters,
        Parameter("method", check=method_problem),
        Parameter("request_timeout", check=time_limit_problem),
        Parameter("retry_total", check=seconds_problem),
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
        returns: Any = None,
        success_when: str | cel.Expression | None = None,
        completion_event: Asset | None = None,
        event_payload: Any = None,
        request_timeout: float | dt.timedelta | None = None,
        idempotency_key: bool | str = False,
        retry_when: str | cel.Expression | None = None,
        retry_attempts: int = 3,
        retry_total: float | dt.timedelta = 30,
        response_file: Any = None,
        files: Any = None,
        list_style: ListStyle = "repeat",
        compress: bool = False,
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
        self.idempotency_key = idempotency_key
        self.retry_when = retry_when
        self.retry_attempts = retry_attempts
        self.retry_total = retry_total
        self.response_file = response_file
        self.files = files
        self.list_style = list_style
        self.compress = compress
        self._route = str(uri)
        self._has_body = body is not None
        self._response: Response | None = None

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
        variables = self._variables(context)
        sink = None if self.response_file is None else ObjectStorageSink.at(self.response_file)
        response = self._call(function, hook, context, variables, sink)
        self._response = response
        variables = variables.with_response(response.as_variable())
        self._require_success(response, variables, hook)
        if self.returns is not None:
            result = self._evaluate_after_call("returns", variables)
        elif sink is not None and response.stored is not None:
            result = sink.described(response.stored)
        else:
            result = response.body
        returned = self._returned(result)
        self._complete(context, function=function, result=returned, variables=variables)
        self._push_result(context, returned)
        return returned

    def _storable(self, value: Any) -> Any:
        """Return a value in the form in which XCom and an event hold it; bytes have what is needed to use them."""
        return to_json_value(value, bytes_as=self._described)

    def _described(self, content: bytes) -> dict[str, Any]:
        response = self._response
        return {
            "content_type": response.headers.get("content-type") if response and content == response.content else None,
            "size": len(content),
            "base64": base64.b64encode(content).decode("ascii"),
        }

    def _call(
        self,
        function: str,
        hook: RequestHook[Any],
        context: Context,
        variables: TaskVariables,
        sink: ObjectStorageSink | None,
    ) -> Response:
        if (problem := method_problem(self.method)) is not None:
            raise ConfigurationError(f"method: {problem}")
        from airflow_provider_cloudfn.client.request import Request, Sending

        limit = self.request_timeout
        timeout = None if limit is None else seconds("request_timeout", limit)
        retry = self._retry(variables)
        headers, body = with_idempotency_key(
            self.idempotency_key,
            task_instance_key(context),
            headers=self.headers or {},
            body=self.body,
            conn_type=hook.conn_type,
        )
        hook.name_calls(function)
        content = self._content(body, headers)
        request = Request(self.method, self.uri, self.query, headers, content, self.list_style, self.compress)
        idempotent = True if self.idempotency_key else None

        def accepts(redirect: Response) -> bool:
            try:
                shown = redirect.as_variable()
                # One that takes every answer, or each below 400, means the one behind the redirect, as ever.
                return self._truth("success_when", variables.with_response(shown)) and not self._truth(
                    "success_when", variables.with_response({**shown, "status": 200})
                )
            except ExpressionError:
                return False  # It was written for the answer behind the redirect.

        judged = self.success_when is not None
        sending = Sending(timeout, retry, idempotent, sink, not judged, accepts=accepts if judged else None)
        return hook.send(request, sending)

    def _retry(self, variables: TaskVariables) -> RetryPolicy:
        from airflow_provider_cloudfn.client.retry import RetryPolicy

        def retry_when(response: Response) -> bool | None:
            try:
                return self._truth("retry_when", variables.with_response(response.as_variable()))
            except ExpressionError as error:
                # The answer is what the author must see, and an error page is retried as ever.
                self.log.warning("The statuses decide, for retry_when has no value for this answer: %s", error)
                return None

        return RetryPolicy(
            attempts=self.retry_attempts,
            total=seconds("retry_total", self.retry_total),
            retry_when=None if self.retry_when is None else retry_when,
        )

    def _content(self, body: Any, headers: Mapping[str, Any]) -> Body | None:
        if self.files is not None:
            return Form(body, form_files(self.files), "body")
        # The idempotency key can be a body of its own.
        return content_of(body, headers) if self._has_body or body is not None else None

    def _truth(self, name: str, variables: TaskVariables) -> bool:
        value = self._evaluate_after_call(name, variables)
        if not isinstance(value, bool):
            raise ExpressionError(f"must give true or false, not {type(value).__name__}", field=name)
        return value

    def get_openlineage_facets_on_complete(self, task_instance: Any) -> Any:  # noqa: ARG002 - OpenLineage's signature
        """
        Return what OpenLineage is told of the call: host, route, method, status and bytes.

        :param task_instance: The task instance.
        """
        if self._response is None:
            return None
        try:
            from airflow_provider_cloudfn.operators.lineage import lineage_of
        except ImportError:
            return None
        return lineage_of(self.method, self._route, self._response)

    def _require_success(self, response: Response, variables: Any, hook: RequestHook[Any]) -> None:
        if self.success_when is None:
            return
        try:
            is_success = self._truth("success_when", variables)
        except ExpressionError as error:
            if response.ok:
                raise
            # An answer of another form, as errors have it: what the service said comes first, and whether to try again.
            failure = hook.failure(self.method, response)
            raise failure.reworded(f"{failure.message}; success_when has no value for it: {error}") from None
        if not is_success:
            excerpt, retry_after = hook.excerpt(response), retry_after_seconds(response.headers)
            raise ResponseError(
                f"success_when is false for the answer {response.status} of {self.method} {response.url}"
                + (f" (request id {response.request_id})" if response.request_id else "")
                + (f"; it says: {excerpt}" if excerpt else ""),
                status=response.status,
                request_id=response.request_id,
                # What the service says with a status of success, such as "pending", can be otherwise next time.
                retryable=response.status < 400 or can_succeed_later(response.status, retry_after),
                retry_after=retry_after,
            )


def _displayed(kwargs: dict[str, Any], function_name: str | None) -> dict[str, Any]:
    """Return the arguments with the function's name as what the UI shows, unless the author wants another one."""
    return kwargs if function_name is None else {"task_display_name": function_name, **kwargs}
