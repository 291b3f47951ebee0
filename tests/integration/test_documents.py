"""
Every block, table and link of the README and of ``docs/`` is what it says.

A block is tested by its language, and by the comment on the line before its fence:

=============================  =====================================================================================
``python``                     a Dag file, which runs
``python``, ``example: name``  the region of that name in ``example_dags/``, word for word
any, ``file: name``            a file that a command of the same document uses; as Python without tests a Dag file too
``sh``                         commands, one a line, each of which is carried out, or compared with what it names
``sh``, ``sender: conn_id``    a script that sends an event to the source of a connection that the same document adds
``json``                       a completion record
``json``, ``conf``             the conf of a run
``text``                       the import error of a Dag
``text``, ``failure: task_id`` the error of a task of the first example
``ini``                        options of Airflow's configuration
=============================  =====================================================================================

Nothing else may stand there: a block that no test knows is a failure.
"""

from __future__ import annotations

import configparser
import json
import re
import runpy
import shlex
import shutil
import subprocess
import sys
import textwrap
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import distribution
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from kit.server import LoopbackServer
from packaging.requirements import Requirement

from airflow_provider_cloudfn.connections.forms import FORMS
from airflow_provider_cloudfn.events.record import CompletionRecord
from airflow_provider_cloudfn.hooks.emporix import EmporixHook
from airflow_provider_cloudfn.provider_info import get_provider_info
from airflow_provider_cloudfn.testing import run
from airflow_provider_cloudfn.webhooks.incoming import incoming_events
from airflow_provider_cloudfn.webhooks.received import ReceivedRequest

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parents[2]
TABLES = runpy.run_path(str(ROOT / "docs" / "tables.py"))
DOCUMENTS: dict[str, str] = {str(file.relative_to(ROOT)): file.read_text() for file in TABLES["DOCUMENTS"]}
EXAMPLES = {file.stem: file.read_text() for file in sorted((ROOT / "example_dags").glob("*.py"))}

EACH_DOCUMENT = pytest.mark.parametrize("document", DOCUMENTS)


@dataclass(frozen=True)
class Block:
    """One fenced block: its document, its language, its text, where it begins, what it is, and of which name."""

    document: str
    language: str
    text: str
    line: int
    kind: str | None
    name: str | None

    @property
    def is_a_dag_file(self) -> bool:
        """Whether Airflow can take it as a Dag file."""
        return self.kind is None or (self.kind == "file" and not str(self.name).startswith("test_"))

    def __str__(self) -> str:
        return f"{self.document}:{self.line}"


def blocks() -> list[Block]:
    found = []
    fence = r"(?:<!-- (\w+)(?:: ([\w.]+))? -->\n)?^```(\w*)\n(.*?)^```$"
    for document, written in DOCUMENTS.items():
        for match in re.finditer(fence, written, re.MULTILINE | re.DOTALL):
            kind, name, language, text = match.groups()
            line = written.count("\n", 0, match.start(4)) + 1
            found.append(Block(document, language, text, line, kind, name))
    return found


BLOCKS = blocks()
FILES = [block for block in BLOCKS if block.kind == "file"]


def of(language: str, kind: str | None = None) -> list[Block]:
    return [block for block in BLOCKS if (block.language, block.kind) == (language, kind)]


KNOWN = {
    ("python", None),
    ("python", "example"),
    ("python", "file"),
    ("yaml", "file"),
    ("sh", None),
    ("sh", "sender"),
    ("json", None),
    ("json", "conf"),
    ("text", None),
    ("text", "failure"),
    ("ini", None),
}


@pytest.mark.parametrize("block", BLOCKS, ids=str)
def test_a_block_is_of_a_kind_that_is_tested_here(block: Block) -> None:
    assert (block.language, block.kind) in KNOWN


@EACH_DOCUMENT
def test_every_fence_is_a_block(document: str) -> None:
    fences = re.findall(r"^ *(?:```|~~~)", DOCUMENTS[document], re.MULTILINE)

    assert len(fences) == 2 * len([block for block in BLOCKS if block.document == document])


