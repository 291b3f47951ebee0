"""``python -m airflow_provider_cloudfn.cli.demo``, which ``make demo`` runs."""

from __future__ import annotations

import argparse
import fcntl
import os
import signal
import sys
import time
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from airflow_provider_cloudfn.cli.demo.airflow_server import AirflowServer, end_leftovers
from airflow_provider_cloudfn.cli.demo.order_to_cash import RECEIVES, create_connections, run_order_to_cash
from airflow_provider_cloudfn.cli.demo.ports import free_ports
from airflow_provider_cloudfn.cli.demo.report import Report
from airflow_provider_cloudfn.exceptions import CloudFunctionError, ConfigurationError
from airflow_provider_cloudfn.sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

__all__ = ["STOPPED", "main"]

#: The exit code of a demo that somebody has stopped.
STOPPED = 130
_STOP_SECONDS = 60.0
_say = partial(print, flush=True)


class _Asked(BaseException):
    """Somebody asked the demo to stop: Ctrl-C, or a signal."""


def main(arguments: list[str] | None = None) -> int:
    """
    Run the demo, or stop one.

    :param arguments: The command line, without the program.
    :returns: The exit code: 0; 1 when the consumer's result differs from the charge, or nothing could run.
    """
    options = _parser().parse_args(arguments)
    home: Path = options.home.resolve()
    try:
        if options.stop:
            return _stop(home)
        with _only_one(home), _stoppable():
            return _run(home, options.dags.resolve(), options.order, once=options.once, port=options.port)
    except (CloudFunctionError, OSError) as error:
        print(f"\nThe demo failed: {error}", file=sys.stderr)
        return 1


def _run(home: Path, dags: Path, order_id: str, *, once: bool, port: int) -> int:
    started = time.monotonic()
    if not dags.is_dir():
        raise ConfigurationError(f"--dags: there is no folder {dags}")
    end_leftovers(home)
    ports = partial(free_ports, first=port or None)
    server: AirflowServer | None = None
    try:
        with Sandbox.start() as sandbox:
            _say(f"The sandbox is at {sandbox.url}; what it receives: {sandbox.url}/_sandbox/requests")
            _say("Airflow is starting, which takes about half a minute ...")
            server = AirflowServer.start(home, dags, ports=ports, settings=RECEIVES)
            sandbox.call_back(f"{server.url}/cloudfn/events/process_engine")
            _say(f"Airflow is at {server.url} ({_since(started)}); its log: {server.log}")
            _say(f"Connections created: {', '.join(create_connections(server.api, sandbox))}")
            outcome = run_order_to_cash(server.api, sandbox, order_id)
            Report(sys.stdout, server.url).tell(outcome)
            faults = outcome.faults()
            _say("")
            for fault in faults:
                _say(f"WRONG: {fault}")
            if not faults:
                charge = outcome.charges[0]
                amount = charge.get("amount")
                _say(f"Right: the process has the charge that the shop stored: {charge['id']}, amount {amount}")
            _say(f"Done after {_since(started)}.")
            if not once:
                _leave_running(server)
            return 1 if faults else 0
    except _Asked:
        _say("\nStopping ...")
        return STOPPED
    finally:
        if server is not None:
            server.stop()


def _leave_running(server: AirflowServer) -> None:
    _say(f"\nAirflow's UI is open to you, no login needed: {server.url}")
    _say("Trigger Dags there as you like. Ctrl-C stops it all.")
    try:
        while server.is_running:
            time.sleep(0.5)
    except _Asked:
        _say("\nStopping ...")
    else:
        raise ConfigurationError(f"Airflow ended by itself; the end of {server.log}:\n{server.tail()}")


@contextmanager
def _stoppable() -> Iterator[None]:
    """Turn the first signal that asks for the end into an exception; a second one does not disturb the stopping."""

    def ask(_number: int, _frame: FrameType | None) -> None:
        for number in numbers:
            signal.signal(number, signal.SIG_IGN)
        raise _Asked

    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = [signal.signal(number, ask) for number in numbers]
    try:
        yield
    except _Asked:
        sys.exit(STOPPED)
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)


@contextmanager
def _only_one(home: Path) -> Iterator[None]:
    """Hold the folder's lock, in which the id of this process stands."""
    home.mkdir(parents=True, exist_ok=True)
    with (home / "lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise ConfigurationError(
                f"A demo of this folder is running already, as process {_holder(home)}. Stop it with Ctrl-C where it "
                "runs, or, in a checkout, with: make clean"
            ) from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        try:
            yield
        finally:
            lock.truncate(0)


def _holder(home: Path) -> str:
    return (home / "lock").read_text() or "(unknown)"


def _stop(home: Path) -> int:
    """Ask this folder's demo to stop, wait for it, and end what one that was killed has left."""
    if not home.is_dir():
        return 0
    deadline = time.monotonic() + _STOP_SECONDS
    asked = False
    while True:
        try:
            with _only_one(home):
                end_leftovers(home)
                return 0
        except ConfigurationError:
            holder = _holder(home)
            if not asked and holder.isdigit():
                os.kill(int(holder), signal.SIGTERM)
                asked = True
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="demo", description=__doc__)
    parser.add_argument("--home", type=Path, required=True, help="the folder for the state of Airflow")
    parser.add_argument("--dags", type=Path, default=Path("example_dags"), help="the folder with the example Dags")
    parser.add_argument("--order", default="1001", help="the order to charge")
    parser.add_argument("--port", type=int, default=0, help="where Airflow's UI is; 0: any port that is free")
    parser.add_argument("--once", action="store_true", help="stop everything when the job is done")
    parser.add_argument("--stop", action="store_true", help="stop the demo of this folder")
    return parser


def _since(started: float) -> str:
    return f"{time.monotonic() - started:.0f} s"


if __name__ == "__main__":
    sys.exit(main())
