"""Spoilers; remarks on pictures that were not made quite as asked."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds the columns."""
    with op.batch_alter_table("jobs") as table:
        table.add_column(sa.Column("spoiler", sa.Boolean, nullable=False, server_default="0"))
    with op.batch_alter_table("pictures") as table:
        table.add_column(sa.Column("remark", sa.Text))
