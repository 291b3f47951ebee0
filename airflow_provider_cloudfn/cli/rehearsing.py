"""What ``render``, ``test`` and ``eval`` share: the task, its samples and its connection, from the command line."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_provider_cloudfn.cli.dag_files import find_task
from airflow_provider_cloudfn.exceptions import ConfigurationError, ExpressionError
from airflow_provider_cloudfn.testing.connections import accepted, connection_id, hook_over, placeholder_fields
from airflow_provider_cloudfn.testing.rehearsal import Rehearsal
from airflow_provider_cloudfn.testing.sample_context import require_ours
from airflow_provider_cloudfn.testing.samples import ABSENT, Samples, read_structured_file

if TYPE_CHECKING:
    from argparse import Namespace

    from airflow_provider_cloudfn.hooks.base import ConnectionHook

__all__ = ["CommandRehearsal", "configured_hook", "rehearsal_of", "samples_from"]


@dataclass(slots=True)
class CommandRehearsal:
    """
    A rehearsal, and what its reader must know besides.

    :param task: The task, as the Dag file makes it.
    :param rehearsal: The rehearsal of the instance that is looked at.
    :param notes: What is not as in a run.
    """

    task: Any
    rehearsal: Rehearsal
    notes: list[str] = field(default_factory=list)


def rehearsal_of(args: Namespace, *, needs_connection: bool = False, for_skeleton: bool = False) -> CommandRehearsal:
    """
    Return the rehearsal that a command line asks for.

    :param args: ``dag_id``, ``task_id``, ``file``, ``sample``, ``run_id`` and ``map_index``.
    :param needs_connection: Whether a connection that is not defined is an error.
    :param for_skeleton: Whether a mapped task may lack what it is mapped over, because somebody wants to be told what it reads.
    :raises CloudFunctionError: for what can't be; the message says what to do.
    """
    task = find_task(args.dag_id, args.task_id, args.file)
    require_ours(task)
    notes: list[str] = []
    samples = samples_from(args, task)
    map_index = args.map_index

    def hook_of(rendered: Any) -> ConnectionHook[Any]:
        return configured_hook(rendered, None if needs_connection else notes)

    try:
        rehearsal = Rehearsal(task, samples, map_index=map_index, hook_of=hook_of)
    except ExpressionError:
        if not for_skeleton or not task.is_mapped or samples.inputs is not ABSENT:
            raise
        rehearsal = Rehearsal(task, replace(samples, inputs=None), map_index=map_index, hook_of=hook_of)
    return CommandRehearsal(task, rehearsal, notes)


def samples_from(args: Namespace, task: Any = None) -> Samples:
    """
    Return the samples that a command line names: what the file says comes before what a past run of the task's Dag left.

    :param args: ``sample``, ``run_id`` and ``map_index``.
    :param task: The task; None where no run is named.
    """
    given = Samples()
    if args.sample is not None:
        content = read_structured_file(Path(args.sample), "--sample")
        given = Samples.of(content or {}, where=f"--sample: {args.sample}")
    if args.run_id is None:
        return given
    from airflow_provider_cloudfn.cli.past_run import past_run_samples

    return given.over(past_run_samples(task, args.run_id, args.map_index))


def configured_hook(task: Any, notes: list[str] | None) -> ConnectionHook[Any]:
    """
    Return a rendered task's hook over the connection that Airflow knows.

    :param task: The task.
    :param notes: Where it is noted that a stand-in is used for a connection that is not defined; None makes that an error.
    :raises ConfigurationError: when the connection is wrong.
    """
    from airflow.models.connection import Connection
    from airflow.sdk import Connection as SdkConnection
    from airflow.sdk.exceptions import AirflowNotFoundException

    conn_id = connection_id(task)
    try:
        found = Connection.get_connection_from_secrets(conn_id)
    except AirflowNotFoundException:
        if notes is None:
            raise ConfigurationError(
                f"connection {conn_id!r} is not defined: add it in the UI, with `airflow connections add`, or as "
                f"AIRFLOW_CONN_{conn_id.upper()}"
            ) from None
        notes.append(
            f"connection {conn_id!r} is not defined here: the address is a stand-in, and what authentication sets is not shown"
        )
        return hook_over(task, placeholder_fields(task))
    # The model of the database is not what a task gets.
    conn = SdkConnection(
        conn_id=conn_id,
        conn_type=found.conn_type or "",
        host=found.host,
        login=found.login,
        password=found.password,
        schema=found.schema,
        port=found.port,
        extra=found.extra,
    )
    return accepted(task, conn)