# Examples and Dags


def region(name: str) -> str:
    for text in EXAMPLES.values():
        if found := re.search(rf"^ *# \[START {name}\]\n(.*?)^ *# \[END {name}\]$", text, re.MULTILINE | re.DOTALL):
            return textwrap.dedent(found.group(1))
    raise AssertionError(f"no example has a region {name}")


@pytest.mark.parametrize("block", of("python", "example"), ids=str)
def test_a_quoted_example_is_the_example(block: Block) -> None:
    assert block.text == region(str(block.name))


@pytest.mark.parametrize("name", re.findall(r"# \[START (\w+)\]", "".join(EXAMPLES.values())))
def test_every_region_of_an_example_is_quoted_once(name: str) -> None:
    assert [block.name for block in of("python", "example")].count(name) == 1


@pytest.fixture
def services(
    sandbox: Any, connection: Callable[..., None], serve: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Let the connections that the documents name, besides the demo's, lead to the sandbox."""
    receiver = {"host": serve().url, "password": "whsec_c2VjcmV0"}
    connection(
        "receiver", conn_type="cloudfn", **receiver, extra={"auth_type": "standard_webhooks", "allow_http": False}
    )
    connection("slack", conn_type="cloudfn", host=f"{sandbox.url}/open", extra={"auth_type": "none"})
    monkeypatch.setenv("AIRFLOW_VAR_SLACK_WEBHOOK_SECRET", "/v1/reports?hook=of-the-documents")
    shop = sandbox.connections()["shop"]
    connection("myapi", **shop)
    connection("tenants", **{**shop, "extra": {**shop["extra"], "secret_values": {"tenant_key": "for-tenant-1"}}})


def dag_files() -> list[Any]:
    """Return the Dag files; those whose events have a run for each need an Airflow that has this."""
    found = [block for block in BLOCKS if block.language == "python" and block.is_a_dag_file]
    needs = {True: [pytest.mark.one_run_per_event], False: []}
    return [pytest.param(block, marks=needs["one_run_per_event=True" in block.text], id=str(block)) for block in found]


@pytest.mark.parametrize("block", dag_files())
def test_a_dag_runs(block: Block, run_dag: Callable[..., Any], sandbox: Any, services: None) -> None:
    EmporixHook("emporix").start("order.paid")
    step = {"instanceId": sandbox.processes[0].instance_id, "executionId": "x-1", "scenarioId": "s-1"}
    events = {"customer.scored": {"customer": "c-1", "score": 80}, "charge.created": {"orderId": "1001"}}
    conf = {"context": events, **step}

    result = run_dag(block.text, run_conf=conf)

    assert result.state == "success"
    # What would tell of a failure is skipped.
    assert {state for states in result.states.values() for state in states} <= {"success", "skipped"}


# Commands


def commands() -> list[Any]:
    found = []
    for block in of("sh"):
        lines = [line for line in block.text.replace("\\\n", " ").splitlines() if line.strip()]
        found += [
            pytest.param(block.document, shlex.split(line), id=f"{block}:{place}")
            for place, line in enumerate(lines, 1)
        ]
    return found


@pytest.mark.parametrize("block", FILES, ids=str)
def test_a_file_is_used_by_a_command_of_its_document(block: Block) -> None:
    assert any(block.name in param.values[1] for param in commands() if param.values[0] == block.document)


@pytest.fixture
def workplace(tmp_path: Path, example_dags: Path) -> Path:
    """Return a folder with the example Dags and the files of the documents."""
    # A copy: some commands write into it.
    shutil.copytree(example_dags, tmp_path / "example_dags", ignore=shutil.ignore_patterns("__pycache__"))
    for block in FILES:
        (tmp_path / str(block.name)).write_text(block.text)
    return tmp_path


def settings_of(conn: Any) -> Any:
    """Return a connection as the hook of its type reads it."""
    from airflow_provider_cloudfn import AmazonConnectHook, CloudFunctionHook, EmporixHook
    from airflow_provider_cloudfn.connections.event_source import event_source_of

    if conn.conn_type == "cloudfn_event_source":
        return event_source_of(conn)

    hooks = {hook.conn_type: hook for hook in (CloudFunctionHook, AmazonConnectHook, EmporixHook)}
    return hooks[str(conn.conn_type)].settings_class.from_connection(conn)


def kept(conn_id: str) -> Any:
    """Return a connection from the database, and remove it there."""
    from airflow.models.connection import Connection
    from airflow.utils.session import create_session
    from sqlalchemy import select

    with create_session() as session:
        conn = session.scalar(select(Connection).where(Connection.conn_id == conn_id))
        assert conn is not None
        session.expunge(conn)
        session.delete(conn)
        return conn


def carry_out(arguments: list[str]) -> None:
    """Do in this process what ``airflow`` does, and require it to end well."""
    from airflow.cli.cli_parser import get_parser

    options = get_parser().parse_args(arguments)
    try:
        options.func(options)
    except SystemExit as ended:
        if ended.code:
            pytest.fail(f"{arguments} ended with {ended.code}")


def know(file: Path) -> None:
    """Let Airflow's database have the Dags of a file, as its parser does."""
    from airflow.dag_processing.dagbag import DagBag
    from kit.dag_runs import write_to_database

    bag = DagBag(str(file), bundle_name="dags-folder", bundle_path=file.parent)
    assert bag.import_errors == {}
    write_to_database(bag)


def require_event_of_airflow_s_api(method: str, url: str, body: str) -> None:
    """Require a request that creates an asset event to be one that Airflow's API takes."""
    from airflow.api_fastapi.core_api.datamodels.assets import CreateAssetEventsBody

    assert (method, url) == ("POST", "$AIRFLOW_URL/api/v2/assets/events")
    given = json.loads(body)
    if "partition_key" not in CreateAssetEventsBody.model_fields:  # Airflow 3.2
        del given["partition_key"]
    assert CreateAssetEventsBody.model_validate(given).extra["orderId"] == "1001"


@pytest.mark.parametrize(("document", "command"), commands())
def test_a_command_works(
    document: str,
    command: list[str],
    airflow_database: None,
    workplace: Path,
    services: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(workplace)
    monkeypatch.setenv("_AIRFLOW_PROCESS_CONTEXT", "")  # some commands set it, and leave it
    while re.match(r"\w+=", command[0]):
        monkeypatch.setenv(*command[0].split("=", 1))
        command = command[1:]
    match command:
        case ["airflow", "cloudfn", "events", *_]:
            know(workplace / "example_dags" / "order_to_cash.py")
            carry_out(command[1:])
        case ["airflow", "cloudfn", *_] | ["airflow", "connections", "test", _]:
            carry_out(command[1:])
        case ["airflow", "connections", "add", conn_id, *_]:
            carry_out(command[1:])
            assert settings_of(kept(conn_id)) is not None
        case ["pytest", *_]:
            monkeypatch.setenv("AIRFLOW__CORE__DAGS_FOLDER", str(workplace / "example_dags"))
            # What is installed for our own tests, which takes seconds to load, a reader does not have.
            monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
            subprocess.run([sys.executable, "-m", *command], check=True, timeout=120)
        case ["make", target, *_]:
            assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), re.MULTILINE)
        case ["pip", "install", "airflow-provider-cloudfn"]:
            assert distribution(command[-1]).version
        case ["pip", "install", requirement]:
            assert Requirement(requirement).specifier
        case ["curl", "-X", method, url, "-H", _, "-H", _, "-d", body]:
            require_event_of_airflow_s_api(method, url, body)
        case _:
            raise AssertionError(f"no test knows what {command} should do")


