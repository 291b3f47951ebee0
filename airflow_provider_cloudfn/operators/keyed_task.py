"""What an operator has whose request can carry an idempotency key."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_cloudfn.authoring.reading import is_expression
from airflow_provider_cloudfn.authoring.stable_ids import stable_id
from airflow_provider_cloudfn.operators.calling_task import CallingTask
from airflow_provider_cloudfn.operators.idempotency import place_of

if TYPE_CHECKING:
    from airflow.sdk.definitions.context import Context

    from airflow_provider_cloudfn.authoring.run_time_data import RunTimeData
    from airflow_provider_cloudfn.authoring.variables import TaskVariables

__all__ = ["KeyedTask"]


class KeyedTask(CallingTask):
    """An operator with ``idempotency_key``: what is sent as the key, and ``run.idempotency_key``, are one and the same."""

    idempotency_key: Any = False
    #: Whether its author says what stands for the map index in the key, by an expression.
    key_is_evaluated = False

    def _place(self) -> str | None:
        """
        Return what stands for the map index in the key, when the parameters are rendered; None for the map index itself.

        :raises ExpressionError: for what names nothing.
        """
        # Each item of a batch has one of its own.
        return place_of(self.idempotency_key) if self.key_is_evaluated and not self.has_items else None

    def _prepare(self, arrived: RunTimeData, known: set[int]) -> None:
        """Keep whether the key is an expression: once it is rendered, its text could be a header's name."""
        super()._prepare(arrived, known)
        self.key_is_evaluated = is_expression(self.idempotency_key)

    def _variables(self, context: Context) -> TaskVariables:
        """Return what expressions can name. Each item of a batch has a key of its own."""
        variables = super()._variables(context)
        if not self.key_is_evaluated or self.has_items:
            return variables

        def key() -> str:
            if is_expression(self.idempotency_key):
                # The key is not known while what it is made of is evaluated.
                without = variables.with_idempotency_key(str)
                return stable_id(
                    context, "idempotency_key", place_of(self.evaluate_after_call("idempotency_key", without))
                )
            return stable_id(context, "idempotency_key", self._place())

        return variables.with_idempotency_key(key)
