"""The picture of an event: what emits it on the left, what it starts on the right."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Box", "EventPicture", "Link", "picture_of"]

_WIDTH: Final = 280
_HEIGHT: Final = 40
_ROW: Final = 50
_GAP: Final = 60
#: Boxes on one side; what there is besides is counted in a box of its own.
_MOST: Final = 12
#: Characters of a name that fit into a box.
_FITS: Final = 34


class Box(msgspec.Struct, frozen=True, kw_only=True):
    """
    A box.

    :param x: Its left edge.
    :param y: Its upper edge.
    :param kind: ``producer``, ``event``, ``consumer`` or ``more``.
    :param text: What stands in it.
    :param below: A second line.
    :param dag_id: The Dag that it stands for; None where it stands for none.
    :param task_id: The task that it stands for.
    """

    x: float
    y: float
    kind: str
    text: str
    below: str = ""
    dag_id: str | None = None
    task_id: str | None = None


class Link(msgspec.Struct, frozen=True):
    """
    An arrow from the right edge of a box to the left edge of another.

    :param path: As SVG draws it.
    """

    path: str


class EventPicture(msgspec.Struct, frozen=True, kw_only=True):
    """
    A picture.

    :param width: Its width.
    :param height: Its height.
    :param box_width: The width of each box.
    :param box_height: The height of each box.
    :param boxes: The boxes.
    :param links: The arrows.
    """

    width: int
    height: int
    box_width: int
    box_height: int
    boxes: tuple[Box, ...]
    links: tuple[Link, ...]


def picture_of(
    name: str,
    producers: Sequence[tuple[str, str]],
    consumers: Sequence[str],
    *,
    hidden_producers: int = 0,
    hidden_consumers: int = 0,
) -> EventPicture:
    """
    Return the picture of an event.

    :param name: The event's name.
    :param producers: Dag and task of each that emits it.
    :param consumers: The Dags that it starts.
    :param hidden_producers: How many more there are that the reader may not see.
    :param hidden_consumers: How many more there are that the reader may not see.
    """
    left = [
        Box(x=0, y=0, kind="producer", text=_cut(task), below=_cut(dag), dag_id=dag, task_id=task)
        for dag, task in producers[:_MOST]
    ]
    right = [Box(x=0, y=0, kind="consumer", text=_cut(dag), dag_id=dag) for dag in consumers[:_MOST]]
    left += _more(len(producers) - len(left) + hidden_producers)
    right += _more(len(consumers) - len(right) + hidden_consumers)
    left = left or [Box(x=0, y=0, kind="more", text="outside of Airflow")]
    right = right or [Box(x=0, y=0, kind="more", text="starts no Dag")]
    height = _ROW * max(len(left), len(right)) - (_ROW - _HEIGHT) + 2
    event = Box(x=_WIDTH + _GAP, y=(height - _HEIGHT) / 2, kind="event", text=_cut(name))
    lefts, rights = _column(left, 1, height), _column(right, 2 * (_WIDTH + _GAP) - 1, height)
    links = [_link(box, event) for box in lefts]
    links += [_link(event, box) for box in rights if box.kind != "more" or consumers or hidden_consumers]
    return EventPicture(
        width=3 * _WIDTH + 2 * _GAP,
        height=height,
        box_width=_WIDTH,
        box_height=_HEIGHT,
        boxes=(*lefts, event, *rights),
        links=tuple(links),
    )


def _more(count: int) -> list[Box]:
    return [Box(x=0, y=0, kind="more", text=f"and {count} more")] if count else []


def _column(boxes: Sequence[Box], x: float, height: float) -> list[Box]:
    first = (height - _ROW * len(boxes) + (_ROW - _HEIGHT)) / 2
    return [msgspec.structs.replace(box, x=x, y=first + number * _ROW) for number, box in enumerate(boxes)]


def _link(one: Box, other: Box) -> Link:
    x1, y1 = one.x + _WIDTH, one.y + _HEIGHT / 2
    x2, y2 = other.x, other.y + _HEIGHT / 2
    middle = (x1 + x2) / 2
    return Link(f"M{x1:g} {y1:g}C{middle:g} {y1:g} {middle:g} {y2:g} {x2 - 2:g} {y2:g}")


def _cut(text: str) -> str:
    return text if len(text) <= _FITS else f"{text[: _FITS - 1]}…"
