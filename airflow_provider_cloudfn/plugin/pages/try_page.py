"""The pages on which a step is tried: what it reads, what it would send, what it makes of an answer, and the real call."""

from __future__ import annotations

import tempfile
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Final, Literal
from urllib.parse import parse_qsl

import msgspec
from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity
from airflow.models.dagrun import DagRun
from airflow.utils.session import create_session
from fastapi import APIRouter, Depends, HTTPException, Query, Request
from fastapi.responses import HTMLResponse, PlainTextResponse
from sqlalchemy import select

from airflow_provider_cloudfn.auth.redacted import Redacted
from airflow_provider_cloudfn.authoring import language
from airflow_provider_cloudfn.authoring.vocabulary import AFTER_CALL_VARIABLES, VARIABLES
from airflow_provider_cloudfn.configuration import options
from airflow_provider_cloudfn.exceptions import ExpressionError
from airflow_provider_cloudfn.plugin.pages import typed
from airflow_provider_cloudfn.plugin.pages.access import (
    acts_on_dag,
    current_user,
    may,
    may_act_on,
    readable_dags,
    reads_calls,
    sent_from_here,
    triggers_dag,
)
from airflow_provider_cloudfn.plugin.pages.audit import log_action
from airflow_provider_cloudfn.plugin.pages.catalogue import function_of_page
from airflow_provider_cloudfn.plugin.pages.confined import Ended, rehearse
from airflow_provider_cloudfn.plugin.pages.rehearsed import Rehearsed, read_rehearsal
from airflow_provider_cloudfn.plugin.pages.rendering import page

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

    from airflow_provider_cloudfn.plugin.pages.catalogue import Catalogue, CloudFunction

__all__ = ["router"]

router = APIRouter()

_LISTED: Final = 50
_RUNS: Final = 25
#: Bytes of a form, and characters of what becomes an argument of a command: the system has a bound on that.
_FORM: Final = 256 * 1024
_ARGUMENT: Final = 20_000
#: Characters of an expression that are checked while somebody types.
_TYPED: Final = 4_000


class Tried(Redacted, frozen=True, kw_only=True):
    """
    What somebody wants to try.

    :param action: Look at the values and at the request; evaluate an expression; carry the step out over an answer.
    :param run_id: The past run that gives the values.
    :param map_index: Which instance of a mapped task.
    :param sample: A sample, as JSON or YAML, which comes before the run.
    :param expression: The expression.
    :param answer: What the service answers: JSON or YAML, or the name of a failure.
    :param confirmed: The method and the origin to which somebody agreed to send the real call.
    """

    _hidden: ClassVar = frozenset({"sample", "expression", "answer"})

    action: Literal["render", "eval", "test"] = "render"
    run_id: str = ""
    map_index: str = ""
    sample: str = ""
    expression: str = ""
    answer: str = ""
    confirmed: str = ""


async def _form(request: Request) -> Tried:
    content = b""
    async for part in request.stream():
        content += part
        if len(content) > _FORM:
            raise HTTPException(413, f"The form is larger than {_FORM // 1024} KiB. Leave something out of the sample.")
    try:
        tried = msgspec.convert(dict(parse_qsl(content.decode(), keep_blank_values=True)), Tried)
    except (UnicodeDecodeError, msgspec.ValidationError):
        raise HTTPException(400, "The form holds a value that this page does not take.") from None
    arguments = (tried.run_id, tried.map_index, tried.expression, tried.confirmed)
    if any("\0" in one or len(one) > _ARGUMENT for one in arguments):
        raise HTTPException(400, "The form holds a value that this page does not take.")
    return tried


Form = Annotated[Tried, Depends(_form)]


@router.get("/try")
def choose(request: Request, q: str = Query("", max_length=200), user: Any = current_user) -> HTMLResponse:
    """Show the steps that can be tried."""
    catalogue: Catalogue = request.app.state.catalogue
    readable = catalogue.functions(readable_dags(user))
    found = [one for one in readable if not q or one.matches(q)]
    return page(request, "choose.html", functions=found[:_LISTED], total=len(found), has_any=bool(readable), q=q)


@router.post("/try/check", dependencies=[sent_from_here])
def check(tried: Form, user: Any = current_user) -> PlainTextResponse:  # noqa: ARG001 - whoever has a session may ask
    """Say what is wrong with an expression, as far as that shows without its values; nothing where nothing is."""
    source = tried.expression
    if not source.strip() or len(source) > _TYPED:
        return PlainTextResponse("")
    found = language.check(source, variables=VARIABLES | AFTER_CALL_VARIABLES)
    return PlainTextResponse(str(ExpressionError(found.problems, source=source)) if found.problems else "")


@router.get("/try/{dag_id}/{task_id}", dependencies=[reads_calls])
def form(
    request: Request,
    dag_id: str,
    task_id: str,
    run_id: str | None = Query(None, max_length=250),
    map_index: int | None = Query(None, ge=0),
    user: Any = current_user,
) -> HTMLResponse:
    """Show the form for one step, over the values of the latest run unless another is asked for."""
    if run_id is None:
        run_id = next((one for one, _ in _latest_runs(dag_id)), "")
    tried = Tried(run_id=run_id, map_index="" if map_index is None else str(map_index))
    return _shown(request, user, function_of_page(request, dag_id, task_id), tried)


