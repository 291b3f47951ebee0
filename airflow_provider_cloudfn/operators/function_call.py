"""One call of a cloud function: a request made of rendered fields, and what its answer is worth; for a step, a page, an item."""

from __future__ import annotations

from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, ClassVar, Final

from msgspec.structs import replace

from airflow_provider_cloudfn.auth.redacted import Redacted
from airflow_provider_cloudfn.auth.repeatable import can_succeed_later
from airflow_provider_cloudfn.authoring.confirm import Confirm
from airflow_provider_cloudfn.authoring.shapes import header_text, query_text, uri_text
from airflow_provider_cloudfn.authoring.stable_ids import stable_id
from airflow_provider_cloudfn.authoring.value_checks import method_problem, seconds
from airflow_provider_cloudfn.client.body import Form
from airflow_provider_cloudfn.client.retry import idempotency_key_in, repeats_safely
from airflow_provider_cloudfn.client.status import retry_after_seconds, status_meant
from airflow_provider_cloudfn.exceptions import ConfigurationError, ExpressionError
from airflow_provider_cloudfn.operators.idempotency import place_of, with_idempotency_key
from airflow_provider_cloudfn.operators.key_text import Seen, digest_of
from airflow_provider_cloudfn.operators.object_storage import form_files
from airflow_provider_cloudfn.operators.request_values import content_of
from airflow_provider_cloudfn.operators.settled import Settled, refused_answer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from airflow.sdk.definitions.context import Context

    from airflow_provider_cloudfn.authoring.variables import TaskVariables
    from airflow_provider_cloudfn.client.body import Body
    from airflow_provider_cloudfn.client.request import Request, Sending
    from airflow_provider_cloudfn.client.response import Response
    from airflow_provider_cloudfn.client.retry import RetryPolicy
    from airflow_provider_cloudfn.client.sink import ResponseSink
    from airflow_provider_cloudfn.hooks.request import RequestHook
    from airflow_provider_cloudfn.operators.batch_items import BatchItem
    from airflow_provider_cloudfn.operators.cloudfn import CloudFunctionOperator
    from airflow_provider_cloudfn.operators.object_storage import ObjectStorageSink

__all__ = ["Fields", "FunctionCall"]

#: What defines the calls of a batch besides what each item's has of its own; the last one is an event's.
_OF_EVERY_CALL: Final = frozenset({"method", "pages", "mode"})
#: A condition that is true of this status, too, is about no redirect of its own.
_OF_NO_REDIRECT: Final = 399


class Fields(Redacted, frozen=True):
    """What a request is made of: the operator's parameters of these names, rendered."""

    _hidden: ClassVar = frozenset({"query", "headers", "body", "files"})

    uri: str
    query: Mapping[str, Any]
    headers: Mapping[str, Any]
    body: Any
    files: Any
    idempotency_key: Any


