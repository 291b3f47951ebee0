"""What is imported of Airflow is what it documents; what is not stands in one table, with what happens where it is gone."""

from __future__ import annotations

import ast
from pathlib import Path

import airflow_provider_cloudfn

PACKAGE = Path(airflow_provider_cloudfn.__file__).parent

#: Modules and names that Airflow's documentation gives to authors of Dags and providers.
DOCUMENTED = {
    "airflow.cli.cli_config",  # providers' own commands
    "airflow.dag_processing.bundles.manager",  # Dag bundles
    "airflow.dag_processing.dagbag",  # "Testing a Dag"
    "airflow.exceptions",
    "airflow.models.connection",
    "airflow.sdk",
    "airflow.sdk.bases.hook",
    "airflow.sdk.configuration",
    "airflow.sdk.definitions.context",
    "airflow.sdk.definitions.template",
    "airflow.sdk.exceptions",
    "airflow.triggers.base",
}

#: What Airflow does not document: why it is needed, and what happens in an Airflow without it.
UNDOCUMENTED = {
    "airflow.dag_processing.importers": "",
    "airflow.models.dagrun.DagRun": "Past runs can be read in the database only (--run-id). It is an error of that option.",
    "airflow.models.taskinstance.TaskInstance": "As DagRun.",
    "airflow.models.xcom.XComModel": "As DagRun.",
    "airflow.utils.session.create_session": "As DagRun.",
    "airflow.utils.file.list_py_file_paths": "Finds Dag files in 3.2 and 3.3; cli/dag_files.py has what follows.",
    "airflow.sdk.importers.find_file_dag_definitions": "Finds Dag files in 3.4; without it every *.py of the folder is parsed.",
    "airflow.sdk.definitions.mappedoperator.OperatorPartial": "For the type checker, and what partial() of a mapped task returns.",
    "airflow.sdk.definitions.xcom_arg.XComArg": "What task.output is: airflow.sdk exports the name for the type checker only in 3.2.",
    "airflow.sdk.execution_time.context.OutletEventAccessor": "Tells whether there are partitioned assets; without it there are none.",
    "airflow.sdk.execution_time.context.OutletEventAccessors": "In a rehearsal, collects what is emitted.",
    "airflow.sdk.execution_time.lazy_sequence.LazyXComSequence": "Reads a mapped step's XComs as an XComArg does, one page at a time.",
    "airflow.sdk.log.mask_secret": "airflow.sdk.log has it in every Airflow 3; the function that is documented is it.",
    "airflow.sdk._shared.secrets_masker.mask_secret": "Masks in this process alone, where 3.2 would wait for itself.",
    "airflow.sdk.observability.stats": "Counts; 3.2 has a class in it.",
}
