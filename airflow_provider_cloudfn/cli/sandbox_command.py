"""``airflow cloudfn sandbox``."""

from __future__ import annotations

import os
import shlex
import signal
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_provider_cloudfn.exceptions import ConfigurationError
from airflow_provider_cloudfn.json_encoding import encode_json
from airflow_provider_cloudfn.sandbox import Sandbox

if TYPE_CHECKING:
    from argparse import Namespace

__all__ = ["sandbox"]


def sandbox(args: Namespace) -> None:
    """
    Run the sandbox until SIGINT or SIGTERM.

    :param args: ``port``, ``token_seconds`` and ``connections`` of the command line.
    """
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    try:
        running = Sandbox.start(args.port, token_seconds=args.token_seconds)
    except ConfigurationError as error:
        sys.exit(f"airflow cloudfn sandbox: {error}")
    with running:
        connections = running.connections()
        if args.connections:
            _write(Path(args.connections), connections)
        print(_introduction(running.url, connections), flush=True)
        stopped.wait()


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


def _write(file: Path, connections: dict[str, dict[str, Any]]) -> None:
    """Write what ``airflow connections import`` reads, for the owner's eyes only."""
    try:
        file.unlink(missing_ok=True)
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as opened:
            opened.write(encode_json(connections) + "\n")
    except OSError as error:
        sys.exit(f"airflow cloudfn sandbox: --connections: can't write {file}: {error.strerror}")