@pytest.mark.parametrize("block", of("sh", "sender"), ids=str)
def test_a_sender_s_event_is_taken(block: Block, airflow_database: None, monkeypatch: pytest.MonkeyPatch) -> None:
    added = next(
        param.values[1]
        for param in commands()
        if param.values[1][:4] == ["airflow", "connections", "add", str(block.name)]
    )
    carry_out(added[1:])
    source = settings_of(kept(str(block.name)))
    with LoopbackServer() as server:
        monkeypatch.setenv("AIRFLOW_URL", server.url)
        subprocess.run(["bash", "-euo", "pipefail", "-c", block.text], check=True, timeout=60)

    (sent,) = server.received
    path = sent.target.removeprefix(f"/cloudfn/events/{block.name}")
    received = ReceivedRequest(method=sent.method, path=path, headers=tuple(sent.headers.items()), body=sent.body)
    (event,) = incoming_events(source, received, datetime.now(UTC))
    assert (event.type, event.id, event.data) == ("charge.created", "/charge.created 1001", {"orderId": "1001"})


# Data and errors


@pytest.mark.parametrize("block", of("json"), ids=str)
def test_a_record_is_a_record(block: Block) -> None:
    given = json.loads(block.text)

    assert CompletionRecord.from_dict(given).to_dict() == given


