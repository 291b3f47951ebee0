"""What stands in a Dag and is somebody else's: the policy leaves it alone, whatever it is called, and still checks what is ours."""

from __future__ import annotations

import datetime as dt
import sys
import textwrap
from typing import TYPE_CHECKING, Any

import pytest
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG, Asset

from airflow_provider_cloudfn import CloudFunctionOperator, CompletionEvent
from airflow_provider_cloudfn.authoring import parameter_names
from airflow_provider_cloudfn.authoring.rules import task_problems
from airflow_provider_cloudfn.authoring.task import AuthoredTask
from airflow_provider_cloudfn.cli.event_findings import event_findings
from airflow_provider_cloudfn.events.asset import has_one_run_per_event
from airflow_provider_cloudfn.events.record import CompletionRecord, TaskInstanceKey
from airflow_provider_cloudfn.policy import dag_policy
from airflow_provider_cloudfn.testing import render

if TYPE_CHECKING:
    from collections.abc import Callable

IMPORTS = """
from unittest.mock import MagicMock
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG, Asset, BaseOperator
from airflow.timetables.simple import NullTimetable
from airflow_provider_cloudfn import CloudFunctionOperator, CloudFunctionRetryPolicy, CompletionEvent

class Table:
    one_run_per_event = True

class Snapshot(Asset):
    one_run_per_event = property(lambda self: True)

class Theirs(BaseOperator):
    authored_parameters = 5
    cel_fields = ("uri",)
    completion_event = "charge.created"
    completion_events = {1: 2}
    uri = "/bad"

    def execute(self, context): ...

class Retrying(BaseOperator, CloudFunctionRetryPolicy):
    def execute(self, context): ...

class Unwilling(BaseOperator):
    def execute(self, context): ...

    def __getattribute__(self, name):
        if name == "outlets":
            raise ValueError("not now")
        return super().__getattribute__(name)

class Nowhere(NullTimetable):
    key_format = "%Y"
    default_partition_mapper = None

Homeless = type("Homeless", (BaseOperator,), {"__module__": None, "execute": lambda self, context: None})

"""

THEIRS = [
    pytest.param("Theirs(task_id='x')", id="attributes of our names"),
    pytest.param("Theirs.partial(task_id='x').expand(doc=['1', '2'])", id="the same, mapped"),
    pytest.param("EmptyOperator(task_id='x', outlets=[Snapshot('stock')])", id="an asset with our flag"),
    pytest.param("EmptyOperator(task_id='x', outlets=[Table()])", id="an outlet that is no asset, with our flag"),
    pytest.param("EmptyOperator(task_id='x', outlets=[MagicMock()])", id="an outlet that has every attribute"),
    pytest.param("Homeless(task_id='x')", id="a class of no module"),
    pytest.param("Retrying(task_id='x')", id="a class with something of ours that is no operator"),
    pytest.param("Unwilling(task_id='x')", id="one that can't be asked"),
]


@pytest.fixture
def errors(import_errors: Callable[[str], str]) -> Callable[..., str]:
    """Return a function that parses a Dag of these tasks and returns the import error."""

    def parse(*tasks: str, schedule: str = "None", before: str = "") -> str:
        body = textwrap.indent("\n".join(tasks), "    ")
        return import_errors(f'{IMPORTS}{before}\nwith DAG("d", schedule={schedule}):\n{body}\n')

    return parse


@pytest.mark.parametrize("theirs", THEIRS)
def test_it_is_not_ours(errors: Any, theirs: str) -> None:
    assert errors(theirs) == ""


@pytest.mark.parametrize("theirs", THEIRS)
def test_what_is_ours_beside_it_is_checked(errors: Any, theirs: str) -> None:
    assert errors(theirs, "CloudFunctionOperator(task_id='call', uri='\"/\"')") == ""
    assert "- call: uri: 1:1: text stands in quotes" in errors(
        theirs, "CloudFunctionOperator(task_id='call', uri='/v1')"
    )


def test_a_schedule_on_an_asset_with_our_flag_is_theirs(errors: Any) -> None:
    assert errors("EmptyOperator(task_id='x')", schedule="[Snapshot('stock')]") == ""


@pytest.mark.one_run_per_event
def test_so_is_a_timetable_with_attributes_of_partitioned_ones(errors: Any) -> None:
    assert errors("EmptyOperator(task_id='x', outlets=[CompletionEvent('e')])", schedule="Nowhere()") == ""


@pytest.mark.parametrize(
    "made", ["class Ours(CloudFunctionOperator): ...", 'Ours = type("Ours", (CloudFunctionOperator,), {0})']
)
@pytest.mark.parametrize("module", ["{}", '{"__module__": None}'])
def test_a_class_that_inherits_from_ours_is_ours_wherever_it_was_made(errors: Any, made: str, module: str) -> None:
    message = errors("Ours(task_id='call', uri='/v1')", before=made.replace("{0}", module))

    assert "- call: uri: 1:1: text stands in quotes" in message


