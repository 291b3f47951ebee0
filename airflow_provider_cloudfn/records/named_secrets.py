"""Hides in a text what its own names, or its form, say is a secret: nobody has told us that it is one."""

from __future__ import annotations

import re
from typing import Any, Final
from urllib.parse import unquote_plus

from airflow_provider_cloudfn.auth.credential_names import holds_secret, is_secret_name, is_secret_value, secret_members
from airflow_provider_cloudfn.auth.spellings import MASK
from airflow_provider_cloudfn.exceptions import CloudFunctionError
from airflow_provider_cloudfn.json_encoding import encode_json, parse_foreign_json

__all__ = ["without_named_members", "without_named_secrets", "without_query_secrets", "without_secrets_of_body"]

#: What is quoted behind a name: an argument of GraphQL, a line of YAML.
_QUOTED: Final = re.compile(
    r"""(?<![\w.-])([\w.-]{1,80})(\s*[:=]\s*)(?:"(?:[^"\\]|\\.)*+(?:"|$)|'(?:[^'\\]|\\.)*+(?:'|$))"""
)
#: A member of a JSON object that is text, perhaps cut, or a number; and a pair of a form.
_MEMBER: Final = re.compile(r'"([\w .\[\]-]{1,80})"(\s*:\s*)(?:"(?:[^"\\]|\\.)*+(?:"|$)|[\d.-]+)')
_PAIR: Final = re.compile(r"(?<![\w.\[\]%-])([\w.\[\]%-]{1,80})=([^&\s]+)")
#: The name of a part of a form.
_PART: Final = re.compile(r'\bname="?([^";\s]{1,80})')
#: A pair of a query; and behind a semicolon, which some services take for an ampersand.
_QUERY_PAIR: Final = re.compile(r"(?<=[?&])([^=&#\s]{1,200})=([^&#\s]+)")
_LATER_PAIR: Final = re.compile(r"(?<=;)([^=&;#\s]{1,200})=([^&#\s]+)")
#: An element of a list that says by a member what another one holds.
_NAMING: Final = re.compile(r'"(?i:name|key|header|parameter|variable)"\s*:\s*"([^"\\]{1,200})"')


def without_named_secrets(text: str) -> str:
    """Return a text, such as an error that quotes an answer, without the values whose names say that they are secrets."""
    return _without_pairs(without_named_members(text))


def without_query_secrets(url: str) -> str:
    """Return a URL, or a reference, without the parameters whose names say that they are secrets."""

    def shown(found: re.Match[str]) -> str:
        name, value = map(unquote_plus, found.groups())
        is_secret = is_secret_name(name, "query") or is_secret_value(value)
        return f"{found[1]}={MASK}" if is_secret else found[0]

    return _LATER_PAIR.sub(shown, _QUERY_PAIR.sub(shown, url))


def without_secrets_of_body(text: str, *, is_whole: bool) -> str | None:
    """
    Return a body without what is a secret in it by its name or its form; None for one of which nobody can say where that ends.

    Below a name that says so, all is hidden, as Airflow hides it in rendered fields.

    :param text: The body, or its beginning.
    :param is_whole: Whether it is the whole body.
    """
    if is_whole:
        named = without_named_members(text)
        try:
            found = parse_foreign_json(named)
        except (ValueError, CloudFunctionError):
            pass
        else:
            hidden = _hidden(found)
            return named if hidden == found else encode_json(hidden)
    shown = without_query_secrets(without_named_secrets(text))
    # What is left under such a name stands in a form that is not read here: XML, a part of a form, a list.
    is_unclear = (
        holds_secret(shown.replace(MASK, ""))
        or any(is_secret_name(name, "body") for name in _PART.findall(shown))
        or any(is_secret_name(name, "header") for name in _NAMING.findall(shown))
    )
    return None if is_unclear else shown


def without_named_members(text: str) -> str:
    """Return a text without the values of those members of JSON objects in it whose names say that they are secrets."""
    return _MEMBER.sub(
        lambda found: f'"{found[1]}"{found[2]}"{MASK}"' if is_secret_name(found[1], "body") else found[0], text
    )


def _without_pairs(text: str) -> str:
    text = _QUOTED.sub(
        lambda found: f'{found[1]}{found[2]}"{MASK}"' if is_secret_name(found[1], "body") else found[0], text
    )
    return _PAIR.sub(lambda found: f"{found[1]}={MASK}" if is_secret_name(found[1], "body") else found[0], text)


def _hidden(value: Any) -> Any:
    if isinstance(value, dict):
        secrets = secret_members(value)
        return {name: MASK if item is not None and name in secrets else _hidden(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_hidden(item) for item in value]
    if not isinstance(value, str):
        return value
    if is_secret_value(value):
        return MASK
    if value.lstrip()[:1] in ("{", "["):
        inner = without_secrets_of_body(value, is_whole=True)
        return MASK if inner is None else inner
    return _without_pairs(value)
