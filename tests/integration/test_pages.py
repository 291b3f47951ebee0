"""``pages=``: how a read goes on, where it ends, and what is refused; each way as a service of that kind has it."""

from __future__ import annotations

import gc
import json
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest
from kit import dag_runs
from kit.server import Answer, LoopbackServer, Received

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

ITEMS = [{"id": f"i-{number}"} for number in range(10)]
SIZE = 4


def asked(request: Received, name: str, default: str = "") -> str:
    return parse_qs(urlsplit(request.target).query).get(name, [default])[0]


def part(begin: int) -> list[dict[str, str]]:
    return ITEMS[begin : begin + SIZE]


def by_link(request: Received) -> Answer:
    begin = int(asked(request, "from", "0"))
    following = f"/v1/items?from={begin + SIZE}" if begin + SIZE < len(ITEMS) else None
    return Answer.of(200, {"data": part(begin), "next": following})


def by_odata(request: Received) -> Answer:
    begin = int(asked(request, "$skip", "0"))
    host = request.headers["host"]
    more = {"@odata.nextLink": f"http://{host}/v1/items?$skip={begin + SIZE}"} if begin + SIZE < len(ITEMS) else {}
    return Answer.of(200, {"value": part(begin), **more})


def by_header(request: Received) -> Answer:
    page = int(asked(request, "page", "1"))
    links = ['<https://elsewhere.example/docs>; rel="help"', f"</v1/items?page={page + 1}>; rel=next"]
    last = page * SIZE >= len(ITEMS)
    return Answer.of(200, part((page - 1) * SIZE), {"Link": links[0] if last else ", ".join(links)})


def by_cursor(request: Received) -> Answer:
    after = asked(request, "starting_after")
    begin = 0 if not after else int(after.removeprefix("i-")) + 1
    found = part(begin)
    return Answer.of(200, {"data": found, "has_more": begin + SIZE < len(ITEMS)})


def by_header_cursor(request: Received) -> Answer:
    begin = int(request.headers.get("x-continue", "0"))
    return Answer.of(200, {"data": part(begin), "continue": str(begin + SIZE) if begin + SIZE < len(ITEMS) else ""})


def by_number(request: Received) -> Answer:
    return Answer.of(200, part((int(asked(request, "page")) - 1) * SIZE))


def by_offset(request: Received) -> Answer:
    begin, limit = int(asked(request, "offset")), int(asked(request, "limit"))
    return Answer.of(200, {"data": ITEMS[begin : begin + limit], "total": len(ITEMS)})


def by_search_after(request: Received) -> Answer:
    after = request.json().get("search_after", [-1])[0]
    return Answer.of(
        200, {"hits": {"hits": [{**item, "sort": [index]} for index, item in enumerate(ITEMS) if index > after][:SIZE]}}
    )


def by_page_token(request: Received) -> Answer:
    begin = int(request.json().get("page", {}).get("token") or 0)
    return Answer.of(200, {"data": part(begin), "token": begin + SIZE if begin + SIZE < len(ITEMS) else None})


@pytest.fixture
def step(serve: Callable[..., LoopbackServer], connection: Callable[..., None], run: Any) -> Callable[..., Any]:
    def run_step(reply: Callable[[Received], Answer], base: str = "", **parameters: str) -> tuple[Any, LoopbackServer]:
        server = serve(reply=reply)
        connection("paged", conn_type="cloudfn", host=server.url + base)
        given = {"cloudfn_conn_id": "'paged'", "uri": "'\"/v1/items\"'", **parameters}
        return run(dag_runs.call(**given)), server

    return run_step


