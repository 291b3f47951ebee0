"""Where data could become code, a call be made in vain, or an event be lost."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import pytest
from kit.dag_runs import dag_file

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.usefixtures("sandbox")


@pytest.fixture
def errors(import_errors: Callable[[str], str]) -> Callable[[str], str]:
    """Return a function that parses a Dag of these tasks and returns the import error."""
    return lambda tasks: import_errors(dag_file(tasks))


CALL = "task_id='call', cloudfn_conn_id='shop'"


@pytest.mark.parametrize("name", ["returns", "success_when", "event_payload", "retry_when"])
@pytest.mark.parametrize("value", ["text()", "text().map(lambda x: x)"])
def test_what_is_evaluated_after_the_call_cannot_come_from_a_step(errors: Any, name: str, value: str) -> None:
    message = errors(f"""
    @task
    def text():
        return ["run.id"]

    CloudFunctionOperator.partial({CALL}, uri='"/v1/customers"').expand({name}={value})
    CloudFunctionOperator(task_id="plain", uri='"/v1/customers"', {name}={value})
    """)

    assert f"call: {name}: is evaluated after the call" in message
    assert f"plain: {name}: is evaluated after the call" in message


def test_nor_does_it_under_expand_kwargs_and_nothing_is_sent(run: Any, sandbox: Any) -> None:
    result = run(f"""
    @task
    def rows():
        return [{{"returns": "run.id"}}, {{"success_when": "false"}}]

    CloudFunctionOperator.partial({CALL}, uri='"/v1/customers"').expand_kwargs(rows())
    """)

    assert result.states["call"] == ["failed", "failed"]
    assert sandbox.requests == []


def test_what_the_dag_file_says_stays_an_expression_beside_data(run: Any, sandbox: Any) -> None:
    run(
        f"""
    @task
    def rows():
        return [{{"query": {{"a": "run.id"}}}}]

    CloudFunctionOperator.partial({CALL}).expand_kwargs(rows())
    """,
        """default_args={"uri": 'run.dag_id == "d" ? "/v1/customers" : ""', "headers": {"X-A": "run.dag_id"}}""",
    )

    request = sandbox.requests[-1]
    assert request.path == "/header/v1/customers"
    assert request.header("x-a") == "d"
    assert request.parameters == [("a", "run.id")]


def test_data_stays_data_in_a_class_of_a_users_own(run: Any, sandbox: Any) -> None:
    run(f"""
    class Find(CloudFunctionOperator):
        def __init__(self, *, wanted=None, **kwargs):
            super().__init__(uri='"/v1/customers"', query={{"q": wanted}}, **kwargs)

    @task
    def texts():
        return ["run.id"]

    Find.partial({CALL}).expand(wanted=texts())
    """)

    assert sandbox.requests[0].parameters == [("q", "run.id")]


OWN = """
class Own(CloudFunctionOperator):
    def __init__(self, *, row, **kwargs):
        super().__init__({written}, **kwargs)

@task
def rows():
    return [{row!r}]

