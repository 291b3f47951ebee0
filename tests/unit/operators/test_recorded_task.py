"""A step is what it is, whatever becomes of its record."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import AirflowRuntimeError, AirflowTaskTimeout, ErrorType
from airflow.sdk.execution_time.comms import ErrorResponse
from kit.call_records import call_record

from airflow_provider_cloudfn.journal import outage
from airflow_provider_cloudfn.operators.recorded_task import RecordedTask
from airflow_provider_cloudfn.records.call_record import CallRecord, Totals

if TYPE_CHECKING:
    from airflow.sdk.definitions.context import Context


class Step(RecordedTask, BaseOperator):
    """A step that does nothing, before and after a deferral."""

    def execute(self, context: Context) -> str:
        with self._recorded(context):
            return "done"

    def after(self, context: Context) -> str:
        return "done"


class Instance(SimpleNamespace):
    """A task instance whose API fails as often as it is told, with the errors that it is told."""

    map_index = -1
    try_number = 1

    def __init__(self, *failures: BaseException, before: Any = None) -> None:
        super().__init__(failures=list(failures), before=before, pushed=[])

    def xcom_push(self, key: str, value: Any) -> None:
        self._ask()
        self.pushed.append(value)

    def xcom_pull(self, **_: Any) -> Any:
        self._ask()
        return self.before

    def _ask(self) -> None:
        if self.failures:
            raise self.failures.pop(0)


def context(instance: Instance) -> Any:
    return {"ti": instance}


def outage_of_the_api() -> AirflowRuntimeError:
    return AirflowRuntimeError(ErrorResponse(error=ErrorType.API_SERVER_ERROR, detail={"status_code": 503}))


@pytest.fixture
def _no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outage, "_PAUSE", 0.0)


def test_a_step_whose_time_ends_while_its_record_is_pushed_is_done(capfd: pytest.CaptureFixture[str]) -> None:
    instance, step = Instance(AirflowTaskTimeout("out of time")), Step(task_id="step")

    assert step.execute(context(instance)) == "done"

    assert not step.call_is_recorded
    assert "The record of the calls could not be written (AirflowTaskTimeout)" in "".join(capfd.readouterr())


@pytest.mark.usefixtures("_no_pause")
def test_what_was_recorded_before_a_deferral_is_asked_for_again_after_an_outage() -> None:
    before = call_record(kind="call", totals=Totals(calls=1, attempts=3, retries=2))
    instance = Instance(outage_of_the_api(), before=before.to_dict())

    Step(task_id="step").resume_execution("after", {}, context(instance))

    (written,) = instance.pushed
    assert CallRecord.from_dict(written).totals == before.totals


def test_a_word_that_the_configuration_does_not_know_is_named_with_those_that_it_does(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AIRFLOW__CLOUDFN__CALL_RECORDS", "failure")
    instance = Instance()

    Step(task_id="step").execute(context(instance))

    said = "[cloudfn] call_records: must be one of all, failures, none, not 'failure'; a record of each call is left"
    assert said in "".join(capfd.readouterr())
    assert len(instance.pushed) == 1
