"""Alembic's entry: runs the revisions on a connection, or prints their SQL."""

from __future__ import annotations

from alembic import context
from sqlalchemy import Connection, text

SCHEMA = "wikiembed"


def run_online(connection: Connection) -> None:
    """Run in one transaction; the version table lives in schema wikiembed."""
    connection.execute(text(f"create schema if not exists {SCHEMA}"))
    context.configure(connection=connection, version_table_schema=SCHEMA)
    with context.begin_transaction():
        context.run_migrations()
    connection.commit()


def run_offline() -> None:
    """Print the SQL, with the schema of the version table first."""
    context.configure(
        dialect_name="postgresql",
        version_table_schema=SCHEMA,
        dialect_opts={"paramstyle": "named"},
    )
    with context.begin_transaction():
        context.get_context().impl.static_output(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA};")
        context.run_migrations()


if context.is_offline_mode():
    run_offline()
else:
    run_online(context.config.attributes["connection"])
