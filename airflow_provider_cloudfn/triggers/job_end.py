"""
Ends a job whose task a person has ended while it waited in the triggerer: no worker runs then that could send ``cancel``.

Airflow tells a trigger of it, from 3.3 on, and tells it too where another triggerer has taken over the wait. So nothing is sent
before Airflow has said that the task has ended, and the service that the job has not.
"""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any, Final

from airflow_provider_cloudfn.client.body import Form, Raw
from airflow_provider_cloudfn.client.request import Request, Sending
from airflow_provider_cloudfn.client.secret import has_secrets
from airflow_provider_cloudfn.exceptions import CloudFunctionError
from airflow_provider_cloudfn.json_encoding import encode_json
from airflow_provider_cloudfn.triggers.poll import HttpPoll, NotYet, bounded, in_condition_thread
from airflow_provider_cloudfn.triggers.shared_hooks import shared_hook

if TYPE_CHECKING:
    from airflow_provider_cloudfn.hooks.request import RequestHook
    from airflow_provider_cloudfn.triggers.job import Job

__all__ = ["end_job", "handed_over"]

#: States of a task that is over, or was cleared and not begun again. In any other one it goes on, and its job with it.
_OVER: Final = frozenset({"failed", "success", "skipped", "removed", None})
#: Seconds for each of the two requests: Airflow gives a trigger 30 for all of it.
_LONGEST: Final = 10.0


def handed_over(conn_id: str, request: Request) -> HttpPoll | None:
    """
    Return a request as the wire format that the triggerer takes.

    None for a body of bytes, or with a secret: it has no place in a trigger's row.
    """
    body, headers = request.body, dict(request.headers or {})
    data: Any = None
    if isinstance(body, Raw):
        if not isinstance(body.value, str):
            return None
        data = body.value
    elif body is not None:
        if has_secrets(body.value):
            return None
        # As JSON, because a row has no other values.
        data = encode_json(body.value)
        if isinstance(body, Form):
            data = json.loads(data)
        elif not any(name.lower() == "content-type" for name in headers):
            headers["Content-Type"] = "application/json"
    return HttpPoll(
        conn_id=conn_id,
        method=request.method,
        uri=request.uri,
        query=None if request.query is None else dict(request.query),
        headers=headers,
        data=data,
        list_style=request.list_style,
        timeout=_LONGEST,
    )


async def end_job(job: Job, cancel: HttpPoll, instance: Any, log: Any) -> None:
    """
    Send what ends a job, if its task is over and the job is not.

    :param instance: The task instance, as Airflow gives it to a trigger.
    :param log: The trigger's log, which stands in that of the task.
    """
    state = await _state(instance)
    if state not in _OVER:
        log.info("The job was not cancelled: the task is %s, and waits for it elsewhere or has begun anew", state)
        return
    try:
        async with shared_hook(cancel.conn_id) as shared, shared.asking() as hook:
            if (why := await _why_not(job, hook)) is not None:
                log.warning("The job was not cancelled: %s", why)
                return
            answer = await bounded(await hook.aclient()).request(cancel.request(), Sending(timeout=_LONGEST))
    except CloudFunctionError as error:
        log.warning("The job could not be cancelled: %s", error)
    else:
        log.info("The job was cancelled: %s %s answered %s", cancel.method, answer.url, answer.status)


async def _why_not(job: Job, hook: RequestHook[Any]) -> str | None:
    """Ask once how far the job is, and return why it is not to be cancelled; None where it goes on."""
    try:
        async with asyncio.timeout(_LONGEST):
            answer = await job.poll.question.aask(hook)
            if isinstance(answer, NotYet):
                return f"the service did not say how far it is (status {answer.status})"
            outcome = await in_condition_thread(job.poll.judged, answer)
    except TimeoutError:
        return f"the service did not say within {_LONGEST:.0f} s how far it is"
    except CloudFunctionError as error:
        return f"the service did not say how far it is: {error}"
    return None if outcome is None else "it has ended already"


async def _state(instance: Any) -> str | None:
    """Return what has become of a task; None where it was cleared, or is gone with its run."""
    from airflow.sdk.execution_time.task_runner import RuntimeTaskInstance

    states = await asyncio.to_thread(
        RuntimeTaskInstance.get_task_states,
        dag_id=instance.dag_id,
        task_ids=[instance.task_id],
        run_ids=[instance.run_id],
        map_index=instance.map_index,
    )
    found: list[str | None] = [state for of_run in states.values() for state in of_run.values()]
    return found[0] if found else None
