"""
The table of deliveries.

Revision ID: 0001
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "cloudfn_delivery",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("source", sa.String(250), nullable=False),
        sa.Column("event_key", sa.String(36)),
        sa.Column("event_id", sa.String(250)),
        sa.Column("event_type", sa.String(250)),
        sa.Column("outcome", sa.String(20), nullable=False),
        sa.Column("reason", sa.String(60)),
        sa.Column("status", sa.SmallInteger(), nullable=False),
        sa.Column(
            "received_at",
            sa.DateTime(timezone=True).with_variant(mysql.DATETIME(fsp=6), "mysql"),
            nullable=False,
        ),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("repeats", sa.Integer(), nullable=False),
        sa.Column("asset_event_id", sa.Integer()),
        sa.Column("record", sa.Text().with_variant(mysql.MEDIUMTEXT(), "mysql")),
        sa.PrimaryKeyConstraint("id"),
        sqlite_autoincrement=True,
    )
    op.create_index("idx_cloudfn_delivery_event_key", "cloudfn_delivery", ["event_key"], unique=True)
    op.create_index("idx_cloudfn_delivery_received_at", "cloudfn_delivery", ["received_at"])
    for column in ("source", "event_type", "outcome"):
        op.create_index(f"idx_cloudfn_delivery_{column}", "cloudfn_delivery", [column, "id"])


def downgrade() -> None:
    """Take it away."""
    op.drop_table("cloudfn_delivery")
