"""What Airflow can keep of a step: known before it is pushed, because a failure of that push would repeat the call."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any, ClassVar, Final

from airflow_provider_cloudfn.auth.redacted import Redacted
from airflow_provider_cloudfn.authoring.task import AuthoredTask
from airflow_provider_cloudfn.events.size_limit import event_limit, is_too_large, json_size, size_limit
from airflow_provider_cloudfn.exceptions import ExpressionError, LimitError, in_words

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_provider_cloudfn.client.response import Response

__all__ = ["KeptBytes", "described_bytes", "mapped_over", "require_event", "require_form", "require_xcom", "xcom_limit"]

#: Bytes of JSON, where the configuration says nothing.
_XCOM_LIMIT: Final = 5 * 1024**2
#: From here on the log says that a result is large.
_LARGE: Final = 1024**2


class KeptBytes(Redacted, frozen=True):
    """
    What is left of an answer that another process got, where its bytes are read.

    :param headers: The Content-Type, if it has one.
    :param content: The bytes of the body.
    """

    _hidden: ClassVar = frozenset({"headers", "content"})

    headers: Mapping[str, str]
    content: bytes

    @classmethod
    def of(cls, answer: Mapping[str, Any], content_type: str | None) -> KeptBytes | None:
        """
        Return what is left of an answer; None where no bytes are.

        :param answer: What expressions name of it.
        :param content_type: Its Content-Type.
        """
        content = next((one for one in map(answer.get, ("bytes", "body")) if isinstance(one, bytes)), None)
        headers = {} if content_type is None else {"content-type": content_type}
        return None if content is None else cls(headers, content)


def described_bytes(response: Response | KeptBytes | None, content: bytes) -> dict[str, Any]:
    """
    Return bytes in the form in which XCom and an event hold them, with what is needed to use them.

    :param response: The answer: where the bytes are its body, its media type is theirs.
    """
    return {
        "content_type": response.headers.get("content-type") if response and content == response.content else None,
        "size": len(content),
        "base64": base64.b64encode(content).decode("ascii"),
    }


def mapped_over(task: Any) -> str | None:
    """
    Return a step, or a group of steps, that is mapped over what a step returns; None where there is none.

    :param task: The step's operator, in its Dag, which Airflow walks through to find it.
    """
    return next((one.node_id for one in task.iter_mapped_dependants()), None) if task.has_dag() else None


def require_form(task: Any, value: Any) -> None:
    """
    Refuse a result that Airflow would refuse when it pushes it: by then the call is done, and its event is out.

    :raises ExpressionError: for a result of another form than ``multiple_outputs``, or a step that is mapped over it, takes.
    """
    pushed = value if task.do_xcom_push else None
    kind = in_words(pushed)
    if task.multiple_outputs and pushed is not None and not isinstance(pushed, dict):
        raise ExpressionError(
            f"with multiple_outputs=True the result must be a map, whose entries become XComs of their own, not {kind}: return "
            "one, such as {'items': response.body}, or leave multiple_outputs out",
            field="returns",
        )
    if isinstance(pushed, (dict, list)) or (over := mapped_over(task)) is None:
        return
    # Of a step with several instances Airflow makes one list of what they return.
    if not AuthoredTask(task).has_instances:
        wrong = (
            f"which must be a list or a map, not {kind}: return one, such as response.body.items"
            if task.do_xcom_push
            else "and do_xcom_push=False keeps it from it: leave that out"
        )
        raise ExpressionError(f"step {over!r} is mapped over the result, {wrong}", field="returns")


def require_xcom(value: Any, log: Any, size: int | None = None) -> None:
    """
    Refuse what Airflow can't keep as a step's result.

    :param log: The task's log, where a large one is a warning.
    :param size: How many bytes of JSON it has, where that is known.
    :raises LimitError: for more bytes of JSON than ``[cloudfn] xcom_limit``.
    """
    limit = xcom_limit()
    if size is None:
        size = json_size(value)
    if limit and size > limit:
        raise LimitError(
            f"returns: the result has {size:,} bytes as JSON, and XCom takes {limit:,} at most ([cloudfn] xcom_limit): return "
            "less with returns=, or put the answer into a file with response_file="
        )
    if size > _LARGE:
        log.warning(
            "The result goes into XCom with %s bytes of JSON: return less with returns=, or put the answer into a file with "
            "response_file=",
            f"{size:,}",
        )


def require_event(value: Any, *, field: str, by_default: bool) -> None:
    """
    Refuse what Airflow can't keep as what an event carries.

    :param value: The payload, as JSON has it.
    :param field: The parameter that says what it carries.
    :param by_default: Whether it is what the step returns, because there is no ``event_payload``.
    :raises LimitError: for more bytes of JSON than ``[cloudfn] event_limit``.
    """
    if not is_too_large(value):
        return
    size, limit = json_size(value), event_limit()
    why = "; without it the event carries all that the step returns" if by_default else ""
    raise LimitError(
        f"{field}: the event carries {size:,} bytes of JSON, and {limit:,} are the most ([cloudfn] event_limit): write "
        f"{field.partition('[')[0]}= so that it carries what its consumers need, such as an id{why}; or name a storage for "
        "larger payloads ([cloudfn] event_storage)"
    )


def xcom_limit() -> int:
    """Return how many bytes of JSON XCom takes (``[cloudfn] xcom_limit``); 0 for no limit."""
    return size_limit("xcom_limit", _XCOM_LIMIT)
