"""Whether an answer says that the access token was refused, as a connection's ``renew_when`` has it."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from airflow_provider_cloudfn.exceptions import CloudFunctionError, ConfigurationError, ExpressionError

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_cloudfn.auth.message import HttpResponse

__all__ = ["refusal_predicate"]

_log = logging.getLogger(__name__)


def refusal_predicate(conn_id: str, expression: str) -> Callable[[HttpResponse], bool]:
    """
    Return a function that tells whether an answer refuses the access token.

    Where the expression can't be evaluated, or gives no boolean, it doesn't: the call may have been carried out, and what
    it answered must not be lost for that. A warning says so.

    :param conn_id: The connection.
    :param expression: A CEL expression over ``response``.
    :raises ConfigurationError: when the expression is wrong.
    """
    from airflow_provider_cloudfn import cel

    where = f"connection {conn_id!r}, renew_when (OAuth 2.0: Renew when)"
    try:
        program = cel.compile(expression, variables=("response",))
    except ExpressionError as error:
        raise ConfigurationError(f"{where}: {error}") from None

    def refuses(raw: HttpResponse) -> bool:
        from airflow_provider_cloudfn.client.response import read_response

        try:
            response = read_response(raw, "")
            variables = {"status": response.status, "headers": response.headers, "body": response.body}
            result = program.evaluate({"response": variables})
        except CloudFunctionError as error:
            _log.warning("%s: taken as false, for it can't be evaluated: %s", where, error)
            return False
        if not isinstance(result, bool):
            _log.warning("%s: taken as false, for it gives %s, not true or false", where, type(result).__name__)
            return False
        return result

    return refuses
