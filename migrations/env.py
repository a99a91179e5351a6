"""Alembic's entry: runs the steps, then what is current, in one transaction; or prints them."""

from __future__ import annotations

from alembic import context
from alembic.operations import Operations
from sqlalchemy import Connection

from wikiembed.db.adopt import adopt
from wikiembed.db.current import write_current
from wikiembed.db.step import begin, run_pending

SCHEMA = "wikiembed"


def migrate() -> None:
    """Run the steps that are missing, then the functions, views and triggers."""
    # Each run of Alembic's own takes the operations away again when it ends.
    with context.begin_transaction():
        with Operations.context(context.get_context()):
            begin()
            if not context.is_offline_mode():
                adopt()
        context.run_migrations()
        with Operations.context(context.get_context()):
            write_current()
            run_pending()


def run_online(connection: Connection) -> None:
    """Run on `connection`; the version table lives in schema wikiembed."""
    context.configure(connection=connection, version_table_schema=SCHEMA)
    migrate()
    connection.commit()


def run_offline() -> None:
    """Print the SQL for an empty database."""
    context.configure(
        dialect_name="postgresql",
        version_table_schema=SCHEMA,
        dialect_opts={"paramstyle": "named"},
    )
    migrate()


if context.is_offline_mode():
    run_offline()
else:
    run_online(context.config.attributes["connection"])
