"""One reader for all waits of a triggerer: it asks the API server for the events that any of them waits for, in one request."""

from __future__ import annotations

import asyncio
import datetime as dt
import functools
import json
import logging
import re
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias
from weakref import WeakKeyDictionary

from msgspec.structs import asdict

from airflow_provider_cloudfn.auth.spellings import MASK
from airflow_provider_cloudfn.events.claim_check import is_elsewhere
from airflow_provider_cloudfn.events.place import LATE
from airflow_provider_cloudfn.events.signature import triggerer_token
from airflow_provider_cloudfn.exceptions import CloudFunctionError
from airflow_provider_cloudfn.triggers.poll import in_condition_thread

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable

    from airflow_provider_cloudfn.triggers.wait import Wait

__all__ = ["EventReader", "shared_reader"]

_log = logging.getLogger(__name__)

#: Seconds between two questions: at first, by what they grow where nothing comes, and to what.
_SHORTEST: Final = 1.0
_GROWTH: Final = 1.5
_LONGEST: Final = 5.0
#: Seconds for one question.
_TIMEOUT: Final = 15.0

#: User name and password of an address, which need not be one that can be read.
_USER: Final = re.compile(r"//[^/\s]*@")

#: The name and the URI of an asset.
_Asset: TypeAlias = tuple[str, str]

_readers: WeakKeyDictionary[asyncio.AbstractEventLoop, EventReader] = WeakKeyDictionary()


class _Waiter:
    """A wait, and what its trigger hears of it."""

    def __init__(self, wait: Wait, patience: float) -> None:
        self.wait = wait
        self.patience = patience
        self.since = time.monotonic()
        self.told: asyncio.Future[Literal["found", "look"]] = asyncio.get_running_loop().create_future()

    def tell(self, outcome: Literal["found", "look"]) -> None:
        if not self.told.done():
            self.told.set_result(outcome)


class _Group:
    """Waits for one asset that have been told of the same events."""

    def __init__(self, waits: Iterable[_Waiter]) -> None:
        self.waits = set(waits)
        self.after = min(one.wait.place.after for one in self.waits if one.wait.place is not None)
        self.seen: dict[int, dt.datetime] = {}

    def question(self, asset: _Asset) -> dict[str, Any]:
        return {"name": asset[0], "uri": asset[1], "after": self.after.isoformat(), "seen": sorted(self.seen)}

    async def hear(self, arrived: list[dict[str, Any]]) -> None:
        """Tell the waits of events, oldest first."""
        for event in arrived:
            number, moment = event["id"], dt.datetime.fromisoformat(event["timestamp"])
            hearers = [one for one in self.waits if one.wait.place is not None and one.wait.place.has(moment, number)]
            for one in await in_condition_thread(_matched, hearers, event["record"]):
                one.tell("found")
            self.seen[number] = moment
        if self.seen:
            self.after = max(self.after, max(self.seen.values()) - LATE)
            self.seen = {number: moment for number, moment in self.seen.items() if moment >= self.after}

    def join(self, other: _Group) -> None:
        """Take in the waits of another that has read to the end too; to hear of an event twice does no harm."""
        self.waits |= other.waits
        self.after = min(self.after, other.after)
        self.seen = {number: moment for number, moment in self.seen.items() if number in other.seen}


