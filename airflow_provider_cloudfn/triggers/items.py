"""A question for the items of a list that grows, and which of an answer's items are new."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Final

from msgspec import Struct, field
from msgspec.structs import replace

from airflow_provider_cloudfn import cel
from airflow_provider_cloudfn.auth.redacted import Redacted
from airflow_provider_cloudfn.authoring.shapes import header_text, query_text, uri_text
from airflow_provider_cloudfn.client.sink import unwritable
from airflow_provider_cloudfn.events.claim_check import event_storage, put_payload
from airflow_provider_cloudfn.events.size_limit import event_limit, is_too_large, json_size
from airflow_provider_cloudfn.exceptions import ConfigurationError, ExpressionError, in_words
from airflow_provider_cloudfn.json_encoding import encode_json, restored, to_json_value
from airflow_provider_cloudfn.triggers.poll import HttpPoll

if TYPE_CHECKING:
    from airflow_provider_cloudfn.client.response import Response

__all__ = ["OF_ITEM", "ItemQuestion", "ListPosition", "NewItem", "compiled"]

#: How many items are known by their ids, besides those of the answer at hand.
_KNOWN: Final = 1_000
_NAMESPACE: Final = uuid.UUID("0a0c8a34-5d5b-5f0e-9d60-1a2b8f0e7c55")
#: What the expressions can name.
_OF_REQUEST: Final = frozenset({"cursor"})
_OF_ANSWER: Final = frozenset({"response", "cursor"})
OF_ITEM: Final = frozenset({"item"})


class ListPosition(Redacted, frozen=True, kw_only=True):
    """
    How far a list was read, as it stands in Airflow's asset state.

    :param cursor: What ``cursor`` is in the next question.
    :param ids: Digests of the items that are known, the newest last.
    :param kept_at: When it was written down, in seconds since 1970: the earliest of several counts.
    """

    _hidden: ClassVar = frozenset({"cursor"})

    cursor: Any = None
    ids: tuple[str, ...] = ()
    kept_at: float = 0.0


class NewItem(Redacted, frozen=True):
    """
    An item that was not there before.

    :param id: What it is known by.
    :param value: The item, a JSON value.
    :param dataref: Where it lies besides, where it is too large for an event.
    """

    _hidden: ClassVar = frozenset({"value"})

    id: str
    value: Any
    dataref: str | None = None

    def within_limit(self, question: str) -> NewItem:
        """
        Return the item as an event can carry it: what is too large is put into the storage for events. It may take a while.

        :param question: The key of the question that it answers.
        :raises ConfigurationError: where there is none.
        :raises CloudFunctionError: where it can't be written there.
        """
        if not is_too_large(self.value):
            return self
        if (folder := event_storage()) is None:
            raise ConfigurationError(
                f"item {self.id} carries {json_size(self.value):,} bytes of JSON, and {event_limit():,} are the most ([cloudfn] "
                "event_limit): pick what is needed in items=, or name a storage for larger payloads ([cloudfn] event_storage)"
            )
        try:
            # The same item has the same name however often it is read.
            name = str(uuid.uuid5(_NAMESPACE, encode_json([question, self.id])))
            return replace(self, dataref=put_payload(self.value, name, folder))
        except Exception as error:
            raise unwritable(f"item {self.id} can't be written below {folder}", error) from error


class ItemQuestion(Struct, frozen=True, kw_only=True):
    """
    The question, of expressions over ``cursor``, and what is read of its answer.

    :param uri: CEL: the path below its base URL.
    :param query: The query, CEL by name.
    :param headers: Headers, CEL by name.
    :param items: CEL over ``response``: the list.
    :param id: CEL over ``item``: what an item is known by.
    :param cursor: CEL over ``response`` and ``cursor``: what ``cursor`` is next time; null leaves it.
    """

    conn_id: str
    uri: str
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    items: str = "response.body"
    id: str = "item.id"
    cursor: str | None = None

    def check(self) -> None:
        """
        Refuse an expression that is none.

        :raises ExpressionError: which names the parameter and the place.
        """
        named = (*_named("query", self.query).values(), *_named("headers", self.headers).values())
        for place, source in (("uri", self.uri), *named):
            compiled(place, source, _OF_REQUEST)
        compiled("items", self.items, _OF_ANSWER)
        compiled("id", self.id, OF_ITEM)
        if self.cursor is not None:
            compiled("cursor", self.cursor, _OF_ANSWER)

    def asked(self, progress: ListPosition) -> HttpPoll:
        """
        Return what is asked next.

        :raises ExpressionError: for what an expression gives that can't be sent.
        """
        variables = {"cursor": restored(progress.cursor)}

        def values(name: str, written: Mapping[str, str]) -> dict[str, Any]:
            return {key: _value(place, source, variables) for key, (place, source) in _named(name, written).items()}

        return HttpPoll(
            conn_id=self.conn_id,
            uri=uri_text("uri", _value("uri", self.uri, variables)),
            query=query_text("query", values("query", self.query)) or None,
            headers=header_text("headers", values("headers", self.headers)),
            once=True,
        )

    def read(self, response: Response, progress: ListPosition) -> tuple[list[NewItem], ListPosition]:
        """
        Return the items of an answer that are new, in its order, and how far the list is read with them.

        :param progress: How far it was read before.
        :raises ExpressionError: where an expression has no value, or one of another kind.
        """
        variables = {"response": response.as_variable(), "cursor": restored(progress.cursor)}
        found = _value("items", self.items, variables)
        if not isinstance(found, Sequence) or isinstance(found, (str, bytes)):
            raise ExpressionError(f"must give a list, not {in_words(found)}", field="items")
        known, new, all_ids = set(progress.ids), [], []
        for value in found:
            item = NewItem(cel.to_text(_value("id", self.id, {"item": value})), to_json_value(value))
            digest = hashlib.sha256(item.id.encode()).hexdigest()[:24]
            all_ids.append(digest)
            if digest not in known:
                known.add(digest)
                new.append(item)
        moved = None if self.cursor is None else _value("cursor", self.cursor, variables)
        cursor = progress.cursor if moved is None else to_json_value(moved)
        here = dict.fromkeys(all_ids)
        before = [one for one in progress.ids if one not in here]
        return new, replace(progress, cursor=cursor, ids=(*before[-_KNOWN:], *here))

    def key(self) -> str:
        """Return what tells this question from others."""
        parts = [self.conn_id, self.uri, dict(self.query), dict(self.headers), self.items, self.id, self.cursor]
        return hashlib.sha256(encode_json(parts).encode()).hexdigest()[:32]


def _named(name: str, written: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    return {key: (f'{name}["{key}"]', source) for key, source in written.items()}


def compiled(place: str, source: str, names: frozenset[str]) -> cel.Program:
    """
    Return the program of an expression.

    :param place: Where it stands, for the error.
    :raises ExpressionError: which names the place.
    """
    try:
        return cel.compile(source, variables=names)
    except ExpressionError as error:
        raise error.in_field(place) from None


def _value(place: str, source: str, variables: Mapping[str, Any]) -> Any:
    try:
        return compiled(place, source, frozenset(variables)).evaluate(variables)
    except ExpressionError as error:
        raise error.in_field(place) from None
