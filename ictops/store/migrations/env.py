"""Alembic's entry: migrations run on the connection that database.py hands over."""

from __future__ import annotations

from alembic import context

from ictops.store.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,  # SQLite alters a table by copying it
)
with context.begin_transaction():
    context.run_migrations()
