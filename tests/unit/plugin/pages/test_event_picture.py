"""The picture of an event."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_cloudfn.plugin.pages.event_picture import picture_of

names = st.text(st.characters(codec="utf-8", exclude_categories=["C"]), min_size=1, max_size=300)


@given(
    names,
    st.lists(st.tuples(names, names), max_size=30),
    st.lists(names, max_size=30),
    st.integers(0, 5),
    st.integers(0, 5),
)
def test_no_boxes_overlap_and_all_are_inside(
    name: str, producers: list[tuple[str, str]], consumers: list[str], hidden: int, more: int
) -> None:
    picture = picture_of(name, producers, consumers, hidden_producers=hidden, hidden_consumers=more)

    for box in picture.boxes:
        assert 0 <= box.x <= picture.width - picture.box_width
        assert 0 <= box.y <= picture.height - picture.box_height
    places = sorted((box.x, box.y) for box in picture.boxes)
    for (x, y), (other_x, other_y) in pairwise(places):
        assert other_x >= x + picture.box_width or other_y >= y + picture.box_height


def test_what_the_reader_may_not_see_is_counted() -> None:
    picture = picture_of("e", [("d", "t")], [], hidden_producers=2, hidden_consumers=1)

    assert [box.text for box in picture.boxes] == ["t", "and 2 more", "e", "and 1 more"]
    assert len(picture.links) == 3


def test_an_event_of_nobody_for_nobody_says_so() -> None:
    assert [box.text for box in picture_of("e", [], []).boxes] == ["outside of Airflow", "e", "starts no Dag"]
