"""
Every way to authenticate, through every outcome, with DEBUG logging: no secret is in anything that stays.

The service answers with all that it was sent, as services that fail like to do. One Airflow process of its own runs all tasks
in one Dag; what it wrote is searched.
"""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, quote_plus

import kit
import pytest
from kit import in_memory
from kit.server import Answer, LoopbackServer, Received

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

INNER = "inner/s3cret+of&the=request"


@dataclass(frozen=True)
class Kind:
    """
    A way to authenticate.

    :param fields: The connection's, without host.
    :param secrets: What must not be seen.
    :param received: What of it the service must have received, to prove that it was in play.
    """

    fields: dict[str, Any]
    secrets: tuple[str, ...]
    received: str | None = None


def cloudfn(auth_type: str, password: str | None = None, **extra: Any) -> dict[str, Any]:
    given = {"auth_type": auth_type, "allow_http": False, "secret_values": {"inner": INNER}, **extra}
    return {"conn_type": "cloudfn", "extra": given} | ({"password": password} if password else {})


BASIC = base64.b64encode(b"alice:basic/pass+word").decode()
CLIENT = base64.b64encode(b"the-client:client/s3cret+pass").decode()

KINDS = {
    "none": Kind(cloudfn("none"), ()),
    "api key in header": Kind(
        cloudfn("api_key", "header/k3y+value", key_name="X-Api-Key"), ("header/k3y+value",), "header/k3y+value"
    ),
    "api key in query": Kind(
        cloudfn("api_key", "query/k3y+value", key_name="key", key_location="query"),
        ("query/k3y+value",),
        quote("query/k3y+value", safe=""),
    ),
    "oauth2": Kind(
        cloudfn("oauth2", "client/s3cret+pass", client_id="the-client", oauth2_url="{host}/token"),
        ("client/s3cret+pass", CLIENT, "access-t0ken-value", "refresh-t0ken-value"),
        "access-t0ken-value",
    ),
    "basic": Kind(cloudfn("basic", "basic/pass+word", username="alice"), ("basic/pass+word", BASIC), BASIC),
    "bearer": Kind(cloudfn("bearer", "bearer-t0ken-value"), ("bearer-t0ken-value",), "bearer-t0ken-value"),
    "hmac": Kind(cloudfn("hmac", "hmac/s3cret+value", hmac_header="X-Signature"), ("hmac/s3cret+value",)),
    "standard_webhooks": Kind(
        cloudfn("standard_webhooks", "whsec_c3RhbmRhcmQtd2ViaG9va3M="),
        ("whsec_c3RhbmRhcmQtd2ViaG9va3M=", "c3RhbmRhcmQtd2ViaG9va3M=", "standard-webhooks"),
    ),
    "sigv4": Kind(
        cloudfn(
            "sigv4",
            "aws/s3cret+access+key+of+forty+characters",
            aws_key_id="AKIDEXAMPLE",
            aws_service="execute-api",
            aws_region="eu-central-1",
            aws_session_token="session/t0ken+value",
        ),
        ("aws/s3cret+access+key+of+forty+characters", "session/t0ken+value"),
        "session/t0ken+value",
    ),
}

OUTCOMES = {"success": "success", "401": "failed", "500": "failed", "timeout": "failed", "garbled": "failed"}


def conn_id(kind: str) -> str:
    return kind.replace(" ", "_")


def forms(secret: str) -> set[str]:
    """Return the texts as which a secret can turn up."""
    plain = secret.encode()
    return {
        secret,
        quote(secret),
        quote(secret, safe=""),
        quote_plus(secret),
        base64.b64encode(plain).decode().rstrip("="),
        json.dumps(secret)[1:-1],
    }


