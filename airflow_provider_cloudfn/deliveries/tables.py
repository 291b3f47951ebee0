"""The table of deliveries, in Airflow's database."""

from __future__ import annotations

import datetime as dt
from typing import Any, Final

from sqlalchemy import BigInteger, DateTime, Index, Integer, MetaData, SmallInteger, String, Text, TypeDecorator
from sqlalchemy.dialects import mysql
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

__all__ = ["LONGEST_NAME", "VERSION_TABLE", "Delivery", "metadata"]

#: Characters of a name that is kept: as many as Airflow keeps of its own.
LONGEST_NAME: Final = 250

#: Where Alembic writes down which revision our tables have.
VERSION_TABLE: Final = "alembic_version_cloudfn"
metadata: Final = MetaData()


class _Moment(TypeDecorator[dt.datetime]):
    """An aware moment. SQLite and MySQL keep no zone: it is UTC there."""

    impl = DateTime(timezone=True).with_variant(mysql.DATETIME(fsp=6), "mysql")
    cache_ok = True

    def process_bind_param(self, value: dt.datetime | None, dialect: Any) -> dt.datetime | None:
        """Return a moment as it is written."""
        if value is None:
            return None
        moment = value.astimezone(dt.UTC)
        return moment if dialect.name == "postgresql" else moment.replace(tzinfo=None)

    def process_result_value(self, value: dt.datetime | None, dialect: Any) -> dt.datetime | None:  # noqa: ARG002 - SQLAlchemy's
        """Return a moment as it was."""
        if value is None:
            return None
        return value.replace(tzinfo=dt.UTC) if value.tzinfo is None else value.astimezone(dt.UTC)


class _Base(DeclarativeBase):
    metadata = metadata


class Delivery(_Base):
    """
    One event that came in, or one request that was refused.

    It holds no header of the request. What the event carries is in ``record``, under Airflow's Fernet key.

    - ``source``: the event source, a connection's id.
    - ``event_key``: the id of the asset event's record, and only there where one was made: it is unique, so that no event is
      made twice, by however many API servers.
    - ``signed_key``: stands for the signed bytes of the request, where the event's id is among them, and only at the first event
      of a batch. It is unique, too: nobody makes a second event of them by a header that is not signed.
    - ``claimed_key``: what ``signed_key`` is, or becomes when a delivery that was refused or ignored is replayed; not unique.
    - ``event_id``, ``event_type``: the sender's own, cut; null where there was none, or nobody has got so far.
    - ``outcome``, ``reason``, ``status``: what became of it; see ``outcome.py``. The status is the HTTP answer's.
    - ``size``: bytes of the request's body.
    - ``repeats``: how often the same event has come again.
    - ``asset_event_id``: the newest asset event that was made of it.
    """

    __tablename__ = "cloudfn_delivery"
    __table_args__ = (
        Index("idx_cloudfn_delivery_event_key", "event_key", unique=True),
        Index("idx_cloudfn_delivery_signed_key", "signed_key", unique=True),
        Index("idx_cloudfn_delivery_received_at", "received_at"),
        # What a list of the newest can be narrowed to: the few of a kind are found among a million others.
        Index("idx_cloudfn_delivery_source", "source", "id"),
        Index("idx_cloudfn_delivery_event_type", "event_type", "id"),
        Index("idx_cloudfn_delivery_outcome", "outcome", "id"),
        {"sqlite_autoincrement": True},  # A number is one delivery's for ever.
    )

    id: Mapped[int] = mapped_column(BigInteger().with_variant(Integer, "sqlite"), primary_key=True)
    source: Mapped[str] = mapped_column(String(LONGEST_NAME))
    event_key: Mapped[str | None] = mapped_column(String(36))
    signed_key: Mapped[str | None] = mapped_column(String(64))
    claimed_key: Mapped[str | None] = mapped_column(String(64))
    event_id: Mapped[str | None] = mapped_column(String(LONGEST_NAME))
    event_type: Mapped[str | None] = mapped_column(String(LONGEST_NAME))
    outcome: Mapped[str] = mapped_column(String(20))
    reason: Mapped[str | None] = mapped_column(String(60))
    status: Mapped[int] = mapped_column(SmallInteger)
    received_at: Mapped[dt.datetime] = mapped_column(_Moment)
    size: Mapped[int] = mapped_column(Integer)
    repeats: Mapped[int] = mapped_column(Integer, default=0)
    asset_event_id: Mapped[int | None] = mapped_column(Integer)
    record: Mapped[str | None] = mapped_column(Text().with_variant(mysql.MEDIUMTEXT(), "mysql"))
