"""How a token endpoint takes its requests, as far as nobody can know before it was asked; this process remembers it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from msgspec import Struct
from msgspec.structs import replace

from airflow_provider_cloudfn.auth.repeatable import moment_of
from airflow_provider_cloudfn.auth.token_answer import error_code, refuses_client

if TYPE_CHECKING:
    from airflow_provider_cloudfn.auth.message import HttpResponse

__all__ = ["MANNERS", "MOST_MANNERS", "Manner"]

#: A client's clock may be off by the second that a date has, and the time that an answer takes.
_CLOCK_TOLERANCE: Final = 2.0

#: How many manners are tried for one token: the first, JSON instead of a form, and the other form of Basic or another time.
MOST_MANNERS: Final = 3


class Manner(Struct, frozen=True):
    """
    A way to write a request that a token endpoint may take, or refuse where it takes another.

    :param as_json: Whether the body is JSON, and not a form.
    :param basic_as_is: Whether Basic carries ID and secret as they are, for endpoints that do not decode what RFC 6749
        (section 2.3.1) has every client encode.
    :param clock_ahead: How many seconds the endpoint's clock is ahead of this machine's.
    """

    as_json: bool = False
    basic_as_is: bool = False
    clock_ahead: float = 0.0

    def corrected(self, response: HttpResponse, *, basic_differs: bool, signs: bool) -> Manner:
        """
        Return the manner that a refusal asks for; the same one where it asks for none.

        :param response: The refusal.
        :param basic_differs: Whether the request carried an ID and a secret that Basic can be written of in two ways.
        :param signs: Whether the request carried an assertion, which has a time in it.
        """
        if response.status == 415:
            return replace(self, as_json=not self.as_json)
        if basic_differs and refuses_client(response):
            return replace(self, basic_as_is=not self.basic_as_is)
        if signs and (refuses_client(response) or error_code(response) in ("invalid_grant", "invalid_request")):
            moment = moment_of(response.header("date"))
            if moment is not None and abs(moment - time.time() - self.clock_ahead) > _CLOCK_TOLERANCE:
                return replace(self, clock_ahead=moment - time.time())
        return self


#: What was found out, by the key of the credentials and the endpoint's URL.
MANNERS: dict[tuple[str, str], Manner] = {}