@pytest.mark.parametrize(
    ("reply", "parameters", "requests"),
    [
        (by_link, {"pages": 'Pages.next_link("response.body.next", items="response.body.data")'}, 3),
        (
            by_odata,
            {
                "pages": "Pages.next_link('response.body[?\"@odata.nextLink\"].orValue(null)', items='response.body.value')"
            },
            3,
        ),
        (by_header, {"pages": "Pages.link_header()"}, 3),
        (
            by_cursor,
            {
                "pages": "Pages.cursor('response.body.has_more ? items[size(items) - 1].id : null', query='starting_after', "
                "items='response.body.data')"
            },
            3,
        ),
        (
            by_header_cursor,
            {"pages": "Pages.cursor('response.body.continue', header='X-Continue', items='response.body.data')"},
            3,
        ),
        (by_number, {"pages": "Pages.page_number()"}, 4),
        (by_number, {"pages": "Pages.page_number(limit=4)"}, 3),
        (by_offset, {"pages": "Pages.offset(limit=5, items='response.body.data', total='response.body.total')"}, 2),
        (by_offset, {"pages": "Pages.offset(limit=5, items='response.body.data')"}, 3),
        (
            by_search_after,
            {
                "method": "'POST'",
                "body": "{'size': 4}",
                "pages": 'Pages.custom(\'size(items) == 0 ? null : {"body": {"size": 4, "search_after": items[size(items) - 1].sort}}\', '
                "items='response.body.hits.hits')",
                "returns": "'items.map(i, {\"id\": i.id})'",
            },
            4,
        ),
        (
            by_page_token,
            {
                "method": "'POST'",
                "body": "{'page': {'size': 4}}",
                "pages": "Pages.cursor('response.body.token', body='page.token', items='response.body.data')",
            },
            3,
        ),
    ],
    ids=[
        "next link",
        "odata",
        "link header",
        "starting after",
        "header",
        "number",
        "short page",
        "total",
        "empty",
        "search after",
        "body",
    ],
)
def test_all_pages_are_read_once(step: Any, reply: Any, parameters: dict[str, str], requests: int) -> None:
    result, server = step(reply, **parameters)

    assert result.xcom("call") == ITEMS
    assert len(server.received) == requests


def test_what_is_given_for_the_first_page_holds_for_all_but_a_link_has_its_own_query(step: Any) -> None:
    _, server = step(
        by_header, query="{'kind': '\"open\"'}", headers="{'X-Tenant': '\"t-1\"'}", pages="Pages.link_header()"
    )

    assert [asked(request, "kind") for request in server.received] == ["open", "", ""]
    assert {request.headers["x-tenant"] for request in server.received} == {"t-1"}


def test_a_link_is_resolved_against_the_address_of_its_page_and_not_against_the_base_url(step: Any) -> None:
    result, server = step(
        by_link,
        base="/v1",
        uri="'\"/items\"'",
        pages='Pages.next_link("response.body.next", items="response.body.data")',
    )

    assert result.xcom("call") == ITEMS
    assert {urlsplit(request.target).path for request in server.received} == {"/v1/items"}


def test_a_service_behind_a_gateway_does_not_know_what_stands_before_its_paths(step: Any) -> None:
    result, server = step(
        by_link, base="/shop", pages='Pages.next_link("response.body.next", items="response.body.data")'
    )

    assert result.xcom("call") == ITEMS
    assert {urlsplit(request.target).path for request in server.received} == {"/shop/v1/items"}


@pytest.mark.parametrize(
    ("bound", "count"), [("max_pages=2", 8), ("max_items=5", 5), ("stop_when='items.exists(i, i.id == \"i-6\")'", 8)]
)
def test_a_read_can_be_ended_before(step: Any, bound: str, count: int) -> None:
    result, _ = step(by_link, pages=f'Pages.next_link("response.body.next", items="response.body.data", {bound})')

    assert result.xcom("call") == ITEMS[:count]


def test_returns_reads_the_items_and_the_number_of_pages(step: Any) -> None:
    result, _ = step(
        by_link,
        pages='Pages.next_link("response.body.next", items="response.body.data")',
        returns='\'{"items": size(items), "pages": pages, "last": response.status}\'',
    )

    assert result.xcom("call") == {"items": 10, "pages": 3, "last": 200}


def test_the_garbage_collector_leaves_alone_what_was_there_before_the_pages(step: Any) -> None:
    put_aside = [gc.get_freeze_count()]

    def reply(request: Received) -> Answer:
        put_aside.append(gc.get_freeze_count())
        return by_number(request)

    step(reply, pages="Pages.page_number()")

    assert min(put_aside[1:]) > put_aside[0] + 1_000


