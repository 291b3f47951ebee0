"""A receiver on Airflow's database, senders who sign, and Dags that wait for their events."""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import TYPE_CHECKING, Any

import pytest
from kit.dag_runs import parse, write_to_database
from starlette.testclient import TestClient

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from httpx import Response

SECRET = "a-secret-that-both-know"


class Sender:
    """Sends signed events to the source ``shop``."""

    def __init__(self, client: TestClient, source: str = "shop", secret: str = SECRET) -> None:
        self.client, self.source, self.secret = client, source, secret

    def __call__(self, *events: dict[str, Any], **headers: str) -> Response:
        """Send one event, or several as a batch."""
        form = "application/cloudevents+json" if len(events) == 1 else "application/cloudevents-batch+json"
        whole = [{"specversion": "1.0", "source": "/shop", **event} for event in events]
        body = json.dumps(whole[0] if len(events) == 1 else whole).encode()
        return self.raw(body, **{"Content-Type": form, **headers})

    def raw(self, body: bytes, **headers: str) -> Response:
        """Send a body as it is."""
        signed = hmac.new(self.secret.encode(), body, hashlib.sha256).hexdigest()
        return self.client.post(
            f"/{self.source}", content=body, headers={"X-Hub-Signature-256": f"sha256={signed}", **headers}
        )


@pytest.fixture(autouse=True)
def empty_tables(airflow_database: None) -> None:
    """Take out what earlier tests have left."""
    from airflow.models.asset import AssetActive, AssetEvent, AssetModel, DagScheduleAssetReference
    from airflow.utils.session import create_session
    from sqlalchemy import delete

    from airflow_provider_cloudfn.deliveries.tables import Delivery

    with create_session() as session:
        for model in (Delivery, AssetEvent, DagScheduleAssetReference, AssetActive, AssetModel):
            session.execute(delete(model))


@pytest.fixture
def source(connection: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Return a function that defines the event source ``shop``, or another one, and names it in the configuration."""
    named: list[str] = []

    def define(name: str = "shop", *, secret: str = SECRET, **extra: Any) -> None:
        fields = {"scheme": "github", **extra}
        connection(name, conn_type="cloudfn_event_source", password=secret, extra=fields)
        named.append(name)
        monkeypatch.setenv("AIRFLOW__CLOUDFN__EVENT_SOURCES", ", ".join(named))

    return define


@pytest.fixture
def client() -> Iterator[TestClient]:
    from airflow_provider_cloudfn.plugin.receiver.application import application

    with TestClient(application()) as made:
        yield made


@pytest.fixture
def send(source: Callable[..., None], client: TestClient) -> Sender:
    """Return the sender of the source ``shop``."""
    source()
    return Sender(client)


@pytest.fixture
def dags(dags_folder: Path) -> Callable[[str], None]:
    """Return a function that lets Airflow read a Dag file, whose Dags are not paused then."""

    def read(text: str) -> None:
        from airflow.models.dag import DagModel
        from airflow.utils.session import create_session
        from sqlalchemy import update

        heading = "from airflow.sdk import DAG, Asset\nfrom airflow_provider_cloudfn import CompletionEvent\n"
        bag = parse(heading + text, dags_folder, "waiting")
        assert bag.import_errors == {}
        write_to_database(bag)
        with create_session() as session:
            session.execute(update(DagModel).values(is_paused=False))

    return read


@pytest.fixture
def asset_events() -> Callable[[], list[tuple[str, Any, str | None]]]:
    """Return a function that tells the name, the extra and the partition key of each asset event."""

    def all_of_them() -> list[tuple[str, Any, str | None]]:
        from airflow.models.asset import AssetEvent
        from airflow.utils.session import create_session
        from sqlalchemy import select

        with create_session() as session:
            events = session.scalars(select(AssetEvent).order_by(AssetEvent.id))
            return [(event.name, event.extra, event.partition_key) for event in events]

    return all_of_them
