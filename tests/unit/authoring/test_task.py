"""What the Dag file says of a task, and what is looked up of its Dag."""

from __future__ import annotations

from typing import Any

import pytest
from airflow.sdk import DAG, BaseOperator, TaskGroup, task

from airflow_provider_cloudfn import CloudFunctionHttpSensor, CloudFunctionOperator, EmporixStartOperator, policy
from airflow_provider_cloudfn.authoring.ancestry import Ancestry
from airflow_provider_cloudfn.authoring.task import AuthoredTask

EMPORIX = {"task_id": "call", "event_type": "x"}


class Foreign(BaseOperator):
    """An operator of somebody else, with an attribute of the name that ours once had."""

    cel_fields = authored_parameters = ("whatever",)

    def __init__(self, *, uri: Any = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.uri = uri


class Own(CloudFunctionOperator):
    """A class of a user's own."""


def authored(make: Any, **dag: Any) -> AuthoredTask:
    with DAG("d", schedule=None, **dag) as made:
        make()
    return AuthoredTask(made.task_dict["call"])


@task
def rows() -> list[Any]:
    return []


@pytest.mark.parametrize(
    ("kind", "given", "ours"),
    [
        (CloudFunctionOperator, {"uri": '"/"'}, True),
        (EmporixStartOperator, {"event_type": "x"}, True),
        (CloudFunctionHttpSensor, {"endpoint": "/"}, True),
        (Own, {"uri": '"/"'}, True),
        (Foreign, {}, False),
    ],
)
def test_ours_is_what_comes_from_this_package(kind: Any, given: dict[str, Any], ours: bool) -> None:
    assert authored(lambda: kind(task_id="call", **given)).is_ours is ours
    assert authored(lambda: kind.partial(task_id="call", **given).expand(params=[{}])).is_ours is ours


def test_a_dag_of_others_with_such_attributes_is_left_alone() -> None:
    with DAG("d", schedule=None) as dag:
        Foreign(task_id="call", uri="/not an expression")

    policy.dag_policy(dag)


@pytest.mark.parametrize(
    ("make", "values"),
    [
        (lambda: EmporixStartOperator(**EMPORIX, subject="a"), ["a"]),
        (lambda: EmporixStartOperator(**EMPORIX), [None]),
        (lambda: EmporixStartOperator.partial(**EMPORIX, subject="a").expand(source=["b"]), ["a"]),
        (lambda: EmporixStartOperator.partial(**EMPORIX).expand(subject=["a", "b"]), ["a", "b"]),
        (lambda: EmporixStartOperator.partial(**EMPORIX).expand(subject=rows()), []),
        (
            lambda: EmporixStartOperator.partial(**EMPORIX).expand_kwargs([{"subject": "a"}, {"subject": "b"}]),
            ["a", "b"],
        ),
        (lambda: EmporixStartOperator.partial(**EMPORIX).expand_kwargs([{"subject": "a"}, rows()]), ["a"]),
        (lambda: EmporixStartOperator.partial(**EMPORIX).expand_kwargs(rows()), []),
        (lambda: EmporixStartOperator.partial(**EMPORIX).expand_kwargs(rows().map(lambda row: {"subject": row})), []),
    ],
    ids=[
        "plain",
        "left out",
        "partial",
        "expand",
        "over a step",
        "rows",
        "rows of both kinds",
        "rows of a step",
        "map",
    ],
)
def test_what_is_written_for_a_parameter(make: Any, values: list[Any]) -> None:
    assert authored(make).written("subject") == values


def test_a_default_of_the_dag_is_written_for_a_mapped_task() -> None:
    made = authored(
        lambda: EmporixStartOperator.partial(**EMPORIX).expand(source=["b"]), default_args={"subject": "of the Dag"}
    )

    assert made.written("subject") == ["of the Dag"]


@pytest.mark.parametrize(
    ("make", "given"),
    [
        (lambda: EmporixStartOperator(**EMPORIX, payload={}), [{"payload"}]),
        (
            lambda: EmporixStartOperator.partial(**EMPORIX, payload={}).expand(json_string=["{}"]),
            [{"payload", "json_string"}],
        ),
        (
            lambda: EmporixStartOperator.partial(**EMPORIX).expand_kwargs([{"payload": {}}, {"json_string": "{}"}]),
            [{"payload"}, {"json_string"}],
        ),
    ],
)
def test_which_parameters_are_given_together(make: Any, given: list[set[str]]) -> None:
    names = {"payload", "json_string"}
    assert [one & names for one in authored(make).given] == given


@pytest.mark.parametrize(
    ("make", "expanded", "over_steps"),
    [
        (lambda: EmporixStartOperator(**EMPORIX), set(), set()),
        (
            lambda: EmporixStartOperator.partial(**EMPORIX).expand(subject=["a"], source=rows()),
            {"subject", "source"},
            {"source"},
        ),
        (lambda: EmporixStartOperator.partial(**EMPORIX).expand_kwargs([{"subject": "a"}]), {"subject"}, set()),
    ],
)
def test_which_parameters_each_instance_has_its_own_of(make: Any, expanded: set[str], over_steps: set[str]) -> None:
    made = authored(make)

    assert made.expanded == expanded
    assert made.expanded_over_steps == over_steps


def chain(length: int, uri: str) -> DAG:
    with DAG("d", schedule=None) as dag:
        before: Any = None
        for index in range(length):
            after = CloudFunctionOperator(task_id=f"t{index}", uri=uri if index == length - 1 else '"/"')
            if before is not None:
                before >> after
            before = after
    return dag


@pytest.mark.parametrize(
    ("uri", "asked"), [('"/"', []), ('"/" + params.a', []), ('"/" + steps.t3.id', []), ('"/" + steps.t0.id', ["t0"])]
)
def test_the_whole_dag_is_looked_at_only_for_what_an_expression_reads_from_afar(
    uri: str, asked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    dag = chain(5, uri)
    found: list[object] = []
    is_before = Ancestry.is_before

    def counted(self: Ancestry, first: object, last: str) -> bool:
        found.append(first)
        return is_before(self, first, last)

    monkeypatch.setattr(Ancestry, "is_before", counted)
    monkeypatch.setattr(BaseOperator, "get_flat_relative_ids", None)
    policy.dag_policy(dag)

    assert found == asked


def test_the_mapped_groups_of_a_task_are_known() -> None:
    with DAG("d", schedule=None) as dag, TaskGroup("g"):
        call = CloudFunctionOperator(task_id="call", uri='"/"')

    surroundings = AuthoredTask(call).surroundings
    assert surroundings is not None
    assert surroundings.groups_of("g.call") == ()
    assert surroundings.tasks == dag.task_dict.keys()