@router.post("/try/{dag_id}/{task_id}", dependencies=[sent_from_here, reads_calls, triggers_dag])
def rehearsal(request: Request, dag_id: str, task_id: str, tried: Form, user: Any = current_user) -> HTMLResponse:
    """Try a step, in a process of its own. Nothing is sent."""
    function = function_of_page(request, dag_id, task_id)
    _require_on()
    if tried.action == "eval" and tried.expression.strip() in ("", "-"):
        return _shown(request, user, function, tried, problem="Write an expression first.")
    return _tried(request, user, function, tried, tried.action)


@router.post("/try/{dag_id}/{task_id}/value", dependencies=[sent_from_here, reads_calls, triggers_dag])
def value(request: Request, dag_id: str, task_id: str, tried: Form, user: Any = current_user) -> HTMLResponse:
    """Evaluate an expression while it is typed; an empty one says that somebody is about to type."""
    function = function_of_page(request, dag_id, task_id)
    _require_on()
    if len(tried.expression) > _TYPED:
        return HTMLResponse("")
    given = msgspec.structs.replace(tried, expression="-")
    ended = typed.evaluate(
        _typist(user, function, tried), partial(_arguments, function, given, "eval"), tried.expression
    )
    return page(request, "value.html", **_read(ended))


@router.post("/try/{dag_id}/{task_id}/send", dependencies=[sent_from_here, reads_calls, *acts_on_dag])
def send(request: Request, dag_id: str, task_id: str, tried: Form, user: Any = current_user) -> HTMLResponse:
    """Make the real call of a step, in a process of its own, where somebody has agreed to where it goes."""
    function = function_of_page(request, dag_id, task_id)
    _require_on()
    if not tried.confirmed:
        return _shown(request, user, function, tried, problem="Nothing was sent: it was not confirmed where to.")
    log_action(
        user,
        "cloudfn_send",
        dag_id=dag_id,
        task_id=task_id,
        to=tried.confirmed[:250],
        with_values_of=tried.run_id[:250] or None,
    )
    return _tried(request, user, function, tried, "send")


def _tried(request: Request, user: Any, function: CloudFunction, tried: Tried, action: str) -> HTMLResponse:
    # What is shown is of now, and so is what is typed after it.
    typed.forget(_typist(user, function, tried))
    with tempfile.TemporaryDirectory(prefix="cloudfn-try-") as folder:
        ended = rehearse(_arguments(function, tried, action, Path(folder)))
    read = _read(ended)
    if ended is not None and ended.problem is not None and action == "send":
        read["problem"] += " Nobody knows whether the call was carried out: ask the service before you send it again."
    return _shown(request, user, function, tried, action=action, **read)


def _read(ended: Ended | None) -> dict[str, Any]:
    """Return what a page shows of a rehearsal: its result, and why there is none."""
    if ended is None:
        return {"result": None, "problem": "Others try something just now. Try it again in a moment."}
    if ended.document is None:
        return {"result": None, "problem": ended.problem}
    try:
        return {"result": read_rehearsal(ended.document), "problem": None}
    except msgspec.DecodeError:
        return {"result": None, "problem": "What it answered can't be read."}


def _typist(user: Any, function: CloudFunction, tried: Tried) -> Hashable:
    """Return who types, and over which values."""
    return user.get_id(), function.dag_id, function.task_id, tried.run_id, tried.map_index, tried.sample


def _arguments(function: CloudFunction, tried: Tried, action: str, folder: Path) -> Sequence[str]:
    """Return the arguments of the command. No value of the form stands where an option could."""
    given = ["--json"]
    if tried.run_id:
        given.append(f"--run-id={tried.run_id}")
    if function.is_mapped and tried.map_index:
        given.append(f"--map-index={tried.map_index}")
    if tried.sample.strip():
        given.append(f"--sample={_written(folder / 'sample.yaml', tried.sample)}")
    if action == "eval":
        named = (f"--dag-id={function.dag_id}", f"--task-id={function.task_id}")
        return ["eval", *given, *named, "--", tried.expression]
    if action == "send":
        return ["test", *given, "--send", f"--to={tried.confirmed}", "--", function.dag_id, function.task_id]
    if action == "test":
        # Always by a file: what stands in its place would be the name of one, which the command reads.
        given.append(f"--mock={_written(folder / 'answer.yaml', tried.answer.strip() or '200')}")
    return [action, *given, "--", function.dag_id, function.task_id]


def _written(file: Path, text: str) -> Path:
    file.write_text(text, encoding="utf-8")
    return file


def _shown(
    request: Request,
    user: Any,
    function: CloudFunction,
    tried: Tried,
    *,
    action: str = "render",
    result: Rehearsed | None = None,
    problem: str | None = None,
) -> HTMLResponse:
    roots: dict[str, list[Any]] = {}
    for variable in result.variables if result else ():
        roots.setdefault(variable.root, []).append(variable)
    return page(
        request,
        "try.html",
        function=function,
        tried=tried,
        action=action,
        may_try=may(user, function.dag_id, "POST", DagAccessEntity.RUN),
        may_send=may_act_on(user, function.dag_id),
        runs=_latest_runs(function.dag_id),
        result=result,
        roots=roots,
        problem=problem,
        is_on=_is_on(),
    )


def _latest_runs(dag_id: str) -> list[tuple[str, str | None]]:
    """Return the latest runs of a Dag, the newest first, each with its state."""
    wanted = select(DagRun.run_id, DagRun._state).where(DagRun.dag_id == dag_id)
    with create_session(scoped=False) as session:
        return [(row.run_id, row[1]) for row in session.execute(wanted.order_by(DagRun.id.desc()).limit(_RUNS))]


def _require_on() -> None:
    if not _is_on():
        raise HTTPException(403, "Trying is off: set [cloudfn] try_it = True where the API server runs.")


def _is_on() -> bool:
    return options.flag("try_it")