Own.partial(task_id="call", cloudfn_conn_id="shop").{expanded}
"""
EXPANDED = ["expand(row=rows())", "expand_kwargs(rows().map(lambda row: {'row': row}))"]


@pytest.mark.parametrize("expanded", EXPANDED)
@pytest.mark.parametrize(
    "written",
    [
        """uri='"/v1/customers"', query={"q": "inputs"}, inputs=row["id"]""",
        """uri='"/v1/customers"', query={"q": "inputs.deep[0]"}, inputs={"deep": (row["id"], "text")}""",
        """uri='"/v1/customers"', query={"q": "inputs.id"}, inputs=row""",
        """uri='"/v1/customers"', query={"q": [row["id"]]}""",
    ],
)
def test_jinja_in_data_stays_text_in_whichever_parameter_a_class_of_a_users_own_puts_it(
    run: Any, sandbox: Any, written: str, expanded: str
) -> None:
    run(OWN.format(written=written, expanded=expanded, row={"id": "{{ conn.shop.password }}"}))

    assert sandbox.requests[0].parameters == [("q", "{{ conn.shop.password }}")]


@pytest.mark.parametrize("expanded", EXPANDED)
@pytest.mark.parametrize(
    ("written", "row", "parameters"),
    [
        ("""query={"q": row["id"]}""", {"id": "run.id"}, [("q", "run.id")]),
        ("""query={"q": row["id"]}""", {"id": "inputs"}, [("q", "inputs")]),
        ("""query={"q": row["id"]}""", {"id": "a"}, [("q", "a")]),
        ("""query={"q": row["id"]}""", {"id": ""}, [("q", "")]),
        ("""query={next(iter(row)): "run.dag_id"}""", {"'a' + run.id": 1}, [("'a' + run.id", "d")]),
    ],
)
def test_cel_in_data_stays_text_in_whichever_parameter_a_class_of_a_users_own_puts_it(
    run: Any, sandbox: Any, written: str, row: Any, parameters: Any, expanded: str
) -> None:
    run(OWN.format(written=f"""uri='"/v1/customers"', {written}""", expanded=expanded, row=row))

    assert sandbox.requests[0].parameters == parameters


@pytest.mark.parametrize("expanded", EXPANDED)
def test_the_path_and_the_body_that_a_class_of_a_users_own_makes_of_data_are_sent_as_they_are(
    run: Any, sandbox: Any, expanded: str
) -> None:
    written = """method="POST", uri=row["path"], body={"id": row["id"], "dag": cel("run.dag_id")}"""

    run(OWN.format(written=written, expanded=expanded, row={"path": "/v1/reports", "id": "{{ run_id }}"}))

    (request,) = sandbox.requests
    assert request.path == "/header/v1/reports"
    assert request.json() == {"id": "{{ run_id }}", "dag": "d"}


@pytest.mark.parametrize("expanded", EXPANDED)
@pytest.mark.parametrize("name", ["returns", "success_when", "event_payload", "retry_when"])
def test_data_in_what_is_evaluated_after_the_call_is_refused_in_a_class_of_a_users_own(
    run: Any, sandbox: Any, capfd: pytest.CaptureFixture[str], name: str, expanded: str
) -> None:
    written = f"""uri='"/v1/customers"', {name}=row["text"]"""

    result = run(OWN.format(written=written, expanded=expanded, row={"text": "run.id == ''"}))

    assert result.states["call"] == ["failed"]
    assert sandbox.requests == []
    assert f"{name}: is evaluated after the call, and can't come from another step" in "".join(capfd.readouterr())


@pytest.mark.parametrize("expanded", EXPANDED)
def test_text_in_the_payload_that_a_class_of_a_users_own_makes_of_data_is_emitted_as_it_is(
    run: Any, sandbox: Any, expanded: str
) -> None:
    written = """uri='"/v1/customers"', event_payload={"id": row["id"]}"""
    tasks = OWN.format(written=written, expanded=expanded, row={"id": "{{ run_id }}"}).replace(
        'task_id="call"', 'task_id="call", completion_event=CompletionEvent("x.y")'
    )

    run(f"""{tasks.rstrip()} >> CloudFunctionOperator(
    task_id="after", cloudfn_conn_id="shop", uri='"/v1/customers"', query={{"q": 'context["x.y"].id'}}
)""")

    assert sandbox.requests[-1].parameters == [("q", "{{ run_id }}")]


@pytest.mark.parametrize(
    ("written", "partial", "expanded", "parameters"),
    [
        pytest.param(
            """query={"q": "inputs"}, inputs=row""", "", "expand(row=['{{ dag.dag_id }}'])", [("q", "d")], id="expand"
        ),
        pytest.param(
            """query={"q": row}""", "", "expand_kwargs([{'row': 'run.dag_id'}])", [("q", "d")], id="expand_kwargs"
        ),
        pytest.param(
            """query="inputs", inputs={"w": row}""",
            "",
            "expand_kwargs(rows().map(lambda _: {'row': 'inputs'}))",
            [("w", "inputs")],
            id="a word that is in the class too",
        ),
        pytest.param(
            """inputs=row""",
            ", query={'q': 'run.dag_id'}",
            "expand_kwargs(rows().map(lambda _: {'row': 'run.dag_id'}))",
            [("q", "d")],
            id="a constant that is in partial() too",
        ),
        pytest.param(
            """query={"q": "7"}, body="7", method="POST", inputs=row""",
            "",
            "expand_kwargs(rows().map(lambda _: {'row': '7'}))",
            [("q", "7")],
            id="a digit",
        ),
    ],
)
def test_what_the_dag_file_says_stays_an_expression_in_a_class_of_a_users_own(
    run: Any, sandbox: Any, written: str, partial: str, expanded: str, parameters: Any
) -> None:
    written = f"""uri='"/v1/customers"', {written}"""
    tasks = OWN.format(written=written, expanded=expanded, row="text")

    run(tasks.replace('cloudfn_conn_id="shop"', f'cloudfn_conn_id="shop"{partial}'))

    (request,) = sandbox.requests
    assert request.parameters == parameters
    if request.method == "POST":
        assert request.json() == 7


def test_a_second_rendering_changes_nothing(run: Any, sandbox: Any) -> None:
    result = run(f"""
    class Twice(CloudFunctionOperator):
        def pre_execute(self, context):
            self.render_template_fields(context)

    Twice({CALL}, uri='"/v1/customers"', query={{"q": '"run." + inputs'}}, inputs="id")
    """)

    assert result.state == "success"
    assert sandbox.requests[0].parameters == [("q", "run.id")]


def test_after_the_call_inputs_are_what_they_have_become(run: Any) -> None:
    result = run(f"""
    class Completed(CloudFunctionOperator):
        def pre_execute(self, context):
            self.inputs = {{"who": "somebody else"}}

    Completed({CALL}, uri='"/v1/customers"', inputs={{"who": "somebody"}}, returns="inputs.who")
    """)

    assert result.xcom("call") == "somebody else"


def test_inputs_can_hold_expressions(run: Any, sandbox: Any) -> None:
    run(f"""
    CloudFunctionOperator(
        {CALL}, uri='"/v1/customers"', query={{"q": "inputs.a", "r": "inputs.b"}}, inputs={{"a": cel("run.dag_id"), "b": lit("x")}},
    )
    """)

    assert sandbox.requests[0].parameters == [("q", "d"), ("r", "x")]


@pytest.mark.parametrize(
    ("body", "sent"),
    [
        ("""'null'""", b"null"),
        (
            """'{"a": 2.123456789012345678901, "b": 1e400, "c": 1.5}'""",
            b'{"a":2.123456789012345678901,"b":1E+400,"c":1.5}',
        ),
        ("""cel('has(params.x) ? 1 : null')""", b"null"),
    ],
)
def test_json_text_means_exactly_that_json(run: Any, sandbox: Any, body: str, sent: bytes) -> None:
    run(f"CloudFunctionOperator({CALL}, method='POST', uri='\"/v1/reports\"', success_when='true', body={body})")

    (request,) = sandbox.requests
    assert request.body == sent
    assert request.header("content-type") == "application/json"


def test_a_key_twice_in_json_text_is_refused(errors: Any) -> None:
    assert "body: its JSON has the key 'a' twice" in errors(
        f"""CloudFunctionOperator({CALL}, uri='"/"', body='{{"a": 1, "a": 2}}')"""
    )


def test_a_name_twice_in_a_query_is_refused(run: Any, sandbox: Any) -> None:
    result = run(f"""CloudFunctionOperator({CALL}, uri='"/v1/customers"', query={{'"a"': "1", "a": "2"}})""")

    assert result.states == {"call": ["failed"]}
    assert sandbox.requests == []


def test_text_that_looks_like_a_step_is_text(errors: Any) -> None:
    assert (
        errors("""
    first = CloudFunctionOperator(task_id="fetch-order", uri='"/v1"')
    first >> CloudFunctionOperator(task_id="call", uri='"/v1/steps.fetch-order"')
    """)
        == ""
    )


def test_a_body_as_deep_as_none_can_be_is_refused(errors: Any) -> None:
    message = errors("""
    deep = []
    for _ in range(150):
        deep = [deep]
    CloudFunctionOperator(task_id="call", uri='"/v1"', body=deep)
    """)

    assert "is nested deeper than 100" in message


def test_nested_mapped_groups_are_refused_where_airflow_would_mix_their_instances_up(errors: Any) -> None:
    message = errors("""
    @task_group
    def inner(i):
        CloudFunctionOperator(task_id="a", uri='"/" + steps["outer.first"].id', inputs=i)
        b = CloudFunctionOperator(task_id="b", uri='"/"', inputs=i)
        b >> CloudFunctionOperator(task_id="c", uri='"/" + steps["outer.inner.b"].id')

    @task_group
    def outer(o):
        first = CloudFunctionOperator(task_id="first", uri='"/"', inputs=o)
        last = CloudFunctionOperator(task_id="last", uri='"/" + steps["outer.inner.b"].id')
        first >> inner.expand(i=[1, 2]) >> last

    outer.expand(o=[1, 2])
    """)

    assert "- outer.inner.a: uri: 1:" in message
    assert "another level of nested mapped groups" in message
    assert "- outer.last: uri: 1:" in message
    assert "- outer.inner.c" not in message


@pytest.mark.parametrize("event", ['"charge.created"', 'Asset.ref(name="a")', 'AssetAlias("a")', "5"])
def test_a_completion_event_that_is_none_is_refused(errors: Any, event: str) -> None:
    message = errors(f"""
    CloudFunctionOperator(task_id="call", uri='"/v1"', completion_event={event})
    CloudFunctionOperator.partial(task_id="mapped", uri='"/v1"', completion_event={event}).expand(inputs=[1])
    """)

    for name in ("call", "mapped"):
        assert f"- {name}: completion_event: must be a CompletionEvent or an Asset" in message


@pytest.mark.one_run_per_event
def test_an_event_with_a_run_for_each_in_ordinary_outlets_is_refused(errors: Any) -> None:
    event = 'CompletionEvent("a", one_run_per_event=True)'

    assert "starts no run" in errors(f"""EmptyOperator(task_id="nothing", outlets=[{event}])""")
    assert (
        errors(f"""
    CloudFunctionOperator(task_id="call", uri='"/v1"', outlets=[{event}], completion_event={event})
    CloudFunctionOperator(task_id="adopted", uri='"/v1"', outlets=[{event}])

    @task(outlets=[{event}])
    def own(number=0):
        pass

    own()
    own.expand(number=[1, 2])

    class Own(EmptyOperator):
        pass

    Own(task_id="own_operator", outlets=[{event}])

    class Defaults(CloudFunctionOperator):
        def __init__(self, *, completion_event={event}, **kwargs):
            super().__init__(completion_event=completion_event, **kwargs)

    Defaults.partial(task_id="by_class", uri='"/v1"').expand(inputs=[1])
    CloudFunctionOperator.partial(
        task_id="by_default_args", uri='"/v1"', default_args={{"completion_event": {event}}}
    ).expand(inputs=[1])
    """)
        == ""
    )


def test_outlets_and_events_of_default_args_are_kept(run: Any) -> None:
    result = run(
        f"""
    CloudFunctionOperator({CALL}, uri='"/v1/customers"', completion_event=CompletionEvent("own"))
    CloudFunctionOperator.partial(task_id="mapped", cloudfn_conn_id="shop", uri='"/v1/customers"').expand(inputs=[1])
    """,
        """default_args={"outlets": [Asset("everybodys")], "completion_event": CompletionEvent("shared")}""",
    )

    assert sorted(name for name, _, _ in result.asset_events()) == ["everybodys", "everybodys", "own", "shared"]


def test_bytes_in_an_event_are_described(run: Any) -> None:
    result = run(f"""
    CloudFunctionOperator({CALL}, uri='"/v1/customers"', completion_event=CompletionEvent("b"), event_payload='b"abc"')
    """)

    assert result.asset_events()[0][1]["result"] == {"content_type": None, "size": 3, "base64": "YWJj"}


def test_a_completion_event_among_the_outlets_has_its_record(run: Any) -> None:
    result = run(f"""
    CloudFunctionOperator({CALL}, uri='"/v1/customers"', outlets=[CompletionEvent("b")], event_payload="response.status")
    CloudFunctionOperator.partial(
        task_id="mapped", cloudfn_conn_id="shop", uri='"/v1/customers"', outlets=CompletionEvent("m"), event_payload="inputs"
    ).expand(inputs=[7])
    """)

    assert sorted((name, extra["result"]) for name, extra, _ in result.asset_events()) == [("b", 200), ("m", 7)]


def test_a_mapped_step_s_event_of_default_args_is_read_by_the_next_step(run: Any) -> None:
    result = run(
        """
    first = CloudFunctionOperator.partial(
        task_id="first", cloudfn_conn_id="shop", uri='"/v1/customers"', event_payload="inputs"
    ).expand(inputs=[7])
    first >> CloudFunctionOperator(
        task_id="after", cloudfn_conn_id="shop", uri='"/v1/customers"', returns='context["shared"]', completion_event=None
    )
    """,
        """default_args={"completion_event": CompletionEvent("shared")}""",
    )

    assert result.xcom("after") == 7


@pytest.mark.parametrize(
    ("signature", "handed", "is_told"),
    [("", "completion_event=CompletionEvent('x.y'), ", True), ("completion_event=None, ", "", False)],
)
def test_an_event_that_only_the_init_of_a_mapped_class_declares_is_missed_with_the_way_to_declare_it(
    run: Any, capfd: pytest.CaptureFixture[str], signature: str, handed: str, is_told: bool
) -> None:
    result = run(f"""
    class Charge(CloudFunctionOperator):
        def __init__(self, *, amount, {signature}**kwargs):
            super().__init__(uri='"/v1/customers"', inputs=amount, {handed}**kwargs)

    charge = Charge.partial(task_id="charge", cloudfn_conn_id="shop").expand(amount=[1])
    charge >> CloudFunctionOperator({CALL}, uri='"/v1/" + context["x.y"].id')
    """)

    assert result.states["call"] == ["failed"]
    text = (
        "no step before this one is known to declare it, and no such event started this run. Step 'charge' is mapped, and what "
        "the __init__ of Charge does is not known before it runs: such a class declares its event as the default of a parameter "
        "completion_event of its own. To start it by hand"
    )
    assert (text in "".join(capfd.readouterr())) is is_told


def test_no_older_event_stands_for_one_that_a_task_of_this_run_emits_by_its_outlets(
    run: Any, capfd: pytest.CaptureFixture[str]
) -> None:
    result = run(
        f"""
    event = CompletionEvent("x.y")

    @task(outlets=[event])
    def own(*, outlet_events):
        outlet_events[event].extra = {{"id": "new"}}

    own() >> CloudFunctionOperator({CALL}, uri='"/v1/" + context["x.y"].id')
    """,
        run_conf={"context": {"x.y": {"id": "old"}}},
    )

    assert result.states["call"] == ["failed"]
    assert "step 'own' emits 'x.y' by its outlets, and a step of the same run can't read that" in "".join(
        capfd.readouterr()
    )


def test_a_completion_event_that_arrives_at_run_time_is_refused_before_anything_is_sent(
    run: Any, sandbox: Any, capfd: pytest.CaptureFixture[str]
) -> None:
    result = run("""
    @task
    def given():
        return [{"inputs": 1, "completion_event": "charge.created"}]

    CloudFunctionOperator.partial(task_id="call", cloudfn_conn_id="shop", uri='"/v1/customers"').expand_kwargs(given())
    """)

    assert result.states["call"] == ["failed"]
    assert sandbox.requests == []
    assert "completion_event: it can't be expanded; give it to partial()" in "".join(capfd.readouterr())


def test_a_line_break_in_a_uri_forges_no_line_of_the_log(run: Any, capfd: pytest.CaptureFixture[str]) -> None:
    run(f"""CloudFunctionOperator({CALL}, uri="inputs", inputs="/x\\nFORGED LINE")""")

    assert not any(line.startswith("FORGED") for line in "".join(capfd.readouterr()).splitlines())


OWN_WITH_AN_OPTION = """
from airflow.sdk import task
from airflow_provider_cloudfn import Confirm, Pages, Poll

