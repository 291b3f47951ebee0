"""A batch over the tries of its task: what is done stays done, and what may have been sent is not sent again unknowingly."""

from __future__ import annotations

import asyncio
import json
import logging
import re
import signal
import threading
import time
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from airflow.sdk import DAG
from airflow.sdk.exceptions import AirflowFailException, AirflowRuntimeError, AirflowTaskTimeout, ErrorType
from airflow.sdk.execution_time.comms import ErrorResponse
from kit.server import Answer, LoopbackServer, Received
from kit.state_store import StateStore

from airflow_provider_cloudfn import CloudFunctionOperator, Confirm, ForEach, Pages, cel
from airflow_provider_cloudfn.exceptions import CloudFunctionError, ConfigurationError, OutcomeUnknownError
from airflow_provider_cloudfn.journal.entries import BATCH, BatchEntry
from airflow_provider_cloudfn.journal.task_journal import TaskJournal
from airflow_provider_cloudfn.operators.batch import Batch
from airflow_provider_cloudfn.operators.batch_memory import BatchMemory

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


pytestmark = pytest.mark.usefixtures("outside_airflow")


@pytest.fixture
def store() -> StateStore:
    return StateStore()


class Service:
    """Counts the effects of requests by item, and fails or hangs where it is told to."""

    def __init__(self) -> None:
        self.effects: Counter[str] = Counter()
        self.failing: set[str] = set()
        self.put_off: set[str] = set()
        self.is_silent = False
        self.hangs: Callable[[str], bool] = lambda item: False

    def reply(self, request: Received) -> Answer:
        if request.method == "GET":
            if self.is_silent:
                return Answer.of(500, {})
            item = request.target.rpartition("=")[2]
            return Answer.of(200, {"done": self.effects[item] > 0, "id": f"found-{item}"})
        item = request.target.rpartition("/")[2]
        if self.hangs(item):
            return Answer.of(504)
        if item in self.put_off:
            return Answer.of(503, {}, {"Retry-After": "600"})
        if item in self.failing:
            return Answer.of(409, {"error": "not now"})
        self.effects[item] += 1
        return Answer.of(201, {"id": f"made-{item}"})


@pytest.fixture
def service(serve: Callable[..., LoopbackServer], connection: Callable[..., None]) -> Service:
    made = Service()
    connection("service", conn_type="cloudfn", host=serve(reply=made.reply).url)
    return made


def carry_out(
    store: StateStore,
    for_each: Any,
    *,
    generation: int = 2,
    conf: dict[str, Any] | None = None,
    run_id: str = "r",
    map_index: int = -1,
    **parameters: Any,
) -> Any:
    """Make one try of a batch."""
    given = {
        "cloudfn_conn_id": "service",
        "method": "POST",
        "uri": '"/v1/items/" + string(item)',
        "returns": "response.body.id",
        **parameters,
    }
    with DAG("d", schedule=None):
        task = CloudFunctionOperator(task_id="call", for_each=for_each, do_xcom_push=False, retry_attempts=1, **given)
    pushed: dict[str, Any] = {}
    context = store.context(generation)
    context["dag_run"].conf = conf or {}
    context["ti"].run_id, context["ti"].map_index = run_id, map_index
    context["ti"].xcom_push = lambda key, value: pushed.__setitem__(key, value)
    returned = task.prepare_for_execution().execute(context)
    return returned, pushed


class Killed(BaseException):
    """Ends a try where it stands."""


def killed(store: StateStore, service: Service, at: str, for_each: Any, **parameters: Any) -> None:
    """Make a try whose process ends when the service has got an item: nothing is written down after that."""
    gone = threading.Event()

    def end(item: str) -> bool:
        if item == at:
            service.effects[item] += 1
            gone.set()
            threading.Event().wait(1.0)
        return item == at

    real = store.set

    def keep(key: str, value: Any, **options: Any) -> None:
        if gone.is_set():
            raise Killed
        real(key, value, **options)

    service.hangs, store.set = end, keep  # type: ignore[method-assign]
    with pytest.raises((RuntimeError, CloudFunctionError)):
        carry_out(store, for_each, request_timeout=0.3, **parameters)
    service.hangs, store.set = (lambda item: False), real  # type: ignore[method-assign]


def written_down(store: StateStore) -> BatchEntry:
    entry = TaskJournal(store, 2, logging.getLogger()).read(BATCH, BatchEntry)
    assert entry is not None
    return entry


ITEMS = [f"i{number}" for number in range(8)]
MANY = [f"i{number}" for number in range(20)]


def test_a_retry_calls_only_for_what_has_failed(service: Service, store: StateStore) -> None:
    service.failing = {"i3"}
    with pytest.raises(CloudFunctionError, match=r"for_each: item 3 \(3-"):
        carry_out(store, ForEach(ITEMS, concurrency=4))
    service.failing = set()

    returned, _ = carry_out(store, ForEach(ITEMS, concurrency=4))

    assert returned == [f"made-{item}" for item in ITEMS]
    assert service.effects == dict.fromkeys(ITEMS, 1)


def test_what_is_done_behind_a_failure_is_written_down_once_until_the_batch_has_passed_it(
    service: Service, store: StateStore
) -> None:
    def ahead() -> list[int]:
        entry = TaskJournal.of(store.context(2), logging.getLogger()).read(BATCH, BatchEntry)
        assert entry is not None
        return [one.index for one in entry.ahead]

    service.failing = {"i0"}
    for _ in range(3):
        with pytest.raises(CloudFunctionError, match="for_each: item 0"):
            carry_out(store, ForEach(ITEMS, concurrency=4))
        assert len(ahead()) == len(set(ahead()))
    assert ahead()
    service.failing = set()
    carry_out(store, ForEach(ITEMS, concurrency=4))

    assert ahead() == []


