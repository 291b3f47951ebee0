"""A call of which it is known what came of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import Struct

from airflow_provider_cloudfn.exceptions import ResponseError

if TYPE_CHECKING:
    from airflow_provider_cloudfn.client.response import Response
    from airflow_provider_cloudfn.hooks.request import RequestHook
    from airflow_provider_cloudfn.records.call_record import Journal

__all__ = ["Settled", "refused_answer"]


class Settled(Struct, frozen=True):
    """
    What came of a call.

    :param response: The answer.
    :param path: The file that its body went into.
    :param confirmed: Whether it answers the question whether the request was carried out, instead of the request.
    :param journal: What the journal knows of a request that may not be repeated: whether this try has sent it, or an earlier one.
    """

    response: Response
    path: str | None = None
    confirmed: bool = False
    journal: Journal | None = None


def refused_answer(
    why: str,
    response: Response,
    hook: RequestHook[Any],
    *,
    method: str = "",
    end: str = "",
    retryable: bool = False,
    retry_after: float | None = None,
) -> ResponseError:
    """
    Return the error of an answer that a condition of the author's own refuses, with what the service says in it.

    :param why: What stands before the answer, such as ``success_when is false for``.
    :param method: The method; none where the answer is of another one than the call's, as behind a redirect.
    :param end: What is said at the end.
    """
    excerpt, request_id = hook.excerpt(response), response.request_id
    if request_id is not None:
        request_id = hook.client().redaction().text(request_id)
    return ResponseError(
        f"{why} the answer {response.status} of {f'{method} ' if method else ''}{response.url}"
        + (f" (request id {request_id})" if request_id else "")
        + (f"; it says: {excerpt}" if excerpt else "")
        + end,
        status=response.status,
        request_id=request_id,
        retryable=retryable,
        retry_after=retry_after,
    )