@task
def give():
    return ["response.status == 200 && " + "true"]

class Own(CloudFunctionOperator):
    def __init__(self, *, given, **arguments):
        super().__init__({option}, **arguments)
"""


@pytest.mark.parametrize(
    ("place", "option"),
    [
        ("poll.done_when", "poll=Poll(done_when=given)"),
        ("poll.result", "poll=Poll(done_when='true', result=given)"),
        ("pages.stop_when", "pages=Pages.next_link('null', stop_when=given)"),
        ("on_unknown.done_when", "on_unknown=Confirm(uri='\"/\"', done_when=given)"),
    ],
)
def test_text_that_arrives_at_run_time_is_no_expression_of_an_option_either(
    run: Any, connected: Any, capfd: pytest.CaptureFixture[str], place: str, option: str
) -> None:
    service = connected()

    result = run(
        "Own.partial(task_id='call', cloudfn_conn_id='service', uri='\"/things/1\"').expand(given=give())",
        before=OWN_WITH_AN_OPTION.replace("{option}", option),
    )

    assert result.states["call"] == ["failed"]
    assert f"{place}: is evaluated after the call, and can't come from another step" in "".join(capfd.readouterr())
    assert service.received == []


@pytest.mark.skipif(find_spec("airflow.sdk.bases.resumablejobmixin") is None, reason="Airflow 3.3 has a task state")
def test_text_that_arrives_at_run_time_is_a_path_for_an_option(run: Any, connected: Any) -> None:
    service = connected()
    service.answer_in_turn((502, {}), (200, {"n": 1}))
    option = "on_unknown=Confirm(uri=given, done_when='true')"

    result = run(
        "Own.partial(task_id='call', cloudfn_conn_id='service', method='POST', uri='\"/things/1\"', retries=1, "
        "retry_delay=datetime.timedelta(0)).expand(given=give())",
        before=OWN_WITH_AN_OPTION.replace("{option}", option).replace(
            '"response.status == 200 && " + "true"', '"/as" + "ked"'
        ),
    )

    assert result.states["call"] == ["success"]
    assert service.received[-1].target == "/asked"


@pytest.mark.parametrize(
    ("mapped", "message"),
    [
        (
            "expand(inputs=cel('steps.fetch'))",
            "expand(inputs=…): can't be an expression: Airflow counts the instances before",
        ),
        ("expand(inputs='steps.fetch')", "expand(inputs=…): can't be text"),
        ("expand(body=lit('a'))", "expand(body=…): can't be an expression"),
        ("expand_kwargs(cel('steps.fetch'))", "expand_kwargs(…): can't be an expression"),
    ],
)
def test_a_step_is_mapped_over_no_expression(errors: Any, mapped: str, message: str) -> None:
    told = errors(f"""CloudFunctionOperator.partial({CALL}, uri='"/v1/customers"').{mapped}""")

    assert message in told
    assert "expand(inputs=fetch.output)" in told


@pytest.mark.parametrize(
    ("parameters", "place"),
    [
        ("idempotency_key=True, headers={'Idempotency-Key': 'params.id'}", "Idempotency-Key"),
        ("idempotency_key=True, headers={'\"idempotency-key\"': 'params.id'}", "idempotency-key"),
        ("idempotency_key='X-Key', headers={'x-key': 'params.id'}", "x-key"),
        ("idempotency_key=cel('params.id'), headers={'idempotency-key': 'run.idempotency_key'}", "idempotency-key"),
    ],
)
def test_a_header_of_ones_own_has_no_place_beside_the_same_of_the_idempotency_key(
    errors: Any, parameters: str, place: str
) -> None:
    message = f'call: headers["{place}"]: idempotency_key sets this header: leave one of them out'

    assert message in errors(f"""CloudFunctionOperator({CALL}, method="POST", uri='"/v1"', {parameters})""")
    mapped = f"""CloudFunctionOperator.partial({CALL}, method="POST", uri='"/v1"', {parameters}).expand(inputs=[1])"""
    assert message in errors(mapped)


@pytest.mark.parametrize(
    "parameters",
    [
        "idempotency_key=False, headers={'Idempotency-Key': 'params.id'}",
        "idempotency_key='X-Key', headers={'Idempotency-Key': 'params.id'}",
        "idempotency_key=True, headers={'Idempotency-Key': None}",
    ],
)
def test_other_headers_have(errors: Any, parameters: str) -> None:
    assert errors(f"""CloudFunctionOperator({CALL}, method="POST", uri='"/v1"', {parameters})""") == ""
