"""``airflow cloudfn sandbox``."""

from __future__ import annotations

import shlex
import signal
import sys
import threading
from typing import TYPE_CHECKING, Any

from airflow_provider_cloudfn.cli.private_file import write_private_file
from airflow_provider_cloudfn.exceptions import ConfigurationError
from airflow_provider_cloudfn.json_encoding import encode_json
from airflow_provider_cloudfn.sandbox import Sandbox

if TYPE_CHECKING:
    from argparse import Namespace

__all__ = ["sandbox"]


def sandbox(args: Namespace) -> None:
    """Run the sandbox until SIGINT or SIGTERM."""
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    try:
        with Sandbox.start(args.port, token_seconds=args.token_seconds, callback_url=args.callback) as running:
            connections = running.connections()
            if args.connections:
                # What `airflow connections import` reads.
                text = f"{encode_json(connections)}\n"
                write_private_file("--connections", args.connections, text, replacing=True)
            print(_introduction(running.url, connections), flush=True)
            stopped.wait()
    except ConfigurationError as error:
        sys.exit(f"airflow cloudfn sandbox: {error}")


def _introduction(url: str, connections: dict[str, dict[str, Any]]) -> str:
    exports = "\n".join(
        f"export AIRFLOW_CONN_{conn_id.upper()}={shlex.quote(encode_json(fields))}"
        for conn_id, fields in connections.items()
    )
    return (
        f"The sandbox listens on {url}, until Ctrl-C.\n"
        f"What came in: {url}/_sandbox/requests and /charges and /processes beside it\n\n"
        f"Connections to it, for the shell that runs Airflow; the secrets are for this sandbox only:\n\n{exports}\n"
    )
