"""What crosses a process comes back as it was, and nothing else is taken."""

from __future__ import annotations

import importlib
import json
import pkgutil
from typing import Any

import pytest
from airflow.sdk.module_loading import import_string
from airflow.triggers.base import BaseTrigger
from hypothesis import given
from hypothesis import strategies as st

import airflow_provider_cloudfn.triggers
from airflow_provider_cloudfn.client.secret import Secret
from airflow_provider_cloudfn.exceptions import ConfigurationError
from airflow_provider_cloudfn.triggers.http_poll import HttpPollTrigger, PollEvent
from airflow_provider_cloudfn.triggers.poll import HttpPoll

#: Data may have keys like the wire format's own.
KEYS = st.text() | st.sampled_from(["$cloudfn.secret", "$cloudfn.secret$", "$cloudfn.secret$$"])
TEXTS = st.dictionaries(KEYS, st.text() | st.builds(Secret, st.text()), max_size=3)
POLLS = st.builds(
    HttpPoll,
    conn_id=st.text(),
    method=st.sampled_from(["GET", "POST"]),
    uri=st.text(),
    query=st.none() | TEXTS,
    headers=TEXTS,
    json=st.none()
    | st.recursive(
        st.integers() | st.text() | st.builds(Secret, st.text()),
        lambda inner: st.lists(inner) | st.dictionaries(KEYS, inner, max_size=2),
    ),
    data=st.none() | st.text() | TEXTS,
    timeout=st.none() | st.floats(0.1, 100),
    waiting=st.lists(st.integers(100, 599), max_size=3).map(tuple),
    any_status=st.booleans(),
    until=st.none() | st.text(),
)

EXAMPLES: dict[type[Any], Any] = {
    HttpPollTrigger: HttpPollTrigger(
        poll=HttpPoll(conn_id="shop", waiting=(404,)),
        poll_interval=60,
        first_wait=5,
        go_on=True,
        deadline="2030-01-01T00:00:00+00:00",
    )
}


def trigger_classes() -> list[type[BaseTrigger]]:
    package = airflow_provider_cloudfn.triggers
    modules = [
        importlib.import_module(f"{package.__name__}.{found.name}") for found in pkgutil.iter_modules(package.__path__)
    ]
    return [
        value
        for module in modules
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, BaseTrigger) and value.__module__ == module.__name__
    ]


@pytest.mark.parametrize("kind", trigger_classes())
def test_every_trigger_is_made_again_from_its_row(kind: type[BaseTrigger]) -> None:
    path, arguments = EXAMPLES[kind].serialize()

    again = import_string(path)(**json.loads(json.dumps(arguments)))

    assert type(again) is kind
    assert again.serialize() == (path, arguments)


@pytest.mark.parametrize("kind", trigger_classes())
def test_airflow_s_own_encoding_keeps_it(kind: type[BaseTrigger]) -> None:
    from airflow.sdk.serde import deserialize, serialize

    _, arguments = EXAMPLES[kind].serialize()

    assert deserialize(json.loads(json.dumps(serialize(arguments)))) == arguments


@given(POLLS)
def test_a_question_comes_back_as_it_was(poll: HttpPoll) -> None:
    assert HttpPoll.from_dict(json.loads(json.dumps(poll.to_dict()))) == poll


@pytest.mark.parametrize(
    "data",
    [
        {"$cloudfn.secret": "tenant_key"},
        {"note": [{"$cloudfn.secret": "tenant_key"}]},
        {"$cloudfn.secret": {"$cloudfn.secret": "tenant_key"}},
        {"$cloudfn.secret$": "tenant_key"},
        {"$cloudfn.secret": Secret("tenant_key")},
    ],
)
def test_data_that_looks_like_a_secret_s_place_stays_data(data: Any) -> None:
    poll = HttpPoll(conn_id="shop", query=data, headers=data, json=data, data=data)

    assert HttpPoll.from_dict(json.loads(json.dumps(poll.to_dict()))) == poll


def test_a_secret_is_written_by_its_name() -> None:
    written = HttpPoll(conn_id="shop", headers={"X-Key": Secret("tenant_key")}).to_dict()

    assert written["headers"] == {"X-Key": {"$cloudfn.secret": "tenant_key"}}


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("a question", "must be a map, not str"),
        ({}, "conn_id is missing"),
        (
            {"conn_id": "a", "verb": "GET"},
            "'verb' is not known here; run the worker and the triggerer with the same version",
        ),
        ({"conn_id": 1}, "conn_id can't be of type int"),
        ({"conn_id": "a", "headers": None}, "headers can't be of type NoneType"),
    ],
)
def test_what_is_no_question_is_refused(written: Any, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        HttpPoll.from_dict(written)


@pytest.mark.parametrize(
    "event", [PollEvent("found"), PollEvent("failed", "AuthenticationError", "2030-01-01T00:00:00+00:00")]
)
def test_an_event_comes_back_as_it_was(event: PollEvent) -> None:
    assert PollEvent.from_dict(json.loads(json.dumps(event.to_dict()))) == event


@pytest.mark.parametrize("written", [None, "found", {}, {"outcome": "success"}])
def test_what_is_no_event_is_refused(written: Any) -> None:
    with pytest.raises(ConfigurationError, match="none of ours"):
        PollEvent.from_dict(written)


def test_a_question_shows_neither_headers_nor_bodies() -> None:
    shown = repr(HttpPoll(conn_id="shop", headers={"X": "s3cret"}, json={"a": "s3cret"}, data="s3cret"))

    assert "s3cret" not in shown
