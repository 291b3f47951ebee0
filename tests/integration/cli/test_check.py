"""``airflow cloudfn check``."""

from __future__ import annotations

import ast
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from airflow.triggers.base import BaseEventTrigger

from airflow_provider_cloudfn.cli.check_command import line_of_task
from airflow_provider_cloudfn.cli.options import READERS
from airflow_provider_cloudfn.provider_info import get_provider_info

if TYPE_CHECKING:
    from collections.abc import Callable

EXAMPLES = Path(__file__).parents[3] / "example_dags"
HEAD = "from airflow.sdk import DAG\nfrom airflow_provider_cloudfn import CloudFunctionOperator, CompletionEvent\n"


@pytest.fixture
def wrong(tmp_path: Path) -> Path:
    """Return a Dag file with something wrong in several tasks."""
    file = tmp_path / "wrong.py"
    file.write_text(
        HEAD
        + textwrap.dedent("""
            with DAG("wrong", schedule=None):
                CloudFunctionOperator(task_id="first", uri="/v1/x")
                for name in ("a", "b"):
                    CloudFunctionOperator(
                        task_id=f"call_{name}",
                        uri='"/v1"',
                        query={"since": "2024-01-01"},
                    )
                CloudFunctionOperator.partial(task_id="mapped").expand(uri=['"/1"', "nope"])
        """)
    )
    return file


@pytest.mark.parametrize("names", [("a", "b"), ("b", "a")])
def test_of_two_dags_with_one_id_each_problem_is_told_with_its_own_file(
    cloudfn: Callable[..., Any], tmp_path: Path, names: tuple[str, str]
) -> None:
    right, wrong = (tmp_path / f"{name}.py" for name in names)
    dag = f"{HEAD}\nwith DAG('one', schedule=None):\n    CloudFunctionOperator(task_id='a', uri='%s')\n"
    right.write_text(dag % '"/v1"')
    wrong.write_text(dag % "/v1")

    (problem,) = cloudfn("check", str(tmp_path), "--json").document["problems"]

    assert (problem["file"], problem["line"], problem["task_id"]) == (str(wrong), 5, "a")


def test_a_folder_without_dags_is_not_well(cloudfn: Callable[..., Any], tmp_path: Path) -> None:
    done = cloudfn("check", str(tmp_path))

    assert "0 Dags: there is no Dag to check: is it the right folder?" in done.out


def test_a_misspelt_parameter_is_told_with_its_line_and_the_one_that_is_meant(
    cloudfn: Callable[..., Any], tmp_path: Path
) -> None:
    file = tmp_path / "broken.py"
    file.write_text(
        f"{HEAD}\nwith DAG('broken', schedule=None):\n"
        """    CloudFunctionOperator(task_id="a", uri='"/"', retry_attemps=2)\n"""
    )

    (problem,) = cloudfn("check", str(file), "--json").document["problems"]

    assert problem["line"] == 5
    assert problem["message"].endswith(
        "CloudFunctionOperator 'a':\nretry_attemps: there is no such parameter; did you mean retry_attempts?"
    )


@pytest.mark.one_run_per_event
def test_the_examples_are_well(cloudfn: Callable[..., Any]) -> None:
    ended = cloudfn("check", str(EXAMPLES), "--json")

    assert ended.code == 0
    assert ended.document["problems"] == []
    assert ended.document["tasks"] == 22
    assert ended.document["expressions"] > 20


def test_each_problem_has_file_and_line_of_its_task(cloudfn: Callable[..., Any], wrong: Path) -> None:
    ended = cloudfn("check", str(wrong.parent), "--json")

    assert ended.code == 1
    assert [
        (Path(one["file"]), one["line"], one["dag_id"], one["task_id"], one["field"])
        for one in ended.document["problems"]
    ] == [
        (wrong, 5, "wrong", "first", "uri"),
        (wrong, 7, "wrong", "call_a", 'query["since"]'),
        (wrong, 7, "wrong", "call_b", 'query["since"]'),
        (wrong, 12, "wrong", "mapped", "uri"),
    ]


