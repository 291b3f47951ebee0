"""What a try writes down for the next one, and who can read it."""

from __future__ import annotations

import datetime as dt
import json
import logging
import random
from typing import Any

import msgspec
import pytest
from hypothesis import given
from kit.state_store import LARGEST, StateStore
from kit.wire_values import values
from msgspec.structs import replace
from pydantic import JsonValue, TypeAdapter

from airflow_provider_cloudfn.authoring.variables import SAMPLE_RUN
from airflow_provider_cloudfn.exceptions import ConfigurationError
from airflow_provider_cloudfn.journal import task_journal
from airflow_provider_cloudfn.journal.entries import (
    CallbackEntry,
    CallEntry,
    ItemResult,
    JournalEntry,
    KeptAnswer,
    StoredFile,
)
from airflow_provider_cloudfn.journal.rows import PIECE
from airflow_provider_cloudfn.journal.task_journal import TaskJournal

LOG = logging.getLogger(__name__)
SENT = CallEntry(
    sent_at=dt.datetime(2026, 1, 2, 3, 4, 5, 678, tzinfo=dt.UTC),
    method="POST",
    url="https://shop.test/v1/charges",
    fingerprint="f" * 64,
)


def answer(content: bytes | None) -> KeptAnswer:
    return KeptAnswer(status=201, headers={"x-id": "1"}, url=SENT.url, content=content)


#: Of a size that compression can't make small.
LARGE = replace(SENT, answer=answer(random.Random(1).randbytes(200_000)))


def journal_of(store: StateStore, generation: int = 2) -> TaskJournal:
    return TaskJournal.of(store.context(generation), LOG)


@pytest.fixture
def store() -> StateStore:
    return StateStore()


@pytest.mark.parametrize("entry", [SENT, LARGE], ids=["small", "in pieces"])
def test_the_next_try_reads_what_was_written(store: StateStore, entry: CallEntry) -> None:
    journal_of(store).write("call", entry)

    assert journal_of(store).read("call", CallEntry) == entry


#: What a later try knows of itself, and whether what try 1 of a task with 2 retries has written is of its generation.
LATER = {
    "the next try": ({"try_number": 2}, True),
    "the next try, where something else was cleared": ({"try_number": 2, "clears": 1}, True),
    "the next try of a task with fewer retries by now": ({"try_number": 2, "retries": 1}, True),
    "cleared": ({"try_number": 2, "generation": 3, "clears": 1}, False),
    "cleared, with one retry less by now": ({"try_number": 2, "retries": 1, "clears": 1}, False),
    "cleared after its second try, with no retry by now": ({"try_number": 3, "retries": 0, "clears": 1}, False),
    "a retry after a Clear": ({"try_number": 3, "retries": 1, "clears": 1}, False),
    "cleared, with one retry more by now": ({"try_number": 2, "generation": 4, "retries": 3, "clears": 1}, False),
}


@pytest.mark.parametrize(("later", "is_of_now"), LATER.values(), ids=LATER)
def test_a_clear_is_told_from_a_retry(store: StateStore, later: dict[str, Any], is_of_now: bool) -> None:
    """Airflow's ``max_tries`` alone does not tell, where the Dag has fewer retries by the time of the Clear."""
    TaskJournal.of(store.context(), LOG).write("call", SENT)
    journal = TaskJournal.of(store.context(**later), LOG)

    assert journal.read("call", CallEntry) == (SENT if is_of_now else None)
    assert journal.read("call", CallEntry, of_any_generation=True) == SENT
    assert journal.is_cleared("call") is not is_of_now


@pytest.mark.parametrize(
    ("version", "generation", "is_told"),
    [("3.4.0b2", 3, True), ("3.4.0", 2, False), ("3.3.2", 3, False), ("4.0.0", 4, True)],
)
def test_what_a_clear_may_have_thrown_away_is_told(
    store: StateStore,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    version: str,
    generation: int,
    is_told: bool,
) -> None:
    monkeypatch.setattr(task_journal, "version", lambda _: version)

    TaskJournal.of(store.context(generation), LOG).tell_lost("all calls are made")

    assert ("nothing is there that it had written down: all calls are made. Airflow keeps it" in caplog.text) is is_told


def test_a_retry_after_such_a_clear_reads_what_the_try_before_has_written(store: StateStore) -> None:
    TaskJournal.of(store.context(), LOG).write("call", SENT)
    cleared = store.context(try_number=2, retries=1, clears=1)
    TaskJournal.of(cleared, LOG).write("call", LARGE)

    assert TaskJournal.of(store.context(try_number=3, retries=1, clears=1), LOG).read("call", CallEntry) == LARGE


@pytest.mark.parametrize("depth", [1, 90, 150, 200])
@pytest.mark.parametrize("brackets", [("[", "]"), ('{"a":', "}"), ('["]",{"a":', "}]")], ids=lambda pair: pair[0])
def test_what_airflow_could_not_read_again_is_kept_as_text(
    store: StateStore, depth: int, brackets: tuple[str, str]
) -> None:
    opening, closing = brackets
    payload = json.loads(opening * depth + "1" + closing * depth)
    entry = CallbackEntry(id="1", came_at=SENT.sent_at, payload=payload)

    journal_of(store).write("call", entry)

    assert journal_of(store).read("call", CallbackEntry) == entry
    for row in store.rows.values():
        TypeAdapter(JsonValue).validate_json(row)


def test_many_brackets_are_not_deep(store: StateStore) -> None:
    journal_of(store).write("call", CallbackEntry(id="1", came_at=SENT.sent_at, payload=[{"a": []}] * 500))

    assert len(store.rows) == 1