def test_a_batch_that_is_done_is_not_made_again_by_a_try_whose_success_was_lost(
    service: Service, store: StateStore, tmp_path: Path
) -> None:
    for each in (ForEach(ITEMS), ForEach(ITEMS, results=f"file://{tmp_path}/results.jsonl")):
        store.rows.clear()
        service.effects.clear()
        first, _ = carry_out(store, each)

        again, _ = carry_out(store, each)

        assert first == again
        assert service.effects == dict.fromkeys(ITEMS, 1)
    assert [json.loads(line) for line in (tmp_path / "results.jsonl").read_text().splitlines()] == [
        f"made-{item}" for item in ITEMS
    ]


def test_clear_makes_a_batch_that_was_done_again(service: Service, store: StateStore) -> None:
    carry_out(store, ForEach(ITEMS))

    carry_out(store, ForEach(ITEMS), generation=4)

    assert service.effects == dict.fromkeys(ITEMS, 2)


def test_what_a_killed_try_may_have_sent_fails_for_good_with_its_keys(service: Service, store: StateStore) -> None:
    each = ForEach(ITEMS, concurrency=1, key="item")
    killed(store, service, "i2", each)

    with pytest.raises(OutcomeUnknownError, match=r"i2") as failure:
        carry_out(store, each)

    assert isinstance(failure.value, AirflowFailException)
    assert max(service.effects.values()) == 1


def test_clear_is_a_decision_what_is_done_stays_done_and_the_rest_is_sent(service: Service, store: StateStore) -> None:
    service.failing = {"i5"}
    with pytest.raises(CloudFunctionError):
        carry_out(store, ForEach(ITEMS, concurrency=1))
    service.failing = set()

    returned, _ = carry_out(store, ForEach(ITEMS, concurrency=1), generation=4)

    assert returned == [f"made-{item}" for item in ITEMS]
    assert service.effects == dict.fromkeys(ITEMS, 1)


@pytest.mark.parametrize(
    ("parameters", "effects_of_the_unknown"),
    [({"on_unknown": "resend"}, 2), ({"idempotency_key": True}, 2), ({"method": "PUT"}, 2)],
    ids=["resend", "key", "a method that repeats safely"],
)
def test_what_may_have_been_sent_is_sent_again_where_that_is_right(
    service: Service, store: StateStore, parameters: dict[str, Any], effects_of_the_unknown: int
) -> None:
    each = ForEach(ITEMS, concurrency=1)
    killed(store, service, "i2", each, **parameters)

    returned, _ = carry_out(store, each, **parameters)

    assert returned == [f"made-{item}" for item in ITEMS]
    assert service.effects["i2"] == effects_of_the_unknown
    assert service.effects["i7"] == 1


def test_a_service_is_asked_about_each_item_that_may_have_been_sent(service: Service, store: StateStore) -> None:
    each = ForEach(ITEMS, concurrency=1)
    ask = Confirm(uri='"/v1/items"', query={"id": "item"}, done_when="response.body.done", returns="response.body.id")
    killed(store, service, "i2", each, on_unknown=ask)

    returned, _ = carry_out(store, each, on_unknown=ask)

    assert returned[2] == "found-i2"
    assert service.effects == dict.fromkeys(ITEMS, 1)


def test_a_batch_that_goes_on_tells_what_is_unknown_among_its_failures(service: Service, store: StateStore) -> None:
    each = ForEach(ITEMS, concurrency=1, on_error="continue", key="item")
    killed(store, service, "i2", each)

    returned, pushed = carry_out(store, each)

    unknown = [failure["key"] for failure in pushed["failures"]]
    assert "i2" in unknown
    assert max(service.effects.values()) == 1
    assert [value is None for value in returned] == [item in unknown for item in ITEMS]


def test_a_batch_that_the_service_puts_off_is_tried_again_later_and_no_item_of_it_has_failed(
    service: Service, store: StateStore
) -> None:
    service.put_off = {"i3"}
    each = ForEach(ITEMS, concurrency=1, on_error="continue")
    with pytest.raises(CloudFunctionError) as failure:
        carry_out(store, each, request_timeout=5)
    service.put_off = set()

    returned, pushed = carry_out(store, each)

    assert failure.value.retryable
    assert (failure.value.retry_after or 0) > 60
    assert (returned, pushed["failures"]) == ([f"made-{item}" for item in ITEMS], [])
    assert service.effects == dict.fromkeys(ITEMS, 1)


@pytest.mark.parametrize("limit", ["for_each", "connection"])
def test_a_rate_is_waited_for_and_the_wait_is_none_of_a_call_s_own_time(
    serve: Callable[..., LoopbackServer], connection: Callable[..., None], store: StateStore, limit: str
) -> None:
    server = serve(reply=lambda _: Answer.of(201, {"id": 1}))
    extra = json.dumps({"auth_type": "none", **({"rate_limit": "10/s"} if limit == "connection" else {})})
    connection("service", conn_type="cloudfn", host=server.url, extra=extra)
    each = ForEach(ITEMS, concurrency=8, rate="10/s" if limit == "for_each" else None)

    began = time.monotonic()
    returned, _ = carry_out(store, each, request_timeout=0.4)

    assert len(returned) == len(ITEMS)
    assert time.monotonic() - began > 0.6


