"""Checks the expressions of one task: syntax, names, and that the steps they read lie upstream."""

from __future__ import annotations

import re
from itertools import takewhile
from typing import TYPE_CHECKING, Final

from airflow_provider_cloudfn.authoring import language
from airflow_provider_cloudfn.authoring.known_values import known_problem
from airflow_provider_cloudfn.authoring.parameter import Parameter, Reading
from airflow_provider_cloudfn.authoring.quotes import quoted_problem, text_problem
from airflow_provider_cloudfn.authoring.reading import ARRIVES_TOO_LATE
from airflow_provider_cloudfn.authoring.shown_objects import shown_object
from airflow_provider_cloudfn.authoring.vocabulary import AFTER_CALL_VARIABLES, DECLARED, RECORDS
from airflow_provider_cloudfn.authoring.written import Deferred, Formula, Text, Written, Wrong, parts
from airflow_provider_cloudfn.cel.program import position
from airflow_provider_cloudfn.exceptions import ExpressionError, ExpressionProblem, nearest_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from collections.abc import Set as AbstractSet

    from airflow_provider_cloudfn import cel
    from airflow_provider_cloudfn.authoring.surroundings import Surroundings

__all__ = ["step_problem", "written_problems"]

#: What the name of an event is made of, whatever stands between.
_WORDS: Final = re.compile(r"[^\W\d_]+|\d+")
#: The shortest word that another one can be a slip of: `us` is not `uk`.
_SHORTEST: Final = 5
#: What somebody did who finds a value in his expression.
_F_STRING: Final = (
    "and what an f-string puts in becomes part of the expression: give the value as a param, or to inputs=, and read params.name "
    "or inputs.name"
)
#: What else people name, and where it is.
_ELSEWHERE: Final[Mapping[str, str]] = {
    **dict.fromkeys(("item", "index"), "it is there under for_each=ForEach(…) alone"),
    "items": "it is there under pages= alone",
    **{name: f"an answer's is response.{name}" for name in ("body", "status", "headers")},
    "job": "it is there under poll= alone",
    "event": "did you mean 'events'? It is there under wait_for=WaitFor(…) alone",
    **dict.fromkeys(("ti", "task_instance", "xcom"), "what a step returned is steps.<task id>"),
    "var": "give the variable to inputs=, as {'name': '{{ var.value.name }}'}, and read inputs.name",
    "conn": "no expression reads a connection: its credentials go with the call, and secret('name') stands for a further one",
    "dag_run": "its conf is conf, and the rest is run, such as run.id",
}
#: The marks, which are Python's and no functions of an expression.
_MARKS: Final[Mapping[str, str]] = {
    "unknown function 'cel'": "this is an expression already: leave cel( and its quotes out",
    "unknown function 'lit'": "text stands in quotes here: leave lit( out",
    "unknown function 'secret'": (
        "no expression can reach a secret: secret(…) is Python's, and stands for a whole value of query, headers or body, "
        "without quotes around it; put what belongs before it into secret_values, too"
    ),
}
#: The strings of an expression, in which nothing is an operator.
_STRINGS = re.compile(r"""('{3}.*?'{3}|"{3}.*?"{3}|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')""", re.DOTALL)


def written_problems(
    parameter: Parameter,
    node: Written,
    surroundings: Surroundings | None,
    also: frozenset[str] = frozenset(),
    *,
    as_written: bool = True,
) -> Iterator[ExpressionError]:
    """
    Yield all that is wrong with the expressions of a parameter that has been read.

    :param node: What :func:`~airflow_provider_cloudfn.authoring.reading.read` made of its value.
    :param surroundings: The task's place in its Dag; None checks all but the steps.
    :param also: What its expressions can name besides what all can.
    :param as_written: Whether text in it is what the Dag file says, and not what came of it at run time.
    """
    names = DECLARED | also if also else DECLARED
    for part in parts(node):
        if isinstance(part, Wrong):
            yield ExpressionError(part.message, field=part.label)
        elif isinstance(part, Text):
            if as_written and (message := text_problem(part, parameter, names)) is not None:
                yield ExpressionError(message, field=part.label)
        elif isinstance(part, Deferred):
            if as_written and (message := _option_problem(part, parameter, surroundings)) is not None:
                yield ExpressionError(message, field=parameter.name)
        elif isinstance(part, Formula):
            # One error for each problem: whoever lists them puts the task before each.
            for problem in _formula_problems(part, parameter, surroundings, names):
                yield ExpressionError([problem], source=part.source, field=part.label)


