"""Runs ``airflow cloudfn …`` in this process, as Airflow's command line does."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pytest


@dataclass(frozen=True)
class Ended:
    """How a command ended, and what it printed."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        return json.loads(self.out)


def ended(capsys: pytest.CaptureFixture[str], *arguments: object) -> Ended:
    """Run ``airflow cloudfn``, and tell how it ended."""
    from airflow.cli.cli_parser import get_parser

    capsys.readouterr()
    code = 0
    try:
        options = get_parser().parse_args(["cloudfn", *map(str, arguments)])
        options.func(options)
    except SystemExit as exit_:
        code = exit_.code if isinstance(exit_.code, int) else int(exit_.code is not None)
    return Ended(code, *capsys.readouterr())