@pytest.mark.one_run_per_event
@pytest.mark.parametrize("block", of("json", "conf"), ids=str)
def test_a_consumer_can_be_started_by_hand_with_a_conf(
    block: Block, run_dag: Callable[..., Any], services: None
) -> None:
    result = run_dag(ROOT / "example_dags" / "order_to_cash.py", "fulfil", run_conf=json.loads(block.text))

    assert result.state == "success"


@pytest.mark.parametrize("block", of("ini"), ids=str)
def test_an_option_is_one_that_the_provider_info_declares(block: Block) -> None:
    written = configparser.ConfigParser()
    written.read_string(block.text)

    assert written.sections()
    for section in written.sections():
        assert set(written[section]) <= set(get_provider_info()["config"][section]["options"])


@pytest.mark.parametrize("block", of("text"), ids=str)
def test_an_import_error_is_what_airflow_shows(block: Block, import_errors: Callable[[str], str]) -> None:
    shown = import_errors("""
        from airflow.sdk import DAG
        from airflow_provider_cloudfn import CloudFunctionOperator

        with DAG("charge_orders", schedule=None):
            CloudFunctionOperator(task_id="fetch_order", uri='"/v1/orders/1001"')
            CloudFunctionOperator(
                task_id="charge", method="POST", uri='"/v1/charges"', body='{"amount": steps.fetch_order.total}'
            )
    """)

    assert block.text.strip() in shown


@pytest.mark.one_run_per_event
@pytest.mark.parametrize("block", of("text", "failure"), ids=str)
def test_a_failure_is_what_the_task_says(block: Block) -> None:
    answers = {"charge": {"status": 402, "headers": {"X-Request-Id": "req-7f3a"}, "body": {"error": "card declined"}}}
    fetched = {"id": "1001", "total": 42, "customer": {"id": "c-1"}}
    examples = runpy.run_path(str(ROOT / "example_dags" / "order_to_cash.py"))

    error = run(
        examples[str(block.name)],
        responses=answers[str(block.name)],
        steps={"fetch_order": fetched},
        connection={"conn_type": "cloudfn", "host": "https://api.example.com"},
    ).error

    assert f"{type(error).__name__}: {error}\n" == block.text


# Tables


@EACH_DOCUMENT
def test_the_tables_are_those_of_the_code(document: str) -> None:
    assert DOCUMENTS[document] == TABLES["filled"](DOCUMENTS[document]), "run `make docs`"


@pytest.mark.parametrize("name", TABLES["TABLES"])
def test_every_table_stands_in_one_document(name: str) -> None:
    assert "".join(DOCUMENTS.values()).count(f"<!-- table: {name} -->") == 1


def rows_of_readme_s_connections() -> list[Any]:
    section = DOCUMENTS["README.md"].partition("\n## Connections\n")[2].partition("\n## ")[0]
    rows = [
        [cell.strip(" `") for cell in line.split("|")[1:-1]] for line in section.splitlines() if line.startswith("|")
    ]
    return [pytest.param(*row[1:], id=row[0]) for row in rows[2:]]


