"""The commands of ``airflow cloudfn`` and their arguments. The code of each is imported when it is called."""

from __future__ import annotations

import argparse

from airflow.cli.cli_config import ActionCommand, Arg, GroupCommand, lazy_load_command

__all__ = ["get_cloudfn_commands"]


def _port(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is no port: give a number from 0 (any that is free) to 65535")
    return int(text)


def _seconds(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is no lifetime: give whole seconds, 1 or more")
    return int(text)


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
        _argument("--port", help="where to listen; 0: any port that is free (default: 8765)", type=_port, default=8765),
        _argument(
            "--token-seconds",
            help="how long an access token of the shop lives (default: 300)",
            type=_seconds,
            default=300,
        ),
        _argument(
            "--connections",
            help="also write the connections to this file, for `airflow connections import`; it holds secrets",
            metavar="FILE",
        ),
    ),
)


def get_cloudfn_commands() -> list[GroupCommand]:
    """Return the commands, for Airflow's command line."""
    return [GroupCommand(name="cloudfn", help="Work with cloud functions", subcommands=(_SANDBOX,))]