class Talkative(LoopbackServer):
    """Answers with all that it was sent, in the way that the path names."""

    def __init__(self) -> None:
        super().__init__(reply=self._reply)

    def _reply(self, request: Received) -> Answer:
        path = request.target.partition("?")[0]
        headers = {"X-Request-Id": "request-1"}
        if path == "/token":
            tokens = {"access_token": "access-t0ken-value", "refresh_token": "refresh-t0ken-value"}
            return Answer.of(200, {**tokens, "token_type": "Bearer", "expires_in": 3600}, headers)
        outcome = path.rpartition("/")[2]
        if outcome == "timeout":
            self.stopping.wait(5)
        if outcome in ("401", "500"):
            return Answer.of(int(outcome), {"error": "not so", "you_sent": str(request)}, headers)
        return Answer.of(200, f"{{ {request}".encode() if outcome == "garbled" else {"ok": True}, headers)


DAG = """
from airflow.sdk import DAG
from airflow_provider_cloudfn import CloudFunctionHttpSensor, CloudFunctionOperator, cel, secret

with DAG("secrets", schedule=None):
    for conn_id in {conn_ids}:
        for outcome in {outcomes}:
            CloudFunctionOperator(
                task_id=f"{{conn_id}}-{{outcome}}", cloudfn_conn_id=conn_id, method="POST", uri=f'"/do/{{outcome}}"',
                body={{"inner": secret("inner"), "run": cel("run.dag_id")}}, headers={{"X-Inner": secret("inner")}},
                request_timeout=1, retry_attempts=1,
            )
        for mode in ("poke", "deferrable"):
            CloudFunctionHttpSensor(
                task_id=f"{{conn_id}}-{{mode}}", http_conn_id=conn_id, endpoint="/do/success", poke_interval=0.01, timeout=0.2,
                headers={{"X-Inner": secret("inner")}}, response_check=cel("response.body.ok == false"),
                deferrable=mode == "deferrable", soft_fail=True,
            )
"""

RUN = """
import json, logging, sys
from pathlib import Path
from airflow.utils.db import initdb
initdb()
from airflow.dag_processing.dagbag import DagBag
from airflow.utils.session import create_session
logging.getLogger().setLevel(logging.DEBUG)
folder = Path(sys.argv[1])
bag = DagBag(str(folder / "secrets.py"), bundle_name="dags-folder", bundle_path=folder)
assert not bag.import_errors, bag.import_errors
run = bag.dags["secrets"].test()

from airflow.models.renderedtifields import RenderedTaskInstanceFields
from airflow.models.serialized_dag import SerializedDagModel
from airflow.models.xcom import XComModel
from airflow_provider_cloudfn.records.call_record import CALL_RECORD_KEY, CallRecord
from airflow_provider_cloudfn.records.commands import COMMANDS
from airflow_provider_cloudfn.records.har import har_of
from sqlalchemy import select
from urllib.parse import quote
from airflow.api_fastapi.app import create_app
from kit import rights
from starlette.testclient import TestClient
rights.READS["reader"] = {"secrets"}
browser = TestClient(create_app(apps="core"))
browser.cookies.set("_token", rights.session_of("reader"))
def page(path):
    answer = browser.get("/cloudfn" + path)
    assert answer.status_code == 200, answer.text
    return answer.text
with create_session() as session:
    rows = list(session.scalars(select(XComModel).filter_by(key=CALL_RECORD_KEY)))
    records = {row.task_id: CallRecord.from_dict(XComModel.deserialize_value(row)) for row in rows}
    instances = run.get_task_instances(session=session)
    shown = RenderedTaskInstanceFields.get_templated_fields
    Path(sys.argv[2]).write_text(json.dumps({
        "states": {one.task_id: str(one.state) for one in instances},
        "xcom": [[row.task_id, row.key, repr(row.value)] for row in session.scalars(select(XComModel))],
        "rendered": [[one.task_id, repr(shown(one, session=session))] for one in instances],
        "serialized": [repr(row.data) for row in session.scalars(select(SerializedDagModel))],
        "records": {name: json.dumps(record.to_dict()) for name, record in records.items()},
        "archive": json.dumps(har_of(records)),
        "pages": [
            page("/"),
            *(page(f"/functions/secrets/{name}") for name in records),
            *(page(f"/calls/secrets/{quote(run.run_id, safe='')}/{name}/-1") for name in records),
        ],
        "commands": [command(one.exchange) for one in records.values() if one.exchange for command in COMMANDS.values()],
    }))
"""


