"""What is taken for the answer of a rehearsal, and what is left of its process."""

from __future__ import annotations

import fcntl
import sys
from typing import TYPE_CHECKING

import pytest

from airflow_provider_cloudfn.plugin.pages import confined
from airflow_provider_cloudfn.plugin.pages.confined import Running, _document, rehearse

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

DOCUMENT = b'{\n  "value": {\n    "a": "}"\n  }\n}\n'


@pytest.mark.parametrize("before", [b"", b"a warning\n", b"{not json}\n"])
@pytest.mark.parametrize("after", [b"", b"Disposing of connections\n", b"}\n"])
def test_the_document_is_found_among_what_airflow_logs(before: bytes, after: bytes) -> None:
    assert _document(before + DOCUMENT + after) == (DOCUMENT, len(before + DOCUMENT))


@pytest.mark.parametrize("printed", [b"", b"usage: airflow\n", b"{\n", b'{"a": 1}\n', b'{\n  "a": 1'])
def test_without_a_whole_document_there_is_none(printed: bytes) -> None:
    assert _document(printed) == (None, 0)


#: A Dag file that starts a process which outlives it, and has a file locked for as long as it lives.
LEAVES_A_CHILD = """
import fcntl, os, time
locked = open({file!r}, "w")
fcntl.flock(locked, fcntl.LOCK_EX)
if os.fork() == 0:
    {first}
    time.sleep(600)
print("{{")
print('  "value": 1')
print("}}")
"""


@pytest.fixture
def program(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Return a function that says what runs in the place of Airflow's command line."""
    return lambda text: monkeypatch.setattr(confined, "_command", lambda _: [sys.executable, "-c", text])


@pytest.mark.parametrize("first", ["pass", "os.close(1)"], ids=["it holds the pipe open", "it has closed the pipe"])
def test_a_process_that_a_dag_file_leaves_behind_is_ended(
    program: Callable[[str], None], tmp_path: Path, first: str
) -> None:
    file = tmp_path / "locked"
    program(LEAVES_A_CHILD.format(file=str(file), first=first))

    ended = rehearse([])

    assert ended is not None
    assert ended.document == b'{\n  "value": 1\n}\n'
    with file.open() as locked:
        fcntl.flock(locked, fcntl.LOCK_EX)  # Which waits for as long as the other process lives.


def test_a_process_answers_a_line_at_a_time(program: Callable[[str], None]) -> None:
    program("for line in iter(input, 'end'): print('{\\n  \"value\": ' + line + '\\n}', flush=True)")
    running = Running([], reads=True)
    try:
        for number in (b"1", b"2"):
            running.tell(number + b"\n")
            assert running.answer(30).document == b'{\n  "value": ' + number + b"\n}\n"
        running.tell(b"end\n")
        assert running.answer(30).problem == "It ended without an answer (exit code 0)."
        assert running.has_ended
    finally:
        running.end()


def test_an_answer_without_end_is_thrown_away(program: Callable[[str], None], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(confined, "_ANSWER", 1024 * 1024)
    program("while True: print('x' * 1000)")

    ended = rehearse([])

    assert ended is not None
    assert ended.problem == "Its answer is larger than 1 MiB, and was thrown away."