def test_a_turn_that_comes_too_late_puts_the_batch_off_and_loses_nothing(service: Service, store: StateStore) -> None:
    each = ForEach(ITEMS, concurrency=4, rate="1/h")
    with pytest.raises(CloudFunctionError, match=r"for_each: for_each\.rate \(1/h\): .*; \d of 8 are done") as failure:
        carry_out(store, each)

    assert failure.value.retryable
    assert (failure.value.retry_after or 0) > 3000

    returned, _ = carry_out(store, ForEach(ITEMS))

    assert returned == [f"made-{item}" for item in ITEMS]
    assert service.effects == dict.fromkeys(ITEMS, 1)


def test_nothing_begins_after_a_failure_while_an_item_before_it_takes_its_time(
    service: Service, store: StateStore
) -> None:
    service.failing = {"i1"}
    service.hangs = lambda item: item == "i0" and threading.Event().wait(0.4)

    with pytest.raises(CloudFunctionError, match="item 1"):
        carry_out(store, ForEach(ITEMS, concurrency=2))

    assert service.effects == {"i0": 1}


def test_no_item_is_sent_whose_turn_comes_after_a_failure(service: Service, store: StateStore) -> None:
    service.failing = {"i0"}

    with pytest.raises(CloudFunctionError, match="item 0"):
        carry_out(store, ForEach(ITEMS, concurrency=4, rate="4/s"))

    assert not service.effects