def test_items_go_into_a_file_as_json_lines(step: Any, tmp_path: Path) -> None:
    place = tmp_path / "items.jsonl"
    result, _ = step(
        by_link,
        pages=f'Pages.next_link("response.body.next", items="response.body.data", results="file://{tmp_path}/{{{{ \'items\' }}}}.jsonl")',
    )

    assert [json.loads(line) for line in place.read_text().splitlines()] == ITEMS
    described = result.xcom("call")
    assert (described["count"], described["size"]) == (10, place.stat().st_size)
    assert list(tmp_path.iterdir()) == [place]


def test_items_that_can_t_go_where_they_should_are_refused_before_anything_is_sent(
    step: Any, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "out.jsonl").mkdir()
    result, server = step(by_number, pages=f"Pages.page_number(results='file://{tmp_path}/out.jsonl')")

    assert result.state == "failed"
    assert "pages.results: nothing was sent, because" in "".join(capfd.readouterr())
    assert not server.received


def test_a_rehearsal_of_a_read_leaves_the_file_of_its_items_alone(tmp_path: Path) -> None:
    from airflow_provider_cloudfn import CloudFunctionOperator, Pages
    from airflow_provider_cloudfn.testing.rehearsal import Rehearsal
    from airflow_provider_cloudfn.testing.samples import Samples

    place = tmp_path / "items.jsonl"
    task = CloudFunctionOperator(
        task_id="call", uri='"/v1/items"', pages=Pages.page_number(limit=2, results=f"file://{place}")
    )

    done = Rehearsal(task, Samples()).run([{"body": [1, 2]}, {"body": [3]}])

    assert (done.returned["count"], done.returned["size"]) == (3, 6)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("reply", "pages", "message"),
    [
        (lambda _: Answer.of(200, {"data": ITEMS, "next": "/v1/items"}), "Pages.next_link('response.body.next', items='response.body.data')", "page 3 would come again"),
        (lambda _: Answer.of(200, {"data": [1], "c": "x"}), "Pages.cursor('response.body.c', query='c', items='response.body.data')", "page 3 would come again"),
        (lambda _: Answer.of(200, [1]), "Pages.page_number()", "does the service know the parameter 'page'"),
        (lambda _: Answer.of(200, {"data": 5}), "Pages.page_number(items='response.body.data')", "page 1 has no list of items but an integer"),
        (lambda _: Answer.of(200, {"next": 5, "data": [1]}), "Pages.next_link('response.body.next', items='response.body.data')", "page 1 names no link but an integer"),
        (
            lambda _: Answer.of(200, {"data": [1], "next": "https://elsewhere.example/x"}),
            "Pages.next_link('response.body.next', items='response.body.data')",
            "https://elsewhere.example:443",
        ),
        (lambda _: Answer.of(200, [1]), "Pages.custom('{\"url\": \"/x\"}')", "'url' is none of uri, query, headers, body"),
        (lambda _: Answer.of(200, [1]), "Pages.custom('{}')", "changes nothing"),
        (lambda _: Answer.of(200, {"data": [1], "c": {"a": 1}}), "Pages.cursor('response.body.c', query='c', items='response.body.data')", "say with body= where it goes"),
        (lambda _: Answer.of(200, {"data": [1], "more": True}), "Pages.cursor('response.body.more', query='c', items='response.body.data')", "page 1 gives no cursor but true"),
        (lambda r: Answer.of(200, {"data": [1] if asked(r, "page") == "1" else None}), "Pages.page_number(items='response.body.data')", "page 2 has no list of items but null: say with items= where they are, and what"),
        (lambda _: Answer.of(200, [1, 2]), "Pages.offset(limit=2, total='-1')", "pages.total: must be a whole number from 0, not -1"),
        (lambda _: Answer.of(200, [1, 2]), "Pages.offset(limit=2, total='\"250\"')", "write int(…) around text"),
        (lambda _: Answer.of(200, [1]), "Pages.link_header(stop_when='response.status + 0')", "stop_when: must give true or false"),
        (lambda r: Answer.of(200, [1], {"Link": "</v1/items?page=2>; rel=next"}) if "page" not in r.target else Answer.of(500, {}), "Pages.link_header()", "page 2: GET"),
    ],
)  # fmt: skip
def test_what_can_t_be_a_page_is_an_error_that_says_which(
    step: Any, capfd: pytest.CaptureFixture[str], reply: Any, pages: str, message: str
) -> None:
    result, server = step(reply, pages=pages, retry_attempts="1")

    assert result.state == "failed"
    assert message in "".join(capfd.readouterr())
    assert len(server.received) <= 3