@dataclass(frozen=True)
class Left:
    """What a process left behind."""

    log: str
    heard: str
    states: dict[str, str]
    xcom: list[list[str]]
    rendered: list[list[str]]
    serialized: list[str]
    records: dict[str, str]
    archive: str
    pages: list[str]
    commands: list[str]


def with_host(fields: dict[str, Any], url: str) -> dict[str, Any]:
    return json.loads(json.dumps({**fields, "host": url}).replace("{host}", url))  # type: ignore[no-any-return]  # a map


@pytest.fixture(scope="module")
def service() -> Iterator[Talkative]:
    with Talkative() as talkative:
        yield talkative


@pytest.fixture(scope="module")
def left(service: Talkative) -> Left:
    home = in_memory.new_folder()
    dags: Path = home / "dags"
    dags.mkdir()
    (dags / "secrets.py").write_text(DAG.format(conn_ids=[conn_id(kind) for kind in KINDS], outcomes=list(OUTCOMES)))
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW_CONN_")},
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(dags),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home}/airflow.db",
        "AIRFLOW__LOGGING__LOGGING_LEVEL": "DEBUG",
        "AIRFLOW__CORE__AUTH_MANAGER": "kit.rights.RightsByDag",
        "AIRFLOW__API_AUTH__JWT_SECRET": "signs-sessions" * 8,
        "PYTHONPATH": os.pathsep.join([str(Path(kit.__file__).parents[1]), os.environ.get("PYTHONPATH", "")]),
        "AIRFLOW__CLOUDFN__TOKEN_STORE_FOLDER": str(home),
        **{
            f"AIRFLOW_CONN_{conn_id(kind).upper()}": json.dumps(with_host(given.fields, service.url))
            for kind, given in KINDS.items()
        },
    }
    result = subprocess.run(
        [sys.executable, "-c", RUN, str(dags), str(home / "left.json")],
        env=environment,
        capture_output=True,
        text=True,
        timeout=280,
    )
    assert result.returncode == 0, result.stderr[-3000:]
    files = [path for path in home.rglob("*.log") if path.is_file()]
    written = [path.read_text(errors="replace") for path in files]
    lines = "\n".join([result.stdout, result.stderr, *written]).splitlines()
    return Left(
        # In `dag.test()` Airflow itself writes the messages to the supervisor into the log, those too that tell it what to mask.
        log="\n".join(line for line in lines if not ("supervisor.py" in line and "msg=MaskSecret(" in line)),
        heard="\n".join(map(str, service.received)),
        **json.loads((home / "left.json").read_text()),
    )


EACH_KIND = pytest.mark.parametrize("kind", KINDS)


@EACH_KIND
def test_each_outcome_is_what_it_was_meant_to_be(left: Left, kind: str) -> None:
    assert {outcome: left.states[f"{conn_id(kind)}-{outcome}"] for outcome in OUTCOMES} == OUTCOMES
    assert {left.states[f"{conn_id(kind)}-{mode}"] for mode in ("poke", "deferrable")} == {"skipped"}


@EACH_KIND
def test_the_secrets_were_in_play(left: Left, kind: str) -> None:
    assert KINDS[kind].received is None or KINDS[kind].received in left.heard
    assert INNER in left.heard
    assert "debug" in left.log
    assert "not so" in left.log


@EACH_KIND
def test_each_step_has_left_a_record_of_what_it_sent(left: Left, kind: str) -> None:
    for end in (*OUTCOMES, "poke", "deferrable"):
        assert f"/do/{end if end in OUTCOMES else 'success'}" in left.records[f"{conn_id(kind)}-{end}"]


