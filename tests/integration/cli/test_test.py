"""``airflow cloudfn test``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def created(tmp_path: Path) -> str:
    """Return a file with an answer."""
    file = tmp_path / "created.yaml"
    file.write_text("status: 201\nheaders: {X-Request-Id: r-1}\nbody: {id: ch_1}\n")
    return str(file)


def test_a_mocked_answer_is_carried_through(cloudfn: Callable[..., Any], charge: tuple[str, ...], created: str) -> None:
    ended = cloudfn("test", *charge, "--mock", created, "--json")

    report = ended.document
    assert ended.code == 0
    assert report["request"]["body"] == {"amount": 42, "customer": "c-1"}
    assert report["response"] == {
        "status": 201,
        "headers": {"content-type": "application/json", "x-request-id": "r-1"},
        "body": {"id": "ch_1"},
    }
    assert report["success_when"] is True
    assert report["returned"] == {"id": "ch_1"}
    assert report["completion_event"]["result"] == {"orderId": "1001", "charge": {"id": "ch_1"}}
    assert [attempt["status"] for attempt in report["attempts"]] == [201]
    assert report["error"] is None


def test_what_names_itself_a_secret_in_a_message_is_hidden_as_in_a_record(
    cloudfn: Callable[..., Any], sample: str, tmp_path: Path
) -> None:
    dag = tmp_path / "login.py"
    dag.write_text(
        "from airflow.sdk import DAG\nfrom airflow_provider_cloudfn import CloudFunctionOperator\n"
        "with DAG('d', schedule=None):\n    CloudFunctionOperator(task_id='call', cloudfn_conn_id='shop', method='POST',\n"
        """        uri='"/login"', headers={"X-Auth-Token": '"hidden-1"', "X-Page": '"5"'},\n"""
        """        query={"otp": '"hidden-2"'}, body=b"pin=hidden-3&page=1", returns="response.status")\n"""
    )
    answer = tmp_path / "answer.yaml"
    answer.write_text(
        "headers: {Content-Type: text/plain, X-Session-Token: hidden-4, Location: 'https://a.test/?sig=hidden-5'}\n"
        "body: access_token=hidden-6&page=2\n"
    )

    for command in (("render",), ("test", "--mock", str(answer))):
        for form in ((), ("--json",)):
            ended = cloudfn(command[0], "d", "call", "--file", str(dag), *command[1:], *form)
            assert ended.code == 0, ended.err
            request = ended.out[ended.out.index('"request"') :] if form else ended.out[ended.out.rindex("POST") :]
            assert "hidden-" not in request
            assert "X-Page" in request
    assert ended.document["response"]["body"] == "access_token=***&page=2"


def test_people_see_it_in_its_order(cloudfn: Callable[..., Any], charge: tuple[str, ...], created: str) -> None:
    out = cloudfn("test", *charge, "--mock", created).out

    places = [
        out.index(heading)
        for heading in ("Variables in scope", "Fields", "Request", "Response", "Attempts", "Success", "Returns")
    ]
    assert places == sorted(places)
    assert out.index("Completion event") > places[-1]


@pytest.mark.parametrize(
    ("mock", "error", "attempts"),
    [
        ("timeout", "RequestTimeoutError", 3),
        ("reset", "CommunicationError", 3),
        ("rate_limited", "ResponseError", 3),
        ("unauthorized", "AuthenticationError", 1),
        ("422", "ResponseError", 1),
    ],
)
def test_a_failure_that_has_a_name(
    cloudfn: Callable[..., Any], charge: tuple[str, ...], mock: str, error: str, attempts: int
) -> None:
    ended = cloudfn("test", *charge, "--mock", mock, "--json")

    assert ended.code == 1
    assert ended.document["error"]["type"] == error
    assert len(ended.document["attempts"]) == attempts
    assert ended.document["returned"] is None


def test_a_real_call_is_made_and_measured(cloudfn: Callable[..., Any], charge: tuple[str, ...], sandbox: Any) -> None:
    ended = cloudfn("test", *charge, "--send", "--json")

    report = ended.document
    assert ended.code == 0
    assert report["response"]["status"] == 201
    assert [stored["amount"] for stored in sandbox.charges] == [42]
    assert report["request"]["headers"]["authorization"] == "***"
    (timing,) = report["timing"]
    (attempt,) = report["attempts"]
    # Getting the token took a part of it.
    assert timing["credentials_ms"] > 0
    assert timing["first_byte_ms"] > 0
    assert sum(timing.values()) <= attempt["milliseconds"] + 1
    assert not [secret for secret in sandbox.secrets() if secret in ended.out + ended.err]


def test_a_real_call_goes_nowhere_but_where_it_was_said_to_go(
    cloudfn: Callable[..., Any], charge: tuple[str, ...], sandbox: Any
) -> None:
    goes_to = cloudfn("render", *charge, "--json").document["sends_to"]

    elsewhere = cloudfn("test", *charge, "--send", "--to", "POST https://elsewhere.test")
    assert elsewhere.code == 2
    assert f"nothing was sent, because the call goes to {goes_to}, and not to POST https://elsewhere" in elsewhere.err
    assert sandbox.requests == []
    assert cloudfn("test", *charge, "--send", "--to", goes_to).code == 0
    assert len(sandbox.charges) == 1


def test_a_real_call_needs_its_connection(cloudfn: Callable[..., Any], charge: tuple[str, ...]) -> None:
    ended = cloudfn("test", *charge, "--send")

    assert ended.code == 2
    assert "connection 'payments' is not defined: add it in the UI" in ended.err


def test_nothing_is_written_to_the_database(cloudfn: Callable[..., Any], charge: tuple[str, ...], sandbox: Any) -> None:
    from airflow.models.asset import AssetEvent
    from airflow.models.dagrun import DagRun
    from airflow.models.xcom import XComModel
    from airflow.utils.session import create_session
    from sqlalchemy import func, select

    def rows() -> list[int | None]:
        with create_session() as session:
            return [
                session.scalar(select(func.count()).select_from(model)) for model in (DagRun, XComModel, AssetEvent)
            ]

    before = rows()

    assert cloudfn("test", *charge, "--send").code == 0
    assert rows() == before


def test_what_was_recorded_answers_later_and_holds_no_secret(
    cloudfn: Callable[..., Any], charge: tuple[str, ...], sandbox: Any, tmp_path: Path
) -> None:
    record = tmp_path / "charge.json"
    sent = cloudfn("test", *charge, "--send", "--record", str(record), "--json").document

    mocked = cloudfn("test", *charge, "--mock", str(record), "--json").document

    assert mocked["returned"] == sent["returned"]
    assert mocked["response"]["body"] == sent["response"]["body"]
    assert record.stat().st_mode & 0o777 == 0o600
    assert not [secret for secret in sandbox.secrets() if secret in record.read_text()]
    assert json.loads(record.read_text())["exchanges"][0]["request"]["headers"]["authorization"] == "***"
    assert len(sandbox.charges) == 1


@pytest.mark.parametrize("name", ["no_folder/charge.json", "there.json"])
def test_where_no_record_can_be_kept_nothing_is_sent(
    cloudfn: Callable[..., Any], charge: tuple[str, ...], sandbox: Any, tmp_path: Path, name: str
) -> None:
    there = tmp_path / "there.json"
    there.write_text("kept")

    ended = cloudfn("test", *charge, "--send", "--record", str(tmp_path / name))

    assert (ended.code, "--record: " in ended.err) == (2, True)
    assert (len(sandbox.charges), there.read_text()) == (0, "kept")


def test_of_a_call_that_is_not_sent_there_is_no_record(
    cloudfn: Callable[..., Any], charge: tuple[str, ...], sandbox: Any, tmp_path: Path
) -> None:
    record = tmp_path / "charge.json"

    ended = cloudfn("test", *charge, "--send", "--to", "POST https://other.test", "--record", str(record))

    assert (ended.code, record.exists()) == (2, False)


def test_an_event_for_emporix_is_sent(
    cloudfn: Callable[..., Any], order_to_cash: str, sandbox: Any, tmp_path: Path
) -> None:
    sample = tmp_path / "s.json"
    sample.write_text('{"context": {"charge.created": {"orderId": "1001"}}}')

    ended = cloudfn("test", "fulfil", "start", "--file", order_to_cash, "--sample", str(sample), "--send", "--json")

    assert ended.code == 0
    assert ended.document["returned"]["type"] == "order.paid"
    assert len(sandbox.processes) == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "give one of --mock FILE (an answer, or the name of a failure) and --send"),
        (("--mock", "timeout", "--send"), "give one of --mock FILE"),
        (("--mock", "timeout", "--to", "GET https://a.test"), "--to says where --send may send"),
        (("--mock", "tiemout"), "--mock: there is no file tiemout, and no failure of that name; there are timeout"),
    ],
)
def test_what_can_not_be_is_refused_with_the_remedy(
    cloudfn: Callable[..., Any], charge: tuple[str, ...], arguments: tuple[str, ...], said: str
) -> None:
    ended = cloudfn("test", *charge, *arguments)

    assert ended.code == 2
    assert said in ended.err


def test_too_few_answers_are_said_so(cloudfn: Callable[..., Any], charge: tuple[str, ...], tmp_path: Path) -> None:
    mock = tmp_path / "m.json"
    mock.write_text('[{"status": 429}]')

    ended = cloudfn("test", *charge, "--mock", str(mock))

    assert ended.code == 2
    assert "there is no response left for it" in ended.err
