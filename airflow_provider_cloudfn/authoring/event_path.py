"""``contextEventPath("event:property")``, the documents' way to read a completion event in an expression."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from airflow_provider_cloudfn.cel.macro import Macro, wrong_count

if TYPE_CHECKING:
    from airflow_provider_cloudfn.cel.compiler import Compiler
    from airflow_provider_cloudfn.cel.frame import Closure
    from airflow_provider_cloudfn.cel.syntax import Call

__all__ = ["CONTEXT_EVENT_PATH"]


def _build(compiler: Compiler, node: Call) -> Closure:
    """Return the closure that reads ``context["event"].property``."""
    from airflow_provider_cloudfn.cel.syntax import Identifier

    if len(node.arguments) != 1:
        return wrong_count(compiler, node, [1])
    text = compiler.text(node.arguments[0])
    event, colon, properties = (text or "").rpartition(":")
    if text is None or not colon or not event or not all(properties.split(".")):
        return compiler.malformed(
            'contextEventPath() takes one quoted text, "event:property", such as "charge.created:orderId"', node.at
        )
    at = node.arguments[0].at
    fields = [(name, at) for name in (event, *properties.split("."))]
    return compiler.path(Identifier("context", root=True, at=at), fields)


CONTEXT_EVENT_PATH: Final = Macro("contextEventPath", _build, is_method=False)