def _option_problem(part: Deferred, parameter: Parameter, surroundings: Surroundings | None) -> str | None:
    """Say that a reference in an option can't be resolved, or that Airflow doesn't see the step that it is to."""
    option, _, inner = parameter.name.partition(".")
    if not inner:
        return None
    if parameter.per_item:
        return ARRIVES_TOO_LATE
    for step, _ in part.reference.iter_references():
        if surroundings is not None and step.task_id not in surroundings.upstream:
            return (
                f"comes from step {step.task_id!r}, and Airflow sees no reference inside of {option}: write "
                f"cel('steps[\"{step.task_id}\"]') instead, and say that the step runs before this one, with >>"
            )
    return None


def _formula_problems(
    formula: Formula, parameter: Parameter, surroundings: Surroundings | None, names: frozenset[str]
) -> list[ExpressionProblem]:
    """Return all that is wrong with an expression, in the order of its source."""
    if (shown := shown_object(formula.source)) is not None:
        return [ExpressionProblem(shown[1], *position(formula.source, shown[0]))]
    checked = language.check(formula.source, variables=names, text=formula.text)
    if formula.text and checked.program is None and _begins_with_step(formula.source, surroundings):
        plain = language.check(formula.source, variables=names)
        # No text without its quotes: `fetch.id` reads a step.
        checked = plain if plain.unknown else checked
    found = _with_hint(checked, parameter)
    known = (
        None if checked.program is None else known_problem(checked.program, parameter) or quoted_problem(formula, names)
    )
    if known is not None:
        found.append(known)
    for reference in checked.references:
        message = _reference_problem(reference, parameter, surroundings)
        if message is not None:
            found.append(ExpressionProblem(message, reference.line, reference.column))
    for problem, end in _miswritten_steps(formula, checked, surroundings):
        # It stands for all that else is said of this place.
        found = [other for other in found if not _is_within(other, problem, end)]
        found.append(problem)
    return sorted(found, key=lambda problem: (problem.line or 0, problem.column or 0))


def _with_hint(checked: cel.Check, parameter: Parameter) -> list[ExpressionProblem]:
    """Return what is wrong with an expression, and of the first that looks like bare text what to do about text."""
    if not checked.problems:
        return []
    problems = list(checked.problems)
    is_body = parameter.reading is Reading.DOCUMENT and checked.program is None and not checked.references
    unknown: dict[tuple[int | None, int | None], str] = {
        (name.line, name.column): name.path[0] for name in checked.unknown
    }
    for index, problem in enumerate(problems):
        unknown_function = problem.message.partition(";")[0]
        if (written := _MARKS.get(unknown_function)) is not None:
            problems[index] = ExpressionProblem(f"{unknown_function}; {written}", problem.line, problem.column)
            continue
        name = unknown.get((problem.line, problem.column))
        # Where another name is near, it is no text.
        if name is not None and (instead := _instead_of(name)) is not None:
            problems[index] = ExpressionProblem(f"unknown name '{name}'; {instead}", problem.line, problem.column)
            continue
        is_text = is_body and not unknown if name is None else "; known are " in problem.message
        if is_text:
            text = f" ('\"{name}\"')" if name else ""
            hint = f"text stands in quotes inside the quotes{text}, {_F_STRING}"
            problems[index] = ExpressionProblem(f"{problem.message}; {hint}", problem.line, problem.column)
            break
    return problems


def _instead_of(name: str) -> str | None:
    """Return what to write instead of a name that exists elsewhere: under an option that isn't there, or in Jinja."""
    if name in _ELSEWHERE:
        return _ELSEWHERE[name]
    from airflow_provider_cloudfn.authoring.jinja_equivalent import NAMES

    return f"write {NAMES[name]}" if name in NAMES else None


def _is_within(other: ExpressionProblem, problem: ExpressionProblem, end: int) -> bool:
    return other.line == problem.line and (problem.column or 0) <= (other.column or 0) < end