class FunctionCall:
    """
    Makes the requests of a cloud function, and judges their answers.

    :raises ConfigurationError: for a method or a time limit that can't be.
    """

    def __init__(self, task: CloudFunctionOperator, hook: RequestHook[Any]) -> None:
        if (problem := method_problem(task.method)) is not None:
            raise ConfigurationError(f"method: {problem}")
        self.task = task
        self.hook = hook
        #: What ``retry_when`` said of the last answer.
        self._wants_again = False
        #: The idempotency keys that items have in headers of their own.
        self._keys = Seen()
        self._warned: set[str] = set()
        #: Seconds for each call; None as the connection says.
        self.timeout = None if task.request_timeout is None else seconds("request_timeout", task.request_timeout)

    def warn_once(self, message: str) -> None:
        """Warn in the log of what many calls can have, unless that was said."""
        if message not in self._warned:
            self._warned.add(message)
            self.task.log.warning(message)

    @property
    def definition(self) -> str:
        """What tells whether the calls of a batch are defined as they were."""
        task = self.task
        of_each = (one.name for one in task.authored_parameters if one.per_item or one.name in _OF_EVERY_CALL)
        parts = (task.cloudfn_conn_id, *(getattr(task, name) for name in of_each))
        return digest_of("\x1f".join(map(repr, parts)), 32)

    def request(self, fields: Fields, key: Callable[[str | None], str]) -> Request:
        """
        Return a request.

        :param fields: What it is made of.
        :param key: Returns its idempotency key, given what the author says stands for the map index.
        :raises ConfigurationError: for what can't be sent.
        """
        from airflow_provider_cloudfn.client.request import Request

        task = self.task
        headers, body = dict(fields.headers or {}), fields.body
        wanted = True if task.key_is_evaluated else fields.idempotency_key
        if wanted is not False:
            own = key(place_of(fields.idempotency_key) if task.key_is_evaluated else None)
            if not task.has_items:
                task.recorder.idempotency_key = own
            headers, body = with_idempotency_key(wanted, own, headers=headers, body=body, conn_type=self.hook.conn_type)
        content = self._content(fields.files, body, headers)
        return Request(task.method, fields.uri, fields.query, headers, content, task.list_style, task.compress)

    def request_for(self, item: BatchItem, key: Callable[[str | None], str]) -> Request:
        """
        Return the request for an item of a batch.

        :param key: As of :meth:`request`.
        :raises CloudFunctionError: for an item with which an expression fails, or that can't be sent.
        """

        def own_key(place: str | None) -> str:
            return key(item.place if place is None else place)

        fields = self.task.fields(lambda name: self.task.for_item(name, item.variables), own_key)
        request = self.request(fields, own_key)
        if self._needs_header:
            # Also where its name, or all headers, are an expression, so that nobody counts on it.
            found = idempotency_key_in(request.headers)
            if found is not None or repeats_safely(request.method, self.task.headers):
                self._require_key_of_its_own(item, found)
        return request

    def _require_key_of_its_own(self, item: BatchItem, key: str | None) -> None:
        """Refuse an item without an idempotency key in its headers, or with that of another one."""
        if key is None:
            problem = "is empty, and it might be carried out twice"
        elif not self._keys.is_new(key):
            problem = "is that of an item before it: a service would take it for the same request, and not carry it out"
        else:
            return
        raise ConfigurationError(
            f"headers: the idempotency key of item {item.index} ({item.key}) {problem}: give each item one, such as "
            "run.idempotency_key"
        )

    def sending(self, variables: TaskVariables, sink: ResponseSink | None = None) -> Sending:
        """
        Return how a request is sent.

        :param variables: What expressions can name besides the answer.
        :param sink: Where the body of a success goes.
        """
        if self.task.success_when is None and self.task.retry_when is None:
            return self._usual_sending if sink is None else replace(self._usual_sending, sink=sink)

        def accepts(redirect: Response) -> bool:
            # One that takes every answer, or each below 400, means the one behind the redirect, as ever.
            success = replace(redirect, status=200, headers=redirect.headers.without("location"))
            others = (success, replace(redirect, status=_OF_NO_REDIRECT))
            return self._is_true_of(redirect, variables) is True and not all(
                self._is_true_of(other, variables) for other in others
            )

        judged = self.task.success_when is not None
        return replace(
            self._usual_sending,
            retry=self._retry(variables),
            sink=sink,
            check_status=not judged,
            accepts=accepts if judged else None,
        )

    def sending_for_result(self, variables: TaskVariables, sink: ResponseSink | None) -> Sending:
        """
        Return how the result of a job is asked for, whose answer is the step's: as what an ordinary call sends.

        :param variables: What expressions can name besides the answer.
        :param sink: Where the body of a success goes.
        """
        as_it_came = self.task.returns is not None and not self.task.reads_body(but="poll")
        # It has no idempotency key.
        return replace(self.sending(variables, sink), idempotent=None, as_it_came=as_it_came)

    def settle(
        self, context: Context, request: Request, variables: TaskVariables, sink: ObjectStorageSink | None
    ) -> Settled:
        """
        Make the step's one call: a request that may not be repeated is not sent twice unknowingly.

        :param variables: What expressions can name besides the answer.
        :param sink: Where the body of a success goes.
        :raises OutcomeUnknownError: when nobody knows whether it was carried out, by an earlier try or in this one.
        :raises CloudFunctionError: as the client does, and for an answer that is no success.
        """
        from airflow_provider_cloudfn.client.retry import repeats_safely

        task, client, sending = self.task, self.hook.client(), self.sending(variables, sink)
        if task.poll is not None:
            # What starts a job is judged by its status: the rest is about the job's result.
            sending = replace(sending, check_status=True, as_it_came=not task.reads_body(of="job"), accepts=None)
        prepared = client.prepare(request)

        def require_success(response: Response) -> None:
            if (task.success_when is None or task.poll is not None) and not response.ok:
                raise self.hook.failure(task.method, response)
            if task.poll is None:
                self.require_success(response, variables.with_response(response.as_variable()))

        path = None if sink is None else str(sink.path)

        def plainly_sent() -> Settled:
            response = client.send_sync(prepared, sending)
            require_success(response)
            return Settled(response, path)

        can_repeat = sending.idempotent or repeats_safely(prepared.method, dict(prepared.headers))
        if can_repeat and context["ti"].try_number <= 1:
            return plainly_sent()
        from airflow_provider_cloudfn.journal.entries import CallEntry
        from airflow_provider_cloudfn.journal.task_journal import TaskJournal
        from airflow_provider_cloudfn.operators.once import CALL, Judges, Once

        journal = TaskJournal.of(context, task.log)
        # What an earlier try has sent may have been no PUT, and have had no key.
        if can_repeat and (not journal.is_kept or journal.read(CALL, CallEntry) is None):
            return plainly_sent()
        confirm = task.on_unknown
        judges = Judges(
            require_success,
            wants_again=lambda: self._wants_again,
            begin=self._begin,
            resend=confirm == "resend",
            confirm=partial(self._confirmed, variables) if isinstance(confirm, Confirm) else None,
        )
        key = stable_id(context, "idempotency_key", task._place())
        once = Once(client, journal, judges, task.log, key=key, path=path)
        task.recorder.journal = "sent"
        try:
            settled = once.settle(prepared, sending)
        finally:
            task.call_is_final = once.leaves_no_trace
        task.recorder.journal = settled.journal
        return settled

    def confirmation(self, variables: TaskVariables) -> tuple[Request, Sending]:
        """Return the question whether a request was carried out, as ``on_unknown=Confirm(…)`` has it."""
        from airflow_provider_cloudfn.client.request import Request, Sending

        def written(part: str, shape: Callable[[str, Any], Any]) -> Any:
            name = f"on_unknown.{part}"
            return shape(name, self.task.evaluate_after_call(name, variables))

        uri, query = written("uri", uri_text), written("query", query_text)
        request = Request("GET", uri, query, written("headers", header_text), None, self.task.list_style)
        return request, Sending(self.timeout, check_status=False)

    def is_confirmed(self, response: Response, variables: TaskVariables) -> bool:
        """
        Return whether the service says that the request was carried out.

        :param variables: What expressions can name besides.
        :raises CloudFunctionError: for an answer that says neither.
        """
        if not response.ok and response.status not in (404, 410):
            raise self.hook.failure("GET", response)
        return self.task.truth_after_call("on_unknown.done_when", variables.with_response(response.as_variable()))

    def _confirmed(self, variables: TaskVariables) -> Response | None:
        """Return what the service answers where the request was carried out; None where it was not."""
        response = self.hook.send(*self.confirmation(variables))
        return response if self.is_confirmed(response, variables) else None

    def require_success(self, response: Response, variables: TaskVariables) -> None:
        """
        Refuse an answer that is none by ``success_when``.

        :param variables: What expressions can name, the answer among it.
        :raises CloudFunctionError: when it is no success.
        """
        task = self.task
        if task.success_when is None:
            return
        try:
            is_success = self.task.truth_after_call("success_when", variables)
        except ExpressionError as error:
            if response.ok:
                raise
            # An answer of another form, as errors have it: what the service said comes first, and whether to try again.
            failure = self.hook.failure(task.method, response)
            raise failure.reworded(f"{failure.message}; success_when has no value for it: {error}") from None
        if not is_success:
            retry_after = retry_after_seconds(response)
            raise refused_answer(
                "success_when is false for",
                response,
                self.hook,
                # What the service says with a status of success, such as "pending", can be otherwise next time.
                retryable=response.status < 400 or can_succeed_later(status_meant(response), retry_after),
                retry_after=retry_after,
            )

    def _begin(self) -> None:
        self._wants_again = False

    def _is_true_of(self, response: Response, variables: TaskVariables) -> bool | None:
        """Return what ``success_when`` is of an answer, or None where it was written for answers of another form."""
        try:
            return self.task.truth_after_call("success_when", variables.with_response(response.as_variable()))
        except ExpressionError:
            return None

    @cached_property
    def _needs_header(self) -> bool:
        """Whether the items of a batch may be sent twice only because of a key in a header of theirs."""
        task = self.task
        return task.pages is None and not task.idempotency_key and not repeats_safely(task.method, None)

    @cached_property
    def reads_body(self) -> bool:
        """Whether the body must be what its Content-Type says: not where only its text or its bytes are read."""
        task = self.task
        return (task.returns is None and task.pages is None and task.wait_for is None) or task.reads_body()

    @cached_property
    def _usual_sending(self) -> Sending:
        """How a request is sent about which the author decides nothing by its answer."""
        from airflow_provider_cloudfn.client.request import Sending

        idempotent = True if self.task.idempotency_key else None
        return Sending(
            self.timeout,
            self._usual_retry,
            idempotent,
            as_it_came=not self.reads_body,
            # What starts a job is judged by its status.
            redirect_taken_by="" if self.task.poll else "success_when='response.status == {status}'",
        )

    @cached_property
    def _usual_retry(self) -> RetryPolicy:
        from airflow_provider_cloudfn.client.retry import RetryPolicy

        return RetryPolicy(attempts=self.task.retry_attempts, total=seconds("retry_total", self.task.retry_total))

    def _retry(self, variables: TaskVariables) -> RetryPolicy:
        task = self.task
        if task.retry_when is None:
            return self._usual_retry

        def retry_when(response: Response) -> bool | None:
            try:
                wanted = task.truth_after_call("retry_when", variables.with_response(response.as_variable()))
            except ExpressionError as error:
                # The answer is what the author must see, and an error page is retried as ever.
                self._wants_again = False
                task.log.warning("The statuses decide, for retry_when has no value for this answer: %s", error)
                return None
            self._wants_again = wanted
            return wanted

        return replace(self._usual_retry, retry_when=retry_when)

    def _content(self, files: Any, body: Any, headers: Mapping[str, Any]) -> Body | None:
        if files is not None:
            return Form(body, form_files(files), "body")
        # The idempotency key can be a body of its own.
        return content_of(body, headers) if self.task.has_body or body is not None else None