def test_people_can_click_on_it(cloudfn: Callable[..., Any], wrong: Path) -> None:
    out = cloudfn("check", str(wrong)).out

    assert f'{wrong}:7: wrong.call_a: query["since"]: 1:1: 2024-01-01 is arithmetic (= 2022)' in out
    assert "7 expressions in 4 tasks of 1 Dag: 4 problems" in out


def test_a_file_that_can_not_be_imported_is_a_problem(cloudfn: Callable[..., Any], tmp_path: Path) -> None:
    file = tmp_path / "broken.py"
    file.write_text(f"{HEAD}\n1 / 0\n")

    (problem,) = cloudfn("check", str(file), "--json").document["problems"]

    assert (problem["file"], problem["line"]) == (str(file), 4)
    assert problem["message"] == "ZeroDivisionError: division by zero"


@pytest.mark.parametrize("given", ["dags", "dags/broken.py", "."])
def test_it_is_named_by_the_path_that_was_given(
    cloudfn: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: str
) -> None:
    file = tmp_path / "dags" / "broken.py"
    file.parent.mkdir()
    file.write_text(f"{HEAD}raise ValueError('broken')\n")
    monkeypatch.chdir(tmp_path)

    (problem,) = cloudfn("check", given, "--json").document["problems"]

    assert (problem["file"], problem["line"]) == ("dags/broken.py", 3)


def test_an_error_of_several_lines_is_shown_whole(cloudfn: Callable[..., Any], tmp_path: Path) -> None:
    file = tmp_path / "broken.py"
    file.write_text(
        f"{HEAD}\nwith DAG('broken', schedule=None):\n"
        """    CloudFunctionOperator(task_id="a", uri='"/"', colour="x")\n"""
    )

    (problem,) = cloudfn("check", str(file), "--json").document["problems"]

    assert problem["line"] == 5
    assert problem["message"].startswith("TypeError: Invalid arguments were passed to CloudFunctionOperator")
    assert "**kwargs: {'colour': 'x'}" in problem["message"]


@pytest.mark.one_run_per_event
def test_a_schedule_that_never_fires_is_a_problem(cloudfn: Callable[..., Any], tmp_path: Path) -> None:
    file = tmp_path / "silent.py"
    file.write_text(
        f"{HEAD}\nwith DAG('silent', schedule=[CompletionEvent('paid', one_run_per_event=True)]):\n"
        """    CloudFunctionOperator(task_id="a", uri='"/"')\n"""
    )

    (problem,) = cloudfn("check", str(file), "--json").document["problems"]

    assert (problem["line"], problem["dag_id"], problem["task_id"]) == (4, "silent", None)
    assert "an ordinary schedule never fires" in problem["message"]


PRODUCER = """
    CloudFunctionOperator(task_id="list", uri='"/"', completion_event=CompletionEvent({event}))
"""
CONSUMER = """
    CloudFunctionOperator(task_id="note", uri='"/"')
"""


@pytest.fixture
def checked(cloudfn: Callable[..., Any], tmp_path: Path) -> Callable[[str, str], Any]:
    """Return a function that checks a producer and a consumer, each in a file of its own."""

    def check(event: str, schedule: str) -> Any:
        # The consumer is parsed first, when nobody has declared the event.
        for name, dag, tasks in (("a", schedule, CONSUMER), ("b", "None", PRODUCER.format(event=event))):
            body = f"{HEAD}from airflow.sdk import Asset\n\nwith DAG('{name}', schedule={dag}):{tasks}"
            (tmp_path / f"{name}.py").write_text(body)
        return cloudfn("check", str(tmp_path), "--json")

    return check


