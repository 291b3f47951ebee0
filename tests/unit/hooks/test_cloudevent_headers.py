from __future__ import annotations

from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_cloudfn.exceptions import ConfigurationError
from airflow_provider_cloudfn.hooks.cloudevent_headers import attribute_text, cloudevent_headers, header_value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("order.paid", "order.paid"),
        ("acr/s2k/return.created", "acr/s2k/return.created"),
        ("Order paid", "Order%20paid"),
        # The specification's own examples, section 3.1.3.2.
        ("Euro € 😀", "Euro%20%E2%82%AC%20%F0%9F%98%80"),
        ('a"b%c', "a%22b%25c"),
        ("a\r\nx-evil: 1", "a%0D%0Ax-evil:%201"),
        ("\x7f~!", "%7F~!"),
        ("", ""),
    ],
)
def test_an_attribute_becomes_a_header_s_value(text: str, value: str) -> None:
    assert header_value(text) == value


@given(st.text())
def test_the_value_is_visible_ascii_and_decodes_to_the_text(text: str) -> None:
    value = header_value(text)

    assert all("!" <= character <= "~" and character != '"' for character in value)
    assert unquote(value) == text


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a\nb", "a line break"),
        ("a\x85", "another character that no attribute may have"),
        ("a\ufffe", "no attribute may have"),
        ("a\ud800", "half of a surrogate"),
    ],
)
def test_what_no_attribute_can_have_is_refused(text: str, told: str) -> None:
    with pytest.raises(ConfigurationError, match=f"^subject: holds .*{told}"):
        attribute_text("subject", text)


def test_what_is_none_is_left_out() -> None:
    assert cloudevent_headers({"id": "1", "subject": None, "caseid": ""}) == (("ce-id", "1"), ("ce-caseid", ""))
