"""Every rule about what is written for a task's parameters: the Dag's parser, the command line and the worker ask here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from airflow_provider_cloudfn.authoring import language
from airflow_provider_cloudfn.authoring.confirm import Confirm
from airflow_provider_cloudfn.authoring.emit import SEVERAL_EVENTS, emit_of, event_name, label_of
from airflow_provider_cloudfn.authoring.expressions import written_problems
from airflow_provider_cloudfn.authoring.one_file import one_file_problems
from airflow_provider_cloudfn.authoring.one_key import one_key_problems
from airflow_provider_cloudfn.authoring.options import is_of_event, names_for, written_parts
from airflow_provider_cloudfn.authoring.parameter import EntryProblem
from airflow_provider_cloudfn.authoring.parameter_names import misspelt_defaults
from airflow_provider_cloudfn.authoring.reading import ARRIVES_TOO_LATE, read
from airflow_provider_cloudfn.authoring.request_checks import (
    ONE_KEY,
    key_problem_of_headers,
    key_problem_of_pages,
    overridden_problem,
)
from airflow_provider_cloudfn.authoring.sensor_request import authored_request_problems
from airflow_provider_cloudfn.authoring.task import AuthoredTask, is_reference
from airflow_provider_cloudfn.authoring.unread import unread
from airflow_provider_cloudfn.authoring.vocabulary import DECLARED
from airflow_provider_cloudfn.authoring.wait_for import CALLBACK_PATH, Callback
from airflow_provider_cloudfn.authoring.written import Deferred, Plain, formulas
from airflow_provider_cloudfn.client.pages import Pages
from airflow_provider_cloudfn.events.asset import has_one_run_per_event
from airflow_provider_cloudfn.exceptions import ConfigurationError, ExpressionError, ExpressionProblem

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from collections.abc import Set as AbstractSet

    from airflow_provider_cloudfn.authoring.parameter import Parameter
    from airflow_provider_cloudfn.authoring.run_time_data import RunTimeData
    from airflow_provider_cloudfn.authoring.written import Written

__all__ = ["Problem", "event_problems", "expression_problems", "refuse", "task_problems", "value_problems"]

#: Airflow registers the producers of an asset before any instance is there.
_EVENT_IS_EXPANDED: Final = "it can't be expanded; give it to partial()"
#: A value from another step is there only in the parameters that Airflow renders.
_NO_TEMPLATE_FIELD: Final = (
    "can't come from another step, because it is no template field: write it in the Dag file, or expand() over the step"
)
#: A value of which its author alone can say what it is.
_NOT_AUTHORED: Final = (
    "must stand in the Dag file: give what a step returned to inputs=, and read it in an expression, such as "
    'cel("inputs.id")'
)
#: An instance without items is an ordinary call, which is not what its author means.
_NULL_FOR_EACH: Final = (
    "is null for an instance, which would make one plain call: give each instance a list or a map, [] for no call"
)
#: Airflow has no way to emit an event without the key of the run, and no ordinary schedule takes one with a key.
_GETS_THE_RUN_S_KEY: Final = (
    "would start no run: each run of this Dag has a partition key, Airflow gives it to the events that the run emits, and an "
    "ordinary schedule never fires for these; declare the event with one_run_per_event=True, and write "
    "schedule=<the event>.each() in the Dag that it starts"
)
#: One that is merged with others is not to have a key: no ordinary schedule would fire for it.
_NEEDS_RUN_FOR_EACH: Final = (
    "is the partition key of an event, and only one that is declared with one_run_per_event=True can have one: write "
    "CompletionEvent({name!r}, one_run_per_event=True), and schedule=<the event>.each() in the Dag that it "
    "starts"
)
_GETS_NO_KEY: Final = (
    "is declared with one_run_per_event=True, and this task would emit it in a way that starts no run: give it as "
    "completion_event of a cloud function"
)

_RESULTS_OF_ITEMS: Final = (
    "has no effect beside for_each=, where what each item's pages have is its result: say with results= of ForEach where they "
    "go"
)
#: What is sent again as it is.
_READS: Final = ("GET", "HEAD", "OPTIONS")
_NOTHING_UNKNOWN: Final = (
    "has no effect beside pages=, and for a method that only reads: such a request is sent again as it is, and Confirm(…) is "
    "never asked; leave it out"
)
_RETURNED_LATER: Final = (
    "has no effect beside {other}=, which comes after it: leave it out, and say with returns= what the step returns"
)
_RESPONSE: Final = ("response",)
_NO_RESPONSE: Final = (
    "response is the answer of one call, and for_each makes many: name summary or results, such as summary.ok, for the one event "
    "of all of them"
)
_INPUTS: Final = ("inputs",)
_NO_INPUTS: Final = "reads inputs, and the step has none: give inputs=, such as inputs={'id': '{{ ds }}'}"

#: What is said of an event that isn't there.
_NO_EVENT: Final = "the step emits no event: write completion_event=CompletionEvent(…), or leave this out"

#: There is an address only where somebody waits.
_NO_CALLBACK: Final = (
    "run.callback_url exists only where the step waits for its callback: write wait_for=Callback(timeout=…)"
)
_NEITHER: Final = "neither is given, and one of them is needed"


class Problem(Struct, frozen=True):
    """
    Something that is wrong with a task.

    :param task_id: The task.
    :param field: The parameter, or the place in it, such as ``query["since"]``.
    :param message: What is wrong, and what to do.
    :param line: Where in the expression, counted from 1; None where it is about none.
    :param column: Where in that line.
    :param source: The expression; None where it is about none.
    """

    task_id: str
    field: str
    message: str
    line: int | None = None
    column: int | None = None
    source: str | None = None

    def error(self) -> ExpressionError:
        """Return the problem as an error, whose text shows the place in the expression."""
        return ExpressionError(
            [ExpressionProblem(self.message, self.line, self.column)], source=self.source, field=self.field
        )

    def shown(self) -> str:
        """Return the problem with its place in the expression, without its task and its field."""
        return str(ExpressionError(self.error().problems, source=self.source))

    def __str__(self) -> str:
        return str(self.error())


def task_problems(task: AuthoredTask) -> list[Problem]:
    """Return all that is wrong with a task of ours, while its Dag is parsed."""
    return [*expression_problems(task), *value_problems(task)]


def expression_problems(
    task: AuthoredTask, arrived: RunTimeData | None = None, found: dict[str, Written] | None = None
) -> Iterator[Problem]:
    """
    Yield what is wrong with a task's expressions, each with its place.

    :param arrived: What has arrived at run time, before the call; None while the Dag is parsed.
    :param found: Gets what was read at run time, by parameter: of those that have a value.
    """
    surroundings = task.surroundings
    given = frozenset().union(*task.given)
    has_callback = "wait_for" in given and any(isinstance(one, Callback) for one in task.written("wait_for"))
    has_inputs = arrived is not None or not task.lacks({"inputs"})
    absent = [
        *(() if has_callback else ((CALLBACK_PATH, _NO_CALLBACK),)),
        *(() if has_inputs else ((_INPUTS, _NO_INPUTS),)),
    ]
    from_steps = task.expanded_over_steps if arrived is None else arrived.parameters
    for parameter in task.parameters:
        if parameter.after_call and parameter.name in from_steps:
            yield Problem(task.task_id, parameter.name, ARRIVES_TOO_LATE)
            continue
        if parameter.name not in task.ever_given:
            continue
        for declared, value in written_parts(parameter, task.written(parameter.name)):
            written = read(declared, value) if arrived is None else _read_at_run_time(declared, value, arrived)
            if found is not None:
                found[declared.name] = written
            names = names_for(declared, given)
            of_batch = ((_RESPONSE, _NO_RESPONSE),) if "for_each" in given and is_of_event(declared) else ()
            sources = [one.source for one in formulas(written)]
            for path, message in (*absent, *of_batch):
                if any(path[-1] in source and _reads(source, path) for source in sources):
                    yield Problem(task.task_id, declared.name, message)
            for error in written_problems(declared, written, surroundings, names, as_written=arrived is None):
                first = error.problems[0]
                yield Problem(
                    task.task_id, error.field or declared.name, first.message, first.line, first.column, error.source
                )


def _reads(source: str, path: tuple[str, ...]) -> bool:
    """Tell whether an expression reads what lies at a path, or below it, as if it were there."""
    # What is wrong with it otherwise is judged with all other expressions.
    found = language.check(source, variables=DECLARED).references
    read = [reference for reference in found if reference.path[: len(path)] == path]
    if path == _RESPONSE:  # It is not even null.
        return bool(read)
    return any(len(reference.path) > 1 for reference in read) and not any(reference.asked for reference in read)


def value_problems(task: AuthoredTask, arrived: RunTimeData | None = None) -> Iterator[Problem]:
    """
    Yield what is wrong with a task's parameters besides their expressions.

    :param arrived: As of :func:`expression_problems`.
    """
    from_steps = task.expanded_over_steps if arrived is None else arrived.parameters
    for parameter in task.parameters:
        if parameter.authored and parameter.name in from_steps:
            yield Problem(task.task_id, parameter.name, _NOT_AUTHORED)
        if parameter.check is None or (arrived is not None and parameter.name in arrived.parameters):
            continue
        for value in task.written(parameter.name):
            if (found := _value_problem(task, parameter, value, arrived)) is not None:
                yield _placed(task.task_id, parameter.name, found)
    for parameter in task.parameters:
        if parameter.name not in task.ever_given:
            continue
        if parameter.instead_of and _are_together(task, parameter.name, parameter.instead_of):
            message = "give one of them, they are two ways to say the same"
            yield Problem(task.task_id, f"{parameter.instead_of} and {parameter.name}", message)
        for other, remedy in parameter.excludes.items():
            if _are_together(task, parameter.name, other):
                yield Problem(task.task_id, f"{parameter.name} and {other}", remedy)
    yield from _combination_problems(task)
    yield from (Problem(task.task_id, *lost) for lost in authored_request_problems(task, arrived is not None))
    if (wrong_key := _event_key_problem(task)) is not None:
        yield Problem(task.task_id, "event_key", wrong_key)
    # What Jinja has made of a template at run time is each instance's own, and looks as if it were one for all.
    yield from () if arrived is not None else (*_idle_problems(task), *_mapping_problems(task))
    yield from _declaration_problems(task, task.expanded if arrived is None else arrived.parameters)


def _are_together(task: AuthoredTask, first: str, second: str) -> bool:
    return any(first in given and second in given for given in task.given)


def _combination_problems(task: AuthoredTask) -> Iterator[Problem]:
    """Yield what is wrong with some values of two parameters together."""
    if _are_together(task, "pages", "idempotency_key") and any(
        value is not False for value in task.written("idempotency_key")
    ):
        yield Problem(task.task_id, "pages and idempotency_key", ONE_KEY)
    for pages, _, headers in _together(task, "pages", ("headers",)):
        if pages is not None and (found := key_problem_of_pages(headers)) is not None:
            yield Problem(task.task_id, *found)
    if _are_together(task, "pages", "for_each"):
        for pages in task.written("pages"):
            if isinstance(pages, Pages) and pages.results is not None:
                yield Problem(task.task_id, "pages.results", _RESULTS_OF_ITEMS)
    for confirm, name, other in _together(task, "on_unknown", ("method", "pages")):
        is_read = other in _READS if name == "method" else other is not None
        # Of all steps of a Dag those that read pass it over.
        if is_read and isinstance(confirm, Confirm) and task.default_arguments.get("on_unknown") != confirm:
            yield Problem(task.task_id, "on_unknown", _NOTHING_UNKNOWN)
            break
    confirms = any(isinstance(one, Confirm) and one.returns is not None for one in task.written("on_unknown"))
    for other in ("poll", "wait_for") if confirms else ():
        if _are_together(task, "on_unknown", other):
            yield Problem(task.task_id, "on_unknown.returns", _RETURNED_LATER.format(other=other))


def _placed(task_id: str, name: str, found: str | EntryProblem) -> Problem:
    if isinstance(found, EntryProblem):
        return Problem(task_id, f'{name}["{found.entry}"]', found.message)
    return Problem(task_id, name, found)


def _idle_problems(task: AuthoredTask) -> Iterator[Problem]:
    """
    Yield what has no effect, or can have none, as the Dag file has it.

    That is: misspelt default arguments, what nothing reads, an event that is none, words on no event.
    """
    for name, near in misspelt_defaults(task):
        yield Problem(
            task.task_id, f"default_args[{name!r}]", f"is a parameter of no operator here; did you mean {near}?"
        )
    for name, message in unread(task):
        yield Problem(task.task_id, name, message)
    yield from _overridden_problems(task)
    for parameter in task.parameters:
        if parameter.or_else and task.lacks({parameter.name, parameter.or_else}):
            yield Problem(task.task_id, f"{parameter.name} and {parameter.or_else}", _NEITHER)
    if task.completion_event is not None or task.is_silent_about_its_event or not task.has_no_own_code:
        return
    for name in sorted(frozenset().union(*task.given) & {"event_payload", "emit_when"}):
        yield Problem(task.task_id, name, _NO_EVENT)


def _overridden_problems(task: AuthoredTask) -> Iterator[Problem]:
    """Yield what of a request pages or a key set; what an instance of a mapped task has is known at run time, as links are."""
    for pages, name, value in _together(task, "pages", ("query", "uri")):
        given: dict[str, Any] = {"query": None, "uri": "", name: value}
        if isinstance(pages, Pages) and (found := overridden_problem(pages, **given)) is not None:
            yield Problem(task.task_id, *found)
    for key, _, headers in _together(task, "idempotency_key", ("headers",)):
        if (found := key_problem_of_headers(key, headers)) is not None:
            yield Problem(task.task_id, *found)


def _together(task: AuthoredTask, first: str, others: Iterable[str]) -> Iterator[tuple[Any, str, Any]]:
    """Yield the values of a parameter with those of others; two that are mapped both are not there together for sure."""
    for value in task.written(first):
        for other in others:
            for beside in task.written(other) if first not in task.expanded or other not in task.expanded else ():
                yield value, other, beside


def _mapping_problems(task: AuthoredTask) -> Iterator[Problem]:
    """Yield what is wrong with the options of many calls, and where a step is mapped, as its Dag file has it."""
    if "for_each" in task.expanded and any(value is None for value in task.written("for_each")):
        yield Problem(task.task_id, "for_each", _NULL_FOR_EACH)
    for field, message in (*one_file_problems(task), *one_key_problems(task)):
        yield Problem(task.task_id, field, message)


def event_problems(task: AuthoredTask) -> Iterator[Problem]:
    """Yield the completion events that a task would emit in a way that starts no run. The task can be anybody's."""
    for event in task.emitted_events:
        is_own = event.name in task.event_names
        field = "outlets" if not is_own else "completion_event" if event == task.completion_event else SEVERAL_EVENTS
        if not event.one_run_per_event and task.runs_have_partition_keys:
            yield Problem(task.task_id, field, f"{event.name!r} {_GETS_THE_RUN_S_KEY}")
        # A task with code of its own can call add_partitions there.
        elif event.one_run_per_event and not is_own and task.has_no_own_code:
            yield Problem(task.task_id, field, f"{event.name!r} {_GETS_NO_KEY}")


