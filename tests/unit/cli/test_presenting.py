"""What commands print for people."""

from __future__ import annotations

import io
import json
import subprocess
import sys

import pytest

from airflow_provider_cloudfn.cli.presenting import Printer


def test_no_text_of_others_reaches_a_terminal_as_a_command(capsys: pytest.CaptureFixture[str]) -> None:
    printer, theirs = Printer(as_json=False), "a\x1b[2J\u202eb"

    printer.line(theirs)
    printer.table(("theirs",), [(theirs,)])
    printer.complaint(theirs)
    printer.document({"theirs": theirs})

    printed = capsys.readouterr()
    assert (printed.out + printed.err).count(r"a\u001b[2J\u202eb") == 4
    assert "\x1b" not in printed.out + printed.err


def test_a_letter_that_the_locale_has_not_is_an_escape(monkeypatch: pytest.MonkeyPatch) -> None:
    written = io.BytesIO()
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(written, encoding="latin-1", write_through=True))
    printer = Printer(as_json=False)

    printer.line("\u65e5 \xe4")
    printer.document({"a": "\u65e5 \xe4 \N{ROCKET}"})

    line, _, document = written.getvalue().partition(b"\n")
    assert line == b"\\u65e5 \xe4"
    assert json.loads(document) == {"a": "\u65e5 \xe4 \N{ROCKET}"}


@pytest.mark.parametrize(
    "prints", ["Printer(True).document({'a': 'x' * 10**6})", "Printer(False).line('x' * 10**6)", "write('x' * 10**6)"]
)
def test_nobody_who_reads_on_is_no_traceback(prints: str) -> None:
    program = f"from airflow_provider_cloudfn.cli.presenting import Printer, write; {prints}"
    with subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.read(1)
        process.stdout.close()
        assert process.stderr.read() == ""
