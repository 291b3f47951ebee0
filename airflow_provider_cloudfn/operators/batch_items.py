"""The items of a batch, one at a time, each with its name and the variables of its expressions."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sized
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any, ClassVar, Self

from msgspec import UNSET

from airflow_provider_cloudfn.auth.redacted import Redacted
from airflow_provider_cloudfn.authoring.for_each import as_for_each
from airflow_provider_cloudfn.authoring.stable_ids import stable_ids
from airflow_provider_cloudfn.authoring.variables import TaskVariables
from airflow_provider_cloudfn.exceptions import ConfigurationError, ExpressionError, in_words
from airflow_provider_cloudfn.json_encoding import encode_json, to_json_value
from airflow_provider_cloudfn.operators.idempotency import place_of
from airflow_provider_cloudfn.operators.json_lines import lines_of
from airflow_provider_cloudfn.operators.key_text import Seen, digest_of

if TYPE_CHECKING:
    from airflow.sdk.definitions.context import Context

    from airflow_provider_cloudfn.operators.cloudfn import CloudFunctionOperator

__all__ = ["BatchItem", "BatchItems", "Peekable", "items_of"]


class BatchItem(Redacted, frozen=True):
    """
    An item.

    :param index: Its position, from 0.
    :param key: Its name.
    :param place: What stands for it in ids: instances of a mapped step can have items of the same name.
    :param variables: What the expressions of its call can name before the answer is there.
    """

    _hidden: ClassVar = frozenset({"variables"})

    index: int
    key: str
    place: str
    variables: TaskVariables


class Peekable:
    """Items one after the other, of which the next ones can be looked at before it is their turn."""

    def __init__(self, items: Iterable[BatchItem]) -> None:
        self._items = iter(items)
        self._waiting: deque[BatchItem] = deque()
        self._error: Exception | None = None

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> BatchItem:
        if self._waiting:
            return self._waiting.popleft()
        if self._error is not None:
            raise self._error
        return next(self._items)

    def following(self, count: int) -> list[BatchItem]:
        """Return the next items, which stay; what keeps one of them from being made is raised when it is its turn."""
        try:
            while len(self._waiting) < count and self._error is None:
                self._waiting.append(next(self._items))
        except StopIteration:
            pass
        except Exception as error:
            self._error = error
        return list(islice(self._waiting, count))


class BatchItems:
    """
    The items of a batch.

    :param variables: What all expressions can name.
    :param stable_id: Returns the idempotency key of what stands for the map index.
    :raises ExpressionError: for items that are no list and no map.
    """

    def __init__(
        self,
        task: CloudFunctionOperator,
        variables: TaskVariables,
        stable_id: Callable[[str | None], str],
    ) -> None:
        self._task = task
        each = self._each = as_for_each(task.for_each)
        self._variables = variables
        self._stable_id = stable_id
        self._map_index: int = variables["run"]["map_index"]
        self._keys, self._places = Seen(), Seen()
        self._values = lines_of(each.path) if each.path is not UNSET else _listed(each.items)
        #: How many were given out by now.
        self.count = 0
        #: How many there are, where that is known.
        self.total: int | None = len(self._values) if isinstance(self._values, Sized) else None

    def __iter__(self) -> Iterator[BatchItem]:
        for index, value in enumerate(self._values):
            key = self._key(index, value)
            self.count = index + 1
            place = key if self._map_index < 0 else f"{self._map_index}/{key}"
            own_key = partial(self._stable_id, place)
            if self._task.key_is_evaluated:
                own_key = partial(self._evaluated_key, index, value)
                self._refuse_shared_key(index, value, key)
            yield BatchItem(index, key, place, self._variables.with_item(value, index, own_key))

    def _key(self, index: int, value: Any) -> str:
        if self._each.key is None:
            return f"{index}-{_digest(value)}"
        # Its own idempotency key is not known while its name is evaluated.
        found = self._task.evaluate_after_call("for_each.key", self._variables.with_item(value, index, str))
        if isinstance(found, bool) or not isinstance(found, (str, int)) or found == "":
            kind = "empty text" if found == "" else in_words(found)
            raise ExpressionError(
                f"must give text or a whole number that names item {index}, not {kind}", field="for_each.key"
            )
        key = str(found)
        if not self._keys.is_new(key):
            raise ExpressionError(
                f"the key {key[:60]!r} stands twice, the second time at item {index}: a key names one item",
                field="for_each.key",
            )
        return key

    def _evaluated_key(self, index: int, value: Any) -> str:
        """Return the idempotency key of an item, made of what its author's expression gives."""
        return self._stable_id(self._evaluated_place(index, value))

    def _evaluated_place(self, index: int, value: Any) -> str:
        # The key is not known while what it is made of is evaluated.
        without = self._variables.with_item(value, index, str)
        return place_of(self._task.for_item("idempotency_key", without))

    def _refuse_shared_key(self, index: int, value: Any, key: str) -> None:
        """Refuse two items with one idempotency key: a service would take the second for the first, sent again."""
        try:
            place = self._evaluated_place(index, value)
        except ExpressionError:
            # It is the item that fails with it, when it is to be sent.
            return
        if not self._places.is_new(place):
            raise ExpressionError(
                f"gives {place[:60]!r} twice, the second time for item {index} ({key}): a service would take it for the same "
                "request, and not carry it out; name what the item is about, such as item.id",
                field="idempotency_key",
            )


def items_of(task: CloudFunctionOperator, context: Context) -> BatchItems:
    """
    Return the items of a task that is rendered.

    :raises CloudFunctionError: for items that can't be.
    """
    return BatchItems(task, TaskVariables(context, inputs=task.inputs), stable_ids(context, "idempotency_key"))


def _listed(items: Any) -> Iterable[Any]:
    if isinstance(items, Mapping):
        return [{"key": key, "value": value} for key, value in items.items()]
    if isinstance(items, (str, bytes)) or not isinstance(items, Iterable):
        found = "null: what it comes from returned nothing" if items is None else in_words(items)
        raise ExpressionError(f"must give a list or a map, not {found}", field="for_each")
    return items


def _digest(value: Any) -> str:
    try:
        text = encode_json(to_json_value(value))
    except ConfigurationError:
        text = repr(value)
    return digest_of(text, 12)
