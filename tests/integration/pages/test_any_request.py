"""Whatever is asked of the pages: they have an answer, and it is no fault of theirs."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from airflow_provider_cloudfn.plugin.pages.try_page import Tried

if TYPE_CHECKING:
    from collections.abc import Callable

#: What finds faults more often than chance does, beside what is right.
ODD = ["", "~", "..", "%", "%00", "\x00", "\n", "a/b", "?", "#", "<b>", "{{7*7}}", "é" * 300, "--help", "\U0001f600"]
NUMBERS = ["-1", "0", "1", "1.5", "1e9", "9" * 12, "9" * 30, "²", "{MAP_INDEX}"]
TEXT = st.one_of(
    st.sampled_from(["d", "call"]),
    st.sampled_from(NUMBERS),
    st.sampled_from(ODD),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=40),
)


def routes() -> list[tuple[str, str, tuple[str, ...], tuple[str, ...]]]:
    """Return method and path of all that the pages answer, with the names of what stands in the path and in the query."""
    from airflow_provider_cloudfn.plugin.pages.application import application

    return [
        (
            method.upper(),
            path,
            tuple(one["name"] for one in told.get("parameters", ()) if one["in"] == "path"),
            tuple(one["name"] for one in told.get("parameters", ()) if one["in"] == "query"),
        )
        for path, methods in application().openapi()["paths"].items()
        for method, told in methods.items()
    ]


@pytest.mark.parametrize(("method", "path", "in_path", "in_query"), routes())
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_an_answer_is_no_fault(
    visit: Callable[..., Any],
    caplog: pytest.LogCaptureFixture,
    method: str,
    path: str,
    in_path: tuple[str, ...],
    in_query: tuple[str, ...],
    data: st.DataObject,
) -> None:
    caplog.set_level(logging.ERROR)
    caplog.clear()
    # Who asks has all rights to the Dag that he asks about, if that is any: what is odd comes as far as it can.
    parts = {name: data.draw(TEXT, name) for name in in_path}
    # One or two at a time: beside what is refused, nothing else is looked at.
    odd = data.draw(st.sets(st.sampled_from(in_query), max_size=2), "odd") if in_query else set()
    query = {name: data.draw(st.one_of(st.sampled_from(NUMBERS), TEXT), name) for name in sorted(odd)}
    fields = dict.fromkeys(Tried.__struct_fields__, TEXT)
    form = data.draw(st.fixed_dictionaries({}, optional=fields), "form") if method == "POST" else None
    dags = ("d", parts.get("dag_id", "d"))
    client = visit(reads=dags, triggers=dags)

    answer = client.request(
        method,
        f"/cloudfn{path.format(**{name: quote(part, safe='') for name, part in parts.items()})}",
        params=query,
        data=form,
        headers={"Sec-Fetch-Site": "same-origin"},
    )

    assert answer.status_code < 500, answer.text
    assert "can't be shown" not in caplog.text