def test_no_item_is_sent_whose_window_is_written_down_while_another_fails(
    service: Service, store: StateStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    items = [f"i{number:02d}" for number in range(48)]
    begins_again, has_failed = threading.Event(), threading.Event()
    # The last one of the first window.
    service.failing = {"i15"}
    service.hangs = lambda item: item == "i15" and not begins_again.wait(10)

    real_result_of, real_set = Batch._result_of, store.set

    async def result_of(batch: Batch, session: Any, item: Any) -> Any:
        try:
            return await real_result_of(batch, session, item)
        except CloudFunctionError:
            asyncio.get_running_loop().call_soon(has_failed.set)
            raise

    def keep(key: str, value: Any, **options: Any) -> None:
        if value["entry"].get("begun", 0) > 16:
            begins_again.set()
            assert has_failed.wait(10)
        real_set(key, value, **options)

    monkeypatch.setattr(Batch, "_result_of", result_of)
    store.set = keep  # type: ignore[method-assign]
    with pytest.raises(CloudFunctionError, match="i15"):
        carry_out(store, ForEach(items, concurrency=2, key="item"))

    assert max(service.effects) < "i15"


def test_no_item_is_sent_of_which_it_could_not_be_written_down(
    service: Service, store: StateStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As where a write that was left behind goes on.
    monkeypatch.setattr(BatchMemory, "keep", lambda memory: False)

    with pytest.raises(CloudFunctionError, match="item 0 is not sent, as it could not be written down") as failure:
        carry_out(store, ForEach(ITEMS, concurrency=1))

    assert failure.value.retryable
    assert not service.effects


@pytest.mark.parametrize("empty", ["null", '""', '" "'])
def test_an_item_without_the_key_that_the_others_have_is_not_sent(
    service: Service, store: StateStore, empty: str
) -> None:
    keys = {"Idempotency-Key": f"item == 'i1' ? {empty} : item"}

    with pytest.raises(
        ConfigurationError, match=r"item 1 \(i1\): headers: the idempotency key of item 1 \(i1\) is empty"
    ):
        carry_out(store, ForEach(ITEMS[:3], concurrency=1, key="item"), headers=keys)

    assert service.effects == {"i0": 1}


@pytest.mark.parametrize(
    "keys",
    [
        {"Idempotency-Key": "run.id + string(index % 2)"},
        {'"X-Idempotency-Key"': "run.id + string(index % 2)"},
        '{"Idempotency-Key": run.id + string(index % 2)}',
    ],
    ids=["by its name", "a name in quotes", "in an expression"],
)
def test_an_item_with_the_key_of_another_is_not_sent(service: Service, store: StateStore, keys: Any) -> None:
    with pytest.raises(
        ConfigurationError,
        match=r"headers: the idempotency key of item 2 \(i2\) is that of an item before it: a service would take it",
    ):
        carry_out(store, ForEach(ITEMS[:3], concurrency=1, key="item"), headers=keys)

    assert service.effects == {"i0": 1, "i1": 1}


def test_a_restart_that_is_no_bool_is_told(
    service: Service, store: StateStore, capfd: pytest.CaptureFixture[str]
) -> None:
    carry_out(store, ForEach(ITEMS[:1]), conf={"restart": "yes"})

    assert "'restart' is true or false for a batch, not 'yes'" in "".join(capfd.readouterr())


def test_other_items_than_before_are_refused(service: Service, store: StateStore) -> None:
    service.failing = {"i5"}
    with pytest.raises(CloudFunctionError):
        carry_out(store, ForEach(ITEMS, concurrency=1, key="item"))

    with pytest.raises(ConfigurationError, match="items are not what an earlier try has called for"):
        carry_out(store, ForEach(["x", *ITEMS], concurrency=1, key="item"))


@pytest.mark.parametrize(
    ("others", "message"),
    [
        (["i0", "i1", "new", *ITEMS[2:]], r"item 2 \(new\) is not what an earlier try has called for"),
        ([*ITEMS[:3], "new", *ITEMS[4:]], r"item 3 \(new\) is not"),
        (ITEMS[:4], "there are 4 items, which are not what"),
        ([], "there are 0 items, which are not what"),
    ],
)
def test_an_item_that_was_done_behind_a_failure_is_not_called_for_again_in_another_place(
    service: Service, store: StateStore, others: list[str], message: str
) -> None:
    gone = threading.Event()
    service.hangs = lambda item: item == "i1" and not gone.wait(0.3)
    with pytest.raises(CloudFunctionError):
        carry_out(store, ForEach(ITEMS, concurrency=6, key="item"), method="PUT")
    done = Counter(service.effects)
    service.hangs = lambda item: False

    with pytest.raises(ConfigurationError, match=message):
        carry_out(store, ForEach(others, concurrency=1, key="item"), method="PUT")

    assert {"i2", "i3", "i4", "i5"} <= set(done)
    assert {item: service.effects[item] for item in done} == done


@pytest.mark.parametrize("others", [[], ITEMS[:2], ["x", *ITEMS[1:]]], ids=["none", "fewer", "another one"])
def test_items_that_are_refused_are_so_on_each_try_and_take_nothing_from_those_that_fit(
    service: Service, store: StateStore, others: list[str]
) -> None:
    service.failing = {"i6"}
    with pytest.raises(CloudFunctionError, match="item 6"):
        carry_out(store, ForEach(ITEMS, concurrency=1, key="item"))
    service.failing = set()

    for _ in range(3):
        with pytest.raises(ConfigurationError, match="the keys do not fit"):
            carry_out(store, ForEach(others, concurrency=1, key="item"))

    returned, _ = carry_out(store, ForEach(ITEMS, concurrency=1, key="item"))

    assert returned == [f"made-{item}" for item in ITEMS]
    assert service.effects == dict.fromkeys(ITEMS, 1)


def test_items_that_are_fewer_than_what_was_done_are_refused(service: Service, store: StateStore) -> None:
    service.failing = {"i5"}
    with pytest.raises(CloudFunctionError):
        carry_out(store, ForEach(ITEMS, concurrency=1))

    with pytest.raises(ConfigurationError, match="there are 3 items, which are not what"):
        carry_out(store, ForEach(ITEMS[:3], concurrency=1))


def test_what_is_unknown_is_not_named_by_the_keys_of_other_items(service: Service, store: StateStore) -> None:
    killed(store, service, "i18", ForEach(MANY, concurrency=1, key="item"))

    with pytest.raises(ConfigurationError, match="items are not what an earlier try has called for"):
        carry_out(store, ForEach([f"other-{item}" for item in MANY], concurrency=1, key="item"))


SWAPPED = [*MANY[:3], "i15", *MANY[4:15], "i3", *MANY[16:]]
MOVED = ["i7", *MANY[:7], *MANY[8:]]


@pytest.mark.parametrize(
    ("on_unknown", "items", "message"),
    [
        ("fail", SWAPPED, r"item 3 \(i15\) is not what an earlier try has called for"),
        ("resend", SWAPPED, r"item 3 \(i15\) is not what an earlier try has called for"),
        ("fail", MOVED, r"item 0 \(i7\) is not what an earlier try has called for"),
        ("resend", MOVED, r"item 0 \(i7\) is not what an earlier try has called for"),
        ("fail", MANY[:5], "nobody knows whether the call for i"),
        ("resend", MANY[:5], "there are 5 items, which are not what an earlier try has called for"),
    ],
)
def test_a_list_that_is_another_one_where_it_may_have_been_sent_is_refused(
    service: Service, store: StateStore, on_unknown: str, items: list[str], message: str
) -> None:
    killed(store, service, "i2", ForEach(MANY, concurrency=1, key="item"), on_unknown=on_unknown)

    with pytest.raises(CloudFunctionError, match=message):
        carry_out(store, ForEach(items, concurrency=1, key="item"), on_unknown=on_unknown)


def test_behind_what_may_have_been_sent_a_list_may_be_another_one(service: Service, store: StateStore) -> None:
    killed(store, service, "i2", ForEach(MANY, concurrency=1, key="item"), on_unknown="resend")

    returned, _ = carry_out(
        store, ForEach([*MANY[:12], "new"], concurrency=1, key="item"), on_unknown="resend", returns="item"
    )

    assert returned[-1] == "new"


def test_after_clear_a_list_may_be_another_one_where_it_may_have_been_sent(service: Service, store: StateStore) -> None:
    killed(store, service, "i0", ForEach(MANY, concurrency=1, key="item"))

    returned, _ = carry_out(store, ForEach(["new"], concurrency=1, key="item"), generation=4)

    assert returned == ["made-new"]


def test_items_of_which_the_service_can_t_be_asked_are_unknown_among_the_failures(
    service: Service, store: StateStore
) -> None:
    asks = Confirm(uri='"/v1/items"', query={"id": "item"}, done_when="response.body.done")
    each = ForEach(ITEMS[:3], concurrency=1, on_error="continue")
    killed(store, service, "i2", each, on_unknown=asks)
    service.is_silent = True

    carry_out(store, each, on_unknown=asks)

    entry = TaskJournal(store, 2, logging.getLogger()).read(BATCH, BatchEntry)
    assert entry is not None
    assert (entry.failed, entry.unknown) == (3, 3)


def test_an_item_that_was_not_carried_out_and_is_refused_then_has_failed(service: Service, store: StateStore) -> None:
    asks = Confirm(uri='"/v1/items"', query={"id": "item"}, done_when="response.body.done")
    each = ForEach(ITEMS[:3], concurrency=1, on_error="continue")
    service.failing = {"i1"}
    killed(store, service, "i0", each, on_unknown=asks)

    carry_out(store, each, on_unknown=asks)

    entry = TaskJournal(store, 2, logging.getLogger()).read(BATCH, BatchEntry)
    assert entry is not None
    assert (entry.failed, entry.unknown) == (1, 0)


def test_without_a_task_state_a_batch_is_made_as_ever(service: Service, store: StateStore) -> None:
    store.context = lambda generation: {  # type: ignore[method-assign]
        name: value for name, value in StateStore.context(store, generation).items() if name != "task_state_store"
    }

    returned, _ = carry_out(store, ForEach(ITEMS))

    assert returned == [f"made-{item}" for item in ITEMS]


@pytest.fixture
def serve_pages(
    serve: Callable[..., LoopbackServer], connection: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., None]:
    """Return what lets a service answer, of whose pages each is written down when it is there."""
    monkeypatch.setattr("airflow_provider_cloudfn.operators.pages._EVERY", 0.0)

    def start(reply: Callable[[Received], Answer], *, conn_id: str = "service", path: str = "", **fields: Any) -> None:
        connection(conn_id, conn_type="cloudfn", host=f"{serve(reply=reply).url}{path}", **fields)

    return start


READ: dict[str, Any] = {"for_each": None, "method": "GET", "uri": '"/items"', "returns": None}


def test_a_read_goes_on_at_the_page_where_it_ended(
    serve_pages: Callable[..., None],
    store: StateStore,
) -> None:
    asked: list[int] = []
    broken = True

    def reply(request: Received) -> Answer:
        page = int(request.target.partition("page=")[2] or 1)
        asked.append(page)
        if page == 3 and broken:
            return Answer.of(500, {})
        return Answer.of(200, [page], {} if page == 4 else {"Link": f"</items?page={page + 1}>; rel=next"})

    serve_pages(reply)
    with pytest.raises(CloudFunctionError, match="page 3"):
        carry_out(store, **READ, pages=Pages.link_header())
    broken = False

    returned, _ = carry_out(store, **READ, pages=Pages.link_header())

    assert returned == [1, 2, 3, 4]
    assert asked == [1, 2, 3, 3, 4]


@pytest.mark.parametrize(
    "other",
    [
        {"query": {"kind": '"other"'}},
        {"pages": Pages.page_number(items=cel("response.body"), max_items=3)},
        {"cloudfn_conn_id": "elsewhere"},
    ],
)
def test_a_read_that_is_another_one_than_before_begins_anew(
    serve_pages: Callable[..., None],
    store: StateStore,
    capfd: pytest.CaptureFixture[str],
    other: dict[str, Any],
) -> None:
    asked: list[str] = []

    def reply(request: Received) -> Answer:
        asked.append(request.target)
        page = int(request.target.partition("page=")[2] or 1)
        if page == 3 and len(asked) == 3:
            return Answer.of(500, {})
        kind = "other" if "other" in request.target else "first"
        return Answer.of(200, [f"{kind}-{page}"] if page < 5 else [])

    serve_pages(reply, path="/v1")
    serve_pages(reply, conn_id="elsewhere", path="/other")
    read = {**READ, "pages": Pages.page_number(items=cel("response.body"))}
    with pytest.raises(CloudFunctionError, match="page 3"):
        carry_out(store, **read)

    returned, _ = carry_out(store, **{**read, **other})

    assert "The read is another one than in the try before: it begins anew" in "".join(capfd.readouterr())
    assert len(returned) == (3 if "pages" in other else 4)
    assert len({one.partition("-")[0] for one in returned}) == 1


def test_a_shorter_read_that_begins_anew_leaves_nothing_of_the_other(
    serve_pages: Callable[..., None],
    store: StateStore,
) -> None:
    def reply(request: Received) -> Answer:
        page = int(request.target.partition("page=")[2])
        return Answer.of(500, {}) if page == 4 else Answer.of(200, [page])

    serve_pages(reply)
    with pytest.raises(CloudFunctionError, match="page 4"):
        carry_out(store, **READ, pages=Pages.page_number(items=cel("response.body")))
    assert len([key for key in store.rows if "pages" in key]) == 4

    returned, _ = carry_out(store, **READ, pages=Pages.page_number(items=cel("response.body"), max_items=1))

    assert returned == [1]
    assert [key for key in store.rows if "pages" in key] == []


def test_a_read_that_may_take_longer_by_now_goes_on(
    serve_pages: Callable[..., None],
    store: StateStore,
) -> None:
    asked: list[str] = []

    def reply(request: Received) -> Answer:
        asked.append(request.target)
        page = int(request.target.partition("page=")[2])
        if page == 3 and len(asked) == 3:
            return Answer.of(500, {})
        return Answer.of(200, [page] if page < 5 else [])

    serve_pages(reply)
    with pytest.raises(CloudFunctionError, match="page 3"):
        carry_out(store, **READ, pages=Pages.page_number(items=cel("response.body"), timeout=20))

    returned, _ = carry_out(store, **READ, pages=Pages.page_number(items=cel("response.body"), timeout=40))

    assert returned == [1, 2, 3, 4]
    assert len(asked) == 6


ASK = Confirm(uri='"/v1/items"', query={"id": "item"}, done_when="response.body.done", returns="response.body.id")


@pytest.mark.parametrize("is_stored", [False, True])
def test_what_was_done_before_a_later_window_has_its_result_after_a_kill(
    service: Service, store: StateStore, tmp_path: Path, is_stored: bool
) -> None:
    place = tmp_path / "results.jsonl"
    each = ForEach(MANY, concurrency=1, results=f"file://{place}" if is_stored else None)
    killed(store, service, "i18", each, on_unknown=ASK)

    returned, _ = carry_out(store, each, on_unknown=ASK)

    found = [json.loads(line) for line in place.read_text().splitlines()] if is_stored else returned
    assert [one.rpartition("-")[2] for one in found] == MANY
    assert service.effects == dict.fromkeys(MANY, 1)


def test_what_is_unknown_stays_so_where_the_service_can_t_say_at_once(service: Service, store: StateStore) -> None:
    each = ForEach(ITEMS, concurrency=2)
    killed(store, service, "i2", each, on_unknown=ASK)
    service.is_silent = True
    with pytest.raises(CloudFunctionError):
        carry_out(store, each, on_unknown=ASK)
    service.is_silent = False

    carry_out(store, each, on_unknown=ASK)

    assert service.effects == dict.fromkeys(ITEMS, 1)


def test_what_may_have_been_sent_after_clear_is_unknown_to_the_try_after_it(
    service: Service, store: StateStore
) -> None:
    each = ForEach(ITEMS, concurrency=1, key="item")
    killed(store, service, "i2", each)
    service.effects.clear()
    killed(store, service, "i0", each, generation=4)

    with pytest.raises(OutcomeUnknownError, match="i0"):
        carry_out(store, each, generation=4)

    assert max(service.effects.values()) == 1


def test_a_batch_that_begins_anew_by_the_conf_of_its_run_does_so_once(service: Service, store: StateStore) -> None:
    service.failing = {"i5"}
    for generation in (2, 4):
        with pytest.raises(CloudFunctionError):
            carry_out(store, ForEach(ITEMS, concurrency=1), generation=generation, conf={"restart": True})
    service.failing = set()

    returned, _ = carry_out(store, ForEach(ITEMS, concurrency=1), generation=4, conf={"restart": True})

    assert returned == [f"made-{item}" for item in ITEMS]
    assert {service.effects[item] for item in ITEMS[:5]} == {2}
    assert {service.effects[item] for item in ("i5", "i7")} == {1}


def test_what_one_run_has_done_is_not_taken_for_what_another_has(
    service: Service, store: StateStore, tmp_path: Path
) -> None:
    """Both write to one file: the last one wins, whole."""
    place = f"file://{tmp_path}/results.jsonl"
    others = [f"o{number}" for number in range(8)]
    service.failing = {"i5", "o5"}
    other = StateStore()
    for state, items, run in ((store, ITEMS, "r1"), (other, others, "r2")):
        with pytest.raises(CloudFunctionError):
            carry_out(state, ForEach(items, concurrency=1, results=place), run_id=run)
    service.failing = set()

    carry_out(store, ForEach(ITEMS, concurrency=1, results=place), run_id="r1")

    assert [json.loads(line) for line in (tmp_path / "results.jsonl").read_text().splitlines()] == [
        f"made-{item}" for item in ITEMS
    ]


def test_the_same_item_of_two_mapped_instances_has_two_keys(
    serve: Callable[..., LoopbackServer], connection: Callable[..., None]
) -> None:
    server = serve(reply=lambda request: Answer.of(201, {"id": "x"}))
    connection("service", conn_type="cloudfn", host=server.url)
    for index in (0, 1):
        carry_out(
            StateStore(),
            ForEach(["a"], key="item"),
            map_index=index,
            idempotency_key=True,
            headers={"X-Own": "run.idempotency_key"},
        )

    assert len({request.headers["idempotency-key"] for request in server.received}) == 2
    assert len({request.headers["x-own"] for request in server.received}) == 2


def test_too_many_failures_of_an_earlier_try_are_too_many_for_the_next(service: Service, store: StateStore) -> None:
    each = ForEach(ITEMS, concurrency=1, on_error="continue", max_failures=1)
    service.failing = {"i2", "i5"}
    with pytest.raises(CloudFunctionError, match="item 2"):
        carry_out(store, each)
    service.failing, before = set(), service.effects.copy()

    with pytest.raises(
        CloudFunctionError, match=r"2 items have failed, more than max_failures=1 allows, the first of them item \d \("
    ):
        carry_out(store, each)

    assert service.effects == before


def test_after_clear_a_batch_goes_on_where_more_failures_are_allowed(service: Service, store: StateStore) -> None:
    service.failing = {"i2", "i5"}
    with pytest.raises(CloudFunctionError):
        carry_out(store, ForEach(ITEMS, concurrency=1, on_error="continue", max_failures=1))

    returned, _ = carry_out(store, ForEach(ITEMS, concurrency=1, on_error="continue", max_failures=2), generation=4)

    assert [index for index, one in enumerate(returned) if one is None] == [2, 5]
    assert max(service.effects.values()) == 1


def test_what_has_failed_is_no_success_where_no_failure_is_allowed_any_more(
    service: Service, store: StateStore
) -> None:
    service.failing = {"i2", "i5"}
    with pytest.raises(CloudFunctionError):
        carry_out(store, ForEach(ITEMS, concurrency=1, on_error="continue", max_failures=1))
    before = service.effects.copy()

    with pytest.raises(CloudFunctionError, match="2 items have failed, more than on_error='fail' allows, the first"):
        carry_out(store, ForEach(ITEMS, concurrency=1), generation=4)

    assert service.effects == before


#: Airflow 3.4 throws away what a cleared task has written down, unless it is told to keep it.
HOW_TO_CLEAR = "from Airflow 3.4 on with 'Keep task state and resume': what is done stays done"


def test_whoever_is_to_clear_a_batch_that_failed_is_told_how_it_goes_on(service: Service, store: StateStore) -> None:
    service.failing = {"i2"}

    with pytest.raises(CloudFunctionError, match=HOW_TO_CLEAR):
        carry_out(store, ForEach(ITEMS, concurrency=1, on_error="continue", max_failures=0))


def test_whoever_is_to_clear_one_with_what_is_unknown_is_told_it_too(service: Service, store: StateStore) -> None:
    killed(store, service, "i4", ForEach(ITEMS, concurrency=1))

    with pytest.raises(OutcomeUnknownError, match=HOW_TO_CLEAR):
        carry_out(store, ForEach(ITEMS, concurrency=1))


def test_what_is_unknown_is_named_whatever_is_wrong_behind_it(
    service: Service, store: StateStore, tmp_path: Path
) -> None:
    path = tmp_path / "items.jsonl"
    path.write_text("".join(f"{json.dumps(item)}\n" for item in ITEMS))
    lines = ForEach.lines(f"'{path}'", concurrency=1)
    killed(store, service, "i3", lines)
    path.write_text(f"{path.read_text()}{{broken\n")

    with pytest.raises(OutcomeUnknownError, match=r"the call for 0-\w+, .*7-\w+ was carried out"):
        carry_out(store, lines)


def test_a_list_without_what_is_unknown_is_refused(
    service: Service, store: StateStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("airflow_provider_cloudfn.operators.batch_memory._EVERY", 0.0)
    killed(store, service, "i3", ForEach(ITEMS, concurrency=1))

    with pytest.raises(ConfigurationError, match="there are 2 items, which are not what an earlier try has called for"):
        carry_out(store, ForEach(ITEMS[:2], concurrency=1))


def test_a_batch_that_goes_on_is_not_said_to_be_cleared_for_one_unknown_item(
    service: Service, store: StateStore
) -> None:
    service.hangs = lambda item: item == "i3"

    _, pushed = carry_out(store, ForEach(ITEMS, concurrency=1, on_error="continue"))

    told = pushed["failures"][0]["error"]
    assert "make it in another run: to clear a batch that is done makes all of its calls again" in told
    assert "what is done stays done" not in told


def test_what_can_t_be_read_of_a_batch_says_what_begins_anew_as_clear_does_not(
    service: Service, store: StateStore
) -> None:
    killed(store, service, "i3", ForEach(ITEMS, concurrency=1))
    row = json.loads(store.rows["cloudfn.batch"])
    row["entry"]["of_a_later_version"] = 1
    store.rows["cloudfn.batch"] = json.dumps(row)

    for generation in (2, 3):
        with pytest.raises(ConfigurationError, match=r"can't be read .* then begin anew: .* --forget`; or mark"):
            carry_out(store, ForEach(ITEMS, concurrency=1), generation=generation)


@pytest.mark.parametrize("place", ["journal", "file"])
def test_results_that_have_vanished_say_what_begins_anew_as_clear_does_not(
    service: Service, store: StateStore, tmp_path: Path, place: str
) -> None:
    each = ForEach(ITEMS, concurrency=1, results=None if place == "journal" else str(tmp_path / "results.jsonl"))
    service.failing = {"i3"}
    with pytest.raises(CloudFunctionError, match="3 of 8 are done"):
        carry_out(store, each)
    for key in [one for one in store.rows if one.startswith("cloudfn.batch.results")]:
        del store.rows[key]
    for part in tmp_path.glob("*/*"):
        part.unlink()

    for generation in (2, 3):
        with pytest.raises(ConfigurationError, match=r"begin anew: `airflow cloudfn progress .* --forget`"):
            carry_out(store, each, generation=generation)


@pytest.mark.parametrize("changed", [{"method": "PUT"}, {"idempotency_key": True}], ids=["PUT", "a key"])
def test_what_may_have_been_sent_is_unknown_though_it_could_be_sent_twice_by_now(
    service: Service, store: StateStore, changed: dict[str, Any]
) -> None:
    killed(store, service, "i3", ForEach(ITEMS, concurrency=1))
    before = service.effects.copy()

    # What the service has got had no key, and was no PUT.
    with pytest.raises(OutcomeUnknownError, match="the call for 0-"):
        carry_out(store, ForEach(ITEMS, concurrency=1), **changed)

    assert service.effects == before


def test_nothing_is_unknown_of_what_may_be_sent_twice_whatever_has_ended_it(
    service: Service, store: StateStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr("airflow_provider_cloudfn.operators.function_call.FunctionCall.sending", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            carry_out(store, ForEach(ITEMS), method="PUT")

    returned, _ = carry_out(store, ForEach(ITEMS), method="PUT")

    assert returned == [f"made-{item}" for item in ITEMS]


def test_more_failures_than_are_told_are_said_to_be_more(
    service: Service, store: StateStore, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("airflow_provider_cloudfn.operators.batch_memory._FAILURES_TOLD", 2)
    service.failing = set(ITEMS[:3])

    _, pushed = carry_out(store, ForEach(ITEMS, on_error="continue"))

    assert len(pushed["failures"]) == 2
    assert "XCom 'failures' has the first 2 of what has failed: the log of each try has all" in capfd.readouterr().out
    with pytest.raises(CloudFunctionError, match=r"3 items have failed, .* XCom 'failures' has the first 2"):
        carry_out(StateStore(), ForEach(ITEMS, concurrency=1, on_error="continue", max_failures=2))


@pytest.mark.parametrize("on_unknown", ["resend", ASK], ids=["resend", "Confirm"])
def test_an_outcome_that_is_unknown_ends_no_task_whose_author_said_what_to_do(
    service: Service, store: StateStore, on_unknown: Any
) -> None:
    each = ForEach(ITEMS, concurrency=2)
    service.hangs = lambda item: item == "i3"
    with pytest.raises(CloudFunctionError) as failure:
        carry_out(store, each, on_unknown=on_unknown)
    service.hangs = lambda item: False

    returned, _ = carry_out(store, each, on_unknown=on_unknown)

    assert failure.value.retryable
    assert not isinstance(failure.value, AirflowFailException)
    assert [one.rpartition("-")[2] for one in returned] == ITEMS
    assert service.effects == dict.fromkeys(ITEMS, 1)


def test_what_was_waited_for_is_known_where_the_items_end_with_an_error(service: Service, store: StateStore) -> None:
    key = 'index == 4 && run.try_number == 1 ? "" : item'
    with pytest.raises(CloudFunctionError, match="names item 4"):
        carry_out(store, ForEach(ITEMS, concurrency=2, key=key))

    returned, _ = carry_out(store, ForEach(ITEMS, concurrency=2, key="item"))

    assert returned == [f"made-{item}" for item in ITEMS]
    assert service.effects == dict.fromkeys(ITEMS, 1)


def test_what_was_carried_out_is_not_sent_again_because_its_result_can_t_be_read(
    service: Service, store: StateStore
) -> None:
    each = ForEach(ITEMS, concurrency=1, key="item")
    with pytest.raises(CloudFunctionError, match="item 2"):
        carry_out(store, each, returns="response.body.id == 'made-i2' ? response.body.nothing : response.body.id")

    with pytest.raises(OutcomeUnknownError, match="i2"):
        carry_out(store, each)

    assert max(service.effects.values()) == 1


def test_results_that_xcom_can_t_take_leave_nothing_unknown(
    service: Service, store: StateStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as small:
        small.setattr("airflow_provider_cloudfn.operators.results.xcom_limit", lambda: 60)
        with pytest.raises(CloudFunctionError, match="results= where they go"):
            carry_out(store, ForEach(ITEMS, concurrency=2))

    returned, _ = carry_out(store, ForEach(ITEMS, concurrency=2))

    assert returned == [f"made-{item}" for item in ITEMS]
    assert service.effects == dict.fromkeys(ITEMS, 1)


def test_a_place_that_repeats_a_secret_of_the_connection_is_not_written_down(
    serve_pages: Callable[..., None],
    store: StateStore,
) -> None:
    def reply(request: Received) -> Answer:
        page = int(request.target.partition("page=")[2].partition("&")[0] or 1)
        if page == 3:
            return Answer.of(500, {})
        return Answer.of(200, [page], {"Link": f"</v1/items?page={page + 1}&token=s3cret-of-the-connection>; rel=next"})

    serve_pages(reply, password="s3cret-of-the-connection", extra={"auth_type": "bearer"})
    with pytest.raises(CloudFunctionError, match="page 3"):
        carry_out(store, None, method="GET", uri='"/v1/items"', returns=None, pages=Pages.link_header())

    assert not any("s3cret" in row for row in store.rows.values())


def test_an_outage_of_airflow_does_not_hold_up_the_time_limit_of_a_task(
    service: Service, store: StateStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("airflow_provider_cloudfn.operators.batch._LONGEST_END", 0.5)
    service.hangs = lambda _: bool(time.sleep(3.0))
    outage = AirflowRuntimeError(ErrorResponse(error=ErrorType.API_SERVER_ERROR, detail={"status_code": 503}))

    def end(*_: object) -> None:
        store.failing["set"] = [outage] * 1_000
        raise AirflowTaskTimeout

    before = signal.signal(signal.SIGALRM, end)
    signal.setitimer(signal.ITIMER_REAL, 0.5)
    begun = time.monotonic()
    try:
        with pytest.raises(AirflowTaskTimeout):
            carry_out(store, [1])
    finally:
        signal.signal(signal.SIGALRM, before)

    assert time.monotonic() - begun < 2.5


def test_what_is_done_behind_an_item_that_takes_its_time_is_known_when_the_time_is_over(
    service: Service, store: StateStore
) -> None:
    service.hangs = lambda item: item == "i2" and bool(time.sleep(3.0))

    def end(*_: object) -> None:
        raise AirflowTaskTimeout

    before = signal.signal(signal.SIGALRM, end)
    signal.setitimer(signal.ITIMER_REAL, 1.0)
    try:
        with pytest.raises(AirflowTaskTimeout):
            carry_out(store, ForEach(ITEMS, key="item"))
    finally:
        signal.signal(signal.SIGALRM, before)
    service.hangs = lambda item: False

    with pytest.raises(OutcomeUnknownError) as caught:
        carry_out(store, ForEach(ITEMS, key="item"))
    assert re.findall(r"\bi\d\b", str(caught.value)) == ["i2"]


def test_what_is_done_behind_an_item_that_takes_its_time_is_written_down_meanwhile(
    service: Service, store: StateStore
) -> None:
    written: list[BatchEntry] = []

    def hangs(item: str) -> bool:
        if item == "i0":
            time.sleep(2.5)
            written.append(written_down(store))
        elif item == "i7":
            time.sleep(1.5)
        return False

    service.hangs = hangs
    returned, _ = carry_out(store, ForEach(ITEMS, key="item"))

    assert returned == [f"made-{item}" for item in ITEMS]
    assert {one.key for one in written[0].ahead} == {*ITEMS} - {"i0"}
    assert written_down(store).ahead == ()
