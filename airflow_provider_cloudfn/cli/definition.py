"""The commands of ``airflow cloudfn`` and their arguments. The code of each is imported when it is called."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from airflow.cli.cli_config import ActionCommand, Arg, GroupCommand, lazy_load_command

from airflow_provider_cloudfn.cli.first_questions import QUESTIONS

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["get_cloudfn_commands"]


def _number(what: str, hint: str, least: int = 0, most: int | None = None) -> Callable[[str], int]:
    """Return what reads a whole number of an argument."""

    def read(text: str) -> int:
        if text.isascii() and text.isdigit() and least <= int(text) and (most is None or int(text) <= most):
            return int(text)
        raise argparse.ArgumentTypeError(f"{text!r} is no {what}: give {hint}")

    return read


_PORT = _number("port", "a number from 0 (any that is free) to 65535", most=65535)
_SECONDS = _number("lifetime", "whole seconds, 1 or more", least=1)
_LINE_LENGTH = _number("line length", "a number from 20", least=20)
_MAP_INDEX_NUMBER = _number("map index", "a number from 0")


def _argument(flag: str, **described: object) -> Arg:
    return Arg((flag,), **described)  # type: ignore[no-untyped-call]  # Airflow has not typed it


_SANDBOX = ActionCommand(
    name="sandbox",
    help="Run a stand-in for the services outside: a shop, OAuth 2.0, Emporix and Amazon Connect",
    description=(
        "Runs a small server on this machine until Ctrl-C: a shop's API behind an API key in a header (/header), "
        "an API key in the query (/query), OAuth 2.0 (/oauth2) or nothing (/open), its token endpoint, Emporix' event "
        "receiver, and the process engine in the Celonis Platform. It prints its address and the Airflow connections to "
        "it. What came in is shown at /_sandbox/requests, /_sandbox/charges and /_sandbox/processes."
    ),
    func=lazy_load_command("airflow_provider_cloudfn.cli.sandbox_command.sandbox"),
    args=(
        _argument("--port", help="where to listen; 0: any port that is free (default: 8765)", type=_PORT, default=8765),
        _argument(
            "--token-seconds",
            help="how long an access token of the shop lives (default: 300)",
            type=_SECONDS,
            default=300,
        ),
        _argument(
            "--callback",
            help="where a process posts its signed event last, when it has been resumed, such as Airflow's receiver",
            metavar="URL",
        ),
        _argument(
            "--connections",
            help="also write the connections to this file, for `airflow connections import`; it holds secrets",
            metavar="FILE",
        ),
    ),
)


_STEP = (
    _argument("dag_id", help="the Dag"),
    _argument("task_id", help="the task: a cloud function, or one that sends an event to Emporix"),
)
_VALUES = (
    _argument("--file", help="the Dag file, or a folder of them; default: the configured Dag bundles", metavar="PATH"),
    _argument(
        "--sample",
        help="JSON or YAML with steps, params, conf, context, inputs, events and run; it comes before --run-id",
        metavar="FILE",
    ),
    _argument("--run-id", help="a past run: its XComs, params, conf and events are the values", metavar="RUN"),
    _argument("--map-index", help="which instance of a mapped task (default: 0)", type=_MAP_INDEX_NUMBER, metavar="N"),
)
_JSON = _argument("--json", help="print one JSON document", action="store_true")

_RENDER = ActionCommand(
    name="render",
    help="Show what a step would send, without sending it",
    description=(
        "Prints the variables in scope, each expression with its value, and the request that would be sent, secrets as ***. "
        "The values come from a sample, from a past run, or from both. Nothing is sent, and nothing is written to Airflow's "
        "database. Exit code: 0, 1 when no request can be made, 2 when the command is told what can't be."
    ),
    func=lazy_load_command("airflow_provider_cloudfn.cli.render_command.render"),
    args=(
        *_STEP,
        *_VALUES,
        _argument("--write-sample", help="write a skeleton with the shape that the expressions read", metavar="FILE"),
        _JSON,
    ),
)

_TEST = ActionCommand(
    name="test",
    help="Carry out a step, over a mocked answer or a real one, without touching Airflow's database",
    description=(
        "Goes on where render ends: shows the request, the response, success_when, what the step returns, its completion "
        "event, retries and timing. --mock takes a file with an answer, a list of them, or what --record kept; or the name of "
        "a failure: timeout, connect_timeout, refused, reset, rate_limited, unavailable, server_error, unauthorized, "
        "forbidden, not_found, not_json, or a status such as 429. --send makes the real call. Exit code: 0, 1 when the step "
        "fails, 2 when the command is told what can't be."
    ),
    func=lazy_load_command("airflow_provider_cloudfn.cli.test_command.test"),
    args=(
        *_STEP,
        *_VALUES,
        _argument("--mock", help="a file with the answer, or the name of a failure", metavar="FILE"),
        _argument("--send", help="make the real call", action="store_true"),
        _argument(
            "--to",
            help="with --send: send only if the call goes there, such as 'POST https://api.example.com', and nothing otherwise",
            metavar="METHOD-AND-HOST",
        ),
        _argument("--record", help="keep the exchange in this file, redacted, for --mock", metavar="FILE"),
        _JSON,
    ),
)

_EVAL = ActionCommand(
    name="eval",
    help="Evaluate an expression",
    description=(
        "Prints the value and the type of one expression, or what is wrong with it. `-` reads expressions one by one, with "
        "completion of the variables in scope on a terminal; a line that ends with a backslash goes on in the next one."
    ),
    func=lazy_load_command("airflow_provider_cloudfn.cli.eval_command.evaluate"),
    args=(
        _argument("expression", help="the expression, or - for many"),
        _argument("--dag-id", help="the Dag whose task the expression stands in"),
        _argument("--task-id", help="the task that the expression stands in"),
        *_VALUES,
        _JSON,
    ),
)

_CHECK = ActionCommand(
    name="check",
    help="Check every expression of the Dags in a folder",
    description=(
        "Checks what Airflow's parser would check, and names file and line of the task. Exit code: 0, 1 when something is "
        "wrong, 2 when the command is told what can't be."
    ),
    func=lazy_load_command("airflow_provider_cloudfn.cli.check_command.check"),
    args=(
        _argument("path", help="Dag files or folders; default: the configured Dag bundles", nargs="*"),
        _JSON,
    ),
)

_FMT = ActionCommand(
    name="fmt",
    help="Write the expressions of Dag files in one style",
    description=(
        "Formats the expressions that stand as text in Dag files, without changing what they mean, and touches nothing else of "
        "the files. Line breaks are put where a literal can have lines: between three quotes, or where several literals stand in "
        "a row. A file in which an expression is wrong stays as it is. Exit code: 0, 1 when something is wrong, or when --check "
        "finds something to format, 2 when the command is told what can't be."
    ),
    func=lazy_load_command("airflow_provider_cloudfn.cli.fmt_command.fmt"),
    args=(
        _argument("path", help="Dag files, or folders of them", nargs="+"),
        _argument("--check", help="write nothing; exit code 1 where something would be formatted", action="store_true"),
        _argument("--diff", help="write nothing; print what would change", action="store_true"),
        _argument("--line-length", help="how long a line is (default: 88)", type=_LINE_LENGTH, default=88, metavar="N"),
    ),
)

_IMPORT_CURL = ActionCommand(
    name="import-curl",
    help="Turn a curl command into a cloud function",
    description=(
        "Reads a curl command, from its argument or from standard input, and prints the operator for it and what its connection "
        "needs. Credentials go into the connection, never into the Dag."
    ),
    func=lazy_load_command("airflow_provider_cloudfn.cli.import_curl_command.import_curl"),
    args=(
        _argument("command", help="the curl command, as one argument; default: read from standard input", nargs="?"),
        _argument("--task-id", help="the task's id (default: made of the path)"),
        _argument("--conn-id", help="the connection's id (default: made of the host)"),
        _JSON,
    ),
)


_IMPORT_CELONIS = ActionCommand(
    name="import-celonis",
    help="Turn a cloud function of Celonis into one of Airflow",
    description=(
        "Reads a cloud-function step as it stands in Celonis' form, as YAML or JSON with the form's own labels (Name, Provider, "
        "Connection, Method, URI, Query parameters, Headers, Body, Completion event), and prints the operator for it and what "
        "its connection needs. Secrets are not read."
    ),
    func=lazy_load_command("airflow_provider_cloudfn.cli.import_celonis_command.import_celonis"),
    args=(_argument("file", help="the file"), _JSON),
)

_PROGRESS = ActionCommand(
    name="progress",
    help="Show how far the calls of a for_each= step got",
    description=(
        "Prints how many items are done, failed and unknown, while the step runs and after. --forget takes out all that it has "
        "written down, so that its next try begins anew; what was sent stays sent."
    ),
    func=lazy_load_command("airflow_provider_cloudfn.cli.progress_command.progress"),
    args=(
        *_STEP,
        _argument("--run-id", help="the run", metavar="RUN", required=True),
        _argument("--map-index", help="which instance of a mapped task", type=_MAP_INDEX_NUMBER, metavar="N"),
        _argument("--forget", help="let the next try begin anew", action="store_true"),
        _JSON,
    ),
)


_CALLS = ActionCommand(
    name="calls",
    help="Show what the steps of a Dag have sent, and what came back",
    description=(
        "Prints the records that steps leave of their calls, the newest first, at most 500. They hold no secrets: where the "
        "connection puts credentials, a command names a variable. Nothing is sent. Exit code: 0, 2 when the command is told "
        "what can't be."
    ),
    func=lazy_load_command("airflow_provider_cloudfn.cli.calls_command.calls"),
    args=(
        _argument("dag_id", help="the Dag"),
        _argument("--run-id", help="of one run", metavar="RUN"),
        _argument("--task-id", help="of one step", metavar="TASK"),
        _argument("--failed", help="only those that have failed", action="store_true"),
        _argument("--har", help="write an HTTP Archive, which the network tools of browsers open", metavar="FILE"),
        _argument("--as", help="print commands", choices=("curl", "hurl"), dest="as_command"),
        _JSON,
    ),
)


_DEMO = ActionCommand(
    name="demo",
    help="Start an Airflow with the example Dags and the sandbox, run order to cash, show what happened",
    description=(
        "Starts an Airflow of its own and the sandbox on this machine, runs an order to cash, prints each call, each event "
        "and the Dag run that it started, and leaves the UI open until Ctrl-C. Nothing of your Airflow is used or changed. "
        "Exit code: 0, 1 when the result is not the one that it must be."
    ),
    func=lazy_load_command("airflow_provider_cloudfn.cli.demo_command.demo"),
    args=(
        _argument("--once", help="stop everything when the job is done", action="store_true"),
        _argument("--keep", help="keep the demo's folder: its log, its database, its Dags", action="store_true"),
        _argument(
            "--home",
            help="the demo's folder, which is kept (default: a temporary one); the Dags in its folder dags are run",
            metavar="FOLDER",
        ),
        _argument("--port", help="where Airflow's UI is; 0: any port that is free (default)", type=_PORT, default=0),
    ),
)


_INIT = ActionCommand(
    name="init",
    help="Write a first Dag, with a sample, a test, and the command that creates its connection",
    description=(
        "Writes a folder with a first Dag for an API behind an API key or OAuth 2.0. On a terminal it asks for what no option "
        "says. It never asks for a secret: the command that it prints for the connection does. A file that is there stays as "
        "it is. Exit code: 0, 2 when the command is told what can't be."
    ),
    func=lazy_load_command("airflow_provider_cloudfn.cli.init_command.init"),
    args=(
        _argument("folder", help="the folder, which is made if it is not there"),
        *(
            _argument(question.option, help=question.help, choices=question.choices or None, metavar=question.metavar)
            for question in QUESTIONS
        ),
    ),
)


_CATCH_UP = ActionCommand(
    name="catch-up",
    help="Make the runs of events that came while a Dag was paused, or not there yet",
    description=(
        "Airflow queues no event for a Dag that is paused, nor for one that does not exist yet. This queues them as Airflow "
        "would have done, and its scheduler makes the runs: each event has one, with its own payload. To do it again makes no "
        "second one. Exit code: 0, 2 when the command is told what can't be."
    ),
    func=lazy_load_command("airflow_provider_cloudfn.cli.catch_up_command.catch_up_events"),
    args=(
        _argument("dag_id", help="the Dag that the events start"),
        _argument("--since", help="only events from then on, such as 2026-01-31T12:00:00Z", metavar="TIME"),
        _argument("--dry-run", help="only say how many there are", action="store_true"),
        _JSON,
    ),
)
_EVENTS = GroupCommand(name="events", help="Completion events and the runs that they start", subcommands=(_CATCH_UP,))
_COUNT = _number("count", "a number from 1 to 1000", least=1, most=1000)
_DELIVERY_NUMBER = _number("delivery", "the number that `airflow cloudfn deliveries list` shows", least=1)
_DELIVERY = _argument("number", help="the delivery's number", type=_DELIVERY_NUMBER)
_DELIVERIES_MODULE = "airflow_provider_cloudfn.cli.deliveries_command"

_DELIVERIES = GroupCommand(
    name="deliveries",
    help="List, show and replay what services have sent to the event sources",
    subcommands=(
        ActionCommand(
            name="list",
            help="List deliveries, the newest first",
            func=lazy_load_command(f"{_DELIVERIES_MODULE}.list_deliveries"),
            args=(
                _argument("--source", help="of this event source", metavar="SOURCE"),
                _argument("--type", help="of this type of event", metavar="TYPE"),
                _argument("--outcome", help="with this outcome", choices=("accepted", "ignored", "refused")),
                _argument("--since", help="from then on, such as 2026-01-31T12:00:00Z", metavar="TIME"),
                _argument("--before", help="older than this one", type=_DELIVERY_NUMBER, metavar="NUMBER"),
                _argument("--limit", help="so many at most (default: 50)", type=_COUNT, default=50, metavar="COUNT"),
                _JSON,
            ),
        ),
        ActionCommand(
            name="show",
            help="Show one delivery, with what it carries",
            func=lazy_load_command(f"{_DELIVERIES_MODULE}.show_delivery"),
            args=(_DELIVERY, _JSON),
        ),
        ActionCommand(
            name="replay",
            help="Make an asset event of a delivery, once more or for the first time",
            description=(
                "Starts the Dags that wait for the event, as if it came now. It keeps its id, and the runs their idempotency "
                "keys. What was refused, or ignored because no Dag named it, can be replayed too, when the reason is mended: it "
                "is asked for no schema. Exit code: 0, 2 when the command is told what can't be."
            ),
            func=lazy_load_command(f"{_DELIVERIES_MODULE}.replay_delivery"),
            args=(_DELIVERY, _JSON),
        ),
    ),
)

_LANGUAGE = ActionCommand(
    name="language",
    help="List the names and functions that expressions know",
    description=(
        "Prints the variables with their fields and where they exist, all functions and methods with the types that they take, "
        "and the macros. With --json it is a document that an editor can use for completion."
    ),
    func=lazy_load_command("airflow_provider_cloudfn.cli.language_command.language"),
    args=(_JSON,),
)


def get_cloudfn_commands() -> list[GroupCommand]:
    """Return the commands, for Airflow's command line."""
    commands = (
        *(_RENDER, _TEST, _EVAL, _CHECK, _FMT, _LANGUAGE, _IMPORT_CURL, _IMPORT_CELONIS, _PROGRESS),
        *(_CALLS, _EVENTS, _DELIVERIES, _SANDBOX, _DEMO, _INIT),
    )
    return [GroupCommand(name="cloudfn", help="Work with cloud functions", subcommands=commands)]
