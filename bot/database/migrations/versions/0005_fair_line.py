"""Who can paint a job, who is to be mentioned, what weighs more; jobs that expired."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds the columns."""
    with op.batch_alter_table("jobs") as table:
        table.add_column(sa.Column("routes", sa.Text))
        table.add_column(sa.Column("weight", sa.Float, nullable=False, server_default="1"))
        table.add_column(sa.Column("mention", sa.Text))
        table.add_column(sa.Column("remote_id", sa.Text))
