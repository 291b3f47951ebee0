"""
What a delivery that was refused or ignored has for itself when it is replayed.

Revision ID: 0003
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column."""
    op.add_column("cloudfn_delivery", sa.Column("claimed_key", sa.String(64)))


def downgrade() -> None:
    """Take it away."""
    op.drop_column("cloudfn_delivery", "claimed_key")
