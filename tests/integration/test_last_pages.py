"""``pages=``: where a read ends whose last page leaves out what leads on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest
from kit import dag_runs
from kit.server import Answer, LoopbackServer, Received

if TYPE_CHECKING:
    from collections.abc import Callable

ITEMS = list(range(10))
SIZE = 4


@pytest.fixture
def step(serve: Callable[..., LoopbackServer], connection: Callable[..., None], run: Any) -> Callable[..., Any]:
    def run_step(reply: Callable[[Received], Answer], **parameters: str) -> tuple[Any, LoopbackServer]:
        server = serve(reply=reply)
        connection("paged", conn_type="cloudfn", host=server.url)
        given = {"cloudfn_conn_id": "'paged'", "uri": "'\"/v1/items\"'", **parameters}
        return run(dag_runs.call(**given)), server

    return run_step


@pytest.mark.parametrize(
    ("pages", "parameter"),
    [
        ("next_link('response.body.next'", "link"),
        ("next_link('response.body[\"@next\"].url'", "link"),
        ("cursor('response.body.paging.next.after', query='after'", "after"),
        ("cursor('response.headers[\"x-next\"]', query='after'", "after"),
    ],
)
def test_a_link_that_is_not_there_is_the_end(
    step: Any, pages: str, parameter: str, capfd: pytest.CaptureFixture[str]
) -> None:
    def reply(request: Received) -> Answer:
        begin = int(parse_qs(urlsplit(request.target).query).get(parameter, ["0"])[0])
        after = str(begin + SIZE)
        url = f"/v1/items?link={after}"
        more = {"next": url, "@next": {"url": url}, "paging": {"next": {"after": after}}}
        goes_on = begin + SIZE < len(ITEMS)
        headers = {"X-Next": after} if goes_on else {}
        return Answer.of(200, {"data": ITEMS[begin : begin + SIZE], **(more if goes_on else {})}, headers)

    result, server = step(reply, pages=f"Pages.{pages}, items='response.body.data')")

    assert result.xcom("call") == ITEMS
    assert len(server.received) == 3
    assert "pages.next" not in "".join(capfd.readouterr())


def test_a_first_page_without_the_field_that_leads_on_is_the_last_one_and_the_log_says_so_once(
    step: Any, capfd: pytest.CaptureFixture[str]
) -> None:
    read = "Pages.next_link('response.body.nxt', items='response.body.data')"
    result, server = step(lambda _: Answer.of(200, {"data": [1]}), pages=read, for_each="[1, 2, 3]")

    assert (result.xcom("call"), len(server.received)) == ([[1]] * 3, 3)
    assert "".join(capfd.readouterr()).count("pages.next: the first page has no such field") == 1


@pytest.mark.parametrize(
    "way", ["items[0].id", "response.body.more ? response.body.next : null", "response.body.data.next"]
)
def test_what_leads_on_is_an_error_where_it_is_more_than_a_field_that_is_not_there(step: Any, way: str) -> None:
    result, _ = step(
        lambda _: Answer.of(200, {"data": []}), pages=f"Pages.next_link({way!r}, items='response.body.data')"
    )

    assert result.state == "failed"


@pytest.mark.parametrize("more", [{}, {"for_each": "[1, 2]"}])
def test_a_key_in_headers_that_are_known_at_run_time_is_sent_with_no_page(
    step: Any, more: dict[str, str], capfd: pytest.CaptureFixture[str]
) -> None:
    headers = "cel('{\"idempotency-key\": run.id}')"
    result, server = step(lambda _: Answer.of(200, [1]), headers=headers, pages="Pages.page_number()", **more)

    assert (result.state, server.received) == ("failed", [])
    assert 'headers["idempotency-key"]: each page is a request of its own' in "".join(capfd.readouterr())


@pytest.mark.parametrize(("total", "doubted"), [(10, True), (SIZE, False)])
def test_a_page_that_is_too_short_is_the_last_one_and_the_log_says_so_where_its_answer_says_otherwise(
    step: Any, capfd: pytest.CaptureFixture[str], total: int, doubted: bool
) -> None:
    """Such as of a service that gives fewer at a time than it is asked for."""
    result, server = step(
        lambda _: Answer.of(200, {"data": ITEMS[:SIZE], "total": total}),
        pages="Pages.offset(limit=5, items='response.body.data')",
    )

    log = "".join(capfd.readouterr())
    assert (result.xcom("call"), len(server.received)) == (ITEMS[:SIZE], 1)
    assert "Read 4 items; the last page was number 1, which has fewer items than limit=5" in log
    assert ("its answer says that there are more (response.body.total: 10)" in log) == doubted