def test_nothing_stands_under_a_name_that_was_never_written(store: StateStore) -> None:
    assert journal_of(store).read("call", CallEntry) is None


def test_an_entry_belongs_to_the_tries_between_two_clears(store: StateStore) -> None:
    journal_of(store, generation=2).write("call", SENT)

    assert journal_of(store, generation=5).read("call", CallEntry) is None


def test_an_entry_of_another_generation_is_not_even_read(store: StateStore) -> None:
    store.rows["cloudfn.call"] = json.dumps({"generation": 2, "entry": {"of": "another version"}})

    assert journal_of(store, generation=5).read("call", CallEntry) is None


def test_entries_never_expire(store: StateStore) -> None:
    journal_of(store).write("call", LARGE)

    assert store.retentions == {dt.timedelta.max}


def test_a_large_entry_is_in_pieces_that_airflow_takes_without_a_warning(store: StateStore) -> None:
    journal_of(store).write("call", LARGE)

    assert len(store.rows) > 3
    assert max(len(row) for row in store.rows.values()) <= LARGEST


def test_many_small_values_are_no_row_that_airflow_warns_of(store: StateStore) -> None:
    many = ItemResult(index=0, key="0", result=[1] * 29_000)

    journal_of(store).write("call", many)

    assert max(len(row) for row in store.rows.values()) <= LARGEST
    assert journal_of(store).read("call", ItemResult) == many


def test_an_entry_in_place_of_one_in_pieces_leaves_no_piece_behind(store: StateStore) -> None:
    journal_of(store).write("call", LARGE)
    later = journal_of(store, generation=5)

    later.read("call", CallEntry)
    later.write("call", SENT)

    assert store.rows.keys() == {"cloudfn.call"}


@pytest.mark.parametrize("entry", [SENT, LARGE], ids=["small", "in pieces"])
def test_what_is_forgotten_is_gone(store: StateStore, entry: CallEntry) -> None:
    journal = journal_of(store)
    journal.write("call", entry)

    journal.forget("call")

    assert store.rows == {}


class Killed(BaseException):
    """Ends a process where it stands."""


@pytest.mark.parametrize("done", range(4))
def test_a_try_that_is_killed_while_it_writes_leaves_the_old_entry(store: StateStore, done: int) -> None:
    journal_of(store).write("call", SENT)
    real, left = store.set, iter(range(done))

    def killed(key: str, value: Any, **options: Any) -> None:
        if next(left, None) is None:
            raise Killed
        real(key, value, **options)

    store.set = killed  # type: ignore[method-assign]
    with pytest.raises(Killed):
        journal_of(store).write("call", LARGE)

    assert journal_of(store).read("call", CallEntry) == SENT


def damaged_rows(damage: str) -> StateStore:
    store = StateStore()
    journal_of(store).write("call", LARGE)
    piece = next(key for key in store.rows if key != "cloudfn.call")
    if damage == "a piece gone":
        del store.rows[piece]
    elif damage == "a piece changed":
        store.rows[piece] = json.dumps("A" * PIECE)
    elif damage == "no row of ours":
        store.rows["cloudfn.call"] = json.dumps(["x"])
    else:
        store.rows["cloudfn.call"] = json.dumps({"generation": 2, "entry": {"sent_at": "yesterday"}})
    return store


@pytest.mark.parametrize("damage", ["a piece gone", "a piece changed", "no row of ours", "no entry of ours"])
def test_what_cant_be_read_is_an_error_and_never_taken_for_nothing(damage: str) -> None:
    with pytest.raises(ConfigurationError, match=r"'cloudfn\.call'.*can't be read.*nothing is sent"):
        journal_of(damaged_rows(damage)).read("call", CallEntry)


@pytest.mark.parametrize(
    "context", [{}, {SAMPLE_RUN: object(), "task_state_store": object()}], ids=["3.2", "rehearsal"]
)
def test_without_a_task_state_nothing_is_kept(context: Any) -> None:
    journal = TaskJournal.of(context, LOG)

    journal.write("call", SENT)
    journal.forget("other")

    assert not journal.is_kept
    assert journal.read("call", CallEntry) is None


@pytest.mark.parametrize("name", ["", "Call", "a/b", "a b", "a..b"])
def test_a_name_has_words_and_dots(store: StateStore, name: str) -> None:
    with pytest.raises(ValueError, match="lower-case words"):
        journal_of(store).write(name, SENT)


def kinds(base: type[JournalEntry] = JournalEntry) -> list[type[JournalEntry]]:
    return [kind for one in base.__subclasses__() for kind in (one, *kinds(one))]


@pytest.mark.parametrize("kind", kinds(), ids=lambda kind: kind.__name__)
def test_every_entry_is_the_same_after_a_round_trip(kind: type[JournalEntry]) -> None:
    @given(values(kind))
    def comes_back(entry: JournalEntry) -> None:
        store = StateStore()
        journal_of(store).write("some.name", entry)
        assert journal_of(store).read("some.name", kind) == entry

    comes_back()


@pytest.mark.parametrize("kind", kinds(), ids=lambda kind: kind.__name__)
def test_no_entry_takes_what_it_does_not_know(kind: type[JournalEntry]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"password": "x"}, kind)


def test_an_answer_is_read_again_as_it_came() -> None:
    kept = KeptAnswer(
        status=200,
        headers={"content-type": "application/json", "x-request-id": "r-1"},
        url=SENT.url,
        content=b'{"id": 7}',
        stored=StoredFile(path="/tmp/x", size=9, media_type="application/json", sha256="a"),
    )

    response = kept.response()

    assert (response.status, response.body, response.request_id) == (200, {"id": 7}, "r-1")
    assert response.stored is not None
    assert response.stored.sha256 == "a"
