"""A Dag whose own event starts it again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from kit import dag_runs

if TYPE_CHECKING:
    from collections.abc import Callable

ONE, OTHER = "CompletionEvent('one')", "CompletionEvent('other')"
SINGLE = "CompletionEvent('single', one_run_per_event=True)"
STEP = f"""CloudFunctionOperator(task_id="t", uri='"/x"', completion_event={ONE})"""
EACH = f"""CloudFunctionOperator(task_id="t", uri='"/x"', completion_event={SINGLE})"""


@pytest.mark.parametrize(
    ("schedule", "tasks"),
    [
        (f"[{ONE}]", STEP),
        (f"({ONE} | {OTHER})", STEP),
        (f"({ONE} & ({ONE} | {OTHER}))", STEP),
        pytest.param(f"{SINGLE}.each()", EACH, marks=pytest.mark.one_run_per_event),
        (f"[{ONE}]", f"""CloudFunctionOperator(task_id="a", uri='"/a"') >> {STEP}"""),
        (f"[{ONE}]", """CloudFunctionOperator(task_id="t", uri='"/x"', completion_events={'one': None})"""),
    ],
)
def test_a_dag_that_starts_itself_without_end_is_refused(
    import_errors: Callable[[str], str], schedule: str, tasks: str
) -> None:
    errors = import_errors(dag_runs.dag_file(tasks).replace("schedule=None", f"schedule={schedule}"))

    assert "- t: each run emits" in errors
    assert "which starts this Dag again, and so on without end: say with emit_when= when it goes on" in errors


@pytest.mark.parametrize(
    ("schedule", "tasks"),
    [
        (f"[{OTHER}]", STEP),
        (f"({ONE} & {OTHER})", STEP),
        (f"[{ONE}, {OTHER}]", STEP),
        (f"[{ONE}]", STEP.replace("completion_event", "emit_when='response.body.more', completion_event")),
        (f"[{ONE}]", f"""@task\ndef first(): pass\nfirst() >> {STEP}"""),
        (f"[{ONE}]", f"""CloudFunctionSensor(task_id="a", uri='"/a"') >> {STEP}"""),
        (f"[{ONE}]", STEP.replace('"t"', '"t", trigger_rule="one_failed"')),
        (f"[{ONE}]", f"""emit_when_failed(CloudFunctionOperator(task_id="t", uri='"/x"'), {ONE})"""),
        (
            f"[{ONE}]",
            """CloudFunctionOperator(task_id="t", uri='"/x"', completion_events={'one': Emit(when='response.body.more')})""",
        ),
        (
            f"[{ONE}]",
            f"""CloudFunctionOperator.partial(task_id="t", uri='"/x"', completion_event={ONE}).expand(inputs=[1])""",
        ),
    ],
)
def test_one_that_can_end_is_not(import_errors: Callable[[str], str], schedule: str, tasks: str) -> None:
    assert import_errors(dag_runs.dag_file(tasks).replace("schedule=None", f"schedule={schedule}")) == ""
