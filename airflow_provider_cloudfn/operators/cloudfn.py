"""The cloud function: an authenticated call whose parts are CEL expressions."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal, Self

from airflow.sdk import conf
from msgspec.structs import asdict

from airflow_provider_cloudfn.authoring.arrows import wait_for_steps_in_options
from airflow_provider_cloudfn.authoring.confirm import Confirm, on_unknown_problem
from airflow_provider_cloudfn.authoring.for_each import items_problem
from airflow_provider_cloudfn.authoring.instance_label import displayed
from airflow_provider_cloudfn.authoring.media_type import tell_media_type
from airflow_provider_cloudfn.authoring.parameter import Parameter, Reading
from airflow_provider_cloudfn.authoring.poll import poll_problem
from airflow_provider_cloudfn.authoring.request_checks import headers_problem, query_problem, uri_problem
from airflow_provider_cloudfn.authoring.shapes import header_text, json_or_text, query_text, uri_text
from airflow_provider_cloudfn.authoring.stable_ids import stable_id, stable_ids
from airflow_provider_cloudfn.authoring.value_checks import (
    connection_id_problem,
    files_problem,
    key_problem,
    list_style_problem,
    method_problem,
    pages_problem,
    seconds_problem,
    time_limit_problem,
)
from airflow_provider_cloudfn.authoring.wait_for import ONE_WAIT, wait_for_problem
from airflow_provider_cloudfn.client.retry import attempts_problem
from airflow_provider_cloudfn.events.asset import with_asset
from airflow_provider_cloudfn.exceptions import ConfigurationError, ExpressionError, flag_problem
from airflow_provider_cloudfn.journal.task_journal import TaskJournal
from airflow_provider_cloudfn.json_encoding import to_json_value
from airflow_provider_cloudfn.operators.base import ExpressionOperator
from airflow_provider_cloudfn.operators.function_call import Fields, FunctionCall
from airflow_provider_cloudfn.operators.http_operator_names import refuse_http_operator_names
from airflow_provider_cloudfn.operators.object_storage import ObjectStorageSink, described
from airflow_provider_cloudfn.operators.storable import described_bytes
from airflow_provider_cloudfn.operators.waiting_task import WaitingTask

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Sequence

    from airflow.sdk import Asset
    from airflow.sdk.definitions.context import Context
    from airflow.sdk.definitions.mappedoperator import OperatorPartial

    from airflow_provider_cloudfn import cel
    from airflow_provider_cloudfn.authoring.poll import Poll
    from airflow_provider_cloudfn.authoring.variables import TaskVariables
    from airflow_provider_cloudfn.authoring.wait_for import Callback, WaitFor
    from airflow_provider_cloudfn.client.pages import Pages
    from airflow_provider_cloudfn.client.query import ListStyle
    from airflow_provider_cloudfn.client.request import Method, Request
    from airflow_provider_cloudfn.client.response import Response
    from airflow_provider_cloudfn.hooks.request import RequestHook

__all__ = ["CloudFunctionOperator"]

#: Where the results of many calls go, instead of the body of one.
_INSTEAD_OF_A_FILE: Final = {
    "pages": "pages are many answers: say with results= of Pages where their items go",
    "for_each": "an item's answer would overwrite the one before: say with results= of ForEach where the results go",
}

#: A job is one.
_ONE_JOB: Final = {
    "for_each": "one task waits for one job: map the step, with CloudFunctionOperator.partial(…).expand(…), instead",
    "pages": "read the pages of the job's result in a step of their own",
}


class CloudFunctionOperator(WaitingTask):
    """
    Call a web service, return what it answers, and tell other Dags when it is done.

    In ``uri``, ``query``, ``headers``, ``body``, ``returns``, ``success_when``, ``retry_when``, ``event_payload``, ``emit_when``
    and ``event_key`` a ``str`` that is written in the Dag file is a CEL expression; text is written ``'"/v1/charges"'``, or
    ``lit("/v1/charges")``. What arrives at run time is data. These parameters are never run through Jinja. ``secret("name")``
    stands for a whole value of ``query``, ``headers`` or ``body``: it is filled in at sending from the connection, and shown
    nowhere.

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
    :param emit_when: CEL over ``response`` and the rest: whether the event is emitted. Default: always.
    :param event_key: CEL over the same that gives text or an integer: the partition key of an event with
        ``one_run_per_event=True``, such as a customer's id. Default: the event's id.
    :param completion_events: Several events, with what each carries: ``{"order.paid": 'response.body.id'}``, or ``Emit(…)``.
    :param request_timeout: Seconds, or a timedelta, for the whole call, retries included. Default: the connection's
        ``total_timeout``, and where it has none, 60.
    :param idempotency_key: True sends ``Idempotency-Key``, or the header that is named here, with a key that is the same on
        every try of this task instance, after Clear, and in every run that the same event starts; for Amazon Connect it fills
        ``ClientToken`` in the body. Such a request is sent again as one that changes nothing. An expression such as
        ``cel("inputs.id")`` says what stands for the map index in the key, and in the id of the step's event.
    :param retry_when: CEL over ``response`` and the rest: whether the request is sent again within the call. Default: after
        429 and 503, and where sending it twice does no harm after 502 and 504 too.
    :param retry_attempts: How often it is sent at most within the call, from 1 (never again) to 100.
    :param retry_total: Seconds, or a timedelta, within which the attempts of a call must begin.
    :param response_file: Where the body of a success goes, of any size, instead of into XCom: a path of an object storage. The
        step returns its ``path``, ``size``, ``media_type`` and ``sha256``, and ``response.body`` is null. (templated)
    :param files: Files of a multipart form, whose other fields `body` holds: paths of an object storage by field. (templated)
    :param pages: A read that goes on from page to page: ``Pages.next_link("response.body.next")`` and its siblings. The step
        returns the items of all pages; ``returns`` reads them as ``items``, and the number of ``pages``.
    :param for_each: One call for each item of a list, in one task: ``ForEach("steps.list_orders")``, CEL that gives a list, an
        XComArg, or a list. The step returns the list of results.
    :param poll: The call starts a job, which is waited for: ``Poll(done_when='response.body.state == "done"')``,
        ``Poll.location()`` or ``Poll.google()``. ``response`` is the job's result then, and ``job`` the answer of the call.
    :param wait_for: What is waited for when the call is done: ``WaitFor(event, match='event.result.id == response.body.id')``,
        or ``Callback()``, with ``run.callback_url`` in the request. ``returns`` and the like read it as ``event``; the step
        returns ``event.result``.
    :param deferrable: Whether the triggerer waits, without a worker; default ``[operators] default_deferrable``.
    :param list_style: How lists are written in the query and in a form: ``repeat`` (``a=1&a=2``), ``brackets`` or ``comma``.
    :param compress: Whether a large body is sent compressed.
    :param on_unknown: What is done when nobody knows whether a request was carried out that may not be repeated, such as a POST
        that timed out, or whose task was killed: ``fail`` for good, ``resend``, or ``Confirm(…)``, which asks the service.
    :raises OutcomeUnknownError: in that case, by default.
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
        "idempotency_key",
        "for_each",
    )
    template_fields_renderers: ClassVar[dict[str, str]] = dict.fromkeys(("inputs", "query", "headers", "body"), "json")
    authored_parameters: ClassVar[tuple[Parameter, ...]] = (
        Parameter("inputs", Reading.MARKED, jinja=True),
        Parameter("for_each", Reading.VALUE, check=items_problem),
        Parameter("cloudfn_conn_id", check=connection_id_problem),
        Parameter("pages", check=pages_problem),
        Parameter("poll", check=poll_problem, excludes=_ONE_JOB),
        Parameter("wait_for", check=wait_for_problem, excludes=ONE_WAIT),
        Parameter("uri", Reading.TEXT, shape=uri_text, check=uri_problem, per_item=True),
        Parameter("query", Reading.PAIRS, shape=query_text, check=query_problem, per_item=True),
        Parameter("headers", Reading.PAIRS, shape=header_text, check=headers_problem, per_item=True),
        Parameter("body", Reading.DOCUMENT, shape=json_or_text, per_item=True, takes_secrets=True),
        Parameter("response_file", Reading.MARKED, jinja=True, excludes=_INSTEAD_OF_A_FILE),
        Parameter("files", Reading.MARKED, jinja=True, check=files_problem, per_item=True),
        Parameter("idempotency_key", Reading.MARKED, authored=True, check=key_problem, per_item=True),
        Parameter("retry_when", Reading.CONDITION, after_call=True, per_item=True),
        Parameter("returns", Reading.VALUE, after_call=True, per_item=True),
        Parameter("success_when", Reading.CONDITION, after_call=True, per_item=True),
        *ExpressionOperator.authored_parameters,
        Parameter("on_unknown", check=on_unknown_problem),
        Parameter("method", check=method_problem),
        Parameter("request_timeout", check=time_limit_problem),
        Parameter("retry_total", check=seconds_problem),
        Parameter("retry_attempts", check=attempts_problem),
        Parameter("list_style", check=list_style_problem),
        Parameter("deferrable", check=flag_problem),
        Parameter("compress", check=flag_problem),
    )
    ui_color = "#e2f0ea"

    def __new__(cls, *_args: Any, **kwargs: Any) -> Self:
        """Refuse the names of ``HttpOperator``: Airflow would speak of those that are missing."""
        refuse_http_operator_names(cls, kwargs)
        return super().__new__(cls, **kwargs)

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
        emit_when: str | cel.Expression | bool | None = None,
        event_key: Any = None,
        request_timeout: float | dt.timedelta | None = None,
        idempotency_key: bool | str | cel.Expression = False,
        retry_when: str | cel.Expression | None = None,
        retry_attempts: int = 3,
        retry_total: float | dt.timedelta = 30,
        response_file: Any = None,
        files: Any = None,
        pages: Pages | None = None,
        for_each: Any = None,
        poll: Poll | None = None,
        wait_for: WaitFor | Callback | None = None,
        deferrable: bool = conf.getboolean("operators", "default_deferrable", fallback=False),
        list_style: ListStyle = "repeat",
        compress: bool = False,
        on_unknown: Literal["fail", "resend"] | Confirm = "fail",
        **kwargs: Any,
    ) -> None:
        event = {"event_payload": event_payload, "emit_when": emit_when, "event_key": event_key}
        super().__init__(completion_event=completion_event, **event, **displayed(kwargs, function_name))
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
        self.pages = pages
        self.for_each = for_each
        self.poll = poll
        self.wait_for = wait_for
        # Only of its inlets may a task ask for events.
        self.inlets = with_asset(self.inlets, getattr(wait_for, "event", None))
        self.deferrable = deferrable
        self.list_style = list_style
        self.compress = compress
        self.on_unknown = on_unknown
        self._route = str(uri)
        self.has_body = body is not None
        wait_for_steps_in_options(self)

    @classmethod
    def partial(cls, *, task_id: str, function_name: str | None = None, **kwargs: Any) -> OperatorPartial:
        """Begin a mapped cloud function, as :meth:`BaseOperator.partial` does."""
        refuse_http_operator_names(cls, {"task_id": task_id, **kwargs})
        kwargs = displayed(kwargs, function_name)
        if function_name is not None:
            kwargs["function_name"] = function_name
        return super().partial(task_id=task_id, **kwargs)

    def carry_out(self, context: Context, hook: RequestHook[Any]) -> Any:
        """Make the call of a task whose parameters have been rendered."""
        hook.name_calls(self.function, many=self.has_items or self.pages is not None)
        self.recorder.kind = "batch" if self.has_items else "pages" if self.pages else "job" if self.poll else "call"
        if context["ti"].try_number > 1:
            from airflow_provider_cloudfn.operators.other_kind import require_known_outcome

            require_known_outcome(self, context)
        call = FunctionCall(self, hook)
        variables = self._variables(context)
        key = partial(stable_id, context, "idempotency_key")
        if self.has_items:
            return self._carry_out_batch(context, call, variables)
        sink = None if self.response_file is None else ObjectStorageSink.at(self.response_file)
        request = call.request(self.fields(partial(getattr, self), key), key)
        if self.pages is not None:
            return self._carry_out_pages(context, call, self.pages, request, variables)
        if self.wait_for is not None:
            return self._carry_out_wait(context, call, request)
        if self.poll is not None:
            settled, variables = self._polled_answer(context, call, request, sink)
        else:
            settled = call.settle(context, request, variables, sink)
        response, confirm = settled.response, self.on_unknown
        variables = self._with_answer(response, variables)
        if settled.confirmed and isinstance(confirm, Confirm) and confirm.returns is not None:
            result = self.evaluate_after_call("on_unknown.returns", variables)
        elif self.returns is not None:
            result = self.evaluate_after_call("returns", variables)
        elif settled.path is not None and response.stored is not None:
            result = described(settled.path, response.stored)
        else:
            result = response.body
        return self._finish(context, result, variables)

    def _with_answer(self, response: Response, variables: TaskVariables) -> TaskVariables:
        """Know the answer of the call, and return what expressions can name with it."""
        self._response = response
        tell_media_type(response, self.headers or {}, self.log)
        return variables.with_response(response.as_variable())

    def _carry_out_pages(
        self, context: Context, call: FunctionCall, pages: Pages, request: Request, variables: TaskVariables
    ) -> Any:
        # With the modules of what a plain call has not, it would take a tenth longer to begin.
        from airflow_provider_cloudfn.operators.pages import read_whole

        read = read_whole(call, pages, request, variables, TaskJournal.of(context, self.log))
        variables = self._with_answer(read.response, variables.with_more(items=read.items, pages=read.pages))
        result = read.items if self.returns is None else self.evaluate_after_call("returns", variables)
        are_items = result is read.items
        return self._finish(context, result, variables, is_storable=are_items, size=read.size if are_items else None)

    def fields(self, value: Callable[[str], Any], key: Callable[[str | None], str]) -> Fields:  # noqa: ARG002 - of subclasses
        """Return what a request is made of; `value` returns a rendered parameter, `key` as of :meth:`FunctionCall.request`."""
        return Fields(*(value(name) for name in Fields.__struct_fields__))

    def _carry_out_batch(self, context: Context, call: FunctionCall, variables: TaskVariables) -> Any:
        from airflow_provider_cloudfn.operators.batch import Batch

        ids = stable_ids(context, "idempotency_key")
        batch = Batch(call, variables, ids, TaskJournal.of(context, self.log))
        summary = batch.carry_out(context)
        results, size = batch.finish(), batch.results.size
        return self._finish(context, results, variables, is_storable=True, size=size, summary=asdict(summary))

    @property
    def function(self) -> str:
        """The cloud function's name, in the completion record and the logs."""
        return self.function_name or self.task_id

    def _called(self) -> str:
        return self.function

    def storable_result(self, result: Any, response: Response) -> Any:
        """
        Return a result of one of many calls, or all items of a page, in the form in which XCom holds it.

        :param result: What it is before that.
        :param response: The answer that it comes from, which bytes are described by.
        :raises ExpressionError: for what JSON can't hold.
        """
        if self._response is None:
            self._response = response  # Airflow looks closely at all that is set.
        try:
            return to_json_value(result, bytes_as=partial(described_bytes, response), is_copied=False)
        except ConfigurationError as error:
            raise ExpressionError(str(error), field="returns") from error

    def get_openlineage_facets_on_complete(self, task_instance: Any) -> Any:  # noqa: ARG002 - OpenLineage's signature
        """Return what OpenLineage is told of the call: host, route, method, status and bytes."""
        if self._response is None:
            return None
        try:
            from airflow_provider_cloudfn.operators.lineage import lineage_of
        except ImportError:
            return None
        return lineage_of(self.method, self._route, self._response)
