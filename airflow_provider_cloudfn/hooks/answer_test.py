"""Whether an answer is what a connection's CEL expression describes, such as the refusal that ``renew_when`` tells of."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from airflow_provider_cloudfn.exceptions import CloudFunctionError, ConfigurationError, ExpressionError, require_truth

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_cloudfn.auth.message import HttpResponse

__all__ = ["answer_test"]

_log = logging.getLogger(__name__)


def answer_test(where: str, expression: str) -> Callable[[HttpResponse], bool]:
    """
    Return a function that tells whether an expression is true of an answer.

    Where the expression can't be evaluated, or gives no boolean, it isn't: the call may have been carried out, and what
    it answered must not be lost for that. A warning says so.

    :param where: The connection and its field that holds the expression, for messages.
    :param expression: A CEL expression over ``response``.
    :raises ConfigurationError: when the expression is wrong.
    """
    from airflow_provider_cloudfn import cel

    try:
        program = cel.compile(expression, variables=("response",))
    except ExpressionError as error:
        raise ConfigurationError(f"{where}: {error}") from None

    def is_true_of(raw: HttpResponse) -> bool:
        from airflow_provider_cloudfn.client.response import read_response, reads_body

        try:
            response = read_response(raw, "", as_it_came=not reads_body(program.paths))
            return require_truth(program.evaluate({"response": response.as_variable()}))
        except CloudFunctionError as error:
            _log.warning("%s: taken as false, for it can't be evaluated: %s", where, error)
            return False

    return is_true_of
