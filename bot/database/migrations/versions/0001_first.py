"""The first schema: jobs, their pictures until they are delivered, and small facts."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Creates the tables of version 0.1."""
    op.create_table(
        "jobs",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("route", sa.Text, nullable=False),
        sa.Column("request", sa.Text, nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False, server_default="0"),
        sa.Column("failures", sa.Integer, nullable=False, server_default="0"),
        sa.Column("not_before", sa.Float, nullable=False, server_default="0"),
        sa.Column("parent_id", sa.Integer),
        sa.Column("user_id", sa.Integer, nullable=False),
        sa.Column("user_name", sa.Text, nullable=False),
        sa.Column("guild_id", sa.Integer),
        sa.Column("interaction_id", sa.Integer, nullable=False),
        sa.Column("application_id", sa.Integer, nullable=False),
        sa.Column("token", sa.Text, nullable=False),
        sa.Column("expires_at", sa.Float, nullable=False),
        sa.Column("channel_id", sa.Integer),
        sa.Column("message_id", sa.Integer),
        sa.Column("private", sa.Boolean, nullable=False),
        sa.Column("upload_limit", sa.Integer, nullable=False),
        sa.Column("reachable", sa.Boolean, nullable=False),
        sa.Column("accepted", sa.Boolean, nullable=False, server_default="0"),
        sa.Column("told", sa.Boolean, nullable=False, server_default="0"),
        sa.Column("created_at", sa.Float, nullable=False),
        sa.Column("started_at", sa.Float),
        sa.Column("beat_at", sa.Float),
        sa.Column("ended_at", sa.Float),
        sa.Column("error_code", sa.Text),
        sa.Column("error_sentence", sa.Text),
        sa.Column("error_ref", sa.Text),
        sa.UniqueConstraint("interaction_id", name="uq_jobs_interaction"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_jobs_line", "jobs", ["route", "status", "id"])
    op.create_index("ix_jobs_untold", "jobs", ["told", "status"])
    op.create_table(
        "pictures",
        sa.Column(
            "job_id", sa.Integer, sa.ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True
        ),
        sa.Column("position", sa.Integer, primary_key=True),
        sa.Column("media_type", sa.Text, nullable=False),
        sa.Column("width", sa.Integer, nullable=False),
        sa.Column("height", sa.Integer, nullable=False),
        sa.Column("seed", sa.Integer, nullable=False),
        sa.Column("infotext", sa.Text, nullable=False),
        sa.Column("data", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "facts",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("value", sa.Text, nullable=False),
    )