def _event_key_problem(task: AuthoredTask) -> str | None:
    """Refuse a partition key for an event that has none; what a mapped class of a user's own declares is known too late."""
    event = task.completion_event
    if has_one_run_per_event(event) or (event is None and task.is_silent_about_its_event):
        return None
    if not any("event_key" in given for given in task.given):
        return None
    return _NEEDS_RUN_FOR_EACH.format(name=getattr(event, "name", "customer.scored"))


def _declaration_problems(task: AuthoredTask, expanded: AbstractSet[str]) -> Iterator[Problem]:
    """Yield what is wrong with how a step declares its events."""
    for name in ("completion_event", SEVERAL_EVENTS):
        if name in expanded:
            yield Problem(task.task_id, name, _EVENT_IS_EXPANDED)
    events = task.arguments.get(SEVERAL_EVENTS)
    names = task.event_names
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield Problem(task.task_id, SEVERAL_EVENTS, f"{name!r} is given twice: a step emits an event once")
    for event, written in events.items() if isinstance(events, Mapping) else ():
        if emit_of(written).key is not None and not has_one_run_per_event(event):
            yield Problem(task.task_id, label_of(event, "key"), _NEEDS_RUN_FOR_EACH.format(name=event_name(event)))


def _value_problem(
    task: AuthoredTask, parameter: Parameter, value: Any, arrived: RunTimeData | None
) -> str | EntryProblem | None:
    if value is not None and is_reference(value):
        if parameter.authored:
            return _NOT_AUTHORED
        return None if parameter.name in task.kind.template_fields else _NO_TEMPLATE_FIELD
    is_template = arrived is None and parameter.reading is None and isinstance(value, str) and "{" in value
    # What a user made a template field gets its value at run time only.
    if parameter.check is None or (is_template and parameter.name in task.kind.template_fields):
        return None
    return parameter.check(value)


def _read_at_run_time(parameter: Parameter, value: Any, arrived: RunTimeData) -> Written:
    """Read a parameter's value before the call: what arrived at run time is data in it."""
    is_data = parameter.name in arrived.parameters or (not parameter.after_call and arrived.holds(value))
    if is_data:
        return Deferred(value) if is_reference(value) else Plain(value)
    return read(parameter, value, arrived.objects)


def refuse(task: AuthoredTask, arrived: RunTimeData) -> dict[str, Written]:
    """
    Refuse a task for anything that is wrong with any of its parameters, before anything is sent.

    :returns: What was read of the parameters that have a value, by name: to be rendered without reading them again.
    :raises ExpressionError: for what is wrong with an expression, and all else besides.
    :raises ConfigurationError: where only values are wrong that are no expressions.
    """
    wrong = list(value_problems(task, arrived))
    found: dict[str, Written] = {}
    problems = list(expression_problems(task, arrived, found))
    if len(problems) == 1 and not wrong:
        raise problems[0].error()
    if wrong or problems:
        kind = ExpressionError if problems else ConfigurationError
        raise kind("\n".join(str(problem) for problem in (*wrong, *problems)))
    return found
