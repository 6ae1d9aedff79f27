"""Alembic's entry: runs the migrations on the connection that `bot.database.migrate` hands in."""

from __future__ import annotations

from alembic import context

from bot.database.tables import metadata

connection = context.config.attributes["connection"]
context.configure(
    connection=connection, target_metadata=metadata, render_as_batch=True, transactional_ddl=True
)
with context.begin_transaction():
    context.run_migrations()