@pytest.mark.parametrize(
    ("way", "total", "asked_for"),
    [("offset", 10, 3), ("page_number", 10, 3), ("offset", 99, 4), ("page_number", 99, 4)],
)
def test_a_service_that_gives_fewer_at_a_time_than_it_was_asked_for_is_read_to_its_total(
    step: Any, way: str, total: int, asked_for: int
) -> None:
    def reply(request: Received) -> Answer:
        offset = asked(request, "offset") or (int(asked(request, "page")) - 1) * SIZE
        return Answer.of(200, {"data": part(int(offset)), "total": total})

    result, server = step(
        reply, pages=f"Pages.{way}(limit=100, items='response.body.data', total='response.body.total')"
    )

    assert result.xcom("call") == ITEMS
    # A total that promises too much ends at an empty page.
    assert len(server.received) == asked_for


def test_what_is_to_be_written_where_a_page_has_null_for_its_items_ends_the_read(
    step: Any, capfd: pytest.CaptureFixture[str]
) -> None:
    def reply(request: Received) -> Answer:
        return Answer.of(200, {"data": [1] if asked(request, "page") == "1" else None})

    step(reply, pages="Pages.page_number(items='response.body.data')")
    remedy = re.search(r'items="([^"]+)"', "".join(capfd.readouterr()))
    assert remedy is not None
    result, _ = step(reply, pages=f"Pages.page_number(items='{remedy[1]}')")

    assert result.xcom("call") == [1]


def test_a_link_of_blanks_is_no_link(step: Any) -> None:
    result, server = step(
        lambda _: Answer.of(200, {"data": [1], "next": " "}),
        pages="Pages.next_link('response.body.next', items='response.body.data')",
    )

    assert (result.xcom("call"), len(server.received)) == ([1], 1)


def test_pages_that_take_too_long_name_their_own_time_limit(step: Any, capfd: pytest.CaptureFixture[str]) -> None:
    step(lambda request: Answer.of(200, [request.target]), pages="Pages.page_number(timeout=0.5)")

    told = "".join(capfd.readouterr())
    assert "pages: took longer than 0.5 seconds in all" in told
    assert "timeout of pages, which is for all of them, says how long it may take" in told


