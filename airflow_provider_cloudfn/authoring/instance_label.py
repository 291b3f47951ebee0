"""What the UI calls a task, and the instances of a mapped one: a short text out of what each is about, beside its number."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from airflow_provider_cloudfn.authoring.airflow_masker import masked

if TYPE_CHECKING:
    from airflow.sdk.definitions.context import Context

__all__ = ["displayed", "instance_label", "label_instance"]

#: Under which names what identifies a thing stands most often.
_NAMES: Final = ("id", "name", "key", "code", "number", "title")
_LONGEST: Final = 60
_VARIABLE: Final = "cloudfn_instance"


def displayed(arguments: dict[str, Any], function_name: str | None) -> dict[str, Any]:
    """Return a task's arguments with the function's name as what the UI shows, unless its author wants another one."""
    return arguments if function_name is None else {"task_display_name": function_name, **arguments}


def label_instance(task: Any, context: Context) -> None:
    """
    Name the instance that runs, unless its author has given a ``map_index_template``.

    :param task: The operator, whose parameters have been rendered.
    """
    if (context["ti"].map_index or 0) < 0 or context.get("map_index_template") is not None:
        return
    if not task.has_dag() or getattr(task.dag, "jinja_environment_kwargs", None):
        return
    label = instance_label(getattr(task, "inputs", None))
    label = instance_label(getattr(task, "case_id", None)) if label is None else label
    if label is not None:
        # Airflow renders a template: what came from elsewhere is a variable in it, and no part of it.
        context[_VARIABLE] = label  # type: ignore[typeddict-unknown-key]  # it is ours
        context["map_index_template"] = f"{{{{ {_VARIABLE} }}}}"


def instance_label(value: Any) -> str | None:
    """
    Return a short text that tells an instance from the others, None where there is none. No secret is in it.

    :param value: What the instance is about: a text, a number, a map, or a pair of a map's key and value.
    """
    if isinstance(value, (list, tuple)) and len(value) == 2:
        value = value[0]
    name = "inputs"
    if isinstance(value, Mapping):
        name = _identifying(value)
        value = value.get(name)
    if isinstance(value, bool) or not isinstance(value, (str, int)) or value == "":
        return None
    text = str(masked(value, name))
    if not text.isprintable():
        return None
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def _identifying(value: Mapping[Any, Any]) -> str:
    """Return the key whose value says what a map is about, an empty one where none does."""
    names = [name for name in value if isinstance(name, str)]
    exact = next((name for wanted in _NAMES for name in names if name.lower() == wanted), None)
    return exact or next((name for name in names if name.lower().endswith(("id", "_name", "number"))), "")
