"""``airflow cloudfn demo``: what ``make demo`` does in a checkout, where only the package is installed."""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from airflow_provider_cloudfn.cli.demo.__main__ import STOPPED, main
from airflow_provider_cloudfn.cli.demo.examples import copy_examples

if TYPE_CHECKING:
    from argparse import Namespace

__all__ = ["demo"]


def demo(args: Namespace) -> None:
    """Run the demo in a folder of its own, which goes with it unless it is asked for, or the demo failed."""
    try:
        home = Path(args.home or tempfile.mkdtemp(prefix="cloudfn-demo-")).resolve()
        copy_examples(home / "dags")
    except OSError as error:
        sys.exit(
            f"airflow cloudfn demo: can't write {error.filename}: {error.strerror}; name another folder with --home"
        )
    print(f"The demo's folder is {home}; its Dags are in {home / 'dags'}", flush=True)
    code = _run(home, args)
    if args.home or args.keep or code not in (0, STOPPED):
        print(f"The demo's folder stays: {home}; Airflow's log and database are in it", flush=True)
    else:
        shutil.rmtree(home, ignore_errors=True)
    sys.exit(code)


def _run(home: Path, args: Namespace) -> int:
    arguments = ["--home", str(home), "--dags", str(home / "dags"), "--port", str(args.port)]
    try:
        return main([*arguments, "--once"] if args.once else arguments)
    except SystemExit as ended:  # of a signal that came between the demo's own steps
        return ended.code if isinstance(ended.code, int) else 1
