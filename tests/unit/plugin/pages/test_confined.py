"""What is taken for the answer of a rehearsal, and what is left of its process."""

from __future__ import annotations

import fcntl
import sys
from typing import TYPE_CHECKING

import pytest

from airflow_provider_cloudfn.plugin.pages.confined import _document, _ran

if TYPE_CHECKING:
    from pathlib import Path

DOCUMENT = b'{\n  "value": {\n    "a": "}"\n  }\n}\n'


@pytest.mark.parametrize("before", [b"", b"a warning\n", b"{not json}\n"])
@pytest.mark.parametrize("after", [b"", b"Disposing of connections\n", b"}\n"])
def test_the_document_is_found_among_what_airflow_logs(before: bytes, after: bytes) -> None:
    assert _document(before + DOCUMENT + after) == DOCUMENT


@pytest.mark.parametrize("printed", [b"", b"usage: airflow\n", b"{\n", b'{"a": 1}\n', b'{\n  "a": 1'])
def test_without_a_whole_document_there_is_none(printed: bytes) -> None:
    assert _document(printed) is None


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


@pytest.mark.parametrize("first", ["pass", "os.close(1)"], ids=["it holds the pipe open", "it has closed the pipe"])
def test_a_process_that_a_dag_file_leaves_behind_is_ended(tmp_path: Path, first: str) -> None:
    file = tmp_path / "locked"

    ended = _ran([sys.executable, "-c", LEAVES_A_CHILD.format(file=str(file), first=first)], 3.0)

    assert (ended.document is None) == (first == "pass")
    with file.open() as locked:
        fcntl.flock(locked, fcntl.LOCK_EX)  # Which waits for as long as the other process lives.