@EACH_KIND
@pytest.mark.parametrize("place", ["log", "xcom", "rendered", "serialized", "records", "archive", "pages", "commands"])
def test_no_secret_stays(left: Left, kind: str, place: str) -> None:
    found = getattr(left, place)
    text = found if isinstance(found, str) else repr(found)

    assert text
    for secret in (*KINDS[kind].secrets, INNER):
        for form in forms(secret):
            at = text.find(form)
            assert at < 0, f"{form!r} in the {place}: …{text[max(0, at - 300) : at + 40]}…"


# --- what a process sees that doesn't go through Airflow's masker ----------------------------------------------------------


def shown(error: BaseException) -> str:
    """Return all that can be read of an error: its text, its attributes, and those of the errors that led to it."""
    parts = ["".join(traceback.format_exception(error))]
    seen: BaseException | None = error
    while seen is not None:
        parts += [str(seen), repr(seen), repr(seen.args), repr(vars(seen)), *getattr(seen, "__notes__", ())]
        seen = seen.__cause__ or seen.__context__
    return "\n".join(parts)


@EACH_KIND
@pytest.mark.parametrize("outcome", OUTCOMES)
def test_no_error_and_no_repr_shows_a_secret(
    service: Talkative,
    connection: Callable[..., None],
    kind: str,
    outcome: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from airflow_provider_cloudfn import secret
    from airflow_provider_cloudfn.exceptions import CloudFunctionError
    from airflow_provider_cloudfn.hooks.registry import hook_for

    monkeypatch.setenv("AIRFLOW__CLOUDFN__TOKEN_STORE_FOLDER", str(tmp_path))
    connection("service", **with_host(KINDS[kind].fields, service.url))
    hook = hook_for("service")
    text: list[str] = []
    inner = {"json": {"inner": secret("inner")}, "headers": {"X-Inner": secret("inner")}}
    try:
        response = hook.request("POST", f"/do/{outcome}", **inner, timeout=0.5 if outcome == "timeout" else 30)
        text.append(repr(response))
    except CloudFunctionError as error:
        text.append(shown(error))
    client = hook.client()
    seen = (hook, hook.settings(), client, client.auth, hook.prepare("GET", "/", headers={"X": secret("inner")}))
    text += [repr(one) for one in seen]

    assert (outcome == "success") == ("Error" not in text[0])
    for value in (*KINDS[kind].secrets, INNER):
        for form in forms(value):
            assert form not in "\n".join(text)


@EACH_KIND
def test_no_trigger_s_row_and_no_event_holds_a_secret(
    service: Talkative, connection: Callable[..., None], kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import asyncio

    from airflow.sdk.exceptions import TaskDeferred

    from airflow_provider_cloudfn import CloudFunctionHttpSensor, cel, secret

    monkeypatch.setenv("AIRFLOW__CLOUDFN__TOKEN_STORE_FOLDER", str(tmp_path))
    connection("service", **with_host(KINDS[kind].fields, service.url))
    sensor = CloudFunctionHttpSensor(
        task_id="wait",
        http_conn_id="service",
        endpoint="/do/success",
        headers={"X-Inner": secret("inner")},
        response_check=cel("response.body.ok == false"),
        poke_interval=0.01,
        timeout=1,
        deferrable=True,
    )
    with pytest.raises(TaskDeferred) as deferred:
        sensor.execute({})

    async def first() -> Any:
        async for event in deferred.value.trigger.run():
            return event
        return None

    event = asyncio.run(first())
    text = repr(
        [deferred.value.trigger.serialize(), vars(deferred.value.trigger), deferred.value.kwargs, event, sensor]
    )
    for value in (*KINDS[kind].secrets, INNER):
        for form in forms(value):
            assert form not in text
