"""What commands print for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_cloudfn.cli.presenting import Printer

if TYPE_CHECKING:
    import pytest


def test_no_text_of_others_reaches_a_terminal_as_a_command(capsys: pytest.CaptureFixture[str]) -> None:
    printer, theirs = Printer(as_json=False), "a\x1b[2J\u202eb"

    printer.line(theirs)
    printer.table(("theirs",), [(theirs,)])
    printer.complaint(theirs)
    printer.document({"theirs": theirs})

    printed = capsys.readouterr()
    assert (printed.out + printed.err).count(r"a\u001b[2J\u202eb") == 4
    assert "\x1b" not in printed.out + printed.err
