"""The tables of this package: made by ``airflow db migrate``, and by their migrations up, down and up again."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import pytest
from airflow.utils.db_manager import RunDBManager
from airflow.utils.session import create_session
from kit.own_tables import differences
from sqlalchemy import inspect

from airflow_provider_cloudfn.deliveries.arrival import IncomingRequest
from airflow_provider_cloudfn.deliveries.db_manager import CloudFunctionDBManager
from airflow_provider_cloudfn.deliveries.ledger import Wanted, find_deliveries
from airflow_provider_cloudfn.deliveries.registration import note_refusal
from airflow_provider_cloudfn.deliveries.tables import VERSION_TABLE

if TYPE_CHECKING:
    from collections.abc import Iterator

TABLES = {"cloudfn_delivery", VERSION_TABLE}


@pytest.fixture
def session(airflow_database: None) -> Iterator[Any]:
    with create_session() as made:
        yield made


@pytest.fixture
def manager(session: Any) -> Iterator[CloudFunctionDBManager]:
    yield CloudFunctionDBManager(session)
    session.rollback()
    CloudFunctionDBManager(session).upgradedb()


def tables(session: Any) -> set[str]:
    session.commit()
    return {name for name in inspect(session.get_bind()).get_table_names() if "cloudfn" in name}


def test_airflow_finds_them_in_the_provider_info_and_makes_them(session: Any) -> None:
    managers = RunDBManager()

    if hasattr(managers, "get_required_table_names"):  # Airflow 3.3
        assert managers.get_required_table_names() >= TABLES
    assert tables(session) >= TABLES
    assert managers.check_migration(session)


def test_they_go_down_and_up_again_by_their_migrations(manager: CloudFunctionDBManager, session: Any) -> None:
    manager.downgrade("base")
    assert tables(session) == {VERSION_TABLE}
    assert not manager.check_migration()

    manager.upgradedb(use_migration_files=True)
    assert tables(session) == TABLES
    assert manager.check_migration()


def test_a_revision_goes_down_and_up_again_and_keeps_the_deliveries(
    manager: CloudFunctionDBManager, session: Any
) -> None:
    request = IncomingRequest("shop", dt.datetime(2026, 1, 31, tzinfo=dt.UTC), 5)
    note_refusal(request, "bad_body", 400)
    before = find_deliveries(Wanted())

    manager.downgrade("0001")
    assert "signed_key" not in {
        column["name"] for column in inspect(session.get_bind()).get_columns("cloudfn_delivery")
    }
    manager.upgradedb(use_migration_files=True)

    assert len(before) == 1
    assert find_deliveries(Wanted()) == before
    assert differences(session) == []


def test_a_reset_takes_them_away_and_makes_them(manager: CloudFunctionDBManager, session: Any) -> None:
    manager.drop_tables(session.connection())
    assert tables(session) == set()

    manager.initdb()
    assert tables(session) == TABLES


def test_the_migrations_make_what_the_code_reads(manager: CloudFunctionDBManager, session: Any) -> None:
    manager.downgrade("base")
    manager.upgradedb(use_migration_files=True)

    assert differences(session) == []


def test_the_newest_migration_is_that_of_this_version() -> None:
    manager = CloudFunctionDBManager(None)

    assert manager.get_script_object().get_current_head() == list(manager.revision_heads_map.values())[-1]


def test_an_airflow_whose_tables_are_not_there_yet_works_all_the_same(
    manager: CloudFunctionDBManager, session: Any, run: Any
) -> None:
    manager.downgrade("base")

    assert run("EmptyOperator(task_id='nothing')").state == "success"
