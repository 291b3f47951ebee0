"""What an expression can name, wherever it stands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["AFTER_CALL_VARIABLES", "DECLARED", "RECORDS", "VARIABLES"]

#: What every expression can name.
VARIABLES = frozenset({"steps", "inputs", "context", "events", "params", "conf", "run"})
#: What an expression can name besides when the answer is there.
AFTER_CALL_VARIABLES = frozenset({"response"})

#: The fields of those variables that are records, whatever the run and the answer.
RECORDS: Final[Mapping[str, tuple[str, ...]]] = {
    "response": ("status", "headers", "body", "text", "bytes", "cookies", "url", "request_id"),
    "run": (
        "id",
        "dag_id",
        "task_id",
        "map_index",
        "try_number",
        "run_after",
        "logical_date",
        "data_interval_start",
        "data_interval_end",
        "idempotency_key",
        "callback_url",
    ),
}

#: Declared everywhere, so that the one who uses one of them too early is told when it exists rather than that it does not.
DECLARED: Final = VARIABLES | AFTER_CALL_VARIABLES
