"""Payloads beyond the limit of an event: they go to an object storage, and whoever reads the event gets them."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from kit.dag_runs import call
from kit.emitting_steps import EVERY_STEP, written
from kit.server import Answer

from airflow_provider_cloudfn.events import claim_check
from airflow_provider_cloudfn.events.cloudevent import from_cloudevent, to_cloudevent
from airflow_provider_cloudfn.events.record import CompletionRecord
from airflow_provider_cloudfn.journal import outage
from airflow_provider_cloudfn.operators import completion

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from kit.server import LoopbackServer

LARGE = {"text": "x" * 200, "price": 10.5, "state": "done"}


@pytest.fixture
def storage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "events"
    monkeypatch.setenv("AIRFLOW__CLOUDFN__EVENT_STORAGE", f"file://{folder}")
    monkeypatch.setenv("AIRFLOW__CLOUDFN__EVENT_LIMIT", "100")
    return folder


@pytest.fixture
def service(sandbox: Any, connected: Callable[..., LoopbackServer]) -> LoopbackServer:
    server = connected()
    server.answers = [Answer.of(200, LARGE)]
    return server


def thing(**more: str) -> str:
    event = {"cloudfn_conn_id": "'service'", "uri": "'\"/thing\"'", "completion_event": "CompletionEvent('thing.done')"}
    return call(**{**event, **more})


def only(folder: Path) -> Path:
    (file,) = folder.iterdir()
    return file


@EVERY_STEP
@pytest.mark.usefixtures("service")
def test_of_every_kind_of_step_the_event_has_the_reference(run: Any, storage: Path, step: str) -> None:
    result = run(written(step, completion_event="CompletionEvent('thing.done')", event_payload='{"text": "x" * 200}'))

    assert result.states == {"call": ["success"]}
    ((_, extra, _),) = result.asset_events()
    assert extra["result"] is None
    assert extra["metadata"]["dataref"] == f"file://{only(storage)}"
    assert json.loads(only(storage).read_text()) == {"text": "x" * 200}


@pytest.mark.usefixtures("service")
def test_a_later_step_reads_the_payload(run: Any, storage: Path) -> None:
    result = run(f"""
    {thing()} >> CloudFunctionOperator(
        task_id="after", cloudfn_conn_id="service", method="POST", uri='"/thing"',
        body={{"price": cel('context["thing.done"].price')}},
    )
    """)

    assert result.rendered("after")["body"] == {"price": 10.5}
    assert only(storage).is_file()


@pytest.mark.usefixtures("service", "storage")
def test_what_fits_stays_in_the_event(run: Any, storage: Path) -> None:
    result = run(thing(event_payload="'response.body.price'"))

    assert [extra["result"] for _, extra, _ in result.asset_events()] == [10.5]
    assert not storage.exists()


@pytest.mark.usefixtures("service")
def test_the_schema_is_asked_of_the_whole_payload(run: Any, storage: Path) -> None:
    event = "CompletionEvent('thing.done', schema={'type': 'object', 'required': ['text']})"

    assert run(thing(completion_event=event)).states == {"call": ["success"]}
    assert run(thing(completion_event=event, event_payload="'response.body.text'")).states == {"call": ["failed"]}


def started_by(extra: Any) -> Any:
    """Return the context of a run that an event has started."""
    event = SimpleNamespace(
        asset=SimpleNamespace(name="thing.done", uri="thing.done"),
        extra=extra,
        timestamp=1,
        **dict.fromkeys(("source_dag_id", "source_run_id", "source_task_id", "source_map_index")),
    )
    return {"dag_run": SimpleNamespace(consumed_asset_events=[event]), "ti": None}


@pytest.mark.usefixtures("service")
def test_events_and_read_have_it_and_fetch_it_when_it_is_read(run: Any, storage: Path) -> None:
    from airflow_provider_cloudfn.events.run_events import records_for, triggering_records
    from airflow_provider_cloudfn.json_encoding import to_json_value

    ((_, extra, _),) = run(thing()).asset_events()
    context = started_by(extra)

    (record,) = triggering_records(context)
    assert record["metadata"]["type"] == "thing.done"
    assert record["result"] == LARGE
    assert to_json_value(records_for(context, "thing.done"))[0]["result"] == LARGE

    (unread,) = triggering_records(context)
    only(storage).unlink()
    assert unread["metadata"]["type"] == "thing.done"
    with pytest.raises(Exception, match="and is gone"):
        unread["result"]
    assert record["result"] == LARGE


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda reference: reference.replace("/events/", "/others/"), "is not a payload below"),
        (lambda reference: reference.replace("/events/", "/events/../events/"), "is not a payload below"),
        (lambda reference: reference.rpartition("/")[0] + "/passwords.json", "is not a payload below"),
        (lambda reference: "file:///etc/passwd", "is not a payload below"),
    ],
)
@pytest.mark.usefixtures("service")
def test_a_reference_to_anything_else_is_not_followed(
    run: Any, storage: Path, change: Callable[[str], str], told: str
) -> None:
    from airflow_provider_cloudfn.events.claim_check import payload_of

    ((_, extra, _),) = run(thing()).asset_events()
    extra["metadata"]["dataref"] = change(extra["metadata"]["dataref"])

    with pytest.raises(Exception, match=told):
        payload_of(extra)


@pytest.mark.usefixtures("service")
def test_a_payload_that_was_changed_or_cut_is_an_error(run: Any, storage: Path) -> None:
    from airflow_provider_cloudfn.events.claim_check import payload_of

    ((_, extra, _),) = run(thing()).asset_events()
    only(storage).write_bytes(only(storage).read_bytes()[:-10])

    with pytest.raises(Exception, match="its digest differs"):
        payload_of(extra)


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("event_storage", "nowhere://bucket"),
        ("event_storage", "events"),  # below wherever each worker was started
        ("event_limit", "64KiB"),
        ("xcom_limit", "5MB"),
    ],
)
@pytest.mark.usefixtures("service")
def test_an_option_that_is_none_is_told_before_the_call(
    run: Any, service: LoopbackServer, monkeypatch: pytest.MonkeyPatch, capfd: Any, option: str, value: str
) -> None:
    monkeypatch.setenv(f"AIRFLOW__CLOUDFN__{option.upper()}", value)

    assert run(thing()).states == {"call": ["failed"]}
    assert service.received == []
    said = "".join(capfd.readouterr())
    assert f"[cloudfn] {option}: " in said
    assert repr(value) in said


@pytest.mark.usefixtures("storage")
def test_a_storage_that_is_away_for_a_while_is_asked_again_and_the_call_made_once(
    run: Any, service: LoopbackServer, monkeypatch: pytest.MonkeyPatch, capfd: Any
) -> None:
    failures = [OSError(5, "Input/output error"), ConnectionError("reset")]

    def put_aside(*arguments: Any) -> Any:
        if failures:
            raise failures.pop()
        return claim_check.put_aside(*arguments)

    monkeypatch.setattr(completion, "put_aside", put_aside)
    monkeypatch.setattr(outage, "_PAUSE", 0.0)

    result = run(thing(method="'POST'"))

    assert [extra["result"] for _, extra, _ in result.asset_events()] == [None]
    assert len(service.received) == 1
    assert "The storage of events can't be reached" in "".join(capfd.readouterr())


@pytest.mark.usefixtures("service")
def test_a_storage_that_can_t_be_written_is_told_with_what_was_done(run: Any, storage: Path, capfd: Any) -> None:
    storage.write_text("no folder")

    assert run(thing()).states == {"call": ["failed"]}

    told = "".join(capfd.readouterr())
    assert (
        f"event_payload: the call was carried out, and what its event carries can't be written below file://{storage}"
        in told
    )


@pytest.mark.usefixtures("service")
def test_the_record_becomes_a_cloudevent_with_its_claim_check_and_back(run: Any, storage: Path) -> None:
    ((_, extra, _),) = run(thing()).asset_events()
    record = CompletionRecord.from_dict(extra)

    event = to_cloudevent(record)

    assert event.get_attributes()["dataref"] == record.dataref
    assert event.get_data() is None
    assert from_cloudevent(event) == record
    assert CompletionRecord.from_dict(record.to_dict()) == record