def _reference_problem(reference: cel.Reference, parameter: Parameter, surroundings: Surroundings | None) -> str | None:
    path = reference.path
    root = path[0]
    if parameter.only is not None and root not in parameter.only:
        known = ", ".join(sorted(parameter.only))
        return (
            f"'{root}' is not known here, where the triggerer evaluates it too, but {known}: give the value to inputs="
        )
    if root in AFTER_CALL_VARIABLES and not parameter.after_call:
        return f"'{root}' exists only after the call: use it in returns, success_when or event_payload"
    if root in AFTER_CALL_VARIABLES and parameter.answer != root:
        read = ".".join((parameter.answer, *takewhile(str.isidentifier, path[1:])))
        return f"'{root}' is not known here, where the job is asked for: the answer that has started it is {read}"
    if root in RECORDS:
        return _record_problem(root, path[1:-1] if reference.asked else path[1:])
    if len(path) < 2 or surroundings is None:
        return None
    if root == "context" and not reference.asked:
        return _event_problem(path[1:], surroundings.events)
    return step_problem(path[1:], surroundings) if root == "steps" else None


def _event_problem(path: tuple[str, ...], events: AbstractSet[str]) -> str | None:
    """Refuse the name of an event that is surely another's; any else can come with the conf of a run."""
    if path[0] in events:
        return None
    for end in range(len(path), 1, -1):
        if (dotted := ".".join(path[:end])) in events:
            # `context.charge.created`, where the event's name has a dot.
            return f'an event is named by its whole name: write context["{dotted}"]'
    near = next((event for event in sorted(events) if _is_misspelt(path[0], event)), None)
    return None if near is None else f"no event {path[0]!r} is in reach; did you mean {near!r}?"


def _is_misspelt(name: str, event: str) -> bool:
    """Tell whether a name is an event's but for what stands between its words, for capitals, and for one slip in one word."""
    words, others = (_WORDS.findall(one.casefold()) for one in (name, event))
    wrong = [(one, other) for one, other in zip(words, others, strict=False) if one != other]
    return len(words) == len(others) and (not wrong or (len(wrong) == 1 and _is_slip(*wrong[0])))


def _is_slip(one: str, other: str) -> bool:
    """Tell whether two words are one but for a letter too many, or another one, or two that have changed places."""
    shorter = min(len(one), len(other))
    if shorter < _SHORTEST or not one.isalpha():
        return False
    at = next((place for place in range(shorter) if one[place] != other[place]), shorter)
    rest, of_other = one[at:], other[at:]
    exchanged = rest[1::-1] + rest[2:]
    return of_other in (rest[1:], exchanged) or of_other[1:] in (rest, rest[1:])


def _record_problem(record: str, path: tuple[str, ...]) -> str | None:
    """Say what is wrong with a path that must be there: of `run` and `response` all names are known, but those of a body."""
    if not path:
        return None
    known = RECORDS[record]
    if path[0] not in known:
        near = nearest_name(path[0], known)
        remedy = f"did you mean {record}.{near}?" if near else f"it has {', '.join(known)}"
        return f"'{record}' has no field {path[0][:60]!r}; {remedy}"
    if record == "response" and path[0] == "headers" and len(path) > 1 and path[1] != path[1].lower():
        return f'the names of headers are in lower case here: write response.headers["{path[1].lower()}"]'
    return None


def step_problem(path: tuple[str, ...], surroundings: Surroundings) -> str | None:
    """
    Say what is wrong with reading a step.

    :param path: The step's id as it is written, and what is read of its value.
    :param surroundings: The reading task's place in its Dag.
    """
    step = path[0]
    if step == surroundings.task_id:
        return f"a step can't read itself: what {step!r} returns is not there yet"
    if step in surroundings.upstream:
        if surroundings.leaves_nothing(step):
            return f"step {step!r} leaves nothing to read, as do_xcom_push=False says: leave that out there"
        return _nesting_problem(step, surroundings) or _mapped_problem(path, surroundings)
    reader = _variable_name(surroundings.task_id)
    if way := surroundings.way_to(step):
        return (
            f"step {step!r} runs after {surroundings.task_id!r}, so there is nothing to read yet; an arrow back would be a "
            f"circle: {' >> '.join([*way, way[0]])}"
        )
    if step in surroundings.tasks:
        return (
            f"step {step!r} does not run before {surroundings.task_id!r}, so there may be nothing to read: "
            f"add `{_variable_name(step)} >> {reader}`"
        )
    for end in range(len(path), 1, -1):
        dotted = ".".join(path[:end])
        if dotted in surroundings.tasks:
            return f'there is no step {step!r}; a step in a group is named by its whole id: write steps["{dotted}"]'
    pools = (surroundings.upstream, surroundings.tasks - {surroundings.task_id})
    nearest = next(filter(None, (nearest_name(step, sorted(pool)) for pool in pools)), None)
    return f"there is no step {step!r} in this Dag" + (f"; did you mean {_as_written(nearest)}?" if nearest else "")


