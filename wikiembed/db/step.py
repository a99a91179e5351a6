"""Run the SQL of a migration: whole files of ``migrations/``, sent unchanged.

``op.execute`` would read ``:name`` as a parameter and ``exec_driver_sql`` would read ``%``; a
statement without parameters, or the offline printer, reads neither.
"""

from __future__ import annotations

from typing import Any

from alembic import op
from alembic.util.exc import CommandError
from sqlalchemy import text

from wikiembed.db.connect import SCHEMA_CHANGE
from wikiembed.db.location import migrations_dir

_PENDING = "wikiembed_pending"
OURS = ("wikiembed", "wikiembed_private", "wikiembed_queue")
"""Schemas whose objects belong to the migrations: an extension of a user's has no place there."""


def run(sql: str) -> None:
    """Run `sql`, one statement or many; in offline mode print it."""
    context = op.get_context()
    if context.as_sql:
        context.impl.static_output(sql.strip() + "\n")
    else:
        connection = op.get_bind().execution_options(no_parameters=True)
        connection.exec_driver_sql(sql)


def run_files(*names: str) -> None:
    """Run ``migrations/<name>.sql`` of each name."""
    for name in names:
        run((migrations_dir() / f"{name}.sql").read_text(encoding="utf-8"))


def run_after_current(sql: str) -> None:
    """Run `sql`, which calls functions, after those of ``migrations/current`` are written."""
    _attributes().setdefault(_PENDING, []).append(sql)


def run_pending() -> None:
    """Run what steps passed to `run_after_current`."""
    for sql in _attributes().pop(_PENDING, []):
        run(sql)


def begin() -> None:
    """Create the schema of the version table, and put pgvector's schema on the search path.

    The files name its types without a schema, so that pgvector may be in any schema.
    """
    run(SCHEMA_CHANGE)
    run("create schema if not exists wikiembed;")
    run(f"set local search_path = pg_catalog, {vector_schema()}, pg_temp;")


def vector_schema() -> str:
    """The quoted schema of pgvector, which is created if missing."""
    if op.get_context().as_sql:
        run("create extension if not exists vector with schema public;")
        return _quoted("public")
    query = text(
        "select n.nspname from pg_extension e join pg_namespace n on n.oid = e.extnamespace"
        " where e.extname = 'vector'"
    )
    name = op.get_bind().execute(query).scalar_one_or_none()
    if name is None:
        # "$user" is the first schema of the search path: ours, where the role is named wikiembed.
        path = text("select current_schemas(false)")
        schemas: list[str] = op.get_bind().execute(path).scalar_one()
        name = next((one for one in schemas if one not in OURS), "public")
        run(f"create extension vector schema {_quoted(name)}")
    elif name in OURS:
        name = "public"
        run("alter extension vector set schema public")
    return _quoted(str(name))


def dimensions() -> int:
    """Dimensions of the wiki's vector column, as set by the caller of Alembic."""
    value = _attributes().get("dimensions")
    if not isinstance(value, int):
        raise CommandError("run it through `wikiembed migrate`, which knows the dimensions")
    return value


def _attributes() -> dict[str, Any]:
    config = op.get_context().config
    if config is None:
        raise CommandError("run it through `wikiembed migrate`")
    return config.attributes


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
