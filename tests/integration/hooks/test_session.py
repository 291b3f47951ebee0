"""Connections of a hook that stay open, in a task of one's own."""

from __future__ import annotations

import signal
import threading
from typing import TYPE_CHECKING, Any

import pytest
from kit.server import Answer, LoopbackServer, Received

from airflow_provider_cloudfn import CloudFunctionHook, Pages
from airflow_provider_cloudfn.exceptions import ConfigurationError, ExpressionError, ResponseError

if TYPE_CHECKING:
    from collections.abc import Callable


def reply(request: Received) -> Answer:
    if request.target.startswith("/v1/items"):
        page = int(request.target.partition("page=")[2] or 1)
        return Answer.of(200, [page], {"Link": f"</v1/items?page={page + 1}>; rel=next"} if page < 3 else {})
    if request.target == "/v1/odd":
        return Answer.of(409, {"error": "odd"})
    return Answer.of(200, {"asked": request.target})


@pytest.fixture
def server(serve: Callable[..., LoopbackServer], connection: Callable[..., None]) -> LoopbackServer:
    started = serve(reply=reply)
    connection("shop", conn_type="cloudfn", host=started.url)
    return started


def test_requests_share_a_connection_also_after_one_that_failed(server: LoopbackServer) -> None:
    opened: list[Any] = []
    accept = server._server.get_request
    server._server.get_request = lambda: opened.append(1) or accept()  # type: ignore[method-assign,func-returns-value]

    with CloudFunctionHook("shop").session() as shop:
        for _ in range(3):
            assert shop.request("GET", "/v1/orders").body == {"asked": "/v1/orders"}
        with pytest.raises(ResponseError):
            shop.request("GET", "/v1/odd")
        shop.request("GET", "/v1/orders")

    assert len(opened) == 1