@pytest.mark.one_run_per_event
@pytest.mark.parametrize(
    ("event", "schedule", "said"),
    [
        ("'a.listed', one_run_per_event=True", "[CompletionEvent('a.listed')]", "an ordinary schedule never fires"),
        (
            "'b.listed'",
            "CompletionEvent('b.listed', one_run_per_event=True).each()",
            "emitted without one_run_per_event",
        ),
        ("'items.listed'", "[CompletionEvent('itms.listed')]", "did you mean 'items.listed'?"),
        ("'c.listed'", "[Asset('c.listed')]", "write CompletionEvent('c.listed')"),
    ],
)
def test_a_schedule_that_no_event_of_the_other_dags_fires_is_a_problem(
    checked: Callable[[str, str], Any], event: str, schedule: str, said: str
) -> None:
    ended = checked(event, schedule)

    assert ended.code == 1
    (problem,) = ended.document["problems"]
    assert (problem["line"], problem["dag_id"], problem["field"]) == (5, "a", "schedule")
    assert said in problem["message"]


@pytest.mark.parametrize(
    ("event", "schedule", "said"),
    [
        ("'d.listed'", "None", [("b", "completion_event", "nothing here is scheduled on 'd.listed'")]),
        (
            "'e.listed'",
            "[CompletionEvent('order.paid')]",
            [
                ("a", "schedule", "nothing here emits 'order.paid'"),
                ("b", "completion_event", "nothing here is scheduled on 'e.listed'"),
            ],
        ),
        ("'f.listed'", "[CompletionEvent('f.listed')]", []),
        ("'g.listed'", "Asset('elsewhere') | CompletionEvent('g.listed')", []),
        ("'h.listed'", "[Asset.ref(name='h.listed')]", []),
    ],
)
def test_what_another_deployment_may_do_is_a_note(
    checked: Callable[[str, str], Any], event: str, schedule: str, said: list[tuple[str, str, str]]
) -> None:
    ended = checked(event, schedule)

    assert ended.code == 0
    notes = [(one["dag_id"], one["field"], one["message"]) for one in ended.document["warnings"]]
    assert [note[:2] for note in notes] == [one[:2] for one in said]
    assert all(text in note[2] for note, (_, _, text) in zip(notes, said, strict=True))


@pytest.fixture
def plain(tmp_path: Path) -> Path:
    """Return a folder with a Dag in which nothing is wrong, on any Airflow."""
    (tmp_path / "plain.py").write_text("from airflow.sdk import DAG\n\nwith DAG('plain', schedule=None):\n    pass\n")
    return tmp_path


def test_an_option_that_nothing_reads_is_a_note(
    cloudfn: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, plain: Path
) -> None:
    given = {"EVENT_LIMITT": "1", "CALL_RECORDS": "none", "TOKEN_STORE_CMD": "echo memory", "FROBNICATE": "true"}
    for name, value in given.items():
        monkeypatch.setenv(f"AIRFLOW__CLOUDFN__{name}", value)

    ended = cloudfn("check", str(plain), "--json")

    assert ended.code == 0
    assert [(one["field"], one["message"]) for one in ended.document["warnings"] if one["file"] == "[cloudfn]"] == [
        ("event_limitt", "there is no such option, and it is passed over; did you mean event_limit?"),
        ("frobnicate", "there is no such option, and it is passed over"),
    ]


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("xcom_limit", "5MB", "must be a whole number of bytes, or 0 for no limit, not '5MB'"),
        ("event_limit", "-1", "must be a whole number of bytes, or 0 for no limit, not '-1'"),
        (
            "event_storage",
            "events",
            "'events' is a place of each process's own; write such as 's3://aws_default@bucket/events'",
        ),
        ("events_in_backfills", "yes", "must be one of silent, emit, not 'yes'"),
        ("longest_wait_on_worker", "5m", "must be seconds from 0 to 86,400, not '5m'"),
        ("deliveries_kept", "ever", "must be a whole number of days up to 36,500, or 0 for ever, not 'ever'"),
        ("call_records", "some", "must be one of all, failures, none, not 'some'"),
        ("token_store_folder", "tokens", "'tokens' is a place of each process's own; write such as '/var/lib/airflow'"),
        ("try_it", "maybe", "must be True or False, not 'maybe'"),
        ("implicit_dependencies", "maybe", "must be True or False, not 'maybe'"),
    ],
)
def test_an_option_whose_value_will_be_refused_is_a_problem(
    cloudfn: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, plain: Path, option: str, value: str, said: str
) -> None:
    monkeypatch.setenv(f"AIRFLOW__CLOUDFN__{option.upper()}", value)

    ended = cloudfn("check", str(plain), "--json")

    found = [(one["field"], one["message"]) for one in ended.document["problems"] if one["file"] == "[cloudfn]"]
    assert (ended.code, found) == (1, [(option, said)])


