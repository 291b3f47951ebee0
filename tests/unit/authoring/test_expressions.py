"""What is wrong with a task's expressions, told before it runs."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from airflow_provider_cloudfn import CompletionEvent, cel, lit, secret
from airflow_provider_cloudfn.auth.message import HttpResponse
from airflow_provider_cloudfn.authoring.expressions import written_problems
from airflow_provider_cloudfn.authoring.parameter import Parameter, Reading
from airflow_provider_cloudfn.authoring.reading import read
from airflow_provider_cloudfn.authoring.surroundings import Surroundings
from airflow_provider_cloudfn.authoring.vocabulary import RECORDS
from airflow_provider_cloudfn.client.response import read_response

URI = Parameter("uri", Reading.TEXT)
BODY = Parameter("body", Reading.DOCUMENT)
QUERY = Parameter("query", Reading.PAIRS)
RETURNS = Parameter("returns", Reading.VALUE, after_call=True)
INPUTS = Parameter("inputs", Reading.MARKED, jinja=True)
CHECK = Parameter("response_check", Reading.CHECK, after_call=True)

SURROUNDINGS = Surroundings(
    task_id="charge",
    upstream=frozenset({"fetch_order", "fetch-order", "group.inner"}),
    tasks=frozenset({"fetch_order", "fetch-order", "group.inner", "charge", "later", "other.later-on"}),
)
MAPPED = Surroundings(
    task_id="charge",
    upstream=frozenset({"score", "group.inner"}),
    tasks=frozenset({"score", "group.inner", "charge"}),
    groups_of=lambda step: ("group",) if step == "group.inner" else (),
    is_mapped=lambda step: step == "score",
)


def _filled(value: Any, text: str) -> Any:
    if isinstance(value, dict):
        return {name: _filled(item, text) for name, item in value.items()}
    if isinstance(value, list):
        return [_filled(item, text) for item in value]
    return text if value == "%s" else value


def problems(field: Parameter, value: Any) -> list[str]:
    return [str(problem) for problem in written_problems(field, read(field, value), SURROUNDINGS)]


UNMARKED = [
    "steps.fetch_order.customer.id",
    ' steps["fetch-order"].total * 100',
    "steps.fetch_order.name.lower()",
    'context["charge.created"].orderId',
    'contextEventPath("charge.created:id")',
    "params.order_id",
    "conf.order_id",
    "inputs.id",
    "run.id",
    "events[0].result",
    "events.map(e, e.result)",
    "response.body.id",
    '"order " + params.id',
    "string(steps.fetch_order.total)",
    "time.format(run.run_after, '%Y')",
    'has(params.x) ? params.x : "none"',
    "!params.flag",
    "-params.n",
    "size(events)",
    '"of " + inputs',
    '{"id": params.id}',
    '[steps["fetch-order"]]',
]

TEXT = [
    "see (params.json)",
    "data/params.json",
    "run/inputs",
    "print(inputs.csv)",
    'say "inputs"',
    "{order_id} of {response.created}",
    "params",
    "events",
    "inputs-v2",
    "see steps.fetch_order",
    "steps.fetch_order and more",
    "run.completed",
    "events.created",
    "(run)",
    "Page (index) of (total)",
    "response.created",
    "conf.d/site.conf",
    "steps. First, open the lid.",
]


@pytest.mark.parametrize("text", UNMARKED)
@pytest.mark.parametrize(
    ("field", "value"),
    [(BODY, {"a": ["%s"]}), (INPUTS, "%s"), (RETURNS, {"a": "%s"}), (BODY, ["%s", 1])],
    ids=["body", "inputs", "returns", "list"],
)
def test_text_that_reads_as_an_expression_is_refused_with_both_marks(field: Parameter, value: Any, text: str) -> None:
    (problem,) = problems(field, _filled(value, text))

    assert "is text that reads as an expression" in problem
    assert repr(cel(text)) in problem
    assert repr(lit(text)) in problem


@pytest.mark.parametrize("mark", [cel, lit])
def test_text_that_is_marked_passes(mark: Any) -> None:
    assert problems(BODY, {"a": mark("steps.fetch_order.id")}) == []


@pytest.mark.parametrize("text", TEXT)
def test_text_that_no_expression_is_passes(text: str) -> None:
    assert problems(BODY, {"a": text}) == []


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("order {params.id} is late", "{params.id}"),
        ("${steps.fetch_order.id}", "${steps.fetch_order.id}"),
        ("{ inputs.id }: {}", "{ inputs.id }"),
    ],
)
def test_text_has_no_places_for_values(text: str, place: str) -> None:
    (problem,) = problems(BODY, {"a": text})
    (in_json,) = problems(BODY, json.dumps({"a": text}))

    expression = place.strip("${ }")
    assert problem.startswith(
        f"body.a: {place} is no place that a value is put into, and would stay as it is: write an"
    )
    assert f"cel('\"… \" + string({expression})')" in problem
    assert "a dict or a list instead of JSON text" in in_json
    assert problems(BODY, {"a": lit(text)}) == []
    assert problems(INPUTS, "{{ params.id }}") == []


@pytest.mark.parametrize("mark", ["cel('params.id')", 'cel("params.id")', "lit('x')", "secret('key')"])
def test_a_mark_in_quotes_is_text(mark: str) -> None:
    (problem,) = problems(BODY, {"a": mark})
    (in_json,) = problems(BODY, json.dumps({"a": mark}))

    assert (
        problem
        == f"body.a: is text, which would be sent as it stands: write {mark}, the function, without quotes around it"
    )
    assert in_json == f"{problem}, in a dict or a list instead of JSON text"


@pytest.mark.parametrize("mark", ["cel", "lit", "secret"])
def test_a_mark_is_no_function_of_an_expression(mark: str) -> None:
    (problem,) = problems(URI, f'"/v1/" + {mark}("x")')

    assert problem.startswith(f"uri: 1:10: unknown function '{mark}'; ")
    assert "did you mean" not in problem


class _Made:
    """Anything that has no text of its own."""


SHOWN = [
    "<Task(CloudFunctionOperator): fetch_order>",
    "<Mapped(CloudFunctionOperator): fetch_order>",
    "XComArg(<Task(CloudFunctionOperator): b>).map(<lambda>)",
    "MappedArgument(_input=DictOfListsExpandInput(value={'x': [1]}), _key='x')",
    str(_Made()),
    str(problems),
    str(CompletionEvent("order.paid")),
]


@pytest.mark.parametrize("shown", SHOWN, ids=range(len(SHOWN)))
@pytest.mark.parametrize(("field", "value"), [(BODY, "a dict"), (URI, "a path"), (INPUTS, "text"), (BODY, "JSON")])
def test_what_python_shows_of_an_object_is_no_value(field: Parameter, value: str, shown: str) -> None:
    written = {
        "a dict": {"a": f"id {shown}"},
        "a path": f'"/v1/{shown}"',
        "text": shown,
        "JSON": json.dumps({"a": shown}),
    }

    (problem,) = problems(field, written[value])

    assert "is how Python shows an object, and no value of it: an f-string or str() has put it in" in problem


@pytest.mark.parametrize("text", ["lorem (ipsum) dolor ", "(", "<a ", "<Task(x): ", "{params x} ", "x.partial("])
def test_long_text_takes_no_time(text: str) -> None:
    began = time.process_time()

    assert problems(BODY, {"a": text * 20_000}) == []
    assert time.process_time() - began < 2.0


def test_a_name_that_reads_as_an_expression_is_a_name() -> None:
    assert problems(BODY, {"params.size": 1}) == []
    assert problems(QUERY, {"params.size": 1}) == []


def test_in_json_text_an_expression_in_quotes_is_refused() -> None:
    (problem,) = problems(BODY, '{"customer": ["steps.fetch_order.id", "c-1"]}')

    assert problem.startswith("body.customer[0]: is text that reads as an expression")
    assert "leave its quotes out" in problem


@pytest.mark.parametrize("check", ["response.body.done", "true", 1])
def test_a_check_that_checks_nothing_is_refused(check: Any) -> None:
    (problem,) = problems(CHECK, check)

    assert problem.startswith("response_check: ")
    assert 'cel("' in problem or "cel('" in problem


@pytest.mark.parametrize("check", [cel("response.body.done"), bool])
def test_a_function_and_an_expression_are_checks(check: Any) -> None:
    assert problems(CHECK, check) == []


@pytest.mark.parametrize(
    ("field", "value"),
    [
        (URI, '"/v1/" + steps.fetch_order.id'),
        (URI, '"/v1/" + steps["fetch-order"].id + steps["group.inner"].id'),
        (BODY, {"a": cel("context['x'].y"), "b": cel("events.map(e, e.result)"), "c": cel("params.a")}),
        (BODY, 'contextEventPath("charge.created:id")'),
        (RETURNS, "response.body.items.filter(i, i.steps == run.id)"),
        (RETURNS, "has(response.bdy) || response.?bdy.hasValue() || response[?'bdy'].hasValue() || 'bdy' in response"),
        (RETURNS, "[1].map(fetch_order, fetch_order)"),
        (RETURNS, 'response.headers["content-type"] + response.headers.etag'),
        (RETURNS, 'response.headers[?"Content-Type"].orValue("")'),
    ],
)
def test_what_is_right_has_no_problem(field: Parameter, value: Any) -> None:
    assert problems(field, value) == []


@pytest.mark.parametrize(
    ("field", "value", "parts"),
    [
        (URI, '"/v1/" + stesp.fetch_order', ["uri: 1:10: ", "'stesp'", "'steps'", "^"]),
        (URI, '"/v1/" + steps.fetch_ordr.id', ["uri: 1:", "no step 'fetch_ordr'", "did you mean steps.fetch_order?"]),
        (URI, '"/" + steps.later.id', ["does not run before 'charge'", "add `later >> charge`"]),
        (URI, '"/" + steps["other.later-on"].id', ["add `later_on >> charge`"]),
        (URI, '"/" + steps.charge.id', ["a step can't read itself"]),
        (URI, '"/" + steps.group.inner.id', ['write steps["group.inner"]']),
        (URI, '"/" + steps.inner.id', ['did you mean steps["group.inner"]?']),
        (
            URI,
            '"/" + steps.fetch-order.id',
            ["uri: 1:7: ", 'steps.fetch-order is a subtraction; write steps["fetch-order"]'],
        ),
        (URI, '"/" + response.body.id', ["'response' exists only after the call"]),
        (URI, "/v1/charges", ["uri: ", '"/v1/charges"']),
        (URI, '"/v1/{{ ds }}"', ["Jinja"]),
        (QUERY, {"since": "2024-01-01"}, ['query["since"]: ', "2024-01-01", "arithmetic", "2022"]),
        (BODY, '{"a": steps.fetch_order.id', ["body: "]),
        (BODY, {"a": {"b": cel("1 +")}}, ["body.a.b: "]),
        (BODY, "{'a': fetch_order.id}", ["body: 1:7: ", "unknown name 'fetch_order'; did you mean steps.fetch_order?"]),
        (BODY, "{'a': fetch-order.id}", ["body: 1:7: ", """'fetch-order'; did you mean steps["fetch-order"]?"""]),
        (BODY, "{'a': group.inner.id}", ["body: 1:7: ", """'group'; did you mean steps["group.inner"]?"""]),
        (BODY, "{'a': inner.id}", ["body: 1:7: ", """'inner'; did you mean steps["group.inner"]?"""]),
        (URI, "fetch_order.id", ["uri: 1:1: unknown name 'fetch_order'; did you mean steps.fetch_order?\n"]),
        (URI, "fetch-order.id", ["uri: 1:1: ", """'fetch-order'; did you mean steps["fetch-order"]?\n"""]),
        (URI, "fetch_order", ["did you mean steps.fetch_order? Text stands in quotes: '\"fetch_order\"'"]),
        (URI, "application/later", ["text stands in quotes: write '\"application/later\"'"]),
        (RETURNS, "response.bdy", ["returns: 1:1: 'response' has no field 'bdy'; did you mean response.body?"]),
        (RETURNS, "has(response.bdy.id)", ["did you mean response.body?"]),
        (
            RETURNS,
            'response["json"]',
            ["'response' has no field 'json'; it has status, headers, body, text, bytes, cookies, url, request_id"],
        ),
        (URI, "'/' + run.idd", ["'run' has no field 'idd'; did you mean run.id?"]),
        (RETURNS, "response.headers['Content-Type']", ['write response.headers["content-type"]']),
        (RETURNS, "response.headers.ETag", ['write response.headers["etag"]']),
    ],
)
def test_what_is_wrong_is_told_with_its_place_and_what_to_do(field: Parameter, value: Any, parts: list[str]) -> None:
    (problem,) = problems(field, value)

    for part in parts:
        assert part in problem


@pytest.mark.parametrize(
    ("source", "parts"),
    [
        ('{"name": Ada}', ["unknown name 'Ada'", """text stands in quotes inside the quotes ('"Ada"')""", "f-string"]),
        ("name=Ada", ["'=' is no operator", "text stands in quotes inside the quotes", "params.name or inputs.name"]),
        ("Hello Ada", ["text stands in quotes inside the quotes"]),
        ('"/" + Ada', ["unknown name 'Ada'", "f-string"]),
    ],
)
def test_bare_text_is_told_where_its_quotes_are(source: str, parts: list[str]) -> None:
    (problem,) = problems(BODY, source)

    for part in parts:
        assert part in problem


def test_a_misspelt_name_is_no_bare_text() -> None:
    (problem,) = problems(BODY, "{'a': parms.x}")

    assert "text stands" not in problem


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("steps.score.price", "step 'score' is mapped, so its result is a list: write steps.score.map(x, x.price)"),
        ('steps.score["a b"].c', 'write steps.score.map(x, x["a b"].c), or steps.score[0]["a b"].c'),
        (
            'steps["group.inner"].id',
            'is in a mapped group, so its result is a list: write steps["group.inner"].map(x, x.id)',
        ),
    ],
)
def test_a_field_of_a_mapped_step_is_refused_with_what_to_write(source: str, said: str) -> None:
    (problem,) = written_problems(BODY, read(BODY, source), MAPPED)

    assert said in str(problem)


@pytest.mark.parametrize(
    "source", ["steps.score", "steps.score.map(x, x.price)", "steps.score[0].price", "size(steps.score)"]
)
def test_a_mapped_step_is_a_list(source: str) -> None:
    assert list(written_problems(BODY, read(BODY, source), MAPPED)) == []


def test_all_problems_of_a_task_are_told_at_once() -> None:
    given = [(URI, "stesp.a"), (BODY, {"a": cel("1 +"), "b": cel("params.x")}), (RETURNS, "nope")]
    found = [
        one for parameter, value in given for one in written_problems(parameter, read(parameter, value), SURROUNDINGS)
    ]

    assert len(found) == 3


def test_all_problems_of_an_expression_are_told_in_the_order_of_its_source() -> None:
    source = (
        '{"x": steps.later.id, "y": steps.nope, "z": parms.x, "r": response.body, "d": steps.fetch-order, "q": "\\q"}'
    )

    found = problems(BODY, source)

    assert [text.split(": ")[1] for text in found] == ["1:7", "1:28", "1:45", "1:59", "1:79", "1:104"]
    for text, part in zip(
        found, ["'later' does not run", "no step 'nope'", "'parms'", "'response'", "subtraction", "escape"], strict=True
    ):
        assert part in text


def test_the_fields_of_records_are_those_that_there_are() -> None:
    answer = read_response(HttpResponse(200), "").as_variable()

    assert all(name in answer for name in RECORDS["response"])
    assert set(answer) <= set(RECORDS["response"])


def test_outside_a_dag_the_steps_are_not_checked() -> None:
    assert list(written_problems(URI, read(URI, '"/" + steps.anything.id'), None)) == []


STATE = Parameter("success_when", Reading.CONDITION, after_call=True)


@pytest.mark.parametrize(
    ("field", "value", "written"),
    [
        (BODY, {"name": '"Ada"'}, "'Ada'"),
        (BODY, ["'it\"s'"], "'it\"s'"),
        (INPUTS, {"a": {"b": '""'}}, "''"),
        (Parameter("event_type", Reading.MARKED), '"order.paid"', "'order.paid'"),
        (RETURNS, {"id": '"x"'}, "'x'"),
    ],
)
def test_where_text_is_text_it_has_no_quotes_of_its_own(field: Parameter, value: Any, written: str) -> None:
    (problem,) = problems(field, value)

    assert (
        f"would be part of the text, as it is no expression here: write {written}; if they are meant, write lit("
        in problem
    )


@pytest.mark.parametrize(
    ("field", "value"),
    [
        (BODY, {"name": lit('"Ada"')}),
        (BODY, '{"name": "\\"Ada\\""}'),
        (BODY, '"Ada"'),
        (BODY, {"name": 'the "best"', "other": '"a" and "b"'}),
        (INPUTS, {"etag": '"{{ params.etag }}"'}),
        (Parameter("json_string", Reading.MARKED), '"text"'),
    ],
)
def test_quotes_that_are_meant_stay(field: Parameter, value: Any) -> None:
    assert problems(field, value) == []


@pytest.mark.parametrize("field", [RETURNS, URI, Parameter("query", Reading.TEXT)])
def test_an_expression_in_quotes_is_text_that_nobody_means(field: Parameter) -> None:
    (problem,) = problems(field, '"steps.fetch_order.id"')

    assert "is text because of its quotes, and reads as an expression: write 'steps.fetch_order.id'; if" in problem
    assert problems(field, lit("steps.fetch_order.id")) == []


@pytest.mark.parametrize(
    ("source", "shown"), [("200", "200"), ('"yes"', "'yes'"), ("1 + 1", "2"), ("[1]", "of type list")]
)
def test_a_condition_that_is_always_the_same_is_true_or_false(source: str, shown: str) -> None:
    (problem,) = problems(STATE, source)

    assert f"must be true or false, and is always {shown}: " in problem
    assert [problems(STATE, one) for one in ("true", "1 == 1", "response.body")] == [[], [], []]


@pytest.mark.parametrize(
    ("source", "found", "column"),
    [
        ('"/orders/{order_id}"', "{order_id}", 10),
        ('"/orders/${order_id}/lines"', "${order_id}", 10),
        ('"/orders/<order id>"', "<order id>", 10),
        ('"/orders/%s"', "%s", 10),
        ('"/orders/%(id)s"', "%(id)s", 10),
        ('"/orders/:id"', ":id", 10),
        ('"/orders/" + url.encode(params.id) + "/{line}"', "{line}", 40),
        ('params.id == "" ? "/orders" : "/orders/{id}"', "{id}", 40),
    ],
)
def test_a_uri_has_no_places_for_values(source: str, found: str, column: int) -> None:
    (problem,) = problems(URI, source)

    assert problem.startswith(f"uri: 1:{column}: {found} is no place that a value is put into")
    assert problems(Parameter("poll.uri", Reading.TEXT), source)
    assert problems(Parameter("query", Reading.TEXT), source) == []


@pytest.mark.parametrize(
    "source",
    [
        '"/orders/%s".format([params.id])',
        '"/orders/{id}".replace("{id}", params.id)',
        '"/orders/%7Bid%7D"',
        '"/v1/orders:cancel"',
        '"/a%d0"',
        '"http://api.example.com/orders"',
        'params.id == "{none}" ? "/orders" : "/orders/all"',
        'params.id.matches("^(?P<id>[0-9]+)$") ? "/orders" : "/orders/all"',
        'regex.extract(params.link, "(?P<path>/.*)").orValue("/orders")',
        'params.id in ["{id}", "/:id/"] ? "/orders" : "/orders/all"',
        '{"{a}": "/orders"}[params.id]',
    ],
)
def test_what_only_looks_like_a_place_is_none(source: str) -> None:
    assert problems(URI, source) == []


@pytest.mark.parametrize(
    ("source", "wrong"),
    [
        ('"/orders/my order"', "has white space"),
        ('"/orders/1#top"', "has a fragment"),
        ('"/../orders"', "climbs with '..'"),
        ('"//orders"', "names another host"),
    ],
)
def test_a_uri_that_is_known_is_judged_before_the_step_runs(source: str, wrong: str) -> None:
    (problem,) = problems(URI, source)

    assert wrong in problem


def test_a_division_of_python_is_no_comment() -> None:
    (problem,) = problems(RETURNS, "response.body.total // 2")

    assert problem.startswith("returns: 1:21: // 2 is a comment, as // begins one: a division is written a / b")
    assert problems(RETURNS, "response.body.total // in cents") == []
    assert problems(RETURNS, '"http://" + "//2"') == []


IN_REACH = Surroundings(
    task_id="charge",
    upstream=frozenset(),
    tasks=frozenset({"charge"}),
    events=frozenset(
        {
            "charge.created",
            "paid",
            "order",
            "order.paid",
            "order.created",
            "order.placed.v1",
            "stock.us.moved",
            "com.example.order.paid",
        }
    ),
)


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ('context["charge.create"].id', "no event 'charge.create' is in reach; did you mean 'charge.created'?"),
        ('context["charge.craeted"].id', "did you mean 'charge.created'?"),
        ('context["charge.xreated"].id', "did you mean 'charge.created'?"),
        ('context["charge_created"].id', "did you mean 'charge.created'?"),
        ('context["Charge.Created"].id', "did you mean 'charge.created'?"),
        ("context.charge.created.id", 'an event is named by its whole name: write context["charge.created"]'),
    ],
)
def test_an_event_is_named_as_it_is_declared(source: str, said: str) -> None:
    (problem,) = written_problems(BODY, read(BODY, source), IN_REACH)

    assert said in str(problem)


@pytest.mark.parametrize(
    "source",
    [
        'context["charge.created"].id',
        "context.paid",
        'context["charge.failed"]',
        'has(context["charge.create"].id)',
        "context",
        # One event's name can be the beginning of another's.
        'context["order"].paid',
        "context.order.paid.amount",
        # Names that are alike by what they mean.
        'context["order.unpaid"]',
        'context["order.recreated"]',
        'context["order.placed.v2"]',
        'context["stock.de.moved"]',
        'context["com.example.order.void"]',
    ],
)
def test_any_other_event_can_come_with_the_conf_of_a_run(source: str) -> None:
    assert list(written_problems(BODY, read(BODY, source), IN_REACH)) == []


@pytest.mark.parametrize("source", ["1 / 0", "[1][2]"])
def test_what_can_have_no_value_is_refused(source: str) -> None:
    (problem,) = problems(RETURNS, source)

    assert "reads no variable, and has no value: " in problem


def test_what_takes_longer_than_a_parser_has_is_no_fault() -> None:
    assert problems(RETURNS, "lists.range(20000).map(page, {'page': page})") == []


@pytest.mark.parametrize("value", [{"key": "secret('tenant')"}, '{"key": "secret(\'tenant\')"}', ['secret("a")']])
def test_a_secret_in_quotes_is_text_that_would_be_sent(value: Any) -> None:
    (problem,) = problems(BODY, value)

    assert "is text, which would be sent as it stands: write secret(" in problem


def test_what_is_of_the_answer_is_named_with_it() -> None:
    (problem,) = problems(RETURNS, "body.id")

    assert "unknown name 'body'; an answer's is response.body" in problem


@pytest.mark.parametrize("source", ["response.status", " response.headers ", "response"])
def test_nor_is_what_is_known_of_an_answer_a_condition(source: str) -> None:
    (problem,) = problems(STATE, source)

    assert f"must be true or false, and {source.strip()} is neither: compare it" in problem


@pytest.mark.parametrize(
    ("source", "at", "said"),
    [
        (
            'response.status == "200"',
            20,
            "response.status is a number, which no text is equal to: write 200 without quotes",
        ),
        ("response.status in ['200', '201']", 21, "write 200 without quotes"),
        ("'404' != response.status || true", 1, "write 404 without quotes"),
        ('response.status == 200 && run.try_number == "1"', 45, "run.try_number is a number"),
    ],
)
def test_a_number_that_is_compared_with_text_is_a_problem(source: str, at: int, said: str) -> None:
    (problem,) = problems(STATE, source)

    assert f"1:{at}: " in problem
    assert said in problem


@pytest.mark.parametrize(
    "source",
    [
        'string(response.status) == "200"',
        'response.body.status == "200"',
        "'a: response.status == \"200\"' == params.id",
    ],
)
def test_text_may_be_compared_with_text(source: str) -> None:
    assert problems(STATE, source) == []


@pytest.mark.parametrize("mark", [cel.Expression("params.id"), secret("tenant")])
def test_a_mark_is_no_part_of_an_f_string(mark: Any) -> None:
    with pytest.raises(TypeError, match="whole value, and in an f-string"):
        f"id-{mark}"
