"""What the log is told when the database does not take a delivery: the remedy only where it is one, and nothing of the statement."""

from __future__ import annotations

import sqlite3
from typing import Any

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import IntegrityError, OperationalError, ProgrammingError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from airflow_provider_cloudfn.deliveries.outage import is_overtaken, sentence_of

REMEDY = "run `airflow db migrate`"


class PostgresError(Exception):
    """What psycopg2 raises; psycopg has the code under another name."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.pgcode = code


class MySQLError(Exception):
    """What mysqlclient raises: a number and a text."""


def of_sqlite(statement: str) -> SQLAlchemyError:
    """Return what SQLite says to a statement, where there is a table with one column that is unique."""
    engine = create_engine("sqlite://")
    with engine.connect() as connection:
        connection.execute(text("create table cloudfn_delivery (source text unique)"))
        connection.execute(text("insert into cloudfn_delivery values ('s3nt')"))
        with pytest.raises(SQLAlchemyError) as raised:
            connection.execute(text(statement))
    engine.dispose()
    return raised.value


def raised_by(kind: Any, cause: Exception) -> SQLAlchemyError:
    error: SQLAlchemyError = kind("insert into cloudfn_delivery values ('s3nt')", {}, cause)
    return error


@pytest.mark.parametrize(
    "error",
    [
        of_sqlite("select * from cloudfn_other where source = 's3nt'"),
        of_sqlite("select size from cloudfn_delivery where source = 's3nt'"),
        of_sqlite("insert into cloudfn_delivery (size) values ('s3nt')"),
        raised_by(ProgrammingError, PostgresError("42P01", 'relation "cloudfn_delivery" does not exist')),
        raised_by(ProgrammingError, PostgresError("42703", 'column "size" does not exist')),
        raised_by(ProgrammingError, MySQLError(1146, "Table 'airflow.cloudfn_delivery' doesn't exist")),
        raised_by(OperationalError, MySQLError(1054, "Unknown column 'size'")),
    ],
)
def test_a_table_or_a_column_that_is_missing_is_made_by_migrating(error: SQLAlchemyError) -> None:
    assert REMEDY in sentence_of(error)
    assert "s3nt" not in sentence_of(error)


@pytest.mark.parametrize(
    "error",
    [
        of_sqlite("insert into cloudfn_delivery values ('s3nt')"),
        raised_by(ProgrammingError, PostgresError("42501", "permission denied for table cloudfn_delivery")),
        raised_by(OperationalError, PostgresError("40P01", 'deadlock detected in relation "cloudfn_delivery"')),
        raised_by(IntegrityError, MySQLError(1062, "Duplicate entry 's3nt' for key 'cloudfn_delivery.event_key'")),
        raised_by(OperationalError, sqlite3.OperationalError("database is locked")),
        PoolTimeoutError("no connection"),
    ],
)
def test_no_other_trouble_with_the_table_is_taken_for_that(error: SQLAlchemyError) -> None:
    assert REMEDY not in sentence_of(error)
    assert type(error).__name__ in sentence_of(error)
    assert "s3nt" not in sentence_of(error)


@pytest.mark.parametrize(
    ("error", "overtaken"),
    [
        (of_sqlite("insert into cloudfn_delivery values ('s3nt')"), True),
        (raised_by(IntegrityError, PostgresError("23505", "duplicate key")), True),
        (raised_by(OperationalError, PostgresError("40P01", "deadlock detected")), True),
        (raised_by(OperationalError, MySQLError(1213, "Deadlock found")), True),
        (raised_by(OperationalError, MySQLError(2006, "Server has gone away")), False),
        (raised_by(OperationalError, PostgresError("57P01", "terminating connection")), False),
        (raised_by(ProgrammingError, PostgresError("42P01", "no such table")), False),
        (PoolTimeoutError("QueuePool limit"), False),
    ],
)
def test_who_was_overtaken_may_look_again(error: SQLAlchemyError, overtaken: bool) -> None:
    assert is_overtaken(error) is overtaken
