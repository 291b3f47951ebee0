"""
The signed bytes of a delivery, so that none comes in twice.

Revision ID: 0002
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add what an event has for itself, and what it would have if it were replayed."""
    op.add_column("cloudfn_delivery", sa.Column("signed_key", sa.String(64)))
    op.add_column("cloudfn_delivery", sa.Column("claimed_key", sa.String(64)))
    op.create_index("idx_cloudfn_delivery_signed_key", "cloudfn_delivery", ["signed_key"], unique=True)


def downgrade() -> None:
    """Take both away."""
    op.drop_index("idx_cloudfn_delivery_signed_key", "cloudfn_delivery")
    op.drop_column("cloudfn_delivery", "claimed_key")
    op.drop_column("cloudfn_delivery", "signed_key")