@pytest.mark.parametrize("way", ["page_number()", "offset(limit=2)"])
@pytest.mark.parametrize(
    ("bound", "message"), [("timeout=1", "pages: "), ("", "the results have more than 2,000 bytes as JSON")]
)
def test_a_counted_read_of_a_service_that_never_ends_is_bounded(
    step: Any, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], way: str, bound: str, message: str
) -> None:
    monkeypatch.setenv("AIRFLOW__CLOUDFN__XCOM_LIMIT", "2000" if not bound else "0")
    pages = f"Pages.{way}".replace("()", f"({bound})") if "()" in way else f"Pages.{way[:-1]}, {bound})"

    result, server = step(lambda request: Answer.of(200, [request.target, request.target]), pages=pages)

    assert result.state == "failed"
    assert message in "".join(capfd.readouterr())
    assert len(server.received) > 3


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"pages": "'response.body.next'"}, "pages: must be one of the ways of Pages"),
        ({"pages": "Pages.next_link('response.body.nxt', items='respone.body')"}, "pages.items: 1:1: unknown name 'respone'"),
        ({"pages": "Pages.page_number(max_pages=0)"}, "pages: max_pages must be a whole number from 1, not 0"),
        ({"pages": "Pages.page_number(max_items='5')"}, "pages: max_items must be a whole number from 1, not '5'"),
        ({"pages": "Pages(next='response.body.next')"}, "pages: say how the service goes on: Pages.next_link(…)"),
        ({"pages": "Pages.offset(limit=-1)"}, "pages: limit must be a whole number from 1, not -1"),
        ({"pages": "Pages.offset(first=True)"}, "pages: first must be a whole number from 0, not True"),
        ({"pages": "Pages.offset(query='')"}, "pages: query, header and body are names"),
        ({"pages": "Pages.page_number(timeout=0)"}, "pages: timeout must be seconds above 0"),
        ({"pages": "Pages.cursor('response.body.c')"}, "pages: say where the cursor goes: one of query=, header=, body="),
        ({"pages": "Pages.cursor('response.body.c', query='c', body='c')"}, "pages: say where the cursor goes"),
        ({"pages": "Pages.next_link('items')", "response_file": "'/tmp/x'"}, "response_file and pages: pages are many answers"),
        ({"pages": "Pages.page_number()", "idempotency_key": "True"}, "pages and idempotency_key: each page is a request of its own"),
        ({"pages": "Pages.page_number()", "idempotency_key": "cel('inputs')", "inputs": "1"}, "one key would stand for all of them"),
        ({"pages": "Pages.page_number()", "headers": "{'idempotency-key': 'run.idempotency_key'}"}, 'headers["idempotency-key"]: each page is a request of its own'),
        ({"pages": "Pages.page_number()", "headers": "{'X-Idempotency-Key': 'run.idempotency_key'}"}, 'headers["X-Idempotency-Key"]: each page is a request of its own'),
        ({"pages": "Pages.page_number()", "on_unknown": "Confirm(uri='\"/\"', done_when='true')", "method": "'POST'"}, "on_unknown: has no effect beside pages="),
        ({"on_unknown": "Confirm(uri='\"/\"', done_when='true')"}, "on_unknown: has no effect beside pages=, and for a method that only reads"),
        ({"pages": "Pages.page_number(results='file:///tmp/o.jsonl')", "for_each": "[1]"}, "pages.results: has no effect beside for_each="),
        ({"returns": "'items'"}, "unknown name 'items'"),
        ({"pages": "Pages.page_number()", "query": "{'page': 3}"}, 'query["page"]: pages= sends this parameter: leave it out, and give first= of Pages'),
        ({"pages": "Pages.page_number()", "query": "{'page': 'params.page'}"}, 'query["page"]: pages= sends this parameter'),
        ({"pages": "Pages.page_number(query='p[n]')", "query": "{'\"p[n]\"': '3'}"}, 'query["p[n]"]: pages= sends this parameter'),
        ({"pages": "Pages.page_number(limit=5, limit_query='size')", "query": "{'size': 9}"}, 'query["size"]: pages= sends this parameter: leave it out, and give limit= of Pages'),
        ({"pages": "Pages.page_number()", "uri": "'\"/v1/items?a&p%61ge=3\"'"}, "uri: has 'page' in its query, and pages= sends this parameter"),
        ({"pages": "Pages.page_number()", "uri": "lit('/v1/items?page')"}, "uri: has 'page' in its query"),
        ({"pages": "Pages.offset()", "query": "{'offset': 3}"}, 'query["offset"]: pages= sends this parameter: leave it out, and give first= of Pages'),
        ({"pages": "Pages.offset()", "query": "{'limit': 50}"}, 'query["limit"]: pages= sends this parameter: leave it out, and give limit= of Pages'),
    ],
)  # fmt: skip
def test_what_is_wrong_with_pages_is_known_at_parse_time(
    import_errors: Callable[[str], str], parameters: dict[str, str], message: str
) -> None:
    given = {"cloudfn_conn_id": "'paged'", "uri": "'\"/v1/items\"'", **parameters}

    assert message in import_errors(dag_runs.dag_file(dag_runs.call(**given)))


def test_of_all_steps_of_a_dag_those_that_read_pass_a_question_over(import_errors: Callable[[str], str]) -> None:
    confirm = "default_args={'on_unknown': Confirm(uri='\"/\"', done_when='true')}"
    step = dag_runs.call(uri="'\"/\"'")

    assert import_errors(dag_runs.dag_file(step, confirm)) == ""