def test_a_connection_that_was_idle_for_too_long_is_not_used_again(
    server: LoopbackServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[Any] = []
    accept = server._server.get_request
    server._server.get_request = lambda: opened.append(1) or accept()  # type: ignore[method-assign,func-returns-value]
    monkeypatch.setattr("airflow_provider_cloudfn.client.connector._LONGEST_IDLE", 0.0)

    with CloudFunctionHook("shop").session() as shop:
        for _ in range(3):
            shop.request("POST", "/v1/orders")

    assert len(opened) == 3


def test_pages_are_asked_for_as_their_items_are_used(server: LoopbackServer) -> None:
    with CloudFunctionHook("shop").session() as shop:
        read = shop.pages(Pages.link_header(), "GET", "/v1/items")
        assert next(read) == 1
        assert len(server.received) == 1
        assert list(read) == [2, 3]


def test_expressions_of_pages_read_the_answer(server: LoopbackServer) -> None:
    with CloudFunctionHook("shop").session() as shop:
        pages = Pages.link_header(items="response.body.map(x, x * 10)", stop_when="page == 2")

        assert list(shop.pages(pages, "GET", "/v1/items")) == [10, 20]


@pytest.mark.parametrize("named", ["response.headers['x-next']", 'response.headers["x-next"]'])
def test_a_link_that_is_not_there_is_the_end(
    server: LoopbackServer, named: str, caplog: pytest.LogCaptureFixture
) -> None:
    with CloudFunctionHook("shop").session() as shop:
        assert list(shop.pages(Pages.next_link(named), "GET", "/v1/items")) == [1]

    assert "pages.next: the first page has no such field" in caplog.text


def test_an_error_says_at_which_page_it_was(server: LoopbackServer) -> None:
    pages = Pages.link_header(items="page == 2 ? response.body.nothing : response.body")

    with CloudFunctionHook("shop").session() as shop, pytest.raises(ExpressionError, match=r"^page 2: "):
        list(shop.pages(pages, "GET", "/v1/items"))


def test_calls_for_many_items_come_in_their_order(server: LoopbackServer) -> None:
    with CloudFunctionHook("shop").session() as shop:
        done = list(shop.for_each(range(5), lambda item: ("GET", f"/v1/{item}", {}), concurrency=2))

    assert [(one.index, one.result and one.result.body) for one in done] == [
        (item, {"asked": f"/v1/{item}"}) for item in range(5)
    ]


def test_calls_that_nobody_reads_are_not_made_and_a_warning_says_so(
    server: LoopbackServer, caplog: pytest.LogCaptureFixture
) -> None:
    def call(item: int) -> Any:
        return "POST", f"/v1/{item}", {}

    with CloudFunctionHook("shop").session() as shop:
        list(shop.for_each([1], call))
    assert caplog.messages == []

    with CloudFunctionHook("shop").session() as shop:
        shop.for_each([2], call)

    assert [got.target for got in server.received] == ["/v1/1"]
    assert "what for_each returned was not read once, so that none of its calls was made" in caplog.text


def test_a_failure_of_an_item_is_told_with_it(server: LoopbackServer) -> None:
    with CloudFunctionHook("shop").session() as shop:
        done = list(shop.for_each(["even", "odd"], lambda item: ("GET", f"/v1/{item}", {})))

    assert [type(one.error) for one in done] == [type(None), ResponseError]


@pytest.mark.parametrize(
    "returned",
    [{"method": "GET", "uri": "/v1/even", "json": 1}, ("GET", "/v1/even"), None, "GET", ("GET", "/v1/even", None)],
    ids=repr,
)
def test_a_function_that_describes_no_call_is_answered_with_what_to_return(
    server: LoopbackServer, returned: Any
) -> None:
    with CloudFunctionHook("shop").session() as shop:
        (done,) = shop.for_each([1], lambda _: returned)

    assert isinstance(done.error, ConfigurationError)
    assert "such as ('POST', '/v1/charges', {'json': …}), or with {} for none; it has returned a " in str(done.error)
    assert type(returned).__name__ in str(done.error)


def test_one_key_for_all_pages_is_refused(server: LoopbackServer) -> None:
    with (
        CloudFunctionHook("shop").session() as shop,
        pytest.raises(ConfigurationError, match=r'headers\["X-Idempotency-Key"\]: each page is a request of its own'),
    ):
        next(shop.pages(Pages.link_header(), "POST", "/v1/items", headers={"X-Idempotency-Key": "k"}))


def test_what_is_the_operator_s_is_refused(server: LoopbackServer) -> None:
    with CloudFunctionHook("shop").session() as shop, pytest.raises(ConfigurationError, match="are the operator's"):
        next(shop.pages(Pages.link_header(results="file:///tmp/x"), "GET", "/v1/items"))


@pytest.mark.parametrize("concurrency", [0, -1, 1_001, True])
def test_a_concurrency_with_which_nothing_would_begin_is_refused(server: LoopbackServer, concurrency: int) -> None:
    with (
        CloudFunctionHook("shop").session() as shop,
        pytest.raises(ConfigurationError, match="session: concurrency must be a whole number from 1 to 1,000"),
    ):
        list(shop.for_each([1], lambda _: ("GET", "/", {}), concurrency=concurrency))


def test_the_items_of_calls_can_come_from_pages_of_the_same_session(server: LoopbackServer) -> None:
    with CloudFunctionHook("shop").session() as shop:
        items = shop.pages(Pages.link_header(), "GET", "/v1/items")
        done = [one.result and one.result.body for one in shop.for_each(items, lambda one: ("GET", f"/v1/{one}", {}))]

    assert done == [{"asked": f"/v1/{number}"} for number in (1, 2, 3)]


def test_nothing_goes_on_behind_who_stops_in_the_middle(server: LoopbackServer) -> None:
    with CloudFunctionHook("shop").session() as shop:
        items = shop.pages(Pages.link_header(), "GET", "/v1/items")
        next(shop.for_each(items, lambda one: ("GET", f"/v1/{one}", {}), concurrency=1))

    assert not shop._thread.is_alive()
    assert [thread.name for thread in threading.enumerate() if thread.name.startswith("asyncio_")] == []


def test_nor_is_anything_wrong_with_calls_that_are_left_behind(server: LoopbackServer) -> None:
    with CloudFunctionHook("shop").session() as shop:
        pages = shop.pages(Pages.link_header(), "GET", "/v1/items")
        calls = shop.for_each([1, 2, 3], lambda item: ("GET", f"/v1/{item}", {}), concurrency=1)
        next(pages), next(calls)

    pages.close()  # type: ignore[attr-defined]  # generators
    calls.close()  # type: ignore[attr-defined]


def test_a_call_that_would_wait_for_another_one_says_so(server: LoopbackServer) -> None:
    with CloudFunctionHook("shop").session() as shop:
        [done] = shop.for_each([1], lambda item: ("GET", shop.request("GET", f"/v1/{item}").url, {}))

    assert "can't wait for another one" in str(done.error)


def test_a_session_that_is_closed_says_so(server: LoopbackServer) -> None:
    with CloudFunctionHook("shop").session() as shop:
        pass

    with pytest.raises(ConfigurationError, match="closed at the end of its block"):
        shop.request("GET", "/v1/orders")


def test_who_is_interrupted_leaves_no_request_behind(
    serve: Callable[..., LoopbackServer], connection: Callable[..., None]
) -> None:
    arrived, over = threading.Event(), threading.Event()

    def hang(request: Received) -> Answer:
        arrived.set()
        over.wait(10)
        return Answer.of(200, {})

    connection("slow", conn_type="cloudfn", host=serve(reply=hang).url)

    def interrupt(*_: Any) -> None:
        raise TimeoutError("the task's time is over")

    earlier = signal.signal(signal.SIGUSR1, interrupt)
    main = threading.main_thread().ident or 0
    threading.Thread(target=lambda: arrived.wait(10) and signal.pthread_kill(main, signal.SIGUSR1)).start()
    try:
        with CloudFunctionHook("slow").session() as shop, pytest.raises(TimeoutError, match="time is over"):
            list(shop.for_each([1], lambda item: ("GET", f"/v1/{item}", {})))
    finally:
        over.set()
        signal.signal(signal.SIGUSR1, earlier)


def leaves(_: object) -> Any:
    raise SystemExit(3)


@pytest.mark.parametrize(
    ("items", "call"),
    [([1, 2], leaves), (map(leaves, [1, 2]), lambda item: ("GET", f"/v1/{item}", {}))],
    ids=["function", "items"],
)
def test_who_leaves_the_program_in_a_call_leaves_it(server: LoopbackServer, items: Any, call: Any) -> None:
    with CloudFunctionHook("shop").session() as shop:
        with pytest.raises(SystemExit):
            list(shop.for_each(items, call))
        assert shop.request("GET", "/v1/orders").status == 200


@pytest.mark.parametrize(
    ("ask", "problem"),
    [
        (lambda shop: shop.pages(None, "GET", "/v1/items"), "pages: must be how to go on, .*not a NoneType"),
        (lambda shop: shop.pages("response.body.next", "GET", "/v1/items"), r"such as Pages.next_link\(.*not a str"),
        (lambda shop: shop.pages(Pages, "GET", "/v1/items"), "not the class itself"),
        (lambda shop: shop.pages(Pages.link_header(), "GET", "/v1/items", qery={}), "qery: .* query="),
        (lambda shop: shop.for_each(None, lambda _: ("GET", "/a", {})), "items of for_each must be a list .*not null"),
        (lambda shop: shop.for_each(3, lambda _: ("GET", "/a", {})), "not an integer"),
        (lambda shop: shop.for_each("1001", lambda _: ("GET", "/a", {})), "not text"),
        (lambda shop: shop.for_each([1], None), "needs a function .*not null"),
        (lambda shop: shop.for_each([1], "/a"), "needs a function .*not text"),
    ],
)
def test_an_argument_that_is_wrong_is_named_at_once(server: LoopbackServer, ask: Any, problem: str) -> None:
    with CloudFunctionHook("shop").session() as shop, pytest.raises(ConfigurationError, match=problem):
        ask(shop)

    assert server.received == []


def test_a_name_of_an_option_that_is_no_text_is_told_with_its_item(server: LoopbackServer) -> None:
    odd: Any = {1: 2}
    with CloudFunctionHook("shop").session() as shop:
        (told,) = shop.for_each(["a"], lambda item: ("GET", f"/v1/{item}", odd))

    assert "1: there is no such option; there are as_it_came" in str(told.error)


def test_a_session_is_opened_once(server: LoopbackServer) -> None:
    with CloudFunctionHook("shop").session() as shop:
        pass

    with pytest.raises(ConfigurationError, match="open another one"), shop:
        pass


@pytest.mark.parametrize(
    "ask",
    [
        lambda session: session.request("GET", "/a"),
        lambda session: session.__exit__(None, None, None),
        lambda session: list(session.for_each([1], lambda _: ("GET", "/a", {}))),
    ],
    ids=["request", "end", "for_each"],
)
def test_a_session_without_its_block_says_so(server: LoopbackServer, ask: Any) -> None:
    with pytest.raises(ConfigurationError, match="opened by its block: write `with"):
        ask(CloudFunctionHook("shop").session())