def test_every_option_that_can_be_wrong_is_read() -> None:
    options = get_provider_info()["config"]["cloudfn"]["options"]
    switches = {name for name, option in options.items() if option["type"] == "boolean"}

    # The names of connections.
    assert options.keys() - switches - READERS.keys() == {"event_sources"}


@pytest.mark.parametrize("is_paused", [True, False])
def test_a_paused_consumer_is_a_note(checked: Callable[[str, str], Any], is_paused: bool) -> None:
    from airflow.models.dag import DagModel
    from airflow.models.dagbundle import DagBundleModel
    from airflow.utils.session import create_session

    with create_session() as session:
        session.merge(DagBundleModel(name="dags-folder"))
        session.flush()
        session.merge(DagModel(dag_id="a", bundle_name="dags-folder", is_paused=is_paused))

    ended = checked("'i.listed'", "[CompletionEvent('i.listed')]")

    with create_session() as session:
        session.delete(session.get(DagModel, "a"))
    assert ended.code == 0
    assert [one["message"].partition(",")[0] for one in ended.document["warnings"]] == [
        "this Dag is paused"
    ] * is_paused


def test_what_is_not_there_is_refused(cloudfn: Callable[..., Any]) -> None:
    ended = cloudfn("check", "/nowhere")

    assert ended.code == 2
    assert "there is no file or folder /nowhere" in ended.err


def test_the_configured_folder_is_checked_by_default(cloudfn: Callable[..., Any], dags_folder: Path) -> None:
    (dags_folder / "one.py").write_text(
        f"""{HEAD}\nwith DAG("one", schedule=None):\n    CloudFunctionOperator(task_id="a", uri='"/"')\n"""
    )

    assert cloudfn("check", "--json").document["tasks"] == 1


@pytest.mark.parametrize(
    ("source", "task_id", "line"),
    [
        ("A(task_id='a')", "a", 1),
        ("\nA(task_id='a')", "group.a", 2),
        ("A(task_id=f'a_{x}')", "a_1", 1),
        ("A(task_id=f'a_{x}')\nA(task_id='a_1')", "a_1", 2),
        ("A(task_id=name)", "a", None),
        ("A('a')", "a", None),
        ("@task.cloudfn(\n  uri='x')\ndef call(): ...", "group.call", 1),
        ("def call(): ...\n@task.cloudfn\ndef call(): ...", "call__2", 2),
    ],
)
def test_the_line_of_a_task(source: str, task_id: str, line: int | None) -> None:
    assert line_of_task(ast.parse(source), task_id) == line


def test_a_decorated_function_is_checked_and_found(cloudfn: Callable[..., Any], tmp_path: Path) -> None:
    file = tmp_path / "decorated.py"
    file.write_text(
        "from airflow.sdk import DAG, task\n"
        'with DAG("decorated", schedule=None):\n'
        "    @task.cloudfn(uri='\"/v1\"', body='input')\n"
        "    def call(n):\n"
        "        return n\n"
        "    call(1)\n"
        "    call.expand(n=[1])\n"
    )

    ended = cloudfn("check", str(file), "--json")

    assert ended.code == 1
    assert [(one["line"], one["task_id"], one["field"]) for one in ended.document["problems"]] == [
        (3, "call", "body"),
        (3, "call__1", "body"),
    ]


