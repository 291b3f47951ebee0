"""Names and values as text: a query, or a form."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, TypeAlias, get_args

from airflow_provider_cloudfn.exceptions import ConfigurationError, LimitError, in_words
from airflow_provider_cloudfn.json_encoding import MOST_CHARACTERS, encode_json

__all__ = ["ListStyle", "QueryValues", "query_pairs", "scalar_text"]

QueryValues: TypeAlias = Mapping[str, Any] | Sequence[tuple[str, str]]

#: How a list is written: ``a=1&a=2``, ``a[]=1&a[]=2`` or ``a=1,2``.
ListStyle: TypeAlias = Literal["repeat", "brackets", "comma"]
_LIST_STYLES = get_args(ListStyle)


def query_pairs(
    query: object, list_style: ListStyle = "repeat", *, parameter: str = "query"
) -> Iterable[tuple[str, str]]:
    """
    Yield names and values as text.

    :param query: Names and values; a list is written in its style, None leaves a value out.
    :param list_style: How a list is written.
    :param parameter: Which parameter it is, for errors: a form is written as a query is.
    :raises ConfigurationError: for a value that has no text, or a style that there isn't.
    :raises LimitError: for more than a hundred million characters: elements of a list can share one long text.
    """
    if list_style not in _LIST_STYLES:
        raise ConfigurationError(f"list_style: {list_style!r} is none of {', '.join(_LIST_STYLES)}")
    if query is None:
        return
    if not isinstance(query, (Mapping, list, tuple)):
        raise ConfigurationError(f"{parameter}: must be a map of names and values, not {in_words(query)}")
    left = MOST_CHARACTERS
    for name, value in query.items() if isinstance(query, Mapping) else query:
        is_list = isinstance(value, (list, tuple))
        try:
            if not isinstance(name, str):
                raise ConfigurationError(f"a name must be text, not {in_words(name)}")
            if not name.isascii():
                _require_unicode(name)
            texts = [scalar_text(one) for one in (value if is_list else [value]) if one is not None]
        except ConfigurationError as error:
            shown = f"{name}".encode("utf-8", "backslashreplace").decode()
            raise ConfigurationError(f'{parameter}["{shown}"]: {error}') from None
        left -= len(name) * len(texts) + sum(map(len, texts))
        if left < 0:
            raise LimitError(f"{parameter}: has more than {MOST_CHARACTERS:,} characters; send less at once")
        if not is_list:
            yield from ((name, text) for text in texts)
        elif list_style == "comma":
            if texts:
                yield name, ",".join(texts)
        else:
            yield from ((f"{name}[]" if list_style == "brackets" else name, text) for text in texts)


def scalar_text(value: object) -> str:
    """
    Return a value as the text that it is in a query, a form or a header.

    :param value: Text, bytes that are text, a number, a truth value, or a moment.
    :raises ConfigurationError: for one that has no text; where it stands is not in the message.
    """
    if isinstance(value, str):
        return value if value.isascii() else _require_unicode(value)
    if isinstance(value, (Mapping, list, tuple, set)):
        raise ConfigurationError(
            f"must be text or a number, not {in_words(value)}: give each value in it a name of its own, as the "
            "service reads it, such as 'address[city]', or make it JSON text"
        )
    if isinstance(value, (bytes, bytearray, memoryview)):
        try:
            return bytes(value).decode()
        except UnicodeDecodeError:
            raise ConfigurationError("is bytes that are no UTF-8: encode them, as in Base64") from None
    text = encode_json(value)
    return text[1:-1] if text.startswith('"') else text


def _require_unicode(text: str) -> str:
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise ConfigurationError("has half of a surrogate pair, which no character set has")
    return text
