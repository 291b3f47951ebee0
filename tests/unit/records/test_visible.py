"""Text for people's eyes."""

from __future__ import annotations

import json

import pytest

from airflow_provider_cloudfn.records.visible import visible


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[2J\x1b]0;owned\x07", r"\u001b[2J\u001b]0;owned\u0007"),
        ("\x9b31m", r"\u009b31m"),
        ("all is well\rfailed", r"all is well\u000dfailed"),
        ("\u202elive\u202c", r"\u202elive\u202c"),
        ("\u2066live\u2069", r"\u2066live\u2069"),
        ("a\u2028b", r"a\u2028b"),
        ("half \ud83d", r"half \ud83d"),
        ("two\nlines\tof\r\ntext", "two\nlines\tof\r\ntext"),
        ("\u0627\u0644\u0637\u0644\u0628 ä \N{ROCKET} \u200d", "\u0627\u0644\u0637\u0644\u0628 ä \N{ROCKET} \u200d"),
    ],
)
def test_no_terminal_obeys_it_and_no_reader_takes_it_for_another(text: str, shown: str) -> None:
    assert visible(text) == shown


def test_json_stays_the_same_value() -> None:
    value = {"a\u202e": ["\x7f", "\ud83d", "\r"]}

    assert json.loads(visible(json.dumps(value, ensure_ascii=False))) == value