MAPPED = """
from airflow.sdk import DAG, task
from airflow_provider_cloudfn import CloudFunctionOperator, EmporixStartOperator, ForEach, cel

with DAG("mapped", schedule=None):
    @task
    def orders(): return [1, 2]

    {step}
"""
POST = "CloudFunctionOperator.partial(task_id='call', method='POST', uri='\"/\"', {given}).{over}"
START = "EmporixStartOperator.partial(task_id='call', event_type='e', subject='s', {given}).{over}"


@pytest.mark.parametrize(
    ("step", "given", "over", "field"),
    [
        (POST, "idempotency_key=True", "expand(inputs=orders())", "idempotency_key"),
        (POST, "idempotency_key=True", "expand_kwargs(orders())", "idempotency_key"),
        (POST, "headers={'X-Key': 'run.idempotency_key'}", "expand(inputs=orders())", "idempotency_key"),
        (START, "case_id='c'", "expand(payload=orders())", "id_from"),
        (POST, "idempotency_key=cel('inputs')", "expand(inputs=orders())", None),
        (
            POST,
            "headers={'X-Key': 'run.idempotency_key'}, idempotency_key=cel('inputs')",
            "expand(inputs=orders())",
            None,
        ),
        (POST, "headers={'X-Run': 'run.id'}", "expand(inputs=orders())", None),
        (POST, "idempotency_key=True", "expand(inputs=[1, 2])", None),
        (POST, "idempotency_key=True, body='item'", "expand(for_each=orders())", None),
        (START, "case_id='c'", "expand(id_from=orders())", None),
        (START, "case_id='c'", "expand_kwargs(orders())", None),
    ],
)
def test_a_key_that_follows_the_place_in_another_step_s_list_is_noted(
    cloudfn: Callable[..., Any], tmp_path: Path, step: str, given: str, over: str, field: str | None
) -> None:
    file = tmp_path / "mapped.py"
    file.write_text(MAPPED.format(step=step.format(given=given, over=over)))

    ended = cloudfn("check", str(file), "--json")

    assert (ended.code, ended.document["problems"]) == (0, [])
    notes = [note for note in ended.document["warnings"] if note["field"] in ("idempotency_key", "id_from")]
    assert [(note["task_id"], note["field"], note["line"]) for note in notes] == ([("call", field, 9)] if field else [])
    assert all("follows the place in the list" in note["message"] for note in notes)


@pytest.mark.parametrize(
    ("given", "over", "is_noted"),
    [
        ("headers={'Idempotency-Key': 'run.id'}", "expand(inputs=orders())", True),
        ("headers={'X-Idempotency-Key': '\"fix\"'}", "expand(inputs=[1, 2])", True),
        ("headers={'Idempotency-Key': 'run.idempotency_key'}", "expand(inputs=[1, 2])", False),
        ("headers={'Idempotency-Key': '\"k\" + string(inputs)'}", "expand(inputs=orders())", False),
        ("headers={'X-Run': 'run.id'}", "expand(inputs=[1, 2])", False),
        ("body={'a': 1}", "expand(headers=[{'Idempotency-Key': '\"a\"'}, {'Idempotency-Key': '\"b\"'}])", False),
    ],
)
def test_a_key_that_all_instances_of_a_mapped_step_share_is_noted(
    cloudfn: Callable[..., Any], tmp_path: Path, given: str, over: str, is_noted: bool
) -> None:
    file = tmp_path / "mapped.py"
    file.write_text(MAPPED.format(step=POST.format(given=given, over=over)))

    ended = cloudfn("check", str(file), "--json")

    notes = [note for note in ended.document["warnings"] if "is the same for every instance" in note["message"]]
    assert [(note["task_id"], note["field"], note["line"]) for note in notes] == [("call", "headers", 9)] * is_noted


def test_a_task_is_looked_for_in_its_own_dag() -> None:
    tree = ast.parse(
        'with DAG("a"):\n    O(task_id="fetch")\nwith DAG(dag_id="b"):\n    O(task_id="fetch")\n'
        '@dag("c")\ndef c():\n    O(task_id="fetch")\nO(task_id="other", dag=d)\n'
    )

    assert [line_of_task(tree, "fetch", dag) for dag in ("a", "b", "c", "d")] == [2, 4, 7, 2]
    assert line_of_task(tree, "other", "a") == 8


