"""How a page writes values."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.requests import Request

from airflow_provider_cloudfn.plugin.pages.rendering import page


def shown(template: str, **values: Any) -> str:
    """Return the text of a page."""
    return bytes(page(Request({"type": "http", "headers": []}), template, **values).body).decode()


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("\u202elive\u202c", r"\u202elive\u202c"),
        ("<b>&", "&lt;b&gt;&amp;"),
    ],
)
def test_no_text_stands_in_another_order_than_it_is_in(text: str, written: str) -> None:
    assert f"<p>{written}</p>" in shown("problem.html", status=404, title="t", message=text)


def test_the_value_of_a_field_comes_back_as_it_is() -> None:
    assert 'value="\u202ea&#34;&lt;"' in shown("choose.html", functions=[], total=0, has_any=True, q='\u202ea"<')
