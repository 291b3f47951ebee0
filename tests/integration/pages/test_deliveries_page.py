"""What the page shows of deliveries, and who may replay them."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import pytest
from airflow.utils.session import create_session

from airflow_provider_cloudfn.deliveries.tables import Delivery
from airflow_provider_cloudfn.plugin.pages import deliveries_page

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

FROM_HERE = {"Sec-Fetch-Site": "same-origin"}


@pytest.fixture
def refused(airflow_database: None) -> Iterator[int]:
    """Return the number of a delivery that was refused."""
    with create_session() as session:
        row = Delivery(
            source="github",
            event_type="push",
            outcome="refused",
            reason="signature <b>",
            status=401,
            received_at=dt.datetime.now(tz=dt.UTC),
            size=2048,
            repeats=0,
        )
        session.add(row)
        session.flush()
        number = row.id
    yield number
    with create_session() as session:
        session.delete(session.get_one(Delivery, number))


def test_a_delivery_stands_there_with_its_reason(refused: int, visit: Callable[..., Any]) -> None:
    text = visit().get("/cloudfn/deliveries").text

    for shown in ("github", "push", "refused", "signature &lt;b&gt;", "401", "2.0 KiB"):
        assert shown in text
    assert "Once more" not in text


@pytest.mark.parametrize(
    ("query", "is_shown"),
    [
        ("source=github", True),
        ("source=other", False),
        ("outcome=refused", True),
        ("outcome=accepted", False),
        # As a browser sends the form, with the fields in which nothing is written or chosen.
        ("source=github&type=&outcome=", True),
        ("source=&type=&outcome=", True),
        ("source=&type=pull&outcome=", False),
    ],
)
def test_deliveries_are_filtered(refused: int, visit: Callable[..., Any], query: str, is_shown: bool) -> None:
    answer = visit().get(f"/cloudfn/deliveries?{query}")

    assert answer.status_code == 200
    assert ("signature &lt;b&gt;" in answer.text) == is_shown


def test_who_may_make_asset_events_is_told_why_a_refused_one_can_not_be_replayed(
    refused: int, visit: Callable[..., Any]
) -> None:
    client = visit(triggers=("d",))

    assert "only its sender can" in client.get("/cloudfn/deliveries").text
    answer = client.post(f"/cloudfn/deliveries/{refused}/replay", headers=FROM_HERE)
    assert answer.status_code == 409
    assert "only its sender can send it again" in answer.text


def test_a_replay_leads_back_to_the_list(visit: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    replayed: list[int] = []
    monkeypatch.setattr(deliveries_page, "replay", replayed.append)

    answer = visit(triggers=("d",)).post("/cloudfn/deliveries/7/replay", headers=FROM_HERE, follow_redirects=False)

    assert (answer.status_code, answer.headers["location"]) == (303, "/cloudfn/deliveries?replayed=7")
    assert replayed == [7]


@pytest.mark.parametrize(
    ("triggers", "headers"), [((), FROM_HERE), (("d",), {}), (("d",), {"Sec-Fetch-Site": "cross-site"})]
)
def test_nothing_is_replayed_without_the_right_or_by_another_site(
    refused: int,
    visit: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
    triggers: tuple[str, ...],
    headers: dict[str, str],
) -> None:
    monkeypatch.setattr(deliveries_page, "replay", pytest.fail)

    answer = visit(triggers=triggers).post(f"/cloudfn/deliveries/{refused}/replay", headers=headers)

    assert answer.status_code == 403


def test_nothing_is_shown_without_the_right_to_assets(refused: int, visit: Callable[..., Any]) -> None:
    answer = visit("stranger", reads=()).get("/cloudfn/deliveries")

    assert answer.status_code == 403
    assert "github" not in answer.text