def _mapped_problem(path: tuple[str, ...], surroundings: Surroundings) -> str | None:
    """Refuse a field of a list: what the instances of a mapped step returned, one value for each."""
    step, *fields = path
    groups = surroundings.groups_of(step)
    is_outside = bool(groups) and not set(groups) & set(surroundings.groups_of(surroundings.task_id))
    if not fields or not (surroundings.is_mapped(step) or is_outside):
        return None
    read = "".join(f".{name}" if name.isidentifier() else f'["{name}"]' for name in fields)
    cause = "is in a mapped group" if is_outside else "is mapped"
    list_ = _as_written(step)
    return f"step {step!r} {cause}, so its result is a list: write {list_}.map(x, x{read}), or {list_}[0]{read} for one of them"


def _nesting_problem(step: str, surroundings: Surroundings) -> str | None:
    """
    Refuse what Airflow itself answers with another instance's value.

    It finds the instance of a step by counting, which is right inside the innermost mapped group that two steps share, and
    from outside of all, but not from one level of nesting to another.
    """
    mine = surroundings.groups_of(surroundings.task_id)
    theirs = surroundings.groups_of(step)
    if mine == theirs or not set(mine) & set(theirs):
        return None
    return (
        f"step {step!r} is at another level of nested mapped groups than {surroundings.task_id!r}, and Airflow can't tell which "
        "of its instances belongs here: hand the value into the group as an argument, and give it to inputs="
    )


def _miswritten_steps(
    formula: Formula, checked: cel.Check, surroundings: Surroundings | None
) -> Iterator[tuple[ExpressionProblem, int]]:
    """Yield what is meant to read a step and is written otherwise, each with the column after it."""
    if surroundings is None or not (checked.unknown or "-" in formula.source):
        return
    unknown = {(name.line, name.column) for name in checked.unknown}
    for name in checked.unknown:
        step = _meant_step(name.path, surroundings)
        if step is not None:
            message = _meant(name.path[0], step, formula)
            yield ExpressionProblem(message, name.line, name.column), name.column + 1
    if "-" not in formula.source:
        return
    # `steps.fetch-order` and `fetch-order`, which are subtractions where a step's name was meant.
    bare = _STRINGS.sub(lambda found: " " * len(found.group()), formula.source)
    for match in re.finditer(r"(?<![\w.])(steps\.)?(\w+(?:-\w+)+)", bare):
        line, column = position(formula.source, match.start())
        candidates = [task for task in surroundings.tasks if "-" in task and match[2].startswith(task)]
        if candidates and (match[1] or (line, column) in unknown):
            task = max(candidates, key=len)
            subtraction = f'steps.{task} is a subtraction; write steps["{task}"]'
            message = subtraction if match[1] else _meant(task, task, formula)
            yield ExpressionProblem(message, line, column), column + len(match[0])


def _begins_with_step(source: str, surroundings: Surroundings | None) -> bool:
    text = source.strip()
    tasks = surroundings.tasks if surroundings is not None else ()
    return any(text == task or text.startswith(f"{task}.") for task in tasks)


def _meant_step(path: tuple[str, ...], surroundings: Surroundings) -> str | None:
    """Return the step that a name without `steps.` before it is the id of, or the end of the id."""
    for end in range(len(path), 0, -1):
        dotted = ".".join(path[:end])
        if dotted in surroundings.tasks and dotted != surroundings.task_id:
            return dotted
    return next((task for task in sorted(surroundings.upstream) if task.endswith(f".{path[0]}")), None)


def _meant(name: str, step: str, formula: Formula) -> str:
    message = f"unknown name '{name}'; did you mean {_as_written(step)}?"
    is_alone = formula.text and formula.source.strip() == name
    return f"{message} Text stands in quotes: '\"{name}\"'" if is_alone else message


def _as_written(step: str) -> str:
    return f"steps.{step}" if step.isidentifier() else f'steps["{step}"]'


def _variable_name(task_id: str) -> str:
    name = task_id.rpartition(".")[2]
    return re.sub(r"\W", "_", name)
