"""The public keys of an issuer of tokens (RFC 7517), kept, and fetched again when they change."""

from __future__ import annotations

import logging
import threading
import time
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit, urlunsplit

from airflow_provider_cloudfn.auth.credential_names import query_secrets
from airflow_provider_cloudfn.exceptions import CloudFunctionError
from airflow_provider_cloudfn.webhooks.refused import RefusedError

if TYPE_CHECKING:
    from collections.abc import Callable

    from joserfc.jwk import Key, KeySet

__all__ = ["KeySetAt", "fetch_key_set", "key_set_at"]

log = logging.getLogger(__name__)

#: Seconds for which keys are taken without asking again: an issuer that withdraws one is believed within this time.
_KEPT: Final = 3_600.0
#: Seconds between two questions, whatever is asked for: who sends tokens with made-up keys makes nobody ask more often.
_BETWEEN: Final = 60.0
#: Seconds that a question may take.
_LONGEST: Final = 5.0
_LARGEST: Final = 512 * 1024


class KeySetAt:
    """
    The keys at an address, for all threads of a process.

    A key that is not among them makes it ask again, no more often than once a minute. While one thread asks, the others go on
    with the keys that there are, and where it fails, so do all.

    :param url: The address.
    :param fetch: What asks; raises :class:`~airflow_provider_cloudfn.exceptions.CloudFunctionError` or ``ValueError``.
    :param clock: Seconds, of a clock that never goes back.
    """

    def __init__(
        self,
        url: str,
        fetch: Callable[[str], KeySet] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._url = url
        self._fetch = fetch or fetch_key_set
        self._clock = clock
        self._keys: KeySet | None = None
        self._asked: float | None = None
        self._asking = threading.Lock()

    def key(self, kid: str | None) -> Key:
        """
        Return a key.

        :param kid: Its id, as the token's header has it; None is fine where there is one key only.
        :raises RefusedError: with 401 for one that is not there, with 503 while none are to be had.
        """
        found = self._known(kid)
        if found is None or self._is_due(_KEPT):
            self._refresh()
            found = self._known(kid)
        if found is not None:
            return found
        if self._keys is None:
            raise RefusedError(503, "keys_unavailable", retry_after=_BETWEEN)
        raise RefusedError(401, "credentials_wrong")

    def _known(self, kid: str | None) -> Key | None:
        from joserfc.errors import JoseError

        try:
            return None if self._keys is None else self._keys.get_by_kid(kid)
        except JoseError:
            return None

    def _is_due(self, after: float) -> bool:
        return self._asked is None or self._clock() - self._asked >= after

    def _refresh(self) -> None:
        # Only who has no keys at all waits for those that another thread is asking for.
        if not self._asking.acquire(timeout=-1 if self._keys is None else 0):
            return
        try:
            if not self._is_due(_BETWEEN):
                return
            self._asked = self._clock()
            self._keys = self._fetch(self._url)
        except (CloudFunctionError, ValueError) as error:
            log.warning("the keys of an issuer of tokens can't be fetched: %s", error)
        finally:
            self._asking.release()


@lru_cache(maxsize=64)
def key_set_at(url: str) -> KeySetAt:
    """
    Return the keys at an address; there is one such thing in a process.

    :param url: The address.
    """
    return KeySetAt(url)


def fetch_key_set(url: str) -> KeySet:
    """
    Ask an issuer for its public keys.

    :param url: Where they are.
    :raises CloudFunctionError: when it does not answer with them.
    :raises ValueError: when what it answers is no key set.
    """
    from joserfc.jwk import KeySet

    from airflow_provider_cloudfn.client.client import Client
    from airflow_provider_cloudfn.client.request import Request
    from airflow_provider_cloudfn.client.settings import ResponseLimits, Timeouts
    from airflow_provider_cloudfn.client.url import BaseUrl

    parts = urlsplit(url)
    target = urlunsplit(("", "", parts.path, parts.query, ""))
    client = Client(
        base_url=BaseUrl.parse(f"{parts.scheme}://{parts.netloc}"),
        timeouts=Timeouts(connect=_LONGEST, total=_LONGEST),
        limits=ResponseLimits(body=_LARGEST),
        secrets=query_secrets(url),
    )
    body: Any = client.request_sync(Request("GET", target)).body
    listed = body.get("keys") if isinstance(body, dict) else None
    found = [key for one in listed for key in _readable(one)] if isinstance(listed, list) else []
    if not found:
        raise ValueError(f"{parts.netloc}{parts.path} answered with no key set")
    return KeySet(found)


def _readable(key: Any) -> list[Any]:
    """Return a key as a list of one; empty where nobody here knows its kind, or a member of it (RFC 7517, section 5)."""
    from joserfc.jwk import KeySet

    try:
        return list(KeySet.import_key_set({"keys": [key]}).keys)
    except Exception as error:  # the library, and the one below it, have no one word for it
        log.debug("a key of an issuer of tokens can't be read: %s", type(error).__name__)
        return []