class EventReader:
    """What all waits in an event loop have in common."""

    def __init__(self) -> None:
        self._waits: set[_Waiter] = set()
        self._groups: dict[_Asset, list[_Group]] = {}
        self._task: asyncio.Task[None] | None = None
        self._new = asyncio.Event()
        self._address: str | None = None
        #: Since when it is not answered, by the clock that nobody sets.
        self._failing_since: float | None = None
        #: Why it is not.
        self.failure = ""

    @asynccontextmanager
    async def waiting(self, wait: Wait, patience: float) -> AsyncIterator[asyncio.Future[Literal["found", "look"]]]:
        """
        Wait for as long as the block lasts; the last one stops the reading.

        :param wait: What is waited for.
        :param patience: After how many seconds without an answer of the API server it is the worker's turn to look.
        :returns: A future that is done when it came, or when that is so.
        """
        one = _Waiter(wait, patience)
        self._waits.add(one)
        self._new.set()
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._read(), name="cloudfn-events")
        try:
            yield one.told
        finally:
            self._waits.discard(one)
            if not self._waits:
                task, self._task = self._task, None
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
                self._groups.clear()

    async def _read(self) -> None:
        import aiohttp

        pause = _SHORTEST
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=_TIMEOUT)) as session:
            while True:
                self._new.clear()
                try:
                    came = await self._ask(session)
                except Exception as error:  # whatever it is, nobody waits for ever for a reader that has ended
                    came = False
                    self._fail(error)
                else:
                    self._failing_since = None
                pause = _SHORTEST if came else min(pause * _GROWTH, _LONGEST)
                # Whoever is new is not to wait as long as those that have waited for an hour.
                try:
                    await asyncio.wait_for(self._new.wait(), pause)
                except TimeoutError:
                    continue
                pause = _SHORTEST
                await asyncio.sleep(_SHORTEST / 2)

    def _fail(self, error: Exception) -> None:
        """Leave the looking to the workers of those who have waited for an answer for long enough."""
        now = time.monotonic()
        # It goes into a row of Airflow's database, and an address can have a password in it.
        self.failure = _USER.sub(f"//{MASK}@", f"{type(error).__name__}: {error}")
        if self._failing_since is None:
            self._failing_since = now
            _log.warning("The API server can't be asked for events, so workers look: %s", self.failure)
        for one in self._waits:
            if now - max(self._failing_since, one.since) >= one.patience:
                one.tell("look")

    async def _ask(self, session: Any) -> bool:
        """Ask once for all; return whether anything came."""
        self._group()
        groups = [(asset, group) for asset, those in self._groups.items() for group in those]
        called = [one for one in self._waits if one.wait.callback is not None]
        asked = {
            "events": [group.question(asset) for asset, group in groups],
            "callbacks": [asdict(one.wait.callback) for one in called if one.wait.callback],
        }
        told = await self._told(session, asked)
        for one, came in zip(called, told["callbacks"], strict=True):
            if came:
                one.tell("found")
        current: dict[_Asset, _Group] = {}
        for (asset, group), answered in zip(groups, told["events"], strict=True):
            await group.hear(answered["arrived"])
            if answered["more"]:
                continue
            if asset in current:
                current[asset].join(group)
                self._groups[asset].remove(group)
            else:
                current[asset] = group
        return any(told["callbacks"]) or any(one["arrived"] for one in told["events"])

    async def _told(self, session: Any, asked: dict[str, Any]) -> dict[str, Any]:
        """Ask where it was answered last; an API server for tasks alone has no plugins, and so no answer."""
        import aiohttp
        from airflow.sdk import conf

        headers = {"Authorization": f"Bearer {triggerer_token()}"}
        tls = _tls(conf.get("api", "ssl_cert", fallback="") or "")
        failure: Exception | None = None
        for address in sorted(_addresses(), key=lambda one: one != self._address):
            try:
                async with session.post(address, json=asked, headers=headers, ssl=tls) as answer:
                    if answer.status == 200:
                        told: dict[str, Any] = await in_condition_thread(json.loads, await answer.read())
                        self._address = address
                        return told
                    failure = CloudFunctionError(f"{address} answers {answer.status}")
            except (aiohttp.ClientError, TimeoutError, ValueError) as error:
                failure = error
        raise failure or CloudFunctionError("nobody knows where it is")

    def _group(self) -> None:
        """Let those that have gone go, and give those that are new a group of their own, which asks for what came before."""
        waits = {one for one in self._waits if not one.told.done() and one.wait.event is not None}
        known: set[_Waiter] = set()
        for those in self._groups.values():
            for group in those:
                group.waits &= waits
                known |= group.waits
            those[:] = [group for group in those if group.waits]
        new: dict[_Asset, list[_Waiter]] = {}
        for one in waits - known:
            new.setdefault((one.wait.event or "", one.wait.uri or ""), []).append(one)
        for asset, those_new in new.items():
            self._groups.setdefault(asset, []).append(_Group(those_new))
        self._groups = {asset: those for asset, those in self._groups.items() if those}


def _matched(waits: list[_Waiter], record: dict[str, Any] | None) -> list[_Waiter]:
    """
    Return the waits whose event it is, or may be: the worker looks again, and reads what was not told here, or lies elsewhere.

    So it is with whatever fails, which its author meets there.
    """
    found = []
    for one in waits:
        try:
            if record is None or is_elsewhere(record) or one.wait.matches(record):
                found.append(one)
        except Exception:  # whatever it is, the worker meets it: one event must not hold up all waits
            found.append(one)
    return found


def shared_reader() -> EventReader:
    """Return the reader of the running event loop."""
    return _readers.setdefault(asyncio.get_running_loop(), EventReader())


def _addresses() -> list[str]:
    """Return where the API server is asked: where tasks ask it, and where people do."""
    from airflow.sdk import conf

    execution = (conf.get("core", "execution_api_server_url", fallback="") or "").rstrip("/")
    bases = [execution.removesuffix("/execution"), conf.get("api", "base_url", fallback="") or "http://localhost:8080"]
    # With the last slash: Airflow mounts what is below the prefix, and hands the prefix itself to the pages.
    return list(dict.fromkeys(f"{base.rstrip('/')}/cloudfn/waits/" for base in bases if base))


@functools.lru_cache(maxsize=4)
def _tls(certificate: str) -> Any:
    """Return whom an API server is believed, as Airflow's own client has it; it takes a while to make."""
    import ssl

    context = ssl.create_default_context()
    if certificate:
        context.load_verify_locations(certificate)
    return context
