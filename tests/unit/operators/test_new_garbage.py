"""What is there before a batch is passed over by the garbage collector, and nothing else is."""

from __future__ import annotations

import gc
import weakref

import pytest

from airflow_provider_cloudfn.operators.new_garbage import new_garbage_only


class Cycle:
    def __init__(self) -> None:
        self.itself = self


def test_old_objects_are_passed_over_for_as_long_as_the_block_lasts() -> None:
    before = gc.get_freeze_count()

    with new_garbage_only():
        assert gc.get_freeze_count() > before + 1_000

    assert gc.get_freeze_count() <= before


def test_what_becomes_garbage_in_the_block_is_collected_there() -> None:
    with new_garbage_only():
        gone = weakref.ref(Cycle())
        gc.collect()

        assert gone() is None


def test_an_error_ends_it_too() -> None:
    with pytest.raises(KeyError), new_garbage_only():
        raise KeyError

    assert gc.get_freeze_count() < 1_000


def test_what_somebody_else_has_put_aside_stays_so() -> None:
    gc.freeze()
    try:
        with new_garbage_only():
            pass

        assert gc.get_freeze_count() > 1_000
    finally:
        gc.unfreeze()


@pytest.mark.parametrize("threshold", [0, 700, 50_000])
def test_it_looks_no_more_often_than_before_and_as_often_as_before_at_the_end(threshold: int) -> None:
    before = gc.get_threshold()
    gc.set_threshold(threshold, 5, 5)
    try:
        with new_garbage_only():
            first, *others = gc.get_threshold()
            assert first == (max(threshold, 10_000) if threshold else 0)
            assert others == [5, 5]

        assert gc.get_threshold() == (threshold, 5, 5)
    finally:
        gc.set_threshold(*before)


@pytest.mark.parametrize("first_to_end", [0, 1])
def test_of_blocks_that_overlap_the_last_one_to_end_puts_all_back(first_to_end: int) -> None:
    before = gc.get_threshold()
    blocks = [new_garbage_only(), new_garbage_only()]
    for block in blocks:
        block.__enter__()

    blocks.pop(first_to_end).__exit__(None, None, None)

    assert gc.get_freeze_count() > 1_000
    assert gc.get_threshold() != before

    blocks.pop().__exit__(None, None, None)

    assert gc.get_freeze_count() < 1_000
    assert gc.get_threshold() == before