def test_the_tables_of_connections_have_a_row_for_each_authentication_type() -> None:
    (types,) = [field.choices for form in FORMS for field in form.extras if field.name == "auth_type"]
    in_readme = [json.loads(param.values[3]).get("auth_type") for param in rows_of_readme_s_connections()]
    section = DOCUMENTS["docs/connections.md"].partition("| `auth_type` |")[2].partition("\n\n")[0]

    assert sorted(filter(None, in_readme)) == sorted(types)
    assert sorted(re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE)) == sorted(types)


@pytest.mark.parametrize(("conn_type", "field", "secret", "extra"), rows_of_readme_s_connections())
def test_a_row_of_the_readme_s_connections_is_a_connection(conn_type: str, field: str, secret: str, extra: str) -> None:
    from airflow.models.connection import Connection

    conn = Connection(
        conn_id="c",
        conn_type=conn_type,
        host="https://api.example.com" if field == "the base URL" else None,
        login=None if field == "the base URL" else "an-id",
        password="a+secret+of+mine" if secret else None,
        extra=json.loads(extra),
    )

    assert settings_of(conn) is not None


def test_every_macro_of_the_language_is_named() -> None:
    from airflow_provider_cloudfn.cel.macros import MACROS

    named = set(re.findall(r"[\w.]+", DOCUMENTS["docs/expressions.md"]))
    assert {name for name in MACROS if not {name, f".{name}"} & named} == set()


# Links and paths


def anchors(document: str) -> set[str]:
    """Return the anchors of a document's headings, as the repository's page makes them."""
    outside = re.sub(r"^```.*?^```$", "", DOCUMENTS[document], flags=re.MULTILINE | re.DOTALL)
    headings = re.findall(r"^#+ (.+)$", outside, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def links() -> list[Any]:
    found = []
    for document, text in DOCUMENTS.items():
        for place, target in enumerate(re.findall(r"\]\(([^)]+)\)", text)):
            found.append(pytest.param(document, target, id=f"{document}:{place}:{target}"))
    return found


@pytest.mark.parametrize(("document", "target"), links())
def test_a_link_leads_somewhere(document: str, target: str) -> None:
    if target.startswith("https://"):
        return
    path, _, anchor = target.partition("#")
    led = ((ROOT / document).parent / path).resolve() if path else ROOT / document

    name = str(led.relative_to(ROOT))
    assert name in DOCUMENTS or (led.suffix == ".png" and led.is_file())
    assert not anchor or anchor in anchors(name)


@EACH_DOCUMENT
def test_every_section_is_in_the_table_of_contents(document: str) -> None:
    outside = re.sub(r"^```.*?^```$", "", DOCUMENTS[document], flags=re.MULTILINE | re.DOTALL)
    sections = re.findall(r"^## (.+)$", outside, re.MULTILINE)

    contents = outside.partition("\n## ")[0]
    assert re.findall(r"\[([^\]]+)\]\(#", contents) == sections


def test_every_document_is_linked_from_the_readme() -> None:
    assert all(f"]({document})" in DOCUMENTS["README.md"] for document in DOCUMENTS if document != "README.md")


#: What other changes that are under way will add; a path that is there needs no entry.
NOT_YET = {"airflow_provider_cloudfn/connections/kinds/", "airflow_provider_cloudfn/connections/kinds/bearer.py"}


@pytest.mark.parametrize(
    "path",
    sorted(
        set(
            re.findall(r"`((?:airflow_provider_cloudfn|tests|docs|example_dags)/[\w/.]*)`", "".join(DOCUMENTS.values()))
        )
    ),
)
def test_a_path_that_is_named_is_there(path: str) -> None:
    assert path in NOT_YET or (ROOT / path).exists()


def test_the_readme_can_be_read_in_one_go() -> None:
    assert len(DOCUMENTS["README.md"].splitlines()) <= 250