@pytest.mark.skipif(
    not hasattr(BaseEventTrigger, "create_shared_stream_producer"), reason="this Airflow keeps no state of assets"
)
def test_an_event_with_a_watcher_is_emitted_by_it(cloudfn: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "watched.py").write_text("""
from airflow.sdk import DAG, AssetWatcher
from airflow_provider_cloudfn import CloudFunctionEventTrigger, CloudFunctionOperator, CompletionEvent

trigger = CloudFunctionEventTrigger(cloudfn_conn_id="shop", uri='"/v1/orders"')
placed = CompletionEvent("order.placed", watchers=[AssetWatcher(name="orders", trigger=trigger)])
with DAG("producer", schedule=None):
    CloudFunctionOperator(task_id="a", uri='"/"', completion_event=CompletionEvent("order.places"))
with DAG("consumer", schedule=[placed]):
    CloudFunctionOperator(task_id="b", uri='"/"')
""")

    ended = cloudfn("check", str(tmp_path), "--json")

    assert (ended.code, ended.document["problems"]) == (0, [])
    assert "order.placed" not in str(ended.document["warnings"])


@pytest.mark.parametrize(
    ("parameters", "noted"),
    [
        ('headers={"X-Api-Key": \'"abc123"\'}', [('headers["X-Api-Key"]', "secret('x_api_key') here")]),
        ('headers={"X-Other": lit("ghp_abcdefghijklmnopqrstuvwxyz0123")}', [('headers["X-Other"]', "secret('token')")]),
        ('query={"access_token": [\'"abc"\']}', [('query["access_token"]', "access_token")]),
        ('query={"access_token": \'"abc"\', "page_token": "params.page"}', [('query["access_token"]', "access_token")]),
        ('body={"inner": [{"client_secret": "abc"}]}', [('body["inner"]["client_secret"]', "client_secret")]),
        ('body=\'{"password": "hunter2"}\'', [('body["password"]', "secret('password') here")]),
        ('body=\'{"a": "sk_live_abcdefghijk", "b": params.page}\'', [("body", "secret('token') here")]),
        (
            'headers={"X-Token": secret("tok"), "Idempotency-Key": "run.idempotency_key", "X-Key": "params.key"}',
            [],
        ),
    ],
)
def test_a_credential_in_a_dag_file_is_a_note(
    cloudfn: Callable[..., Any], tmp_path: Path, parameters: str, noted: list[tuple[str, str]]
) -> None:
    (tmp_path / "secrets_of_a_dag.py").write_text(
        "from airflow.sdk import DAG\nfrom airflow_provider_cloudfn import CloudFunctionOperator, lit, secret\n\n"
        "with DAG('secrets_of_a_dag', schedule=None, params={'page': 1, 'key': 'x'}):\n"
        f"    CloudFunctionOperator(task_id='call', method='POST', uri='\"/v1/items\"', {parameters})\n"
    )

    ended = cloudfn("check", str(tmp_path), "--json")

    assert ended.code == 0
    notes = [(one["field"], one["message"]) for one in ended.document["warnings"] if one["task_id"] == "call"]
    assert [field for field, _ in notes] == [field for field, _ in noted]
    assert all(said in message for (_, message), (_, said) in zip(notes, noted, strict=True))


def test_a_credential_in_a_path_is_a_note(cloudfn: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "path.py").write_text(
        "from airflow.sdk import DAG\nfrom airflow_provider_cloudfn import CloudFunctionOperator\n\n"
        "with DAG('path', schedule=None):\n"
        "    CloudFunctionOperator(task_id='call', uri='\"/v1/items?access_token=abcdef123456789\"')\n"
    )

    (note,) = cloudfn("check", str(tmp_path), "--json").document["warnings"]

    assert (note["field"], note["line"]) == ("uri", 5)
    assert "write secret('token') in query" in note["message"]