def test_only_a_completion_event_has_a_run_for_each() -> None:
    class Snapshot(Asset):
        one_run_per_event = True

    assert not has_one_run_per_event(Snapshot("stock"))


class Charging(EmptyOperator):
    """An operator of somebody else, with an attribute that is called as one of ours."""

    completion_event: Any
    completion_events: Any


def charging(**attributes: Any) -> Charging:
    task = Charging(task_id="theirs")
    vars(task).update(attributes)
    return task


@pytest.mark.parametrize(
    "attributes", [{"completion_event": "charge.created"}, {"completion_events": {"charge.created": None}}]
)
def test_the_event_that_started_the_run_is_read_behind_a_step_with_attributes_of_our_names(
    attributes: dict[str, Any],
) -> None:
    record = CompletionRecord.of(
        TaskInstanceKey("orders", "r", "charge"),
        type="charge.created",
        function="charge",
        result={"order": "1001"},
        occurred_at=dt.datetime(2026, 1, 31, tzinfo=dt.UTC),
    )
    with DAG("fulfil", schedule=[CompletionEvent("charge.created")]):
        call = CloudFunctionOperator(task_id="call", uri='"/v1/" + context["charge.created"].order')
        charging(**attributes) >> call

    assert render(call, events=[record.to_dict()]).url.endswith("/v1/1001")


def test_the_check_over_many_dags_takes_an_asset_with_our_flag_for_an_ordinary_one() -> None:
    class Snapshot(Asset):
        one_run_per_event = True

    stock = Snapshot("stock")
    with DAG("producer", schedule=None) as producer:
        EmptyOperator(task_id="x", outlets=[stock])
    with DAG("consumer", schedule=[stock]) as consumer:
        EmptyOperator(task_id="y")

    tasks = [(dag, AuthoredTask(task)) for dag in (producer, consumer) for task in dag.tasks]
    assert list(event_findings(tasks, [producer, consumer])) == []


def test_default_arguments_of_others_are_looked_up_once_for_a_dag(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[type] = []
    known = parameter_names.parameter_names

    def counted(kind: type) -> frozenset[str]:
        asked.append(kind)
        return known(kind)

    class Theirs(EmptyOperator):
        def __init__(self, *, querry: Any = None, **kwargs: Any) -> None:
            super().__init__(**kwargs)

    monkeypatch.setattr(parameter_names, "parameter_names", counted)
    with DAG("large", schedule=None, default_args={"querry": 1}) as dag:
        for index in range(20):
            Theirs(task_id=f"theirs_{index}")
            CloudFunctionOperator(task_id=f"call_{index}", uri='"/"')
        asked.clear()

    dag_policy(dag)

    # Those of each step's own, and those of the two classes.
    assert len(asked) == 20 + 2


def test_a_task_that_comes_later_is_among_those_whose_default_arguments_they_are() -> None:
    class Theirs(EmptyOperator):
        def __init__(self, *, querry: Any = None, **kwargs: Any) -> None:
            super().__init__(**kwargs)

    with DAG("growing", schedule=None, default_args={"querry": 1}):
        call = CloudFunctionOperator(task_id="call", uri='"/"')
        assert "did you mean query?" in "".join(map(str, task_problems(AuthoredTask(call))))
        Theirs(task_id="theirs")
        assert task_problems(AuthoredTask(call)) == []


def test_an_init_that_tells_no_parameters_is_that_of_an_operator_without_any() -> None:
    class Unreadable(EmptyOperator):
        pass

    odd: Any = type("Odd", (), {"__signature__": 3, "__call__": lambda *_: None})()
    Unreadable.__init__ = odd  # type: ignore[method-assign]

    assert "task_id" in parameter_names.parameter_names(Unreadable)


@pytest.mark.skipif(sys.version_info < (3, 14), reason="Python evaluates annotations at once")
def test_an_init_may_be_annotated_with_what_a_type_checker_alone_imports(errors: Any) -> None:
    theirs = """
class Querying:
    def __init__(self, *, querry: Query | None = None, **kwargs):
        super().__init__(**kwargs)

class Querier(Querying, EmptyOperator):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
"""
    call, schedule = "CloudFunctionOperator(task_id='call', uri='\"/\"')", "None, default_args={'querry': 1}"

    assert "did you mean query?" in errors(call, before=theirs, schedule=schedule)
    assert errors(call, "Querier(task_id='theirs')", before=theirs, schedule=schedule) == ""
