"""What a paged read begins with: what its pages count is theirs alone, and a cursor of the author's own is where it starts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from kit import dag_runs
from kit.server import Answer, LoopbackServer, Received

from airflow_provider_cloudfn import CloudFunctionHook, Pages
from airflow_provider_cloudfn.exceptions import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable

#: What maps a step over values that it may not have beside its pages; what is said.
MAPPED = [
    ("partial(**GIVEN, pages=Pages.page_number()).expand(query=[{'a': 1}, {'page': 3}])", True),
    ("partial(**GIVEN, query={'page': 3}).expand(pages=[Pages.page_number(), Pages.link_header()])", True),
    ("partial(**GIVEN, pages=Pages.page_number()).expand_kwargs([{'inputs': 1}, {'query': {'page': 3}}])", True),
    ("partial(**GIVEN, query={'page': 3}).expand_kwargs([{'pages': Pages.page_number()}])", True),
    ("partial(**GIVEN, query={'page': 3}).expand_kwargs([{'pages': Pages.page_number(), 'query': {}}])", False),
    (
        "partial(**GIVEN).expand_kwargs([{'pages': Pages.page_number(), 'query': {}}, {'pages': None, 'query': {'page': 3}}])",
        False,
    ),
]
GIVEN = "GIVEN = {'task_id': 'call', 'cloudfn_conn_id': 'paged', 'uri': '\"/v1/items\"'}\n"


@pytest.mark.parametrize(("step", "is_refused"), MAPPED)
def test_of_a_mapped_step_what_is_certain_is_refused_at_parse_time(
    import_errors: Callable[[str], str], step: str, is_refused: bool
) -> None:
    said = import_errors(dag_runs.dag_file(f"CloudFunctionOperator.{step}", before=GIVEN))

    assert ('query["page"]: pages= sends this parameter' in said) == is_refused, said


def test_a_decorated_step_is_refused_at_parse_time(import_errors: Callable[[str], str]) -> None:
    step = """
    @task.cloudfn(cloudfn_conn_id="paged", uri='"/v1/items"', query={"offset": 3}, pages=Pages.offset())
    def call():
        return 1

    call()
    """

    assert 'query["offset"]: pages= sends this parameter' in import_errors(dag_runs.dag_file(step))


@pytest.mark.parametrize(
    "parameters",
    [
        {"pages": "Pages.page_number()", "query": "{'page': None, 'Page': 3}"},
        {"pages": "Pages.offset(limit_query=None)", "query": "{'limit': 50}"},
        {"pages": "Pages.page_number(limit=50)", "query": "{'limit': 50}"},
        {"pages": "Pages.link_header()", "query": "{'page': 3}"},
        {"pages": "Pages.cursor('response.body.c', query='c')", "query": "{'c': 'params.page'}"},
        {"pages": "Pages.custom('null')", "query": "{'page': 3}"},
        {"pages": "Pages.page_number()", "uri": "'\"/v1/\" + params.customer'"},
        {"pages": "Pages.page_number()", "query": "{'pages': 3}", "uri": "'\"/v1/page=3?a=page\"'"},
    ],
)
def test_what_is_nobody_else_s_is_the_author_s(import_errors: Callable[[str], str], parameters: dict[str, str]) -> None:
    given = {"cloudfn_conn_id": "'paged'", "uri": "'\"/v1/items\"'", **parameters}
    dag = dag_runs.dag_file(dag_runs.call(**given))

    assert not import_errors(dag)


@pytest.fixture
def paged(serve: Callable[..., LoopbackServer], connection: Callable[..., None]) -> LoopbackServer:
    """A service that knows two pages by a cursor that goes from ``start`` to ``end``."""

    def reply(request: Received) -> Answer:
        places = [("", request.headers.get("x-after")), *parse_qsl(urlsplit(request.target).query)]
        return Answer.of(
            200, {"data": [1], "next": None if ("after", "end") in places or places[0][1] == "end" else "end"}
        )

    server = serve(reply=reply)
    connection("paged", conn_type="cloudfn", host=server.url)
    return server


@pytest.mark.parametrize(
    "parameters",
    [
        {"query": "cel('inputs')", "inputs": "{'page': 3}"},
        {"uri": "'\"/v1/items?\" + inputs'", "inputs": "'page=3'"},
        {"query": "{'a': 1}", "uri": "'\"/v1\" + item'", "for_each": "ForEach(['?page=3'])"},
    ],
)
def test_what_is_known_at_run_time_alone_is_refused_before_anything_is_sent(
    run: Any, paged: LoopbackServer, parameters: dict[str, str], capfd: pytest.CaptureFixture[str]
) -> None:
    given = {"cloudfn_conn_id": "'paged'", "uri": "'\"/v1/items\"'", "pages": "Pages.page_number()", **parameters}

    run(dag_runs.call(**given))

    assert "pages= sends this parameter" in capfd.readouterr().out
    assert paged.received == []


@pytest.mark.parametrize(
    ("uri", "query"), [("/v1", {"page": 3}), ("/v1", [("a", "1"), ("page", "3")]), ("/v1?page=3", None)]
)
def test_a_session_refuses_it_before_anything_is_sent(paged: LoopbackServer, uri: str, query: Any) -> None:
    with (
        CloudFunctionHook("paged").session() as session,
        pytest.raises(ConfigurationError, match="pages= sends this parameter"),
    ):
        list(session.pages(Pages.page_number(), "GET", uri, query=query))

    assert paged.received == []


@pytest.mark.parametrize(
    ("place", "options", "targets", "headers"),
    [
        ({"query": "after"}, {"query": {"after": "start", "a": "1"}}, ["/v1?after=start&a=1", "/v1?after=end&a=1"], []),
        ({"query": "after"}, {"uri": "/v1?a=1&after=start"}, ["/v1?a=1&after=start", "/v1?a=1&after=end"], []),
        ({"header": "X-After"}, {"headers": {"x-after": "start"}}, ["/v1", "/v1"], ["start", "end"]),
    ],
)
def test_a_cursor_of_the_author_s_own_is_where_a_read_begins(
    paged: LoopbackServer, place: dict[str, str], options: dict[str, Any], targets: list[str], headers: list[str]
) -> None:
    pages = Pages.cursor("response.body.next", **place, items="response.body.data")
    uri = options.pop("uri", "/v1")

    with CloudFunctionHook("paged").session() as session:
        assert list(session.pages(pages, "GET", uri, **options)) == [1, 1]

    assert [request.target for request in paged.received] == targets
    assert [request.headers["x-after"] for request in paged.received if headers] == headers
