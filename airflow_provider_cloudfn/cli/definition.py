"""The commands of ``airflow cloudfn`` and their arguments. The code of each is imported when it is called."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from airflow.cli.cli_config import ActionCommand, Arg, GroupCommand, lazy_load_command

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
_MAP_INDEX_NUMBER = _number("map index", "a number from 0")


def _argument(flag: str, **described: object) -> Arg:
    return Arg((flag,), **described)  # type: ignore[no-untyped-call]  # Airflow has not typed it


_SANDBOX = ActionCommand(
    name="sandbox",
    help="Run a stand-in for the services outside: a shop, OAuth 2.0 and Emporix",
    description=(
        "Runs a small server on this machine until Ctrl-C: a shop's API behind an API key in a header (/header), "
        "an API key in the query (/query), OAuth 2.0 (/oauth2) or nothing (/open), its token endpoint, and Emporix' "
        "event receiver. It prints its address and the Airflow connections to it. What came in is shown at "
        "/_sandbox/requests, /_sandbox/charges and /_sandbox/processes."
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
            "--connections",
            help="also write the connections to this file, for `airflow connections import`; it holds secrets",
            metavar="FILE",
        ),
    ),
)


_STEP = (
    _argument("dag_id", help="the Dag"),
    _argument("task_id", help="the task: a cloud function, or one that starts a process in Emporix"),
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
        _argument("--record", help="keep the exchange in this file, redacted, for --mock", metavar="FILE"),
        _JSON,
    ),
)

_EVAL = ActionCommand(
    name="eval",
    help="Evaluate an expression",
    description=(
        "Prints the value and the type of one expression, or what is wrong with it. `-` reads expressions one by one, with "
        "completion of the variables in scope on a terminal."
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


def get_cloudfn_commands() -> list[GroupCommand]:
    """Return the commands, for Airflow's command line."""
    commands = (_RENDER, _TEST, _EVAL, _CHECK, _IMPORT_CURL, _SANDBOX)
    return [GroupCommand(name="cloudfn", help="Work with cloud functions", subcommands=commands)]
