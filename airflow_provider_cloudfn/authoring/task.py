"""
A task as its author wrote it.

A mapped task is one of Airflow's own classes, which keeps what was written in attributes that Airflow does not document.
They are read here and nowhere else: where Airflow changes one of them, this file changes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from functools import cached_property, lru_cache, partial
from typing import TYPE_CHECKING, Any, Final

from airflow_provider_cloudfn.authoring.emit import SEVERAL_EVENTS, event_name
from airflow_provider_cloudfn.authoring.signature import parameters_of
from airflow_provider_cloudfn.authoring.surroundings import EventsInReach, Surroundings, Upstream, way_along

if TYPE_CHECKING:
    from airflow.sdk.definitions.context import Context

    from airflow_provider_cloudfn.authoring.ancestry import Ancestry
    from airflow_provider_cloudfn.authoring.parameter import Parameter

__all__ = ["PACKAGE", "AuthoredTask", "default_arguments", "is_reference", "producers_of"]

#: The name of this package, which the modules of its classes begin with.
PACKAGE: Final = __name__.partition(".")[0]


class AuthoredTask:
    """
    What the Dag file says of a task.

    :param task: An operator, a mapped operator, or the operator that Airflow makes of a mapped one when an instance of it runs.
    """

    #: What runs before which task, where many tasks of a Dag are asked about; its arrows stay as they are by then.
    ancestry: Ancestry | None = None
    #: The steps of the Dag that declare each event, where many of its tasks are asked about.
    producers: Mapping[str, Sequence[str]] | None = None

    def __init__(self, task: Any) -> None:
        self.task = task
        self.task_id: str = task.task_id
        self.is_mapped: bool = task.is_mapped

    @property
    def kind(self) -> Any:
        """The class of the operator."""
        return self.task.operator_class if self.is_mapped else type(self.task)

    @property
    def is_ours(self) -> bool:
        """Whether its class, or one that it inherits from, is an operator of this package."""
        return _has_from(PACKAGE, self.kind, "authored_parameters")

    @property
    def has_no_own_code(self) -> bool:
        """Whether what it does is ours or Airflow's, and not a function or an operator of the user's own."""
        if "python_callable" in self.arguments or "op_args" in self.arguments:
            return False
        return str(self.kind.__module__).partition(".")[0] in ("airflow", PACKAGE)

    @property
    def maps_a_function(self) -> bool:
        """Whether it is mapped over the arguments of a function, as with ``@task.cloudfn``, and not over parameters."""
        return self.is_mapped and hasattr(self.task, "op_kwargs_expand_input")

    @cached_property
    def parameters(self) -> tuple[Parameter, ...]:
        """The declarations of its parameters; none for a task that is not ours."""
        return self.kind.authored_parameters if self.is_ours else ()

    @property
    def arguments(self) -> Mapping[str, Any]:
        """What it was given; for a mapped task what all its instances have in common."""
        given: Mapping[str, Any] = self.task.partial_kwargs if self.is_mapped else vars(self.task)
        return given

    @property
    def completion_event(self) -> Any:
        """The completion event that it declares, or None. What an operator of somebody else calls so is something else."""
        return self.arguments.get("completion_event") if self.is_ours else None

    @property
    def declared_events(self) -> list[Any]:
        """The completion events that it declares as its own; one of several may be a name."""
        several = self.arguments.get(SEVERAL_EVENTS) if self.is_ours else None
        one = self.completion_event
        return [*([] if one is None else [one]), *(several if isinstance(several, Mapping) else ())]

    @property
    def event_names(self) -> list[str]:
        """The names of those events."""
        return [event_name(event) for event in self.declared_events]

    @property
    def emitted_events(self) -> list[Any]:
        """The completion events among its outlets, its own one too. The class of them is not imported to know them."""
        outlets = self.task.outlets or []
        given = outlets if isinstance(outlets, (list, tuple)) else [outlets]
        return [outlet for outlet in given if _has_from(PACKAGE, _class_of(outlet), "one_run_per_event")]

    @property
    def runs_have_partition_keys(self) -> bool:
        """Whether every run of its Dag has a partition key, as with ``schedule=event.each()``."""
        timetable = getattr(self.task.dag if self.task.has_dag() else None, "timetable", None)
        # Those of Airflow's core say it, those of its SDK do not.
        if (said := getattr(timetable, "partitioned", None)) is not None:
            return bool(said)
        return any(
            _has_from("airflow", _class_of(timetable), name) for name in ("default_partition_mapper", "key_format")
        )

    @property
    def is_silent_about_its_event(self) -> bool:
        """Whether it may emit an event that it does not declare: the `__init__` of a mapped class runs too late to say."""
        if not self.is_mapped or self.declared_events or not self.is_ours:
            return False
        return "completion_event" not in parameters_of(self.kind.__init__)

    def written(self, name: str) -> list[Any]:
        """Return what is written for a parameter: of a mapped task each value, without those that arrive at run time."""
        if not self.is_mapped:
            return [getattr(self.task, name, None)]
        if name in self._expanded:
            literal = self._expanded[name]
            return list(literal) if isinstance(literal, (list, tuple)) else []
        values = [row[name] for row in self._rows if isinstance(row, dict) and name in row]
        if name in self.shared_arguments and (not self._rows or len(values) < len(self._rows)):
            values.insert(0, self.shared_arguments[name])
        return values

    @cached_property
    def given(self) -> list[set[str]]:
        """Which of its parameters are given, for each way in which it is written to run."""
        names = {parameter.name for parameter in self.parameters}
        if not self.is_mapped:
            return [{name for name in names if getattr(self.task, name, None) is not None}]
        shared = {name for name in names if self.shared_arguments.get(name) is not None}
        if self._expanded or not self._rows:
            return [shared | (names & set(self._expanded))]
        return [
            shared | {name for name in names if row.get(name) is not None}
            for row in self._rows
            if isinstance(row, dict)
        ]

    @cached_property
    def ever_given(self) -> frozenset[str]:
        """Which of its parameters are given in any of these ways, or would be in one that the Dag file does not show."""
        shared = (name for name, value in self.shared_arguments.items() if value is not None) if self.is_mapped else ()
        return frozenset(shared).union(*self.given)

    def lacks(self, names: AbstractSet[str]) -> bool:
        """Return whether it is given none of some parameters, in a way in which it is written to run."""
        if not self.has_no_own_code or (self.is_mapped_over_steps and not self.expanded):
            return False  # What the user's own code gives it, or another step, is known too late.
        return not all(given & names for given in self.given)

    @property
    def expanded(self) -> set[str]:
        """The parameters of a mapped task that its instances get one by one, as far as the Dag file says."""
        return {*self._expanded, *(name for row in self._rows if isinstance(row, dict) for name in row)}

    @property
    def expanded_over_steps(self) -> set[str]:
        """Those of them whose values another step returns."""
        return {name for name, value in self._expanded.items() if is_reference(value)}

    @property
    def is_mapped_over_steps(self) -> bool:
        """Whether how many instances it has, or what they are about, is what another step returned."""
        if not self.is_mapped:
            return False
        value = self.expand_input.value
        parts = value.values() if isinstance(value, dict) else value if isinstance(value, (list, tuple)) else (value,)
        return any(is_reference(part) for part in parts)

    @property
    def expand_input(self) -> Any:
        """What a mapped task is mapped over, as Airflow resolves it."""
        return self.task._get_specified_expand_input()

    def arriving(self, context: Context) -> frozenset[str]:
        """
        Return the parameters of a mapped task whose values another step returned, for one instance.

        Of a task that is mapped over the arguments of a function, these arguments.
        """
        value = self.expand_input.value if self.is_mapped else {}
        if isinstance(value, dict):
            return frozenset(name for name, one in value.items() if is_reference(one))
        index = context["ti"].map_index
        if is_reference(value):
            return frozenset(value.resolve(context)[index])
        return frozenset(value[index].resolve(context)) if is_reference(value[index]) else frozenset()

    @property
    def mapped(self) -> AuthoredTask | None:
        """The mapped task that this operator is an instance of, or None."""
        dag = self.task.dag if self.task.has_dag() else None
        found: Any = dag.task_dict.get(self.task_id) if dag is not None else None
        return AuthoredTask(found) if found is not None and found.is_mapped else None

    @property
    def has_instances(self) -> bool:
        """Whether it, or a group that it is in, is mapped."""
        return self.mapped is not None or bool(self.mapped_groups)

    @property
    def init_arguments(self) -> Mapping[str, Any]:
        """What every `__init__` of an operator was given, from the innermost to the outermost, which comes last."""
        return dict(self.task._BaseOperator__init_kwargs)

    @property
    def mapped_groups(self) -> tuple[str, ...]:
        """The mapped task groups that it is in, from the inside out."""
        return tuple(group.group_id for group in self.task.iter_mapped_task_groups())

    @property
    def surroundings(self) -> Surroundings | None:
        """Its place in its Dag, of which only what is asked for is looked up; None where it stands in none."""
        dag = getattr(self.task, "dag", None) if self.task.has_dag() else None
        if dag is None:
            return None
        tasks = dag.task_dict
        upstream = Upstream(self.task, self.ancestry)

        def producers() -> Mapping[str, Sequence[str]]:
            return producers_of(map(AuthoredTask, tasks.values())) if self.producers is None else self.producers

        return Surroundings(
            self.task_id,
            upstream,
            tasks.keys(),
            groups_of=lambda step: AuthoredTask(tasks[step]).mapped_groups,
            is_mapped=lambda step: bool(tasks[step].is_mapped),
            way_to=partial(way_along, tasks, self.task_id),
            leaves_nothing=lambda step: AuthoredTask(tasks[step]).leaves_nothing,
            events=EventsInReach(dag, upstream, producers),
        )

    @property
    def leaves_nothing(self) -> bool:
        """Whether it is told to leave nothing in XCom. The attribute of one that runs says something else."""
        given = self.arguments if self.is_mapped else self.init_arguments
        return given.get("do_xcom_push") is False

    @cached_property
    def _mapped_over(self) -> Any:
        if not self.is_mapped:
            return None
        return {} if self.maps_a_function else self.expand_input.value

    @property
    def _expanded(self) -> dict[str, Any]:
        return self._mapped_over if isinstance(self._mapped_over, dict) else {}

    @property
    def _rows(self) -> Any:
        return self._mapped_over if isinstance(self._mapped_over, (list, tuple)) else ()

    def run_after(self, step: str) -> None:
        """Let it run behind another task of its Dag."""
        self.task.set_upstream(self.task.dag.task_dict[step])

    def add_arguments(self, arguments: Mapping[str, Any]) -> None:
        """Give all instances of a mapped task some arguments more."""
        self.task.partial_kwargs.update(arguments)

    @property
    def default_arguments(self) -> dict[str, Any]:
        """The default arguments of its Dag and of its group."""
        return default_arguments(self.task.dag if self.task.has_dag() else None, self.task.task_group, {})

    @cached_property
    def shared_arguments(self) -> dict[str, Any]:
        """What all instances of a mapped task are given, by its author or by default arguments."""
        task, given = self.task, self.arguments
        return {**default_arguments(task.dag if task.has_dag() else None, task.task_group, given), **given}


def is_reference(value: Any) -> bool:
    """Tell whether Airflow would resolve a value at run time, as it does with an XComArg."""
    # A path resolves in a sense of its own, and one of an object storage is no os.PathLike.
    return callable(getattr(value, "resolve", None)) and not hasattr(value, "joinpath")


def default_arguments(dag: Any, task_group: Any, kwargs: Mapping[str, Any]) -> dict[str, Any]:
    """
    Return the default arguments of a mapped task: Airflow gives them to its instances, and not to the partial.

    :param dag: The task's Dag, or None.
    :param task_group: The task's group, or None.
    :param kwargs: What was given to ``partial()``.
    """
    shared: dict[str, Any] = {}
    for given in (
        getattr(dag, "default_args", None),
        getattr(task_group, "default_args", None),
        kwargs.get("default_args"),
    ):
        shared.update(given or {})
    return shared


def _class_of(value: Any) -> Any:
    """Return a value's class: a key of a cache, which a ``type[Any]`` is not to a type checker."""
    return type(value)


@lru_cache(maxsize=1_024)
def _has_from(package: str, kind: type, name: str) -> bool:
    """Tell whether a class, or one that it inherits from, has an attribute because a class of a package brings it."""
    # By where the class comes from: it is not imported for a Dag that uses none, and what others call their attributes is
    # theirs to choose. A class that was made by hand can have any module, None too.
    kinds = getattr(kind, "__mro__", ())
    return any(str(one.__module__).partition(".")[0] == package and name in vars(one) for one in kinds)


def producers_of(tasks: Iterable[AuthoredTask]) -> dict[str, list[str]]:
    """
    Return which steps declare each event.

    :param tasks: The tasks of a Dag, or those of them that are ours.
    """
    found: dict[str, list[str]] = {}
    for task in tasks:
        for name in task.event_names:
            found.setdefault(name, []).append(task.task_id)
    return found
