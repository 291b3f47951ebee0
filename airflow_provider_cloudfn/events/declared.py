"""What the Dag file tells of the completion event that a step declares."""

from __future__ import annotations

import inspect
from typing import Any

__all__ = ["declared_event", "hidden_event"]


def declared_event(step: Any) -> str | None:
    """
    Return the name of the completion event that a step of ours declares.

    :param step: A task, or a mapped one.
    """
    event = step.partial_kwargs.get("completion_event") if step.is_mapped else getattr(step, "completion_event", None)
    return getattr(event, "name", None)


def hidden_event(step: Any) -> str:
    """
    Return the sentence on a step that may emit an event that it does not declare, or no text: its `__init__` runs too late.

    :param step: A task, or a mapped one.
    """
    if not step.is_mapped or declared_event(step) is not None or not hasattr(step.operator_class, "cel_fields"):
        return ""
    if "completion_event" in inspect.signature(step.operator_class.__init__).parameters:
        return ""
    return (
        f" Step {step.task_id!r} is mapped, and what the __init__ of {step.operator_class.__name__} does is not known before it "
        "runs: such a class declares its event as the default of a parameter completion_event of its own."
    )
