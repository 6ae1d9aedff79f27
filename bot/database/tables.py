"""The tables as they are now. A change here needs a migration beside it (a test compares)."""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
)

metadata = MetaData()

jobs = Table(
    "jobs",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("status", Text, nullable=False),
    Column("route", Text, nullable=False),
    Column("request", Text, nullable=False),
    Column("attempt", Integer, nullable=False, server_default="0"),
    Column("failures", Integer, nullable=False, server_default="0"),
    Column("not_before", Float, nullable=False, server_default="0"),
    Column("parent_id", Integer),
    # All backends that can paint it, with commas; `route` is the one it was made for, then
    # the one that paints it. `weight` is the member's within the guild.
    Column("routes", Text),
    Column("weight", Float, nullable=False, server_default="1"),
    # The name that an asynchronous backend gave it.
    Column("remote_id", Text),
    # Who asked.
    Column("user_id", Integer, nullable=False),
    Column("user_name", Text, nullable=False),
    Column("guild_id", Integer),
    # Where the answer goes.
    Column("interaction_id", Integer, nullable=False),
    Column("application_id", Integer, nullable=False),
    Column("token", Text, nullable=False),
    Column("expires_at", Float, nullable=False),
    Column("channel_id", Integer),
    Column("message_id", Integer),
    Column("private", Boolean, nullable=False),
    Column("upload_limit", Integer, nullable=False),
    Column("reachable", Boolean, nullable=False),
    Column("spoiler", Boolean, nullable=False, server_default="0"),
    # Whether the member has seen the waiting card, and later the end.
    Column("accepted", Boolean, nullable=False, server_default="0"),
    Column("told", Boolean, nullable=False, server_default="0"),
    # "due" while its member is still to be called to a picture that took long, then "sent".
    Column("mention", Text),
    # Times, in seconds since the epoch.
    Column("created_at", Float, nullable=False),
    Column("started_at", Float),
    Column("beat_at", Float),
    Column("ended_at", Float),
    # What came of it, if that is words (describe).
    Column("outcome", Text),
    # The last reason.
    Column("error_code", Text),
    Column("error_sentence", Text),
    Column("error_ref", Text),
    UniqueConstraint("interaction_id", name="uq_jobs_interaction"),
    sqlite_autoincrement=True,
)
Index("ix_jobs_line", jobs.c.route, jobs.c.status, jobs.c.id)
Index("ix_jobs_untold", jobs.c.told, jobs.c.status)

pictures = Table(
    "pictures",
    metadata,
    Column("job_id", Integer, ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("media_type", Text, nullable=False),
    Column("width", Integer, nullable=False),
    Column("height", Integer, nullable=False),
    Column("seed", Integer, nullable=False),
    Column("infotext", Text, nullable=False),
    Column("remark", Text),
    Column("data", LargeBinary, nullable=False),
)

sources = Table(
    "sources",
    metadata,
    Column("job_id", Integer, ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True),
    Column("role", Text, primary_key=True),
    Column("width", Integer, nullable=False),
    Column("height", Integer, nullable=False),
    Column("data", LargeBinary, nullable=False),
)
"""What guests gave, until the picture has been delivered; after a bad end for a day, so that it
can be tried again."""

facts = Table(
    "facts",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", Text, nullable=False),
)
"""Small things worth remembering, by name: the hash of the commands that Discord has."""

choices = Table(
    "choices",
    metadata,
    Column("scope", Text, primary_key=True),
    Column("scope_id", Integer, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("value", Text, nullable=False),
    Column("guild_id", Integer),
)
"""What servers, channels and members chose; `value` is JSON."""

changes = Table(
    "changes",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("scope", Text, nullable=False),
    Column("scope_id", Integer, nullable=False),
    Column("guild_id", Integer),
    Column("key", Text, nullable=False),
    Column("old", Text, nullable=False),
    Column("new", Text, nullable=False),
    Column("by_id", Integer, nullable=False),
    Column("by_name", Text, nullable=False),
    Column("at", Float, nullable=False),
    sqlite_autoincrement=True,
)
Index("ix_changes_guild", changes.c.guild_id, changes.c.id)
"""Who changed what, when (seconds since the epoch)."""
